"""Rows of 16 bits: faiss's own bytes, the rows that they stand for, and answers that are of these.

Rows are such as 16 bits cannot tell apart: lengths from 1e-30 to 1e30, zero rows, one dimension
that dwarfs the rest. The oracle decodes number by number and scores in float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from close_rows import (
    Close,
    asked,
    by_formula,
    close_rows,
    one_by_one,
    seeds,
    sorted_by,
    space_of,
    usable,
)
from explorer import first_pass
from explorer.measures import MEASURES
from explorer.measures.registry import KINDS
from explorer.scan import scan
from indexer.store import codes
from indexer.store import rows as store_rows
from indexer.store.errors import DamagedIndex
from indexer.store.layout import rows_file
from indexer.store.mapped import Files
from indexer.store.narrow_writer import NarrowWriter
from indexer.store.rows import Float32, MappedRows, RowsFile, ShardsWriter, StoredFile
from indexer.store.shards import Shard
from indexer.store.sixteen import (
    Decoding,
    Narrowed,
    Raw,
    SixteenFile,
    apart,
    header,
    of_bits,
    to_bits,
)
from indexer.store.spaces import NARROW, Narrow
from indexer.store.write import unit_rows

Float64 = NDArray[np.float64]

narrow_types = st.sampled_from(NARROW)
FAISS = {
    "float16": faiss.ScalarQuantizer.QT_fp16,
    "bfloat16": faiss.ScalarQuantizer.QT_bf16,
}


def same(one: Float32, other: Float32) -> bool:
    """Whether two arrays are the same bit for bit, signs of zeros included."""
    return bool(np.array_equal(one.view(np.uint32), other.view(np.uint32)))


def of_the_type(vectors: NDArray[Any], dtype: Narrow) -> Float32:
    """Numbers as they would be in a checkpoint of 16 bits."""
    with np.errstate(over="ignore"):
        return of_bits(to_bits(vectors.astype(np.float32), dtype), dtype)


# -- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", NARROW)
def test_the_file_is_byte_for_byte_what_faiss_writes(dtype: Narrow, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 17)).astype(np.float32)
    index = faiss.IndexScalarQuantizer(17, FAISS[dtype], faiss.METRIC_INNER_PRODUCT)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "theirs"))
    bits = to_bits(vectors, dtype)
    assert (tmp_path / "theirs").read_bytes() == header(50, 17, dtype) + bits.tobytes()
    np.testing.assert_array_equal(index.reconstruct_n(0, 50), of_bits(bits, dtype))


@pytest.mark.parametrize("dtype", NARROW)
def test_every_number_of_16_bits_is_read_and_written_as_itself(dtype: Narrow) -> None:
    import torch

    bits = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).reshape(256, 256)
    numbers = of_bits(bits, dtype)
    theirs = torch.from_numpy(bits.view(np.int16)).view(getattr(torch, dtype)).float().numpy()
    np.testing.assert_array_equal(numbers, theirs)
    some = ~np.isnan(numbers)
    np.testing.assert_array_equal(to_bits(numbers, dtype)[some], bits[some])
    assert np.isnan(of_bits(to_bits(numbers, dtype), dtype)[~some]).all()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(seeds, narrow_types)
def test_numbers_are_rounded_to_the_nearest_as_torch_rounds_them(seed: int, dtype: Narrow) -> None:
    import torch

    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 1 << 32, 4000, dtype=np.uint32)
    halfway = drawn & 0xFFFF0000 | 0x8000  # as near to the one as to the other, in bfloat16
    numbers = np.concatenate([drawn, halfway, halfway + 1, halfway - 1]).view(np.float32)
    numbers = numbers[np.isfinite(numbers)][None]
    theirs = torch.from_numpy(numbers).to(getattr(torch, dtype)).float().numpy()
    np.testing.assert_array_equal(of_bits(to_bits(numbers, dtype), dtype), theirs)


# -- rows ---------------------------------------------------------------------------------------


def row_of(
    bits: NDArray[np.uint16], dtype: Narrow, gain: Float64 | None, mean: float, length: float
) -> list[float]:
    """A row as its formula has it, number by number."""
    numbers = of_bits(bits[None], dtype)[0].tolist()
    gains = np.ones(len(bits)) if gain is None else gain
    folded = [np.float32(h * g - mean) for h, g in zip(numbers, gains.tolist(), strict=True)]
    return [float(np.float32(float(x) / length)) for x in folded]


gain_kinds = st.sampled_from(["none", "gain", "centred", "both"])


@settings(derandomize=True, deadline=None, max_examples=120)
@given(close_rows, narrow_types, gain_kinds)
def test_vectors_of_16_bits_give_the_very_rows_that_float32_has(
    close: Close, dtype: Narrow, kind: str
) -> None:
    vectors = of_the_type(np.clip(close.vectors(), -6e4, 6e4), dtype)
    rng = np.random.default_rng(close.seed)
    gain = rng.normal(1, 0.3, close.width) if kind in ("gain", "both") else None
    raw = Raw(vectors, gain, kind in ("centred", "both"))
    unit, _ = unit_rows(raw.folded())
    found = Narrowed.of(unit, dtype, raw)
    assert not found.rounded.any()
    assert same(found.unit, unit)
    for at in range(len(unit)):
        mean = 0.0 if found.means is None else float(found.means[at])
        expected = row_of(found.bits[at], dtype, found.gain, mean, float(found.lengths[at]))
        assert unit[at].tolist() == expected


@settings(derandomize=True, deadline=None, max_examples=120)
@given(close_rows, narrow_types, gain_kinds)
def test_other_vectors_are_rounded_by_no_more_than_is_said(
    close: Close, dtype: Narrow, kind: str
) -> None:
    vectors = close.vectors().astype(np.float32)
    rng = np.random.default_rng(close.seed)
    gain = rng.normal(1, 0.3, close.width) if kind in ("gain", "both") else None
    raw = Raw(vectors, gain, kind in ("centred", "both"))
    unit, _ = unit_rows(raw.folded())
    found = Narrowed.of(unit, dtype, raw)
    different = (found.unit.view(np.uint32) != unit.view(np.uint32)).any(axis=1)
    np.testing.assert_array_equal(found.rounded, different)
    off = np.linalg.norm(found.unit.astype(np.float64) - unit, axis=1)
    assert off.max() <= apart(dtype, close.width) + 1e-6
    zero = ~unit.any(axis=1)
    np.testing.assert_array_equal(~found.unit.any(axis=1), zero)
    lengths = np.linalg.norm(found.unit[~zero].astype(np.float64), axis=1)
    np.testing.assert_allclose(lengths, 1, atol=2e-7)


def test_rows_of_16_bits_stay_as_they_are_beside_others() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(9, 40)).astype(np.float32) * 1000
    vectors[::2] = of_the_type(vectors[::2], "bfloat16")
    unit, _ = unit_rows(vectors)
    found = Narrowed.of(unit, "bfloat16", Raw(vectors))
    assert found.rounded.tolist() == [False, True] * 4 + [False]
    np.testing.assert_array_equal(of_bits(found.bits, "bfloat16")[::2], vectors[::2])
    assert same(found.unit[::2], unit[::2])


def test_what_float16_does_not_reach_is_rounded_as_a_unit_row() -> None:
    vectors = np.full((3, 8), 70_000, np.float32)
    vectors[1] = 1e-9
    vectors[2, 3:] = 0
    unit, _ = unit_rows(vectors)
    found = Narrowed.of(unit, "float16", Raw(vectors))
    assert np.isfinite(of_bits(found.bits, "float16")).all()
    np.testing.assert_allclose(found.unit, unit, atol=apart("float16", 8))


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_stays_none(dtype: Narrow, wrong: float) -> None:
    vectors = np.ones((2, 4), np.float32)
    vectors[1, 2] = wrong
    unit, _ = unit_rows(vectors)
    found = Narrowed.of(unit, dtype, Raw(vectors))
    assert np.isfinite(found.unit[0]).all()
    assert not np.isfinite(found.unit[1]).all()


# -- files --------------------------------------------------------------------------------------


def mapped(folder: Path, writer: ShardsWriter, decoding: Decoding | None = None) -> MappedRows:
    """The rows of a writer that is closed."""

    def open_file(shard: Shard) -> StoredFile:
        name = shard.file("x.faiss")
        of = (folder / name, shard.rows, writer.width, name)
        return RowsFile(*of) if decoding is None else SixteenFile(*of, decoding, shard.first)

    return MappedRows(Files("x.faiss", writer.shards, open_file), writer.width, "")


def shards_of(sizes: Sequence[int]) -> tuple[Shard, ...]:
    ends = np.cumsum(sizes).tolist()
    return tuple(
        Shard(end - size, size, at, len(sizes))
        for at, (end, size) in enumerate(zip(ends, sizes, strict=True), 1)
    )


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=5),
    runs=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    width=st.sampled_from([3, 16, 24]),
    seed=seeds,
    dtype=narrow_types,
)
def test_rows_are_read_and_multiplied_as_float32_of_one_file_would_be(
    tmp_path_factory: pytest.TempPathFactory,
    sizes: list[int],
    runs: list[int],
    width: int,
    seed: int,
    dtype: Narrow,
) -> None:
    rng = np.random.default_rng(seed)
    vectors = of_the_type(rng.standard_normal((sum(sizes), width)), dtype)
    folder, plain = tmp_path_factory.mktemp("narrow"), tmp_path_factory.mktemp("plain")
    writer = NarrowWriter(folder, "x.faiss", shards_of(sizes), width, dtype)
    unit = np.empty_like(vectors)
    first = 0
    for run in [*runs, len(vectors)]:  # layers, each of a gain of its own; one has none
        part = vectors[first : first + run]
        if len(part):
            raw = Raw(part, rng.normal(1, 0.3, width) if run % 3 else None, run % 2 == 0)
            unit[first : first + run] = unit_rows(raw.folded())[0]
            writer.put(first, unit[first : first + run], raw)
        first += run
    writer.sync()
    assert writer.rounded == 0
    assert same(writer.get(0, len(unit)), unit)
    writer.close()
    arrays = writer.arrays()
    decoding = Decoding(
        dtype, *(arrays.get(n) for n in ("row_lengths", "row_means", "gains", "gain_ends"))
    )
    beside = ShardsWriter(plain, "x.faiss", shards_of([len(unit)]), width)
    beside.put(0, unit)
    beside.close()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "_ROWS_A_THREAD": 11,
            "_COPIED_ROWS": 13,
            "_CACHED_ROWS": 5,
            "_AHEAD_BYTES": 4 * width * 17,
            "_MANY_ROWS": 4,
        }.items():
            patch.setattr(store_rows, name, value)
        found, whole = mapped(folder, writer, decoding), mapped(plain, beside)
        for count in (1, 3, 20):
            queries = rng.standard_normal((count, width)).astype(np.float32)
            np.testing.assert_array_equal(found.scan(queries), whole.scan(queries))
        for (at, one), (there, other) in zip(found.walk(queries), whole.walk(queries), strict=True):
            assert at == there
            np.testing.assert_array_equal(one, other)
        first = int(rng.integers(len(unit)))
        count = int(rng.integers(len(unit) - first + 1))
        assert same(found.block(first, count), unit[first : first + count])
        some = rng.integers(0, len(unit), 30)
        assert same(found.take(some), unit[some])
        assert same(found.row(first), unit[first])
        assert found.take(some[:0]).shape == (0, width)
        with pytest.raises(DamagedIndex, match="was looked for"):
            found.take(np.array([0, len(unit)]))


@pytest.mark.parametrize("dtype", NARROW)
def test_rows_that_another_process_has_put_are_known_to_be_rounded(
    dtype: Narrow, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    unit, _ = unit_rows(rng.normal(size=(5000, 6)))
    unit[7] = 0
    writer = NarrowWriter(tmp_path, "x.faiss", shards_of([5000]), 6, dtype)
    stored = writer.put(0, unit)
    writer.close()
    again = NarrowWriter(tmp_path, "x.faiss", shards_of([5000]), 6, dtype)
    assert same(again.get(0, 5000), stored)
    assert again.rounded == writer.rounded == 4999
    np.testing.assert_array_equal(again.arrays()["row_lengths"], writer.arrays()["row_lengths"])
    again.close()


# -- answers ------------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=100)
@given(data=st.data(), close=close_rows, measure=st.sampled_from(MEASURES), dtype=narrow_types)
def test_the_best_are_those_of_a_sort_in_float64_of_the_rows_that_are_stored(
    data: Any, close: Close, measure: str, dtype: Narrow
) -> None:
    with space_of(close.vectors(), dtype=dtype) as space:
        by = KINDS[measure](space)
        if not usable(by):
            return
        query = asked(data, by)
        exact, found = one_by_one(by, query), scan(by, query)
        for k in (1, 5, len(exact) + 3):
            positions, values = found.best(k)
            assert positions.tolist() == sorted_by(exact, found.sign, k)
            assert values.tolist() == exact[positions].tolist()
        expected = by_formula(by, query)
        for values in (by.scores(query), *by.scores_of_each(np.stack([query] * 17))):
            assert (np.abs(values - expected) <= by.off_by(values, query)).all()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    data=st.data(),
    close=close_rows,
    measure=st.sampled_from(["cosine", "centered"]),
    dtype=narrow_types,
)
def test_so_they_are_by_codes(data: Any, close: Close, measure: str, dtype: Narrow) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(first_pass, "_SHARE", 1)
        patch.setattr(first_pass, "_AT_FIRST", 1)
        patch.setattr(codes, "_ROWS_A_THREAD", 1)
        with space_of(close.vectors(), measure, coded=True, dtype=dtype) as space:
            by = KINDS[measure](space)
            query = asked(data, by)
            exact = one_by_one(by, query)
            for k in (1, 5, len(exact) + 3):
                positions, values = scan(by, query).best(k)
                assert positions.tolist() == sorted_by(exact, 1, k)
                assert values.tolist() == exact[positions].tolist()


# -- damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", NARROW)
def test_a_damaged_number_shows_in_the_length_of_its_row(dtype: Narrow) -> None:
    vectors = np.random.default_rng(0).normal(size=(300, 24))
    with space_of(vectors, dtype=dtype) as space:
        path = Path(space._folder) / rows_file("close")
        with path.open("r+b") as file:
            file.seek(len(header(300, 24, dtype)) + 2 * 24 * 200 + 2 * 5)
            file.write(np.array([0x4000], np.uint16).tobytes())  # 2
        with pytest.raises(DamagedIndex, match=r"row 200 is not of length 1"):
            space.rows.block(100, 150)
        with pytest.raises(DamagedIndex, match=r"row 200 is not of length 1"):
            space.rows.take(np.array([3, 200]))
        query = np.eye(24)[5]
        with pytest.raises(DamagedIndex, match=r"row 200 has a cosine of"):
            space.scan(query)


def test_arrays_that_do_not_go_together_are_told() -> None:
    vectors = np.random.default_rng(0).normal(size=(30, 4))
    for wrong, said in (
        ({"gains": np.ones((2, 4))}, "one without the other"),
        ({"gains": np.ones((2, 4)), "gain_ends": np.array([10, 29])}, "runs of its rows"),
        ({"gains": np.ones((2, 4)), "gain_ends": np.array([30, 10])}, "runs of its rows"),
        ({"gains": np.ones((1, 4)), "gain_ends": np.array([10, 30])}, "runs of its rows"),
        ({"gains": np.ones((2, 5)), "gain_ends": np.array([10, 30])}, r"gains is <f8 of shape"),
        ({"row_lengths": np.ones(29)}, r"row_lengths is <f8 of shape"),
        ({"row_lengths": np.zeros(30)}, "row_lengths holds what is no length"),
    ):
        with (
            space_of(vectors, dtype="bfloat16", **wrong) as space,
            pytest.raises(DamagedIndex, match=said),
        ):
            _ = space.rows
