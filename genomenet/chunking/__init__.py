"""Where boundaries fall, and how bases become chunks and chunks become bases again."""
