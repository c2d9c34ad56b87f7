"""Analogies: 3CosAdd and 3CosMul against hand computation, and where a target stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.errors import QueryError
from test_measures import UNIT, Plain

Float64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def plain(real: Any, real_model: Any) -> Plain:
    return Plain(real, real_model)


def unit(vectors: Float64) -> Float64:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def prepared(plain: Plain, space: str) -> Float64:
    """Unit rows in the sense of the space's own measure: plain in embed, centred in context."""
    vectors = plain.vectors(space)
    return unit(vectors if space == "embed" else vectors - plain.mean(space))


def at(plain: Plain, space: str, word: str) -> int:
    return plain.token(f" {word}") if space == "embed" else plain.word(word)


def added(plain: Plain, space: str, positive: list[str], negative: list[str]) -> Float64:
    rows = prepared(plain, space)
    total = sum(rows[at(plain, space, w)] for w in positive)
    total = total - sum((rows[at(plain, space, w)] for w in negative), np.zeros(576))
    return rows @ unit(total)


def multiplied(plain: Plain, space: str, positive: list[str], negative: list[str]) -> Float64:
    """gensim's most_similar_cosmul."""
    rows = prepared(plain, space)

    def shifted(word: str) -> Float64:
        cosines: Float64 = rows @ rows[at(plain, space, word)]
        return (1 + cosines) / 2

    above = np.prod([shifted(w) for w in positive], axis=0)
    return above / (np.prod([shifted(w) for w in negative], axis=0) + 1e-6)


POSITIVE, NEGATIVE = ["king", "woman"], ["man"]
ROYAL = "king - man + woman"


@pytest.mark.parametrize("space", ["embed", "context.0", "context.9", "context.30"])
@pytest.mark.parametrize("method", ["add", "mul"])
def test_the_ranking_is_that_of_the_formula(
    plain: Plain, real: Any, space: str, method: str
) -> None:
    formula = added if method == "add" else multiplied
    scores = formula(plain, space, POSITIVE, NEGATIVE)
    calibrated = (scores - scores.mean()) / scores.std()
    own = [at(plain, space, word) for word in (*POSITIVE, *NEGATIVE)]
    answer = real.analogy(ROYAL, space=space, method=method, k=10)
    names = plain.names(space)
    kept = np.delete(np.arange(len(scores)), own)
    expected = kept[np.argsort(-scores[kept], kind="stable")[:10]]
    assert [row.text for row in answer.rows] == [names[i] for i in expected]
    allowed = 20 * UNIT
    assert [row.score for row in answer.rows] == pytest.approx(scores[expected], abs=allowed)
    assert [row.z for row in answer.rows] == pytest.approx(calibrated[expected], abs=1e-3)


def test_adding_gives_what_neighbors_gives(real: Any) -> None:
    for space in ("embed", "context.12"):
        asked = real.analogy("dog + small", space=space, k=7)
        assert asked.rows == real.neighbors("dog + small", space, k=7).rows


def rank_of(scores: Float64, target: float, left_out: list[int]) -> int:
    better = np.delete(scores, left_out) > target
    return 1 + int(better.sum())


@pytest.mark.parametrize("method", ["add", "mul"])
@pytest.mark.parametrize("space", ["embed", "context.12"])
def test_the_standing_of_a_target_is_that_of_brute_force(
    plain: Plain, real: Any, space: str, method: str
) -> None:
    def formula(words: list[str]) -> Float64:
        if method == "add":
            return added(plain, space, words, [])
        rows = prepared(plain, space)
        cosines = [rows @ rows[at(plain, space, word)] for word in words]
        return np.prod([(1 + c) / 2 for c in cosines], axis=0)

    puppy = at(plain, space, "puppy")
    answer = real.analogy("dog + small", "puppy", against="dog + large", space=space, method=method)
    target = answer.meta.target
    scores = formula(["dog", "small"])
    own = [at(plain, space, word) for word in ("dog", "small")]
    assert target.score == pytest.approx(scores[puppy], abs=10 * UNIT)
    assert target.z == pytest.approx((scores[puppy] - scores.mean()) / scores.std(), abs=1e-3)
    assert target.rank == rank_of(scores, scores[puppy], [*own, puppy])
    assert target.n == len(scores) - 2
    for component, word in zip(target.components, ("dog", "small"), strict=True):
        alone = formula([word])
        assert component.score == pytest.approx(alone[puppy], abs=10 * UNIT)
        assert component.gain == pytest.approx(scores[puppy] - alone[puppy], abs=20 * UNIT)
        assert component.z == pytest.approx((alone[puppy] - alone.mean()) / alone.std(), abs=1e-3)
        assert component.rank == rank_of(alone, alone[puppy], [at(plain, space, word), puppy])
    other = formula(["dog", "large"])
    against = target.against
    assert against.expression == "dog + large"
    assert against.score == pytest.approx(other[puppy], abs=10 * UNIT)
    assert against.score_difference == pytest.approx(scores[puppy] - other[puppy], abs=20 * UNIT)
    assert against.z == pytest.approx((other[puppy] - other.mean()) / other.std(), abs=1e-3)
    assert against.z_difference == pytest.approx(target.z - against.z)
    large = [at(plain, space, word) for word in ("dog", "large")]
    assert against.rank == rank_of(other, other[puppy], [*large, puppy])
    assert against.rank_difference == target.rank - against.rank


