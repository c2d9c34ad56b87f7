"""The FAISS files of a space, mapped: checked as they are opened, and read where they lie.

Knows sizes and headers of files, how they follow one another, and the threads that walk over them;
not what a row holds.
"""

from __future__ import annotations

import errno
import os
import platform
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from indexer.store.errors import DamagedIndex
from indexer.store.limits import address_space, want_of_memory
from indexer.store.shards import Shard, runs

_FEW_THREADS = 4
"""Threads where the address space is limited: each takes tens of megabytes of it."""

_ASKED = 2 << 20
"""Bytes that are asked for at once: of more the system reads a part only."""

_AHEAD_BYTES = 512 << 20
"""Bytes of what is worked on at once, however many threads there are."""

_LOOKED_AT = 8 << 20
"""Bytes of which one page is looked at, to see whether they lie in memory."""

_FEW_ROWS = 512
"""Rows of a file that are each read by itself, before others are taken from where it is mapped."""

_pool: ThreadPoolExecutor | None = None
_making = threading.Lock()

_Thing = TypeVar("_Thing")
_Found = TypeVar("_Found")


def threads() -> tuple[ThreadPoolExecutor, int]:
    """The threads of this process that walk over files, and how many they are: one a core."""
    global _pool  # one pool a process, made at the first walk
    with _making:
        if _pool is None:
            count = cores() if address_space() is None else min(_FEW_THREADS, cores())
            _pool = ThreadPoolExecutor(count, thread_name_prefix="scan")
        return _pool, _pool._max_workers


