"""Probes: simple classifiers on frozen embeddings, beside twins without training and floors."""
