"""Answers that are known for the packaged model, found here through the index.

The values were measured on the raw weights, independently of this code.
"""

from __future__ import annotations

from typing import Any

import pytest

FIRST_NEURONS = [
    (("large", "huge"), "out", "L29N112", 8.92),
    (("large", "huge"), "gate", "L29N112", 7.11),
    (("dog", "cat"), "out", "L29N808", 8.26),
    (("dog", "cat"), "gate", "L29N808", 5.12),
    (("red", "blue"), "gate", "L29N1455", 10.00),
    (("red", "blue"), "out", "L26N1403", 5.52),
    (("large", "tall"), "gate", "L25N901", 4.56),
    (("large", "tall"), "out", "L29N112", 6.03),
]


@pytest.mark.parametrize(("words", "side", "neuron", "score"), FIRST_NEURONS)
def test_first_middle_man(
    real: Any, words: tuple[str, str], side: str, neuron: str, score: float
) -> None:
    first = real.middleman(*words, side=side).rows[0]
    assert first.neuron == neuron
    assert first.score == pytest.approx(score, abs=0.02)
    assert first.score == min(first.scores.values())


def test_queen_is_the_first_neighbour_of_king_less_man_and_woman(real: Any) -> None:
    first = real.neighbors("king - man + woman").rows[0]
    assert (first.text, first.item, first.rank) == (" queen", "␣queen", 1)


def test_the_size_neuron_reads_size_and_points_at_larger_and_smaller(real: Any) -> None:
    first = real.middleman("large", "tall", side="out").rows[0]
    assert {"␣size", "␣Larger", "␣Size"} <= set(first.reads)
    assert {"␣smaller", "␣larger", "␣Larger"} <= set(first.writes)


@pytest.mark.slow
def test_at_large_the_size_neuron_takes_away_what_it_points_at(real: Any) -> None:
    """Its gate is open there, and its second reading direction opposed."""
    signs = {}
    for side in ("gate", "up"):
        row = next(
            r for r in real.middleman("large", side=side, k=46080).rows if r.neuron == "L29N112"
        )
        signs[side] = row.scores["large"]
        assert row.acts["large"].sign == -1
        assert row.acts["large"].source == "recorded"
    assert signs["gate"] == pytest.approx(10.52, abs=0.02)
    assert signs["up"] == pytest.approx(-10.99, abs=0.02)


def test_what_fires_at_words_of_size_fires_with_a_minus(real: Any) -> None:
    words = ("large", "huge", "big", "small", "tall")
    found = real.middleman(*words, layers="20", k=1536).rows
    row = next(row for row in found if row.neuron == "L20N1269")
    assert {word: one.sign for word, one in row.acts.items()} == dict.fromkeys(words, -1)
    fires = next(r for r in real.word("large", k=64).rows if r.neuron == "L20N1269")
    assert fires.activation == pytest.approx(-10.1, abs=0.1)
    farthest = [
        row.item
        for row in real.neuron("L20N1269", k=3).rows
        if (row.side, row.kind) == ("out", "token") and row.rank < 0
    ]
    assert farthest == ["␣strides", "␣size", "␣scale"]


def test_without_the_size_neuron_large_is_likelier(real: Any, real_model: Any) -> None:
    import torch

    vocabulary = real.index.vocabulary
    text = "The mouse is small but the elephant is very"
    ids = [*real.manifest.prefix.token_ids, *vocabulary.text_ids(text)]
    (large,) = vocabulary.word_ids("large")

    def likelihood(kept: float) -> float:
        def scaled(_: Any, args: Any) -> Any:
            hidden = args[0].clone()
            hidden[..., 112] *= kept
            return (hidden,)

        writing = real_model.blocks[29].mlp.down_proj
        handle = writing.register_forward_pre_hook(scaled)
        with torch.inference_mode():
            logits = real_model.module(torch.tensor([ids])).logits[0, -1]
        handle.remove()
        return float(logits.double().softmax(-1)[large])

    assert likelihood(1) == pytest.approx(0.325, abs=0.005)
    assert likelihood(0) == pytest.approx(0.487, abs=0.005)


def test_number_of_word_like_tokens(real: Any) -> None:
    assert real.manifest.space("embed").population_rows == 31_664


def test_no_word_is_a_sink_after_the_prefix(real: Any) -> None:
    assert max(real.manifest.prefix.sink_share.values()) < 0.001
    assert real.manifest.prefix.tried["<|im_start|>"] > 0
