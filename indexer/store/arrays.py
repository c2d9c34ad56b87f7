"""Arrays in an index's files, each checked for its shape and its numbers as it is read.

Knows NumPy's own files and what stands beside the rows of a space of a given size; knows no
measure. A file that somebody else made is read only as what `np.savez` writes: nothing in it is
packed, so that no array takes more room than its file, and no array holds objects, which would be
pickles.

NumPy reads the header of an array with `ast.literal_eval`, and CPython before 3.12 counts the
depth of what `ast` builds per process, not per thread: two threads at it can end in a
`SystemError` that says nothing of the file (github.com/python/cpython/issues/106905).
"""

from __future__ import annotations

import struct
import threading
import zipfile
from collections.abc import Callable, Mapping
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.store.coding import code_width
from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry, opened
from indexer.store.spaces import SpaceEntry

MAPPED_FROM = 4 << 20
"""Bytes from which on an array of a number a row is mapped, not read: of it few are needed."""

_LOCAL = struct.Struct("<4s22xHH")
"""What stands before a member of an archive: its mark, and the lengths of its name and extra."""

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


ANY = -1
"""A size that an array itself says."""

Declared = Mapping[str, tuple[str, tuple[int, ...], float]]
"""By name of an array: type, shape, and the least that a number may be."""


def of_space(space: SpaceEntry) -> Declared:
    """The arrays of one space, those of a neuron space included."""
    each, wide = (space.rows,), (space.width,)
    return {
        "norms": ("<f4", each, 0),
        "centered_norms": ("<f4", each, 0),
        "mean": ("<f8", wide, -np.inf),
        "covariance": ("<f8", wide * 2, -np.inf),
        "scales": ("<f4", (code_width(space.width),), 0),
        "residuals": ("<f4", each, 0),
        "compared_mean": ("<f8", wide, -np.inf),
        "compared_covariance": ("<f8", wide * 2, -np.inf),
        "z_scales": ("<f4", (code_width(space.width),), 0),
        "z_residuals": ("<f4", each, 0),
        "embed_mean": ("<f8", each, -np.inf),
        "embed_std": ("<f8", each, 0),
        "nearest_tokens": ("<i4", (*each, 4), -1),
        "row_lengths": ("<f8", each, np.nextafter(0.0, 1.0)),
        "row_means": ("<f8", each, -np.inf),
        "gains": ("<f8", (ANY, *wide), -np.inf),
        "gain_ends": ("<i8", (ANY,), 1),
    }


class Arrays:
    """One file of arrays.

    Args:
        folder: of the index.
        file: its name in there.
        entry: what the manifest says of the file.
        declared: which arrays it may be asked for.
    """

    def __init__(
        self, folder: Path, file: str, entry: FileEntry | None, declared: Declared
    ) -> None:
        self._folder, self._file, self._entry, self._declared = folder, file, entry, declared

    def array(self, name: str) -> NDArray[Any]:
        """One array by name.

        Raises:
            DamagedIndex: the file or the array is not there, has another type or shape, or holds
                what is no number, or less than nothing where it is a length or an id.
        """
        return self._asked(lambda: self._read(name), name)

    def has(self, name: str) -> bool:
        """Whether there is an array of that name.

        Raises:
            DamagedIndex: the file is not there, or none of arrays.
        """
        return self._asked(lambda: f"{name}.npy" in self._names(), name)

    def _asked(self, read: Callable[[], _Read], name: str) -> _Read:
        try:
            return whole(read)
        except DamagedIndex:
            raise
        except Exception as err:  # zipfile, OSError, ValueError: all mean the same to a reader
            raise self._damaged(f"{name}: {err}") from None

    def _names(self) -> list[str]:
        with opened(self._folder, self._file, self._entry) as file, zipfile.ZipFile(file) as kept:
            return kept.namelist()

    def _read(self, name: str) -> NDArray[Any]:
        with opened(self._folder, self._file, self._entry) as file, zipfile.ZipFile(file) as kept:
            member = kept.getinfo(f"{name}.npy")
            if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
                raise self._damaged(f"{name} is packed, which no array of an index is")
            type_, shape, least = self._declared[name]
            with kept.open(member) as array:
                found = _header(array)
            if len(found[1]) == len(shape):
                shape = tuple(
                    has if size == ANY else size for size, has in zip(shape, found[1], strict=True)
                )
            if found != (type_, shape):
                raise self._damaged(
                    f"{name} is {found[0]} of shape {found[1]} where {type_} of {shape} belongs"
                )
            with kept.open(member) as array:
                numbers: NDArray[Any]
                if len(shape) == 1 and shape[0] * np.dtype(type_).itemsize >= MAPPED_FROM:
                    _header(array)
                    numbers = _mapped(file, member, array.tell(), type_, shape)
                else:
                    numbers = np.lib.format.read_array(array, allow_pickle=False)
        # The least and the greatest are no numbers where any is none.
        low, high = (numbers.min(), numbers.max()) if numbers.size else (0, 0)
        if not (low >= least and np.isfinite(low) and np.isfinite(high)):
            kind = "finite number" if least == -np.inf else "length or id"
            raise self._damaged(
                f"{name} holds what is no {kind}: `indexer verify` says what else is damaged"
            )
        return numbers

    def _damaged(self, said: str) -> DamagedIndex:
        return DamagedIndex(f"index {self._folder.name!r}: {self._file}: {said}")


def _mapped(
    file: BufferedReader, member: zipfile.ZipInfo, start: int, type_: str, shape: tuple[int, ...]
) -> NDArray[Any]:
    """The numbers of an array where they lie in the file, `start` bytes after its own beginning."""
    file.seek(member.header_offset)
    local = file.read(_LOCAL.size)
    marked, names, extra = _LOCAL.unpack(local)
    size = int(np.prod(shape)) * np.dtype(type_).itemsize
    if marked != b"PK\3\4" or start + size != member.file_size:
        raise ValueError("the array is not where the archive says")
    at = member.header_offset + _LOCAL.size + names + extra + start
    return np.memmap(file, type_, "r", at, shape)


def _header(array: IO[bytes]) -> tuple[str, tuple[int, ...]]:
    """Type and shape of an array that is being read, without its numbers."""
    version = np.lib.format.read_magic(array)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise ValueError(f"version {version} of NumPy's format is none that a build writes")
    shape, _, type_ = read(array)
    return type_.str, shape
