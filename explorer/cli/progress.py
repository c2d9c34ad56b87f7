"""Progress of a long answer, on stderr and only where a person looks at it.

Knows terminals and steps; knows no question.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence

PATIENCE = 1.0
"""Seconds of silence that need no explanation."""


def watched(steps: Sequence[str], what: str) -> Iterable[str]:
    """The steps one by one, with a bar once they take longer than `PATIENCE`."""
    return _with_bar(steps, what) if sys.stderr.isatty() else steps


def _with_bar(steps: Sequence[str], what: str) -> Iterator[str]:
    start = time.monotonic()
    bar = None
    try:
        for done, step in enumerate(steps):
            if bar is None and time.monotonic() - start > PATIENCE:
                from rich.console import Console
                from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
                from rich.progress import TimeRemainingColumn as TimeLeft

                columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
                bar = Progress(*columns, TimeLeft(), console=Console(stderr=True), transient=True)
                bar.start()
                task = bar.add_task(what, total=len(steps))
            if bar is not None:
                bar.update(task, completed=done, description=f"{what}: {step}")
            yield step
    finally:
        if bar is not None:
            bar.stop()
