"""The sign of every activation: which way each gated neuron acted at each word, a bit a pair.

A gated neuron adds its column of the output matrix as it is or turned around, and which it did at a
word can't be read off the weights. So the build keeps, for every word and neuron, whether the
activation at the word's last token was below 0; and, where any was exactly 0, which. Knows bits and
files; knows nothing of words and neurons but how many there are.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry, opened
from indexer.store.layout import NEGATIVE, ZERO, bytes_of

Bools = NDArray[np.bool_]
Int8 = NDArray[np.int8]
Int64 = NDArray[np.int64]


class SignsWriter:
    """The files of a build under way, of their full length from the start, filled in any order.

    Args:
        folder: of the build.
        words: how many.
        neurons: how many.
    """

    def __init__(self, folder: Path, words: int, neurons: int) -> None:
        self._width = bytes_of(neurons)
        self._files: dict[str, int] = {}
        for name in (NEGATIVE, ZERO):
            self._files[name] = os.open(folder / name, os.O_RDWR | os.O_CREAT, 0o644)
            if os.fstat(self._files[name]).st_size != words * self._width:
                os.truncate(self._files[name], words * self._width)

    def put(self, first: int, below: Bools, none: Bools) -> None:
        """Write some words' rows from word `first` on.

        Args:
            first: position of the first.
            below: (n, neurons) bool, where the activation is below 0.
            none: (n, neurons) bool, where it is exactly 0.
        """
        self._write(NEGATIVE, first, below)
        if none.any():  # else what lies there is zeros already
            self._write(ZERO, first, none)

    def _write(self, name: str, first: int, flags: Bools) -> None:
        data = np.packbits(flags, axis=1).data.cast("B")
        at = first * self._width
        while data:
            done = os.pwrite(self._files[name], data, at)
            data, at = data[done:], at + done

    def sync(self) -> None:
        """Return once everything put so far is on the disk."""
        for fd in self._files.values():
            os.fsync(fd)

    def close(self) -> None:
        """Close the files."""
        for fd in self._files.values():
            os.close(fd)
        self._files = {}


def drop_if_empty(folder: Path) -> tuple[str, ...]:
    """The files to seal: none of zeros where no activation was exactly 0."""
    path = folder / ZERO
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if any(block):
                return NEGATIVE, ZERO
    path.unlink()
    return (NEGATIVE,)


def signs_of(
    folder: Path,
    files: Mapping[str, FileEntry],
    neurons: int,
    word: int,
    positions: Int64 | None = None,
) -> Int8:
    """Which way some neurons acted at a word: (n,) int8, 1, -1, or 0.

    Args:
        folder: of the index.
        files: as the manifest lists them.
        neurons: how many neurons there are.
        word: id of the word.
        positions: (n,) int64, which neurons; all unless given.

    Raises:
        DamagedIndex: a file is missing, or another than was sealed.
    """
    at = np.arange(neurons) if positions is None else positions
    signs: Int8 = 1 - 2 * _bits(folder, NEGATIVE, files, neurons, word, at)
    if ZERO in files:
        signs[_bits(folder, ZERO, files, neurons, word, at) != 0] = 0
    return signs


def _bits(
    folder: Path, name: str, files: Mapping[str, FileEntry], neurons: int, word: int, at: Int64
) -> Int8:
    width = bytes_of(neurons)
    with opened(folder, name, files.get(name)) as file:
        file.seek(word * width)
        row = file.read(width)
    if len(row) != width:
        raise DamagedIndex(f"index {folder.name!r}: {name} ends before word {word}")
    # The first of eight neurons is the highest bit of its byte.
    bits: Int8 = (np.frombuffer(row, np.uint8)[at >> 3] >> (7 - (at & 7)) & 1).astype(np.int8)
    return bits
