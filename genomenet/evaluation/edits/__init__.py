"""Variants and stop cassettes: how much likelier an edit makes a sequence."""
