"""Profiles of words compared: every score against the explicit lists, every percentile by loops."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import explorer
from conftest import Run
from explorer import correlations
from explorer.chance.control_draws import ControlDraws, MatchedWord
from explorer.chance.controls import POOL
from explorer.compute import compare as query
from explorer.compute.controlpairs import PairScores
from explorer.errors import BadExpression, QueryError
from explorer.profiles import Profiles
from indexer.store.errors import SemanticError

Float64 = NDArray[np.float64]

ALL = ("pearson", "spearman", "kendall", "cosine", "euclidean", "dot")
WORDS = ("large", "tall", "dog@context.12", '"Great Dane"')
UNITS = 1536


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


def neurons(ix: Any, side: str) -> Float64:
    space = ix.index.space(f"neuron.{side}")
    return space.rows.block(0, space.entry.rows) * space.norms.astype(np.float64)[:, None]


def vector(ix: Any, word: str) -> Float64:
    text, _, home = word.partition("@")
    found: Float64 = ix.vector(text, space=home or "embed")
    return found


def z_of(ix: Any, rows: Float64, word: str) -> Float64:
    """Deviations of each neuron's product above its mean over the word's space, one by one."""
    home = ix.index.space(word.partition("@")[2] or "embed")
    mu, sigma = home.mean, home.covariance
    return (rows @ (vector(ix, word) - mu)) / np.sqrt(np.vecdot(rows @ sigma, rows))


def by_hand(x: Float64, y: Float64) -> dict[str, float]:
    return {
        "pearson": scipy.stats.pearsonr(x, y).statistic,
        "spearman": scipy.stats.spearmanr(x, y).statistic,
        "kendall": scipy.stats.kendalltau(x, y).statistic,
        "cosine": x @ y / np.sqrt((x @ x) * (y @ y)),
        "euclidean": np.sqrt(((x - y) ** 2).sum()),
        "dot": x @ y,
    }


def check(row: Any, rows: Float64, ix: Any) -> None:
    expected = by_hand(rows @ vector(ix, row.first), rows @ vector(ix, row.second))
    assert row.n == len(rows)
    assert list(row.scores) == list(expected)
    for measure, value in expected.items():
        assert row.scores[measure] == pytest.approx(value, rel=1e-8, abs=1e-10), measure


# -- scores against the explicit lists ------------------------------------------------------


@pytest.mark.parametrize("side", ["gate", "up", "out"])
def test_scores_are_those_of_the_explicit_lists(side: str, real: Any) -> None:
    rows = neurons(real, side)
    answer = real.compare(*WORDS, side=side, measure="all", pairs=0)
    assert len(answer.rows) == 6
    for row in answer.rows:
        check(row, rows, real)


@pytest.mark.parametrize(
    ("layers", "numbers"), [("3", [3]), ("0-2,29", [0, 1, 2, 29]), ([29, 4], [4, 29])]
)
def test_only_the_layers_asked_for_count(layers: Any, numbers: list[int], real: Any) -> None:
    rows = neurons(real, "gate").reshape(30, UNITS, -1)[numbers].reshape(-1, 576)
    answer = real.compare(*WORDS[:3], layers=layers, measure=ALL, pairs=0)
    assert answer.query.layers == tuple(numbers)
    for row in answer.rows:
        check(row, rows, real)


def test_a_row_a_layer_is_over_the_neurons_of_that_layer(real: Any) -> None:
    rows = neurons(real, "out").reshape(30, UNITS, -1)
    answer = real.compare(
        "large", "tall", "dog", side="out", each_layer=True, measure="all", pairs=0
    )
    assert [(r.first, r.second, r.layer) for r in answer.rows] == [
        (first, second, layer)
        for first, second in (("large", "tall"), ("large", "dog"), ("tall", "dog"))
        for layer in range(30)
    ]
    for row in answer.rows[::7]:
        check(row, rows[row.layer], real)


@pytest.mark.slow
@pytest.mark.parametrize("side", ["gate", "out"])
def test_the_neurons_of_greatest_impact_are_those_of_largest_mean_z(side: str, real: Any) -> None:
    rows = neurons(real, side)
    impact = np.mean([np.abs(z_of(real, rows, word)) for word in WORDS], axis=0)
    top = np.argsort(-impact)[:50]
    for row in real.compare(*WORDS, side=side, top_neurons=50, measure="all", pairs=0).rows:
        check(row, rows[top], real)
    longest = np.argsort(-np.linalg.norm(rows, axis=1))[:300]
    options = {"top_neurons": 300, "impact": "norm", "measure": "all", "pairs": 0}
    for row in real.compare(*WORDS, side=side, **options).rows:
        check(row, rows[longest], real)


def test_the_neurons_of_greatest_impact_are_chosen_in_each_layer(real: Any) -> None:
    rows = neurons(real, "gate").reshape(30, UNITS, -1)
    options = {"each_layer": True, "layers": "28-29", "top_neurons": 20}
    for row in real.compare("large", "tall", **options, measure="all", pairs=0).rows:
        impact = sum(np.abs(z_of(real, rows[row.layer], word)) for word in ("large", "tall"))
        check(row, rows[row.layer][np.argsort(-impact)[:20]], real)


@pytest.mark.slow
def test_all_pairs_of_a_thousand_words_are_those_of_their_lists(real: Any) -> None:
    words = [f'"{text}"' for text in real._work.words.texts[:1000]]
    answer = real.compare(*words, layers="0-1", pairs=0, measure=["pearson", "euclidean"])
    lists = np.stack([vector(real, word) for word in words]) @ neurons(real, "gate")[: 2 * UNITS].T
    first, second = np.triu_indices(1000, k=1)
    assert len(answer.rows) == len(first) == 499_500
    pearson = np.corrcoef(lists)[first, second]
    np.testing.assert_allclose([r.scores["pearson"] for r in answer.rows], pearson, atol=1e-10)
    squares = (lists**2).sum(axis=1)
    apart = squares[first] + squares[second] - 2 * (lists @ lists.T)[first, second]
    found = np.array([row.scores["euclidean"] for row in answer.rows])
    np.testing.assert_allclose(found**2, apart, rtol=1e-8, atol=1e-8 * squares.max())
    assert (answer.rows[-1].first, answer.rows[-1].second) == (words[998], words[999])


def test_words_that_are_one_vector_have_no_distance(real: Any) -> None:
    row = real.compare("large", 'token:" large"', measure="all", pairs=0).rows[0]
    assert row.scores["euclidean"] == 0
    for measure in ("pearson", "spearman", "kendall", "cosine"):
        assert row.scores[measure] == pytest.approx(1, abs=1e-12)


@pytest.mark.slow
def test_sums_are_kept_within_their_bound_and_are_the_same_summed_anew(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = neurons(real, "up")
    keeping, forgetful = Profiles(real.index), Profiles(real.index)
    kept = keeping.sums_of_layers("up", range(30))
    monkeypatch.setattr("explorer.profiles._KEPT_BYTES", 3 * 576 * 576 * 8)
    anew = forgetful.sums_of_layers("up", range(30))
    assert (len(keeping._kept), len(forgetful._kept)) == (30, 3)
    for sums in (kept, anew, keeping.sums("up", np.arange(30 * UNITS))):
        assert sums.n == 30 * UNITS
        np.testing.assert_allclose(sums.outer, rows.T @ rows, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(sums.total, rows.sum(axis=0), rtol=1e-9, atol=1e-9)


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Indexes too wide for their sums to be kept; what is done in the place of it is told."""
    done = list[str]()
    monkeypatch.setattr("explorer.profiles._KEPT_BYTES", 0)
    for name in ("products", "sums_of_layers"):
        does = getattr(Profiles, name)

        def told(*of: Any, name: str = name, does: Any = does) -> Any:
            done.append(name)
            return does(*of)

        monkeypatch.setattr(Profiles, name, told)
    return done


