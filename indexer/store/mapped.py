"""A FAISS file of a space, mapped: checked as it is opened, and read where it lies.

Knows sizes and headers of files, and the threads that walk over them; not what a row holds.
"""

from __future__ import annotations

import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, TypeVar

from indexer.store.errors import DamagedIndex
from indexer.store.limits import want_of_memory

_Thing = TypeVar("_Thing")
_Found = TypeVar("_Found")

MOST_THREADS = 4
"""Threads that walk over a file, where there are as many cores: beyond it memory is no faster."""

_BLOCK = 2 << 20  # read-ahead works in steps of this many bytes; one whole-file call does nothing

_pool: ThreadPoolExecutor | None = None
_making = threading.Lock()


def threads() -> tuple[ThreadPoolExecutor, int]:
    """The threads of this process that walk over files, and how many they are."""
    global _pool  # one pool a process, made at the first walk
    with _making:
        if _pool is None:
            count = min(MOST_THREADS, os.cpu_count() or 1)
            _pool = ThreadPoolExecutor(count, thread_name_prefix="scan")
        return _pool, _pool._max_workers


def multiply_apart(beside_torch: bool = False) -> None:
    """Have each of these threads do its matrix products by itself. To be called before NumPy comes.

    OpenBLAS parts a product among threads of its own, which wait for each other, longest where
    something else has one of the cores; and one product waits for another.

    Args:
        beside_torch: whether a model is run too, which on other processors than x86 multiplies by
            OpenBLAS: there all is left as it is.
    """
    if not beside_torch or platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def in_order(
    things: Iterable[_Thing], find: Callable[[_Thing], _Found]
) -> Iterator[tuple[_Thing, _Found]]:
    """What is found of each of some things, by threads that are a few ahead of who asks.

    Yields thing and finding, in the order of the things.
    """
    workers, count = threads()
    waiting: deque[tuple[_Thing, Future[_Found]]] = deque()
    try:
        for thing in things:
            waiting.append((thing, workers.submit(find, thing)))
            if len(waiting) > count:
                first, found = waiting.popleft()
                yield first, found.result()
        while waiting:
            first, found = waiting.popleft()
            yield first, found.result()
    finally:  # who asks may have gone, or one have failed: nothing is left under way
        for _, found in waiting:
            found.cancel()
        wait([found for _, found in waiting])


def _forked() -> None:
    """A forked process has the pool and none of its threads: what it is given would never run."""
    global _pool, _making
    _pool, _making = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class Mapped:
    """One FAISS file, mapped, of the size and with the header that it should have.

    Args:
        path: of the file.
        header: the bytes it begins with.
        size: its bytes in all.
        kind: what it is, as an error says it.
        label: whose it is.

    Raises:
        DamagedIndex: it is missing, or another file.
    """

    def __init__(self, path: Path, header: bytes, size: int, kind: str, label: str) -> None:
        import faiss as untyped

        faiss: Any = untyped
        self.path, self.label = path, label
        try:
            found = path.stat()
        except OSError:
            raise DamagedIndex(f"{label} is missing") from None
        self._mapped = (found.st_dev, found.st_ino, found.st_size)
        if found.st_size != size:
            raise DamagedIndex(f"{label} has {found.st_size:,} bytes where {size:,} belong")
        with path.open("rb") as file:
            if file.read(len(header)) != header:
                raise DamagedIndex(f"{label} is not the {kind} it should be")
        try:
            self.faiss_index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as err:
            if want_of_memory(err):
                raise
            raise DamagedIndex(f"{label} cannot be opened by faiss") from None
        self._faiss = faiss
        self._ahead = False

    def read_ahead(self) -> None:
        """Ask the system for the file, once; mapped pages alone come at random-access pace.

        Only who reads all of it asks: of a single row the rest is not wanted.
        """
        if self._ahead or not hasattr(os, "posix_fadvise"):
            return
        self._ahead = True
        try:
            with self.path.open("rb") as file:
                for at in range(0, self._mapped[2], _BLOCK):
                    os.posix_fadvise(file.fileno(), at, _BLOCK, os.POSIX_FADV_WILLNEED)
        except OSError:
            return  # advice alone; what is mapped is read all the same

    def require_whole(self) -> None:
        """Raise `DamagedIndex` where the mapped file has been cut since it was opened.

        Whoever reads a page of it that is gone is ended by the system (SIGBUS). What remains is a
        file that is cut while it is being read: of that, no reader of a mapped file is told.
        """
        try:
            found = self.path.stat()
        except OSError:
            return  # another index has taken the place; the mapped file is whole
        device, inode, size = self._mapped
        if (found.st_dev, found.st_ino) == (device, inode) and found.st_size < size:
            raise DamagedIndex(
                f"{self.label} was cut to {found.st_size:,} of {size:,} bytes while it was open"
            )
