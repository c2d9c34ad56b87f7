"""Middle men by weights stand in the order that sorting every neuron's float64 score gives.

The scan that finds them is of float32, which cannot tell rows one unit in the last place apart, so
rows like that are planted: equal ones, near ones, none at all, very long and very short ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import explorer
from conftest import run_build
from families import make_model

Float64 = NDArray[np.float64]

LAYERS, UNITS = 3, 38


def plant(model: Any) -> None:
    """Neurons that all but agree: in every layer a few directions, each many times over."""
    import torch

    draw = torch.Generator().manual_seed(11)
    embedding = model.model.embed_tokens.weight
    embedding.copy_(torch.randn(embedding.shape, generator=draw))
    few = torch.randn(3, embedding.shape[1], generator=draw)
    for layer in model.model.layers:
        for matrix in (layer.mlp.gate_proj.weight, layer.mlp.up_proj.weight):
            for unit in range(UNITS):
                row = few[unit % 3].clone()
                for _ in range(unit // 3 % 5):  # equal, and up to four units in the last place off
                    row[unit % 24] = torch.nextafter(row[unit % 24], torch.tensor(99.0))
                matrix[unit] = row
            matrix[5] = 0
            matrix[9] *= 1e5  # more, and the stream is too long for the norm's float32
            matrix[12] *= 1e-15
            matrix[15] *= 3
        layer.mlp.down_proj.weight.copy_(layer.mlp.gate_proj.weight.T)


@pytest.fixture(scope="module")
def near_ties(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("ties")
    run_build(
        make_model(folder / "model", "llama", plant),
        folder,
        "ties",
        raw=True,
        spaces="embed,neuron",
    )
    with explorer.open("ties", folder) as ix:
        yield ix


def all_scores(ix: Any, side: str, words: Sequence[str], score: str) -> Float64:
    """(words, neurons) float64, from the rows as stored, each by itself."""
    space, embed = ix.index.space(f"neuron.{side}"), ix.index.space("embed")
    rows = space.rows.block(0, space.entry.rows).astype(np.float64)
    mean, deviation = space.scores_of(embed)
    found = []
    for word in words:
        vector = embed.vector(ix.index.tokens.by_text(f" {word}").id)
        products = np.multiply(rows, vector).sum(axis=1)
        if score == "cosine":
            found.append(products / np.linalg.norm(vector))
            continue
        products = products * space.norms
        if score == "z":
            above = products - mean
            products = np.divide(above, deviation, out=above * 0, where=deviation > 0)
        found.append(products)
    return np.stack(found)


def sorted_names(ix: Any, total: Float64, among: Sequence[int], k: int) -> list[tuple[int, str]]:
    """(rank, name) of the k best that count, the lower position first among equals."""
    at = np.array([one for one in among if not np.isnan(total[one])], np.int64)
    order = at[np.lexsort((at, -total[at]))][:k]
    return [(rank, ix.index.neuron_grid.place(int(p)).name) for rank, p in enumerate(order, 1)]


def total_of(scores: Float64, wanted: int, combine: str) -> Float64:
    """Each neuron's score by itself; NaN of one that does not count."""
    total = np.empty(scores.shape[1])
    for at, each in enumerate(scores.T):
        answers = min(each[:wanted]) if combine == "min" else np.mean(each[:wanted])
        avoided = each[wanted:]
        counts = answers > 0 or not len(avoided)
        total[at] = (answers - max([0.0, *avoided])) if counts else np.nan
    return total


WORDS = ["large", "tall", "small", "dog", "cat", "red", "king"]
ASKED = st.tuples(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=5, unique=True),
    st.integers(0, 2),
    st.sampled_from(["gate", "up", "out"]),
    st.sampled_from(["z", "dot", "cosine"]),
    st.sampled_from(["min", "mean"]),
    st.integers(1, LAYERS * UNITS),
    st.sampled_from([(0, 1, 2), (1,), (0, 2)]),
)


@settings(deadline=None, max_examples=150)
@given(ASKED)
def test_near_ties_stand_as_a_sort_of_all_exact_scores_has_them(near_ties: Any, asked: Any) -> None:
    words, avoiding, side, score, combine, k, layers = asked
    avoid = words[1 : 1 + avoiding]
    wanted = [word for word in words if word not in avoid]
    scores = all_scores(near_ties, side, [*wanted, *avoid], score)
    total = total_of(scores, len(wanted), combine)
    inside = [layer * UNITS + unit for layer in layers for unit in range(UNITS)]
    how = {"avoid": avoid, "side": side, "score": score, "combine": combine, "layers": layers}
    k = min(k, len(inside))
    answer = near_ties.middleman(*wanted, **how, k=k)
    assert [(r.rank, r.neuron) for r in answer.rows] == sorted_names(near_ties, total, inside, k)
    ids = [near_ties.index.neurons.at(row.layer, row.unit).id for row in answer.rows]
    assert [row.score for row in answer.rows] == total[ids].tolist()
    of_each = min(k, UNITS)
    best = near_ties.middleman(*wanted, **how, per_layer=of_each)
    assert [(row.rank, row.neuron) for row in best.rows] == [
        one
        for layer in layers
        for one in sorted_names(
            near_ties, total, range(layer * UNITS, (layer + 1) * UNITS), of_each
        )
    ]


def test_equal_rows_stand_in_the_order_of_neurons(near_ties: Any) -> None:
    rows = near_ties.middleman("large", score="cosine", k=LAYERS * UNITS).rows
    for first, second in pairwise(rows):
        if first.score == second.score:
            assert (first.layer, first.unit) < (second.layer, second.unit)
    assert len({row.score for row in rows}) < len(rows) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "how"),
    [
        (("large", "tall"), {}),
        (("dog", "cat"), {"side": "out"}),
        (("red", "blue"), {"side": "up", "combine": "mean"}),
        (("king", "queen", "woman"), {"avoid": ["man"]}),
        (("king", "woman"), {"avoid": ["man"], "combine": "mean"}),
        (("king", "woman"), {"avoid": ["man", "dog"], "score": "dot", "side": "out"}),
        (("house",), {"score": "dot", "side": "out"}),
        (("water", "river"), {"score": "cosine"}),
    ],
)
def test_thousands_of_the_real_models_neurons_stand_so(
    real: Any, words: tuple[str, ...], how: dict[str, Any]
) -> None:
    avoid = how.get("avoid", [])
    score, side = how.get("score", "z"), how.get("side", "gate")
    scores = all_scores(real, side, [*words, *avoid], score)
    total = total_of(scores, len(words), how.get("combine", "min"))
    rows = real.middleman(*words, **how, k=5000).rows
    every = range(real.index.neuron_grid.rows)
    assert [(row.rank, row.neuron) for row in rows] == sorted_names(real, total, every, 5000)
