"""A table as text, for a terminal: whole, or how it begins.

Knows how wide what is printed is, and which columns there is room for; knows no terminal.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from explorer.show.draw.room import columns_of, padded
from explorer.show.gauge import Gauge
from explorer.show.layout import Column, Layout, Listing, Section, filled
from indexer.store.shown import one_line

NARROWEST = 40
"""Columns of the narrowest terminal that a table is laid out for."""

PROMPT = 80
"""Columns of what a prompt shows of an answer."""

_OF_CARD = 3
"""Rows of each section of a card that a prompt shows."""

_BETWEEN = " " * 4

_GAP = 3
"""Columns between two of a table."""

_CUT, _FOLDED = 12, 14
"""Of a text that is cut, and of one that is folded, the columns it has at the least."""


@dataclass(frozen=True)
class Colours:
    """What has a colour in a terminal: what is out of the ordinary, and what was left out.

    The title and the names of columns are bold, what explains them is dim.

    Attributes:
        gauge: what is ordinary; None where nothing says.
    """

    gauge: Gauge | None = None

    def of(self, column: Column, row: Any) -> str:
        """The style of a cell: of a score that is not ordinary, whether it lies above or below."""
        gauge = self.gauge
        if gauge is None or column.name != gauge.column:
            return ""
        value = gauge.value(row)
        if value is None or gauge.low <= value <= gauge.high:
            return ""
        return "green" if value > gauge.high else "magenta"


_BOLD, _DIM, _YELLOW = 1, 2, 33

_CODES = {"green": 32, "magenta": 35}
"""Of the styles that a cell may have."""


def _styled(lines: Iterable[str], code: int, colours: Colours | None) -> Iterator[str]:
    for line in lines:
        yield f"\x1b[{code}m{line}\x1b[0m" if colours is not None and line else line


def to_text(table: Layout, width: int = 100, colours: Colours | None = None) -> str:
    """A table, or a card, in so many columns of text; what is too wide for one is folded or cut.

    Numbers stand whole. Where there is no room for every column, those to the right are left out,
    folded ones first, and a line below the table names them.
    """
    if table.sections:
        body, left_out = _card(table.sections, width)
    else:
        columns = filled(table.columns, table.rows)
        fitted = _fitted(columns, table.rows, width)
        body = _ruled(columns, table.rows, fitted, colours)
        left_out = fitted.left_out
    title, *more = [[*_folded([line], width)] for line in table.head] or [[]]
    above = [*_styled(title, _BOLD, colours), *(line for each in more for line in each)]
    missed = _styled(_folded(left_out, width), _YELLOW, colours)
    below = [*missed, *_styled(_folded(table.foot, width), _DIM, colours)]
    return (
        "".join(f"{line}\n" for line in [*above, ""])
        + body
        + "".join(f"{line}\n" for line in ["", *below])
    )


def begin_of(
    table: Layout, before: str, rows: int, told: Sequence[str] = (), width: int = PROMPT
) -> str:
    """How a table begins: its title behind a text, its first rows, a line each, and some lines."""
    if table.sections:
        body, more = _begun(table.sections, width), []
    else:
        columns = [_in_a_line(one) for one in filled(table.columns, table.rows)]
        shown = table.rows[:rows]
        ruled = _ruled(columns, shown, _fitted(columns, shown, width)) if shown else ""
        body, more = ruled, ["…"] if len(table.rows) > rows else []
    below = _folded([one_line(line) for line in told], width)
    return "\n".join([cut(before + table.head[0], width), *body.splitlines(), *more, *below])


def _begun(sections: Sequence[Section], width: int) -> str:
    """How each section of a card begins."""
    few = [
        Section(
            f"{one.title} …" if len(one.rows) > _OF_CARD else one.title,
            [
                Listing([_in_a_line(column) for column in each.columns], each.rows[:_OF_CARD])
                for each in one.lists
            ],
        )
        for one in sections
    ]
    return _card(few, width)[0]


def _in_a_line(column: Column) -> Column:
    return replace(column, folds=False, explained=False)


def cut(line: str, width: int = PROMPT) -> str:
    """A line that is no wider than so many columns."""
    from rich.cells import cell_len, set_cell_size

    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"


_BESIDE = "\0"
"""Stands in no line that may be shown."""


def _card(sections: Sequence[Section], width: int) -> tuple[str, list[str]]:
    """Sections one below the other, or two side by side where every two have room."""
    columns = [filled(one.columns, one.rows) for one in sections]
    fitted = [_fitted(each, one.rows, width) for each, one in zip(columns, sections, strict=True)]
    blocks = [
        [one.title, *_ruled(each, one.rows, fit).splitlines()]
        for each, one, fit in zip(columns, sections, fitted, strict=True)
    ]
    widths = [max(map(columns_of, block)) for block in blocks]
    first, second = max(widths[::2]), max(widths[1::2], default=0)
    if first + len(_BETWEEN) + second <= width:
        blocks = [
            [
                _BETWEEN.join([padded(one, first), *more]).rstrip()
                for one, *more in zip_longest(*blocks[at : at + 2], fillvalue="")
            ]
            for at in range(0, len(blocks), 2)
        ]
    body = "\n".join("".join(f"{line}\n" for line in block) for block in blocks)
    return body, [line for one in fitted for line in one.left_out]


def _folded(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines that are too long, as several: broken at blanks, what follows set in."""
    from rich.cells import cell_len

    for line in lines:
        if cell_len(line) <= width:
            yield line
            continue
        within = " " * (len(line) - len(line.lstrip()) + 2)
        # What is two columns wide counts as two characters.
        counted = "".join(char + _BESIDE * (cell_len(char) - 1) for char in line)
        # A line may be broken within one of them.
        room = width - (counted != line)
        for part in wrap(counted, room, subsequent_indent=within, break_on_hyphens=False):
            yield part.replace(_BESIDE, "")