@pytest.mark.parametrize("side", ["gate", "out"])
def test_profiles_of_few_words_pass_through_where_sums_are_not_kept(
    side: str, real: Any, wide: list[str]
) -> None:
    answer = real.compare(*WORDS, side=side, measure="all", pairs=0)
    for row in answer.rows:
        check(row, neurons(real, side), real)
    of_layers = real.compare("large", "tall", side=side, each_layer=True, measure="all", pairs=0)
    rows = neurons(real, side).reshape(30, UNITS, -1)
    for row in of_layers.rows[::9]:
        check(row, rows[row.layer], real)
    alike = real.compare("large", 'token:" large"', side=side, measure="all", pairs=0).rows[0]
    assert alike.scores["euclidean"] == 0
    assert set(wide) == {"products"}


@pytest.mark.parametrize("each_layer", [False, True])
def test_whichever_is_less_work_is_done_and_both_say_the_same(
    each_layer: bool, tiny_indexes: Path, wide: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"each_layer": each_layer, "measure": ["pearson", "cosine", "euclidean", "dot"]}
    with explorer.open("llama", tiny_indexes) as ix:
        words, width = ix._work.words.texts[:40], ix.index.embed.entry.width
        assert len(words) > width // 2
        for many, pairs in ((2, 0), (2, 200), (40, 0)):
            wide.clear()
            answer = ix.compare(*words[:many], pairs=pairs, **asked)
            count = answer.rows[0].n
            work = width**2 + 2 * many * width * (width + many) / count
            less = many * (2 * width + many) < work
            assert wide[0] == ("products" if less else "sums_of_layers")
            assert each_layer or less == (many == 2)
            # Of a layer nothing is held for further control pairs, which are few at a time.
            assert each_layer or ("sums_of_layers" in wide) == (pairs > 0 or many > 2)
            assert ix.ask(answer.query) == answer, "to the last digit, whatever was asked before"
            with monkeypatch.context() as kept:
                kept.setattr("explorer.profiles._KEPT_BYTES", 1 << 30)
                other = ix.ask(answer.query)
            ix._work.profiles._kept.clear()
            assert len(answer.rows) == len(other.rows)
            for one, two in zip(answer.rows, other.rows, strict=True):
                assert one.percentiles == two.percentiles
                for measure, score in two.scores.items():
                    assert one.scores[measure] == pytest.approx(score, rel=1e-9, abs=1e-12)


