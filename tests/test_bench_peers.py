"""What `make bench-peers` rests on: rows, agreement, recall, turns, targets and the page.

Each library that is installed answers planted rows as float64 does; a wrong answer ends the run.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import ROOT

sys.path.append(
    str(ROOT)
)  # the benchmarks, which belong to no package; last, after what is installed

from benchmarks.measure import Line, Process
from benchmarks.peers import __main__ as run
from benchmarks.peers import page, rows, served, sizes
from benchmarks.peers.agreement import Disagreement, check, recall, same
from benchmarks.peers.libraries import NAMES, library

pytestmark = pytest.mark.native

TEN = [(f"n{at}", 0.9 - 0.05 * at) for at in range(10)]
IN_BENCH = {"gensim", "usearch", "lancedb"}
"""Tried where `make bench-peers` runs alone: not installed here, or seconds to import."""


# -- agreement ----------------------------------------------------------------------------------


def changed(at: int, name: str, off: float = 0.0) -> list[tuple[str, float]]:
    """The ten with another name at a place, its score off by a little."""
    return [(name, s + off) if i == at else (n, s) for i, (n, s) in enumerate(TEN)]


def test_the_same_ten_are_the_same_and_rounding_is_none() -> None:
    assert same(TEN, TEN)
    assert same(TEN, changed(3, "n3", 4e-6))


@pytest.mark.parametrize("at", [0, 4, 8])
def test_another_name_clear_of_the_tenth_is_told(at: int) -> None:
    assert not same(TEN, changed(at, "other"))


def test_at_the_tenth_score_one_of_equals_may_stand_for_another() -> None:
    assert same(TEN, changed(9, "equal"))
    assert not same(TEN, changed(9, "worse", -1e-3))


def test_equals_may_change_places() -> None:
    tied = [*TEN[:2], ("a", 0.8), ("b", 0.8), *TEN[4:]]
    assert same(tied, [*tied[:2], tied[3], tied[2], *tied[4:]])


@pytest.mark.parametrize("found", [[], TEN[:9], [*TEN, ("more", 0.1)]])
def test_fewer_or_more_than_ten_are_told(found: list[tuple[str, float]]) -> None:
    assert not same(TEN, found)


def test_a_name_that_is_not_known_may_be_any_but_stands_for_one_alone() -> None:
    unnamed = changed(2, "")
    assert same(unnamed, TEN)
    assert same(unnamed, changed(2, "token7"))
    assert not same(unnamed, [*TEN[:2], ("x", TEN[2][1]), ("y", TEN[3][1]), *TEN[4:]])


def test_a_wrong_answer_is_told_with_library_and_word() -> None:
    check("FAISS", ["dog", "cat"], [TEN, TEN], [TEN, TEN])
    with pytest.raises(Disagreement, match="FAISS answers 'cat'"):
        check("FAISS", ["dog", "cat"], [TEN, TEN], [TEN, changed(0, "wrong")])


def test_an_answer_that_is_missing_is_told() -> None:
    with pytest.raises(ValueError, match="shorter"):
        check("FAISS", ["dog", "cat"], [TEN, TEN], [TEN])


def test_recall_is_the_share_of_the_ten_that_was_found() -> None:
    missed = [*TEN[:7], *((f"far{at}", 0.1) for at in range(3))]
    assert recall([TEN], [TEN]) == 1
    assert recall([TEN], [missed]) == pytest.approx(0.7)
    assert recall([TEN, TEN], [TEN, missed]) == pytest.approx(0.85)
    assert recall([TEN], [[]]) == 0


def test_an_unknown_name_is_found_by_its_score() -> None:
    assert recall([changed(2, "")], [TEN]) == 1
    assert recall([changed(2, "")], [changed(2, "far", -0.7)]) == pytest.approx(0.9)


# -- rows and libraries -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 rows x 16 in a folder, drawn in blocks from 40."""
    folder = tmp_path_factory.mktemp("rows") / "small"
    real = np.random.default_rng(5).normal(size=(40, 16))
    rows.write(rows.Rows("small", 300, 16, "", lambda: (real, []), True), folder)
    return folder


def by_float64(folder: Path, word: str) -> list[tuple[str, float]]:
    """The ten nearest, by a sort of all."""
    vectors = np.load(folder / rows.VECTORS).astype(np.float64)
    names = rows.read_names(folder / rows.LABELS)
    scores = vectors @ vectors[names.index(word)]
    order = [at for at in np.argsort(-scores).tolist() if names[at] != word][:10]
    return [(names[at], float(scores[at])) for at in order]


def test_rows_are_unit_and_the_same_each_time(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.load(small / rows.VECTORS)
    assert vectors.shape == (300, 16)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    real = np.eye(16, dtype=np.float32)
    of = rows.Rows("x", 100, 16, "", lambda: (real, []), True)
    whole = np.vstack(list(rows.blocks(of, real)))
    assert np.array_equal(whole, np.vstack(list(rows.blocks(of, real))))
    assert len(np.unique(whole, axis=0)) == 100
    monkeypatch.setattr(rows, "BLOCK", 30)
    assert [len(block) for block in rows.blocks(of, real)] == [30, 30, 30, 10]


def test_every_name_stands_once_and_none_is_asked_twice(small: Path) -> None:
    real = rows.Rows("x", 5, 2, "", lambda: (None, []), False)
    texts = [" dog", "dog", " dog", "\n", " caté"]
    assert rows.names_of(real, texts) == [" dog", "dog", "token2", "token3", "token4"]
    asked = rows.read_names(small / rows.WORDS)
    assert len(set(asked)) == len(asked) == 300


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("ours")])
def test_a_library_answers_as_float64_does(name: str, small: Path, tmp_path: Path) -> None:
    if name in IN_BENCH and find_spec("lancedb") is None:
        pytest.skip(f"{name} is tried by make bench-peers")
    one = library(name)
    one.make(small, tmp_path)
    assert all(path.is_file() for path in one.files(small, tmp_path))
    words = rows.read_names(small / rows.WORDS)[:5]
    expected = [by_float64(small, word) for word in words]
    for cold in (True, False):
        one.open(small, tmp_path, cold)
        found = [one.near(word) for word in words]
        together = one.near_each(words) if one.many else found
        for answers in (found, together):
            if one.exact:
                check(one.title, words, expected, answers)
            else:
                assert recall(expected, answers) >= 0.9


