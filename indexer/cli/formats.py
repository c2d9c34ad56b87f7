"""What a command says, as a table for people or as JSON and CSV for programs.

Knows the formats, by the names that `explorer` has for them; knows nothing of what is said. CSV and
JSON lines have the rows alone.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from indexer.cli.completion import Listed
from indexer.store.errors import SemanticError, unknown
from indexer.store.shown import in_a_sheet, one_line
from indexer.store.streams import put

FORMATS = ("table", "json", "jsonl", "csv")

format_option = click.option(
    "--format",
    default="table",
    show_default=True,
    metavar="|".join(FORMATS),
    cls=Listed,
    help="How it is written.",
)


def check_format(format: str) -> None:
    """Raise `SemanticError` unless the format is one of `FORMATS`."""
    if format not in FORMATS:
        raise SemanticError(unknown("format", format, FORMATS))


def write(
    format: str,
    lines: Sequence[str],
    whole: Any,
    rows: Sequence[Mapping[str, Any]],
    names: Sequence[str],
) -> None:
    """Write to stdout what there is to say.

    Args:
        format: one of `FORMATS`.
        lines: of the table.
        whole: what JSON has.
        rows: what JSON lines and CSV have.
        names: the columns of CSV.
    """
    _WRITERS[format](lines, whole, rows, names)


def _table(lines: Sequence[str], *_: Any) -> None:
    put("".join(f"{one_line(line)}\n" for line in lines))


def _json(_: Any, whole: Any, *__: Any) -> None:
    put(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", "json")


def _jsonl(_: Any, __: Any, rows: Sequence[Mapping[str, Any]], *___: Any) -> None:
    put("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "jsonl")


def _csv(_: Any, __: Any, rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        cells = (row.get(name) for name in names)
        writer.writerow([in_a_sheet(one) if isinstance(one, str) else one for one in cells])
    put(out.getvalue().encode("utf-8", "backslashreplace").decode(), "csv")


_WRITERS: Mapping[str, Callable[..., None]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
}
