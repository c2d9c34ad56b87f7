"""The process of a command: it imports much, answers once, and ends.

What Python does for programs that run on is left out where it takes longer than the answer. Knows
Python's own settings; knows no question.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from typing import NoReturn

_USUAL = gc.get_threshold()

_RARELY = 100_000
"""New objects between two looks for garbage, where Python has 700."""


_AWAKE = "20"
"""Of OpenBLAS: how long a thread waits for work without sleeping, 2 to so many cycles, where
OpenBLAS has 26: half a millisecond, where it has 30. An answer doesn't depend on it."""


def begin() -> None:
    """Spare the process what only longer ones have something of. To be called before NumPy comes.

    Garbage is looked for rarely, for as long as there is little but imports, which make none:
    Python would walk over tens of thousands of new objects again and again. OpenBLAS starts its
    threads as NumPy is imported, and each keeps a core busy while it waits for its first work,
    where others of ours have some.
    """
    gc.set_threshold(_RARELY, *_USUAL[1:])
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", _AWAKE)


def collect_as_usual() -> None:
    """Have it looked for as Python does, in what may take long and make some."""
    gc.set_threshold(*_USUAL)


def leave() -> NoReturn:
    """End a process that has written its answer, whatever was registered for its end done.

    Python would take every module apart first, one object at a time. stdout has been flushed: what
    fails here is not told.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(0)