def cores() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):  # fewer than there are, in a container or under taskset
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_parts(rows: int, least: int, work: Callable[[int, int], _Found]) -> list[_Found]:
    """What is found in each part of some rows, in order: a part a thread.

    Args:
        rows: how many.
        least: rows for which one more thread is worth its while.
        work: goes over the rows from one on to another.
    """
    workers, count = threads()
    parts = max(1, min(count, rows // least))
    edges = [rows * i // parts for i in range(parts + 1)]
    running = [workers.submit(work, edges[i], edges[i + 1]) for i in range(1, parts)]
    return [work(edges[0], edges[1]), *(one.result() for one in running)]


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
    things: Iterable[_Thing], find: Callable[[_Thing], _Found], holds: int
) -> Iterator[tuple[_Thing, _Found]]:
    """What is found of each of some things, by threads that are a few ahead of who asks.

    Args:
        things: in the order in which they are yielded.
        find: finds it; of several things at once.
        holds: bytes of memory that one takes, the work on it and what is found of it together.

    Yields thing and finding.
    """
    workers, count = threads()
    count = max(1, min(count, _AHEAD_BYTES // holds))
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


def filled(fd: int, memory: memoryview, at: int) -> bool:
    """Fill memory with the bytes of a file from one on, by plain reads; False where it ends."""
    while memory:
        done = os.preadv(fd, [memory], at)
        if done == 0:
            return False
        memory, at = memory[done:], at + done
    return True


class Mapped:
    """One FAISS file, mapped, of the size and with the header that it should have.

    Args:
        path: of the file.
        header: the bytes it begins with.
        row_bytes: of each row that follows.
        rows: how many do.
        kind: what it is, as an error says it.
        label: whose it is.

    Raises:
        DamagedIndex: it is missing, or another file.
    """

    def __init__(
        self, path: Path, header: bytes, row_bytes: int, rows: int, kind: str, label: str
    ) -> None:
        import faiss as untyped

        faiss: Any = untyped
        self.path, self.label = path, label
        self._begins, self._row_bytes = len(header), row_bytes
        size = len(header) + rows * row_bytes
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
        self.faiss = faiss
        self._asked = bytearray(-(-size // _LOOKED_AT))
        self._left = _FEW_ROWS

    def read_ahead(self, first: int, last: int) -> None:
        """Ask the system for some rows, from one on to another, that are about to be read.

        Mapped pages alone come one at a time. What lies in memory already is not asked for, and
        the rest of the file is left where it is.
        """
        begin = self._begins + first * self._row_bytes
        end = self._begins + last * self._row_bytes
        if begin >= end or not hasattr(os, "posix_fadvise"):
            return
        try:
            with self.path.open("rb", buffering=0) as file:
                fd = file.fileno()
                for part in range(begin // _LOOKED_AT, -(-end // _LOOKED_AT)):
                    start, stop = max(begin, part * _LOOKED_AT), min(end, (part + 1) * _LOOKED_AT)
                    if self._in_memory(fd, (start + stop) // 2, part):
                        continue
                    for at in range(start, stop, _ASKED):
                        length = min(_ASKED, stop - at)
                        os.posix_fadvise(fd, at, length, os.POSIX_FADV_WILLNEED)
        except OSError:
            return  # advice alone; what is mapped is read all the same

    def _in_memory(self, fd: int, at: int, part: int) -> bool:
        """Whether the page of some byte is; where no system says it, whether it was asked for."""
        if hasattr(os, "RWF_NOWAIT"):
            try:
                return os.preadv(fd, [bytearray(1)], at, os.RWF_NOWAIT) == 1
            except BlockingIOError:
                return False
            except OSError as err:
                if err.errno not in (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS):
                    raise
        asked, self._asked[part] = bool(self._asked[part]), 1
        return asked

    def require_whole(self) -> None:
        """Raise `DamagedIndex` where the mapped file has been cut since it was opened.

        Whoever reads a page of it that is gone is ended by the system (SIGBUS). What remains is a
        file that is cut while it is being read: of that, no reader of a mapped file is told.
        """
        try:
            found = self.path.stat()
        except OSError:
            return  # another index has taken the place; the mapped file is whole
        self._require_whole(found)

    def _require_whole(self, found: os.stat_result) -> bool:
        """Whether what was found is the mapped file, which then is raised of if it has been cut."""
        device, inode, size = self._mapped
        same = (found.st_dev, found.st_ino) == (device, inode)
        if same and found.st_size < size:
            raise DamagedIndex(
                f"{self.label} was cut to {found.st_size:,} of {size:,} bytes while it was open"
            )
        return same

    def few(self, rows: Sequence[int]) -> bytearray | None:
        """Some scattered rows by plain reads, one each: their bytes, one after another.

        None where more have been read so than a command needs that asks once: to who asks on, a
        row that is mapped costs a fifth of that.

        Raises:
            DamagedIndex: the file has been cut since it was mapped.
        """
        if len(rows) > self._left:
            return None
        with self.plain() as fd:
            if fd is None:
                return None
            self._left -= len(rows)
            size = self._row_bytes
            found = bytearray(len(rows) * size)
            for to, at in enumerate(rows):
                here = memoryview(found)[to * size : (to + 1) * size]
                if not filled(fd, here, self._begins + at * size):
                    raise DamagedIndex(f"{self.label} ends before one of its rows")
        return found

    @contextmanager
    def plain(self) -> Iterator[int | None]:
        """The mapped file, opened for plain reads; None where it has lost its name to another.

        What is read so is copied, and no page of the file counts as this process's memory: of a
        mapped one the system maps what lies around it too, up to some megabytes.

        Raises:
            DamagedIndex: it has been cut since it was mapped.
        """
        try:
            # What has taken its place may be a pipe, which would be waited for.
            fd = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except OSError:
            yield None
            return
        try:
            yield fd if self._require_whole(os.fstat(fd)) else None
        finally:
            os.close(fd)


File = TypeVar("File", bound=Mapped)


@dataclass(frozen=True)
class Piece(Generic[File]):
    """A run of a space's rows that lie in one file.

    Attributes:
        file: which.
        start: the first of them, within the file.
        stop: what follows the last of them, within the file.
        before: rows of the space that lie before those of the file.
    """

    file: File
    start: int
    stop: int
    before: int


class Files(Generic[File]):
    """The files of a space, in the order of its rows, each opened when it is first read.

    Args:
        whole: what the file is called where it is the only one.
        shards: which rows lie in which.
        open_file: opens the file of one.
    """

    def __init__(
        self, whole: str, shards: Sequence[Shard], open_file: Callable[[Shard], File]
    ) -> None:
        self.whole, self.shards, self._open = whole, tuple(shards), open_file
        self._opened: dict[int, File] = {}
        self._opening = threading.Lock()

    @property
    def rows(self) -> int:
        """How many rows they hold together."""
        return self.shards[-1].end

    def file(self, shard: Shard) -> File:
        """The file of a shard."""
        found = self._opened.get(shard.number)
        if found is None:
            with self._opening:
                found = self._opened.get(shard.number)
                if found is None:
                    found = self._opened[shard.number] = self._open(shard)
        return found

    def name_of(self, row: int) -> str:
        """The name of the file that a row of the space lies in."""
        return next(shard for shard in self.shards if row < shard.end).file(self.whole)

    def pieces(self, first: int, last: int) -> Iterator[Piece[File]]:
        """Rows of the space from one on to another, as they lie in files."""
        for shard, start, stop in runs(self.shards, first, last):
            yield Piece(self.file(shard), start, stop, shard.first)
