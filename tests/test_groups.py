"""Mean pairwise scores of many groups, each way of finding them against plain loops over pairs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

import explorer
from explorer.chance import groups
from explorer.chance.groups import mean_score, mean_scores
from explorer.measures import MEASURES
from explorer.measures.centered import Centered
from explorer.measures.registry import checked_measure
from explorer.words import Words
from whitening import whitener_by


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


def score(x: np.ndarray, y: np.ndarray, words: Words, space: str, measure: str) -> float:
    if measure == "euclidean":
        return float(np.linalg.norm(x - y))
    if measure in ("centered", "whitened"):
        mean, matrix = moved(words, space, measure)
        x, y = (x - mean) @ matrix, (y - mean) @ matrix
    product = float(x @ y)
    return product if measure == "dot" else product / np.linalg.norm(x) / np.linalg.norm(y)


@cache
def moved(words: Words, space: str, measure: str) -> tuple[np.ndarray, np.ndarray]:
    """What is taken from vectors, and what they are then multiplied with."""
    home = words.index.space(space)
    if measure == "centered":
        return home.mean, np.eye(home.entry.width)
    members = np.arange(home.entry.rows)
    if home.entry.item == "token":
        members = words.index.tokens.word_like
    return home.mean, whitener_by(home.covariance, home.centered_norms[members])


def by_hand(words: Words, space: Any, ids: list[int], measure: str) -> float:
    vectors = words.vectors(space.name, np.array(ids))
    pairs = [
        score(vectors[i], vectors[j], words, space.name, measure)
        for i in range(len(ids))
        for j in range(i + 1, len(ids))
    ]
    return float(np.mean(pairs))


WAYS = {
    "looked up": {"_TABLE": 10**6, "_FEW": 100, "_CHEAPER": 10**9},
    "summed or pair by pair": {"_TABLE": 0},
    "in passes": {"_TABLE": 0, "_BYTES": 8 * 24 * 30, "_BATCH": 8 * 24 * 11},
    "as it comes": {},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("space", ["embed", "context.2"])
def test_each_way_equals_a_loop_over_pairs(
    space: str, measure: str, way: str, tiny: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in WAYS[way].items():
        assert hasattr(groups, name)
        monkeypatch.setattr(groups, name, value)
    words, home = Words(tiny.index), tiny.index.space(space)
    rng = np.random.default_rng(0)
    drawn = np.array([rng.choice(len(words), 7, replace=False) for _ in range(40)])
    found = mean_scores(words, drawn, checked_measure(measure, tiny.index, home))
    expected = [by_hand(words, home, row, measure) for row in drawn.tolist()]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_group_of_two_is_its_one_pair(tiny: Any) -> None:
    words, home = Words(tiny.index), tiny.index.space("context.1")
    found = mean_scores(words, np.array([[0, 5], [3, 1]]), Centered(home))
    expected = [by_hand(words, home, row, "centered") for row in ([0, 5], [3, 1])]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_the_mean_of_a_group_leaves_a_word_with_itself_out() -> None:
    scores = np.array([[9, 1, 2], [1, 9, 3], [2, 3, 9.0]])
    assert mean_score(scores) == pytest.approx(2.0)
