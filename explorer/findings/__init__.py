"""Findings: the questions whose answers are worth a line, and where those lines are kept."""
