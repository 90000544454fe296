"""Layers built on ops: norms, MLP, attention, Mamba-2, the layout grammar, isotropic stacks."""
