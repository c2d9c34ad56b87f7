"""From the residual stream to logits: the last norm, the unembedding, and what is done after it.

Knows the arithmetic, and the file of what is no row of a space; knows no token's name. A model's
logits of a stream x, as it leaves the last block, are

    z = scale (U (gain plain(x) + shift) + bias),  and  softcap tanh(z / softcap)  where it has one

with U the vectors of a space of tokens, plain(x) = x / sqrt(mean(x^2) + epsilon), of a LayerNorm
the same of x - mean(x), and of a model that does not norm here x itself. The self-check holds that
against the model's own logits before an index is sealed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.arrays import Arrays
from indexer.store.files import FileEntry
from indexer.store.layout import UNEMBEDDING, UnembeddingEntry

Float64 = NDArray[np.float64]

_ROWS_AT_ONCE = 2048


@dataclass(frozen=True)
class Unembedding:
    """What makes logits of the stream that leaves the last block.

    Attributes:
        entry: which norm, with what epsilon, and what is done to logits.
        gain: (d_model,) float64, what the norm multiplies by (of Gemma 1 + weight); None where it
            multiplies by nothing.
        shift: (d_model,) float64, what it adds; None where it adds nothing.
        bias: (vocabulary,) float32, what is added to each token's logit; None likewise.
        space: the space of tokens whose vectors are U: `unembed`, or `embed` in a model that ties
            the two.
        vocabulary: how many tokens there are.
        rows: (first, count) -> vectors of that space at their own length, (count, d_model) float64.
    """

    entry: UnembeddingEntry
    gain: Float64 | None
    shift: Float64 | None
    bias: NDArray[np.float32] | None
    space: str
    vocabulary: int
    rows: Callable[[int, int], Float64]

    def normed(self, streams: Float64) -> Float64:
        """What the unembedding is given: (n, d_model) float64 -> the same shape."""
        found, norm = streams, self.entry.norm
        if norm == "layer":
            found = found - found.mean(axis=1, keepdims=True)
        if norm != "none":
            square = (found**2).mean(axis=1, keepdims=True)
            found = found / np.sqrt(square + self.entry.epsilon)
        if self.gain is not None:
            found = found * self.gain
        if self.shift is not None:
            found = found + self.shift
        return found

    def logits(self, streams: Float64) -> Float64:
        """The logits of streams as they leave the last block.

        Args:
            streams: (n, d_model) float64.

        Returns:
            (n, vocabulary) float64; vectors are read a few thousand at a time.
        """
        return self.of_normed(self.normed(streams))

    def of_normed(self, normed: Float64) -> Float64:
        """The logits of streams that are normed already: (n, d_model) -> (n, vocabulary)."""
        found = np.empty((len(normed), self.vocabulary))
        for first in range(0, self.vocabulary, _ROWS_AT_ONCE):
            count = min(_ROWS_AT_ONCE, self.vocabulary - first)
            found[:, first : first + count] = normed @ self.rows(first, count).T
        if self.bias is not None:
            found += self.bias
        found *= self.entry.scale
        cap = self.entry.softcap
        return found if cap is None else cap * np.tanh(found / cap)


def read_unembedding(
    folder: Path,
    entry: UnembeddingEntry,
    file: FileEntry | None,
    space: str,
    shape: tuple[int, int],
    rows: Callable[[int, int], Float64],
) -> Unembedding:
    """The unembedding of an index, its vectors read.

    Args:
        folder: of the index.
        entry: what the manifest says of it.
        file: what the manifest says of its file; None where there is nothing to be read.
        space: the space of its vectors.
        shape: vocabulary and d_model.
        rows: reads that space.

    Raises:
        DamagedIndex: the file is missing, or holds something else than it should.
    """
    vocabulary, d_model = shape
    arrays = Arrays(
        folder,
        UNEMBEDDING,
        file,
        {
            "gain": ("<f8", (d_model,), -np.inf),
            "shift": ("<f8", (d_model,), -np.inf),
            "bias": ("<f4", (vocabulary,), -np.inf),
        },
    )
    found: dict[str, NDArray[Any]] = {name: arrays.array(name) for name in entry.arrays}
    return Unembedding(
        entry=entry,
        gain=found.get("gain"),
        shift=found.get("shift"),
        bias=found.get("bias"),
        space=space,
        vocabulary=vocabulary,
        rows=rows,
    )
