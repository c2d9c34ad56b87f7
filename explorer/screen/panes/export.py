"""One line that asks where to write what is shown; its ending says in which form."""

from __future__ import annotations

from dataclasses import dataclass
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
        """A file was named."""

        name: str

    class Closed(Message):
        """It is not asked any more."""

    def __init__(self) -> None:
        super().__init__(id="export")

    def compose(self) -> ComposeResult:
        """The line."""
        yield Label("write to (.csv .json .jsonl .md .html .svg .png)")
        yield Input(id="file", compact=True, select_on_focus=False)

    def open(self, name: str) -> None:
        """Ask, with a name to begin with."""
        self.add_class("-open")
        line = self.query_one(Input)
        line.value = name
        line.cursor_position = len(name)
        line.focus()

    def action_close(self) -> None:
        """Ask no more."""
        self.remove_class("-open")
        self.post_message(self.Closed())

    @on(Input.Submitted)
    def _named(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_close()
        self.post_message(self.Named(event.value.strip()))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
