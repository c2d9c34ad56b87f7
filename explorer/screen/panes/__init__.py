"""The panes of the screen, one a file, each with its style beside it. None knows another."""
