"""The terminal UI: the only room that knows Textual. What is asked is in `explorer.views`."""
