"""Chance and intervals, against the same counted by hand, and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.chance.significance import (
    against,
    interval,
    mean_over_pairs,
    resamples,
)


def test_p_and_its_correction_are_counted_one_by_one() -> None:
    rng = np.random.default_rng(0)
    null = rng.normal(size=(200, 3)) * [1, 5, 0.1] + [0, 3, -1]
    null[:50, 1] = 4.0  # ties
    observed = np.array([1.2, 4.0, -1.3])
    found = against(observed, null)
    every = np.concatenate([observed[None], null])
    z = [[(v - np.mean(column)) / np.std(column) for v in column] for column in every.T]
    for at in range(3):
        as_far = sum(1 for v in null[:, at] if v >= observed[at])
        assert found.p[at] == (1 + as_far) / 201
        effect = (observed[at] - np.mean(null[:, at])) / np.std(null[:, at])
        assert found.effect[at] == pytest.approx(effect)
        greatest = [max(z[look][n] for look in range(3)) for n in range(201)]
        assert found.corrected[at] == sum(g >= z[at][0] for g in [*greatest[1:], z[at][0]]) / 201
    assert (found.corrected >= found.p - 1e-12).all()


def test_a_null_that_does_not_vary_has_no_effect() -> None:
    found = against(np.array([0.3, 2.0]), np.full((99, 2), 0.1 + 0.2))
    assert found.effect.tolist() == [0.0, 0.0]
    assert np.isfinite(found.p).all()
    assert not found.varies.any()


@pytest.mark.parametrize(("draws", "looks"), [(19, 32), (39, 8)])
def test_of_few_draws_many_looks_are_below_the_level_no_more_often(draws: int, looks: int) -> None:
    rng = np.random.default_rng(3)
    least = []
    for _ in range(1000):
        observed, null = rng.normal(size=looks), rng.normal(size=(draws, looks))
        least.append(against(observed, null).corrected.min())
    assert np.mean(np.array(least) <= 0.05) == pytest.approx(0.05, abs=0.021)  # 3 standard errors


def test_what_is_drawn_again_counts_as_reaching_itself() -> None:
    null = np.random.default_rng(0).normal(size=(99, 2))
    null[:7] = np.array([0.1 + 0.2, 5.0])
    found = against(np.array([0.3, 5.0 + 1e-14]), np.nextafter(null, -np.inf))
    assert found.p[1] == 8 / 100
    assert found.p[0] == (1 + (null[:, 0] >= 0.3 - 1e-12).sum()) / 100


def test_where_the_observed_cannot_be_drawn_p_knows_as_much_as_there_are_draws() -> None:
    null = np.repeat(np.arange(15.0), 100)[:, None]
    assert against(np.array([20.0]), null, 15).p[0] == 1 / 16
    assert against(np.array([14.0]), null, 15).p[0] == pytest.approx(2 / 16)
    assert against(np.array([20.0]), null, 15).corrected[0] == 1 / 16


def test_a_single_look_is_corrected_by_nothing() -> None:
    rng = np.random.default_rng(1)
    found = against(rng.normal(size=1), rng.normal(size=(999, 1)))
    assert found.p == found.corrected


def test_a_pair_of_a_word_with_itself_does_not_count() -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=(5, 5))
    scores += scores.T
    for counts in resamples(5, rng)[:50]:
        drawn = np.repeat(np.arange(5), counts.astype(int))
        pairs = [
            scores[drawn[i], drawn[j]]
            for i in range(5)
            for j in range(i + 1, 5)
            if drawn[i] != drawn[j]
        ]
        assert mean_over_pairs(counts[None], scores)[0] == pytest.approx(np.mean(pairs))


def test_a_resample_of_one_word_alone_is_left_out() -> None:
    counts = resamples(2, np.random.default_rng(0))
    assert (counts == 1).all()
    assert len(counts) == pytest.approx(5000, abs=5 * 50)


@pytest.mark.slow
@pytest.mark.parametrize(("words", "least"), [(6, 0.90), (10, 0.92), (20, 0.92)])
def test_intervals_cover_the_score_of_what_a_group_was_drawn_from(words: int, least: float) -> None:
    """95 % nominal; plain percentiles cover 84 % at six words and 88 % at ten."""
    rng = np.random.default_rng(7)
    width, covered = 30, 0
    axis = np.eye(width)[0]

    def category(n: int) -> np.ndarray:
        found = rng.normal(size=(n, width)) / np.sqrt(width) + axis * rng.gamma(2, 0.4, (n, 1))
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    whole = category(20_000)
    true = (np.sum(whole.sum(axis=0) ** 2) - 20_000) / (20_000 * 19_999)
    for _ in range(300):
        some = category(words)
        values = mean_over_pairs(resamples(words, rng)[:1000], some @ some.T)
        low, high = interval(values, words)
        covered += low <= true <= high
    assert least <= covered / 300 <= 0.99
