"""One file of an index: what is sealed of it, and how it is opened.

Knows files of the disk; knows no manifest. An index may come from anywhere: a link in it could lead
out of its folder, and a pipe would be waited for, so that neither is opened.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from indexer.store.errors import DamagedIndex

EDGE_BYTES = 4096
"""How much of each end of a file is checked whenever it is opened."""


@dataclass(frozen=True)
class FileEntry:
    """One file of the index.

    Attributes:
        bytes: its size.
        sha256: of its content.
        edges: SHA-256 of its first and last `EDGE_BYTES`, which are looked at whenever the file is
            opened: a file of another space is told by them.
        first_row: of a file of rows or of their codes, which row of the space it begins with.
        rows: how many it holds.
    """

    bytes: int
    sha256: str
    edges: str
    first_row: int | None = None
    rows: int | None = None

    @classmethod
    def of(cls, path: Path, first_row: int | None = None, rows: int | None = None) -> FileEntry:
        """What is to be said of a file, and of the rows that it holds."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            return cls(size, digest, edges_of(file), first_row, rows)


def edges_of(file: BufferedReader) -> str:
    """SHA-256 of the first and the last `EDGE_BYTES` of an open file."""
    size = file.seek(0, os.SEEK_END)
    digest = hashlib.sha256()
    for at in (0, max(0, size - EDGE_BYTES)):
        file.seek(at)
        digest.update(file.read(EDGE_BYTES))
    return digest.hexdigest()


def opened(folder: Path, name: str, entry: FileEntry | None) -> BufferedReader:
    """A file of a sealed index, open for reading: of its size, its first and last block its own.

    Args:
        folder: of the index.
        name: of the file in it.
        entry: what the manifest says of it.

    Raises:
        DamagedIndex: it is missing, a link, no regular file, or another file than was sealed.
    """
    label, verify = f"index {folder.name!r}: {name}", "`indexer verify` says what is damaged"
    if entry is None:
        raise DamagedIndex(f"{label}: the manifest does not list it")
    try:
        file = open_regular(folder / name, folder)
    except FileNotFoundError:
        raise DamagedIndex(f"{label} is missing: {verify}") from None
    except (OSError, ValueError) as err:
        said = err.strerror if isinstance(err, OSError) and err.strerror else err
        raise DamagedIndex(f"{label} cannot be read: {said}") from None
    try:
        size = os.fstat(file.fileno()).st_size
        if size != entry.bytes:
            raise DamagedIndex(
                f"{label} has {size:,} bytes where {entry.bytes:,} were sealed: {verify}"
            )
        if edges_of(file) != entry.edges:
            raise DamagedIndex(f"{label} is not the file that was sealed: {verify}")
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def open_regular(path: Path, folder: Path | None = None) -> BufferedReader:
    """A regular file, open for reading; links are not followed, neither it nor its folder's.

    Raises:
        OSError, ValueError: it cannot be read, or is no regular file.
    """
    if path.is_symlink() or (folder not in (None, path.parent) and path.parent.is_symlink()):
        raise ValueError("it is a link, which could lead anywhere")
    file = open(path, "rb", opener=_opener)  # noqa: SIM115  it is what is asked for
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise ValueError("it is no regular file")
    return file


def _opener(path: str, flags: int) -> int:
    """Opens at once whatever it is, and no link."""
    more = ("O_NONBLOCK", "O_NOFOLLOW", "O_BINARY")
    return os.open(path, flags | sum(getattr(os, name, 0) for name in more))
