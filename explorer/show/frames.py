"""Rows as columns: which columns rows of a dataclass have, and of what type.

Knows dataclasses and their annotations; CSV and every kind of frame stand on what is said here. A
record in a row becomes columns `name.field`, a dict columns `name.key` (of records,
`name.key.field`), and the components of a target columns `name.component.field`; lists stay lists.
A library is imported only when one of its frames is asked for.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError


@dataclass(frozen=True)
class FrameColumn:
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


def row_kind(result: type) -> type:
    """The dataclass of an answer's rows, as the answer's own dataclass is annotated."""
    kind: type = typing.get_args(_hints(result)["rows"])[0]
    return kind


def columns_of(
    kind: type, rows: Sequence[Any], named: Mapping[str, Sequence[str]]
) -> list[FrameColumn]:
    """The columns of rows of one dataclass, in the order of its fields.

    A record that no row has (a target that was not asked for) has no columns. Types come from the
    annotations, so that an answer without rows, or a column of None, has them too.

    Args:
        kind: the dataclass.
        rows: of it.
        named: by field, columns that are there though no row may have them: the keys of a dict, or
            the names of the components of a target (a component is called what it was asked as;
            what it was taken to be differs from space to space).
    """
    return list(_of_records(kind, list(rows), "", named))


def _of_records(
    kind: type, records: Sequence[Any], before: str, names: Mapping[str, Sequence[str]]
) -> Iterator[FrameColumn]:
    """The columns of some records of one class; None where a row has none."""
    hints, absent = _hints(kind), any(record is None for record in records)
    for field in dataclasses.fields(kind):
        cells = [None if record is None else getattr(record, field.name) for record in records]
        yield from _of_field(before + field.name, hints[field.name], cells, absent, names)


def _of_field(
    name: str, hint: Any, cells: list[Any], absent: bool, names: Mapping[str, Sequence[str]]
) -> Iterator[FrameColumn]:
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
            yield FrameColumn(f"{name}.{key}", inside[1], False, _any_none(values), values)
    elif typing.get_origin(hint) is tuple and dataclasses.is_dataclass(inside[0]):
        asked = list(names.get(name, ()))
        for at in range(max((len(cell) for cell in cells if cell), default=0)):
            if asked.index(asked[at]) < at:
                continue  # asked twice, so the same twice
            found = [cell[at] if cell else None for cell in cells]
            kind = typing.cast("type", inside[0])
            yield from _of_records(kind, found, f"{name}.{asked[at]}.", names)
    elif typing.get_origin(hint) is tuple:
        lists = [None if cell is None else list(cell) for cell in cells]
        yield FrameColumn(name, _without_none(inside[0])[0], True, optional or absent, lists)
    else:
        yield FrameColumn(name, hint, False, optional or absent, cells)


def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _without_none(hint: Any) -> tuple[Any, bool]:
    """An annotation without its `| None`, and whether it had one; a choice is a text."""
    if typing.get_origin(hint) is typing.Literal:
        return str, False
    if not isinstance(hint, types.UnionType):
        return hint, False
    left = [one for one in typing.get_args(hint) if one is not type(None)]
    return left[0], len(left) < len(typing.get_args(hint))


def _any_none(values: Sequence[Any]) -> bool:
    return any(value is None for value in values)


# -- kinds of frames ------------------------------------------------------------------------


def to_pandas(columns: Sequence[FrameColumn]) -> Any:
    """A `pandas.DataFrame`: int64, Int64 where a cell may be missing, float64, str, and lists.

    Raises:
        QueryError: pandas is not installed.
    """
    pandas = library("pandas")
    # Before pandas 3, `str` would make a text of None.
    text = "str" if int(pandas.__version__.split(".")[0]) >= 3 else "object"
    names = {int: ("int64", "Int64"), float: ("float64", "float64"), bool: ("bool", "boolean")}

    def dtype(column: FrameColumn) -> str:
        if column.many:
            return "object"
        return text if column.kind is str else names[column.kind][column.optional]

    return pandas.DataFrame(
        {column.name: pandas.Series(column.cells, dtype=dtype(column)) for column in columns}
    )


def to_polars(columns: Sequence[FrameColumn]) -> Any:
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


def to_arrow(columns: Sequence[FrameColumn]) -> Any:
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
