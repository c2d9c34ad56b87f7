"""Pictures drawn: in the terminal, or to a file; the only place that knows plotting libraries."""
