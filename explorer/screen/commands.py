"""What the command palette offers: every view, and everything that a key does.

Knows names of actions; does nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from explorer.views import VIEWS

LETTERS = {view.name: view.letter for view in VIEWS.values()}
"""With alt, to a view; terminals of a Mac send alt with a figure as another character."""

ACTIONS = (
    ("Back", "To the place before (f8, alt+left)", "step(-1)"),
    ("Forward", "To the place one came back from (f9, alt+right)", "step(1)"),
    ("Findings", "What there is to see in this index (alt+h)", "findings"),
    ("Ask", "Ask what stands there, or run the statement (f5)", "workbench.enter"),
    ("Open another index", "Of those that there are (ctrl+o)", "choose_index"),
    ("Export", "Write what is shown to a file (ctrl+s)", "export"),
    ("Copy row", "Copy what the row is about (y)", "copy"),
    ("Copy as", "Copy the question as a command, as Python, as SQL (c)", "copy_question"),
    ("Copy table", "Copy the whole table as markdown (Y)", "copy_table"),
    ("Picture", "Give the middle to the picture (ctrl+g)", "workbench.draw"),
    ("Table", "Take the middle back from the picture (ctrl+g, escape)", "workbench.undraw"),
    ("Take the offer", "Run the model, or ask what was meant (ctrl+r)", "workbench.take_offer"),
    ("Give up", "Stop the question under way (escape)", "workbench.give_up"),
    ("Light or dark", "The other of the two themes", "light_or_dark"),
    ("Help", "What the keys do (?)", "help"),
)


def commands() -> Iterator[tuple[str, str, str]]:
    """Title, help, and the action of each command."""
    for view in VIEWS.values():
        about = f"{view.about} (alt+{LETTERS[view.name]})"
        yield f"View: {view.title}", about, f"view('{view.name}')"
    yield from ACTIONS
