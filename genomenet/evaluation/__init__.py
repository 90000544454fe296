"""Held-out likelihood and what it is made of."""
