"""Narration of long work on stderr: bars with rate and time left, and plain lines.

Knows tqdm and stderr; knows no step of any build.
"""

from __future__ import annotations

import sys
import time
from typing import Any


class Narrator:
    """Says what is being done. `quiet` says nothing; outside a terminal bars are rare lines."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self._start = time.monotonic()

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

    def bar(self, label: str, total: int, unit: str, done: int = 0) -> Any:
        """A progress bar to be used in a `with`; `update(n)` moves it."""
        from tqdm import tqdm

        terminal = sys.stderr.isatty()
        return tqdm(
            total=total,
            initial=done,
            desc=f"{label:<22}",
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
