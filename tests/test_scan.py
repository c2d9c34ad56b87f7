"""Ranks and best items against a sort of every score in float64, of rows made to be close."""

from __future__ import annotations

from collections.abc import Sequence
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
from explorer.compute.analogy import _multiplied
from explorer.measures import MEASURES
from explorer.measures.measure import Measure, Weighted, pair_scores
from explorer.measures.registry import KINDS
from explorer.measures.whitened import Whitened
from explorer.scan import combined, scan
from explorer.testsets.lexicon import Lexicon
from explorer.testsets.offsets import best_answers
from indexer.store.rows import scan_error
from indexer.store.space import Space
from whitening import whitener_by

Float64 = NDArray[np.float64]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.data(), close_rows, st.sampled_from(MEASURES))
def test_the_best_and_what_is_better_are_those_of_a_sort_in_float64(
    data: Any, close: Close, measure: str
) -> None:
    with space_of(close.vectors()) as space:
        by = KINDS[measure](space)
        if not usable(by):
            return
        query = asked(data, by)
        exact, found = one_by_one(by, query), scan(by, query)
        for k in (1, 5, len(exact) + 3):
            positions, values = found.best(k)
            assert positions.tolist() == sorted_by(exact, found.sign, k)
            assert values.tolist() == exact[positions].tolist()
        among = np.flatnonzero(np.arange(len(exact)) % 3 == 0)
        some = found.best(4, among)[0].tolist()
        assert some == [int(among[at]) for at in sorted_by(exact[among], found.sign, 4)]
        levels = [*exact[:: max(1, len(exact) // 20)], float(np.median(exact))]
        for level in [*levels, *np.nextafter(levels, np.inf), np.inf, -np.inf]:
            better = found.sign * exact > found.sign * level
            assert np.sort(found.better(float(level))).tolist() == np.flatnonzero(better).tolist()


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.data(), close_rows, st.sampled_from(MEASURES))
def test_no_score_of_a_scan_is_off_by_more_than_is_allowed_for(
    data: Any, close: Close, measure: str
) -> None:
    with space_of(close.vectors()) as space:
        by = KINDS[measure](space)
        if not usable(by):
            return
        queries = np.stack([asked(data, by)] * 17)
        queries *= np.geomspace(1e-20, 1e20, 17)[:, None]
        together = list(by.scores_of_each(queries))
        for query, many in zip(queries, together, strict=True):
            exact = by_formula(by, query)
            for values in (many, by.scores(query)):
                allowed = by.off_by(values, query)
                assert (np.abs(values - exact) <= allowed).all()


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data(), close_rows, st.sampled_from(MEASURES))
def test_exact_scores_are_those_of_the_formula(data: Any, close: Close, measure: str) -> None:
    with space_of(close.vectors()) as space:
        by = KINDS[measure](space)
        if not usable(by):
            return
        query = asked(data, by)
        exact, expected = one_by_one(by, query), by_formula(by, query)
        scale = space.lengths + float(np.linalg.norm(space.mean)) + float(np.linalg.norm(query))
        if measure in ("cosine", "centered"):
            scale = scale * space.over_centered if measure == "centered" else np.ones(len(exact))
        elif measure == "dot":
            scale = space.lengths * float(np.linalg.norm(query))
        elif isinstance(by, Whitened):
            longest = float(np.linalg.norm(by.whitening.root))
            beyond = space.lengths + float(np.linalg.norm(space.mean))
            scale = longest * beyond / np.maximum(by.lengths, 1e-300)
        assert (np.abs(exact - expected) <= 1e-12 * scale + 1e-300).all()


def test_equal_rows_score_the_same_whatever_stands_beside_them() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5000, 33))
    vectors[[0, 7, 4096, 4999]] = vectors[1234]
    equal = np.array([0, 7, 1234, 4096, 4999])
    with space_of(vectors) as space:
        for measure in MEASURES:
            query = rng.normal(size=33)
            by = KINDS[measure](space)
            every = by.exact_scores(np.arange(5000), query)
            assert len(set(every[equal].tolist())) == 1
            assert by.exact_scores(equal[::-1], query).tolist() == (every[equal[::-1]].tolist())


