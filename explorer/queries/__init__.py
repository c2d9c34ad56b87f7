"""One question a file: an index and what was asked go in, a frozen result comes out."""
