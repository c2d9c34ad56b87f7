"""Spaces whose rows are made to be close, and what scores every row by itself.

The rows are such as float32 cannot tell apart: equal ones, some that differ in a last bit, zero
rows, lengths from 1e-30 to 1e30, one dimension that dwarfs all others. The oracle scores every row
by itself and sorts them all.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.measures.measure import Measure
from explorer.measures.whitened import Whitened
from indexer.store.codes import CodesWriter, header, write_codes
from indexer.store.coding import Source, code_width
from indexer.store.files import FileEntry
from indexer.store.layout import codes_file, moments_file, rows_file
from indexer.store.narrow_writer import NarrowWriter
from indexer.store.rows import Float32, RowsWriter
from indexer.store.shards import cut
from indexer.store.space import Space
from indexer.store.spaces import RowType, SpaceEntry, narrow
from indexer.store.write import unit_rows

Float64 = NDArray[np.float64]


@contextmanager
def space_of(
    vectors: Float64,
    measure: str = "cosine",
    coded: bool = False,
    dtype: RowType = "float32",
    **wrong: Any,
) -> Iterator[Space]:
    """A space of its own files that holds some vectors: (rows, width) float64.

    Args:
        vectors: at their own lengths.
        measure: its own.
        coded: whether it has codes.
        dtype: how its rows are stored.
        **wrong: arrays that take the place of those that are right.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "spaces").mkdir()
        rows, norms = unit_rows(vectors)
        beside: dict[str, Any] = {}
        if (kept := narrow(dtype)) is None:
            plain = RowsWriter(Path(folder) / rows_file("close"), *rows.shape)
            plain.put(0, rows)
            plain.close()
        else:
            parts = cut(*rows.shape, number_bytes=2)
            sixteen = NarrowWriter(Path(folder), rows_file("close"), parts, rows.shape[1], kept)
            rows = sixteen.put(0, rows)
            sixteen.close()
            beside = sixteen.arrays()
        whole = rows.astype(np.float64) * norms[:, None]
        mean = whole.mean(axis=0)
        centered = np.linalg.norm(whole - mean, axis=1).astype(np.float32)
        away = whole - mean
        covariance = away.T @ away / len(away)
        moments = {
            "norms": norms,
            "centered_norms": centered,
            "mean": mean,
            "covariance": covariance,
        }
        entry = SpaceEntry(
            name="close",
            kind="imported",
            layer=None,
            side=None,
            item="label",
            dtype=dtype,
            rows=len(rows),
            width=rows.shape[1],
            measure=measure,
            population="labels",
            population_rows=len(rows),
        )
        names = [rows_file("close"), moments_file("close")]
        if coded:
            names.append(codes_file("close"))
            writer = CodesWriter(Path(folder), names[-1], cut(*rows.shape), entry.width)
            moments |= write_codes(writer, source_of(entry, rows, moments))
        np.savez(Path(folder) / "spaces/close.npz", **(moments | beside | wrong))
        files = {name: FileEntry.of(Path(folder) / name) for name in names}
        yield Space(Path(folder), entry, files)


def with_code(space: Space, file: str, row: int, code: bytes) -> Space:
    """A space in one of whose files of codes one row has another."""
    width = space.entry.width
    with (Path(space._folder) / file).open("r+b") as codes:
        codes.seek(len(header(space.entry.rows, width)) + row * code_width(width))
        codes.write((code * code_width(width))[: code_width(width)])
    return space


def source_of(entry: SpaceEntry, rows: Float32, moments: dict[str, Any]) -> Source:
    """What the codes of such a space are made of."""
    return Source(
        entry,
        lambda first, count: rows[first : first + count],
        moments["norms"],
        moments["centered_norms"],
        moments["mean"],
    )


@dataclass(frozen=True)
class Close:
    """How to make vectors among which float32 finds many equal."""

    seed: int
    count: int
    width: int
    one_direction: bool
    lengths: float
    zeros: int
    dwarfed: bool = False

    def vectors(self) -> Float64:
        """(count, width) float64."""
        rng = np.random.default_rng(self.seed)
        vectors = rng.normal(size=(self.count, self.width))
        if self.one_direction:  # cosines of 0.99 and more
            vectors = 0.01 * vectors + rng.normal(size=self.width)
        if self.dwarfed:  # one dimension is far longer than all others
            vectors[:, rng.integers(self.width)] *= 1e4
        vectors *= 10 ** rng.uniform(-self.lengths, self.lengths, self.count)[:, None]
        of, like = rng.integers(0, self.count, (2, self.count // 2))
        vectors[of] = vectors[like]
        moved = rng.integers(0, self.count, self.count // 4)
        single = vectors[moved].astype(np.float32)
        vectors[moved] = np.nextafter(single, np.float32(np.inf)).astype(np.float64)
        vectors[rng.integers(0, self.count, self.zeros)] = 0
        return vectors


seeds = st.integers(0, 2**32 - 1)
close_rows = st.builds(
    Close,
    seeds,
    st.integers(3, 250),
    st.sampled_from([1, 2, 3, 8, 17, 64, 130]),
    st.booleans(),
    st.sampled_from([0.0, 3.0, 30.0]),
    st.integers(0, 3),
    st.booleans(),
)


def usable(measure: Measure) -> bool:
    """Whether the space can be asked by it: rows that are all the same cannot be whitened."""
    return measure.lacking() is None


def asked(data: Any, measure: Measure) -> Float64:
    """A query made of a few of a space's own rows, or one that has nothing to do with them."""
    space, rng = measure.space, np.random.default_rng(data.draw(seeds))
    if data.draw(st.booleans()):
        return rng.normal(size=space.entry.width)
    items = rng.integers(0, space.entry.rows, data.draw(st.integers(1, 3))).tolist()
    total = sum(
        measure.normed_rows(space.vector(at)[None])[0] * rng.choice([1.0, -0.5, 2.0])
        for at in items
    )
    return np.asarray(total, np.float64)


def one_by_one(measure: Measure, query: Float64) -> Float64:
    """The exact score of each row, found by itself."""
    every = range(measure.space.entry.rows)
    return np.array([measure.exact_scores(np.array([at]), query)[0] for at in every])


def by_formula(measure: Measure, query: Float64) -> Float64:
    """The scores as `explorer.measures` writes them, in long double."""
    space = measure.space
    rows, wide = space.rows.take(np.arange(space.entry.rows)), np.longdouble
    vectors, x = rows.astype(wide) * space.norms.astype(wide)[:, None], query.astype(wide)
    size = np.sqrt((x**2).sum())
    if measure.name == "dot":
        found = vectors @ x
    elif measure.name == "euclidean":
        found = np.sqrt(((vectors - x) ** 2).sum(axis=1))
    elif measure.name == "cosine":
        lengths = np.sqrt((rows.astype(wide) ** 2).sum(axis=1))
        products = rows.astype(wide) @ x / (size or 1)
        found = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    else:
        away = vectors - space.mean.astype(wide)
        if isinstance(measure, Whitened):
            away = away @ measure.whitening.root.astype(wide)
        lengths = np.sqrt((away**2).sum(axis=1))
        lengths[space.centered_norms == 0] = 0
        products = away @ x / (size or 1)
        found = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return found.astype(np.float64)


def sorted_by(exact: Float64, sign: int, k: int) -> list[int]:
    order = sorted(range(len(exact)), key=lambda at: (-sign * exact[at], at))
    return order[:k]
