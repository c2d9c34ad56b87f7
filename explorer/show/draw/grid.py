"""Grids in characters: each number a shade, with its figure beside it where there is room.

Knows shades, rows and columns; knows no answer and no plotting library. Above the middle cells are
filled (`░▒▓█`), below it ruled (`-=≡#`), the farther the denser; what is near it is blank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from explorer.show.draw.room import columns_of, cut, folded, padded
from explorer.show.draw.scale import LEVELS, Scale, scale_of
from explorer.show.shapes import Grid

ABOVE, BELOW, NOTHING = " ░▒▓█", " -=≡#", "·"
_SHADES = 4
"""Characters of shade in a cell, where there is room; beside a figure two will do."""

_TALL = 16
"""Lines from which on there is room to say which rows are shown, and not only how many."""


def lines_of(picture: Grid, width: int, height: int | None = None) -> list[str]:
    """A grid as lines: title, what the shades are, names of columns, and the rows.

    Of more rows or columns than there is room for, neighbours are taken together, and of each lot
    the one with the value farthest out is shown.
    """
    scale = scale_of(picture)
    names = min(max(map(columns_of, picture.rows), default=0), width // 3)
    columns = kept(farthest(picture, zip(*picture.values, strict=True)), width - names - 1)
    said, shown = _above(picture, scale, len(columns), width, height)
    cells = _Cells.of(picture, scale, columns, width - names - 1)
    lines = [" " * (names + 1) + cells.header([picture.columns[at] for at in columns])]
    for at in shown:
        row = picture.values[at]
        lines.append(f"{padded(picture.rows[at], names)} {cells.row([row[to] for to in columns])}")
    return [*said, *(line.rstrip() for line in lines)]


def _above(
    picture: Grid, scale: Scale, columns: int, width: int, height: int | None
) -> tuple[list[str], list[int]]:
    """Title and legend, as short as the height asks, and which rows there is room for below."""
    every, tall = len(picture.rows), height is None or height >= _TALL

    def legend(items: list[str], rows: int) -> list[str]:
        notes = [
            *_thinned(rows, every, "rows", tall),
            *_thinned(columns, len(picture.columns), "columns", tall),
        ]
        return folded([*items, *notes], width, "  ")

    whole, brief = _legend(picture, scale), _brief(picture, scale)
    said = [*folded(picture.title.split(), width), *legend(whole, every)]
    if height is None or len(said) + 1 + every <= height:
        return said, list(range(every))
    title = cut(picture.title, width)
    # Shades are explained one by one only where that leaves most of the room to the rows.
    items = whole if 4 * len(legend(whole, every - 1)) <= height else brief
    said = [title, *legend(items, every)]
    if len(said) + 1 + every <= height:
        return said, list(range(every))
    room = max(1, height - 2 - len(legend(items, every - 1)))
    shown = kept(farthest(picture, picture.values), room)
    return [title, *legend(items, len(shown))], shown


@dataclass(frozen=True)
class _Cells:
    """How cells are laid out: all alike, `content` columns wide, `gap` blanks between them."""

    scale: Scale
    content: int
    gap: int
    shades: int
    decimals: int

    @classmethod
    def of(cls, picture: Grid, scale: Scale, columns: Sequence[int], width: int) -> _Cells:
        """Figures stand in the cells where each has room for one beside its shade."""
        each = width // max(len(columns), 1)
        gap = 1 if each > 2 else 0
        longest = max((columns_of(picture.columns[at]) for at in columns), default=0)
        decimals = scale.decimals
        shown = [row[at] for row in picture.values for at in columns]
        figure = max((len(f"{v:.{decimals}f}") for v in shown if v is not None), default=0)
        if each - gap >= figure + 3:
            content = min(each - gap, max(longest, figure + 1 + _SHADES))
            return cls(scale, content, gap, min(_SHADES, content - figure - 1), decimals)
        content = min(each - gap, max(longest, _SHADES))
        return cls(scale, content, gap, content, 0)

    def header(self, names: Sequence[str]) -> str:
        """Names above their columns: whole, cut, or every so many where even that is too little."""
        longest = max(map(columns_of, names), default=0)
        if longest < self.content + self.gap or self.content >= 3:
            return (" " * self.gap).join(padded(name, self.content) for name in names)
        each = self.content + self.gap
        stride = -(-(longest + 1) // each)
        fits = (len(names) * each - longest) // each
        return "".join(
            padded(name, stride * each) if at * stride <= fits else ""
            for at, name in enumerate(names[::stride])
        )

    def row(self, values: Sequence[float | None]) -> str:
        """Cells side by side."""
        return (" " * self.gap).join(map(self._cell, values))

    def _cell(self, value: float | None) -> str:
        if value is None:
            return NOTHING.ljust(self.content)
        shade = _glyph(self.scale.level(value)) * self.shades
        if self.shades == self.content:
            return shade
        return shade + f"{value:.{self.decimals}f}".rjust(self.content - self.shades)


def _glyph(level: int) -> str:
    return ABOVE[level] if level >= 0 else BELOW[-level]


def _legend(picture: Grid, scale: Scale) -> list[str]:
    """What the values are, and each shade's range; below the origin only those that occur."""
    values = [value for row in picture.values for value in row]
    deepest = min((scale.level(value) for value in values if value is not None), default=0)
    ends = [scale.end(level) for level in range(LEVELS)]
    low = ends[0] if picture.middle is None else scale.end(-1)
    items = [f"{picture.unit} by {picture.y} and {picture.x}", f"blank {low} to {ends[1]}"]
    for level in range(1, LEVELS):
        upper = f"{ends[level]} to {ends[level + 1]}" if level + 1 < LEVELS else f"from {ends[-1]}"
        items.append(f"{ABOVE[level] * 2} {upper}")
    for level in range(1, -deepest + 1):
        lower = f"{scale.end(-level)} to {scale.end(-level - 1)}"
        items.append(
            f"{BELOW[level] * 2} {lower if level + 1 < LEVELS else f'from {scale.end(-level)}'}"
        )
    return [*items, f"{NOTHING} none"] if None in values else items


def _brief(picture: Grid, scale: Scale) -> list[str]:
    """The same in as few columns as it can be said."""
    starts = " ".join(scale.end(level) for level in range(1, LEVELS))
    items = [f"{picture.unit} {ABOVE[1:]} from {starts}"]
    values = [value for row in picture.values for value in row]
    if any(scale.level(value) < 0 for value in values if value is not None):
        items.append(f"{BELOW[1:]} as far below")
    return [*items, f"{NOTHING} none"] if None in values else items


def _thinned(shown: int, there: int, what: str, explained: bool) -> list[str]:
    which = ", the strongest of neighbours" if explained else ""
    return [f"{shown} of {there} {what}{which}"] if shown < there else []


def farthest(picture: Grid, lots: Iterable[Sequence[float | None]]) -> list[float]:
    """Of each row, or column: how far out its farthest value is."""
    middle = picture.middle
    return [
        max(
            (
                value if middle is None else abs(value - middle)
                for value in lot
                if value is not None
            ),
            default=-math.inf,
        )
        for lot in lots
    ]


def kept(farthest: Sequence[float], room: int) -> list[int]:
    """Which to show of some rows or columns: all, or of every few neighbours the farthest out."""
    there = len(farthest)
    room = min(room, there)
    lots = [range(at * there // room, (at + 1) * there // room) for at in range(room)]
    return [max(lot, key=lambda at: farthest[at]) for lot in lots]
