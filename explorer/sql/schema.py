"""Every table, column and function that SQL can name, with what each is.

Knows the comments of the catalog, which are DuckDB's own, and what the functions say of themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from explorer.errors import QueryError
from explorer.questions import Described
from explorer.sql.functions import functions
from indexer.store.errors import unknown


def described(
    run: Callable[[str], list[tuple[Any, ...]]], name: str | None = None
) -> tuple[Described, ...]:
    """Tables as a connection has them, then functions; or the one of them that is named.

    Args:
        run: all rows of a query over the catalog.
        name: a table or function.

    Raises:
        QueryError: there is none of that name.
    """
    rows = (*_tables(run), *_functions())
    if name is None:
        return rows
    named = tuple(row for row in rows if row.of == name.strip().lower().removesuffix("()"))
    if not named:
        raise QueryError(unknown("table or function", name, dict.fromkeys(row.of for row in rows)))
    return named


def _tables(run: Callable[[str], list[tuple[Any, ...]]]) -> Iterator[Described]:
    columns = run(
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() "
        "WHERE NOT internal ORDER BY table_oid, column_index"
    )
    for table, about in run(
        "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY table_oid"
    ):
        yield Described("table", table, "", "", about or "")
        for of, column, kind, text in columns:
            if of == table:
                yield Described("column", table, column, kind, text or "")


def _functions() -> Iterator[Described]:
    for one in functions():
        gives = "table" if one.columns else one.returns
        yield Described("function", one.name, one.signature, gives, one.about)
        for parameter in one.parameters:
            yield Described("parameter", one.name, parameter.name, parameter.type, parameter.about)
        for column in one.columns:
            yield Described("gives", one.name, column.name, column.type, column.about)
