"""Middle men and the report on a neuron, against brute force in float64 on the real model.

The allowance for float32: a neuron's z is its inner product with a word over what the neuron's
products with the population deviate by, so it is off by a few millionths of |n||w| / deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.errors import BadExpression, QueryError
from test_measures import UNIT, Plain

Float64 = NDArray[np.float64]

UNITS = 1536


@pytest.fixture(scope="module")
def plain(real: Any, real_model: Any) -> Plain:
    return Plain(real, real_model)


@pytest.fixture(scope="module")
def nulls(plain: Plain) -> Any:
    """Mean and deviation of every neuron's products with a population: (rows,) float64 each."""

    def find(side: str, home: str) -> tuple[Float64, Float64]:
        rows = plain.vectors(f"neuron.{side}")
        population = plain.population(home)
        around = population - population.mean(axis=0)
        covariance = around.T @ around / len(around)
        return rows @ population.mean(axis=0), np.sqrt(np.vecdot(rows @ covariance, rows))

    return cache(find)


def word_vector(plain: Plain, word: str) -> tuple[Float64, str]:
    text, _, home = word.partition("@")
    if home:
        return plain.vectors(home)[plain.word(text)], home
    return plain.vectors("embed")[plain.token(f" {text}")], "embed"


def true_scores(
    plain: Plain, nulls: Any, words: Sequence[str], side: str, score: str
) -> tuple[Float64, Float64]:
    """(words, neurons) scores, and how far float32 may lie from each."""
    rows = plain.vectors(f"neuron.{side}")
    lengths = np.linalg.norm(rows, axis=1)
    scores, allowed = [], []
    for word in words:
        vector, home = word_vector(plain, word)
        size = np.linalg.norm(vector)
        products, doubt = rows @ vector, UNIT * lengths * size
        if score == "cosine":
            products, doubt = products / (lengths * size), np.full(len(rows), UNIT)
        if score == "z":
            mean, deviation = nulls(side, home)
            centre = np.linalg.norm(plain.mean(home))
            products, doubt = (products - mean) / deviation, UNIT * lengths * (size + centre)
            doubt = (doubt / deviation) * (1 + np.abs(products))
        scores.append(products)
        allowed.append(doubt)
    return np.stack(scores), np.stack(allowed)


def position(neuron: str) -> int:
    layer, unit = neuron[1:].split("N")
    return int(layer) * UNITS + int(unit)


def check(rows: Sequence[Any], total: Float64, allowed: Float64, within: Sequence[int]) -> None:
    """Rows bear the true totals in their order, and none better among `within` is missing."""
    at = [position(row.neuron) for row in rows]
    assert len(set(at)) == len(at)
    for row, p in zip(rows, at, strict=True):
        assert (row.layer, row.unit) == divmod(p, UNITS)
        assert abs(row.score - total[p]) <= allowed[p], row
    for first, second in pairwise(at):
        assert total[first] + allowed[first] >= total[second] - allowed[second]
    rest = np.setdiff1d(within, at)
    assert set(at) <= set(within)
    if len(rest):
        assert (total - allowed)[rest].max() <= (total + allowed)[at].min()


ALL = range(30 * UNITS)


@pytest.mark.parametrize("combine", ["min", "mean"])
@pytest.mark.parametrize("score", ["z", "dot", "cosine"])
@pytest.mark.parametrize("side", ["gate", "up", "out"])
def test_each_score_on_each_side_ranks_as_brute_force_does(
    plain: Plain, nulls: Any, real: Any, side: str, score: str, combine: str
) -> None:
    words = ("large", "tall", "house")
    scores, allowed = true_scores(plain, nulls, words, side, score)
    total = scores.min(axis=0) if combine == "min" else scores.mean(axis=0)
    answer = real.middleman(*words, side=side, score=score, combine=combine, k=30)
    check(answer.rows, total, allowed.max(axis=0), ALL)
    for row in answer.rows:
        p = position(row.neuron)
        assert list(row.scores) == ["large", "tall", "house"]
        assert (
            np.abs(np.array(list(row.scores.values())) - scores[:, p]).max() <= allowed[:, p].max()
        )


@pytest.mark.parametrize("score", ["z", "dot", "cosine"])
def test_the_largest_score_of_a_word_to_avoid_is_taken_away(
    plain: Plain, nulls: Any, real: Any, score: str
) -> None:
    words, avoid = ("large", "tall"), ("small", "dog")
    scores, allowed = true_scores(plain, nulls, [*words, *avoid], "out", score)
    total = scores[:2].min(axis=0) - np.maximum(scores[2:].max(axis=0), 0)
    total[scores[:2].min(axis=0) <= 0] = -1e9
    answer = real.middleman(*words, avoid=avoid, side="out", score=score, k=20)
    check(answer.rows, total, 2 * allowed.max(axis=0), ALL)
    first = answer.rows[0]
    assert list(first.avoided) == ["small", "dog"]
    assert first.score == min(first.scores.values()) - max(0, *first.avoided.values())
    assert any(max(row.avoided.values()) > 0 for row in answer.rows) or score != "z"


