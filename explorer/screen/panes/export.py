"""One line that asks where to write what is shown; its ending says in which form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label


class ExportBar(Horizontal):
    """Asks for the name of a file."""

    DEFAULT_CSS = """
    ExportBar { height: 1; padding: 0 1; background: $boost; display: none; }
    ExportBar.-open { display: block; }
    ExportBar Label { padding: 0 1 0 0; }
    ExportBar Input { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close")]

    @dataclass
    class Named(Message):
        """A file was named; `again` says that it was, and the person was told that it is there."""

        name: str
        again: bool = False

    class Closed(Message):
        """It is not asked any more."""

    def __init__(self) -> None:
        super().__init__(id="export")
        self._there: str | None = None
        self._proposed = ""

    def compose(self) -> ComposeResult:
        """The line."""
        yield Label()
        yield Input(id="file", compact=True)

    def open(self, name: str, what: str) -> None:
        """Ask, with a name to begin with, which what is typed replaces; `what` is done with it."""
        self._there = None
        self._proposed = name
        self.add_class("-open")
        self.query_one(Label).update(f"{what} (.csv .json .jsonl .md .html .svg .png)")
        line = self.query_one(Input)
        line.value = name
        self.screen.set_focus(line)
        line.action_select_all()

    def ask_again(self, name: str) -> None:
        """A file of that name is there: it is written over if the same is said again."""
        self._there = name

    def action_close(self) -> None:
        """Ask no more."""
        self.remove_class("-open")
        self.post_message(self.Closed())

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        name = event.value.strip()
        if name and not Path(name).suffix:
            name += Path(self._proposed).suffix
        self.post_message(self.Named(name, again=name == self._there))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