@given(data=st.data(), seed=st.integers(0, 2**32 - 1), count=st.integers(2, 12))
def test_products_of_profiles_that_pass_through_are_those_of_the_lists(
    data: Any, tiny: Any, seed: int, count: int
) -> None:
    rng, width = np.random.default_rng(seed), tiny.index.embed.entry.width
    vectors = rng.normal(size=(count, width)) * 10 ** rng.uniform(-20, 20, (count, 1))
    vectors[0] = 0
    vectors[-1] = np.nextafter(vectors[count // 2], np.inf)
    side = data.draw(st.sampled_from(tiny.index.sides))
    rows = np.sort(rng.choice(tiny.index.neuron_grid.rows, rng.integers(1, 90), replace=False))
    profiles, every = Profiles(tiny.index), neurons(tiny, side)[rows]
    lists = vectors @ every.T
    first, second = (at.ravel() for at in np.indices((count, count)))
    expected = np.square((vectors[first] - vectors[second]) @ every.T).sum(axis=1)
    for found in (
        profiles.products(side, rows, vectors),
        profiles.sums(side, rows).products(vectors),
    ):
        assert found.n == len(rows)
        sizes = np.linalg.norm(vectors, axis=1) * np.linalg.norm(every)
        off = 1e-12 * sizes[:, None] * sizes + 1e-300
        assert (np.abs(found.dots - lists @ lists.T) <= off).all()
        assert (np.abs(found.sums - lists.sum(axis=1)) <= 1e-12 * len(rows) * sizes).all()
        apart = found.squared_distances(first, second)
        lengths = np.linalg.norm(vectors[first] - vectors[second], axis=1) * np.linalg.norm(every)
        assert (np.abs(apart - expected) <= 1e-12 * lengths**2).all()


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=30))
def test_equal_values_share_the_mean_of_their_ranks(values: list[int]) -> None:
    found = correlations.ranks(np.array(values, np.float64))
    assert found.tolist() == scipy.stats.rankdata(values).tolist()


