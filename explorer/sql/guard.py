"""What a statement may hold: one query, over tables and over functions that only compute.

Knows DuckDB's own reading of a statement, as the tree that `json_serialize_sql` gives; executes
nothing. This stands before the lock-down, not in its place: DuckDB is told to open no file, load
nothing and change no setting besides. What is refused here is what that leaves: statements that
change something, and table functions that take an address in memory for an argument.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError
from explorer.sql.functions import functions
from explorer.sql.meant import command, meant
from indexer.store.errors import nearest, option_named

TABLE_FUNCTIONS = frozenset(
    {
        "duckdb_columns", "duckdb_constraints", "duckdb_functions", "duckdb_indexes",
        "duckdb_keywords", "duckdb_schemas", "duckdb_tables", "duckdb_types", "duckdb_views",
        "generate_series", "generate_subscripts", "histogram", "histogram_values", "json_each",
        "json_tree", "pragma_show", "pragma_table_info", "range", "repeat", "repeat_row",
        "summary", "unnest",
    }
    | {function.name for function in functions() if function.columns}
)  # fmt: skip
"""What may stand in FROM like a table, besides tables."""

NOWHERE = 2**64 - 1
"""What DuckDB gives for the place of what has none of its own."""


@dataclass(frozen=True)
class Position:
    """Where something stands in a statement: line and column from 1, and what stands there."""

    line: int
    column: int
    text: str

    def __str__(self) -> str:
        found = f" ({self.text})" if self.text else ""
        return f"line {self.line}, column {self.column}{found}"


def position_of(sql: str, offset: int, length: int = 0) -> Position:
    """The position of an offset in bytes, as DuckDB counts."""
    encoded = sql.encode()
    before = encoded[:offset].decode(errors="replace")
    text = encoded[offset : offset + length].decode(errors="replace")
    line = before.count("\n") + 1
    return Position(line, len(before) - (before.rfind("\n") + 1) + 1, " ".join(text.split())[:40])


def checked(connection: Any, sql: str) -> list[tuple[str, Position]]:
    """Raise `QueryError` unless a statement only asks; its calls of the explorer's functions."""
    import duckdb

    if "\0" in sql or any("\ud800" <= char <= "\udfff" for char in sql):
        raise QueryError("the SQL is not text: it holds bytes that are not UTF-8")
    if (shell := command(sql)) is not None:
        raise QueryError(shell)
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as err:
        raise QueryError(said(err, sql)) from None
    if not statements:
        raise QueryError('no SQL was given; ask such as "SELECT count(*) FROM token"')
    if len(statements) > 1:
        raise QueryError(f"{len(statements)} statements where one is asked; send them one by one")
    kind = _kind(statements[0])
    start = 0
    if kind == "EXPLAIN":
        start = _inner(sql)
        return [
            (name, position_of(sql, start + offset, length))
            for name, offset, length in _calls(connection, sql.encode()[start:].decode())
        ]
    if kind != "SELECT":
        hint = "; name the values, as ON x IN (...)" if kind == "MULTI" else ""
        raise QueryError(
            f"{'PIVOT' if kind == 'MULTI' else kind} cannot be asked here: only SELECT, and what "
            f"reads alike (FROM, VALUES, DESCRIBE, SHOW, SUMMARIZE, EXPLAIN){hint}"
        )
    return [
        (name, position_of(sql, offset, length)) for name, offset, length in _calls(connection, sql)
    ]


def _kind(statement: Any) -> str:
    try:
        return str(statement.type.name)
    except ValueError:  # of a kind that DuckDB reads, and its Python side has no name for
        return "this"


def _inner(sql: str) -> int:
    """Where, in bytes, what an EXPLAIN explains begins."""
    import duckdb

    encoded = sql.encode()
    offsets = [offset for offset, _ in duckdb.tokenize(sql)] + [len(encoded)]
    words = [
        encoded[a:b].decode(errors="replace").split("--")[0].strip().lower()
        for a, b in itertools.pairwise(offsets)
    ]
    at = words.index("explain") + 1
    if words[at] in ("analyze", "analyse"):
        at += 1
    if words[at] == "(" and words[at + 1] in ("format", "analyze", "analyse"):
        at = words.index(")", at) + 1
    return offsets[at]


def _calls(connection: Any, sql: str) -> list[tuple[str, int, int]]:
    """Every call of the explorer's functions: name, offset and length, in order.

    Raises:
        QueryError: the statement changes something, or calls what it may not.
    """
    tree = json.loads(connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchall()[0][0])
    if tree.get("error"):
        raise QueryError(f"this cannot be asked: {tree.get('error_message')}")
    ours = {function.name for function in functions()}
    found = []
    for node in _nodes(tree):
        kind = str(node.get("type", ""))
        if kind.endswith("_QUERY_NODE"):
            verb = kind.removesuffix("_QUERY_NODE").replace("_", " ")
            raise QueryError(f"{verb} cannot be asked here: nothing is ever changed")
        name, offset = "", int(node.get("query_location", NOWHERE))
        if kind == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).lower()
            if name not in TABLE_FUNCTIONS:
                raise QueryError(_refused(name, position_of(sql, offset)))
        elif node.get("class") == "FUNCTION":
            name = str(node.get("function_name", "")).lower()
            if name.startswith("__internal") or name == "write_log":
                raise QueryError(_refused(name, position_of(sql, offset)))
        if name in ours and offset != NOWHERE:
            found.append((name, offset, len(name)))
    return sorted(found, key=lambda call: call[1])


def _refused(name: str, place: Position) -> str:
    if any(one.name == name and not one.columns for one in functions()):
        return f"{place}: {name} gives a number, and no table: SELECT {name}(...)"
    close = nearest(name, TABLE_FUNCTIONS, limit=1)
    hint = f"; did you mean {close[0]}?" if close else ""
    return (
        f"{place}: the function {name} cannot be asked here{hint} (files are read with "
        f"{option_named('attach')} "
        "NAME=FILE; `explorer schema` lists the explorer's functions)"
    )


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Every object of a tree, however deep it is nested."""
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def said(error: Exception, sql: str) -> str:
    """What DuckDB says is wrong, in one line that begins with the place."""
    text = str(error)
    try:
        told = json.loads(text[text.index("{") :])
        message = str(told["exception_message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split("\n\n")[0].split())
    line = meant(message, sql) or " ".join(message.replace("\n", "; ").split()).replace(
        "!;", ";"
    ).replace(".;", ";")
    try:
        if "location" in told:
            offset, length = json.loads(told["location"])
        else:
            offset, length = int(told["position"]), 0
    except (KeyError, ValueError, TypeError):
        return line
    return f"{position_of(sql, offset, length)}: {line}"