@pytest.mark.parametrize("combine", ["min", "mean"])
@pytest.mark.parametrize("score", ["z", "dot", "cosine"])
def test_what_is_taken_away_makes_no_answer_alone(real: Any, score: str, combine: str) -> None:
    """Of all the neurons of a layer none is named that gives the words asked nothing."""
    how = {"score": score, "combine": combine, "layers": "3"}
    every = real.middleman("king", "woman", **how, k=UNITS).rows
    answer = real.middleman("king", "woman", avoid=["man"], **how, k=UNITS)
    answering = {row.neuron for row in every if row.score > 0}
    assert {row.neuron for row in answer.rows} == answering
    assert 0 < len(answering) < UNITS
    assert [row.rank for row in answer.rows] == list(range(1, len(answering) + 1))
    (said,) = answer.meta.fewer
    assert said.startswith(f"only {len(answering):,} neurons are above 0")
    assert real.ask(answer.query) == answer


@pytest.mark.parametrize(
    ("asked", "layers"), [("0-3", [0, 1, 2, 3]), ("5", [5]), ("2,27-29", [2, 27, 28, 29])]
)
def test_only_the_layers_asked_for_are_ranked(
    plain: Plain, nulls: Any, real: Any, asked: str, layers: list[int]
) -> None:
    scores, allowed = true_scores(plain, nulls, ("dog", "cat"), "gate", "z")
    inside = [layer * UNITS + unit for layer in layers for unit in range(UNITS)]
    for given in (asked, layers):
        answer = real.middleman("dog", "cat", layers=given, k=15)
        assert answer.query.layers == tuple(layers)
        check(answer.rows, scores.min(axis=0), allowed.max(axis=0), inside)


def test_the_best_of_each_layer_are_ranked_within_it(plain: Plain, nulls: Any, real: Any) -> None:
    scores, allowed = true_scores(plain, nulls, ("dog", "cat"), "out", "z")
    answer = real.middleman("dog", "cat", side="out", layers="3-5", per_layer=4)
    assert [(row.layer, row.rank) for row in answer.rows] == [
        (layer, rank) for layer in (3, 4, 5) for rank in (1, 2, 3, 4)
    ]
    for layer in (3, 4, 5):
        inside = range(layer * UNITS, (layer + 1) * UNITS)
        rows = [row for row in answer.rows if row.layer == layer]
        check(rows, scores.min(axis=0), allowed.max(axis=0), inside)


@pytest.mark.slow
def test_every_neuron_can_be_had(real: Any) -> None:
    rows = real.middleman("dog", k=30 * UNITS).rows
    assert len({row.neuron for row in rows}) == 30 * UNITS


@pytest.mark.parametrize("score", ["z", "dot", "cosine"])
def test_a_word_from_another_space_is_read_against_that_space(
    plain: Plain, nulls: Any, real: Any, score: str
) -> None:
    words = ("dog@context.12", "cat")
    scores, allowed = true_scores(plain, nulls, words, "gate", score)
    answer = real.middleman(*words, score=score, k=20)
    check(answer.rows, scores.min(axis=0), allowed.max(axis=0), ALL)
    first = answer.rows[0]
    assert list(first.scores) == ["dog@context.12", "cat"]
    assert [item.space for item in answer.meta.resolved] == ["context.12", "embed"]


def test_what_z_is_read_against_is_said(real: Any) -> None:
    note = real.middleman("dog@context.12", "cat").meta.notes[0]
    assert "31,664 word-like tokens of embed" in note
    assert f"{real.manifest.words:,} indexed words of context.12" in note
    notes = real.middleman("dog", score="dot").meta.notes
    assert not any(note.startswith("z:") for note in notes)


def test_one_word_in_two_spaces_has_a_column_each(real: Any) -> None:
    row = real.middleman("dog@context.3", "dog@context.12", k=1).rows[0]
    assert list(row.scores) == ["dog@context.3", "dog@context.12"]


def test_reads_and_writes_are_the_top_of_the_table_of_nearest_tokens(real: Any) -> None:
    for row in real.middleman("large", "tall", side="out", k=5).rows:
        for side, shown in (("gate", row.reads), ("out", row.writes)):
            kept = real.index.sql(
                "SELECT display FROM neuron_token n JOIN token t ON t.id = n.token "
                "WHERE neuron = ? AND side = ? AND rank BETWEEN 1 AND 4 ORDER BY rank",
                [position(row.neuron), side],
            )
            assert list(shown) == [text for (text,) in kept]
            assert len(shown) == 4


