"""The cosine of two vectors where a space's population varies alike in every direction.

    the cosine of S^(-1/2)(x - mu) and S^(-1/2)(y - mu)

mu and Sigma are the mean and covariance of the population of the space that is asked, n rows of
width d, and S is Sigma shrunk as Ledoit and Wolf (2004, "A well-conditioned estimator for
large-dimensional covariance matrices") have it, which no direction is lost by:

    S = (1 - a) Sigma + a m I           m = tr Sigma / d
    a = min(1, b / |Sigma - m I|^2)     b = (1/n^2) sum over k of |x_k x_k' - Sigma|^2
                                          = (mean of |x_k|^4 - |Sigma|^2) / n

with x_k the population's rows less mu, and Frobenius norms. Of fourth moments there is but the mean
of |x_k|^4, which the stored lengths give: no row is read for it.

What is asked is treated as `centered` treats it. An item is a point: it is less the mean of the
space that it is from, and then whitened by the S of the space asked, so that every score of a space
comes from one inner product, x' S^-1 y. A neuron's side asked of `embed` is less the mean of the
neurons, not of the tokens. Each item is made unit in that sense before items are added up, and from
the sum no mean is taken again: *king - man* is a direction, and directions have none.

Park, Choe and Veitch (2024, "The Linear Representation Hypothesis and the Geometry of Large
Language Models") take another matrix for another thing. Their causal inner product is that of
differences of the rows that unembed, by the inverse covariance of all rows of the vocabulary,
unshrunk; vectors of the residual stream meet those rows as functionals, and are carried over by the
covariance itself. Here each space has a matrix of its own: in `unembed`, or an `embed` that is tied
to it, scores of differences are near to theirs, but for the shrinkage and for tokens that are not
word-like.

A scan needs no whitened rows. With q a unit query, whitened already, p = S^(-1/2) q, and w the
length of a whitened row,

    score = p.(y - mu) / w = |p| (|y| u.p - mu.p) / (|p| w)   the last p made unit

so that rows are scanned with p, and w is found once a space, by a matrix product of all its rows.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np

from explorer.measures.measure import (
    HALF_ULP_64,
    Cosines,
    Int64,
    Pairs,
    split,
    sums_error,
)
from explorer.products import ROWS_AT_ONCE, Float64, row_products
from indexer.store.errors import EmptyPopulation
from indexer.store.rows import scan_error
from indexer.store.space import Space

FEWEST = 3
"""Rows of a population below which it varies along one line at the most."""

_SINGULAR = 1e-12
"""Share of the greatest variance that the least must have, for any digit of it to be certain."""

_ROUNDED = 1e-6
"""Share of a mean of fourth powers below which a difference is the rounding of lengths."""

_NEAR = 1e-9
"""Lengths that differ by a smaller share may be those of equal rows."""

KEPT = 256 << 20
"""Bytes of matrices that are kept: 96 spaces at a width of 576, 6 at 2,304."""

SOON = 1.0
"""Seconds before anything is said of how far it has come."""


@dataclass
class Whitening:
    """What whitens a space, made once while it is open.

    Attributes:
        shrinkage: a, from 0 to 1.
        root: S^(-1/2), (width, width) float64, symmetric.
        size: its Frobenius norm.
        lengths: (rows,) float64, the length of each row less the mean, whitened; 0 of one that is
            the mean itself; None until they are asked for.
    """

    shrinkage: float
    root: Float64
    size: float
    lengths: Float64 | None = None
    finding: threading.Lock = field(default_factory=threading.Lock)


_known: WeakKeyDictionary[Space, Whitening] = WeakKeyDictionary()
_making = threading.Lock()


class Whitened(Cosines):
    """Cosines of vectors less the mean, whitened by the shrunk covariance."""

    name = "whitened"

    @property
    def notes(self) -> tuple[str, ...]:
        """Whose covariance it is, and how far it was shrunk."""
        entry = self.space.entry
        return (
            f"whitened by the covariance of {entry.population_rows:,} {entry.population}, shrunk "
            f"by {self.whitening.shrinkage:.2g} towards one that is alike in every direction",
        )

    def lacking(self) -> str | None:
        """Why there is no covariance to whiten by; None where there is one."""
        try:
            _ = self.whitening
        except EmptyPopulation as err:
            return str(err)
        return None

    @cached_property
    def whitening(self) -> Whitening:
        """What whitens the space, made when first asked for and kept while it is open."""
        with _making:
            found = _known.get(self.space)
            if found is None:
                members = None if self._members is None else self._members()
                found = whitening_of(self.space, members)
                _make_room(found.root.nbytes)
                _known[self.space] = found
            return found

    @cached_property
    def lengths(self) -> Float64:
        """(rows,) float64: the length of each whitened row; 0 of one that is the mean itself."""
        whitening = self.whitening
        with whitening.finding:
            if whitening.lengths is None:
                whitening.lengths = self._find_lengths()
            return whitening.lengths

    @cached_property
    def _over(self) -> Float64:
        """(rows,) float64: 1 over those lengths; 0 where there is none."""
        return np.divide(1.0, self.lengths, out=np.zeros(len(self.lengths)), where=self.lengths > 0)

    def _find_lengths(self) -> Float64:
        """Lengths of all rows, a block at a time, those of equal rows equal to the last bit."""
        space, rows = self.space, self.space.entry.rows
        found, start, told = np.empty(rows), time.monotonic(), False
        for first in range(0, rows, ROWS_AT_ONCE):
            if not told and time.monotonic() - start > SOON:
                told = True
                self._announce(f"{100 * first // rows}% done, at whitening {rows:,} rows")
            here = np.arange(first, min(first + ROWS_AT_ONCE, rows))
            found[here] = np.linalg.norm(self.moved(self._whole(here), space), axis=1)
        found[space.over_centered == 0] = 0
        order = np.argsort(found, kind="stable")
        near = np.diff(found[order]) <= _NEAR * found[order][1:]
        edges = np.concatenate([[0], np.flatnonzero(~near) + 1, [rows]])
        for at in np.flatnonzero(np.diff(edges) > 1):
            run = order[edges[at] : edges[at + 1]]
            whole = self._whole(run)
            _, of, which = np.unique(whole, axis=0, return_index=True, return_inverse=True)
            found[run] = found[run][of][which.reshape(-1)]
        return found

    def _whole(self, positions: Int64) -> Float64:
        """Rows at their own lengths: (n, width) float64."""
        rows = self.space.rows.take(positions).astype(np.float64)
        rows *= self.space.lengths[positions, None]
        return rows

    def moved(self, vectors: Float64, home: Space) -> Float64:
        """Vectors less the mean of the space that they are from, whitened by the space asked."""
        return (vectors - home.mean) @ self.whitening.root

    def facing(self, query: Float64) -> tuple[float, Float64]:
        """|p| and p made unit, for the unit query."""
        return split(self.whitening.root @ split(query)[1])

    def from_products(
        self, products: Float64, query: Float64, facing: tuple[float, Float64]
    ) -> Float64:
        """|p| (|y| u.p - mu.p) / w."""
        size, direction = facing
        products *= self.space.lengths
        products -= float(self.space.mean @ direction)
        products *= size
        products *= self._over
        return products

    def exactly(self, rows: Float64, positions: Int64, query: Float64) -> Float64:
        """The same of single rows."""
        size, direction = self.facing(query)
        rows *= self.space.lengths[positions, None]
        rows -= self.space.mean
        return row_products(rows, direction) * size * self._over[positions]

    def off_by(self, values: Float64, query: Float64) -> Float64 | float:
        """(|p| ((e + c) |y| + c |mu|) + 2 c |S^(-1/2)| (|y| + |mu|)) / w, and a few roundings.

        The first part is what the products are off by. The second is what p and w are, each a
        product with the matrix, whose Frobenius norm bounds it; the matrix itself, as computed, is
        the measure's.
        """
        space, sums = self.space, sums_error(self.space.entry.width)
        size, _ = self.facing(query)
        mean, error = float(np.linalg.norm(space.mean)), scan_error(space.entry.width)
        products = size * ((error + sums) * space.lengths + sums * mean)
        matrix = 2 * sums * self.whitening.size
        return (products + matrix * (space.lengths + mean)) * self._over + 16 * HALF_ULP_64

    def of_pairs(self, pairs: Pairs) -> Float64:
        """Cosines of items with items."""
        first, second = (
            self.normed_rows(rows) * (self.space.over_centered[at] > 0)[:, None]
            for rows, at in zip(pairs.whole, pairs.positions, strict=True)
        )
        cosines: Float64 = np.vecdot(first, second)
        return cosines

    def items(self, positions: Int64) -> Float64:
        """Rows less the mean over their whitened lengths: (n, width) float64."""
        return (self._whole(positions) - self.space.mean) * self._over[positions, None]

    def asking(self, positions: Int64) -> Float64:
        """The same times S^-1, of which the product with those rows is the cosine.

        Each by itself, so that it is the same whatever else is asked.
        """
        root = self.whitening.root
        return np.array([root @ (root @ row) for row in self.items(positions)])


def _make_room(more: int) -> None:
    """Forget what was made first where the matrices would take too much with `more` bytes."""
    taken = more + sum(one.root.nbytes for one in _known.values())
    for space, one in list(_known.items()):
        if taken <= KEPT:
            return
        taken -= one.root.nbytes
        _known.pop(space, None)


def whitening_of(space: Space, members: Int64 | None = None) -> Whitening:
    """S^(-1/2) of a space, (width, width) float64, and how far S is shrunk.

    Args:
        space: which.
        members: positions of its population, (n,) int64; all rows unless given.

    Raises:
        EmptyPopulation: the population is too small, or does not vary in every direction.
    """
    entry = space.entry
    if entry.population_rows < FEWEST:
        raise EmptyPopulation(
            f"space {space.name!r} has {entry.population_rows} {entry.population}: too few for "
            "their covariance to whiten by"
        )
    covariance = space.covariance
    lengths = (space.centered_norms if members is None else space.centered_norms[members]).astype(
        np.float64
    )
    a = shrinkage(covariance, lengths)
    shrunk = (1 - a) * covariance
    shrunk[np.diag_indices(entry.width)] += a * np.trace(covariance) / entry.width
    variances, directions = np.linalg.eigh(shrunk)
    if not variances[0] > _SINGULAR * variances[-1]:
        raise EmptyPopulation(
            f"the {entry.population_rows:,} {entry.population} of space {space.name!r} do not vary "
            "in every direction: there is no covariance to whiten by"
        )
    root = (directions / np.sqrt(variances)) @ directions.T
    return Whitening(a, root, float(np.linalg.norm(root)))


def shrinkage(covariance: Float64, lengths: Float64) -> float:
    """Ledoit and Wolf's a, from 0 to 1.

    Args:
        covariance: (width, width) float64, divided by n.
        lengths: (n,) float64, of the rows that it is of, less their mean.
    """
    width, fourth = len(covariance), float(np.mean(lengths**4))
    square = float(np.sum(covariance**2))
    apart = square - float(np.trace(covariance)) ** 2 / width
    varies = (fourth - square) / len(lengths)
    if fourth - square <= _ROUNDED * fourth:
        return 0.0  # all rows are one vector or its opposite, and what they vary in is certain
    return min(1.0, varies / apart) if apart > 0 else 1.0
