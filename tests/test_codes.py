"""8-bit codes: faiss's own bytes, bounds that hold, and answers that are those of a full sort.

Spaces are too small for a pass to be worth it, so that its limits are lifted here; how often a pass
suffices is asked of real spaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from close_rows import Close, Float64, asked, close_rows, one_by_one, sorted_by, space_of, with_code
from conftest import Run
from explorer import best_of_each, first_pass
from explorer import scan as scans
from explorer.calibration import calibrate
from explorer.first_pass import Tally
from explorer.measures.measure import Measure
from explorer.measures.registry import KINDS
from explorer.scan import FEW, scan, scans_of_each
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator
from indexer.store import codes, coding
from indexer.store import rows as store_rows
from indexer.store.codes import Codes, fault_of
from indexer.store.coding import CODED, Source, code_width, rounding, turned, turned_alone
from indexer.store.errors import DamagedIndex
from indexer.store.files import FileEntry
from indexer.store.layout import Manifest, codes_file, moments_file, rows_file
from indexer.store.read import Index
from indexer.store.rows import file_bytes
from indexer.store.space import Space
from indexer.store.verify import verify

shapes = st.sampled_from([1, 2, 16, 17, 48, 130, 304])


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes over codes however few the rows are, in as many parts as there are threads."""
    monkeypatch.setattr(first_pass, "_SHARE", 1)
    monkeypatch.setattr(first_pass, "_AT_FIRST", 1)
    monkeypatch.setattr(codes, "_ROWS_A_THREAD", 1)


def coded(space: Space) -> Codes:
    found = space.codes
    assert found is not None
    return found


def source_of(space: Space) -> Source:
    norms, centered = space.norms, space.centered_norms
    return Source(space.entry, space.rows.block, norms, centered, space.mean)


def compared(space: Space) -> Float64:
    """What is coded, each vector by itself, in long double."""
    rows = space.rows.block(0, space.entry.rows).astype(np.longdouble)
    if space.entry.measure == "centered":
        rows = rows * space.norms.astype(np.longdouble)[:, None] - space.mean
        rows[space.centered_norms == 0] = 0
    sizes = np.sqrt((rows**2).sum(axis=1))[:, None]
    found = np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 0)
    return found.astype(np.float64)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(close=close_rows, measure=st.sampled_from(CODED))
def test_the_file_is_byte_for_byte_what_faiss_writes(
    tmp_path_factory: pytest.TempPathFactory, close: Close, measure: str
) -> None:
    with space_of(close.vectors(), measure, coded=True) as space:
        stored = coded(space).stored(0, space.entry.rows)
        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        index = faiss.IndexScalarQuantizer(stored.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
        index.add(stored.astype(np.float32))
        theirs = tmp_path_factory.mktemp("codes") / "theirs"
        faiss.write_index(index, str(theirs))
        assert (Path(space._folder) / codes_file(space.name)).read_bytes() == theirs.read_bytes()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(0, 2**32 - 1), shapes)
def test_turning_keeps_products_and_float32_turns_as_it_says(seed: int, width: int) -> None:
    vectors = np.random.default_rng(seed).standard_t(1, size=(40, width))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = turned(vectors)
    assert exact.shape == (40, code_width(width))
    np.testing.assert_allclose(exact @ exact.T, vectors @ vectors.T, atol=1e-14)
    off = np.linalg.norm(turned(vectors.astype(np.float32)) - exact, axis=1)
    assert off.max() <= rounding(width)
    for vector, whole in zip(vectors, exact, strict=True):
        np.testing.assert_allclose(turned_alone(vector), whole, atol=1e-14)


def test_turning_leaves_no_dimension_that_stands_out() -> None:
    vectors = np.random.default_rng(0).normal(size=(500, 576)) / 24
    vectors[:, 7] *= 300
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert np.abs(vectors).max() > 0.99
    assert np.abs(turned(vectors)).max() < 0.3


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.data(), close_rows, st.sampled_from(CODED))
def test_no_item_scores_farther_from_its_codes_than_they_say(
    data: Any, close: Close, measure: str
) -> None:
    with space_of(close.vectors(), measure, coded=True) as space:
        by = KINDS[measure](space)
        query, rows = asked(data, by), space.entry.rows
        exact, direction = one_by_one(by, query), by.facing(query)[1]
        for count in (1, 4, rows):
            found = coded(space).highest(direction, count)
            assert (np.abs(exact[found.positions] - found.scores) <= found.off_by).all()
            others = np.setdiff1d(np.arange(rows), found.positions)
            assert len(others) == 0 or exact[others].max() <= found.ceiling
        assert fault_of(coded(space), source_of(space), space.compared) == ""


