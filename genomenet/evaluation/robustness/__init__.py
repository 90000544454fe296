"""What noise leaves of a model's gain."""
