"""Models from elsewhere and for elsewhere: published checkpoints in, folders to share out."""