@settings(derandomize=True, deadline=None, max_examples=60)
@given(close=close_rows, seed=st.integers(0, 2**32 - 1), at_once=st.integers(1, 3000))
@pytest.mark.usefixtures("eager")
def test_a_first_pass_reads_what_later_ones_have_mapped(
    close: Close, seed: int, at_once: int
) -> None:
    with pytest.MonkeyPatch.context() as patch, space_of(close.vectors(), coded=True) as space:
        patch.setattr(codes, "_READ_BYTES", at_once)
        query = np.random.default_rng(seed).normal(size=space.entry.width)
        query /= np.linalg.norm(query)
        those = coded(space)
        for count in (1, 4, space.entry.rows):
            those._asked = False
            with pytest.MonkeyPatch.context() as once:
                once.setattr(codes.CodesFile, "search", None)  # a first pass maps nothing
                first = those.highest(query, count)
            later = those.highest(query, count)
            assert first.ceiling == later.ceiling
            assert np.sort(first.scores).tolist() == np.sort(later.scores).tolist()
            _, here, there = np.intersect1d(first.positions, later.positions, True, True)
            assert first.scores[here].tolist() == later.scores[there].tolist()
            assert first.off_by[here].tolist() == later.off_by[there].tolist()


@settings(derandomize=True, deadline=None, max_examples=120)
@given(data=st.data(), close=close_rows, measure=st.sampled_from(CODED))
@pytest.mark.usefixtures("eager")
def test_the_best_and_what_is_better_are_those_of_a_sort_in_float64(
    data: Any, close: Close, measure: str
) -> None:
    with space_of(close.vectors(), measure, coded=True) as space:
        by = KINDS[measure](space)
        query = asked(data, by)
        exact = one_by_one(by, query)
        for k in (1, 5, 20, len(exact) + 3):
            positions, values = scan(by, query).best(k)
            assert positions.tolist() == sorted_by(exact, 1, k)
            assert values.tolist() == exact[positions].tolist()
        levels = [*exact[:: max(1, len(exact) // 9)], float(np.median(exact)), float(exact.max())]
        for level in [*levels, *np.nextafter(levels, np.inf), np.inf, -np.inf]:
            found = np.sort(scan(by, query).better(float(level)))
            assert found.tolist() == np.flatnonzero(exact > level).tolist()


@settings(derandomize=True, deadline=None, max_examples=100)
@given(data=st.data(), close=close_rows, measure=st.sampled_from(CODED))
def test_mean_and_deviation_are_those_of_all_exact_scores(
    data: Any, close: Close, measure: str
) -> None:
    with space_of(close.vectors(), measure, coded=True) as space:
        by = KINDS[measure](space)
        query = asked(data, by)
        spread = by.spread(query)
        if spread is None:
            return
        exact = one_by_one(by, query)
        assert spread[0] == pytest.approx(float(exact.mean()), abs=1e-12)
        assert spread[1] == pytest.approx(float(exact.std()), rel=1e-6)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(data=st.data(), close=close_rows, measure=st.sampled_from(CODED))
def test_moments_whose_products_float32_has_added_up_are_as_near(
    data: Any, close: Close, measure: str
) -> None:
    """As near as others, or others are taken in their place; of so few rows they mostly are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coding, "_MANY_ROWS", 1)
        patch.setattr(coding, "_WIDE", 1)
        with space_of(close.vectors(), measure, coded=True) as space:
            by = KINDS[measure](space)
            query = asked(data, by)
            spread = by.spread(query)
            assert fault_of(coded(space), source_of(space), space.compared) == ""
            if spread is None:
                return
            exact = one_by_one(by, query)
            assert spread[0] == pytest.approx(float(exact.mean()), abs=1e-9)
            assert spread[1] == pytest.approx(float(exact.std()), rel=1e-5)


@pytest.mark.parametrize("kind", ["normal", "dwarfed", "sorted", "unsure"])
def test_of_many_rows_products_are_added_up_in_float32_where_that_is_near_enough(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    rng, count, width = np.random.default_rng(5), coding._MANY_ROWS, coding._WIDE
    rows = rng.normal(0.5, 1, (count, width))
    if kind == "dwarfed":  # as good as two numbers: roundings that are all alike
        rows[:, 3] *= 100
    if kind == "sorted":
        rows = rows * 0.001 + np.linspace(0, 50, count)[:, None]
    if kind == "unsure":
        monkeypatch.setattr(codes, "_SURE", 0)
    again, exactly = list[Source](), codes._exactly
    monkeypatch.setattr(codes, "_exactly", lambda source: again.append(source) or exactly(source))
    with space_of(rows.astype(np.float32), "cosine", coded=True) as space:
        assert kind not in ("normal", "unsure") or bool(again) == (kind == "unsure")
        assert fault_of(coded(space), source_of(space), space.compared) == ""
        by = KINDS["cosine"](space)
        exact = compared(space)
        for direction in (np.eye(width)[3], *rng.normal(size=(8, width))):
            scores = exact @ (direction / np.linalg.norm(direction))
            expected = pytest.approx((scores.mean(), scores.std()), rel=1e-6)
            assert by.spread(direction) == expected


@pytest.fixture
def in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many queries walk over few rows too, a few of them at a time."""
    monkeypatch.setattr(scans, "_SPARSE", 1)
    monkeypatch.setattr(best_of_each, "_RUN", 4)
    monkeypatch.setattr(store_rows, "_COPIED_ROWS", 50)


NONE = bytes([128])
"""How a code of 0 is stored."""


@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    data=st.data(),
    close=close_rows,
    measure=st.sampled_from(CODED),
    known=st.sampled_from([0, 1, 7, 40]),
)
@pytest.mark.usefixtures("in_blocks")
def test_the_best_of_many_queries_together_are_those_of_a_sort_in_float64(
    data: Any, close: Close, measure: str, known: int
) -> None:
    with space_of(close.vectors(), measure, coded=True) as space:
        by = KINDS[measure](space)
        queries = [asked(data, by) for _ in range(FEW + 1)]
        for query, found in zip(queries, scans_of_each(by, queries, known), strict=True):
            exact = one_by_one(by, query)
            for k in (1, 7):
                positions, values = found.best(k)
                assert positions.tolist() == sorted_by(exact, 1, k)
                assert values.tolist() == exact[positions].tolist()


@pytest.mark.parametrize("at_once", [3, 512])
def test_a_walk_keeps_little_more_than_the_best(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "QUERIES_AT_ONCE", at_once)
    with space_of_many() as space:
        by = KINDS["cosine"](space)
        queries = list(queries_of(by, 20))
        for query, found in zip(queries, scans_of_each(by, queries, 12), strict=True):
            assert found.near is not None
            assert 12 <= len(found.near[0]) < 20
            whole = scan(by, query)
            assert found.best(12)[0].tolist() == whole.best(12)[0].tolist()
            assert found.tally == Tally(passes=0, scans=1, exact=len(found.near[0]))
            # Of more than a walk has kept a pass tells, as of one query.
            assert found.best(30)[0].tolist() == whole.best(30)[0].tolist()
            assert found.calibration("all") == whole.calibration("all")


def test_a_damaged_row_is_told_by_a_walk() -> None:
    queries = np.random.default_rng(4).normal(size=(20, 40))
    with space_of_many() as space:
        with (Path(space._folder) / rows_file(space.name)).open("r+b") as file:
            file.seek(file_bytes(4000, 40))
            file.write(np.full(40, 7, np.float32).tobytes())
        by = KINDS["cosine"](space)
        with pytest.raises(DamagedIndex, match=r"row 4,000 has a cosine of -?[0-9.]+ with"):
            list(scans_of_each(by, queries, 12))


def space_of_many(measure: str = "cosine", **wrong: Any) -> Any:
    """A context of a space of 6,000 rows, in which passes are worth it."""
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(6000, 40)) + 0.3 * rng.normal(size=40)
    return space_of(vectors, measure, coded=True, **wrong)


def queries_of(by: Measure, count: int) -> Iterator[Float64]:
    for at in np.random.default_rng(2).integers(by.space.entry.rows, size=count):
        yield by.normed_rows(by.space.vector(int(at))[None])[0]


@pytest.mark.parametrize("measure", CODED)
def test_a_pass_answers_without_a_scan_and_scores_few_rows(measure: str) -> None:
    with space_of_many(measure) as space:
        by = KINDS[measure](space)
        for query in queries_of(by, 20):
            found = scan(by, query)
            positions, values = found.best(10)
            better = found.better(float(values[4]))
            calibration = found.calibration("all")
            assert (found.tally.scans, found.tally.passes) == (0, 2)
            assert 10 <= found.tally.exact < 600
            whole = scan(by, query)
            assert calibrate(whole.values, "all").std == pytest.approx(calibration.std, rel=1e-5)
            assert whole.best(10)[0].tolist() == positions.tolist()
            assert sorted(whole.better(float(values[4]))) == sorted(better)


def test_a_pass_leaves_faiss_its_threads() -> None:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(3)
    try:
        with space_of_many() as space:
            scan(KINDS["cosine"](space), np.ones(40)).best(3)
        assert faiss.omp_get_max_threads() == 3
    finally:
        faiss.omp_set_num_threads(before)


def test_of_equal_rows_without_end_all_rows_are_scanned() -> None:
    vectors = np.ones((6000, 20))
    vectors[::7] = np.eye(20)[3]
    with space_of(vectors, coded=True) as space:
        found = scan(KINDS["cosine"](space), np.ones(20))
        assert found.best(5)[0].tolist() == [1, 2, 3, 4, 5]
        assert found.tally.scans == 1


def test_a_residual_that_is_too_small_hides_a_neighbour_and_a_right_one_does_not() -> None:
    row, like = 3000, 17
    with space_of_many() as space:
        by, residuals = KINDS["cosine"](space), coded(space).residuals.copy()
        query, alike = (by.normed_rows(space.vector(at)[None])[0] for at in (row, like))
        right = scan(by, query).best(5)[0].tolist()
        other = coded(space).stored(like, 1)[0].view(np.uint8) ^ 128
        assert right[0] == row
    with space_of_many() as space:
        found = scan(KINDS["cosine"](with_code(space, codes_file(space.name), row, NONE)), query)
        assert row not in found.best(5)[0].tolist()
        said = fault_of(coded(space), source_of(space), space.compared)
        assert f"row {row:,} lies farther" in said
    # What scores high by codes is scored by its row, and is then told.
    with space_of_many() as space, pytest.raises(DamagedIndex, match="is not what its codes say"):
        scan(
            KINDS["cosine"](with_code(space, codes_file(space.name), row, other.tobytes())), alike
        ).best(5)
    residuals[row] = 1.001
    with space_of_many(residuals=residuals) as space:
        found = scan(KINDS["cosine"](with_code(space, codes_file(space.name), row, NONE)), query)
        assert found.best(5)[0].tolist() == right
        assert found.tally.scans == 1
        assert fault_of(coded(space), source_of(space), space.compared) == ""


@pytest.mark.parametrize("name", ["scales", "compared_mean", "compared_covariance"])
def test_a_wrong_number_beside_the_codes_is_found(name: str) -> None:
    with space_of_many() as space:
        array = space._array(name).copy()
    array.reshape(-1)[3] += 0.01
    with space_of_many(**{name: array}) as space:
        assert fault_of(coded(space), source_of(space), space.compared)


def test_a_space_has_codes_where_they_are_worth_their_room(tmp_path: Path) -> None:
    few, many = coding.FEWEST_ROWS - 1, coding.FEWEST_ROWS + 1
    for rows in (few, many):
        folder = imported(tmp_path, f"of{rows}", rows)
        files = Manifest.load(folder).files
        assert (codes_file("embed") in files) == (rows == many)
        with Index(folder) as index:
            assert (index.space("embed").codes is None) == (rows == few)


def imported(root: Path, name: str, rows: int) -> Path:
    """An index of imported vectors."""
    vectors = np.random.default_rng(rows).normal(size=(rows, 24)).astype(np.float32)
    np.save(root / f"{name}.npy", vectors)
    (root / f"{name}.txt").write_text("".join(f"w{at}\n" for at in range(rows)))
    source = VectorSource(root / f"{name}.npy", labels=root / f"{name}.txt")
    request = ImportRequest(source, root / "indexes", name)
    return import_vectors(request, Narrator(quiet=True))[0]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return imported(tmp_path_factory.mktemp("coded"), "many", 5000)


def damaged(sound: Path, tmp_path: Path, file: str, at: int) -> Path:
    """A copy of which one byte is another, sealed as it then is, as by a build gone wrong."""
    import dataclasses
    import shutil

    folder = tmp_path / "many"
    shutil.copytree(sound, folder)
    body = bytearray((folder / file).read_bytes())
    body[at] ^= 0x40
    (folder / file).write_bytes(body)
    manifest = Manifest.load(folder)
    files = {**manifest.files, file: FileEntry.of(folder / file)}
    (folder / "manifest.json").write_text(dataclasses.replace(manifest, files=files).to_json())
    return folder


@pytest.mark.parametrize("at", [81, 60_000, 81 + 5000 * 32 - 1])
def test_verify_finds_a_single_wrong_code(sound: Path, tmp_path: Path, at: int) -> None:
    assert verify(sound) == []
    (fault,) = verify(damaged(sound, tmp_path, codes_file("embed"), at))
    assert fault.startswith("spaces/embed.codes: row ")
    assert "farther from its codes than is said" in fault


def test_codes_that_were_changed_are_not_opened(sound: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "many"
    shutil.copytree(sound, folder)
    path = folder / codes_file("embed")
    body = bytearray(path.read_bytes())
    body[100] ^= 1
    path.write_bytes(body)
    with Index(folder) as index, pytest.raises(DamagedIndex, match="not the file that was sealed"):
        coded(index.space("embed")).highest(np.eye(24)[0], 5)
    assert verify(folder)[0].startswith(f"{codes_file('embed')}: ")
    for name in (rows_file("embed"), moments_file("embed")):
        assert name in Manifest.load(folder).files


def test_the_pass_suffices_in_every_real_space(real: Any) -> None:
    scans, asked_ = 0, 0
    for name in real.index.space_names:
        space = real.index.space(name)
        by = KINDS[space.entry.measure](space)
        if space.codes is None:
            continue
        for query in queries_of(by, 12):
            found = scan(by, query)
            found.best(11)
            scans += found.tally.scans
            asked_ += 1
    assert asked_ > 0
    assert scans <= 0.01 * asked_


EXPLAINED = re.compile(
    r"explorer: explain: ([\d,]+) items scored in float64; passes over 8-bit codes: (\d+), "
    r"scans of all rows: (\d+)\n"
)


@pytest.mark.parametrize(
    ("question", "passes", "scans"),
    [
        (["neighbors", "large"], 1, 0),
        (["neighbors", "large", "--measure", "dot"], 0, 1),
        (["analogy", "king - man + woman", "--target", "queen"], None, None),
        (["analogy", "king - man + woman", "--method", "mul"], 0, 3),
        (["neuron", "L29N112"], 3, 0),
        (["middleman", "large", "tall"], 1, 0),
        (["middleman", "large", "tall", "--per-layer", "2"], 0, 1),
        (["middleman", "large", "tall", "--score", "cosine"], 0, 1),
    ],
)
def test_explain_says_how_scores_were_found_and_changes_no_answer(
    run: Run, real_indexes: Path, question: list[str], passes: int | None, scans: int | None
) -> None:
    asked = [*question, "--index", str(real_indexes / "smollm2"), "--format", "json"]
    plain, told = run("explorer", *asked), run("explorer", *asked, "--explain")
    assert (plain.code, told.code, plain.err) == (0, 0, "")
    assert told.out == plain.out
    assert "scoring" not in told.json()["meta"]
    found = EXPLAINED.fullmatch(told.err)
    assert found is not None, told.err
    assert int(found[1].replace(",", "")) > 0
    assert passes is None or (int(found[2]), int(found[3])) == (passes, scans)


def test_explain_of_what_scores_no_space_says_so(run: Run, real_indexes: Path) -> None:
    told = run("explorer", "word", "large", "--index", real_indexes / "smollm2", "--explain")
    assert told.err == "explorer: explain: no space was asked for its best items\n"


def test_an_answer_has_how_its_scores_were_found(real: Any) -> None:
    one, again = real.neighbors("elephant"), real.neighbors(["elephant"] + ["dog"] * 12)[0]
    assert (one.meta.scoring.passes, one.meta.scoring.scans) == (1, 0)
    assert (again.meta.scoring.passes, again.meta.scoring.scans) == (0, 1)
    assert one == again
    assert one.to_dict() == again.to_dict()
