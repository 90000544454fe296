"""Which bases are for what, and the windows that are cut from them."""
