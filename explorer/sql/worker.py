"""A database in a process of its own, which `explorer.sql.session` starts.

Knows how a process is held to its time and memory. DuckDB is asked to stop when the time is over;
what cannot be interrupted (one call of a string function may take minutes) ends with the process,
and so does everything it has started. DuckDB's limit does not count all that its functions hold, so
the memory of the process is looked at too. It ends as soon as the process that started it does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from indexer.store.limits import STATEMENTS, require_address_space
from indexer.store.wire import Client, end_process

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
    client = Client()
    # A worker that has lost a thread, the one that holds it to its time, say, serves no more.
    threading.excepthook = lambda fault: _failed(client, fault.exc_value)
    try:
        _serve(client)
    except BaseException as err:
        _failed(client, err)


def _failed(client: Client, error: BaseException | None) -> None:
    """Tell of a fault of ours, or of the machine's, and end."""
    if error is not None:
        with contextlib.suppress(BrokenPipeError, MemoryError):
            client.fail(error, wait=GRACE)
    end_process()


def _serve(client: Client) -> None:
    require_address_space(STATEMENTS)
    from explorer.sql.database import Database
    from indexer.store.read import Index

    requests = client.requests()
    opening, _ = next(requests)

    def announce(line: str) -> None:
        client.send("say", text=line)

    attached: dict[str, Any] = dict(opening["files"])
    for _ in range(opening["tables"]):
        head, body = next(requests)
        attached[head["name"]] = _table(body)
    database = Database(
        Index(Path(opening["folder"])),
        attached,
        opening["memory"],
        min(4, os.cpu_count() or 1),
        announce=announce,
    )
    client.send("open")
    most = _held() + opening["memory"] + ALLOWANCE
    for head, _ in requests:
        _ask(database, head, most, client)


def _ask(database: Database, head: dict[str, Any], most: int, client: Client) -> None:
    from indexer.store.errors import at_the_edge, in_sql

    over = threading.Event()
    clock = threading.Thread(
        target=_watch, args=(database, head["timeout"], most, over, client), daemon=True
    )
    clock.start()
    try:
        columns, schema, batches = database.ask(head["sql"], head["parameters"])
        client.send("columns", schema.serialize(), columns=columns)
        for batch in batches:
            client.send("rows", batch.serialize())
        over.set()
        client.send("end", notes=database.answers.notes)
    except BrokenPipeError:
        raise
    except BaseException as err:
        late = over.is_set()
        over.set()
        if at_the_edge(err) is None:
            raise
        if not late:
            client.fail(err, last=False, spelling=in_sql)
    clock.join()


def _watch(
    database: Database, seconds: float, most: int, over: threading.Event, client: Client
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
            client.send("error", wait=GRACE, code=2, text=TOO_MUCH, last=True)
            end_process()
    database.stop()
    if over.wait(GRACE):
        return
    over.set()
    client.send("error", wait=GRACE, code=2, text="stopped", last=True)
    end_process()


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


def _table(body: bytes) -> Any:
    import pyarrow

    with pyarrow.ipc.open_stream(body) as reader:
        return reader.read_all()


if __name__ == "__main__":
    main()
