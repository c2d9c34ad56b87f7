"""Formats that an answer is written in: tables for people and pages, JSON and CSV for programs.

Knows what each format takes of an answer (its table, its columns, or its plain values); knows no
answer itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from explorer.errors import QueryError
from explorer.show.gauge import Gauge
from explorer.show.layout import Layout
from explorer.show.text import Colours, to_text
from indexer.store.errors import unknown
from indexer.store.shown import in_a_sheet, in_json

if TYPE_CHECKING:
    from explorer.show.frames import FrameColumn

FORMATS = ("table", "markdown", "html", "json", "jsonl", "csv")


class Answer(Protocol):
    """What can be written in every format."""

    def layout(self) -> Layout:
        """It as a table for people."""

    def gauge(self) -> Gauge | None:
        """What is ordinary for its rows' scores; None where they have no baseline."""

    def columns(self) -> list[FrameColumn]:
        """Its rows as columns."""

    def to_dict(self) -> dict[str, Any]:
        """It as JSON has it."""

    def to_dicts(self) -> list[dict[str, Any]]:
        """Its rows alone, as JSON has them."""


def render(
    result: Answer,
    format: str,
    width: int = 100,
    raw_cells: bool = False,
    coloured: bool = False,
) -> str:
    """An answer as text in one of `FORMATS`, ending with a newline.

    What is for people is escaped as `indexer.store.shown` says, whatever it is written to; what is
    for programs is exact. In JSON nothing stands raw that does not print.

    Args:
        result: any answer.
        format: one of `FORMATS`.
        width: columns of a table.
        raw_cells: leave cells of CSV that a spreadsheet would run as they are.
        coloured: a table has the codes of a terminal in it, for what it says; no other format has.

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
        return _csv(result.columns(), raw_cells)
    if format == "markdown":
        from explorer.show.markup import to_markdown

        return to_markdown(result.layout())
    if format == "html":
        from explorer.show.markup import to_html

        return to_html(result.layout())
    if coloured:
        return to_text(result.layout(), width, Colours(result.gauge()))
    return to_text(result.layout(), width)


def check_format(format: str) -> None:
    """Raise `QueryError` unless the format is one of `FORMATS`."""
    if format not in FORMATS:
        raise QueryError(unknown("format", format, FORMATS))


def _csv(columns: Sequence[FrameColumn], raw_cells: bool) -> str:
    """The columns, lists joined by blanks."""
    import csv

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
