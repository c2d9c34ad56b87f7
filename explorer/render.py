"""Results as text: a table for people or for a page, HTML, JSON, JSON lines and CSV for programs.

Knows formats; how each answer's table is laid out is in `explorer.tables`. A table begins with what
was asked and what each word was taken to be, and ends with what the scores are read against.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from html import escape
from textwrap import wrap
from typing import Any

from explorer.errors import QueryError
from explorer.frames import Column as FrameColumn
from explorer.frames import columns_of
from explorer.results import Result
from explorer.tables import lay_out
from explorer.tables.layout import Column, Layout
from indexer.store.errors import unknown
from indexer.store.shown import in_a_sheet, in_json

FORMATS = ("table", "markdown", "html", "json", "jsonl", "csv")


def render(result: Result, format: str, width: int = 100, raw_cells: bool = False) -> str:
    """A result as text in one of `FORMATS`, ending with a newline.

    What is for people is escaped as `indexer.store.shown` says, whatever it is written to; what is
    for programs is exact. In JSON nothing stands raw that does not print.

    Args:
        result: any answer.
        format: one of `FORMATS`.
        width: columns of a table.
        raw_cells: leave cells of CSV that a spreadsheet would run as they are.

    Raises:
        QueryError: there is no such format.
    """
    check_format(format)
    if format == "json":
        text = json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        return in_json(text) + "\n"
    if format == "jsonl":
        lines = [json.dumps(r, ensure_ascii=False, allow_nan=False) for r in result.to_dicts()]
        return in_json("".join(line + "\n" for line in lines))
    if format == "csv":
        return _csv(result, raw_cells)
    if format == "markdown":
        return to_markdown(result)
    if format == "html":
        return to_html(result)
    return to_text(result, width)


def check_format(format: str) -> None:
    """Raise `QueryError` unless the format is one of `FORMATS`."""
    if format not in FORMATS:
        raise QueryError(unknown("format", format, FORMATS))


def _csv(result: Result, raw_cells: bool) -> str:
    """The columns of `explorer.frames`, lists joined by blanks."""
    columns = columns_of(result)
    texts = str if raw_cells else in_a_sheet
    cells = [_csv_cells(column, texts) for column in columns]
    out = _Rows()
    # A writer puts quotes around whatever its own ends of lines are made of, and nothing else.
    writer = csv.writer(out, lineterminator=_END)
    writer.writerow([texts(column.name) for column in columns])
    writer.writerows(zip(*cells, strict=True))
    # Half a surrogate, which a name that is no UTF-8 may hold, can stand in no file.
    return "".join(out.rows).encode("utf-8", "backslashreplace").decode()


_END = "\r\n"


class _Rows:
    """Rows as a writer writes them, one a call, each ending with a newline alone."""

    def __init__(self) -> None:
        self.rows: list[str] = []

    def write(self, row: str) -> None:
        self.rows.append(row.removesuffix(_END) + "\n")


def _csv_cells(column: FrameColumn, texts: Callable[[str], str]) -> list[Any]:
    """The cells of a column: texts as `texts` has them, numbers as they are."""
    cells = column.cells
    if column.many:
        cells = [None if cell is None else " ".join(map(str, cell)) for cell in cells]
    if column.kind in (int, float, bool):
        return cells
    return [texts(cell) if isinstance(cell, str) else cell for cell in cells]


def to_text(result: Result, width: int = 100) -> str:
    """A result as a table for people."""
    laid = lay_out(result)
    return text_of(laid, _shown(result, laid), width)


def text_of(laid: Layout, rows: Sequence[Any], width: int = 100) -> str:
    """What is laid out, as a table for people."""
    return (
        "".join(f"{line}\n" for line in [*_folded(laid.head, width), ""])
        + _table(laid.columns, rows, width)
        + "".join(f"{line}\n" for line in ["", *_folded(laid.foot, width)])
    )


def _folded(lines: Sequence[str], width: int) -> Iterator[str]:
    """Lines that are too long, as several: broken at blanks, what follows set in."""
    for line in lines:
        if len(line) <= width:
            yield line
            continue
        within = " " * (len(line) - len(line.lstrip()) + 2)
        yield from wrap(line, width, subsequent_indent=within, break_on_hyphens=False)


def to_markdown(result: Result) -> str:
    """A result as a table in Markdown; what stands above and below it line for line."""
    laid = lay_out(result)
    names = [column.name for column in laid.columns]
    cells = [[column.cell(row) for column in laid.columns] for row in _shown(result, laid)]
    sides = ["---:" if column.right else "---" for column in laid.columns]
    table = [f"| {' | '.join(map(_escaped, row))} |" for row in [names, *cells]]
    table.insert(1, f"| {' | '.join(sides)} |")
    above = [_begun(_escaped(laid.head[0])), "", *_listed(laid.head[1:])]
    return "".join(f"{line}\n" for line in [*above, *table, "", *_listed(laid.foot)[:-1]])


def _shown(result: Result, laid: Layout) -> Sequence[Any]:
    return result.rows if laid.rows is None else laid.rows  # type: ignore[attr-defined]


def _escaped(text: str) -> str:
    """Text in one line that means itself where Markdown would see a mark, or make a link."""
    marked = re.sub(r"([\\`*_\[\]<>|~#&$])", r"\\\1", " ".join(text.split()))
    return re.sub(r"(?i)(?=://)|(?<=\bwww)(?=\.)", r"\\", marked)


def _begun(line: str) -> str:
    """A line that begins no list of its own: `- man + woman`, `1. large`."""
    return re.sub(r"^(\d*)([-+.)])(?= |$)", r"\1\\\2", line)


def _listed(lines: Sequence[str]) -> list[str]:
    """Lines as the items of a list, with an empty line after them where there are any."""
    items = [f"- {_begun(_escaped(line))}" for line in lines if line.strip()]
    return [*items, ""] if items else []


def to_html(result: Result, most: int | None = None) -> str:
    """A result as a piece of a page: the head, table and foot of `to_text`, and nothing to load.

    Args:
        result: any answer.
        most: show only the first so many rows, and say so; all unless given.
    """
    laid = lay_out(result)
    return html_of(laid, _shown(result, laid), most)


def html_of(laid: Layout, rows: Sequence[Any], most: int | None = None) -> str:
    """What is laid out, as a piece of a page.

    Every style stands on its element, where notebooks that drop style sheets keep it. No colour is
    named but a grey for rules, which a light and a dark page both show.
    """
    shown = rows if most is None else rows[:most]
    parts = [f'<div style="{_PAGE}">', *_lines_as_html(laid.head, "margin-bottom:8px")]
    cells = "".join(
        f'<th style="{_style(column)};border-bottom:1px solid {_RULE}">{escape(column.name)}</th>'
        for column in laid.columns
    )
    parts.append(f'<table style="{_TABLE}"><thead><tr>{cells}</tr></thead><tbody>')
    for row in shown:
        cells = "".join(
            f'<td style="{_style(column)}">{escape(column.cell(row))}</td>'
            for column in laid.columns
        )
        parts.append(f"<tr>{cells}</tr>")
    parts.append("</tbody></table>")
    left = len(rows) - len(shown)
    more = [f"and {left:,} more rows; .to_pandas() or .rows has them all", ""] if left else []
    parts += _lines_as_html([*more, *laid.foot], "margin-top:8px;opacity:0.75")
    return "\n".join([*parts, "</div>", ""])


_RULE = "rgba(128,128,128,0.5)"
_PAGE = "font-size:0.9em;line-height:1.4;overflow-x:auto"
_TABLE = "border-collapse:collapse;border:none;margin:0;font-variant-numeric:tabular-nums"


def _style(column: Column) -> str:
    side = "right" if column.right else "left"
    wrap = "" if column.folds else ";white-space:nowrap"
    return f"text-align:{side};padding:2px 10px{wrap}"


def _lines_as_html(lines: Sequence[str], style: str) -> list[str]:
    """Lines one below the other; what is set in stays so, and an empty line is a gap."""
    out = [f'<div style="{style}">']
    for line in lines:
        depth = (len(line) - len(line.lstrip())) / 2
        inset = f' style="padding-left:{depth:g}em"' if depth else ""
        out.append(f"<div{inset}>{escape(line.strip()) or '&nbsp;'}</div>")
    return [*out, "</div>"]


def _table(columns: Sequence[Column], rows: Sequence[Any], width: int) -> str:
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