@given(st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=3, max_size=25))
def test_every_measure_of_tied_and_constant_lists(pairs: list[tuple[int, int]]) -> None:
    lists = np.array(pairs, np.float64).T
    first, second = np.array([0]), np.array([1])
    found = correlations.linear(correlations.products_of(lists), first, second, correlations.LINEAR)
    ranked = np.stack([correlations.ranks(values) for values in lists])
    found["spearman"] = correlations.spearman(ranked, first, second)
    found["kendall"] = correlations.kendall(ranked, first, second, lambda _: None)
    x, y = lists
    flat = np.ptp(x) == 0 or np.ptp(y) == 0
    for measure in ("pearson", "spearman", "kendall"):
        expected = 0.0 if flat else by_hand(x, y)[measure]
        assert found[measure][0] == pytest.approx(expected, abs=1e-12), measure
    size = np.linalg.norm(x) * np.linalg.norm(y)
    assert found["cosine"][0] == pytest.approx(x @ y / size if size else 0.0, abs=1e-12)
    assert found["euclidean"][0] == pytest.approx(np.linalg.norm(x - y), abs=1e-12)
    assert found["dot"][0] == x @ y


def test_spearman_of_few_pairs_and_of_all_is_the_same() -> None:
    rng = np.random.default_rng(0)
    ranked = np.stack([correlations.ranks(values) for values in rng.normal(size=(20, 9000))])
    first, second = np.triu_indices(20, k=1)
    every = correlations.spearman(ranked, first, second)
    for at in range(0, 190, 17):
        one = correlations.spearman(ranked, first[at : at + 1], second[at : at + 1])
        assert one[0] == every[at]


# -- percentiles against loops --------------------------------------------------------------


def control_pairs(ix: Any, words: tuple[str, str], how: str, count: int) -> Iterator[list[int]]:
    """The first so many draws that give two words, neither a form of the other or of the asked."""
    asked = []
    for word in words:
        item = ix._work.resolver.item(explorer.api.parse(word).single, ix.index.space("embed"))
        asked.append(query._stood_in_for(item, ix._work.words))
    stand_ins, texts, part = ControlDraws(ix._work.words, asked, how, 0), ix._work.words.texts, 0
    while True:
        for draw in stand_ins.drawn(part).tolist():
            one, other = (texts[at].casefold() for at in draw)
            if one != other and not {one, other} & {a.text.casefold() for a in asked}:
                yield draw
                count -= 1
                if count == 0:
                    return
        part += 1


def share_below(asked: float, values: list[float]) -> float:
    """Per cent of the values that lie below, half of the equals."""
    lower = sum(value < asked for value in values)
    return 100 * (lower + sum(value == asked for value in values) / 2) / len(values)


@pytest.mark.parametrize("how", ["matched", "random"])
@pytest.mark.parametrize("words", [("large", "tall"), ("dog@context.12", "Paris")])
def test_percentiles_are_those_of_control_pairs_taken_one_by_one(
    words: tuple[str, str], how: str, real: Any
) -> None:
    answer = real.compare(*words, layers="7", measure="all", control=how, pairs=150)
    rows = neurons(real, "gate")[7 * UNITS : 8 * UNITS]
    homes = [word.partition("@")[2] or "embed" for word in words]
    found: dict[str, list[float]] = {measure: [] for measure in ALL}
    for draw in control_pairs(real, words, how, 150):
        lists = [
            rows @ real._work.words.vectors(home, np.array([at]))[0]
            for home, at in zip(homes, draw, strict=True)
        ]
        for measure, value in by_hand(*lists).items():
            found[measure].append(value)
    row = answer.rows[0]
    for random in answer.meta.random:
        values = found[random.measure]
        asked = row.scores[random.measure]
        assert row.percentiles[random.measure] == pytest.approx(share_below(asked, values))
        assert (random.n, random.layer) == (150, None)
        assert random.mean == pytest.approx(np.mean(values))
        assert random.std == pytest.approx(np.std(values))
    assert [random.measure for random in answer.meta.random] == list(ALL)


