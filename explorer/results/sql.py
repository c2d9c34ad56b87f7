"""What `sql` answers: rows of whatever columns were asked for."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from explorer.results.answer import Result

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
class SqlQuery:
    """What was asked of `sql`.

    Attributes:
        sql: the statement.
        parameters: values by name, or by place from `1`.
    """

    sql: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class SqlMeta:
    """What an answer rests on.

    Attributes:
        index: name of the index.
        model: the model it was made from.
        columns: names and types.
    """

    index: str
    model: str
    columns: tuple[SqlColumn, ...]


@dataclass(frozen=True)
class SqlRows(Result):
    """The rows of a statement, in the order that DuckDB gives them.

    `len`, iteration and `rows` give dicts of Python values: `Decimal`, `datetime` and `bytes` where
    the column is such; in `to_dicts` and JSON they are text, and what is no finite number is too.

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
        return tuple(
            {name: _python(value) for name, value in row.items()}
            for batch in self.table.to_batches()
            for row in batch.to_pylist(maps_as_pydicts="strict")
        )

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

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
            },
        }

    def to_arrow(self) -> pyarrow.Table:
        """The rows as an Arrow table, with the types that DuckDB gives."""
        return self.table

    def to_pandas(self) -> pandas.DataFrame:
        """The rows as a pandas DataFrame, as pyarrow makes one.

        Raises:
            QueryError: pandas is not installed.
        """
        from explorer.frames import library

        library("pandas")
        return self.table.to_pandas(maps_as_pydicts="strict")

    def to_polars(self) -> polars.DataFrame:
        """The rows as a polars DataFrame, as polars reads Arrow.

        Raises:
            QueryError: polars is not installed.
        """
        from explorer.frames import library

        return library("polars").from_arrow(self.table)


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
