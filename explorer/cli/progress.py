"""How far a long question has come, on stderr: a bar in a terminal, a line now and then elsewhere.

Knows rich and stderr; knows no question.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

from explorer.cli.answer import say
from explorer.progress import Progress
from indexer.store.shown import one_line

SOON, RARELY = 1.0, 10.0
"""Seconds before anything is shown, and between two lines outside a terminal."""


@contextlib.contextmanager
def progress() -> Iterator[Progress]:
    """To be told what is being done, how many steps of it are done, and how many there are.

    What is over soon shows nothing. A bar is gone with the last step, before the answer is written,
    and when the `with` ends, however it ends.
    """
    with contextlib.ExitStack() as stack:
        told = _bar(stack) if sys.stderr.isatty() else _lines()
        start = time.monotonic()

        def tell(what: str, done: int, total: int) -> None:
            if time.monotonic() - start > SOON:
                told(what, done, total)

        yield tell


def _bar(stack: contextlib.ExitStack) -> Progress:
    from rich import progress as rich_progress
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    # Left to itself rich would take what is printed meanwhile to stderr, the answer too.
    bar = rich_progress.Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    task = None

    def tell(what: str, done: int, total: int) -> None:
        nonlocal task
        what = one_line(what)
        if task is None:
            stack.enter_context(bar)
            task = bar.add_task(what, total=total)
        bar.update(task, description=what, completed=done)
        if done == total:
            bar.stop()

    return tell


def _lines() -> Progress:
    last = time.monotonic()

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > RARELY:
            last = time.monotonic()
            say(f"{done / total:.0%} done, at {what}")

    return tell