def test_what_a_scan_may_be_off_by_grows_with_the_width() -> None:
    assert scan_error(576) == pytest.approx(581 / 2**24, rel=1e-4)
    assert scan_error(8192) < 5e-4


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.data(), close_rows, st.sampled_from(["cosine", "centered", "whitened"]))
def test_products_of_cosines_rank_as_a_sort_in_float64(
    data: Any, close: Close, measure: str
) -> None:
    weights = data.draw(st.lists(st.sampled_from([1.0, 2.5, 0.5, -1.0, -2.0]), max_size=2))
    with space_of(close.vectors()) as space:
        by = KINDS[measure](space)
        if not usable(by):
            return
        own = np.flatnonzero(by.normed_rows(vectors_of(space)).any(axis=1))
        if not len(own):
            return
        items = [
            Weighted(space.vector(int(data.draw(st.sampled_from(own.tolist())))), weight, space)
            for weight in (1.0, *weights)
        ]
        signs = [1 if item.weight > 0 else -1 for item in items]
        queries = [by.compose([Weighted(i.vector, 1.0, space)]) for i in items]
        found = combined(
            [scan(by, query) for query in queries],
            signs,
            lambda cosines: _multiplied(cosines, items),
        )
        exact = _multiplied([one_by_one(by, query) for query in queries], items)
        assert (np.abs(found.values - exact) <= found.off_by).all()
        positions, values = found.best(7)
        assert positions.tolist() == sorted_by(exact, 1, 7)
        assert values.tolist() == exact[positions].tolist()
        for level in [*exact[::20], *np.nextafter(exact[::20], 2)]:
            better = np.sort(found.better(float(level)))
            assert better.tolist() == np.flatnonzero(exact > level).tolist()


# -- test sets ------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data(), close_rows, st.sampled_from(MEASURES), st.sampled_from(["add", "mul"]))
def test_the_answer_to_an_analogy_is_the_first_of_the_best_in_float64(
    data: Any, close: Close, measure: str, method: str
) -> None:
    if method == "mul" and measure in ("dot", "euclidean"):
        return
    rng = np.random.default_rng(data.draw(seeds))
    with space_of(close.vectors()) as space:
        by = KINDS[measure](space)
        if not usable(by):
            return
        rows = by.normed_rows(vectors_of(space))
        some = np.flatnonzero(rows.any(axis=1))
        if len(some) < 3:
            return
        questions = rng.choice(some, (20, 3))
        texts = tuple(f"w{at}" for at in range(len(rows)))
        known = Lexicon(np.arange(len(rows)), texts, "word", "exact", "")
        found = best_answers(by, known, questions, method)
        for at, (a, b, c) in enumerate(questions.tolist()):
            each = [alone_scores(by, word) for word in (a, b, c)]
            if method == "mul":
                shifted = [(1 + one) / 2 for one in each]
                scored = shifted[1] * shifted[2] / (shifted[0] + 1e-6)
            else:
                scored = each[1] - each[0] + each[2]
            left = np.ones(len(rows), bool)
            left[[a, b, c]] = False
            assert found.kept_in[at] == scored.argmax()
            if left.any():
                assert found.left_out[at] == np.where(left, scored, -np.inf).argmax()
                assert found.alone[at] == np.where(left, each[2], -np.inf).argmax()
            assert found.before[at] == 0


def vectors_of(space: Space) -> Float64:
    every = np.arange(space.entry.rows)
    return space.rows.take(every).astype(np.float64) * space.norms[every, None]


def alone_scores(measure: Measure, word: int) -> Float64:
    """Scores of every candidate with one word, each summed by itself."""
    rows = measure.items(np.arange(measure.space.entry.rows))
    (asking,) = measure.asking(np.array([word]))
    scored = np.array([np.multiply(row, asking).sum() for row in rows])
    if measure.distance:
        scored -= np.array([np.square(row).sum() for row in rows]) / 2
    return scored


# -- pairs ----------------------------------------------------------------------------------


