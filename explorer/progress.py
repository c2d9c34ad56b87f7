"""How a long question tells how far it has come; what is done with it is for who asks to say."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps of it are done, and how many there are."""


def no_progress(what: str, done: int, total: int) -> None:
    """Tells nobody."""


def throttled(progress: Callable[[str, int, int], object], seconds: float) -> Progress:
    """Tell at most every so many seconds, and always that all is done."""
    last = 0.0

    def tell(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > seconds or done >= total:
            last = time.monotonic()
            progress(what, done, total)

    return tell