@dataclass(frozen=True)
class _Fitted:
    """Which columns of a table there is room for.

    Attributes:
        places: of the columns that are shown.
        widths: of each of them.
        cells: of the rows, as far as they are shown.
        left_out: a line that names the others, where there are any.
    """

    places: list[int]
    widths: list[int]
    cells: list[list[str]]
    left_out: list[str]


def _fitted(columns: Sequence[Column], rows: Sequence[Any], width: int) -> _Fitted:
    """The columns that there is room for, as wide as they may be."""
    from rich.cells import cell_len

    cells = [[column.cell(row) for column in columns] for row in rows]
    full = [
        max([cell_len(column.name), *(cell_len(row[at]) for row in cells)])
        for at, column in enumerate(columns)
    ]
    least = [
        _least(column, whole, [row[at] for row in cells])
        for at, (column, whole) in enumerate(zip(columns, full, strict=True))
    ]
    places = list(range(len(columns)))
    while len(places) > 1 and _total(least, places) > width:
        folding = [at for at in places if columns[at].folds and least[at] < full[at]]
        places.remove((folding or places)[-1])
    bounds = [(least[at], full[at]) for at in places]
    widths = dict(zip(places, _shared(bounds, width), strict=True))
    missed = [at for at in range(len(columns)) if at not in widths]
    names = [columns[at].name for at in missed if columns[at].name]
    said = f"no room in {width} columns for: {', '.join(names)}"
    return _Fitted(
        places,
        list(widths.values()),
        [[row[at] for at in places] for row in cells],
        [said] if names else [],
    )


def _least(column: Column, whole: int, cells: Sequence[str]) -> int:
    """How narrow a column may be: numbers stand whole, as does each word of what is folded."""
    from rich.cells import cell_len

    if column.folds:
        words = [word for text in (column.name, *cells) for word in text.split()]
        longest = max(map(cell_len, words), default=1)
        return min(whole, longest if column.right else min(longest, _FOLDED))
    return whole if column.right else min(whole, max(_CUT, cell_len(column.name)))


def _total(widths: Sequence[int], places: Sequence[int]) -> int:
    return sum(widths[at] for at in places) + _GAP * (len(places) - 1)