def test_scores_of_pairs_are_those_of_their_rows_in_float64() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(60, 40)) * 10.0 ** rng.integers(-3, 4, (60, 1)) + 1
    vectors[1] = vectors[0]
    first, second = np.triu_indices(60)
    with space_of(vectors) as space:
        measures = [KINDS[name](space) for name in MEASURES]
        found = dict(zip(MEASURES, pair_scores(measures, first, second), strict=True))
        assert found["euclidean"][first == second].tolist() == [0.0] * 60
        assert found["euclidean"][(first == 0) & (second == 1)].tolist() == [0.0]
        for measure in measures:
            for at, query in enumerate(vectors_of(space)):
                one = measure.normed_rows(query[None])[0]
                here = first == at
                exact = measure.exact_scores(second[here], one)
                np.testing.assert_allclose(found[measure.name][here], exact, rtol=1e-6, atol=1e-9)


# -- the real index -------------------------------------------------------------------------


def raw(ix: Any, space: str) -> tuple[Float64, Float64, Float64]:
    """Unit rows, lengths and mean of a space, read as anyone would who has FAISS and NumPy."""
    folder = ix.index.folder / "spaces"
    rows = faiss.read_index(str(folder / f"{space}.faiss"))
    moments = np.load(folder / f"{space}.npz")
    unit = rows.reconstruct_n(0, rows.ntotal).astype(np.float64)
    return unit, moments["norms"].astype(np.float64), moments["mean"]


def prepared(ix: Any, space: str, measure: str) -> Float64:
    """Rows whose products, or whose distances, are scores by a measure."""
    unit, lengths, mean = raw(ix, space)
    if measure == "cosine":
        return unit / np.linalg.norm(unit, axis=1, keepdims=True)
    vectors = unit * lengths[:, None]
    if measure in ("dot", "euclidean"):
        return vectors
    away = vectors - mean
    if measure == "whitened":
        away = away @ stored_root(ix, space)
    return away / np.linalg.norm(away, axis=1, keepdims=True)


def stored_root(ix: Any, space: str) -> Float64:
    """What whitens rows, by the moments that are stored."""
    moments = np.load(ix.index.folder / f"spaces/{space}.npz")
    lengths = moments["centered_norms"]
    members = ix.index.tokens.word_like if space == "embed" else np.arange(len(lengths))
    return whitener_by(moments["covariance"], lengths[members])


def tightest(scored: Float64, own: Sequence[int], count: int, alike: float) -> list[int]:
    """The items whose scores lie closest below another's, though digits tell them apart."""
    kept = np.setdiff1d(np.arange(len(scored)), own)
    order = kept[np.argsort(scored[kept])]
    gaps = np.diff(scored[order])
    gaps[gaps <= 10 * alike * np.abs(scored[order[1:]])] = np.inf
    return [int(order[at]) for at in np.argsort(gaps, kind="stable")[:count]]


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("space", ["embed", "context.1", "context.15", "context.30"])
def test_a_target_s_rank_is_that_of_a_sort_in_float64(real: Any, space: str, measure: str) -> None:
    rows = prepared(real, space, measure)
    words = ("king", "woman") if measure != "dot" else ("dog", "small")
    index = real.index
    if space == "embed":
        own = [index.tokens.by_text(f" {word}").id for word in words]
    else:
        own = [index.words.by_text(word).id for word in words]
    query = rows[own].sum(axis=0)
    if measure not in ("dot", "euclidean"):
        query /= np.linalg.norm(query)
    if measure == "euclidean":
        scored = -np.sqrt(((rows - query) ** 2).sum(axis=1))
    else:
        scored = np.multiply(rows, query).sum(axis=1)
    # Two ways to one matrix agree in fewer digits, the fewer the more variances differ.
    alike = 1e-12 if measure == "whitened" else 1e-14
    for at in tightest(scored, own, 12, alike):
        name = f"#{at}" if space == "embed" else f'"{index.words.by_id([at])[0].text}"'
        better = np.delete(scored, own) > scored[at]
        near = np.abs(np.delete(scored, own) - scored[at]) <= alike * max(1, abs(scored[at]))
        found = real.analogy(" + ".join(words), name, space=space, measure=measure).meta.target
        # What its digits cannot tell from the target may stand on either side of it.
        least = 1 + int((better & ~near).sum())
        assert least <= found.rank <= least + int(near.sum()) - 1