def test_a_target_of_several_tokens_is_the_mean_of_its_parts(plain: Plain, real: Any) -> None:
    rows = plain.vectors("embed")
    answer = real.analogy("dog + small", "Chihuahua")
    ids = answer.meta.resolved_target.token_ids
    assert len(ids) == 2
    assert answer.meta.resolved_target.note == "the mean of its 2 parts"
    total = unit(rows[plain.token(" dog")]) + unit(rows[plain.token(" small")])
    expected = float(unit(rows[list(ids)].mean(axis=0)) @ unit(total))
    target = answer.meta.target
    assert target.score == pytest.approx(expected, abs=10 * UNIT)
    scores = added(plain, "embed", ["dog", "small"], [])
    own = [plain.token(" dog"), plain.token(" small")]
    assert target.rank == rank_of(scores, expected, own)


def test_the_best_item_has_the_first_rank_as_a_target(real: Any) -> None:
    for space in ("embed", "context.3", "context.20"):
        best = real.analogy(ROYAL, space=space, k=3).rows
        for row in best:
            word = row.text.strip()
            target = real.analogy(ROYAL, target=word, space=space).meta.target
            assert (target.item, target.rank) == (row.item, row.rank)
            assert target.score == pytest.approx(row.score, abs=UNIT)


def test_by_distance_a_target_that_is_nearer_ranks_higher(real: Any) -> None:
    rows = real.analogy("dog", measure="euclidean", k=2).rows
    target = real.analogy("dog", rows[0].text.strip(), measure="euclidean").meta.target
    assert target.rank == 1
    assert rows[0].score < rows[1].score


def test_inputs_that_are_included_count_towards_the_rank(real: Any) -> None:
    without = real.analogy("dog + small", "puppy").meta.target
    included = real.analogy("dog + small", "puppy", include_inputs=True).meta.target
    assert (included.rank, included.n) == (without.rank + 2, without.n + 2)


def test_one_item_alone_has_no_components(real: Any) -> None:
    assert real.analogy("dog", "puppy").meta.target.components == ()


def test_all_layers_give_what_each_space_gives_by_itself(real: Any) -> None:
    asked: dict[str, Any] = {"target": "puppy", "against": "dog + large"}
    layers = real.analogy_layers("dog + small", k=3, **asked)
    assert [row.space for row in layers.rows] == ["embed", *(f"context.{i}" for i in range(31))]
    for row in layers.rows:
        alone = real.analogy("dog + small", space=row.space, k=3, **asked)
        assert row.measure == alone.query.measure
        assert row.nearest == tuple(near.item for near in alone.rows)
        assert row.target == alone.meta.target


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("include_inputs", [True, False])
def test_all_layers_leave_out_and_fold_as_each_space_does(
    real: Any, include_inputs: bool, distinct: bool
) -> None:
    options = {"include_inputs": include_inputs, "distinct": distinct}
    first = real.analogy_layers("dog + cat", k=4, **options).rows[0]
    alone = real.analogy("dog + cat", k=4, **options).rows
    assert first.nearest == tuple(row.item for row in alone)
    assert ("␣dog" in first.nearest) == include_inputs


def test_a_measure_that_is_asked_for_holds_in_every_layer(real: Any) -> None:
    rows = real.analogy_layers("dog", measure="cosine", k=1).rows
    assert {row.measure for row in rows} == {"cosine"}


def test_weights_count_as_exponents_in_the_product(plain: Plain, real: Any) -> None:
    rows = prepared(plain, "embed")
    dog, cat = (rows @ rows[plain.token(f" {word}")] for word in ("dog", "cat"))
    scores = ((1 + dog) / 2) ** 2 * ((1 + cat) / 2) ** 0.5
    found = real.analogy("2*dog + 0.5*cat", "puppy", method="mul").meta.target
    assert found.score == pytest.approx(scores[plain.token(" puppy")], abs=10 * UNIT)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("dog", {"method": "mull"}, "did you mean 'mul'"),
        (
            "dog",
            {"method": "mul", "measure": "dot"},
            "needs measure=cosine, centered or",
        ),
        ("- dog", {"method": "mul"}, "needs an item that is added"),
        ("dog", {"against": "cat"}, "name target"),
        ("dog", {"target": "cat + puppy"}, "is a sum; name one word"),
        ("dog", {"target": "2*cat"}, "is a sum; name one word"),
        ("dog", {"space": "nowhere"}, "no space 'nowhere'"),
        ("dog", {"measure": "cosin"}, "did you mean 'cosine'"),
        ("dog", {"k": 0}, "k=0"),
    ],
)
def test_what_is_no_analogy_is_refused(
    real: Any, text: str, options: dict[str, Any], said: str
) -> None:
    from indexer.store.errors import SemanticError

    with pytest.raises(SemanticError, match=said) as caught:
        real.analogy(text, **options)
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, QueryError) or "space" in said
