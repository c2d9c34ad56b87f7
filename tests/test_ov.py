"""What heads write for a word, against the model's own value and output matrices in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from conftest import Run
from explorer.errors import QueryError
from indexer.store.errors import SemanticError

Float64 = NDArray[np.float64]


@pytest.fixture(scope="module")
def weights(real_model: Any) -> dict[str, Float64]:
    return {
        name: tensor.double().numpy()
        for name, tensor in real_model.base.state_dict().items()
        if any(part in name for part in ("embed_tokens", "v_proj", "o_proj", "input_layernorm"))
    }


@pytest.fixture(scope="module")
def word_like(real: Any) -> NDArray[np.int64]:
    rows = real.index.sql("SELECT id FROM token WHERE word_like ORDER BY id")
    return np.array([row[0] for row in rows])


def token(real: Any, text: str) -> int:
    return int(real.index.sql("SELECT id FROM token WHERE text = ?", [text])[0][0])


def written(weights: dict[str, Float64], vector: Float64) -> Float64:
    """What each of the 270 heads writes, its matrices multiplied out: 9 heads share 3 values."""
    plain = vector / np.sqrt((vector**2).mean())
    found = []
    for layer in range(30):
        at = f"layers.{layer}"
        normed = plain * weights[f"{at}.input_layernorm.weight"]
        values = weights[f"{at}.self_attn.v_proj.weight"] @ normed
        output = weights[f"{at}.self_attn.o_proj.weight"]
        for head in range(9):
            shared = head // 3
            own = output[:, head * 64 : (head + 1) * 64]
            found.append(own @ values[shared * 64 : (shared + 1) * 64])
    return np.array(found)


def z_of(rows: Float64, target: Float64, population: Float64) -> Float64:
    scores = rows @ population.T
    return (rows @ target - scores.mean(axis=1)) / scores.std(axis=1)


@pytest.mark.parametrize(("word", "to"), [("France", "Paris"), ("dog", "cat"), ("large", "tall")])
def test_heads_are_ranked_as_brute_force_ranks_them(
    word: str, to: str, real: Any, weights: dict[str, Float64], word_like: NDArray[np.int64]
) -> None:
    embed = weights["embed_tokens.weight"]
    rows = written(weights, embed[token(real, f" {word}")])
    carried = z_of(rows, embed[token(real, f" {to}")], embed[word_like])
    copying = z_of(rows, embed[token(real, f" {word}")], embed[word_like])
    names = [f"L{layer}H{head}" for layer in range(30) for head in range(9)]
    found = real.ov(word, target=to, k=270).rows
    order = np.argsort(-carried)
    np.testing.assert_allclose([row.score for row in found], carried[order], atol=2e-4)
    assert [row.head for row in found[:20]] == [names[i] for i in order[:20]]
    by_name = {row.head: row for row in found}
    for i, name in enumerate(names):
        assert by_name[name].copying == pytest.approx(copying[i], abs=2e-4)
        assert by_name[name].norm == pytest.approx(np.linalg.norm(rows[i]), rel=1e-5)
    copied = real.ov(word, k=20).rows
    assert [row.head for row in copied] == [names[i] for i in np.argsort(-copying)[:20]]


def test_the_tokens_of_a_head_are_those_of_highest_and_lowest_z(
    real: Any, weights: dict[str, Float64], word_like: NDArray[np.int64]
) -> None:
    embed = weights["embed_tokens.weight"]
    rows = written(weights, embed[token(real, " dog")])
    one = real.ov("dog", layers=29, head=2).rows[0]
    scores = embed[word_like] @ rows[29 * 9 + 2]
    displays = [t.display for t in real.index.tokens.by_id(word_like)]
    assert one.writes == tuple(displays[i] for i in np.argsort(-scores)[:10])
    assert one.suppresses == tuple(displays[i] for i in np.argsort(scores)[:10])
    few = next(row for row in real.ov("dog", k=5).rows if row.head == "L29H2")
    assert few.writes == one.writes[:4]


@pytest.mark.slow
def test_z_is_standardised_over_random_words(real: Any, word_like: NDArray[np.int64]) -> None:
    """Over many random words B the z of every head has mean 0 and deviation 1."""
    from explorer.compute.ov import standardised, writes
    from explorer.measures.measure import Weighted

    index = real.index
    embed = index.space("embed")
    rows = writes(index, embed.vector(token(real, " dog")), np.array([0, 100, 269]))
    sample = [Weighted(embed.vector(int(i)), 1.0, embed) for i in word_like]
    z = np.array([standardised(rows, target) for target in sample])
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(z.std(axis=0), 1, atol=1e-3)


def test_a_vector_from_another_space_is_read_and_copying_is_of_the_word(real: Any) -> None:
    plain, deep = real.ov("dog", k=270).rows, real.ov("dog@context.20", k=270).rows
    assert {row.head for row in plain} == {row.head for row in deep}
    assert [row.head for row in plain] != [row.head for row in deep]
    assert real.ov("dog@context.20", k=1).meta.resolved[0].space == "context.20"


def test_heads_that_share_a_value_write_other_things(tiny_indexes: Any) -> None:
    with explorer.open("llama", tiny_indexes) as ix:
        rows = {row.head: row for row in ix.ov("dog", layers=1).rows}
    assert sorted(rows) == ["L1H0", "L1H1", "L1H2", "L1H3"]
    assert len({row.norm for row in rows.values()}) == 4


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"word": "dog", "head": 3}, "head=3 of which layer"),
        ({"word": "dog", "layers": 30}, "layers: no layer 30"),
        ({"word": "dog", "layers": 2, "head": 9}, "heads of a layer run from 0 to 8"),
        ({"word": "dog", "layers": "2-3", "head": 1}, "head=1 of which layer"),
        ({"word": "dog", "layers": 2, "k": 10}, "there are 1 to 9 heads"),
        ({"word": "dog", "k": 0}, "ask for 1 row or more"),
        ({"word": "dog + cat"}, "is a sum"),
        ({"word": "L1N2.out"}, "is a neuron"),
        ({"word": "dog", "target": "L1H2D3.value"}, "is a head dimension"),
        ({"word": "dogg"}, "did you mean"),
    ],
)
def test_what_cannot_be_asked_is_one_line(ask: dict[str, Any], message: str, real: Any) -> None:
    with pytest.raises((QueryError, SemanticError), match=message):
        real.ov(**ask)


def test_the_program_answers_as_python_does(tiny_indexes: Any, run: Run) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "gpt2"]
    done = run("explorer", "ov", "dog", "--to", "cat", "-k", "3", "--format", "json", *args)
    with explorer.open("gpt2", tiny_indexes) as ix:
        assert done.json() == ix.ov("dog", target="cat", k=3).to_dict()
    table = run("explorer", "ov", "dog", "--layer", "1", *args)
    assert (table.code, table.err) == (0, "")
    assert "heads that copy dog when they attend to it fully, by z" in table.out
