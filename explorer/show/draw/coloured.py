"""Grids in colours: every figure stands in its cell, in the ink that is read best on its colour.

Knows colours, rows and columns; knows no answer and no screen. Colours are steps away from the
middle, of one hue above it and of another below; what is near it has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.show.draw import grid
from explorer.show.draw.room import columns_of, cut, folded, padded
from explorer.show.draw.scale import LEVELS, Scale, scale_of
from explorer.show.shapes import Grid

_ABOVE = ("#173f5f", "#1f6f8b", "#3fa7b8", "#9be3e8")
_BELOW = ("#5f2f17", "#8b4a1f", "#c07a3a", "#f2c08a")
BLACK, WHITE = "#000000", "#ffffff"


@dataclass(frozen=True)
class Run:
    """Text of one look.

    Attributes:
        text: what it says.
        ink: its colour; that of the screen where it is empty.
        ground: the colour behind it; that of the screen where it is empty.
    """

    text: str
    ink: str = ""
    ground: str = ""


def ground(level: int, dark: bool) -> str:
    """The colour of a level: the farther from the middle, the more it stands out."""
    if level == 0:
        return ""
    ramp = _ABOVE if level > 0 else _BELOW
    return ramp[abs(level) - 1] if dark else ramp[-abs(level)]


def ink(colour: str) -> str:
    """Black or white, whichever contrasts more with a colour."""
    return max((BLACK, WHITE), key=lambda one: contrast(one, colour))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 counts it: from 1, of the same, to 21."""
    low, high = sorted(map(_luminance, (one, other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def figures_fit(picture: Grid, width: int) -> int | None:
    """Decimals with which every figure has room in its cell; None where none has."""
    scale, each = scale_of(picture), _each(picture, width)
    values = [value for row in picture.values for value in row if value is not None]
    for decimals in range(scale.decimals, -1, -1):
        if max((len(f"{value:.{decimals}f}") for value in values), default=1) < each:
            return decimals
    return None


def _each(picture: Grid, width: int) -> int:
    """Columns of a cell, a blank between two among them."""
    return min((width - _names(picture, width) - 1) // max(len(picture.columns), 1), _WIDEST)


_WIDEST = 12


def _names(picture: Grid, width: int) -> int:
    return min(max(map(columns_of, picture.rows), default=0), width // 3)


def lines_of(picture: Grid, width: int, height: int, dark: bool) -> list[list[Run]]:
    """A grid as lines of runs; for one whose figures fit.

    Of more rows than there is room for, neighbours are taken together, and of each lot the one with
    the value farthest out is shown.
    """
    scale, decimals = scale_of(picture), figures_fit(picture, width) or 0
    every = len(picture.rows)
    title = folded(picture.title.split(), width)
    title = title if len(title) + 2 + every <= height else [cut(picture.title, width)]
    legend = _legend(picture, scale, width, dark)
    room = max(1, height - len(title) - len(legend) - 1)
    shown = list(range(every))
    if room < every:
        shown = grid.kept(grid.farthest(picture, picture.values), max(1, room - 1))
        legend.append([Run(f"{len(shown)} of {every} rows, the strongest of neighbours"[:width])])
    names, each = _names(picture, width), _each(picture, width)
    above = "".join(cut(name, each - 1).rjust(each) for name in picture.columns)
    lines = [*([Run(line)] for line in title), *legend, [Run(" " * (names + 1) + above)]]
    for at in shown:
        cells = [_cell(value, scale, each, decimals, dark) for value in picture.values[at]]
        lines.append([Run(padded(picture.rows[at], names) + " "), *cells])
    return lines


def _cell(value: float | None, scale: Scale, each: int, decimals: int, dark: bool) -> Run:
    if value is None:
        return Run(grid.NOTHING.rjust(each))
    colour = ground(scale.level(value), dark)
    text = f"{value:.{decimals}f}".rjust(each)
    return Run(text, ink(colour), colour) if colour else Run(text)


def _legend(picture: Grid, scale: Scale, width: int, dark: bool) -> list[list[Run]]:
    """Where each colour begins, in that colour."""
    said = f"{picture.unit} by {picture.y} and {picture.x}, coloured from "
    values = [value for row in picture.values for value in row if value is not None]
    deepest = min((scale.level(value) for value in values), default=0)
    levels: Sequence[int] = [*range(deepest, 0), *range(1, LEVELS)]
    swatches = []
    for level in levels:
        colour = ground(level, dark)
        swatches.append(Run(f" {scale.end(level)} ", ink(colour), colour))
    wide = sum(len(one.text) for one in swatches)
    if len(said) + wide <= width:
        return [[Run(said), *swatches]]
    return [
        [Run(cut(said.rstrip(), width))],
        swatches if wide <= width else swatches[-LEVELS + 1 :],
    ]
