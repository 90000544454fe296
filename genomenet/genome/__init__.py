"""Raw nucleotides: files, alphabet, names of contigs, the memory-mapped store, corpora."""
