"""Texts on the screen as they are: no markup is read in them, and nothing commands the terminal.

Names come from indexes and files of other people. `plain` is how a widget is given a text; whatever
a widget draws besides (what is typed or pasted, say) passes `Printable` on its way to the terminal.
Knows Textual's way of drawing; knows no widget.
"""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from rich.text import Text
from textual.color import Color
from textual.filter import LineFilter

from indexer.store.shown import lines

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that may not be drawn, where it has taken a place."""


def plain(text: str, style: str = "") -> Text:
    """A text, or several lines of it, as it may be shown."""
    return Text(lines(text), style)


class Printable(LineFilter):
    """The last thing that a line passes: every cell stays where it is, and none is a command."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """A line in which every character prints."""
        return [
            segment
            if segment.control or segment.text.isprintable()
            else Segment("".join(map(_printable, segment.text)), segment.style)
            for segment in segments
        ]


def _printable(char: str) -> str:
    if char.isprintable():
        return char
    wide = cell_len(char)
    return (" " if unicodedata.category(char) == "Zs" else UNKNOWN) * wide
