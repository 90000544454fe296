"""Where compute goes: thresholds moved after training."""
