"""How many questions of a standard set, a is to b as c is to d, does a space answer?

Right is a question whose best candidate is a form of d. Beside the accuracy that is usually told,
with a, b and c left out, stand the two that it must be read against: with them kept in, and with c
alone for a query, no offset added (Linzen 2016, "Issues in evaluating semantic spaces using word
analogies").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from explorer.compute.testset import Scope, asked_file, scope_of
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.measures.measure import Measure
from explorer.measures.registry import COSINES, listed
from explorer.progress import Progress
from explorer.questions import AnalogyAccuracies, AnalogyAccuracy, EvaluateAnalogiesQuery
from explorer.testsets.files import Questions, read_questions
from explorer.testsets.lexicon import Int64, Lexicon
from explorer.testsets.offsets import best_answers, steps
from indexer.store.errors import option_named
from indexer.store.space import Space
from indexer.store.spaces import ItemName

Mask = NDArray[np.bool_]

TOTAL = "total"


@dataclass(frozen=True)
class _Covered:
    """The questions that a space has all words of.

    Attributes:
        places: (covered, 4) int64, of a, b, c and d in the space's lexicon.
        section_of: (covered,) int64.
    """

    places: Int64
    section_of: Int64


@dataclass(frozen=True)
class _Right:
    """Which covered questions are answered rightly: each (covered,) bool."""

    left_out: Mask
    kept_in: Mask
    alone: Mask


def answer(work: Workspace, query: EvaluateAnalogiesQuery, progress: Progress) -> AnalogyAccuracies:
    """A row for each space, measure and method; for each section of one, where only one is asked.

    Raises:
        QueryError: a file, option or space that cannot be had, or no question that is covered.
    """
    questions = read_questions(query.file)
    methods, depth, sections = tuple(dict.fromkeys(query.method)), query.depth, query.sections
    if depth is not None and depth < 1:
        raise QueryError(f"{option_named('depth', depth)}: look at 1 candidate or more")
    words = (word for question in questions.words for word in question)
    ask = scope_of(work.index, words, query)
    runs = list(_runs(ask, methods))
    if not runs:
        raise QueryError(
            f"3CosMul multiplies cosines: {option_named('method', 'mul')} needs "
            f"{option_named('measure', listed(COSINES))}"
        )
    spaces = [measure.space for measure, _ in runs]
    covered = {one.entry.item: _covered(questions, *ask.known(one)) for one in spaces}
    if not any(len(one.places) for one in covered.values()):
        raise ask.none_covered("question")
    bar = _Bar(progress, sum(_steps(one.space, ask, covered) for one, _ in runs))
    if sections is None:
        sections = len(runs) == 1
    rows: list[AnalogyAccuracy] = []
    for by, one_method in runs:
        known, _ = ask.known(by.space)
        these = covered[by.space.entry.item]
        bar.what = f"{by.space.name} by {by.name}"
        right = _right(by, known, these, one_method, depth, bar.step)
        rows += _rows(questions, these, right, (by.space.name, by.name, one_method), sections)
    filled = replace(query, file=asked_file(query), method=methods, sections=sections, **ask.filled)
    return AnalogyAccuracies(
        filled, tuple(rows), ask.meta(_notes(runs, methods, query.case, depth))
    )


def _runs(ask: Scope, methods: tuple[str, ...]) -> Iterator[tuple[Measure, str]]:
    """Every measure of every space, and every method, that go together."""
    for _, measures in ask.each():
        for measure in measures:
            for method in methods:
                if method == "add" or measure.cosine:
                    yield measure, method


def _covered(questions: Questions, known: Lexicon, places: dict[str, int]) -> _Covered:
    found = [
        ([places[word] for word in words], section)
        for words, section in zip(questions.words, questions.section_of, strict=True)
        if all(word in places for word in words)
    ]
    return _Covered(
        np.array([places for places, _ in found], np.int64).reshape(-1, 4),
        np.array([section for _, section in found], np.int64),
    )


def _steps(space: Space, ask: Scope, covered: Mapping[ItemName, _Covered]) -> int:
    these = covered[space.entry.item].places
    return steps(ask.known(space)[0], len(np.unique(these[:, :3]))) if len(these) else 0


def _right(
    measure: Measure,
    known: Lexicon,
    these: _Covered,
    method: str,
    depth: int | None,
    tick: Callable[[], None],
) -> _Right:
    if not len(these.places):
        none = np.zeros(0, bool)
        return _Right(none, none, none)
    found = best_answers(measure, known, these.places[:, :3], method, tick)
    answer = known.forms[these.places[:, 3]]

    def is_answer(places: Int64) -> Mask:
        same: Mask = (known.forms[places] == answer) & (places >= 0)
        return same

    left_out = is_answer(found.left_out)
    if depth is not None:
        left_out &= found.before < depth
    return _Right(left_out, is_answer(found.kept_in), is_answer(found.alone))


def _rows(
    questions: Questions,
    these: _Covered,
    right: _Right,
    run: tuple[str, str, str],
    sections: bool,
) -> Iterator[AnalogyAccuracy]:
    """The total, and before it each section in the order of the file."""
    asked_of = np.array(questions.section_of)
    if sections:
        for at, name in enumerate(questions.sections):
            yield _row(run, name, int((asked_of == at).sum()), these.section_of == at, right)
    yield _row(run, TOTAL, len(asked_of), np.ones(len(these.section_of), bool), right)


def _row(
    run: tuple[str, str, str], section: str, asked: int, here: Mask, right: _Right
) -> AnalogyAccuracy:
    covered = int(here.sum())
    correct, kept_in, alone = (
        int(mask[here].sum()) for mask in (right.left_out, right.kept_in, right.alone)
    )

    def share(count: int, of: int) -> float | None:
        return count / of if of else None

    return AnalogyAccuracy(
        *run,
        section,
        asked,
        covered,
        correct,
        share(correct, covered),
        kept_in,
        share(kept_in, covered),
        alone,
        share(alone, covered),
        share(correct, asked),
    )


def _notes(
    runs: list[tuple[Measure, str]], methods: tuple[str, ...], case: str, depth: int | None
) -> list[str]:
    forms = "the items a, b and c" if case == "exact" else "a, b and c, in any case,"
    notes = [
        f"accuracy: share of the covered questions whose d is the best candidate, {forms} left out",
        "kept in: the same with a, b and c among the candidates; c alone: with c for the query, "
        "no offset, and a, b and c left out",
        "of asked: correct over all questions, those not covered counted as wrong",
    ]
    if depth is not None:
        notes.append(f"accuracy looks at the {depth} best candidates besides a, b and c themselves")
    if "mul" in methods and not all(measure.cosine for measure, _ in runs):
        asked = {measure.name for measure, _ in runs}
        names = listed([name for name in COSINES if name in asked] or COSINES, "and")
        notes.append(f"3CosMul multiplies cosines: it was asked by {names} alone")
    return notes


class _Bar:
    """Counts steps through all runs."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.what, self._progress, self._done, self._total = "", progress, 0, total

    def step(self) -> None:
        """One block of candidates is done."""
        self._done += 1
        self._progress(self.what, self._done, self._total)
