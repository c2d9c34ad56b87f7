"""The handle on a worker: asks it, and ends it where it must.

Knows processes; imports neither DuckDB nor FAISS, so that a program that only asks stays light.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.child import command
from explorer.errors import Cancelled, QueryError
from indexer.store.errors import MachineError
from indexer.store.wire import Writer, receive

if TYPE_CHECKING:
    import pyarrow

TIMEOUT, MEMORY = 30.0, "1GB"
LEAST_MEMORY = 64 << 20
_PATIENCE = 5.0
"""Seconds after its time that a worker has to say so, before it is ended from here."""
_GIVEN_UP = "the statement was given up"
_LOOK = 0.02
"""Seconds between two looks at whether an answer is still wanted."""


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
        self._worker: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()
            worker.wait()
            for pipe in (worker.stdin, worker.stdout):
                if pipe is not None:
                    pipe.close()

    def ask(
        self,
        sql: str,
        parameters: Sequence[Any] | Mapping[str, Any] = (),
        cancelled: threading.Event | None = None,
    ) -> tuple[list[tuple[str, str]], pyarrow.Table]:
        """Names and types of the columns of an answer, and its rows.

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
        with self._lock:
            if cancelled is not None and cancelled.is_set():
                raise Cancelled(_GIVEN_UP)
            try:
                with self._ended_once(cancelled):
                    return self._ask(sql, parameters)
            except BaseException as err:
                # An error that the worker told of leaves it sound; anything else does not.
                if not isinstance(err, _Told):
                    self.close()
                # Whatever a worker that was ended so left behind is no fault of its own.
                if cancelled is not None and cancelled.is_set():
                    raise Cancelled(_GIVEN_UP) from None
                raise

    @contextlib.contextmanager
    def _ended_once(self, cancelled: threading.Event | None) -> Iterator[None]:
        """Have the worker end as soon as an event is set."""
        if cancelled is None:
            yield
            return
        over = threading.Event()

        def look() -> None:
            # Until all is over: a worker may be about to start when the event is set.
            while not over.is_set():
                if cancelled.is_set():
                    self._kill()
                over.wait(_LOOK)

        watch = threading.Thread(target=look, daemon=True)
        watch.start()
        try:
            yield
        finally:
            over.set()
            watch.join()  # it must not end the worker of the next statement
            if cancelled.is_set():
                self.close()

    def _ask(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> tuple[list[tuple[str, str]], pyarrow.Table]:
        import pyarrow

        writer = self._started()
        named = isinstance(parameters, Mapping)
        given = dict(parameters) if named else list(parameters)
        begun = time.monotonic()
        try:
            writer.send("ask", sql=sql, parameters=given, timeout=self.timeout)
        except TypeError as err:
            raise QueryError(f"a parameter is neither text nor number: {err}") from None
        except BrokenPipeError:
            raise MachineError("the process that runs SQL has ended") from None
        columns: list[tuple[str, str]] = []
        batches: list[Any] = []
        schema: Any = None
        held = 0
        # A worker that is stopped where it cannot be (by a signal, say) is ended from here.
        clock = threading.Timer(self.timeout + _PATIENCE, self._kill)
        clock.daemon = True
        clock.start()
        try:
            while True:
                head, body = self._next(begun)
                if head["kind"] == "columns":
                    columns = [(name, kind) for name, kind in head["columns"]]
                    schema = pyarrow.ipc.read_schema(pyarrow.py_buffer(body))
                elif head["kind"] == "rows":
                    held += len(body)
                    if held > self.memory:
                        raise QueryError(
                            f"the answer does not fit into {_amount(self.memory)}; narrow it "
                            "with WHERE or LIMIT, or allow more with --memory"
                        )
                    batches.append(pyarrow.ipc.read_record_batch(pyarrow.py_buffer(body), schema))
                elif head["kind"] == "end":
                    break
        finally:
            clock.cancel()
        table = pyarrow.Table.from_batches(batches, schema)
        return columns, table.rename_columns([name for name, _ in columns])

    def _next(self, begun: float, opening: bool = False) -> tuple[dict[str, Any], bytes]:
        """The worker's next frame; its errors are raised, its announcements passed on."""
        assert self._worker is not None
        pipe = self._worker.stdout
        assert pipe is not None
        while True:
            frame = receive(pipe)
            late = time.monotonic() - begun >= self.timeout
            if frame is None and opening:
                raise MachineError("the process that runs SQL ended as it began: out of memory?")
            if frame is None:
                if late:
                    raise QueryError(self._too_long())
                raise QueryError(
                    f"the query needs more than the {_amount(self.memory)} it may hold, or the "
                    "process that ran it was ended; narrow it, or allow more with --memory"
                )
            head, body = frame
            if head["kind"] == "announce":
                self._announce(head["text"])
                continue
            if head["kind"] == "error":
                stopped = late and head["text"] == "stopped"
                said = self._too_long() if stopped else head["text"]
                if head["code"] == 1:
                    raise MachineError(said)
                raise (QueryError if head.get("last") else _Told)(said)
            return head, body

    def _too_long(self) -> str:
        return f"stopped after {self.timeout:g} s; narrow the query, or allow more with --timeout"

    def _kill(self) -> None:
        """End the worker and what it has started, at once."""
        worker = self._worker
        if worker is not None and worker.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(worker.pid, signal.SIGKILL)  # it leads a session of its own
                else:
                    worker.kill()

    def _started(self) -> Writer:
        if self._worker is not None and self._worker.poll() is None:
            assert self._worker.stdin is not None
            return Writer(self._worker.stdin)
        self.close()
        self._worker = subprocess.Popen(
            command("explorer.sql.worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # an interrupt from the terminal is the session's to answer
        )
        assert self._worker.stdin is not None
        writer = Writer(self._worker.stdin)
        files = {n: str(s) for n, s in self._attached.items() if isinstance(s, (str, Path))}
        tables = {n: _stream(n, s) for n, s in self._attached.items() if n not in files}
        try:
            writer.send(
                "open",
                folder=str(self.folder.resolve()),
                files=files,
                tables=len(tables),
                memory=self.memory,
            )
            for name, body in tables.items():
                writer.send("table", body, name=name)
        except BrokenPipeError:
            raise MachineError("the process that runs SQL could not be started") from None
        self._next(time.monotonic(), opening=True)
        return writer


class _Told(QueryError):
    """An error that the worker told of, after which it can be asked again."""


def bytes_of(amount: int | str) -> int:
    """A number of bytes: `1GB`, `500 MB`, `2GiB`, or a number.

    Raises:
        QueryError: it is none, or too little to open an index with.
    """
    units = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
    units |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(amount))
    if match is None or match[2].upper() not in units:
        raise QueryError(f"--memory {amount}: write it as 500MB or 1GB")
    found = int(float(match[1]) * units[match[2].upper()])
    if found < LEAST_MEMORY:
        raise QueryError(f"--memory {amount}: {_amount(LEAST_MEMORY)} is the least")
    return found


def seconds_of(timeout: float) -> float:
    """A time that a query may take.

    Raises:
        QueryError: it is none, or more than a day.
    """
    if not 0 < timeout <= 86_400:
        raise QueryError(f"--timeout {timeout:g}: seconds, more than 0 and at most a day")
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
