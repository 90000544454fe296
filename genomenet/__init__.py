"""GenomeNet: train DNA language models on raw nucleotides and compare architectures fairly."""

__version__ = "0.1.0"
