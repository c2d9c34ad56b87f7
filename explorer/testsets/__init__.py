"""Standard test sets: their files, the items that stand for their words, analogies by the many."""
