"""SQL asked of a worker, with what it may take: time, memory, and tables of one's own.

Knows Arrow; imports neither DuckDB nor FAISS, so that a program that only asks stays light.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import Cancelled, QueryError
from explorer.worker import Worker, WorkerFailed
from indexer.store.errors import MachineError, SemanticError, option_named

if TYPE_CHECKING:
    import pyarrow

TIMEOUT, MEMORY = 30.0, "1GB"
LEAST_MEMORY = 64 << 20
_PATIENCE = 5.0
"""Seconds after its time that a worker has to say so, before it is ended from here."""
_WHAT = "the statement"


class Session:
    """SQL over one index, asked of a process of its own.

    One query at a time; from several threads they wait for each other. A query that is stopped
    leaves the session as it was: the next one finds a new process.

    Args:
        folder: of the index.
        attached: a user's own tables by name: files of CSV or Parquet, data frames, Arrow tables.
        timeout: seconds that a query may take.
        memory: bytes that a query may hold, or such as `500MB`.
        announce: told in one line before the model is run on text that is not indexed.
    """

    def __init__(
        self,
        folder: Path,
        attached: Mapping[str, Any] | None = None,
        timeout: float = TIMEOUT,
        memory: int | str = MEMORY,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder, self.timeout, self.memory = folder, seconds_of(timeout), bytes_of(memory)
        self._attached = dict(attached or {})
        self._announce = announce
        self._worker: Worker | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()

    def ask(
        self,
        sql: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        cancelled: threading.Event | None = None,
    ) -> tuple[list[tuple[str, str]], pyarrow.Table, tuple[str, ...]]:
        """Names and types of the columns of an answer, its rows, and notes, a line each.

        Args:
            sql: the statement.
            parameters: by place or by name.
            cancelled: ends the worker once it is set, from whatever thread.

        Raises:
            QueryError: the statement cannot be answered, with the place; it took too long, or
                needed too much; or the answer does not fit into `memory`.
            Cancelled: `cancelled` was set.
            MachineError: the worker failed.
        """
        named = isinstance(parameters, Mapping)
        asked = {
            "kind": "ask",
            "sql": sql,
            "parameters": dict(parameters) if named else list(parameters),
            "timeout": self.timeout,
        }
        try:
            json.dumps(asked)
        except TypeError as err:
            raise QueryError(f"a parameter is neither text nor number: {err}") from None
        columns: list[tuple[str, str]] = []
        batches: list[Any] = []
        notes: tuple[str, ...] = ()
        schema: Any = None
        held = 0
        with self._lock:
            worker = self._started(cancelled)
            import pyarrow

            begun = time.monotonic()
            # A worker that is stopped where it cannot be (by a signal, say) is ended from here.
            most = self.timeout + _PATIENCE
            try:
                with worker.request(asked, _WHAT, self._tell, cancelled, most) as frames:
                    for head, body in frames:
                        if head["kind"] == "end":
                            notes = tuple(head["notes"])
                            break
                        if head["kind"] == "columns":
                            columns = [(name, kind) for name, kind in head["columns"]]
                            schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(body))
                            continue
                        held += len(body)
                        if held > self.memory:
                            raise QueryError(
                                f"the answer does not fit into {_amount(self.memory)}; narrow it "
                                f"with WHERE or LIMIT, or allow more with {option_named('memory')}"
                            )
                        batch = pyarrow.ipc.read_record_batch(pyarrow.py_buffer(body), schema)
                        batches.append(batch)
            except WorkerFailed as err:
                raise self._error(err, time.monotonic() - begun >= self.timeout) from None
        table = pyarrow.Table.from_batches(batches, schema)
        return columns, table.rename_columns([name for name, _ in columns]), notes

    def _started(self, cancelled: threading.Event | None) -> Worker:
        if cancelled is not None and cancelled.is_set():
            raise Cancelled(f"{_WHAT} was cancelled")
        if self._worker is not None and self._worker.running:
            return self._worker
        self.close()
        files = {n: str(s) for n, s in self._attached.items() if isinstance(s, (str, Path))}
        worker = self._worker = Worker("explorer.sql.worker", stderr=None)
        try:
            import pyarrow  # noqa: F401  # while the process begins

            tables = {n: _stream(n, s) for n, s in self._attached.items() if n not in files}
        except BaseException:
            self.close()
            raise
        asked = {
            "kind": "open",
            "folder": str(self.folder.resolve()),
            "files": files,
            "tables": len(tables),
            "memory": self.memory,
        }
        try:
            with worker.request(asked, _WHAT, self._tell, cancelled) as frames:
                for name, body in tables.items():
                    worker.send("table", body, name=name)
                next(frames)
        except WorkerFailed as err:
            if err.silent:
                raise MachineError(
                    "the process that runs SQL ended as it began: out of memory?"
                ) from None
            raise self._error(err) from None
        return worker

    def _tell(self, head: dict[str, Any]) -> None:
        self._announce(head["text"])

    def _error(self, failed: WorkerFailed, late: bool = False) -> SemanticError:
        """What it means to who asked."""
        if late and (failed.silent or str(failed) == "stopped"):
            return QueryError(
                f"stopped after {self.timeout:g} s; narrow the query, or allow more with "
                f"{option_named('timeout')}"
            )
        if failed.silent:
            return QueryError(
                f"the query needs more than the {_amount(self.memory)} it may hold, or the "
                "process that ran it was ended; narrow it, or allow more with "
                f"{option_named('memory')}"
            )
        error = (MachineError if failed.code == 1 else QueryError)(str(failed))
        return error.offering(failed.asked, failed.instead)


def bytes_of(amount: int | str) -> int:
    """A number of bytes: `1GB`, `500 MB`, `2GiB`, or a number.

    Raises:
        QueryError: it is none, or too little to open an index with.
    """
    units = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    units |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(amount))
    if match is None or match[2].upper() not in units:
        raise QueryError(f"{option_named('memory', amount)}: write it as 500MB or 1GB")
    found = int(float(match[1]) * units[match[2].upper()])
    if found < LEAST_MEMORY:
        raise QueryError(f"{option_named('memory', amount)}: {_amount(LEAST_MEMORY)} is the least")
    return found


def seconds_of(timeout: float) -> float:
    """A time that a query may take.

    Raises:
        QueryError: it is none, or more than a day.
    """
    if not 0 < timeout <= 86_400:
        raise QueryError(
            f"{option_named('timeout', f'{timeout:g}')}: seconds, more than 0 and at most a day"
        )
    return float(timeout)


def _amount(number: int) -> str:
    return f"{number / 10**9:.3g} GB" if number >= 10**9 else f"{number / 10**6:.3g} MB"


def _stream(name: str, source: Any) -> bytes:
    """A table as the bytes of an Arrow stream."""
    import pyarrow

    table = _to_arrow(name, source)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as stream:
        stream.write(table)
    return bytes(sink.getvalue())


def _to_arrow(name: str, source: Any) -> Any:
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
