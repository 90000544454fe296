"""Numerical kernels, each with a slow float64 oracle in tests/oracles."""
