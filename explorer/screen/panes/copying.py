"""What is on the screen, as one would ask it elsewhere: a line each, one of which is copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from indexer.store.shown import one_line


class CopyMenu(OptionList):
    """A list to choose from."""

    DEFAULT_CSS = """
    CopyMenu {
        height: auto; max-height: 6; border: none; padding: 0 1; background: $boost;
        display: none;
    }
    CopyMenu.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "copy"),
        Binding("escape", "close", "close"),
        Binding("c", "cursor_down", "next", show=False),
    ]

    @dataclass
    class Taken(Message):
        """A line is to be copied; its text, and what it is."""

        text: str
        what: str

    class Closed(Message):
        """None is to be."""

    def __init__(self) -> None:
        super().__init__(id="copying", compact=True)
        self._offered: Sequence[tuple[str, str]] = ()

    def open(self, lines: Sequence[tuple[str, str]]) -> None:
        """Offer lines: what each is, and its text."""
        self._offered = [(what, one_line(text)) for what, text in lines]
        self.clear_options()
        width = max(len(what) for what, _ in lines)
        for what, text in self._offered:
            line = Text.assemble((f"{what:<{width}}  ", "bold"), text, overflow="ellipsis")
            line.no_wrap = True
            self.add_option(Option(line))
        self.highlighted = 0
        self.add_class("-open")
        self.screen.set_focus(self)

    def action_close(self) -> None:
        """Copy none of them."""
        self.remove_class("-open")
        self.post_message(self.Closed())

    @on(OptionList.OptionSelected)
    def _take(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        what, text = self._offered[event.option_index]
        self.action_close()
        self.post_message(self.Taken(text, what))
