"""The catalog as a file that somebody else may have made: opened locked, and only as plain tables.

Knows DuckDB's settings and the tables of `schema.sql` and `labels.sql`; knows nothing of what their
rows mean. A DuckDB file can hold SQL of its author's: a view under the name of one of our tables, a
macro in place of `lower`, a default or a generated column that computes. So DuckDB is told to reach
nothing but this file before it looks at it, what is in it is listed with DuckDB's own functions
under their full names while no name of the file's can stand for them, and whatever is no table of
ours, column by column, is refused.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from indexer.store.errors import DamagedIndex
from indexer.store.files import opened
from indexer.store.layout import CATALOG, Manifest

MEMORY = "4GB"
"""The most that reading a catalog may take."""

ALIAS = "catalog"
"""The name under which the file is attached."""

_LISTED = "system.main.duckdb_{}() WHERE database_name = '" + ALIAS + "'"

_VIEWS_AND_MORE = " UNION ALL ".join(
    f"SELECT '{what}', {name} FROM {_LISTED.format(of)}{rest}"
    for what, name, of, rest in (
        ("view", "view_name", "views", ""),
        ("sequence", "sequence_name", "sequences", ""),
        ("trigger", "trigger_name", "triggers", ""),
        ("schema", "schema_name", "schemas", " AND schema_name <> 'main'"),
        ("type", "type_name", "types", " AND NOT internal AND type_name <> 'side'"),
        ("macro", "function_name", "functions", ""),
    )
)

_TABLES = f"SELECT table_name, sql FROM {_LISTED.format('tables')}"

_INDEXES = f"SELECT index_name, expressions FROM {_LISTED.format('indexes')}"


def config(memory: str = MEMORY, threads: int = 1) -> dict[str, Any]:
    """The settings that a connection is made with, before it knows of any file."""
    return {
        "threads": threads,
        "memory_limit": memory,
        "temp_directory": "",  # a query that does not fit ends; it never fills a disk
        "max_temp_directory_size": "0KB",
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
    }


def opened_locked(folder: Path, manifest: Manifest) -> Any:
    """A connection that reaches nothing but the catalog of an index, attached read-only.

    Raises:
        DamagedIndex: it cannot be read, or holds what is no table of ours.
    """
    import duckdb

    # Attached, and not opened, it leaves whoever opens the same file in this process a connection
    # as they want it.
    connection = duckdb.connect(":memory:", config=config())
    try:
        attach(connection, folder, manifest)
    except BaseException:
        connection.close()
        raise
    return connection


def attach(connection: Any, folder: Path, manifest: Manifest) -> None:
    """Lock a connection, and attach the catalog of an index to it.

    Raises:
        DamagedIndex: it cannot be read, or holds what is no table of ours.
    """
    import duckdb

    opened(folder, CATALOG, manifest.files.get(CATALOG)).close()
    path = (folder / CATALOG).absolute()
    log = path.with_name(f"{CATALOG}.wal")
    if log.exists() or log.is_symlink():  # DuckDB would read further changes from it
        raise DamagedIndex(f"index {folder.name!r}: {log.name} does not belong to a sealed index")
    where, beside = (str(one).replace("'", "''") for one in (path, log))
    try:
        for statement in (
            # The log is never there; DuckDB looks for it all the same.
            f"SET allowed_paths = ['{where}', '{beside}']",
            "SET enable_external_access = false",
            "SET lock_configuration = true",
            f"ATTACH '{where}' AS {ALIAS} (READ_ONLY)",
        ):
            connection.execute(statement).fetchall()
        fault = _fault(connection, manifest)
    except duckdb.Error as err:
        raise damaged(folder, err) from None
    if fault:
        raise DamagedIndex(f"index {folder.name!r}: {CATALOG} {fault}")


def damaged(folder: Path, err: Exception) -> DamagedIndex:
    """What DuckDB says of a catalog that it can't read, in one line."""
    first = str(err).splitlines()[0]
    return DamagedIndex(f"index {folder.name!r}: {CATALOG} cannot be read: {first}")


def _fault(connection: Any, manifest: Manifest) -> str | None:
    """What there is besides the plain tables of the schema, or what is missing; None if nothing.

    The statement that makes a table says all of it: columns, defaults, generated columns,
    collations, constraints. Nothing is asked that would bind a view, which is to run it.
    """
    found = connection.execute(_VIEWS_AND_MORE).fetchall()
    if found:
        what, name = found[0]
        return f"holds a {what}, {str(name)[:60]!r}, where only tables of the format belong"
    there = {table: _plain(sql) for table, sql in connection.execute(_TABLES).fetchall()}
    expected = declared()
    for table in dict.fromkeys((*there, *expected)):
        if table not in expected:
            return f"holds a table {table[:60]!r}, which the format does not have"
        if table not in there:
            if table == "label" and not any(one.kind == "imported" for one in manifest.spaces):
                continue
            return f"lacks the table {table}"
        if there[table] != expected[table] and not alike(connection, table):
            return f"has the table {table} with other columns than the format: {there[table][:300]}"
    for name, expressions in connection.execute(_INDEXES).fetchall():
        if not re.fullmatch(r"\w+", expressions.strip("[]'\"")):
            return f"has an index {name[:60]!r} over what it computes"
    return None


def alike(connection: Any, table: str) -> bool:
    """Whether a table of the catalog is the schema's, by what DuckDB lists of each.

    This is asked where the statements differ: a later DuckDB may write them in another way.
    """
    asked = (
        "SELECT column_name, data_type, is_nullable, column_default, is_generated "
        "FROM system.main.duckdb_columns() WHERE database_name = ? AND table_name = ? "
        "ORDER BY column_index",
        "SELECT constraint_type, constraint_text FROM system.main.duckdb_constraints() "
        "WHERE database_name = ? AND table_name = ? ORDER BY constraint_index",
        "SELECT contains(sql, ' COLLATE ') FROM system.main.duckdb_tables() "
        "WHERE database_name = ? AND table_name = ?",
    )
    here = connection.cursor()
    try:
        here.execute("BEGIN")  # the tables made for comparison are gone with it
        here.execute("".join(_statements()))
        return all(
            here.execute(query, ["memory", table]).fetchall()
            == here.execute(query, [ALIAS, table]).fetchall()
            for query in asked
        )
    finally:
        here.execute("ROLLBACK")
        here.close()


@cache
def declared() -> dict[str, str]:
    """The statement that makes each table, as `schema.sql` and `labels.sql` have it."""
    types, made = {}, {}
    for statement in _statements():
        words, told = statement.split(), _plain(statement)
        if words[1] == "TYPE":
            types[words[2]] = told.split(" AS ")[1].rstrip(";")
            continue
        for name, written in types.items():  # a table that was read has what the type stands for
            told = re.sub(rf"([(,]\w+) {name} ", rf"\1 {written}", told)
        made[words[2]] = told
    return made


@cache
def _statements() -> tuple[str, ...]:
    here = Path(__file__).parent
    text = "".join((here / file).read_text("utf-8") for file in ("schema.sql", "labels.sql"))
    return tuple(re.findall(r"^CREATE TYPE .*?;|^CREATE TABLE .*?\n\);", text, re.M | re.S))


def _plain(statement: str) -> str:
    """A CREATE TABLE as DuckDB writes it and as we do: without quotes, and spaces but one.

    Quotes stay where what they hold is more than a word, so that a column's name can say nothing.
    """
    told = re.sub(r'"(\w+)"', r"\1", " ".join(statement.split()))
    return re.sub(r" ?([(),]) ?", r"\1", told)
