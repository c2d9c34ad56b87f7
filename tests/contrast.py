"""How well what is drawn can be told from what is behind it, by WCAG's contrast ratio."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.screen import Screen

from explorer.show.draw import coloured

TEXT, MARK = 4.5, 3.0


def contrast(one: Color, other: Color) -> float:
    """From 1, alike, to 21, black on white."""
    return coloured.contrast(one.hex, other.hex)


def unreadable(screen: Screen[object]) -> list[str]:
    """What is drawn with too little contrast; what has the colour of its background isn't drawn."""
    found = {}
    for strip in screen._compositor.render_strips():
        for segment in strip:
            if (line := _unreadable(segment)) is not None:
                found[line] = None
    return list(found)


def _unreadable(segment: Segment) -> str | None:
    text, style = segment.text.strip(), segment.style
    if not text or style is None or style.color is None or style.bgcolor is None:
        return None
    fore, back = Color.from_rich_color(style.color), Color.from_rich_color(style.bgcolor)
    ratio = contrast(fore, back)
    least = TEXT if any(char.isalnum() for char in text) else MARK
    if fore == back or ratio >= least:
        return None
    return f"{text[:40]!r}: {fore.hex} on {back.hex} has {ratio:.2f}, not {least}"
