"""A database in a process of its own, which `explorer.sql.session` starts.

Knows how a process is held to its time and memory. DuckDB is asked to stop when the time is over;
what cannot be interrupted (one call of a string function may take minutes) ends with the process,
and so does everything it has started. DuckDB's limit does not count all that its functions hold, so
the memory of the process is looked at too. It ends as soon as the process that started it does.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.store.limits import want_of_memory
from indexer.store.wire import Writer, receive

if TYPE_CHECKING:
    from explorer.sql.database import Database

GRACE = 0.7
"""Seconds between asking a query to stop and ending the process."""

LOOK = 0.02
"""Seconds between two looks at the memory held."""

ALLOWANCE = 256 << 20
"""Bytes for the arrays of the questions themselves, besides what DuckDB may hold."""


def main() -> None:
    """Answer statements from stdin until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session decides what an interrupt ends
    requests: queue.Queue[tuple[dict[str, Any], bytes] | None] = queue.Queue()
    pipe, writer = sys.stdin.buffer, Writer(sys.stdout.buffer)

    def listen() -> None:
        while (frame := receive(pipe)) is not None:
            requests.put(frame)
        _end()

    # A worker that has lost a thread, the one that holds it to its time, say, serves no more.
    threading.excepthook = lambda fault: _failed(writer, fault.exc_value)
    try:
        threading.Thread(target=listen, daemon=True).start()
        first = requests.get()
        assert first is not None
        _serve(first[0], requests, writer)
    except BaseException as err:
        _failed(writer, err)


def _failed(writer: Writer, error: BaseException | None) -> None:
    """Tell of a fault of ours, or of the machine's, and end."""
    if isinstance(error, BrokenPipeError):
        _end()
    line = want_of_memory(error) if error is not None else ""
    if not line:
        traceback.print_exception(error)
        line = f"SQL failed: {error!r}"
    with contextlib.suppress(BrokenPipeError, MemoryError):
        writer.send("error", wait=GRACE, code=1, text=line, last=True)
    _end()


def _serve(opening: dict[str, Any], requests: queue.Queue[Any], writer: Writer) -> None:
    from explorer.sql.database import Database
    from indexer.store.errors import at_the_edge
    from indexer.store.read import Index

    attached: dict[str, Any] = dict(opening["files"])
    for _ in range(opening["tables"]):
        head, body = requests.get()
        attached[head["name"]] = _table(body)
    try:
        database = Database(
            Index(Path(opening["folder"])),
            attached,
            opening["memory"],
            min(4, os.cpu_count() or 1),
            announce=lambda line: _announce(writer, line),
        )
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        writer.send("error", code=edge[0], text=edge[1], last=True)
        _end()
    writer.send("open")
    most = _held() + opening["memory"] + ALLOWANCE
    while True:
        head, _ = requests.get()
        _ask(database, head, most, writer)


def _ask(database: Database, head: dict[str, Any], most: int, writer: Writer) -> None:
    from indexer.store.errors import at_the_edge

    over = threading.Event()
    clock = threading.Thread(
        target=_watch, args=(database, head["timeout"], most, over, writer), daemon=True
    )
    clock.start()
    try:
        columns, schema, batches = database.ask(head["sql"], head["parameters"])
        writer.send("columns", schema.serialize(), columns=columns)
        for batch in batches:
            writer.send("rows", batch.serialize())
        over.set()
        writer.send("end")
    except BrokenPipeError:
        raise
    except BaseException as err:
        late = over.is_set()
        over.set()
        edge = at_the_edge(err)
        if edge is None:
            raise
        if not late:
            writer.send("error", code=edge[0], text=edge[1])
    clock.join()


def _watch(
    database: Database, seconds: float, most: int, over: threading.Event, writer: Writer
) -> None:
    """Stop the query when its time is over, and the process where that does not help.

    What takes more memory than it may is ended without being asked.
    """
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if over.wait(min(left, LOOK)):
            return
        if _held() > most:
            from explorer.sql.database import TOO_MUCH

            over.set()
            writer.send("error", wait=GRACE, code=2, text=TOO_MUCH, last=True)
            _end()
    database.stop()
    if over.wait(GRACE):
        return
    over.set()
    writer.send("error", wait=GRACE, code=2, text="stopped", last=True)
    _end()


def _held() -> int:
    """Bytes of memory that are this process's own: not those of mapped files.

    0 where the system does not tell; DuckDB's own limit holds there too.
    """
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            lines = status.read().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("RssAnon:"))
    except (OSError, StopIteration):
        return 0


def _announce(writer: Writer, line: str) -> None:
    writer.send("announce", text=line)


def _table(body: bytes) -> Any:
    import pyarrow

    with pyarrow.ipc.open_stream(body) as reader:
        return reader.read_all()


def _end() -> None:
    """End this process and what it has started, at once."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
