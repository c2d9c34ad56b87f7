"""The files of rows of 16 bits, filled with unit rows: what else is to be known of each is kept.

Knows how rows become what is stored, and what stands beside them; knows no space.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.rows import BLOCK, Float32, ShardsWriter
from indexer.store.shards import Shard
from indexer.store.sixteen import Decoding, Float64, Narrowed, Raw, lengths_of
from indexer.store.spaces import Narrow


class NarrowWriter(ShardsWriter):
    """Takes and gives unit rows as its base does, and stores them in 16 bits a number.

    Rows that another process has put are there too; it has rounded them.

    Args:
        folder: of the index under way.
        file: what the file is called where it is the only one.
        shards: which rows lie in which.
        width: of a row.
        dtype: the type.
        decoding: of rows that are finished, which are only read back.
    """

    def __init__(
        self,
        folder: Path,
        file: str,
        shards: Sequence[Shard],
        width: int,
        dtype: Narrow,
        decoding: Decoding | None = None,
    ) -> None:
        super().__init__(folder, file, shards, width, dtype)
        self.dtype = dtype
        self._decoding = decoding
        self._lengths = np.zeros(self.rows)  # 0 of those that were not put here
        self._rounded = np.zeros(self.rows, bool)
        self._means: Float64 | None = None
        self._gains: dict[int, tuple[int, Float64 | None]] = {}

    def put(self, first: int, block: NDArray[Any], raw: Raw | None = None) -> Float32:
        """Store `block` as rows `first` to `first + n`, from several threads too.

        Args:
            first: the position of its first row.
            block: (n, width) float32, unit rows.
            raw: the vectors that they were made of; these are stored where they give the rows.

        Returns:
            The rows that are stored, (n, width) float32.
        """
        found = Narrowed.of(np.asarray(block, np.float32), self.dtype, raw)
        here = slice(first, first + len(block))
        super().put(first, found.bits)
        self._lengths[here], self._rounded[here] = found.lengths, found.rounded
        if raw is not None and (raw.gain is not None or raw.centred):
            self._gains[first] = (here.stop, found.gain)
            if found.means is not None:
                if self._means is None:
                    self._means = np.zeros(self.rows)
                self._means[here] = found.means
        return found.unit

    def get(self, first: int, count: int) -> Float32:
        """The rows that are stored from `first` on, (count, width) float32."""
        if self._decoding is None:
            self._decoding = self._found()
        bits = super().get(first, count)
        return self._decoding.rows(first, bits, np.empty(bits.shape, np.float32))

    @property
    def rounded(self) -> int:
        """How many rows are not those that were put."""
        self._complete()
        return int(self._rounded.sum())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What is to stand beside the rows, by name."""
        found = self._found()
        arrays: dict[str, NDArray[Any] | None] = {
            "row_lengths": found.lengths,
            "row_means": found.means,
            "gains": found.gains,
            "gain_ends": found.ends,
        }
        return {name: array for name, array in arrays.items() if array is not None}

    def _complete(self) -> None:
        """Find the lengths of rows that were not put here."""
        for first in range(0, self.rows, BLOCK):
            here = slice(first, min(first + BLOCK, self.rows))
            unknown = self._lengths[here] == 0
            if unknown.any():
                bits = super().get(first, here.stop - first)
                self._lengths[here][unknown] = lengths_of(bits[unknown], self.dtype)
                self._rounded[here][unknown] = bits[unknown].any(axis=1)

    def _found(self) -> Decoding:
        self._complete()
        gains, ends = self._runs()
        return Decoding(self.dtype, self._lengths, self._means, gains, ends)

    def _runs(self) -> tuple[Float64 | None, NDArray[np.int64] | None]:
        """The gain of each run of rows, and where it ends; neither where nothing is multiplied."""
        if all(gain is None for _, gain in self._gains.values()):
            return None, None
        gains: list[Float64] = []
        ends: list[int] = []

        def add(end: int, gain: Float64) -> None:
            if gains and np.array_equal(gains[-1], gain):  # of another expert of a layer
                ends[-1] = end
            else:
                gains.append(gain)
                ends.append(end)

        plain = np.ones(self.width)
        for first, (end, gain) in sorted(self._gains.items(), key=lambda one: one[0]):
            if first > (ends[-1] if ends else 0):
                add(first, plain)
            add(end, plain if gain is None else gain)
        if ends[-1] < self.rows:
            add(self.rows, plain)
        return np.stack(gains), np.array(ends, np.int64)
