"""`whitened` in every question that takes a measure, against its formula written out in float64.

What a scan, ranks and ties are to every measure is held elsewhere (`test_measures`, `test_scan`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.measures import whitened as module
from explorer.measures.centered import Centered
from explorer.measures.registry import KINDS, checked_measure, kind
from explorer.measures.whitened import Whitened, shrinkage, whitening_of
from indexer.store.errors import EmptyPopulation
from indexer.store.layout import MEASURES as OWN
from test_measures import Plain
from test_scan import space_of
from whitening import shrinkage as by_the_formula
from whitening import shrunk_of, spread

Float64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def plain(real: Any, real_model: Any) -> Plain:
    return Plain(real, real_model)


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


# -- names ----------------------------------------------------------------------------------


def test_every_name_is_a_class_and_every_default_is_a_name() -> None:
    assert list(KINDS) == list(MEASURES)
    assert all(KINDS[name].name == name for name in MEASURES)
    assert set(OWN) <= set(MEASURES)
    with pytest.raises(QueryError, match="did you mean 'whitened'"):
        kind("whitend")


def test_every_face_names_every_measure(tiny: Any) -> None:
    from explorer.cli import cli
    from explorer.views import VIEWS

    (option,) = (p for p in cli.commands["neighbors"].params if p.name == "measure")
    assert option.metavar == "|".join(MEASURES)
    (offered,) = (one for one in VIEWS["neighbors"].options if one.name == "measure")
    assert tuple(offered.values(tiny)) == ("", *MEASURES)
    (told,) = (one.about for one in tiny.schema("neighbors").rows if one.name == "measure")
    pages = [told, explorer.Explorer.neighbors.__doc__, explorer.Explorer.search.__doc__]
    assert all(f"`{name}`" in page for name in MEASURES for page in pages)


# -- the matrix -----------------------------------------------------------------------------

POPULATIONS = {
    "of many": lambda rng: rng.normal(size=(300, 12)),
    "of fewer than directions": lambda rng: rng.normal(size=(20, 48)),
    "of unequal directions": lambda rng: rng.normal(size=(400, 16)) * 2.0 ** np.arange(16),
    "with heavy tails": lambda rng: rng.standard_t(3, (500, 10)),
    "of one direction": lambda rng: rng.normal(size=(50, 1)),
    "of three": lambda rng: rng.normal(size=(3, 6)),
}


@pytest.mark.parametrize("of", POPULATIONS)
def test_the_shrinkage_is_that_of_ledoit_and_wolf(of: str) -> None:
    rows = POPULATIONS[of](np.random.default_rng(0)) + 3
    away = rows - rows.mean(axis=0)
    n, width = away.shape
    sample = away.T @ away / n
    found = shrinkage(sample, np.linalg.norm(away, axis=1))
    assert 0 <= found <= 1
    if width == 1:  # the covariance is a multiple of the identity, whatever it is
        return
    assert found == pytest.approx(by_the_formula(sample, spread(away), n), rel=1e-9)
    # As scikit-learn's `ledoit_wolf` has it, with its names.
    squares = away**2
    mu = np.trace(sample) / width
    beta_ = (squares.T @ squares).sum()
    delta_ = ((away.T @ away) ** 2).sum() / n**2
    beta = (beta_ / n - delta_) / (width * n)
    delta = (delta_ - 2 * mu * np.trace(sample) + width * mu**2) / width
    assert found == pytest.approx(min(beta, delta) / delta, rel=1e-9)


def test_the_matrix_whitens_the_shrunk_covariance(plain: Plain, real: Any) -> None:
    for space in ("embed", "context.12"):
        home = real.index.space(space)
        found = checked_measure("whitened", real.index, home)
        assert isinstance(found, Whitened)
        root = found.whitening.root
        one = root @ shrunk_of(plain.population(space)) @ root
        np.testing.assert_allclose(one, np.eye(576), atol=1e-4)
        assert root.tolist() == root.T.tolist() or np.allclose(root, root.T, rtol=1e-12)
        # Made once while the index is open, whoever asks.
        again = checked_measure("whitened", real.index, home)
        assert isinstance(again, Whitened)
        assert again.whitening is found.whitening


def test_where_all_directions_vary_alike_it_is_centered() -> None:
    axes = np.concatenate([np.eye(7), -np.eye(7)]) + 0.5
    with space_of(axes) as space:
        query = np.random.default_rng(1).normal(size=7)
        every = np.arange(14)
        whitened, centered = Whitened(space), Centered(space)
        np.testing.assert_allclose(
            whitened.exact_scores(every, query), centered.exact_scores(every, query), atol=1e-6
        )
        np.testing.assert_allclose(whitened.scores(query), centered.scores(query), atol=1e-5)


def test_what_does_not_vary_cannot_be_whitened() -> None:
    told = {}
    for name, rows in {
        "two": np.eye(2, 5),
        "the same": np.ones((6, 5)),
        "a line": np.outer([1, -1, 1, -1], np.ones(5)),
    }.items():
        with space_of(rows) as space:
            with pytest.raises(EmptyPopulation) as caught:
                whitening_of(space)
            told[name] = str(caught.value)
            assert Whitened(space).lacking() == told[name]
            assert Centered(space).lacking() is None
    assert told["two"] == "space 'close' has 2 labels: too few for their covariance to whiten by"
    for name in ("the same", "a line"):
        assert "labels of space 'close' do not vary in every direction" in told[name]


def test_every_measure_of_a_space_leaves_out_one_that_it_lacks(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(*_: Any) -> Any:
        raise EmptyPopulation("too few")

    monkeypatch.setattr(module, "whitening_of", lacking)
    monkeypatch.setattr(module, "_known", {})
    found = tiny.baseline("context.1", pairs=200)
    assert [row.measure for row in found.rows] == [name for name in MEASURES if name != "whitened"]
    assert "not by whitened: too few" in found.meta.notes
    with pytest.raises(EmptyPopulation, match="too few"):
        tiny.baseline("context.1", measure="whitened", pairs=200)


def test_a_long_way_is_told_of_once(tiny: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 16)
    space, told = tiny.index.space("context.2"), list[str]()
    expected = Whitened(space).lengths
    for soon, lines in ((np.inf, 0), (-1.0, 1)):
        monkeypatch.setattr(module, "_known", {})
        monkeypatch.setattr(module, "SOON", soon)
        found = Whitened(space, None, told.append).lengths
        np.testing.assert_allclose(found, expected, rtol=1e-12)
        assert len(told) == lines
    assert told == [f"0% done, at whitening {space.entry.rows:,} rows"]


def test_no_more_matrices_are_kept_than_there_is_room_for(
    tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_known", {})
    spaces = [tiny.index.space(f"context.{layer}") for layer in range(4)]
    expected = [Whitened(space).scores(space.vector(3)) for space in spaces]
    assert list(module._known) == spaces
    monkeypatch.setattr(module, "KEPT", 2 * 8 * 24**2)
    for space, scores in zip(spaces[::-1], expected[::-1], strict=True):
        monkeypatch.setattr(module, "_known", dict(module._known))
        module._known.pop(space, None)
        assert Whitened(space).scores(space.vector(3)).tolist() == scores.tolist()
        assert len(module._known) <= 2


# -- questions ------------------------------------------------------------------------------


class Slow:
    """One space, whitened by hand: unit rows of which the products are scores."""

    def __init__(self, plain: Plain, space: str) -> None:
        self.plain, self.space = plain, space
        rows = plain.whitened(space)
        self.rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def at(self, word: str) -> int:
        return self.plain.token(f" {word}") if self.space == "embed" else self.plain.word(word)

    def __getitem__(self, word: str) -> Float64:
        row: Float64 = self.rows[self.at(word)]
        return row

    def side(self, neuron: int, side: str) -> Float64:
        """A neuron's side less the mean of its own space, whitened by this space's matrix."""
        home = f"neuron.{side}"
        away = self.plain.vectors(home)[neuron] - self.plain.mean(home)
        found = away @ self.plain.whitener(self.space)
        return found / np.linalg.norm(found)

    def scores(self, query: Float64) -> Float64:
        return self.rows @ query / np.linalg.norm(query)


@pytest.fixture(scope="module", params=["embed", "context.0", "context.12", "context.30"])
def slow(request: pytest.FixtureRequest, plain: Plain) -> Slow:
    return Slow(plain, request.param)


CLOSE = 2e-4
"""What float32 rows leave open of a cosine: a few times 6e-8 |y| |S^(-1/2)| / w."""


def test_similarity(slow: Slow, real: Any) -> None:
    king = slow["king"] - slow["man"]
    cosine = king @ slow["queen"] / np.linalg.norm(king)
    asked = ("king - man", "queen", slow.space, "whitened")
    found = real.similarity(*asked[:2], space=asked[2], measure=asked[3])
    assert found == pytest.approx(cosine, abs=CLOSE)
    told = real.sql("SELECT similarity($1, $2, $3, $4) AS score", list(asked))
    assert told.rows[0]["score"] == pytest.approx(found, abs=1e-12)


def test_a_neuron_s_side_is_less_the_mean_of_its_own_space(slow: Slow, real: Any) -> None:
    side = slow.side(29 * 1536 + 112, "out")
    scores = slow.scores(side)
    found = real.neighbors("L29N112.out", slow.space, measure="whitened", k=5)
    names = slow.plain.names(slow.space)
    assert [row.score for row in found.rows] == pytest.approx(np.sort(scores)[::-1][:5], abs=CLOSE)
    assert [row.text for row in found.rows] == [names[at] for at in np.argsort(-scores)[:5]]


@pytest.mark.parametrize("method", ["add", "mul"])
def test_a_target_s_standing(slow: Slow, real: Any, method: str) -> None:
    def formula(plus: str, *more: str) -> Float64:
        if method == "add":
            return slow.scores(sum((slow[word] for word in more), slow[plus]))
        shifted = [(1 + slow.rows @ slow[word]) / 2 for word in (plus, *more)]
        found: Float64 = np.prod(shifted, axis=0)
        return found

    answer = real.analogy(
        "dog + small",
        "puppy",
        against="dog + large",
        space=slow.space,
        measure="whitened",
        method=method,
        k=5,
    )
    scores, puppy = formula("dog", "small"), slow.at("puppy")
    own = [slow.at("dog"), slow.at("small")]
    names = slow.plain.names(slow.space)
    kept = np.delete(np.arange(len(scores)), own)
    best = kept[np.argsort(-scores[kept])[:5]]
    assert [row.text for row in answer.rows] == [names[at] for at in best]
    assert [row.score for row in answer.rows] == pytest.approx(scores[best], abs=CLOSE)
    target = answer.meta.target
    assert target.score == pytest.approx(scores[puppy], abs=CLOSE)
    assert target.z == pytest.approx((scores[puppy] - scores.mean()) / scores.std(), abs=0.01)
    assert target.rank == 1 + int((np.delete(scores, own) > scores[puppy]).sum())
    for component, word in zip(target.components, ("dog", "small"), strict=True):
        alone = formula(word)
        assert component.score == pytest.approx(alone[puppy], abs=CLOSE)
        rest = np.delete(alone, slow.at(word))
        above = (rest > alone[puppy] + CLOSE).sum(), (rest > alone[puppy] - CLOSE).sum()
        assert 1 + above[0] <= component.rank <= 1 + above[1]
    other = formula("dog", "large")
    assert target.against.score == pytest.approx(other[puppy], abs=CLOSE)
    assert answer.meta.notes == real.neighbors("dog", slow.space, measure="whitened").meta.notes
    assert answer.meta.notes[0].startswith(
        f"whitened by the covariance of {slow.plain.population(slow.space).shape[0]:,} "
    )


def test_every_layer_is_whitened_by_its_own_matrix(real: Any) -> None:
    asked = {"target": "puppy", "measure": "whitened"}
    deep = real.layers("dog + small", **asked).rows
    every = real.analogy_layers("dog + small", **asked).rows
    for one, other in list(zip(deep, every, strict=True))[::10]:
        alone = real.analogy("dog + small", "puppy", space=one.space, measure="whitened").meta
        assert one.measure == other.measure == "whitened"
        assert one.target == other.target == alone.target


def test_pairs_of_a_test_set(slow: Slow, real: Any) -> None:
    pairs = [("dog", "cat"), ("king", "queen"), ("red", "blue"), ("large", "water")]
    lines = [f"{a} {b} {rating}" for (a, b), rating in zip(pairs, (9, 8, 6, 1), strict=True)]
    scores = [slow[a] @ slow[b] for a, b in pairs]
    (row,) = real.evaluate_similarity(lines, space=slow.space, measure="whitened").rows
    assert row.pearson == pytest.approx(np.corrcoef((9, 8, 6, 1), scores)[0, 1], abs=1e-3)


def test_questions_of_a_test_set(slow: Slow, real: Any) -> None:
    asked = ["man woman king queen", "king queen man woman", "small large short long"]
    asked += ["new old big small", "France Paris England London", "red blue black white"]
    known = [slow.at(word) for word in dict.fromkeys(" ".join(asked).split())]
    assert len(known) == 19
    right = kept_in = alone = 0
    members = np.arange(len(slow.rows))
    if slow.space == "embed":
        members = real.index.tokens.word_like
    for line in asked:
        a, b, c, d = (slow.at(word) for word in line.split())
        names = slow.plain.names(slow.space)
        answer = names[d].casefold()
        scores = slow.scores(slow.rows[b] - slow.rows[a] + slow.rows[c])[members]
        own = {names[at].casefold() for at in (a, b, c)}
        left = np.array([names[at].casefold() in own for at in members])
        kept_in += names[members[scores.argmax()]].casefold() == answer
        right += names[members[np.where(left, -2, scores).argmax()]].casefold() == answer
        near = (slow.rows @ slow.rows[c])[members]
        alone += names[members[np.where(left, -2, near).argmax()]].casefold() == answer
    (row,) = real.evaluate_analogies(
        [": all", *asked], space=slow.space, measure="whitened", sections=False
    ).rows
    assert (row.covered, row.correct, row.correct_kept_in, row.correct_alone) == (
        6, right, kept_in, alone,
    )  # fmt: skip


def test_vectors_have_the_coordinates_of_the_symmetric_root(slow: Slow, real: Any) -> None:
    variances, directions = np.linalg.eigh(shrunk_of(slow.plain.population(slow.space)))
    root = directions / np.sqrt(variances) @ directions.T
    rows = (slow.plain.vectors(slow.space) - slow.plain.mean(slow.space)) @ root
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert not np.allclose(root, slow.plain.whitener(slow.space))
    for word in ("dog", "large"):
        found = real.vector(word, slow.space, measure="whitened")
        np.testing.assert_allclose(found, rows[slow.at(word)], atol=CLOSE)
    total = rows[slow.at("dog")] + rows[slow.at("small")]
    np.testing.assert_allclose(
        real.vector("dog + small", slow.space, measure="whitened"), total, atol=2 * CLOSE
    )
