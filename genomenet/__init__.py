"""GenomeNet: train DNA language models on raw nucleotides and compare their architectures fairly."""

__version__ = "0.1.0"