# -- the report on a neuron -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["L29N112", "L0N0", "L13N700"])
def test_norms_and_cosines_of_a_neuron_are_those_of_the_weights(
    plain: Plain, real: Any, name: str
) -> None:
    at = position(name)
    meta = real.neuron(name).meta
    vectors = {side: plain.vectors(f"neuron.{side}")[at] for side in ("gate", "up", "out")}
    assert list(meta.norms) == ["gate", "up", "out"]
    for side, vector in vectors.items():
        assert meta.norms[side] == pytest.approx(np.linalg.norm(vector), rel=1e-6)
    assert set(meta.cosines) == {"gate.out", "gate.up", "up.out"}
    for pair, cosine in meta.cosines.items():
        one, other = (vectors[side] for side in pair.split("."))
        expected = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
        assert cosine == pytest.approx(expected, abs=UNIT)


@pytest.mark.parametrize("name", ["L29N112", "L13N700"])
@pytest.mark.parametrize("side", ["gate", "up", "out"])
def test_nearest_tokens_of_a_neuron_are_those_of_highest_and_lowest_z(
    plain: Plain, real: Any, name: str, side: str
) -> None:
    vector = plain.vectors(f"neuron.{side}")[position(name)]
    ids = [row[0] for row in real.index.sql("SELECT id FROM token WHERE word_like ORDER BY id")]
    products = plain.vectors("embed")[ids] @ vector
    scores = (products - products.mean()) / products.std()
    rows = [r for r in real.neuron(name).rows if (r.side, r.kind) == (side, "token")]
    assert [row.rank for row in rows] == [*range(1, 11), *range(-1, -11, -1)]
    expected = [*np.sort(scores)[::-1][:10], *np.sort(scores)[:10]]
    assert [row.score for row in rows] == pytest.approx(expected, abs=1e-3)
    texts = plain.names("embed")
    where = {texts[i].replace(" ", "␣"): n for n, i in enumerate(ids)}
    for row in rows:
        assert scores[where[row.item]] == pytest.approx(row.score, abs=1e-3)


@pytest.mark.parametrize("side", ["gate", "up", "out"])
def test_nearest_neurons_are_those_of_highest_cosine(plain: Plain, real: Any, side: str) -> None:
    rows = plain.vectors(f"neuron.{side}")
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit[position("L29N112")]
    cosines[position("L29N112")] = -2
    near = [r for r in real.neuron("L29N112", k=12).rows if (r.side, r.kind) == (side, "neuron")]
    assert [row.rank for row in near] == list(range(1, 13))
    assert [row.score for row in near] == pytest.approx(np.sort(cosines)[::-1][:12], abs=UNIT)
    for row in near:
        assert cosines[position(row.item)] == pytest.approx(row.score, abs=UNIT)


def test_a_neuron_may_be_named_in_small_letters_and_with_a_side(real: Any) -> None:
    assert real.neuron("l29n112.out", k=3) == real.neuron("L29N112", k=3)


# -- what cannot be asked -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "options", "said"),
    [
        ((), {}, "name at least one word"),
        (("large + tall",), {}, "is a sum.*: write large, tall$"),
        (("king - man + woman",), {}, "write king, woman, and avoid=man$"),
        (("king - man - boy",), {}, "write king, and avoid='man, boy'$"),
        (("king - man + woman",), {"by": "activations"}, "write king, woman$"),
        (("2*large",), {}, "is a sum"),
        (("- large",), {}, "is a sum"),
        (("L1N2.gate",), {}, "is a neuron"),
        (("large", "large"), {}, "asked for twice"),
        (("large",), {"avoid": ["large"]}, "asked for twice"),
        (("large",), {"side": "gat"}, "did you mean 'gate'"),
        (("large",), {"score": "zz"}, "did you mean 'z'"),
        (("large",), {"combine": "max"}, "there are: min, mean"),
        (("large",), {"layers": "3-30"}, "no layer 30"),
        (("large",), {"layers": "5-3"}, "run backwards; write 3-5"),
        (("large",), {"layers": []}, "layers '' are not numbers"),
        (("large",), {"per_layer": 0}, "a layer has 1 to 1,536"),
        (("large",), {"per_layer": 1537}, "a layer has 1 to 1,536"),
        (("large",), {"k": 0}, "k=0"),
        (("large",), {"layers": "0", "k": 1537}, "1 to 1,536 neurons"),
    ],
)
def test_what_no_neuron_can_answer_is_refused(
    real: Any, words: tuple[str, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        real.middleman(*words, **options)


def test_a_sum_is_a_bad_expression_that_says_where_to_ask_instead(real: Any) -> None:
    with pytest.raises(BadExpression, match=r"neighbors --space neuron\.gate"):
        real.middleman("- large")
    with pytest.raises(BadExpression, match="write large, tall") as caught:
        real.middleman("large + tall")
    assert caught.value.instead == ("large, tall",)
