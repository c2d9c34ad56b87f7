"""Planted geometry: tiny models into whose weights an answer was written, and it is found.

One model has random embeddings, near enough to orthogonal, and neurons whose rows are made of
them; another has embeddings made of a few orthogonal directions, so that the score of every
analogy can be worked out by hand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import explorer
from conftest import run_build
from families import make_model
from indexer.store.vocabulary import Vocabulary

A, B = "large", "dog"
EVERY = 3 * 38


def planted(folder: Path, name: str, plant: Any, **options: Any) -> Path:
    """A folder with the index of a tiny Llama; `plant` is given the model and where tokens are."""

    def change(model: Any) -> None:
        vocabulary = Vocabulary(folder / "model" / "tokenizer.json")
        ids = {text: i for i, text in enumerate(vocabulary.texts())}
        plant(model, {text[1:]: i for text, i in ids.items() if text.startswith(" ")})

    model = make_model(folder / "model", "llama", change)
    run_build(model, folder / "indexes", name, **options)
    return folder / "indexes"


def plant_neurons(model: Any, tokens: dict[str, int]) -> None:
    import torch

    embedding = model.model.embed_tokens.weight
    embedding.copy_(torch.randn(embedding.shape, generator=torch.Generator().manual_seed(5)))
    both = embedding[tokens[A]] + embedding[tokens[B]]
    gain = model.model.layers[1].post_attention_layernorm.weight
    model.model.layers[1].mlp.gate_proj.weight[7] = both / gain
    model.model.layers[1].mlp.gate_proj.weight[8] = embedding[tokens[A]] / gain
    model.model.layers[2].mlp.up_proj.weight[3] = both
    model.model.layers[2].mlp.up_proj.weight[3] /= model.model.layers[
        2
    ].post_attention_layernorm.weight
    model.model.layers[0].mlp.down_proj.weight[:, 11] = both


def plant_directions(model: Any, tokens: dict[str, int]) -> None:
    import torch

    embedding = model.model.embed_tokens.weight
    embedding[:, :8] = 0  # every other token keeps to the directions that are left
    axes = torch.eye(24)
    royal, man, woman, dog, small, large = axes[:6]
    embedding[tokens["man"]], embedding[tokens["woman"]] = man, woman
    embedding[tokens["king"]], embedding[tokens["queen"]] = royal + man, royal + woman
    embedding[tokens["dog"]], embedding[tokens["small"]] = dog, small
    embedding[tokens["large"]], embedding[tokens["puppy"]] = large, dog + small


@pytest.fixture(scope="module")
def neurons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    root = planted(tmp_path_factory.mktemp("neurons"), "neurons", plant_neurons)
    with explorer.open("neurons", root) as ix:
        yield ix


@pytest.fixture(scope="module")
def directions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    root = planted(tmp_path_factory.mktemp("directions"), "directions", plant_directions)
    with explorer.open("directions", root) as ix:
        yield ix


def first(ix: Any, *words: str, **options: Any) -> str:
    return str(ix.middleman(*words, k=1, **options).rows[0].neuron)


@pytest.mark.parametrize(("side", "neuron"), [("gate", "L1N7"), ("up", "L2N3"), ("out", "L0N11")])
def test_the_neuron_made_of_two_words_is_their_first_middle_man(
    neurons: Any, side: str, neuron: str
) -> None:
    assert first(neurons, A, B, side=side) == neuron
    assert first(neurons, A, B, side=side, score="cosine") == neuron


def test_the_least_score_passes_over_a_neuron_that_answers_to_one_word_only(neurons: Any) -> None:
    assert first(neurons, A) == "L1N8"
    rows = {row.neuron: row for row in neurons.middleman(A, B, k=EVERY).rows}
    assert rows["L1N7"].rank == 1
    assert rows["L1N8"].score == min(rows["L1N8"].scores.values())
    assert rows["L1N8"].score < rows["L1N7"].score / 2


def test_a_neuron_that_answers_to_a_word_to_avoid_drops(neurons: Any) -> None:
    (allowed,) = [row for row in neurons.middleman(A, k=EVERY).rows if row.neuron == "L1N7"]
    dropped = neurons.middleman(A, avoid=[B], k=EVERY).rows
    (both,) = [row for row in dropped if row.neuron == "L1N7"]
    assert both.rank > allowed.rank + 3
    assert all(row.scores["large"] > 0 for row in dropped)
    assert both.score == both.scores["large"] - both.avoided["dog"]


def test_a_layer_that_is_not_asked_for_is_not_searched(neurons: Any) -> None:
    assert first(neurons, A, B, layers="1") == "L1N7"
    assert not first(neurons, A, B, layers="0,2").startswith("L1N")


def test_the_planted_neuron_reads_and_writes_the_words_it_was_made_of(neurons: Any) -> None:
    reader = neurons.middleman(A, B, k=1).rows[0]
    assert set(reader.reads[:2]) == {"␣large", "␣dog"}
    writer = neurons.middleman(A, B, side="out", k=1).rows[0]
    assert set(writer.writes[:2]) == {"␣large", "␣dog"}
    near = [
        row.item for row in neurons.neuron("L1N7").rows if (row.side, row.kind) == ("gate", "token")
    ]
    assert set(near[:2]) == {"␣large", "␣dog"}


def test_a_sum_of_two_words_finds_the_neuron_made_of_them(neurons: Any) -> None:
    row = neurons.neighbors(f"{A} + {B}", "neuron.out", measure="dot", k=1).rows[0]
    assert row.item == "L0N11"


def test_king_less_man_and_woman_is_the_planted_queen(directions: Any) -> None:
    row = directions.neighbors("king - man + woman", k=1).rows[0]
    assert row.item == "␣queen"
    half = math.sqrt(0.5)
    size = math.sqrt(half**2 + (1 - half) ** 2 + 1)
    assert row.score == pytest.approx((0.5 + half) / size, abs=1e-6)


def test_the_planted_target_has_the_first_rank_and_the_gains_worked_out_by_hand(
    directions: Any,
) -> None:
    target = directions.analogy("dog + small", "puppy", against="dog + large").meta.target
    assert (target.rank, target.score) == (1, pytest.approx(1, abs=1e-6))
    assert [c.item for c in target.components] == ["␣dog", "␣small"]
    for component in target.components:
        assert component.score == pytest.approx(math.sqrt(0.5), abs=1e-6)
        assert component.gain == pytest.approx(1 - math.sqrt(0.5), abs=1e-6)
        assert component.rank == 1
    assert target.against.score == pytest.approx(0.5, abs=1e-6)
    assert target.against.score_difference == pytest.approx(0.5, abs=1e-6)
    assert target.against.z_difference > 0


def test_the_difference_turns_its_sign_when_the_expressions_change_places(directions: Any) -> None:
    ask = partial(directions.analogy, target="puppy")
    one = ask("dog + small", against="dog + large").meta.target.against
    other = ask("dog + large", against="dog + small").meta.target.against
    assert other.score_difference == pytest.approx(-one.score_difference)
    assert other.z_difference == pytest.approx(-one.z_difference)
    assert other.rank_difference == -one.rank_difference


def test_the_product_of_cosines_finds_the_planted_queen_too(directions: Any) -> None:
    answer = directions.analogy("king - man + woman", "queen", method="mul")
    assert answer.rows[0].item == "␣queen"
    half = math.sqrt(0.5)
    cosines = {"king": 0.5, "woman": half, "man": 0.0}
    above = (1 + cosines["king"]) / 2 * (1 + cosines["woman"]) / 2
    expected = above / ((1 + cosines["man"]) / 2 + 1e-6)
    assert answer.meta.target.score == pytest.approx(expected, abs=1e-6)
