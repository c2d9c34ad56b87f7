"""How well what is drawn can be told from what is behind it, by WCAG's contrast ratio."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.screen import Screen

TEXT, MARK = 4.5, 3.0


def luminance(colour: Color) -> float:
    """WCAG 2.2's relative luminance of an sRGB colour, from 0 to 1."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Color, other: Color) -> float:
    """From 1, alike, to 21, black on white."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


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
