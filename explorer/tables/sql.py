"""How the answers of SQL look as a table, and what SQL can name."""

from __future__ import annotations

from typing import Any

from explorer.results import Described, Schema, SqlRows
from explorer.tables.layout import Column, Layout

MOST_ROWS = 100
"""Of more rows than a person would read, how many are shown."""

_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")


def sql(result: SqlRows) -> Layout:
    """The rows as they came, numbers to the right."""
    meta = result.meta
    columns = [
        Column(
            column.name,
            lambda row, name=column.name: _cell(row[name]),  # type: ignore[misc]
            right=any(number in column.type for number in _NUMBERS) and "[" not in column.type,
            folds=not any(number in column.type for number in _NUMBERS),
        )
        for column in meta.columns
    ]
    shown = result.first(MOST_ROWS).rows
    count = f"{len(result):,} row{'' if len(result) == 1 else 's'}"
    if len(result) > len(shown):
        count += f", of which the first {len(shown)} are shown; --format csv writes all"
    return Layout([f"SQL over index {meta.index} ({meta.model})"], columns, [count], shown)


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
