"""Rows in 16 bits a number: what is stored, and the float32 row that it stands for.

A file is faiss's `IndexScalarQuantizer` of type `QT_bf16` or `QT_fp16` ("IxSQ"), two bytes a
number. With h a stored vector, g the gain of its run and m, l its own mean and length, its row is

    x = float32(h * g - m)              row = float32(x / l)

computed in float64, number by number, so that every machine finds the same bits. Where weights are
of 16 bits in a checkpoint, h are these weights, g and m what a norm before or behind them does,
and the row is the one that would be stored in float32, bit for bit: that is tried of each row as
it is written. Any other row is rounded: h is it, to the nearest, and l the length that it has then.

The length is stored and not found again, so that a number that is damaged shows in the length of
the row. Knows numbers and bytes; knows no space, and not what a row is of.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.errors import DamagedIndex
from indexer.store.mapped import Mapped
from indexer.store.spaces import Narrow

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Bits = NDArray[np.uint16]

# fourcc, d, ntotal, two unused words, is_trained, metric (0: inner product); then the quantizer:
# its type, how and from what it was trained, d, bytes a vector, numbers trained; and how many bytes
# follow.
_HEADER = struct.Struct("<4siqqq?iiifQQQQ")
_TYPES: dict[Narrow, int] = {"float16": 4, "bfloat16": 7}
"""faiss's `QT_fp16` and `QT_bf16`."""

_INFINITE = np.uint16(0x7C00)
_PLACES = np.uint32(0x8FFFE000).view(np.int32)
_EXPONENTS_APART = np.float32(2.0**112)

_IN_CACHE = 192
"""Rows whose float64 copies stay in the processor's cache."""


def header(rows: int, width: int, dtype: Narrow) -> bytes:
    """The bytes that stand before the numbers of `rows` x `width`."""
    index = (b"IxSQ", width, rows, 1 << 20, 1 << 20, True, 0)
    return _HEADER.pack(*index, _TYPES[dtype], 0, 0.0, width, 2 * width, 0, 2 * rows * width)


def apart(dtype: Narrow, width: int) -> float:
    """How far a rounded row may be from the unit vector that it was.

    A number is rounded by 2^-9 of itself at the most in bfloat16, 2^-11 in float16 or, of those
    that are subnormal there, by 2^-25. So is the vector, and its length once more as the row is
    made unit.

    Args:
        dtype: the type.
        width: of a row.
    """
    return 2 * (2.0**-9 if dtype == "bfloat16" else 2.0**-11 + 2.0**-25 * width**0.5)


def to_bits(vectors: Float32, dtype: Narrow) -> Bits:
    """Numbers rounded to the nearest of 16 bits, of two as near to the even one: the same shape."""
    if dtype == "float16":
        with np.errstate(over="ignore"):
            return vectors.astype(np.float16).view(np.uint16)
    whole = np.ascontiguousarray(vectors).view(np.uint32)
    bits = ((whole + np.uint32(0x7FFF) + (whole >> 16 & 1)) >> 16).astype(np.uint16)
    none = np.isnan(vectors)
    if none.any():
        bits[none] = 0x7FC0
    return bits


def of_bits(bits: Bits, dtype: Narrow) -> Float32:
    """What numbers of 16 bits are, each exactly: the same shape, float32."""
    if dtype == "float16":
        if ((bits & _INFINITE) == _INFINITE).any():
            return bits.view(np.float16).astype(np.float32)
        # The same, several times as fast: sign, exponent and digits moved to their places, and the
        # exponent, which counts from another number, made what it is by a product that is exact.
        moved = np.left_shift(bits.view(np.int16), 13, dtype=np.int32)
        moved &= _PLACES
        numbers: Float32 = moved.view(np.float32)
        numbers *= _EXPONENTS_APART
        return numbers
    return np.left_shift(bits, 16, dtype=np.uint32).view(np.float32)


@dataclass(frozen=True)
class Raw:
    """Vectors as a checkpoint has them, and what is folded into them.

    Attributes:
        vectors: (n, width) float32.
        gain: (width,) float64, what they are multiplied by; None where by nothing.
        centred: whether each is taken less its own mean.
    """

    vectors: Float32
    gain: Float64 | None = None
    centred: bool = False

    def folded(self) -> Float32:
        """The vectors with it folded in, (n, width) float32."""
        return self.vectors if self._plain else self._folded()[0]

    @property
    def _plain(self) -> bool:
        return self.gain is None and not self.centred

    def _folded(self) -> tuple[Float32, Float64 | None]:
        """The same, and the mean that each was taken less, (n,) float64."""
        wide = self.vectors.astype(np.float64)
        if self.gain is not None:
            wide *= self.gain
        if not self.centred:
            return wide.astype(np.float32), None
        means = wide.mean(axis=1)
        wide -= means[:, None]
        return wide.astype(np.float32), means


