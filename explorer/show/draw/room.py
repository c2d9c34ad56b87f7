"""Text in a room of so many columns: measured, cut and folded.

Knows how wide characters are in a terminal; knows no picture.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence


def columns_of(text: str) -> int:
    """Columns that a text takes in a terminal: two for a wide character, none for an accent."""
    return sum(map(_columns, text))


def cut(text: str, width: int) -> str:
    """A text within `width` columns, its end an ellipsis where there was more."""
    if columns_of(text) <= width:
        return text
    return f"{_start(text, width - 1).rstrip()}…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """A text cut to `width` columns, or with blanks after it up to there."""
    shown = cut(text, width)
    return shown + " " * (width - columns_of(shown))


def folded(texts: Iterable[str], width: int, between: str = " ") -> list[str]:
    """Texts one after the other in lines of `width` columns, broken only where one is longer."""
    lines: list[str] = []
    for text in texts:
        if lines and columns_of(lines[-1]) + len(between) + columns_of(text) <= width:
            lines[-1] += between + text
            continue
        rest = text
        while columns_of(rest) > width:
            # Where a text of several words is too long, it is broken at a blank.
            start = _start(rest, width)
            at = start.rfind(" ") if rest[len(start)] != " " else len(start)
            lines.append(start[:at] if at > 0 else start)
            rest = rest[len(lines[-1]) :].lstrip()
        lines.append(rest)
    return lines


def fitted(texts: Sequence[str], width: int, height: int | None) -> list[str]:
    """Texts folded, each from a line of its own; a line each, and cut, where they are too many."""
    lines = [line for text in texts for line in folded(text.split(), width)]
    if height is None or len(lines) <= height:
        return lines
    return [cut(text, width) for text in texts]


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _start(text: str, width: int) -> str:
    """As much of a text as there is room for, at least a character."""
    taken = 0
    for at, character in enumerate(text):
        taken += _columns(character)
        if taken > width:
            return text[: max(at, 1)]
    return text