@pytest.mark.slow
def test_each_control_pair_is_compared_over_neurons_of_its_own(real: Any) -> None:
    options = {"layers": "28-29", "top_neurons": 30, "measure": "all", "pairs": 100}
    answer = real.compare("large", "tall", **options)
    rows = neurons(real, "gate")[28 * UNITS :]
    found: dict[str, list[float]] = {measure: [] for measure in ALL}
    same: list[float] = []
    mine = np.mean([np.abs(z_of(real, rows, word)) for word in ("large", "tall")], axis=0)
    for draw in control_pairs(real, ("large", "tall"), "matched", 100):
        vectors = real._work.words.vectors("embed", np.array(draw))
        home = real.index.space("embed")
        spread = np.sqrt(np.vecdot(rows @ home.covariance, rows))
        impact = np.mean([np.abs(rows @ (v - home.mean)) / spread for v in vectors], axis=0)
        top = rows[np.argsort(-impact)[:30]]
        for measure, value in by_hand(*(top @ v for v in vectors)).items():
            found[measure].append(value)
        same.append(by_hand(*(rows[np.argsort(-mine)[:30]] @ v for v in vectors))["pearson"])
    row = answer.rows[0]
    for measure, values in found.items():
        assert row.percentiles[measure] == pytest.approx(share_below(row.scores[measure], values))
    biased = real.compare("large", "tall", **options, control_neurons="same").rows[0]
    assert biased.scores == row.scores
    expected = share_below(row.scores["pearson"], same)
    assert biased.percentiles["pearson"] == pytest.approx(expected)


def test_a_pair_stands_the_same_whatever_is_asked_with_it(real: Any) -> None:
    alone = real.compare("large", "tall", pairs=300, layers="0-3", measure="pearson,dot").rows[0]
    many = real.compare(
        "dog", "tall", *(f'"{t}"' for t in real._work.words.texts[200:260]), "large",
        pairs=300, layers="0-3", measure="pearson,dot",
    )  # fmt: skip
    row = next(r for r in many.rows if {r.first, r.second} == {"large", "tall"})
    assert row.percentiles == alone.percentiles
    assert row.scores == pytest.approx(alone.scores, rel=1e-10)


