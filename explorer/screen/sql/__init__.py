"""The SQL view: where a statement is written, what it can name, and the pages of its answer."""
