"""A user's own tables: files and Arrow tables, read into memory before the lock-down.

Knows CSV and Parquet by their content, and what a table may be called.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from explorer.errors import QueryError
from explorer.textfile import did_you_mean
from indexer.store.catalog_file import declared
from indexer.store.errors import option_named
from indexer.store.whole_file import require_regular


def read(connection: Any, name: str, source: str | Path | Any) -> None:
    """Make a table of a file, or of a `pyarrow.Table`.

    Raises:
        QueryError: the name is none, or is taken; the file cannot be read; or no table is in it.
    """
    import duckdb

    _check_name(connection, name)
    try:
        if not isinstance(source, (str, Path)):
            connection.register("given", source)
            connection.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM given').fetchall()
            connection.unregister("given")
            return
        path = _file(source)
        reader = "read_parquet" if _is_parquet(path) else "read_csv"
        connection.execute(
            f'CREATE TEMP TABLE "{name}" AS SELECT * FROM {reader}(?)', [str(path)]
        ).fetchall()
    except duckdb.OutOfMemoryException:
        raise QueryError(
            f"{option_named('attach', name)}: it does not fit into {option_named('memory')}"
        ) from None
    except duckdb.Error as err:
        told = str(err).splitlines()[0].split(": ", 1)[-1]
        raise QueryError(f"{option_named('attach', f'{name}={source}')}: {told}") from None


def _check_name(connection: Any, name: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise QueryError(
            f"{option_named('attach', repr(name))}: a table's name is letters, digits and "
            "underscores, such as mine"
        )
    taken = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower(?)", [name]
    ).fetchall()
    if taken or name.lower() in ("given", *declared()):
        raise QueryError(
            f"{option_named('attach', repr(name))}: there is a table of that name already; "
            "choose another"
        )


def _file(source: str | Path) -> Path:
    path = Path(source)
    try:
        require_regular(path)
        with path.open("rb"):
            return path
    except ValueError:
        raise QueryError(f"cannot read {str(source)!r}: that is no name of a file") from None
    except OSError as err:
        said = err.strerror or str(err)
        said = said[:1].lower() + said[1:]
        raise QueryError(f"cannot read {str(source)!r}: {said}{did_you_mean(path)}") from None


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"