@dataclass(frozen=True)
class Decoding:
    """What makes rows of the stored numbers of a space.

    Attributes:
        dtype: their type.
        lengths: (rows,) float64, what each vector is divided by.
        means: (rows,) float64, what each is taken less; None where of none anything.
        gains: (runs, width) float64, what the vectors of a run of rows are multiplied by; None
            where by nothing.
        ends: (runs,) int64, the row that follows each run.

    Raises:
        ValueError: runs are not those of the rows.
    """

    dtype: Narrow
    lengths: Float64
    means: Float64 | None = None
    gains: Float64 | None = None
    ends: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        if self.gains is None or self.ends is None:
            return
        steps = np.diff(self.ends, prepend=0)
        if (
            len(self.ends) != len(self.gains)
            or not (steps > 0).all()
            or self.ends[-1] != len(self.lengths)
        ):
            raise ValueError("gain_ends are not those of runs of its rows")

    def rows(self, first: int, bits: Bits, out: Float32) -> Float32:
        """The rows of stored vectors from a position on, (n, width), written to `out`."""
        for start, stop, gain in self._runs(first, first + len(bits)):
            for at in range(start, stop, _IN_CACHE):
                end = min(at + _IN_CACHE, stop)
                here, there = slice(at - first, end - first), slice(at, end)
                self._decode(bits[here], there, gain, out[here])
        return out

    def taken(self, positions: NDArray[np.int64], bits: Bits) -> Float32:
        """The rows at some positions: (n, width) float32."""
        out = np.empty(bits.shape, np.float32)
        for at in range(0, len(bits), _IN_CACHE):
            here = slice(at, at + _IN_CACHE)
            gain = None
            if self.gains is not None and self.ends is not None:
                gain = self.gains[np.searchsorted(self.ends, positions[here], side="right")]
            self._decode(bits[here], positions[here], gain, out[here])
        return out

    def _runs(self, first: int, last: int) -> Iterator[tuple[int, int, Float64 | None]]:
        """Rows from one on to another, as they share a gain."""
        if self.gains is None or self.ends is None:
            yield first, last, None
            return
        run = int(np.searchsorted(self.ends, first, side="right"))
        while first < last:
            stop = min(int(self.ends[run]), last)
            yield first, stop, self.gains[run]
            first, run = stop, run + 1

    def _decode(
        self, bits: Bits, at: slice | NDArray[np.int64], gain: Float64 | None, out: Float32
    ) -> None:
        """Some rows: `at` says which they are."""
        numbers = of_bits(bits, self.dtype)
        lengths = np.asarray(self.lengths[at])[:, None]
        with np.errstate(all="ignore"):  # of damaged numbers; no row of them is of length 1
            if gain is not None or self.means is not None:
                wide = numbers.astype(np.float64)
                if gain is not None:
                    wide *= gain
                if self.means is not None:
                    wide -= np.asarray(self.means[at])[:, None]
                numbers = wide.astype(np.float32)
            np.divide(numbers, lengths, out=out, casting="same_kind", dtype=np.float64)


@dataclass(frozen=True)
class Narrowed:
    """Some rows as they are stored.

    Attributes:
        bits: (n, width) uint16.
        lengths: (n,) float64.
        means: (n,) float64; None where no mean is taken off.
        gain: (width,) float64; None where nothing is multiplied by.
        rounded: (n,) bool, which rows are not those that were given.
        unit: (n, width) float32, the rows that are stored.
    """

    bits: Bits
    lengths: Float64
    means: Float64 | None
    gain: Float64 | None
    rounded: NDArray[np.bool_]
    unit: Float32

    @classmethod
    def of(cls, unit: Float32, dtype: Narrow, raw: Raw | None = None) -> Narrowed:
        """Rows as they are stored: as raw vectors where these give them, else rounded.

        Args:
            unit: the rows, (n, width) float32, each of length 1 or zero.
            dtype: the type.
            raw: of which vectors they were made, where these may be of 16 bits.
        """
        bits = to_bits(unit, dtype)
        lengths = lengths_of(bits, dtype)
        found = _decoded(bits, dtype, lengths)
        rounded = _different(found, unit)
        if raw is None or not rounded.any():
            return cls(bits, lengths, None, None, rounded, found)
        kept = to_bits(raw.vectors, dtype)
        with np.errstate(all="ignore"):  # rounded, a number may be none
            folded, means = Raw(of_bits(kept, dtype), raw.gain, raw.centred)._folded()
        own = _lengths(folded)
        as_they_are = _decoded(kept, dtype, own, means, raw.gain)
        wrong = _different(as_they_are, unit)
        if not wrong.any():
            return cls(kept, own, means, raw.gain, wrong, as_they_are)
        if raw.gain is not None or raw.centred:  # all rows of a run are one or the other
            return cls(bits, lengths, None, None, rounded, found)
        kept[wrong], own[wrong], as_they_are[wrong] = bits[wrong], lengths[wrong], found[wrong]
        return cls(kept, own, None, None, wrong & rounded, as_they_are)


