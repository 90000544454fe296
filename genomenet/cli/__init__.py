"""One verb a file; the only room that talks to the terminal."""
