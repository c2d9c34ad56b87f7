"""A file that is to be read, its bytes as a format has them: gzip's compression and UTF-16 undone.

Knows compression and encodings, and the room that either takes; knows no format.
"""

from __future__ import annotations

import codecs
import errno
import gzip
import os
import shutil
import tempfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, BinaryIO

from indexer.errors import BadVectors
from indexer.portable.contents import GZIP, HEAD, UTF16, UTF32, recognised
from indexer.portable.vectors import VectorSource
from indexer.store.errors import MachineError, did_you_mean, nearest

_AT_ONCE = 4 << 20
_LEFT_FREE = 256 << 20
"""Bytes of the disk that unpacking leaves to others."""
_STEP = 64 << 20
"""Bytes after which the room is looked at again."""


@dataclass(frozen=True)
class Unpacked:
    """A file's bytes, to be read from any place on.

    Attributes:
        name: of the file that was asked for.
        file: its bytes, in a file that the system can map.
        size: how many there are.
        head: the first of them.
        packed: whether the file that was asked for is compressed.
        cut: why bytes are missing at the end; empty where none are known to be.
        encoding: of its text as it is now.
    """

    name: str
    file: BinaryIO
    size: int
    head: bytes
    packed: bool = False
    cut: str = ""
    encoding: str = "utf-8"

    def of_text(self, asked: VectorSource) -> VectorSource:
        """What was asked, with the encoding that its text has by now."""
        return asked if asked.encoding is None else replace(asked, encoding=self.encoding)


def unpacked(path: Path, encoding: str) -> Unpacked:
    """Open a file, undo gzip's compression, and write a text of wide characters as UTF-8.

    What has to be written anew goes into a file without a name, so that nothing of it is left,
    however this process ends.

    Raises:
        BadVectors: it cannot be read, or is no gzip file beyond its first bytes.
        MachineError: there is no room for it.
    """
    file: IO[bytes]
    try:
        file = path.open("rb")
        head = file.read(HEAD)
    except OSError as err:
        raise BadVectors(f"{str(path)!r} cannot be read: {err.strerror}") from None
    packed, cut = recognised(head) is GZIP, ""
    if packed:
        file.close()
        file, cut = _without_gzip(path)
        file.seek(0)
        head = file.read(HEAD)
    wide = is_wide(encoding) and recognised(head) in (None, UTF16, UTF32)
    if wide:
        file = _as_utf8(path.name, file, encoding)
    file.seek(0)
    head = file.read(HEAD)
    size = file.seek(0, 2)
    now = "utf-8" if wide else encoding
    return Unpacked(path.name, file, size, head, packed, cut, now)  # type: ignore[arg-type]


def checked_encoding(name: str) -> str:
    """An encoding's own name.

    Raises:
        BadVectors: Python has none of that name, or it is none of text.
    """
    try:
        found = codecs.lookup(name)
        b"a".decode(name, "replace")
    except LookupError:
        known = ("utf-8", "utf-16", "utf-32", "latin-1", "cp1252", "cp1251", "gb18030", "big5",
                 "shift_jis", "euc-jp", "euc-kr", "koi8-r")  # fmt: skip
        hint = did_you_mean(name, nearest(name, known, limit=1))
        raise BadVectors(
            f"--encoding: no encoding {name!r}{hint} (there are: {', '.join(known)}, ...)"
        ) from None
    return found.name


def is_wide(encoding: str) -> bool:
    """Whether an encoding writes digits and blanks in another way than ASCII does."""
    plain = "a 1.5e-3\t+2\n"
    return plain.encode(encoding, "replace") != plain.encode()


def _without_gzip(path: Path) -> tuple[IO[bytes], str]:
    """What a gzip file holds, and why its end is missing where it is cut short or damaged."""
    to = _Spool(path.name)
    try:
        with gzip.open(path) as source:
            # A step at a time: what comes before the damage is kept.
            while block := source.read1(_AT_ONCE):
                to.write(block)
    except EOFError:
        return to.file, "its compressed data is cut short"
    except (gzip.BadGzipFile, zlib.error) as err:
        if not to.written:
            raise BadVectors(
                f"{path.name} begins as a gzip file does, and cannot be decompressed: {err}"
            ) from None
        return to.file, f"its compressed data is damaged ({err})"
    return to.file, ""


def _as_utf8(name: str, file: IO[bytes], encoding: str) -> IO[bytes]:
    to = _Spool(name)
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while block := file.read(_AT_ONCE):
            to.write(decoder.decode(block).encode())
        to.write(decoder.decode(b"", final=True).encode())
    except UnicodeError as err:
        raise BadVectors(f"{name} is no text in {encoding}: {err}") from None
    finally:
        file.close()
    return to.file


class _Spool:
    """A file without a name among the temporary ones, filled as far as there is room."""

    def __init__(self, name: str) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  it outlives this
        self.written, self._name = 0, name

    def write(self, block: bytes) -> None:
        before, where = self.written, tempfile.gettempdir()
        self.written += len(block)
        try:
            if before // _STEP != self.written // _STEP and _free(where) < _LEFT_FREE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.file.write(block)
        except OSError as err:
            raise MachineError(
                f"no room to unpack {self._name}: {before / 1e9:.1f} GB of it are in {where} "
                f"({err.strerror}); unpack it elsewhere, or name a larger folder in TMPDIR"
            ) from None


def _free(folder: str) -> int:
    return shutil.disk_usage(folder).free