def lengths_of(bits: Bits, dtype: Narrow) -> Float64:
    """The length of each stored vector, 1 of one that is zero: (n,) float64."""
    return _lengths(of_bits(bits, dtype))


def _lengths(vectors: Float32) -> Float64:
    lengths = np.empty(len(vectors))
    for at in range(0, len(vectors), _IN_CACHE):
        wide = vectors[at : at + _IN_CACHE].astype(np.float64)
        with np.errstate(all="ignore"):  # what is not finite is refused when it is finished
            lengths[at : at + _IN_CACHE] = np.sqrt(np.vecdot(wide, wide))
    lengths[lengths == 0] = 1
    return lengths


def _decoded(
    bits: Bits,
    dtype: Narrow,
    lengths: Float64,
    means: Float64 | None = None,
    gain: Float64 | None = None,
) -> Float32:
    """Rows by themselves."""
    whole = None if gain is None else (gain[None], np.array([len(bits)]))
    decoding = Decoding(dtype, lengths, means, *(whole or ()))
    return decoding.rows(0, bits, np.empty(bits.shape, np.float32))


def _different(found: Float32, unit: Float32) -> NDArray[np.bool_]:
    """Which rows differ in any bit: (n,) bool."""
    different: NDArray[np.bool_] = (
        np.ascontiguousarray(found).view(np.uint32) != np.ascontiguousarray(unit).view(np.uint32)
    ).any(axis=1)
    return different


class SixteenFile(Mapped):
    """Rows of 16 bits a number, mapped from one FAISS file; decoded as they are copied.

    Args:
        path: of the file.
        rows: how many.
        width: of a row.
        label: whose they are.
        decoding: of the whole space.
        before: rows of the space that lie before those of the file.
    """

    def __init__(
        self, path: Path, rows: int, width: int, label: str, decoding: Decoding, before: int
    ) -> None:
        self._dtype, self._decoding, self._before = decoding.dtype, decoding, before
        begins = header(rows, width, decoding.dtype)
        kind = f"{rows:,} x {width} FAISS file of {decoding.dtype}"
        super().__init__(path, begins, 2 * width, rows, kind, label)
        self.rows, self.width = rows, width
        # Where they lie numbers begin at an odd byte, which NumPy reads all the same.
        stored = np.memmap(path, np.uint8, "r", len(begins), (rows, 2 * width))
        self._bits: Bits = np.asarray(stored).view(np.uint16)

    def read(self, start: int, stop: int, out: Float32) -> Float32:
        """Rows from one on to another, as the file counts them, written to `out`."""
        return self._decoding.rows(self._before + start, self._bits[start:stop], out)

    def taken(self, positions: NDArray[np.int64]) -> Float32:
        """Rows at some positions of the file: (n, width) float32."""
        return self._decoding.taken(positions + self._before, self._bits[positions])

    def decoded(self, positions: NDArray[np.int64], stored: bytearray) -> Float32:
        """The same, of rows that were read: their bytes, one after another."""
        bits = np.frombuffer(stored, "<u2").reshape(len(positions), -1)
        return self._decoding.taken(positions + self._before, bits)


def decoding_of(dtype: Narrow, arrays: Any, label: str) -> Decoding:
    """What makes rows of a space's stored numbers, of the arrays beside them.

    Args:
        dtype: their type.
        arrays: gives an array by name, None where there is none of that name.
        label: whose they are, as an error says it.

    Raises:
        DamagedIndex: they do not go together.
    """
    names = ("row_lengths", "row_means", "gains", "gain_ends")
    found = [arrays(name) for name in names]
    # Plain arrays, which are cut into parts in less time than what is mapped.
    lengths, means, gains, ends = (one if one is None else np.asarray(one) for one in found)
    if lengths is None:
        raise DamagedIndex(f"{label} has no row_lengths, which rows of {dtype} have")
    if (gains is None) != (ends is None):
        raise DamagedIndex(f"{label} has gains and gain_ends, one without the other")
    try:
        return Decoding(dtype, lengths, means, gains, ends)
    except ValueError as err:
        raise DamagedIndex(f"{label}: {err}") from None
