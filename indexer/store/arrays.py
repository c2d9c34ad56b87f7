"""NumPy's own files, read by any thread.

NumPy reads the header of an array with `ast.literal_eval`, and CPython before 3.12 counts the
depth of what `ast` builds per process, not per thread: two threads at it can end in a
`SystemError` that says nothing of the file (github.com/python/cpython/issues/106905).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

_reading = threading.Lock()
_ATTEMPTS = 100

_Read = TypeVar("_Read")


def whole(read: Callable[[], _Read]) -> _Read:
    """What `read` gives: one reader at a time, asked again where another's thread disturbed it.

    Args:
        read: opens or reads an array; it begins anew each time it is called.

    Raises:
        Exception: whatever `read` raises; a `SystemError` only when it came every time.
    """
    with _reading:  # keeps our own threads apart; nothing keeps a caller's from `ast`
        for _ in range(_ATTEMPTS - 1):
            try:
                return read()
            except SystemError:
                continue
        return read()
