"""What memory this process may have, and how want of it shows.

Knows the limits that a shell sets (`ulimit -v`) and the errors of the libraries that run into them;
imports none of these libraries. Some of them end the process by a signal where a thread or a
buffer of theirs finds no room, so that too little is refused before they are imported.
"""

from __future__ import annotations

import contextlib
import os
import re

from indexer.store.errors import MachineError

ANSWERING = 1_300_000 << 10
"""Bytes of address space that answering takes, the libraries above all, on one thread."""

STATEMENTS = 1_500_000 << 10
"""The same of answering SQL, with a database's threads beside."""

BUILDING = 2_200_000 << 10
"""The same of building an index, the model not counted."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_WANT = re.compile(
    r"bad_alloc|allocat\w* (memory|fail)|out of memory|not enough memory|failed to map segment"
    r"|(can't|cannot) (start new thread|allocate|create .*thread)",
    re.IGNORECASE,
)


def require_address_space(least: int) -> None:
    """Refuse too narrow a limit; where there is one, keep each library to one thread.

    A thread takes tens of megabytes of address space, and there would be one a core. To be called
    before NumPy and FAISS are imported.

    Raises:
        MachineError: less than `least` bytes may be had.
    """
    limit = address_space()
    if limit is None:
        return
    if limit < least:
        raise MachineError(
            f"out of memory: the address space is limited to {_amount(limit)} (ulimit -v), and "
            f"this needs {_amount(least)} or more"
        )
    for name in _THREADS:
        os.environ.setdefault(name, "1")


def address_space() -> int | None:
    """How many bytes may be mapped; None without a limit, or where the system knows none."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        return None if limit == resource.RLIM_INFINITY else int(limit)
    return None


def want_of_memory(error: BaseException) -> str:
    """A line where an error says, in whatever library's words, that memory ran out; else empty."""
    if not (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryException"  # DuckDB's
        or (
            isinstance(error, (ImportError, RuntimeError, SystemError)) and _WANT.search(str(error))
        )
    ):
        return ""
    limit = address_space()
    why = "" if limit is None else f": the address space is limited to {_amount(limit)} (ulimit -v)"
    return f"out of memory{why}"


def _amount(number: int) -> str:
    return f"{number / 10**9:.3g} GB" if number >= 10**9 else f"{number / 10**6:.3g} MB"
