"""What scoring a model on held-out bases gives."""

from genomenet.study.results import Likelihood

__all__ = ["Likelihood"]
