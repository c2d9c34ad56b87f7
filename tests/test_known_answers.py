"""Answers that are known for the packaged model, found here through the index.

The values were measured on the raw weights, independently of this code.
"""

from __future__ import annotations

from typing import Any

import pytest

FIRST_NEURONS = [
    (("large", "huge"), "out", "L29N112", 8.92),
    (("large", "huge"), "in", "L29N112", 7.11),
    (("dog", "cat"), "out", "L29N808", 8.26),
    (("dog", "cat"), "in", "L29N808", 5.12),
    (("red", "blue"), "in", "L29N1455", 10.00),
    (("red", "blue"), "out", "L26N1403", 5.52),
    (("large", "tall"), "in", "L25N901", 4.56),
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


def test_the_size_neuron_reads_size_and_writes_larger_and_smaller(real: Any) -> None:
    first = real.middleman("large", "tall", side="out").rows[0]
    assert {"␣size", "␣Larger", "␣Size"} <= set(first.reads)
    assert {"␣smaller", "␣larger", "␣Larger"} <= set(first.writes)


def test_number_of_word_like_tokens(real: Any) -> None:
    assert real.manifest.space("embed").population_rows == 31_664


def test_no_word_is_a_sink_after_the_prefix(real: Any) -> None:
    assert max(real.manifest.prefix.sink_share.values()) < 0.001
    assert real.manifest.prefix.tried["<|im_start|>"] > 0
