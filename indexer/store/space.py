"""One space of a sealed index: its rows, and the norms and moments beside them.

Knows vectors and files; knows no measure, and not what an item is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.arrays import Arrays, of_space
from indexer.store.codes import Codes
from indexer.store.coding import z_factors, z_lengths
from indexer.store.errors import EmptyPopulation
from indexer.store.files import FileEntry
from indexer.store.layout import codes_file, moments_file, z_codes_file
from indexer.store.rows import Float32, UnitRows
from indexer.store.shards import listed
from indexer.store.sixteen import decoding_of
from indexer.store.spaces import SpaceEntry, narrow

_SCORES_KEPT = 4
"""Of how many other spaces the moments of every row's products are kept: a question has few."""


class Space:
    """One space of an index: its rows, and what is stored beside them.

    `scan` gives inner products with the unit rows; every measure follows from them, `norms`,
    `mean` and `centered_norms`.
    """

    def __init__(self, folder: Path, entry: SpaceEntry, files: Mapping[str, FileEntry]) -> None:
        self.entry, self.name = entry, entry.name
        self._folder, self._files = folder, files
        self._scores: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        self._standardising: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}

    @cached_property
    def rows(self) -> UnitRows:
        """The unit rows, mapped."""
        dtype, file = narrow(self.entry.dtype), moments_file(self.name)
        if dtype is None:
            return UnitRows(self._folder, self.entry, self._files)
        label = f"index {self._folder.name!r}: {file}"
        decoding = decoding_of(dtype, self._array_if_there, label)
        return UnitRows(self._folder, self.entry, self._files, decoding)

    def _array_if_there(self, name: str) -> NDArray[Any] | None:
        return self._array(name) if self._moments.has(name) else None

    @cached_property
    def codes(self) -> Codes | None:
        """The codes of what its own measure compares, mapped; None where it has none."""
        if not self._has(codes_file(self.name)):
            return None
        scales, residuals = self._array("scales"), self._array("residuals")
        return Codes(self._folder, self.entry, self._files, scales, residuals)

    def _has(self, file: str) -> bool:
        """Whether there are such files, by what one is called where it is the only one."""
        return listed(file, self._files, self.entry.rows)[0].file(file) in self._files

    @cached_property
    def z_codes(self) -> Codes | None:
        """Of a neuron space: the codes of the rows times `z_scale`, mapped; None without any."""
        file = z_codes_file(self.name)
        if not self._has(file):
            return None
        scales, residuals = self._array("z_scales"), self._array("z_residuals")
        lengths = z_lengths(self.z_scale)
        return Codes(self._folder, self.entry, self._files, scales, residuals, file, lengths)

    @cached_property
    def z_scale(self) -> NDArray[np.float64]:
        """Of a neuron space: what a unit row is multiplied by, so that its products are z.

        Those with words of `embed` less their mean: (rows,) float64, a vector's length over the
        deviation of its products, 0 where nothing varies.
        """
        return z_factors(self.lengths, self.scores_of_embed[1])

    @cached_property
    def compared(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of a space with codes: mean and covariance of all the vectors that are coded.

        (width,) and (width, width) float64, the latter divided by n.
        """
        return self._array("compared_mean"), self._array("compared_covariance")

    @cached_property
    def _moments(self) -> Arrays:
        file = moments_file(self.name)
        return Arrays(self._folder, file, self._files.get(file), of_space(self.entry))

    def _array(self, name: str) -> NDArray[Any]:
        return self._moments.array(name)

    @cached_property
    def norms(self) -> Float32:
        """(rows,) float32: the length of each vector before it was made unit."""
        return self._array("norms")

    @cached_property
    def centered_norms(self) -> Float32:
        """(rows,) float32: the length of each vector less the mean."""
        return self._array("centered_norms")

    @cached_property
    def lengths(self) -> NDArray[np.float64]:
        """(rows,) float64: `norms`, for sums of many products."""
        return self.norms.astype(np.float64)

    @cached_property
    def over_centered(self) -> NDArray[np.float64]:
        """(rows,) float64: 1 / `centered_norms`; 0 for a vector that is the mean itself."""
        centered = self.centered_norms.astype(np.float64)
        return np.divide(1.0, centered, out=np.zeros_like(centered), where=centered > 0)

    @cached_property
    def mean(self) -> NDArray[np.float64]:
        """(width,) float64: mean of the reference population.

        Raises:
            EmptyPopulation: nothing is in it.
        """
        self._require_population("mean", 1)
        return self._array("mean")

    @cached_property
    def covariance(self) -> NDArray[np.float64]:
        """(width, width) float64: covariance of the reference population, divided by n.

        Raises:
            EmptyPopulation: it holds fewer than two, which do not vary.
        """
        self._require_population("standard deviation, so that no z can be had", 2)
        return self._array("covariance")

    def _require_population(self, what: str, least: int) -> None:
        there = self.entry.population_rows
        if there < least:
            raise EmptyPopulation(
                f"space {self.name!r} of index {self._folder.name!r} has {there} "
                f"{self.entry.population}: of these there is no {what}"
            )

    @cached_property
    def nearest_tokens(self) -> NDArray[np.int32]:
        """Of a neuron space: (rows, 4) int32, ids of each neuron's highest word-like tokens.

        -1 where the vocabulary has fewer.
        """
        return self._array("nearest_tokens")

    @cached_property
    def scores_of_embed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of a neuron space: what `scores_of` gives for `embed`, as the build has stored it."""
        return self._array("embed_mean"), self._array("embed_std")

    def scores_of(self, words: Space) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean and standard deviation of each row's dot products with another space's population.

        With n a row at its own length, mu and Sigma the population's mean and covariance, these
        are n.mu and sqrt(n' Sigma n), both (rows,) float64. For neurons against `embed` the build
        has stored them; for other spaces they are computed here.

        Raises:
            EmptyPopulation: the population holds fewer than two.
        """
        words._require_population("standard deviation, so that no z can be had", 2)
        if words.entry.kind == "embed" and self.entry.kind == "neuron":
            return self.scores_of_embed
        found = self._scores.get(words.name)
        if found is None:
            found = self._scores_of(words)
            for name in list(self._scores)[: 1 - _SCORES_KEPT]:
                self._scores.pop(name, None)
                self._standardising.pop(name, None)
            self._scores[words.name] = found
        return found

    def standardising(self, words: Space) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What makes z of a row's product with a vector of another space: z = product a - b.

        Of the product of its unit row with the vector; a is its length over the deviation that
        `scores_of` has, and b the mean over it, both (rows,) float64, and both 0 where nothing
        varies.
        """
        mean, std = self.scores_of(words)
        found = self._standardising.get(words.name)
        if found is None:
            over = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
            found = self._standardising[words.name] = z_factors(self.lengths, std), mean * over
        return found

    def _scores_of(self, words: Space) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        mean = np.empty(self.entry.rows)
        std = np.empty(self.entry.rows)
        for first in range(0, self.entry.rows, 4096):
            here = slice(first, first + 4096)
            unit = self.rows.block(first, min(4096, self.entry.rows - first)).astype(np.float64)
            mean[here] = unit @ words.mean
            std[here] = np.sqrt(np.maximum(np.vecdot(unit @ words.covariance, unit), 0))
        return mean * self.lengths, std * self.lengths

    def vector(self, position: int) -> NDArray[np.float64]:
        """One item's vector at its own length, (width,) float64."""
        return self.rows.row(position).astype(np.float64) * float(self.norms[position])

    def vectors(self, first: int, count: int) -> NDArray[np.float64]:
        """Vectors `first` to `first + count` at their own length, (count, width) float64."""
        unit = self.rows.block(first, count).astype(np.float64)
        vectors: NDArray[np.float64] = unit * self.lengths[first : first + count, None]
        return vectors

    def scan(self, query: NDArray[Any]) -> Float32:
        """Inner products of all unit rows with a query: (width,) -> (rows,) float32."""
        products: Float32 = self.rows.scan(query.astype(np.float32)[None])[0]
        return products

    def walk(self, queries: NDArray[Any]) -> Iterator[tuple[int, Float32]]:
        """The same for many queries, of some rows after the other: (m, width).

        Yields the position of the first of them, and (n, m) float32, which the next overwrite.
        """
        return self.rows.walk(queries.astype(np.float32))

    def scan_all(self, queries: NDArray[Any]) -> Float32:
        """The same for several queries in one walk: (m, width) -> (m, rows) float32."""
        return self.rows.scan(queries.astype(np.float32))
