"""Raw nucleotides: alphabet, import, memory-mapped store, intervals, splits, windows."""
