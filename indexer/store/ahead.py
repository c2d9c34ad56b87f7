"""An index for a program that asks at once: its catalog is opened while NumPy and FAISS come.

Knows which of them needs little of Python: DuckDB works in a thread of its own, and what is
imported meanwhile takes about as long. Knows too what of DuckDB is needed to open alone.
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.store.catalog import Catalog
from indexer.store.layout import Manifest
from indexer.store.limits import address_space
from indexer.store.places import find_index

if TYPE_CHECKING:
    from indexer.store.read import Index


def opened_ahead(name: str | Path | None = None, root: str | Path | None = None) -> Index:
    """What `open_index` gives, and raises; whoever asks first of its catalog waits for it."""
    folder = find_index(name, root)
    catalog = Catalog(folder, Manifest.load(folder))
    if address_space() is None:  # else a thread may find no room
        catalog.open_ahead(_let_go_of_code)
    import faiss  # noqa: F401  # now, not when rows are first read

    from indexer.store.read import Index

    return Index(folder, catalog)


def _let_go_of_code() -> None:
    """Let the system take the pages of DuckDB's code back: what opens is mostly not run again.

    They are some twenty megabytes, for a connection is made with every function and type that it
    knows. What is run again comes back as it is, from the system's memory.
    """
    if sys.platform != "linux":
        return
    import ctypes
    import mmap

    with contextlib.suppress(OSError, AttributeError):
        advise = ctypes.CDLL(None).madvise
        for line in Path("/proc/self/maps").read_text("utf-8", "replace").splitlines():
            # Code alone: other parts of a library were written to as it was loaded.
            if " r-xp " in line and "/_duckdb." in line:
                first, last = (int(end, 16) for end in line.split()[0].split("-"))
                advise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), mmap.MADV_DONTNEED)
