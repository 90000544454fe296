"""Code that `genomenet export --format hf` puts beside the weights, for transformers."""
