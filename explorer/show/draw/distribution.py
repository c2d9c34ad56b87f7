"""Distributions in characters: a hill of bins over an axis, what is marked on it and named below.

Knows columns and eighths of a line; knows no answer and no plotting library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from explorer.show.draw.room import columns_of, cut, fitted
from explorer.show.shapes import Distribution

EIGHTHS, MARK, AXIS = "▁▂▃▄▅▆▇█", "●", "─"
HEIGHT = 16
"""Lines, where no height is asked for."""

_HILL, _NAMED = 3, 20
"""Lines of the hill at least, and names below it at most."""


def lines_of(picture: Distribution, width: int, height: int | None = None) -> list[str]:
    """A distribution as lines: title, legend, hill, axis with what is marked, its ticks, names.

    Of the marks as many are named as there is room for, what matters most first. A bin that holds
    anything is an eighth of a line high or more.
    """
    height = HEIGHT if height is None else height
    legend = [f"{EIGHTHS[2]}{EIGHTHS[-1]} {picture.of}"]
    said = fitted([picture.title, *legend], width, max(2, height - _HILL - 3))
    left = height - len(said) - 2
    named = min(len(picture.names), _NAMED, max(1, left // 2), max(left - _HILL, 0))
    hill = _hill(_heights(picture, width), left - named)
    places = [_column(picture, place, width) for place in picture.places]
    axis = [MARK if at in set(places) else AXIS for at in range(width)]
    marks = zip(picture.names[:named], picture.places, places, strict=False)
    names = [_named(f"{name} {place:z.2f}", at, width) for name, place, at in marks]
    return [*said, *hill, "".join(axis), _ticks(picture, width), *names]


def _heights(picture: Distribution, width: int) -> list[float]:
    """How many scores a bin of each column holds; the mean of those that share a column."""
    bins = len(picture.counts)
    heights = []
    for at in range(width):
        first = at * bins // width
        last = max(first + 1, (at + 1) * bins // width)
        here = picture.counts[first:last]
        heights.append(sum(here) / len(here))
    return heights


def _hill(heights: Sequence[float], lines: int) -> list[str]:
    most = max(heights, default=0) or 1
    eighths = [max(1, round(height / most * 8 * lines)) if height > 0 else 0 for height in heights]
    return [
        "".join(_glyph(each - 8 * line) for each in eighths).rstrip()
        for line in range(lines - 1, -1, -1)
    ]


def _glyph(eighths: int) -> str:
    return " " if eighths <= 0 else EIGHTHS[min(eighths, 8) - 1]


def _column(picture: Distribution, place: float, width: int) -> int:
    """Where on the axis a score stands; at its end what lies beyond."""
    low, high = picture.edges[0], picture.edges[-1]
    return min(max(int((place - low) / (high - low) * width), 0), width - 1)


def _ticks(picture: Distribution, width: int) -> str:
    """The axis's name at its end, and before it round numbers, each where it stands."""
    low, high = picture.edges[0], picture.edges[-1]
    longest = max(len(f"{end:g}") for end in (math.floor(low), math.ceil(high))) + 2
    steps = (first * 10**power for power in range(-3, 12) for first in (1, 2, 5))
    step = next(one for one in steps if (high - low) / one * longest <= width)
    line, free = [" "] * width, -1
    room = width - columns_of(picture.x) - 1
    for tick in range(math.ceil(low / step), math.floor(high / step) + 1):
        text = f"{tick * step:g}"
        at = min(max(_column(picture, tick * step, width) - (len(text) - 1) // 2, 0), width)
        if at > free and at + len(text) <= room:
            line[at : at + len(text)] = text
            free = at + len(text)
    return "".join(line[:room]) + " " + picture.x


def _named(text: str, at: int, width: int) -> str:
    """A mark with its name at the side where there is more room."""
    if width - at - 2 >= min(columns_of(text), at - 1):
        return " " * at + f"{MARK} {cut(text, width - at - 2)}"
    text = cut(text, at - 1)
    return " " * (at - 1 - columns_of(text)) + f"{text} {MARK}"
