"""Where boundaries fall, beside controls."""
