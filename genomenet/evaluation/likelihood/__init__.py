"""Held-out likelihood: where, with what certainty, and compared with what."""