def test_how_many_fit_at_once_changes_nothing(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = [
        {"measure": "pearson,euclidean"},
        {"measure": "all", "layers": "3"},
        {"top_neurons": 40, "layers": "0-1"},
        {"each_layer": True, "layers": "4-6"},
    ]
    whole = [real.compare("large", "tall", "dog", pairs=120, **options) for options in asked]
    monkeypatch.setattr(query, "_BYTES", 40 * 16 * 30 * UNITS)
    monkeypatch.setattr(query, "_VECTORS_AT_ONCE", 50)
    monkeypatch.setattr("explorer.profiles._LISTS_BYTES", 1 << 20)
    for options, before in zip(asked, whole, strict=True):
        after = real.compare("large", "tall", "dog", pairs=120, **options)
        assert [row.percentiles for row in after.rows] == [row.percentiles for row in before.rows]
        for one, other in zip(after.meta.random, before.meta.random, strict=True):
            assert one.mean == pytest.approx(other.mean, rel=1e-10)
            assert one.n == other.n == 360


@pytest.mark.native
@pytest.mark.slow
def test_random_pairs_stand_anywhere_alike_unless_their_neurons_are_chosen_on_them(
    real: Any,
) -> None:
    """Percentiles of random pairs are uniform; over neurons chosen on the pair alone they are not.

    Those neurons give the pair more than they give others, so that it lies farther apart.
    """
    words, rng = real._work.words.texts, np.random.default_rng(4)
    drawn = rng.permutation(len(words))[:200].reshape(100, 2)
    options = {"layers": "15", "control": "random", "pairs": 100}

    def p_uniform(measure: str, **more: Any) -> float:
        found = []
        for at, pair in enumerate(drawn):
            asked = [f'"{words[i]}"' for i in pair]
            row = real.compare(*asked, **options, measure=measure, seed=at, **more).rows[0]
            found.append(row.percentiles[measure] / 100)
        return float(scipy.stats.kstest(found, "uniform").pvalue)

    assert p_uniform("pearson") > 0.01
    assert p_uniform("euclidean", top_neurons=30) > 0.01
    assert p_uniform("euclidean", top_neurons=30, control_neurons="same") < 1e-6


def test_ties_count_by_half_and_parts_make_the_whole() -> None:
    standing = PairScores(np.array([1.0, 5.0]))
    first = np.array([[0.0, 5.0], [1.0, 5.0], [1.0, 9.0]])
    standing.add(first, np.array([[True, True], [True, True], [True, False]]))
    standing.add(np.array([[2.0, 4.0]]), np.array([[True, True]]))
    standing.add(np.array([[7.0, 7.0]]), np.array([[False, False]]))
    assert standing.percentiles.tolist() == [50.0, pytest.approx(200 / 3)]
    values = [0.0, 5.0, 1.0, 5.0, 1.0, 2.0, 4.0]
    assert (standing.n, standing.mean) == (7, pytest.approx(np.mean(values)))
    assert standing.std == pytest.approx(np.std(values))


# -- what stands in -------------------------------------------------------------------------


def test_stand_ins_are_the_words_most_alike_never_a_form_of_the_word(real: Any) -> None:
    words = real._work.words
    asked = [
        MatchedWord(text, text, "embed", words.trait(words.ids[text], "embed"))
        for text in ("large", "Paris", "tall")
    ]
    stand_ins = ControlDraws(words, asked, "matched", 3)
    parts = np.concatenate([stand_ins.drawn(part) for part in range(4)])
    assert (parts == np.concatenate([stand_ins.drawn(part) for part in range(4)])).all()
    for one, column in zip(asked, parts.T, strict=True):
        texts = {words.texts[at] for at in column}
        assert POOL - 5 <= len(texts) <= POOL
        assert one.text.casefold() not in {text.casefold() for text in texts}
        assert {int(words.capital[at]) for at in column} == {one.trait.capital}
    assert not (stand_ins.drawn(0) == ControlDraws(words, asked, "matched", 4).drawn(0)).all()


def test_a_seed_gives_the_same_answer(real: Any) -> None:
    one, same, other = (
        real.compare("large", "tall", layers="5", pairs=100, seed=seed) for seed in (1, 1, 2)
    )
    assert one == same
    assert one.meta.random != other.meta.random
    assert one.rows[0].scores == other.rows[0].scores


def test_a_text_that_is_not_indexed_is_matched_as_the_rarest_word(real: Any) -> None:
    answer = real.compare('"large dog house"', "tall", layers="5", pairs=100)
    (note,) = [note for note in answer.meta.notes if "not indexed" in note]
    assert "'large dog house' is not indexed: matched in frequency as the rarest" in note
    assert not any("not indexed" in n for n in real.compare("dog", "tall", pairs=100).meta.notes)


# -- what is said ---------------------------------------------------------------------------


def test_the_answer_says_over_which_neurons_and_against_which_pairs(real: Any) -> None:
    few = {"pairs": 100}
    notes = " | ".join(real.compare("large", "tall", **few).meta.notes)
    assert "all 46,080 neurons of layers 0 to 29" in notes
    assert "percentile among 100 control pairs" in notes
    assert "euclidean is a distance: a low one is near" in notes
    assert "200 indexed words most like it in tokens, capital, frequency and norm" in notes
    notes = " | ".join(real.compare("large", "tall", top_neurons=9, **few).meta.notes)
    assert "the 9 neurons with the largest mean |z| over the words asked, of 46,080" in notes
    assert "each control pair over the neurons chosen so on its own words" in notes
    options = {"top_neurons": 9, "control_neurons": "same", "control": "random", **few}
    notes = " | ".join(real.compare("large", "tall", **options).meta.notes)
    assert "which the choice makes stand out" in notes
    assert f"{real.manifest.words:,} indexed words (random, seed 0)" in notes
    notes = " | ".join(real.compare("a", "b", each_layer=True, layers="2,5", pairs=0).meta.notes)
    assert "all 1,536 neurons of each layer, layers 2, 5" in notes
    assert "no control pairs were asked for" in notes


def test_measures_are_those_named_or_what_is_soon_had(real: Any) -> None:
    usual = real.compare("large", "tall", pairs=0, layers="0")
    assert usual.query.measure == ("pearson", "spearman", "cosine", "euclidean", "dot")
    named = real.compare("large", "tall", pairs=0, layers="0", measure="dot, kendall")
    assert list(named.rows[0].scores) == ["kendall", "dot"]
    many = real.compare(*(f'"{t}"' for t in real._work.words.texts[:7]), pairs=0, layers="0")
    assert many.query.measure == ("pearson", "cosine", "euclidean", "dot")


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        ((), {}, "name two words or more"),
        (("large",), {}, "name two words or more"),
        (("large", "large"), {}, "'large' is asked for twice"),
        (("large", "tall + dog"), {}, "is a sum"),
        (("large", "2*dog"), {}, "is a sum"),
        (("large", "L1N2.gate"), {}, "is a neuron"),
        (("large", "L1H2D3.value"), {}, "is a head dimension"),
        (("large", "lagre"), {}, "did you mean ' large'"),
        (("large", "tall"), {"side": "gat"}, "did you mean 'gate'"),
        (("large", "tall"), {"impact": "nrom"}, "did you mean 'norm'"),
        (("large", "tall"), {"control_neurons": "sam"}, "did you mean 'same'"),
        (("large", "tall"), {"control": "match"}, "did you mean 'matched'"),
        (("large", "tall"), {"measure": "pearsn"}, "did you mean 'pearson'"),
        (("large", "tall"), {"measure": ","}, "no measure is named"),
        (("large", "tall"), {"layers": "0-30"}, "no layer 30"),
        (("large", "tall"), {"layers": "5-3"}, "write 3-5"),
        (("large", "tall"), {"top_neurons": 2}, "layers 0 to 29 have 3 to 46,080 to choose"),
        (("large", "tall"), {"top_neurons": 46_081}, "3 to 46,080"),
        (("large", "tall"), {"top_neurons": 1537, "each_layer": True}, "layer 0 has 3 to 1,536"),
        (("large", "tall"), {"impact": "norm"}, "name top_neurons too"),
        (("large", "tall"), {"control_neurons": "same"}, "name top_neurons too"),
        (("large", "tall"), {"pairs": 99}, "100 to 1,000,000, or 0 for none"),
        (("large", "tall"), {"pairs": -1}, "or 0 for none"),
        (("large", "tall"), {"seed": -1}, "a seed is 0 or more"),
        (tuple(f"w{i}" for i in range(1500)), {}, "1,500 words make 1,124,250 rows"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    words: tuple[str, ...], options: dict[str, Any], said: str, real: Any
) -> None:
    with pytest.raises((QueryError, SemanticError), match=re.escape(said)) as raised:
        real.compare(*words, **options)
    assert "\n" not in str(raised.value)


def test_a_sum_is_a_bad_expression(real: Any) -> None:
    with pytest.raises(BadExpression, match="nothing stands in for a sum"):
        real.compare("large + tall", "dog")


def test_a_profile_that_does_not_vary_has_no_correlation(
    tiny_indexes: Path, tmp_path: Path
) -> None:
    """A token whose vector is zero, as unused ones of some models are."""
    with explorer.open("llama", tiny_indexes) as ix:
        token = ix.index.tokens.by_text(" dog")
        ix.index.space("embed").norms[token.id] = 0
        with pytest.raises(QueryError, match="neurons give 'dog' the same"):
            ix.compare("dog", "cat", pairs=0)
        scores = ix.compare("dog", "cat", pairs=0, measure="euclidean,dot").rows[0].scores
    assert scores["dot"] == 0
    assert scores["euclidean"] > 0


def test_an_index_of_few_words_is_refused(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tiny._work.words
    dog = MatchedWord("dog", "dog", "embed", words.trait(0, "embed"))
    with pytest.raises(QueryError, match="build one with more --words"):
        ControlDraws(_Few(words), [dog], "random", 0)


class _Few:
    """A population cut to its first three words."""

    def __init__(self, words: Any) -> None:
        self.index, self.texts = words.index, words.texts[:3]
        self.texts[0] = "Dog"
        self.zipf, self.capital, self.n_tokens = (
            every[:3] for every in (words.zipf, words.capital, words.n_tokens)
        )

        self.ids = {text: at for at, text in enumerate(self.texts)}
        self.same_tokens = words.same_tokens[:3]

    def __len__(self) -> int:
        return 3


# -- the program ----------------------------------------------------------------------------


def test_the_program_answers_as_python_does(tiny: Any, tiny_indexes: Any, run: Run) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama"]
    done = run(
        "explorer", "compare", "large", "tall", "dog", "--side", "out", "--layers", "0-1",
        "--top-neurons", "12", "--each-layer", "--control", "random", "--pairs", "100",
        "--seed", "3", "--measure", "all", "--format", "json", *args,
    )  # fmt: skip
    answer = tiny.compare(
        "large", "tall", "dog", side="out", layers="0-1", top_neurons=12, each_layer=True,
        control="random", pairs=100, seed=3, measure="all",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.json() == json.loads(json.dumps(answer.to_dict(), allow_nan=False))
    table = run("explorer", "compare", "large", "tall", "--pairs", "100", *args)
    assert (table.code, table.err) == (0, "")
    assert table.out.startswith("profiles of large, tall over neurons, gate side\n")
    row = tiny.compare("large", "tall", pairs=100).rows[0]
    shown = re.search(r"pearson +(\S+) +(\S+)", table.out)
    assert shown is not None
    assert shown[1] == f"{row.scores['pearson']:.4f}"
    assert shown[2] == f"{row.percentiles['pearson']:.1f}"
    many = run("explorer", "compare", "large", "tall", "dog", "cat", "--pairs", "100", *args)
    assert "control pairs score, mean ± std (n = 600): pearson" in many.out


def test_words_may_stand_in_a_file(tiny_indexes: Any, run: Run, tmp_path: Path) -> None:
    args = ["--pairs", "0", "--indexes", str(tiny_indexes), "--index", "llama"]
    file = tmp_path / "words.txt"
    file.write_text('large\n\n  tall\n"Great Dane"\n', "utf-8")
    done = run("explorer", "compare", "--file", str(file), "--format", "csv", *args)
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [(row["first"], row["second"]) for row in rows] == [
        ("large", "tall"), ("large", '"Great Dane"'), ("tall", '"Great Dane"')
    ]  # fmt: skip
    assert float(rows[0]["scores.pearson"]) <= 1
    for content, said in ((b"", "holds no words"), (b"large\n\xff\n", "not UTF-8: line 2")):
        file.write_bytes(content)
        done = run("explorer", "compare", "--file", str(file), *args)
        assert done.code == 2
        assert said in done.err
    assert "cannot read" in run("explorer", "compare", "--file", "nowhere", *args).err
    assert "not both" in run("explorer", "compare", "dog", "--file", str(file), *args).err


def test_a_table_shows_the_first_thousand_rows_and_says_so(real: Any) -> None:
    answer = real.compare(*(f'"{t}"' for t in real._work.words.texts[:60]), pairs=0, layers="0")
    text = str(answer)
    assert "the first 1,000 of 1,770 rows" in text
    assert "and 50 more" in text
    assert len(answer.to_dicts()) == 1770
