"""What unrelated items score, against every pair taken one by one, and against closed forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import explorer
from conftest import Run
from explorer.compute.baseline import QUANTILES
from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.measures.centered import Centered
from explorer.measures.measure import pair_scores
from indexer.store.errors import SemanticError
from whitening import whitener


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


def vectors(ix: Any, space: str) -> np.ndarray:
    found = ix.index.space(space)
    rows = found.rows.block(0, found.entry.rows).astype(np.float64)
    return rows * found.norms[:, None]


@pytest.mark.parametrize("space", ["embed", "unembed", "context.0", "context.2", "neuron.out"])
def test_all_pairs_are_scored_where_they_are_few(space: str, tiny: Any) -> None:
    rows = vectors(tiny, space)
    if space in ("embed", "unembed"):
        rows = rows[[row[0] for row in tiny.index.sql("SELECT id FROM token WHERE word_like")]]
    mean, matrix = rows.mean(axis=0), whitener(rows)
    expected: dict[str, list[float]] = {m: [] for m in MEASURES}
    for i, x in enumerate(rows):
        for y in rows[i + 1 :]:
            expected["dot"].append(x @ y)
            expected["cosine"].append(x @ y / np.linalg.norm(x) / np.linalg.norm(y))
            a, b = x - mean, y - mean
            expected["centered"].append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
            expected["euclidean"].append(np.linalg.norm(x - y))
            a, b = (x - mean) @ matrix, (y - mean) @ matrix
            expected["whitened"].append(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    found = {row.measure: row for row in tiny.baseline(space, pairs=200_000).rows}
    assert list(found) == list(MEASURES)
    for measure, values in expected.items():
        row = found[measure]
        assert row.n == len(values) == len(rows) * (len(rows) - 1) // 2
        assert row.mean == pytest.approx(np.mean(values), abs=1e-5)
        assert row.std == pytest.approx(np.std(values), rel=1e-4)
        assert list(row.quantiles) == [f"{q:g}" for q in QUANTILES]
        np.testing.assert_allclose(
            list(row.quantiles.values()), np.quantile(values, QUANTILES), rtol=1e-4, atol=1e-5
        )


@pytest.mark.native
@pytest.mark.slow
def test_random_pairs_estimate_what_all_pairs_give(real: Any) -> None:
    """The mean cosine of all pairs has a closed form: (|sum of units|^2 - n) / n (n - 1)."""
    index = real.index
    unit = index.space("embed").rows.take(index.tokens.word_like).astype(np.float64)
    n = len(unit)
    exact = (np.sum(unit.sum(axis=0) ** 2) - n) / (n * (n - 1))
    row = next(r for r in real.baseline("embed").rows if r.measure == "cosine")
    assert row.n == 50_000
    assert row.population == "31,664 word-like tokens"
    assert abs(row.mean - exact) < 4 * row.std / np.sqrt(row.n)
    centered = next(r for r in real.baseline("embed").rows if r.measure == "centered")
    assert abs(centered.mean) < 0.01


def test_no_item_is_paired_with_itself_and_a_seed_gives_the_same_pairs(real: Any) -> None:
    from explorer.compute.baseline import _pairs

    for count in (3, 1000, 31_664):
        first, second = _pairs(count, 2000, seed=5)
        assert (first != second).all()
        assert max(first.max(), second.max()) < count
    one, same, other = (real.baseline("embed", pairs=1000, seed=s) for s in (1, 1, 2))
    assert one == same
    assert one.rows[0].mean != other.rows[0].mean


def test_each_space_is_scored_by_its_own_measure_unless_one_is_named(tiny: Any) -> None:
    own = tiny.baseline(pairs=500).rows
    assert [(r.space, r.measure) for r in own] == [
        ("embed", "cosine"),
        *((f"context.{layer}", "centered") for layer in range(4)),
    ]
    assert {r.measure for r in tiny.baseline(measure="dot", pairs=500).rows} == {"dot"}
    assert len(tiny.baseline("context.1", measure="euclidean", pairs=500).rows) == 1


def test_an_item_that_is_the_mean_has_no_centered_direction(tiny: Any) -> None:
    class Space:
        norms = np.ones(2, np.float32)
        centered_norms = np.array([0.0, 1.0], np.float32)
        mean = np.array([1.0, 0.0])

        class rows:  # noqa: N801  stands for the attribute
            @staticmethod
            def take(at: np.ndarray) -> np.ndarray:
                return np.eye(2, dtype=np.float32)[at]

        @staticmethod
        def scan(query: np.ndarray) -> np.ndarray:
            return query

    space: Any = Space()
    (found,) = pair_scores([Centered(space)], np.array([0]), np.array([1]))
    assert found.tolist() == [0.0]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"space": "contxt.1"}, "did you mean 'context.1'"),
        ({"measure": "cosin"}, "did you mean 'cosine'"),
        ({"pairs": 5}, "pairs=5: ask for 100 to 10,000,000"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_asked_is_one_line(ask: dict[str, Any], message: str, tiny: Any) -> None:
    with pytest.raises((QueryError, SemanticError), match=message):
        tiny.baseline(**ask)


def test_the_program_answers_as_python_does(tiny: Any, tiny_indexes: Any, run: Run) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama", "--pairs", "500"]
    done = run("explorer", "baseline", "--space", "embed", "--format", "json", *args)
    assert done.json() == tiny.baseline("embed", pairs=500).to_dict()
    table = run("explorer", "baseline", *args)
    assert (table.code, table.err) == (0, "")
    assert table.out.startswith("what two unrelated items score")
    assert run("explorer", "baseline", "-k", "3", *args).code == 2