# -- a run --------------------------------------------------------------------------------------


class Fake:
    """A process that takes so many seconds, each turn longer than the one before."""

    def __init__(self, name: str, seconds: float, log: list[str], found: Any = TEN) -> None:
        self.name, self._seconds, self._log, self._found, self._asked = name, seconds, log, found, 0

    def ask(self, asked: object) -> tuple[float, Any]:
        self._log.append(self.name)
        self._asked += 1
        return self._seconds * self._asked, self._found


def test_processes_are_asked_in_turn_and_ratios_are_of_a_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {"REST": 0, "IN_A_ROW": 2, "WAKING": 1}.items():
        monkeypatch.setattr(served, name, value)
    log: list[str] = []
    pair: Any = [Fake("a", 1, log), Fake("b", 3, log)]
    turns = served.in_turn(pair, ["x", "y", "z", "u", "v", "w"], warm=1)
    assert "".join(log) == "bbaa" + "aabb" + "bbaa"
    assert turns.seconds["a"] == [2, 4, 6]
    assert turns.median("b") == 12
    assert turns.ratio("b", "a") == 3
    assert turns.found["a"] == [TEN] * 5


def measured(ours: float, many: float) -> dict[str, sizes.Row]:
    """What a run found where NumPy takes 0.7 times gensim's time."""
    cold = Process(1, 1, 1)
    return {
        name: sizes.Row(name, cold=cold, times_gensim=one, times_flat=many)
        for name, one in {
            "ours": ours,
            "ours-search": 0.1,
            "gensim": 1,
            "numpy": 0.7,
            "faiss-hnsw": 0.1,
        }.items()
    }


@pytest.mark.parametrize(
    ("ours", "many", "met"),
    [(0.5, 0.9, [True, True, True]), (0.6, 0.8, [False, True, True]), (0.8, 1.0, [False] * 3)],
)
def test_targets_are_met_or_missed(ours: float, many: float, met: Sequence[bool]) -> None:
    lines = sizes.targets(49_152, measured(ours, many))
    assert [line.met for line in lines] == list(met)
    assert "NumPy" in lines[1].figure  # neither what may miss some, nor ours by another name
    assert len(sizes.targets(262_144, measured(ours, many))) == 1


def test_only_what_is_exact_is_held_to_the_same_ten() -> None:
    row = sizes.Row("faiss-hnsw")
    sizes._judge(row, ["dog"], [TEN], [changed(0, "other")])
    assert row.recalls == [pytest.approx(0.9)]
    with pytest.raises(Disagreement):
        sizes._judge(sizes.Row("numpy"), ["dog"], [TEN], [changed(0, "other")])


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run takes variables away from its process, which here is that of other tests."""
    monkeypatch.setattr(run, "FORCED", ())


PART = page.Part(["what"], [Line("one", "2 ms", "3 ms", True)], ["numpy"])


@pytest.mark.parametrize("met", [True, False])
def test_a_missed_target_ends_the_run_with_1(met: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    part = replace(PART, lines=[replace(PART.lines[0], met=met)])
    monkeypatch.setattr(run, "PARTS", {"some": lambda: part})
    monkeypatch.setattr(page, "write", lambda name, part: written.append(name))
    monkeypatch.setattr(sys, "argv", ["peers", "some"])
    with pytest.raises(SystemExit) as ended:
        run.main()
    assert ended.value.code == (0 if met else 1)
    assert written == ["some"]


def test_a_wrong_answer_ends_the_run_and_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> page.Part:
        raise Disagreement("FAISS answers 'dog' otherwise")

    monkeypatch.setattr(run, "PARTS", {"some": wrong})
    monkeypatch.setattr(page, "write", lambda name, part: pytest.fail("written"))
    monkeypatch.setattr(sys, "argv", ["peers"])
    with pytest.raises(SystemExit, match="some: FAISS answers"):
        run.main()


def test_a_part_is_written_between_its_own_marks_alone() -> None:
    text = (
        "a\n<!-- measured: one -->\nold\n<!-- end -->\n<!-- measured: two -->\nkept\n<!-- end -->\n"
    )
    found = page.put(text, "one", page.written(PART, datetime.date(2026, 1, 2)))
    assert "old" not in found
    assert "kept" in found
    assert "| one | 2 ms | 3 ms | met |" in found
    assert "2026-01-02" in found
    assert page.put(found, "one", "old\n") == text
    with pytest.raises(ValueError, match="three"):
        page.put(text, "three", "")


def test_the_page_has_a_place_for_every_part() -> None:
    text = page.PAGE.read_text("utf-8")
    for name in run.PARTS:
        assert page.put(text, name, "x\n") != text
