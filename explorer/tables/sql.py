"""How the answers of SQL look as a table, and what SQL can name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.results import Described, Schema, SqlMeta, SqlRows
from explorer.tables.layout import Column, Layout

MOST_ROWS = 100
"""Of more rows than a person would read, how many are shown."""

LONGEST_CELL, LONGEST_LIST = 2_000, 200
"""Characters of a cell on a page, and items of a list in it."""

_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


def sql(result: SqlRows) -> Layout:
    """The rows as they came, numbers to the right."""
    shown = result.first(MOST_ROWS).rows
    count = f"{len(result):,} row{'' if len(result) == 1 else 's'}"
    if len(result) > len(shown):
        count += f", of which the first {len(shown)} are shown; --format csv writes all"
    head = [f"SQL over index {result.meta.index} ({result.meta.model})"]
    return Layout(head, _columns(result.meta), [count], shown)


def page(result: SqlRows, start: int, count: int) -> Layout:
    """Some of the rows, from one on, counted from 0; only they are made out of Arrow.

    A cell is no longer than a page.
    """
    rows = result.part(start, count).rows
    shown = [{name: _begun(value) for name, value in row.items()} for row in rows]
    of = len(result)
    said = f"{of:,} row{'' if of == 1 else 's'}"
    if len(rows) < of:
        said = f"rows {start + 1:,} to {start + len(rows):,} of {of:,}"
    columns = _columns(result.meta, _begin_of)
    cut = any(_begun(value) is not value for row in rows for value in row.values())
    foot = [f"of lists, the first {LONGEST_LIST} items are shown"] if cut else []
    return Layout([said], columns, foot, shown)


def _begun(value: Any) -> Any:
    """A value, or how a long list begins."""
    long = isinstance(value, list) and len(value) > LONGEST_LIST
    return value[:LONGEST_LIST] if long else value


def _columns(meta: SqlMeta, of: Callable[[str], str] = str) -> list[Column]:
    """The columns, and of the text of each cell what is shown."""
    return [
        Column(
            column.name,
            lambda row, name=column.name: of(_cell(row[name])),  # type: ignore[misc]
            right=any(number in column.type for number in _NUMBERS) and "[" not in column.type,
            folds=not any(number in column.type for number in _NUMBERS),
            stays=True,
        )
        for column in meta.columns
    ]


def _begin_of(text: str) -> str:
    """A cell that is no longer than a page."""
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4f}" if value == 0 or 1e-3 <= abs(value) < 1e7 else f"{value:.4g}"
    if isinstance(value, list):
        return " ".join(map(_cell, value)) if not _nested(value) else "; ".join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(one)}" for key, one in value.items())
    return str(value)


def _nested(values: list[Any]) -> bool:
    return any(isinstance(value, (list, dict)) for value in values)


def schema(result: Schema) -> Layout:
    """What can be named, a table or function above what it has."""
    columns = [
        Column("name", _name),
        Column("type", lambda row: str(row.type), folds=True),
        Column("", lambda row: str(row.about), folds=True),
    ]
    head = [f"what SQL can name in index {result.meta.index} ({result.meta.model})"]
    foot = [
        "a parameter with a default may be named, as neighbors('dog', k := 3); text stands in "
        "single quotes"
    ]
    return Layout(head, columns, foot)


def _name(row: Described) -> str:
    if row.kind == "table":
        return row.of
    if row.kind == "function":
        return f"{row.of}()"
    return f"  {'-> ' if row.kind == 'gives' else ''}{row.name}"
