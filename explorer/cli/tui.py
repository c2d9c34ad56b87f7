"""`explorer tui`, and what `explorer` alone opens in a terminal."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import sys
import threading
from typing import TYPE_CHECKING

import click

from explorer.cli.answer import say
from explorer.cli.completion import files, indexes
from explorer.cli.options import EXIT_CODES, PLACES, examples
from explorer.cli.process import collect_as_usual
from indexer.store.limits import ANSWERING, require_address_space

if TYPE_CHECKING:
    from explorer.screen.app import ExplorerApp

_GRACE = 5
"""Seconds the app has to end by itself once its terminal is gone."""

_M_ARENA_MAX = -8
"""Of glibc's malloc.h."""

_HUNG_UP = 129
"""The exit code of a program that SIGHUP ended, by the shells' convention."""


@click.command(
    epilog=EXIT_CODES + examples("explorer tui", "explorer tui --index smollm2 --web --port 8001")
)
@click.option(
    "--index",
    metavar="NAME|PATH",
    shell_complete=indexes,
    help="The index to open, or its folder; EXPLORER_INDEX, the one that was open last, or the "
    "only one there, unless given.",
)
@click.option(
    "--indexes",
    metavar="DIR",
    shell_complete=files,
    help=PLACES,
)
@click.option(
    "--web",
    is_flag=True,
    help="Serve it to a browser of this machine: the one that opens the address it prints.",
)
@click.option(
    "--port", type=click.IntRange(1, 65535), default=8000, show_default=True, help="With --web."
)
@click.option(
    "--host",
    metavar="NAME",
    default="127.0.0.1",
    show_default=True,
    help="With --web: serve it to other machines under this name or address, without encryption; "
    "`ssh -L 8000:127.0.0.1:8000` is safer.",
)
def tui(index: str | None, indexes: str | None, web: bool, port: int, host: str) -> None:
    """Open the terminal UI, which answers while one types. `explorer` alone opens it too."""
    require_address_space(ANSWERING)
    if web:
        from explorer.screen.web import serve

        if not host.startswith("127.") and host not in ("localhost", "::1"):
            say(f"--host {host}: what is sent can be read on the way, its token too")
        serve(index, indexes, port, host)
        return
    _require_terminal()
    _share_freed_memory()
    from explorer.screen.terminal_background import BackgroundQuery

    query = BackgroundQuery()  # answered while the app is imported
    try:
        from explorer.screen.app import ExplorerApp
    finally:
        background = query.answer()

    app = ExplorerApp(index, indexes, light=background.light, typed=background.typed)
    watching = threading.Thread(target=_leave_with_the_terminal, args=(app,), daemon=True)
    watching.start()
    collect_as_usual()
    app.run()
    if set(threading.enumerate()) - {threading.main_thread(), watching}:
        # One still asks, in a library that would abort as Python ends; what is kept is written.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(app.return_code or 0)


def _leave_with_the_terminal(app: ExplorerApp) -> None:
    """End the app once its terminal is gone.

    Most systems end it then, by SIGHUP, but not where it leads no session; it would go on reading
    nothing, as fast as it can.
    """
    waiting = select.poll()
    waiting.register(sys.stdin.fileno(), 0)  # a hang-up is told whatever is asked for
    waiting.poll()
    app.call_from_thread(app.exit)
    threading.Event().wait(_GRACE)
    os._exit(_HUNG_UP)


def _share_freed_memory() -> None:
    """Have all threads take their memory from the same places, where that can be said (glibc).

    Every question is asked in a thread of its own; with an arena for each, what one of them freed
    is of no use to the next.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _require_terminal() -> None:
    """Raise `QueryError` where there is nobody to press keys, or nothing to draw on."""
    from explorer.errors import QueryError

    # It is drawn on stderr, as stdout may be data.
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise QueryError(
            "the terminal UI needs a terminal for its keys and its screen: stdin and stderr are "
            "not both one; ask with a command such as `explorer neighbors large`"
        )
