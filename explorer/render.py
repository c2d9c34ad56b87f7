"""Results as text: a table for people or for a page, JSON, JSON lines and CSV for programs.

Knows formats; how each answer's table is laid out is in `explorer.tables`. A table begins with what
was asked and what each word was taken to be, and ends with what the scores are read against.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from explorer.errors import QueryError
from explorer.results import Result
from explorer.tables import lay_out
from explorer.tables.layout import Column, Layout
from indexer.store.errors import unknown

FORMATS = ("table", "markdown", "json", "jsonl", "csv")


def render(result: Result, format: str, width: int = 100) -> str:
    """A result as text in one of `FORMATS`, ending with a newline.

    Raises:
        QueryError: there is no such format.
    """
    check_format(format)
    if format == "json":
        return json.dumps(result.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if format == "jsonl":
        lines = [json.dumps(r, ensure_ascii=False, allow_nan=False) for r in result.to_dicts()]
        return "".join(line + "\n" for line in lines)
    if format == "csv":
        return _csv(result.to_dicts())
    if format == "markdown":
        return to_markdown(result)
    return to_text(result, width)


def check_format(format: str) -> None:
    """Raise `QueryError` unless the format is one of `FORMATS`."""
    if format not in FORMATS:
        raise QueryError(unknown("format", format, FORMATS))


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    """Rows with nested values laid out: dicts as `name.key` columns, lists joined by blanks."""
    flat = [_flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: dict[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for item in value:
                flat |= _flat(
                    {k: v for k, v in item.items() if k != "item"},
                    f"{before}{key}.{item.get('item')}.",
                )
        elif isinstance(value, list):
            flat[before + key] = " ".join(map(str, value))
        else:
            flat[before + key] = value
    return flat


def to_text(result: Result, width: int = 100) -> str:
    """A result as a table for people."""
    laid = lay_out(result)
    return (
        "".join(f"{line}\n" for line in [*_folded(laid.head, width), ""])
        + _table(laid.columns, _shown(result, laid), width)
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
    above = [_escaped(laid.head[0]), "", *_listed(laid.head[1:])]
    return "".join(f"{line}\n" for line in [*above, *table, "", *_listed(laid.foot)[:-1]])


def _shown(result: Result, laid: Layout) -> Sequence[Any]:
    return result.rows if laid.rows is None else laid.rows  # type: ignore[attr-defined]


def _escaped(text: str) -> str:
    """Text in one line that means itself where Markdown would see a mark."""
    return re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", " ".join(text.split()))


def _listed(lines: Sequence[str]) -> list[str]:
    """Lines as the items of a list, with an empty line after them where there are any."""
    items = [f"- {_escaped(line)}" for line in lines if line.strip()]
    return [*items, ""] if items else []


def _table(columns: Sequence[Column], rows: Sequence[Any], width: int) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.right else "left",
            no_wrap=not column.folds,
            overflow="ellipsis" if not column.folds else "fold",
        )
    for row in rows:
        table.add_row(*(Text(column.cell(row)) for column in columns))
    out = io.StringIO()
    Console(file=out, width=width, color_system=None, emoji=False, highlight=False).print(table)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())