def _shared(bounds: Sequence[tuple[int, int]], width: int) -> list[int]:
    """Widths between bounds that fill so many columns: the widest gives way first."""
    room = max(1, width - _GAP * (len(bounds) - 1))
    low, high = 0, max((full for _, full in bounds), default=0)
    while low < high:  # the highest level at which all of them fit
        level = (low + high + 1) // 2
        if sum(max(least, min(full, level)) for least, full in bounds) <= room:
            low = level
        else:
            high = level - 1
    widths = [max(least, min(full, low)) for least, full in bounds]
    for at, (_, full) in enumerate(bounds):
        if sum(widths) < room and widths[at] == low < full:
            widths[at] += 1
    return [min(one, room) for one in widths]


def _ruled(
    columns: Sequence[Column],
    rows: Sequence[Any],
    fitted: _Fitted,
    colours: Colours | None = None,
) -> str:
    """The names of columns, a rule, and the rows."""
    from rich.cells import cell_len

    names = [columns[at].name for at in fitted.places]
    whole = min(fitted.widths, default=0) > 0 and all(
        cell_len(text) <= width and text.isprintable() and text[-1:] != " "
        for cells in (names, *fitted.cells)
        for text, width in zip(cells, fitted.widths, strict=True)
    )
    made = _in_single_lines if whole else _in_lines
    return made(columns, rows, fitted, colours)


def _in_single_lines(
    columns: Sequence[Column], rows: Sequence[Any], fitted: _Fitted, colours: Colours | None
) -> str:
    """The same where every cell has room in one line, as most have: as rich writes it.

    rich takes longer to import than all else that is done with such a table.
    """
    shown = [columns[at] for at in fitted.places]
    gap = " " * _GAP
    bold_gap = " ".join(_styled([" ", " "], _BOLD, colours))
    above = _justified([one.name for one in shown], shown, fitted.widths)
    lines = [
        bold_gap.join(_styled(above, _BOLD, colours)),
        "─" * (sum(fitted.widths) + _GAP * (len(shown) - 1)),
    ]
    for row, cells in zip(rows, fitted.cells, strict=True):
        styles = [colours.of(column, row) if colours else "" for column in shown]
        texts = _justified(cells, shown, fitted.widths)
        lines.append(
            gap.join(
                f"\x1b[{_CODES[style]}m{text}\x1b[0m" if style else text
                for text, style in zip(texts, styles, strict=True)
            )
        )
    return "".join(line.rstrip() + "\n" for line in lines)


def _justified(texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> list[str]:
    """Texts that have room in their columns, with blanks before or after them."""
    from rich.cells import cell_len

    filled_up = []
    for text, column, width in zip(texts, columns, widths, strict=True):
        blanks = " " * (width - cell_len(text))
        filled_up.append(blanks + text if column.right else text + blanks)
    return filled_up


def _in_lines(
    columns: Sequence[Column], rows: Sequence[Any], fitted: _Fitted, colours: Colours | None
) -> str:
    """The same of any cells: those without room are cut, or folded into lines."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    bold = "bold" if colours else ""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style=bold)
    for at, width in zip(fitted.places, fitted.widths, strict=True):
        column = columns[at]
        table.add_column(
            Text(column.name),  # a text that rich would read as markup stands as it is
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="ellipsis" if not column.folds else "fold",
            width=width,
        )
    shown = [columns[at] for at in fitted.places]
    for row, cells in zip(rows, fitted.cells, strict=True):
        styles = [colours.of(column, row) if colours else "" for column in shown]
        table.add_row(*map(Text, cells, styles))
    out = io.StringIO()
    # In a notebook rich would show the table there and then, and write nothing.
    Console(
        file=out,
        width=sum(fitted.widths) + _GAP * len(fitted.widths),
        color_system="standard" if colours else None,
        force_terminal=colours is not None,
        no_color=colours is None,
        emoji=False,
        highlight=False,
        force_jupyter=False,
    ).print(table)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
