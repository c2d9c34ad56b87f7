"""Scores of many tokens in limited precision, and how far each may be off.

Knows what rounding does to inner products; knows nothing of neurons.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.extract.norms import Float32, Float64
from indexer.store.rows import scan_error

if TYPE_CHECKING:
    import torch

Int64 = NDArray[np.int64]

TILE = 64
"""Tokens that are known by their highest and lowest score first."""

_TOKENS_AT_ONCE = 4096
_PROBED = 64, 4096  # rows and tokens


class Centred:
    """Tokens less their mean, scaled by a power of two, in the order of their lengths.

    Of one row, the mean takes the same from every score, so that the order of scores stays, and
    what is left is shorter and rounded less. Tokens of about one length share a tile, since a
    bound of a tile is that of its longest token.

    Args:
        tokens: (m, d_model) float32, finite.
    """

    def __init__(self, tokens: Float32) -> None:
        self.tokens = tokens
        count = max(1, len(tokens))
        self._mean = sum((part.sum(axis=0) for _, part in self._parts()), np.zeros(self.width))
        self._mean /= count
        lengths = np.zeros(len(tokens))
        for first, part in self._parts():
            lengths[first : first + len(part)] = _lengths(part - self._mean)
        self._scale = _power(lengths.max(initial=0.0))
        order = np.argsort(lengths, kind="stable")
        # The last tile is filled up with the last token, which is looked at once.
        self.order = np.concatenate([order, np.repeat(order[-1:], -len(order) % TILE)])

    @property
    def width(self) -> int:
        """d_model."""
        return int(self.tokens.shape[1])

    def _parts(self) -> Iterator[tuple[int, Float64]]:
        for first in range(0, len(self.tokens), _TOKENS_AT_ONCE):
            yield first, self.tokens[first : first + _TOKENS_AT_ONCE].astype(np.float64)

    def blocks(self) -> Iterator[tuple[int, Float64, Float64]]:
        """A few at a time, in order: the first, the vectors, and how far each may be off itself.

        They are off by what float64 rounds here, and by what it rounds in the scores that these
        are to stand for: those of the tokens as they are.
        """
        mean = float(_lengths(self._mean[None])[0])
        rounding = 2.0**-52 * (self.width + 4)
        for first in range(0, len(self.order), _TOKENS_AT_ONCE):
            here = self.order[first : first + _TOKENS_AT_ONCE]
            wide = self.tokens[here].astype(np.float64)
            off = rounding * self._scale * (_lengths(wide) + mean)
            yield first, (wide - self._mean) * self._scale, off


class Product:
    """Scores of rows with tokens in 16 bits or in float32, none off by more than is known.

    For a row x, a token y and both as they are rounded, a and b: x.y - a.b = (x - a).y + a.(y - b),
    at most |x - a||y| + |a||y - b| (Cauchy-Schwarz), of the lengths that these rows and tokens
    have. Adding up in float32 is off by `scan_error` times |a||b|; a score that comes out in 16
    bits by 2^-8 of itself. Rows and tokens are scaled to lengths of 1 or less, so that no score
    is too great for a float, and what a processor takes for 0 is less than 2^-100 in all.

    Args:
        centred: the tokens.
        at_once: the most rows that will be given.
        narrow: whether rows and tokens are rounded to bfloat16, and scores too.
    """

    def __init__(self, centred: Centred, at_once: int, narrow: bool) -> None:
        import torch

        self.narrow = narrow
        self._dtype = torch.bfloat16 if narrow else torch.float32
        self._order, self._real = centred.order, len(centred.tokens)
        count, width = len(centred.order), centred.width
        self._matrix = torch.empty(count, width, dtype=self._dtype)
        self._at_once, self._own = at_once, threading.local()
        lengths, off = np.empty(count), np.empty(count)
        for first, block, doubt in centred.blocks():
            here = slice(first, first + len(block))
            rounded = torch.from_numpy(block).to(self._dtype)
            self._matrix[here] = rounded
            back = rounded.double().numpy()
            lengths[here], off[here] = _lengths(back), _lengths(block - back) + doubt
        self._longest = lengths.reshape(-1, TILE).max(axis=1)
        self._off = off.reshape(-1, TILE).max(axis=1) + 2.0**-100
        self._summing = scan_error(width)
        self._output = 2.0**-8 if narrow else 0.0

    def open(self, rows: Float64, depth: int) -> list[tuple[Int64, Int64]]:
        """Every token that may be among some highest, and among as many lowest, of each row.

        Those `depth` tiles that reach highest at least hold `depth` tokens which score as high as
        the least of them, so that a token that cannot is none of the highest.

        Args:
            rows: (n, d_model) float64, of lengths from 0.5 to 1.
            depth: how many; all tokens are given where there are no more tiles than this.

        Returns:
            Of the highest and of the lowest, (rows, tokens) in pairs, in the order of rows.
        """
        import torch

        a = torch.from_numpy(rows).to(self._dtype)
        scores = torch.mm(a, self._matrix.T, out=self._buffer()[: len(rows)])
        tiled = scores.view(len(rows), -1, TILE)
        highest = _greatest(tiled)
        lowest = _greatest(tiled.neg_())
        back = a.double().numpy()
        off = self.bound(_lengths(rows - back), _lengths(back))
        off += self._output * np.maximum(np.abs(highest), np.abs(lowest))
        return [
            self._reaching(tiled, -1, highest, off, depth),
            self._reaching(tiled, 1, lowest, off, depth),
        ]

    def _buffer(self) -> torch.Tensor:
        """This thread's own: (at_once, tokens)."""
        import torch

        if not hasattr(self._own, "scores"):
            self._own.scores = torch.empty(self._at_once, len(self._order), dtype=self._dtype)
        scores: torch.Tensor = self._own.scores
        return scores

    def bound(self, off: Float64, lengths: Float64) -> Float64:
        """How far scores may be off before they are rounded to come out: (n, tiles) float64.

        Args:
            off: (n,), how far each row is from what it was rounded to.
            lengths: (n,), of the rounded rows.
        """
        summing = self._off + self._summing * self._longest
        return np.outer(off, self._longest + self._off) + np.outer(lengths, summing)

    def _reaching(
        self, tiled: torch.Tensor, sign: int, greatest: Float64, off: Float64, depth: int
    ) -> tuple[Int64, Int64]:
        """Rows and tokens, in pairs, that may be among the first of the scores times `sign`."""
        import torch

        tiles = greatest.shape[1]
        floor = np.full_like(off, -np.inf)
        if tiles > depth:
            least = torch.from_numpy(greatest - off).topk(depth, dim=1).values[:, -1:]
            np.subtract(least.numpy(), off, out=floor)
        # Where every score of a tile is below 0 it may reach as far as that.
        opened = np.flatnonzero(np.maximum(greatest, 0) >= floor)
        inside = sign * tiled.view(-1, TILE)[torch.from_numpy(opened)].double().numpy()
        found = np.flatnonzero(inside >= floor.ravel()[opened, None])
        which, place = np.divmod(found, TILE)
        row, tile = np.divmod(opened[which], tiles)
        position = tile * TILE + place
        real = position < self._real
        return row[real], self._order[position[real]]


