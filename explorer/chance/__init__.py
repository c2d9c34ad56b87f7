"""What chance gives: words that stand in for others, groups and pairs of them, and how rare."""
