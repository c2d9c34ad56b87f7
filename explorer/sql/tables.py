"""A user's own tables: files and data frames, read into memory before the lock-down.

Knows CSV and Parquet by their content, and what a table may be called.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from explorer.errors import QueryError
from explorer.textfile import did_you_mean


def read(connection: Any, name: str, source: str | Path | Any) -> None:
    """Make a table of a file or of anything that Arrow takes: `pyarrow.Table`, a data frame.

    Raises:
        QueryError: the name is none, or is taken; the file cannot be read; or no table is in it.
    """
    import duckdb

    _check_name(connection, name)
    try:
        if not isinstance(source, (str, Path)):
            connection.register("given", to_arrow(name, source))
            connection.execute(f'CREATE TEMP TABLE "{name}" AS SELECT * FROM given').fetchall()
            connection.unregister("given")
            return
        path = _file(source)
        reader = "read_parquet" if _is_parquet(path) else "read_csv"
        connection.execute(
            f'CREATE TEMP TABLE "{name}" AS SELECT * FROM {reader}(?)', [str(path)]
        ).fetchall()
    except duckdb.OutOfMemoryException:
        raise QueryError(f"--attach {name}: it does not fit into --memory") from None
    except duckdb.Error as err:
        told = str(err).splitlines()[0].split(": ", 1)[-1]
        raise QueryError(f"--attach {name}={source}: {told}") from None


def _check_name(connection: Any, name: str) -> None:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", name):
        raise QueryError(
            f"--attach {name!r}: a table's name is letters, digits and underscores, such as mine"
        )
    taken = connection.execute(
        "SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower(?)", [name]
    ).fetchall()
    if taken or name.lower() == "given":
        raise QueryError(
            f"--attach {name!r}: there is a table of that name already; choose another"
        )


def _file(source: str | Path) -> Path:
    path = Path(source)
    try:
        with path.open("rb"):
            return path
    except ValueError:
        raise QueryError(f"cannot read {str(source)!r}: that is no name of a file") from None
    except OSError as err:
        said = (err.strerror or str(err)).lower()
        raise QueryError(f"cannot read {str(source)!r}: {said}{did_you_mean(path)}") from None


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def to_arrow(name: str, source: Any) -> Any:
    """A data frame, a list of dicts or an Arrow table as an Arrow table.

    Raises:
        QueryError: it is none of these.
    """
    import pyarrow

    try:
        if isinstance(source, (pyarrow.Table, pyarrow.RecordBatch)):
            return source
        if hasattr(source, "__arrow_c_stream__"):
            return pyarrow.table(source)
        if isinstance(source, list):
            return pyarrow.Table.from_pylist(source)
    except (pyarrow.ArrowException, TypeError, AttributeError) as err:
        raise QueryError(f"table {name!r}: {err}") from None
    raise QueryError(
        f"table {name!r}: {type(source).__name__} is no table; give a file, a data frame, a "
        "pyarrow.Table or a list of dicts"
    )