def _greatest(tiled: torch.Tensor) -> Float64:
    """The greatest score of each tile, but where all are below 0 the least: (n, tiles) float64.

    Read as whole numbers, floats of either sign sort by their size, and those below 0 before
    those above; whole numbers of 16 bits are compared several times as fast as such floats.
    """
    import torch

    whole = tiled.view(torch.int16 if tiled.dtype == torch.bfloat16 else torch.int32)
    greatest: Float64 = whole.amax(dim=2).view(tiled.dtype).double().numpy()
    return greatest


def narrow_is_faster(tokens: Float32) -> bool:
    """Whether this processor multiplies 16-bit numbers enough faster than float32 ones.

    Some do several times as fast, and some several times as slowly; it takes no time to try.
    """
    import torch

    rows, some = _PROBED
    sample = torch.from_numpy(tokens[:some])
    seconds = []
    for dtype in (torch.bfloat16, torch.float32):
        b = sample.to(dtype)
        a = b[:rows].clone()
        times = []
        for _ in range(4):
            start = time.perf_counter()
            torch.mm(a, b.T)
            times.append(time.perf_counter() - start)
        seconds.append(min(times))
    return seconds[0] < 0.7 * seconds[1]


def _lengths(wide: Float64) -> Float64:
    lengths: Float64 = np.sqrt(np.vecdot(wide, wide))
    return lengths


def _power(length: float) -> float:
    """The power of two that makes a length one from 0.5 to 1; 1 for nothing."""
    return float(np.ldexp(1.0, -int(np.frexp(length)[1])))
