"""Rankings against brute force in float64 on the model's own weights, and the laws of measures.

How far an answer may lie from brute force follows from float32. A unit row of width 576 is stored
with a rounding error of at most 2**-24 an element, and summed with one of the like at each step,
so that an inner product of two unit vectors is off by a few times 2**-24 * sqrt(576) = 1.4e-6 at
the most; `UNIT` allows that. Every measure's own allowance follows from it by its formula.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from explorer.calibration import calibrate, z
from explorer.cosmul import cosmul
from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.ranking import best
from indexer.store.errors import DamagedIndex, EmptyPopulation
from whitening import whitener

Float64 = NDArray[np.float64]

UNIT = 4e-6
SPACES = (
    "embed",
    "neuron.gate",
    "neuron.up",
    "neuron.out",
    "context.0",
    "context.1",
    "context.12",
    "context.29",
    "context.30",
)


class Plain:
    """The vectors of spaces in float64: weights from the model, words in context as stored."""

    def __init__(self, ix: Any, model: Any) -> None:
        self.ix, self.model = ix, model
        self.folder = ix.index.folder
        self.vectors = cache(self._vectors)
        self.mean = cache(self._mean)
        self.whitener = cache(lambda space: whitener(self.population(space)))
        self.whitened = cache(self._whitened)

    def _vectors(self, space: str) -> Float64:
        kind, _, which = space.partition(".")
        if kind == "embed":
            return self.model.base.embed_tokens.weight.detach().numpy().astype(np.float64)
        if kind == "neuron":
            return np.concatenate([self._layer(i, which) for i in range(len(self.model.blocks))])
        rows = faiss.read_index(str(self.folder / f"spaces/{space}.faiss"))
        norms = np.load(self.folder / f"spaces/{space}.npz")["norms"].astype(np.float64)
        return rows.reconstruct_n(0, rows.ntotal).astype(np.float64) * norms[:, None]

    def _layer(self, layer: int, side: str) -> Float64:
        rows: Float64 = self.model.matrix(layer, side).numpy().astype(np.float64)
        if side == "out":
            return rows
        gain = self.model.part(layer, "post_attention_layernorm").weight.detach().double()
        return rows * gain.numpy()

    def population(self, space: str) -> Float64:
        vectors = self.vectors(space)
        if space != "embed":
            return vectors
        return vectors[
            [row[0] for row in self.ix.index.sql("SELECT id FROM token WHERE word_like")]
        ]

    def _mean(self, space: str) -> Float64:
        return self.population(space).mean(axis=0)

    def _whitened(self, space: str) -> Float64:
        return (self.vectors(space) - self.mean(space)) @ self.whitener(space)

    def token(self, text: str) -> int:
        ((found,),) = self.ix.index.sql("SELECT min(id) FROM token WHERE text = ?", [text])
        return int(found)

    def word(self, text: str) -> int:
        ((found,),) = self.ix.index.sql("SELECT id FROM word WHERE text = ?", [text])
        return int(found)

    def names(self, space: str) -> list[str]:
        kind = space.partition(".")[0]
        if kind == "neuron":
            return [f"L{i}N{j}" for i in range(len(self.model.blocks)) for j in range(1536)]
        table = "token" if kind == "embed" else "word"
        return [row[0] for row in self.ix.index.sql(f"SELECT text FROM {table} ORDER BY id")]


@pytest.fixture(scope="module")
def plain(real: Any, real_model: Any) -> Plain:
    return Plain(real, real_model)


@dataclass(frozen=True)
class Part:
    """One term of a random query: its text, weight, and where a brute force finds its vector."""

    text: str
    weight: float
    space: str | None = None
    neuron: int | None = None


def vector_of(plain: Plain, part: Part, asked: str) -> tuple[Float64, str, tuple[str, int]]:
    """The vector, its home space, and which item (kind, position) it is."""
    if part.neuron is not None:
        home = f"neuron.{part.text.rpartition('.')[2]}"
        return plain.vectors(home)[part.neuron], home, ("neuron", part.neuron)
    home = part.space or (asked if asked.startswith("context") else "embed")
    if home == "embed":
        at = plain.token(" " + part.text)
        return plain.vectors(home)[at], home, ("token", at)
    at = plain.word(part.text)
    return plain.vectors(home)[at], home, ("word", at)


@dataclass(frozen=True)
class Truth:
    """Brute force: scores of all items, and how far float32 may lie from each.

    `cancels` tells that little is left of the sum, so that hardly a digit of it is certain.
    """

    scores: Float64
    allowed: Float64
    own: frozenset[int]
    cancels: bool


def brute_force(plain: Plain, parts: Sequence[Part], asked: str, measure: str) -> Truth:
    total = np.zeros(576)
    doubt = 0.0
    for part in parts:
        vector, home, _ = vector_of(plain, part, asked)
        length = np.linalg.norm(vector)
        if measure in ("centered", "whitened"):
            vector = vector - plain.mean(home)
        if measure == "whitened":
            vector = vector @ plain.whitener(asked)
            length *= np.linalg.norm(plain.whitener(asked), 2)
        if measure in ("cosine", "centered", "whitened"):
            doubt += abs(part.weight) * length / np.linalg.norm(vector)
            vector = vector / np.linalg.norm(vector)
        else:
            doubt += abs(part.weight) * length
        total += part.weight * vector
    size = np.linalg.norm(total)
    rows = plain.vectors(asked)
    lengths = np.linalg.norm(rows, axis=1)
    if measure == "dot":
        scores, allowed = rows @ total, UNIT * lengths * doubt
    elif measure == "cosine":
        scores = rows @ total / (lengths * size)
        allowed = np.full(len(rows), UNIT * doubt / size)
    elif measure == "centered":
        mean = plain.mean(asked)
        apart = np.linalg.norm(rows - mean, axis=1)
        scores = ((rows - mean) @ total) / (apart * size)
        allowed = UNIT * (doubt / size) * (lengths + np.linalg.norm(mean)) / apart
    elif measure == "whitened":
        whitened, mean = plain.whitened(asked), plain.mean(asked)
        apart = np.linalg.norm(whitened, axis=1)
        scores = whitened @ total / (apart * size)
        longest = np.linalg.norm(plain.whitener(asked), 2)
        allowed = UNIT * (doubt / size) * longest * (lengths + np.linalg.norm(mean)) / apart
    else:
        scores = np.sqrt(((rows - total) ** 2).sum(axis=1))
        squares = UNIT * (lengths + doubt) ** 2
        allowed = np.minimum(np.sqrt(squares), squares / np.maximum(scores, 1e-9))
    kind = "word" if asked.startswith("context") else "token" if asked == "embed" else "neuron"
    own = {of[1] for of in own_items(plain, parts, asked) if of[0] == kind}
    return Truth(scores, allowed, frozenset(own), bool(size < 0.02 * doubt))


def own_items(plain: Plain, parts: Sequence[Part], asked: str) -> set[tuple[str, int]]:
    """A word is itself as a token and as a word, wherever its vector was taken from."""
    found = set()
    for part in parts:
        if part.neuron is not None:
            found.add(("neuron", part.neuron))
        else:
            found |= {("token", plain.token(" " + part.text)), ("word", plain.word(part.text))}
    return found


def expression(parts: Sequence[Part]) -> str:
    text = ""
    for part in parts:
        sign = "-" if part.weight < 0 else "+"
        space = f"@{part.space}" if part.space else ""
        text += f" {sign} {abs(part.weight)!r}*{part.text}{space}"
    return text


def positions(plain: Plain, answer: Any, truth: Truth) -> list[int]:
    """Which item each row is: of those with its name, the one whose true score it bears."""
    where: dict[str, list[int]] = {}
    for at, name in enumerate(plain.names(answer.query.space)):
        where.setdefault(name, []).append(at)
    found = []
    for row in answer.rows:
        at = min(where[row.text], key=lambda p: abs(truth.scores[p] - row.score))
        where[row.text].remove(at)
        found.append(at)
    return found


def check(plain: Plain, answer: Any, truth: Truth, include_inputs: bool = False) -> None:
    """Rows bear the true scores, in their order, and none that belongs among them is missing."""
    own = frozenset[int]() if include_inputs else truth.own
    at = positions(plain, answer, truth)
    sign = -1 if answer.query.measure == "euclidean" else 1
    scores, allowed = truth.scores, truth.allowed
    assert not own & set(at)
    assert [row.rank for row in answer.rows] == list(range(1, len(at) + 1))
    for row, p in zip(answer.rows, at, strict=True):
        assert abs(row.score - scores[p]) <= allowed[p], row
    high = sign * scores + allowed
    low = sign * scores - allowed
    for first, second in pairwise(at):
        assert high[first] >= low[second]
    rest = np.ones(len(scores), bool)
    rest[[*at, *own]] = False
    if rest.any():
        assert low[rest].max() <= high[at].min()
    deviation = scores.std()
    for row in answer.rows:
        assert row.z == pytest.approx(
            (row.score - scores.mean()) / deviation, abs=4 * allowed.max() / deviation + 1e-6
        )
    assert answer.meta.calibration.n == len(scores)


WORDS = ("dog", "cat", "king", "woman", "large", "small", "red", "time", "Paris", "house", "water")

weights = st.tuples(st.floats(0.1, 3), st.sampled_from([1, -1])).map(
    lambda pair: round(pair[0], 3) * pair[1]
)
word_parts = st.builds(
    Part,
    st.sampled_from(WORDS),
    weights,
    st.sampled_from([None, None, None, "embed", "context.5", "context.30"]),
)
neuron_parts = st.builds(
    lambda layer, unit, side, weight: Part(
        f"L{layer}N{unit}.{side}", weight, neuron=layer * 1536 + unit
    ),
    st.integers(0, 29),
    st.integers(0, 1535),
    st.sampled_from(["gate", "up", "out"]),
    weights,
)
queries = st.lists(
    word_parts | word_parts | neuron_parts, min_size=1, max_size=4, unique_by=lambda p: p.text
)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("space", SPACES)
def test_each_measure_in_each_space_ranks_as_brute_force_does(
    plain: Plain, real: Any, space: str, measure: str
) -> None:
    parts = [Part("king", 1.0), Part("cat", -0.5), Part("woman", 1.0)]
    answer = real.neighbors(expression(parts), space, measure=measure, k=25)
    assert len(answer.rows) == 25
    check(plain, answer, brute_force(plain, parts, space, measure))


@settings(max_examples=40)
@given(queries, st.sampled_from(SPACES), st.sampled_from(MEASURES), st.integers(1, 40))
def test_random_expressions_rank_as_brute_force_does(
    plain: Plain, real: Any, parts: list[Part], space: str, measure: str, k: int
) -> None:
    truth = brute_force(plain, parts, space, measure)
    assume(not truth.cancels)
    answer = real.neighbors(expression(parts), space, measure=measure, k=k)
    assert len(answer.rows) == k
    check(plain, answer, truth)


def test_the_whole_of_a_space_comes_back_in_order_but_for_the_query(
    plain: Plain, real: Any
) -> None:
    parts = [Part("dog", 1.0), Part("small", 1.0)]
    rows = len(plain.vectors("context.12"))
    answer = real.neighbors("dog + small", "context.12", k=rows)
    assert len(answer.rows) == rows - 2
    check(plain, answer, brute_force(plain, parts, "context.12", "centered"))


@pytest.mark.parametrize("word", WORDS[:4])
@pytest.mark.parametrize("layer", [0, 1, 15, 29])
def test_words_in_context_are_what_the_model_computes(
    real: Any, real_model: Any, word: str, layer: int
) -> None:
    import torch

    (token,) = real.index.words.by_text(word).token_ids
    ids = torch.tensor([[*real.manifest.prefix.token_ids, token]])
    with torch.inference_mode():
        # The last of these has the final norm applied, and is not asked for.
        states = real_model.module(input_ids=ids, output_hidden_states=True).hidden_states
    expected = states[layer][0, -1].double().numpy()
    stored = real.vector(word, space=f"context.{layer}")
    assert np.linalg.norm(stored - expected) <= 1e-4 * np.linalg.norm(expected)


@pytest.mark.parametrize("space", ["embed", "context.12"])
@pytest.mark.parametrize("measure", MEASURES)
def test_the_query_s_own_items_are_left_out_unless_asked_for(
    plain: Plain, real: Any, space: str, measure: str
) -> None:
    parts = [Part("dog", 1.0)]
    truth = brute_force(plain, parts, space, measure)
    without = real.neighbors("dog", space, measure=measure, k=5)
    item = plain.names(space)[next(iter(truth.own))]
    assert item not in [row.text for row in without.rows]
    everything = len(truth.scores)
    kept = real.neighbors("dog", space, measure=measure, k=everything, include_inputs=True)
    assert item in [row.text for row in kept.rows]
    assert len(kept.rows) == everything
    few = real.neighbors("dog", space, measure=measure, k=5, include_inputs=True)
    check(plain, few, truth, include_inputs=True)


def test_a_neuron_is_left_out_of_its_own_space(real: Any) -> None:
    rows = real.neighbors("L29N112.out", "neuron.out", k=3).rows
    assert "L29N112" not in [row.item for row in rows]
    first = real.neighbors("L29N112.out", "neuron.out", k=1, include_inputs=True).rows[0]
    assert (first.item, first.score) == ("L29N112", pytest.approx(1, abs=UNIT))


def test_a_word_is_left_out_wherever_its_vector_was_taken_from(plain: Plain, real: Any) -> None:
    rows = real.neighbors("dog@embed", "context.0", measure="cosine", k=1500).rows
    assert len(rows) == 1499
    assert "dog" not in [row.item for row in rows]


@pytest.mark.parametrize("space", ["embed", "context.0", "context.12", "context.30", "neuron.out"])
def test_the_distance_of_an_item_to_itself_is_nothing(real: Any, space: str) -> None:
    query = "L29N112.out" if space == "neuron.out" else "dog"
    first, second = real.neighbors(query, space, measure="euclidean", k=2, include_inputs=True).rows
    assert first.item in ("dog", "␣dog", "L29N112")
    assert first.score == 0
    assert second.score > 0


def test_a_heavy_or_light_weight_changes_no_direction(real: Any) -> None:
    plainly = real.neighbors("dog", k=5)
    for weight in ("1e6", "1e-6"):
        weighted = real.neighbors(f"{weight}*dog", k=5)
        assert [row.item for row in weighted.rows] == [row.item for row in plainly.rows]
        assert [row.score for row in weighted.rows] == pytest.approx(
            [row.score for row in plainly.rows], abs=UNIT
        )
    dots = real.neighbors("1e6*dog", measure="dot", k=1).rows[0].score
    assert dots == pytest.approx(1e6 * real.neighbors("dog", measure="dot", k=1).rows[0].score)


@pytest.mark.parametrize("text", ["dog - dog", "0.1*dog + 0.2*dog - 0.3*dog", "#2767 - ␣dog"])
@pytest.mark.parametrize("measure", ["dot", "cosine", "centered", "whitened"])
def test_an_expression_that_cancels_has_no_direction(real: Any, text: str, measure: str) -> None:
    with pytest.raises(QueryError, match="adds up to nothing"):
        real.neighbors(text, measure=measure)


def test_an_expression_that_cancels_still_has_distances(plain: Plain, real: Any) -> None:
    rows = real.neighbors("dog - dog", measure="euclidean", k=1, include_inputs=True).rows
    shortest = np.linalg.norm(plain.vectors("embed"), axis=1).min()
    assert rows[0].score == pytest.approx(shortest, abs=1e-5)


def test_centered_takes_the_mean_of_the_space_a_vector_comes_from(plain: Plain, real: Any) -> None:
    dog = plain.vectors("context.12")[plain.word("dog")] - plain.mean("context.12")
    at = plain.token(" cat")
    cat = plain.vectors("embed")[at] - plain.mean("embed")
    expected = dog @ cat / (np.linalg.norm(dog) * np.linalg.norm(cat))
    answer = real.neighbors("dog@context.12", "embed", measure="centered", k=49_000)
    (found,) = [row.score for row in answer.rows if row.text == " cat"]
    assert found == pytest.approx(expected, abs=10 * UNIT)
    elsewhere = plain.vectors("context.12")[plain.word("dog")] - plain.mean("embed")
    wrong = elsewhere @ cat / (np.linalg.norm(elsewhere) * np.linalg.norm(cat))
    assert abs(found - wrong) > 100 * UNIT


@settings(max_examples=100)
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_best_equals_a_full_stable_sort(size: int, k: int, distinct: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, distinct, size).astype(np.float64)
    expected = np.argsort(-values, kind="stable")[:k]
    assert best(values, k).tolist() == expected.tolist()


def test_best_of_many_without_ties_equals_a_full_sort() -> None:
    values = np.random.default_rng(0).normal(size=49_152)
    for k in (1, 10, 383, 384, 385, 49_152, 60_000):
        assert best(values, k).tolist() == np.argsort(-values, kind="stable")[:k].tolist()


def test_z_counts_deviations_and_is_an_error_where_all_score_the_same() -> None:
    calibration = calibrate(np.array([1.0, 2.0, 3.0]), "all")
    assert z(3.0, calibration) == pytest.approx(np.sqrt(1.5))
    with pytest.raises(EmptyPopulation, match="all score the same"):
        calibrate(np.array([2.0, 2.0]), "all")


def test_scores_that_are_no_numbers_are_a_damaged_index() -> None:
    with pytest.raises(DamagedIndex, match="not finite"):
        calibrate(np.array([1.0, np.nan]), "all tokens of embed")


def test_cosmul_multiplies_shifted_cosines() -> None:
    one, two, less = (np.array([c]) for c in (0.5, -0.2, 0.1))
    assert cosmul([one, two], [less])[0] == pytest.approx(0.75 * 0.4 / (0.55 + 1e-6))
    assert cosmul([one, two], [])[0] == pytest.approx(0.75 * 0.4)
