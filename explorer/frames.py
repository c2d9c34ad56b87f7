"""Rows as columns: the one place that knows which columns an answer has, and of what type.

Knows dataclasses and their annotations; CSV and every kind of frame stand on what is said here. A
record in a row becomes columns `name.field`, a dict columns `name.key` (of records,
`name.key.field`), and the components of a target columns `name.component.field`; lists stay lists.
A library is imported only when one of its frames is asked for.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import json
import re
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError
from explorer.results import AnalogyLayers, Layers, Middlemen, Result, SqlRows


@dataclass(frozen=True)
class Column:
    """One column of a frame.

    Attributes:
        name: its name, parts of a record joined by dots.
        kind: `int`, `float`, `str` or `bool`, as the row's dataclass is annotated; of a statement's
            columns `float` where they hold numbers of any kind, else `object`.
        many: whether a cell is a list of such values.
        optional: whether a cell may be None.
        cells: one value a row; lists where there are many.
    """

    name: str
    kind: type
    many: bool
    optional: bool
    cells: list[Any]


def columns_of(result: Result) -> list[Column]:
    """The columns of an answer, in the order of its rows' fields.

    A record that no row has (a target that was not asked for) has no columns. Types come from the
    annotations, so that an answer without rows, or a column of None, has them too.
    """
    if isinstance(result, SqlRows):
        return list(_of_sql(result))
    kind = typing.get_args(_hints(type(result))["rows"])[0]
    rows = list(result.rows)  # type: ignore[attr-defined]  # every result has rows
    return list(_of_records(kind, rows, "", _names(result)))


def _of_sql(result: SqlRows) -> Iterator[Column]:
    """The columns of a statement, as text and CSV have them; frames are made of Arrow there."""
    rows = result.to_dicts()
    for column in result.meta.columns:
        cells = [row[column.name] for row in rows]
        many = column.type.endswith("[]") and not column.type.startswith(("STRUCT", "MAP"))
        whole = [
            json.dumps(cell, ensure_ascii=False)
            if isinstance(cell, (dict, list)) and not many
            else cell
            for cell in cells
        ]
        kind = float if _NUMBERS.fullmatch(column.type) else object
        yield Column(column.name, kind, many and not _any_none(cells), True, whole)


_NUMBERS = re.compile(
    r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(\d+,\s*\d+\)|BOOLEAN)(\[\d*\])*"
)
"""Types of DuckDB whose values are numbers, however they are written."""


def _names(result: Result) -> dict[str, list[str]]:
    """By field, what the query says of columns: keys that no row may have, names of components.

    A component is called what it was asked as; what it was taken to be differs from space to space.
    """
    if isinstance(result, Middlemen):
        query = result.query
        asked = {"scores": query.words, "avoided": query.avoid, "acts": query.words}
        return {name: [" ".join(word.split()) for word in words] for name, words in asked.items()}
    if isinstance(result, (AnalogyLayers, Layers)):
        return {"target.components": [one.asked for one in result.meta.resolved]}
    return {}


def _of_records(
    kind: type, records: Sequence[Any], before: str, names: dict[str, list[str]]
) -> Iterator[Column]:
    """The columns of some records of one class; None where a row has none."""
    hints, absent = _hints(kind), any(record is None for record in records)
    for field in dataclasses.fields(kind):
        cells = [None if record is None else getattr(record, field.name) for record in records]
        yield from _of_field(before + field.name, hints[field.name], cells, absent, names)


def _of_field(
    name: str, hint: Any, cells: list[Any], absent: bool, names: dict[str, list[str]]
) -> Iterator[Column]:
    hint, optional = _without_none(hint)
    inside = typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if any(cell is not None for cell in cells):
            yield from _of_records(hint, cells, f"{name}.", names)
    elif typing.get_origin(hint) is dict:
        there = [key for cell in cells if cell for key in cell]
        for key in dict.fromkeys([*names.get(name, ()), *there]):
            values = [None if cell is None else cell.get(key) for cell in cells]
            if dataclasses.is_dataclass(inside[1]):
                record = typing.cast("type", inside[1])
                yield from _of_records(record, values, f"{name}.{key}.", names)
                continue
            yield Column(f"{name}.{key}", inside[1], False, _any_none(values), values)
    elif typing.get_origin(hint) is tuple and dataclasses.is_dataclass(inside[0]):
        asked = names.get(name, [])
        for at in range(max((len(cell) for cell in cells if cell), default=0)):
            if asked.index(asked[at]) < at:
                continue  # asked twice, so the same twice
            found = [cell[at] if cell else None for cell in cells]
            kind = typing.cast("type", inside[0])
            yield from _of_records(kind, found, f"{name}.{asked[at]}.", names)
    elif typing.get_origin(hint) is tuple:
        lists = [None if cell is None else list(cell) for cell in cells]
        yield Column(name, inside[0], True, optional or absent, lists)
    else:
        yield Column(name, hint, False, optional or absent, cells)


def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """An annotation without its `| None`, and whether it had one."""
    if not isinstance(hint, types.UnionType):
        return hint, False
    left = [one for one in typing.get_args(hint) if one is not type(None)]
    return left[0], len(left) < len(typing.get_args(hint))


def _any_none(values: Sequence[Any]) -> bool:
    return any(value is None for value in values)


# -- kinds of frames ------------------------------------------------------------------------


def to_pandas(columns: Sequence[Column]) -> Any:
    """A `pandas.DataFrame`: int64, Int64 where a cell may be missing, float64, str, and lists.

    Raises:
        QueryError: pandas is not installed.
    """
    pandas = library("pandas")
    # Before pandas 3, `str` would make a text of None.
    text = "str" if int(pandas.__version__.split(".")[0]) >= 3 else "object"
    names = {int: ("int64", "Int64"), float: ("float64", "float64"), bool: ("bool", "boolean")}

    def dtype(column: Column) -> str:
        if column.many:
            return "object"
        return text if column.kind is str else names[column.kind][column.optional]

    return pandas.DataFrame(
        {column.name: pandas.Series(column.cells, dtype=dtype(column)) for column in columns}
    )


def to_polars(columns: Sequence[Column]) -> Any:
    """A `polars.DataFrame`: Int64, Float64, String, Boolean, and lists of them.

    Raises:
        QueryError: polars is not installed.
    """
    polars = library("polars")
    kinds = {int: polars.Int64, float: polars.Float64, str: polars.String, bool: polars.Boolean}
    schema = {
        column.name: polars.List(kinds[column.kind]) if column.many else kinds[column.kind]
        for column in columns
    }
    return polars.DataFrame({column.name: column.cells for column in columns}, schema=schema)


def to_arrow(columns: Sequence[Column]) -> Any:
    """A `pyarrow.Table`: int64, double, string, bool, and lists of them.

    Raises:
        QueryError: pyarrow is not installed.
    """
    arrow = library("pyarrow")
    kinds = {int: arrow.int64(), float: arrow.float64(), str: arrow.string(), bool: arrow.bool_()}
    return arrow.table(
        {
            column.name: arrow.array(
                column.cells, arrow.list_(kinds[column.kind]) if column.many else kinds[column.kind]
            )
            for column in columns
        }
    )


def library(name: str) -> Any:
    """A library of frames.

    Raises:
        QueryError: it is not installed.
    """
    if importlib.util.find_spec(name) is None:
        brings = "'semantic-explorer[frames]'" if name in ("pandas", "polars") else name
        raise QueryError(f"a frame of {name} needs {name}, which is not here: pip install {brings}")
    return importlib.import_module(name)
