"""What `sql` answers: rows of whatever columns were asked for."""

from __future__ import annotations

import datetime
import decimal
import json
import math
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from explorer.questions.answer import Result
from explorer.questions.query import Query, argument
from explorer.show.frames import FrameColumn
from explorer.show.layout import Column, Layout

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


@dataclass(frozen=True)
class SqlColumn:
    """A column of an answer.

    Attributes:
        name: its name; a second column `a` is called `a_1`.
        type: its type as DuckDB writes it.
    """

    name: str
    type: str


@dataclass(frozen=True)
class SqlQuery(Query["SqlRows"]):
    """What does one SELECT over the catalog answer?"""

    question = "sql"
    computed = False
    examples = (
        'explorer sql "SELECT count(*) FROM token"',
        "explorer sql \"FROM neighbors('large', k := 3)\" --format csv",
    )

    sql: str = argument("the statement", "text")
    parameters: dict[str, Any] = argument(
        "values by name, or by place from `1`", "text", default_factory=dict
    )


@dataclass(frozen=True)
class SqlMeta:
    """What an answer rests on.

    Attributes:
        index: name of the index.
        model: the model it was made from.
        columns: names and types.
        notes: what is not quite as it was asked of the functions, a line each: what an item was
            taken to be, and why there are fewer rows.
    """

    index: str
    model: str
    columns: tuple[SqlColumn, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SqlRows(Result[dict[str, Any]]):
    """The rows of a statement, in the order that DuckDB gives them.

    A row is a dict of Python values, by column: `Decimal`, `datetime` and `bytes` where the column
    is such; in `to_dicts` and JSON they are text, and what is no finite number is too. Only the
    rows that are asked for are made out of Arrow.

    Attributes:
        query: the statement and its parameters.
        table: the rows as Arrow.
        meta: index, model and columns.
    """

    query: SqlQuery
    table: pyarrow.Table
    meta: SqlMeta

    @property
    def rows(self) -> tuple[dict[str, Any], ...]:
        """One dict a row, by column."""
        return _rows_of(self.table)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @overload
    def __getitem__(self, at: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, at: slice) -> tuple[dict[str, Any], ...]: ...

    def __getitem__(self, at: int | slice) -> dict[str, Any] | tuple[dict[str, Any], ...]:
        places = range(len(self))[at]
        if isinstance(places, int):
            return _rows_of(self.table.slice(places, 1))[0]
        if places.step == 1:
            return _rows_of(self.table.slice(places.start, len(places)))
        return _rows_of(self.table.take(list(places))) if places else ()

    def first(self, count: int) -> SqlRows:
        """The same answer, cut off after so many rows."""
        return self.part(0, count)

    def part(self, start: int, count: int) -> SqlRows:
        """So many rows of the answer from one on, counted from 0; no other is looked at."""
        return SqlRows(self.query, self.table.slice(start, count), self.meta)

    def to_dict(self) -> dict[str, Any]:
        """`{"query": ..., "rows": [...], "meta": ...}`, of what JSON has."""
        return {
            "query": {"sql": self.query.sql, "parameters": dict(self.query.parameters)},
            "rows": [{n: _json(v) for n, v in row.items()} for row in self.rows],
            "meta": {
                "index": self.meta.index,
                "model": self.meta.model,
                "columns": [vars(column) for column in self.meta.columns],
                "notes": list(self.meta.notes),
            },
        }

    def told(self) -> tuple[str, ...]:
        """What is not quite as it was asked of the functions, a line each."""
        return self.meta.notes

    def columns(self) -> list[FrameColumn]:
        """The columns as text and CSV have them; frames are made of Arrow here."""
        rows, found = self.to_dicts(), []
        for column in self.meta.columns:
            cells = [row[column.name] for row in rows]
            many = column.type.endswith("[]") and not column.type.startswith(("STRUCT", "MAP"))
            whole = [
                json.dumps(cell, ensure_ascii=False)
                if isinstance(cell, (dict, list)) and not many
                else cell
                for cell in cells
            ]
            kind = float if _NUMBERS.fullmatch(column.type) else object
            listed = many and not any(cell is None for cell in cells)
            found.append(FrameColumn(column.name, kind, listed, True, whole))
        return found

    def to_arrow(self) -> pyarrow.Table:
        """The rows as an Arrow table, with the types that DuckDB gives."""
        return self.table

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame, as pyarrow makes one.

        Raises:
            QueryError: pandas is not installed.
        """
        from explorer.show.frames import library

        library("pandas")
        return self.table.to_pandas(maps_as_pydicts="strict")

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars DataFrame, as polars reads Arrow.

        Raises:
            QueryError: polars is not installed.
        """
        from explorer.show.frames import library

        return library("polars").from_arrow(self.table)

    def layout(self) -> Layout:
        """The rows as they came, numbers to the right."""
        return _sql_table(self)


def _rows_of(table: pyarrow.Table) -> tuple[dict[str, Any], ...]:
    return tuple(
        {name: _python(value) for name, value in row.items()}
        for batch in table.to_batches()
        for row in batch.to_pylist(maps_as_pydicts="strict")
    )


def _python(value: Any) -> Any:
    """Whole numbers beyond 64 bits, which Arrow has as decimals, are int."""
    if isinstance(value, decimal.Decimal) and value.as_tuple().exponent == 0:
        return int(value)
    if isinstance(value, list):
        return [_python(one) for one in value]
    if isinstance(value, dict):
        return {key: _python(one) for key, one in value.items()}
    return value


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, (decimal.Decimal, datetime.timedelta, uuid.UUID)):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [_json(one) for one in value]
    if isinstance(value, dict):
        return {str(key): _json(one) for key, one in value.items()}
    return value


_A_NUMBER = r"(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(\d+,\s*\d+\))"
_NUMBER = re.compile(_A_NUMBER)
_NUMBERS = re.compile(rf"({_A_NUMBER}|BOOLEAN)(\[\d*\])*")
"""Types of DuckDB whose values are numbers, however they are written."""

MOST_ROWS = 100
"""Of more rows than a person would read, how many are shown."""

LONGEST_CELL, LONGEST_LIST = 2_000, 200
"""Characters of a cell on a page, and items of a list in it."""


def _sql_table(result: SqlRows) -> Layout:
    shown = result.first(MOST_ROWS).rows
    count = f"{len(result):,} row{'' if len(result) == 1 else 's'}"
    if len(result) > len(shown):
        count += f", of which the first {len(shown)} are shown; --format csv writes all"
    head = [f"SQL over index {result.meta.index} ({result.meta.model})"]
    return Layout(head, _columns(result.meta), shown, [count, *result.meta.notes])


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
    return Layout([said], columns, shown, [*foot, *result.meta.notes])


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
            right=_NUMBER.fullmatch(column.type) is not None,
            folds=_NUMBER.fullmatch(column.type) is None,
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
        return f"{value:z.4f}" if value == 0 or 1e-3 <= abs(value) < 1e7 else f"{value:.4g}"
    if isinstance(value, list):
        return " ".join(map(_cell, value)) if not _nested(value) else "; ".join(map(_cell, value))
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(one)}" for key, one in value.items())
    return str(value)


def _nested(values: list[Any]) -> bool:
    return any(isinstance(value, (list, dict)) for value in values)
