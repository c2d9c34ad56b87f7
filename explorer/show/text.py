"""A table as text, for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap
from typing import Any

from explorer.show.draw.room import columns_of, padded
from explorer.show.layout import Column, Layout, Section

_BETWEEN = " " * 4


def to_text(table: Layout, width: int = 100) -> str:
    """A table, or a card, in so many columns of text; what is too wide is folded or cut."""
    if table.sections:
        body = _card(table.sections, width)
    else:
        body = _ruled(table.columns, table.rows, width)
    return (
        "".join(f"{line}\n" for line in [*_folded(table.head, width), ""])
        + body
        + "".join(f"{line}\n" for line in ["", *_folded(table.foot, width)])
    )


def _card(sections: Sequence[Section], width: int) -> str:
    """Sections one below the other, or two side by side where every two have room."""
    blocks = [_block(one, width) for one in sections]
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
    return "\n".join("".join(f"{line}\n" for line in block) for block in blocks)


def _block(section: Section, width: int) -> list[str]:
    return [section.title, *_ruled(section.columns, section.rows, width).splitlines()]


def _folded(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines that are too long, as several: broken at blanks, what follows set in."""
    for line in lines:
        if len(line) <= width:
            yield line
            continue
        within = " " * (len(line) - len(line.lstrip()) + 2)
        yield from wrap(line, width, subsequent_indent=within, break_on_hyphens=False)


def _ruled(columns: Sequence[Column], rows: Sequence[Any], width: int) -> str:
    """The names of columns, a rule, and the rows."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    for column in columns:
        table.add_column(
            Text(column.name),  # a text that rich would read as markup stands as it is
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="ellipsis" if not column.folds else "fold",
        )
    for row in rows:
        table.add_row(*(Text(column.cell(row)) for column in columns))
    out = io.StringIO()
    # In a notebook rich would show the table there and then, and write nothing.
    Console(
        file=out,
        width=width,
        color_system=None,
        emoji=False,
        highlight=False,
        force_jupyter=False,
    ).print(table)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
