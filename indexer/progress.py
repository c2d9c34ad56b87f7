"""Narration of long work on stderr: bars and plain lines for people, JSON lines for programs.

Knows tqdm and stderr; knows no step of any build.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from indexer.store.errors import MachineError
from indexer.store.shown import one_line
from indexer.store.streams import unheard


class Narrator:
    """Says what is being done. `quiet` says nothing; outside a terminal bars are rare lines."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            self.conclude(text)

    def conclude(self, text: str) -> None:
        """The line that says what came of it, which is told to the quiet too."""
        print(one_line(text), file=sys.stderr, flush=True)

    def bar(self, label: str, total: int, unit: str, done: int = 0) -> Any:
        """A progress bar to be used in a `with`; `update(n)` moves it."""
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        return tqdm(
            total=total,
            initial=done,
            desc=f"{one_line(label):<22}",
            unit=f" {unit}",
            file=sys.stderr,
            disable=self.quiet,
            mininterval=0.1 if terminal else 10,
            maxinterval=10,
            dynamic_ncols=terminal,
            ncols=None if terminal else 100,
            ascii=None if terminal else " =",
            bar_format="{desc}{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt}{unit} "
            "[{elapsed}, {rate_fmt}, {remaining} left]",
        )


class JsonNarrator(Narrator):
    """Says the same to a program that shows it in its own way: one JSON object a line of stderr.

    `{"kind": "say", "text": ...}` is a line, `{"kind": "bar", "label": ..., "done": ...,
    "total": ..., "unit": ...}` how far a bar is. A bar is told of when it begins and ends, and
    between the two at most every `INTERVAL` seconds.

    Args:
        quiet: say nothing but conclusions.
        tell: is given what stands in an object, instead of stderr.
    """

    INTERVAL = 0.1

    def __init__(self, quiet: bool = False, tell: Callable[..., object] | None = None) -> None:
        super().__init__(quiet)
        self._tell = tell or _on_stderr

    def conclude(self, text: str) -> None:
        """The line that says what came of it, which is told to the quiet too."""
        self._tell(kind="say", text=text)

    def bar(self, label: str, total: int, unit: str, done: int = 0) -> Any:
        """How far a piece of work is, to be used in a `with`; `update(n)` moves it."""
        return _JsonBar(self._tell, label, total, unit, done, self.quiet)


class _JsonBar:
    def __init__(
        self,
        tell: Callable[..., object],
        label: str,
        total: int,
        unit: str,
        done: int,
        quiet: bool,
    ) -> None:
        self._say, self._quiet = tell, quiet
        self._label, self._total, self._unit = label, total, unit
        self._done, self._told = done, -1
        self._next = 0.0

    def __enter__(self) -> _JsonBar:
        self._tell()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an error its line is the last; and a reader that is gone would hide it.
        if kind is None:
            self._tell()

    def update(self, n: int = 1) -> None:
        """So many more are done."""
        self._done += n
        if time.monotonic() >= self._next:
            self._tell()

    def _tell(self) -> None:
        if self._quiet or self._told == self._done:
            return
        self._say(
            kind="bar", label=self._label, done=self._done, total=self._total, unit=self._unit
        )
        self._told, self._next = self._done, time.monotonic() + JsonNarrator.INTERVAL


def _on_stderr(**said: object) -> None:
    # In one piece, and flushed: what reads may be waiting for the end of the line.
    sys.stderr.write(json.dumps(said) + "\n")
    sys.stderr.flush()
    if unheard():
        raise MachineError("the program that this was told to has ended")
