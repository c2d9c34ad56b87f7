"""The file of rows: FAISS's own bytes, an exact scan, the zero vector, moments, damage."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.store import mapped as store_mapped
from indexer.store import shards
from indexer.store.coding import Source
from indexer.store.errors import DamagedIndex, MachineError
from indexer.store.mapped import Files, in_order
from indexer.store.moments import Moments, Part
from indexer.store.rows import MappedRows, RowsFile, RowsWriter
from indexer.store.shards import cut
from indexer.store.spaces import SpaceEntry
from indexer.store.write import Staging, unit_rows

NAME = "spaces/embed.faiss"

shapes = st.tuples(st.integers(1, 700), st.integers(1, 40), st.integers(0, 2**32 - 1))


def random_rows(rows: int, width: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def written(path: Path, rows: NDArray[np.float32], step: int = 100) -> Path:
    path.unlink(missing_ok=True)
    writer = RowsWriter(path, *rows.shape)
    for first in reversed(range(0, len(rows), step)):
        writer.put(first, rows[first : first + step])
    writer.sync()
    writer.close()
    return path


def opened(path: Path, rows: int, width: int) -> MappedRows:
    """Opened at once, to see what is said of it."""
    file = RowsFile(path, rows, width, f"index 'x': {NAME}")
    return MappedRows(Files(NAME, cut(rows, width), lambda _: file), width, "index 'x': ")


@settings(max_examples=40)
@given(shape=shapes, step=st.integers(1, 300))
def test_the_file_is_byte_for_byte_what_faiss_writes(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], step: int
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = random_rows(*shape)
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    faiss.write_index(index, str(folder / "faiss"))
    ours = written(folder / "ours", rows, step)
    assert ours.read_bytes() == (folder / "faiss").read_bytes()


def test_plain_faiss_opens_the_file_and_searches_it(tmp_path: Path) -> None:
    rows, _ = unit_rows(random_rows(300, 16, 1))
    index = faiss.read_index(str(written(tmp_path / "a.faiss", rows)))
    assert (index.ntotal, index.d, index.metric_type) == (300, 16, faiss.METRIC_INNER_PRODUCT)
    scores, ids = index.search(rows[42:43], 2)
    assert ids[0, 0] == 42
    assert scores[0, 0] == pytest.approx(1, abs=1e-6)


@settings(max_examples=40)
@given(shape=shapes, queries=st.integers(1, 5))
def test_a_scan_equals_brute_force_in_float64(
    tmp_path_factory: pytest.TempPathFactory, shape: tuple[int, int, int], queries: int
) -> None:
    rows = random_rows(*shape)
    asked = random_rows(queries, shape[1], shape[2] + 1)
    mapped = opened(written(tmp_path_factory.mktemp("rows") / "a", rows), *rows.shape)
    expected = asked.astype(np.float64) @ rows.T.astype(np.float64)
    scale = np.linalg.norm(asked, axis=1)[:, None] * np.linalg.norm(rows, axis=1) + 1e-30
    found = mapped.scan(asked)
    assert found.shape == expected.shape
    assert (np.abs(found - expected) / scale).max() < 1e-6


def test_several_queries_at_once_give_what_each_gives_alone(tmp_path: Path) -> None:
    rows = random_rows(9001, 12, 3)  # enough to be shared out among threads, unevenly
    mapped = opened(written(tmp_path / "a", rows, 4096), *rows.shape)
    asked = random_rows(4, 12, 4)
    together = mapped.scan(asked)
    for query, products in zip(asked, together, strict=True):
        np.testing.assert_allclose(mapped.scan(query[None])[0], products, atol=1e-6)
    np.testing.assert_allclose(together, asked.astype(np.float64) @ rows.T, atol=1e-5)


def test_one_row_and_a_block_are_copies_of_what_was_put(tmp_path: Path) -> None:
    rows = random_rows(50, 7, 5)
    mapped = opened(written(tmp_path / "a", rows), 50, 7)
    np.testing.assert_array_equal(mapped.row(49), rows[49])
    np.testing.assert_array_equal(mapped.block(10, 5), rows[10:15])
    mapped.row(0)[:] = 9
    np.testing.assert_array_equal(mapped.row(0), rows[0])


@settings(max_examples=40)
@given(shape=shapes, size=st.integers(0, 40), left=st.integers(0, 90), cuts=st.booleans())
def test_rows_read_plainly_are_those_that_are_mapped(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int],
    size: int,
    left: int,
    cuts: bool,
) -> None:
    rows, folder = random_rows(*shape), tmp_path_factory.mktemp("rows")
    count, width, seed = shape
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_mapped, "_FEW_ROWS", left)
        patch.setattr(shards, "MOST_BYTES", 4 * width * (-(-count // 3)) if cuts else 2**31)

        def open_file(shard: shards.Shard) -> RowsFile:
            path = written(folder / f"{shard.number}", rows[shard.first : shard.end])
            return RowsFile(path, shard.rows, width, str(path))

        files = Files(NAME, cut(count, width), open_file)
        mapped, rng = MappedRows(files, width, "index 'x': "), np.random.default_rng(seed)
        for _ in range(4):  # the first of them plainly, others where they are mapped
            positions = rng.integers(0, count, size)
            np.testing.assert_array_equal(mapped.take(positions), rows[positions])
        np.testing.assert_array_equal(mapped.row(count - 1), rows[-1])


def test_a_file_that_took_the_place_of_a_mapped_one_is_not_read(tmp_path: Path) -> None:
    rows, others = random_rows(50, 7, 5), random_rows(50, 7, 6)
    path = written(tmp_path / "a", rows)
    mapped = opened(path, 50, 7)
    written(tmp_path / "b", others).replace(path)
    np.testing.assert_array_equal(mapped.take(np.array([3, 40])), rows[[3, 40]])
    path.unlink()
    os.mkfifo(path)
    np.testing.assert_array_equal(mapped.row(49), rows[49])


def test_a_file_cut_off_before_its_header_is_begun_anew(tmp_path: Path) -> None:
    rows = random_rows(30, 6, 6)
    path = tmp_path / "a"
    whole = written(tmp_path / "whole", rows).read_bytes()
    for length in (0, 10, 45, 100):
        path.write_bytes(whole[:length])
        writer = RowsWriter(path, 30, 6)
        writer.put(0, rows)
        writer.close()
        assert path.read_bytes() == whole


def test_opening_a_file_again_keeps_the_rows_that_are_in_it(tmp_path: Path) -> None:
    rows = random_rows(30, 6, 7)
    path = tmp_path / "a"
    for part in (slice(0, 20), slice(20, 30)):
        writer = RowsWriter(path, 30, 6)
        writer.put(part.start, rows[part])
        writer.close()
    np.testing.assert_array_equal(opened(path, 30, 6).block(0, 30), rows)


def test_unit_rows_have_length_one_and_keep_their_norms() -> None:
    raw = random_rows(600, 9, 8) * np.float32(1000)
    unit, norms = unit_rows(raw)
    np.testing.assert_allclose(np.linalg.norm(unit.astype(np.float64), axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(norms, np.linalg.norm(raw.astype(np.float64), axis=1), rtol=1e-6)
    np.testing.assert_allclose(unit * norms[:, None], raw, rtol=1e-5)
    assert (unit.dtype, norms.dtype) == (np.float32, np.float32)


def test_the_zero_vector_stays_zero_and_has_norm_zero() -> None:
    unit, norms = unit_rows(np.array([[0, 0, 0], [0, 3, 4]], np.float32))
    np.testing.assert_array_equal(unit, np.array([[0, 0, 0], [0, 0.6, 0.8]], np.float32))
    np.testing.assert_array_equal(norms, [0, 5])


def test_very_long_and_very_short_vectors_keep_their_direction() -> None:
    row = np.array([[3, 4]], np.float32)
    for scale in (1e30, 1e-30):
        unit, norms = unit_rows(row * np.float32(scale))
        np.testing.assert_allclose(unit, [[0.6, 0.8]], rtol=1e-6)
        assert norms[0] == pytest.approx(5 * scale, rel=1e-6)


def moments_of(rows: NDArray[np.float64], step: int, dtype: type = np.float32) -> Any:
    moments = Moments(rows.shape[1])
    for first in range(0, len(rows), step):
        moments.add(Part.of(rows[first : first + step], dtype))
    return moments.found()


@pytest.mark.parametrize("step", [1, 64, 500, 5000])
@pytest.mark.parametrize(("dtype", "off"), [(np.float32, 1e-5), (np.float64, 1e-9)])
def test_moments_equal_numpys_with_a_mean_far_from_zero(step: int, dtype: type, off: float) -> None:
    rows = np.random.default_rng(9).standard_normal((1000, 8)) * [1, 2, 3, 4, 5, 6, 7, 8] + 1e5
    mean, covariance = moments_of(rows, step, dtype)
    np.testing.assert_allclose(mean, rows.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(
        covariance, np.cov(rows, rowvar=False, ddof=0), rtol=off, atol=10 * off
    )


def test_parts_without_rows_change_nothing() -> None:
    moments = Moments(2)
    for rows in (np.zeros((0, 2)), np.array([[1.0, 2], [3, 6]]), np.zeros((0, 2))):
        moments.add(Part.of(rows))
    mean, covariance = moments.found()
    np.testing.assert_allclose(mean, [2, 4])
    np.testing.assert_allclose(covariance, [[1, 2], [2, 4]])
    assert not any(found.any() for found in Moments(2).found())


def finished(
    tmp_path: Path,
    unit: NDArray[np.float32],
    norms: NDArray[np.float32],
    population: NDArray[np.bool_] | None = None,
) -> dict[str, NDArray[Any]]:
    """What stands beside some rows."""
    entry = SpaceEntry(
        name="embed",
        kind="embed",
        layer=None,
        side=None,
        item="token",
        dtype="float32",
        rows=len(unit),
        width=unit.shape[1],
        measure="cosine",
        population="word-like tokens",
        population_rows=len(unit) if population is None else int(population.sum()),
    )
    staging = Staging(tmp_path, "some", "fingerprint")
    try:
        writer = staging.rows("embed", *unit.shape)
        writer.put(0, unit)
        return staging.finish_space(entry, writer, norms, population)
    finally:
        staging.close()


@pytest.mark.parametrize("count", [300, 9000])
def test_what_stands_beside_rows_is_of_the_vectors_before_they_were_made_unit(
    tmp_path: Path, count: int
) -> None:
    rows = np.random.default_rng(3).normal(2, 1, (count, 16)).astype(np.float32)
    chosen = np.random.default_rng(4).random(count) < 0.6
    found = finished(tmp_path, *unit_rows(rows), chosen)
    wide = rows.astype(np.float64)
    np.testing.assert_allclose(found["mean"], wide[chosen].mean(axis=0), rtol=1e-6)
    expected = np.cov(wide[chosen], rowvar=False, ddof=0)
    np.testing.assert_allclose(found["covariance"], expected, atol=1e-5)
    centered = np.linalg.norm(wide - found["mean"], axis=1)
    np.testing.assert_allclose(found["centered_norms"], centered, rtol=1e-6)
    assert ("residuals" in found) == (count == 9000)


@pytest.mark.parametrize("length", [1.0, 0.3])
@pytest.mark.parametrize("bits", [0, 3])
def test_vectors_of_one_length_have_the_moments_of_all_others(
    tmp_path: Path, length: float, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(2, 1, (9000, 16))
    rows *= length / np.linalg.norm(rows, axis=1, keepdims=True)
    rows *= 1 + rng.integers(-bits, bits + 1, (9000, 1)) * 2.0**-24
    rows = rows.astype(np.float32).astype(np.float64)
    monkeypatch.setattr(Source, "lengthened", None)  # their own moments are not found
    found = finished(tmp_path, *unit_rows(rows.astype(np.float32)))
    np.testing.assert_allclose(found["mean"], rows.mean(axis=0), rtol=1e-7)
    expected = np.cov(rows, rowvar=False, ddof=0)
    np.testing.assert_allclose(found["covariance"], expected, atol=1e-6 * np.trace(expected))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [157, 8999])
def test_a_row_that_is_not_finite_is_named(tmp_path: Path, bad: float, row: int) -> None:
    rows = np.zeros((9000, 3), np.float32)
    rows[row, 1] = bad
    with pytest.raises(MachineError, match=f"'embed': row {row} is not finite"):
        finished(tmp_path, rows, np.ones(9000, np.float32), np.zeros(9000, bool))


def test_a_norm_that_is_not_finite_is_named(tmp_path: Path) -> None:
    norms = np.array([1, np.inf], np.float32)
    with pytest.raises(MachineError, match="'embed': the norm of row 1 is not finite"):
        finished(tmp_path, np.zeros((2, 3), np.float32), norms)


def test_blocks_under_way_are_few_where_they_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = list[int]()

    def blocks() -> Iterator[int]:
        for at in range(12):
            taken.append(at)
            yield at

    monkeypatch.setattr(store_mapped, "threads", lambda: (pool, 8))
    with ThreadPoolExecutor(8) as pool:
        for holds, under_way in ((1, 9), (200 << 20, 3), (1 << 40, 2)):
            taken.clear()
            most = 0
            for at, found in in_order(blocks(), lambda at: at * at, holds):
                assert found == at * at
                most = max(most, len(taken) - at)
            assert (most, len(taken)) == (under_way, 12)


def test_a_missing_short_long_or_foreign_file_is_named_as_damaged(tmp_path: Path) -> None:
    path = written(tmp_path / "a", random_rows(20, 4, 11))
    whole = path.read_bytes()
    other = written(tmp_path / "b", random_rows(10, 8, 12)).read_bytes()
    assert len(other) == len(whole)
    for data, said in [
        (whole[:-1], "364 bytes where 365 belong"),
        (whole + b"x", "366 bytes where 365 belong"),
        (b"", "0 bytes"),
        (other, "is not the 20 x 4 FAISS file"),
        (b"x" * len(whole), "is not the 20 x 4 FAISS file"),
    ]:
        path.write_bytes(data)
        with pytest.raises(DamagedIndex, match=said) as caught:
            opened(path, 20, 4)
        assert "spaces/embed.faiss" in str(caught.value)
    path.unlink()
    with pytest.raises(DamagedIndex, match="is missing"):
        opened(path, 20, 4)


def in_memory(path: Path) -> int:
    """How many bytes of a file lie in the system's memory."""
    size = path.stat().st_size
    there = np.zeros(-(-size // mmap.PAGESIZE), np.uint8)
    with path.open("rb") as file, mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as mapped:
        where = np.frombuffer(mapped, np.uint8)
        addresses = (where.ctypes.data, size, there.ctypes.data)
        asked = [ctypes.c_void_p(one) for one in addresses]
        del where
        assert ctypes.CDLL(None).mincore(*asked) == 0
    return int((there & 1).sum()) * mmap.PAGESIZE


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says what lies in memory")
def test_of_a_large_file_only_what_is_asked_is_read(tmp_path: Path) -> None:
    width, count = 576, 60_000  # 138 MB
    block = np.ones((6000, width), np.float32) / 24
    path = tmp_path / "a"
    writer = RowsWriter(path, count, width)
    for first in range(0, count, len(block)):
        writer.put(first, block)
    writer.sync()
    writer.close()

    def read(ask: Callable[[MappedRows], object]) -> int:
        """How much of the file a reading brings into memory, of which nothing was there."""
        path.read_bytes()  # what is on its way arrives: of a page that is, none is let go
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if in_memory(path):
            pytest.skip("this system lets nothing go")
        ask(opened(path, count, width))  # closed before the next: what is mapped stays
        return in_memory(path)

    row, page, beside = 4 * width, mmap.PAGESIZE, 4 << 20  # how much the system adds of its own
    scattered, close = np.arange(0, count, 50), np.arange(30_000, 34_000, 2)
    assert read(lambda rows: rows.row(30_000)) <= 64 * page
    assert read(lambda rows: rows.take(scattered)) <= len(scattered) * 3 * page
    assert read(lambda rows: rows.block(30_000, 2000)) <= 2000 * row + beside
    assert read(lambda rows: rows.take(close)) <= 5000 * row + beside
    assert read(lambda rows: rows.scan(np.ones((1, width), np.float32))) >= count * row


@pytest.mark.skipif(not hasattr(os, "posix_fadvise"), reason="this system is asked for nothing")
@pytest.mark.parametrize("told", ["by the system", "by no file system", "by no Python"])
def test_what_lies_in_memory_is_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    width, count = 64, 50_000  # 12.8 MB: what is looked at are two parts of it
    mapped = opened(written(tmp_path / "a", np.ones((count, width), np.float32) / 8), count, width)
    asked: list[int] = []
    monkeypatch.setattr(os, "posix_fadvise", lambda _fd, at, length, _what: asked.append(length))
    query = np.ones((1, width), np.float32)
    if told == "by the system":
        if not hasattr(os, "RWF_NOWAIT"):
            pytest.skip("this one says nothing")
        there = []

        def look(_fd: int, into: list[bytearray], _at: int, _flags: int) -> int:
            if not there:
                raise BlockingIOError
            return len(into[0])

        monkeypatch.setattr(os, "preadv", look)
        mapped.scan(query)
        assert sum(asked) == count * width * 4
        mapped.scan(query)
        assert sum(asked) == 2 * count * width * 4, "it was not there yet, or let go again"
        there.append(True)
        asked.clear()
        mapped.scan(query)
        assert asked == []
        return
    if told == "by no Python":
        monkeypatch.delattr(os, "RWF_NOWAIT", raising=False)
    else:

        def refuse(*_: object) -> int:
            raise OSError(errno.EOPNOTSUPP, "Operation not supported")

        monkeypatch.setattr(os, "RWF_NOWAIT", 8, raising=False)
        monkeypatch.setattr(os, "preadv", refuse)
    mapped.scan(query)
    first = sum(asked)
    assert 0 < first <= count * width * 4
    mapped.scan(query)
    assert sum(asked) == first, "each part is asked for once"


def test_reading_past_the_end_of_a_cut_file_is_an_error_and_not_zeros(tmp_path: Path) -> None:
    path = tmp_path / "a"
    writer = RowsWriter(path, 20, 4)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DamagedIndex, match="ends before row 20"):
        writer.get(0, 20)
    writer.close()
