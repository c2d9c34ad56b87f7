"""A table as text, for a terminal."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from textwrap import wrap

from explorer.show.layout import Layout


def to_text(table: Layout, width: int = 100) -> str:
    """A table in so many columns of text; what is too wide for one is folded or cut."""
    return (
        "".join(f"{line}\n" for line in [*_folded(table.head, width), ""])
        + _ruled(table, width)
        + "".join(f"{line}\n" for line in ["", *_folded(table.foot, width)])
    )


def _folded(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines that are too long, as several: broken at blanks, what follows set in."""
    for line in lines:
        if len(line) <= width:
            yield line
            continue
        within = " " * (len(line) - len(line.lstrip()) + 2)
        yield from wrap(line, width, subsequent_indent=within, break_on_hyphens=False)


def _ruled(layout: Layout, width: int) -> str:
    """The names of columns, a rule, and the rows."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    for column in layout.columns:
        table.add_column(
            Text(column.name),  # a text that rich would read as markup stands as it is
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="ellipsis" if not column.folds else "fold",
        )
    for row in layout.rows:
        table.add_row(*(Text(column.cell(row)) for column in layout.columns))
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
