"""The query bar: one line, with what is wrong marked where it stands, and how a word may go on.

Knows how an expression looks; asks nothing itself but for completions.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import ClassVar

from rich.highlighter import Highlighter
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from explorer.views.terms import bad_span
from indexer.store.errors import SemanticError

_OPERATOR = re.compile(r"(?:(?<=\s)|^)[+-](?=\s)|,|(?<=[\d.])\*")
_SPACE = re.compile(r"@\S*")
_QUOTED = re.compile(r'(?:token:)?"(?:[^"\\]|\\.)*"')
_WEIGHT = re.compile(r"(?:(?<=\s)|^)\d+(?:\.\d+)?(?=\*)")


class Marks(Highlighter):
    """Colours the parts of an expression, and underlines the one that is wrong."""

    def __init__(self) -> None:
        self.error: str | None = None

    def highlight(self, text: Text) -> None:
        """Style a text in place."""
        for pattern, style in (
            (_OPERATOR, "bold"),
            (_WEIGHT, "cyan"),
            (_SPACE, "cyan"),
            (_QUOTED, "green"),
        ):
            text.highlight_regex(pattern, style)
        if self.error is not None and text.plain.strip():
            text.stylize("bold underline red", *bad_span(text.plain, self.error))


class Completer(Suggester):
    """Asks how a text may go on, away from the screen's own thread."""

    def __init__(self, complete: Callable[[str], tuple[str, ...]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """The best continuation that keeps what is written, or None."""
        try:
            found = await asyncio.to_thread(self._complete, value)
        except SemanticError:  # the index was closed meanwhile; another is being opened
            return None
        return next((one for one in found if one.startswith(value) and one != value), None)


class QueryBar(Input):
    """Where a question is typed."""

    DEFAULT_CSS = """
    QueryBar { border: tall $rule; padding: 0 1; height: 3; }
    QueryBar:focus { border: tall $accent; }
    QueryBar.-bad { border: tall $error; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "leave", "to the table", show=False),
        Binding("tab", "take", "complete", show=False),
    ]

    HELP = """
    ## The query bar

    - `king - man + woman` words, added and taken away
    - `"Great Dane" + small` a text
    - `0.5*dog` a weight
    - `dog@context.12` from another space
    - `L29N112.out` a neuron's side
    - `L3H5D7.output` a head's dimension
    - `token:"large"` `#1507` a token
    - `large, tall - red` several words; red to be avoided
    """

    class Left(Message):
        """The bar is left for the table."""

    class Helped(Message):
        """Help is asked for, where `?` can mean nothing else."""

    def __init__(
        self,
        complete: Callable[[str], tuple[str, ...]],
        completed: Callable[[str], str | None],
    ) -> None:
        self.marks = Marks()
        self._completed = completed
        super().__init__(
            id="query",
            highlighter=self.marks,
            suggester=Completer(complete),
        )

    def mark(self, error: str | None) -> None:
        """Mark what an error speaks of; nothing where there is none."""
        self.marks.error = error
        self.set_class(error is not None, "-bad")
        self.refresh()

    def action_leave(self) -> None:
        """Go down to the answer."""
        self.post_message(self.Left())

    def action_take(self) -> None:
        """Complete half a word; after a whole one, go on to what stands beside.

        What is half a word is looked up now: of what was just typed nothing may have been told.
        """
        at_end = self.cursor_position == len(self.value)
        if at_end and (completed := self._completed(self.value)) is not None:
            self.value, self.cursor_position = completed, len(completed)
        else:
            self.screen.focus_next()

    def on_key(self, event: events.Key) -> None:
        """`?` in an empty bar is help: it can mean nothing else."""
        if event.character == "?" and not self.value:
            self.post_message(self.Helped())
            event.prevent_default()
            event.stop()
