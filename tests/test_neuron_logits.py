"""A neuron's direct effect on the logits, against the model's own weights and brute force."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats

import explorer
from conftest import run_build
from explorer.compute import logits
from explorer.questions import LogitsQuery


@pytest.fixture(params=["llama", "gpt2"])
def tiny(request: pytest.FixtureRequest, tiny_indexes: Path) -> Any:
    with explorer.open(request.param, tiny_indexes) as ix:
        yield ix


def module(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def written(name: str, model: Any, layer: int, unit: int) -> torch.Tensor:
    """A neuron's column of the output matrix, as the checkpoint has it."""
    if name == "llama":
        return model.model.layers[layer].mlp.down_proj.weight[:, unit]
    return model.transformer.h[layer].mlp.c_proj.weight[unit]


def test_an_effect_is_what_the_unembedding_makes_of_the_column(
    tiny: Any, tiny_llama: Path, tiny_gpt2: Path
) -> None:
    model = module(tiny_llama if tiny.name == "llama" else tiny_gpt2)
    norm = model.model.norm if tiny.name == "llama" else model.transformer.ln_f
    with torch.no_grad():
        column = written(tiny.name, model, 1, 3).double()
        if tiny.name == "gpt2":
            column = column - column.mean()
        expected = (model.lm_head.weight.double() @ (norm.weight.double() * column)).numpy()
    side = tiny.index.neuron_space("out").vectors(tiny.index.neurons.at(1, 3, None).id, 1)
    found = logits.effects(tiny.index.unembedding, side)[0]
    assert np.allclose(found, expected, atol=1e-6)
    texts = {row.token: (row.sign, row.effect) for row in tiny.logits("L1N3", k=3).rows}
    tokens = tiny.index.tokens.by_id(np.arange(len(expected)))
    for token, value in zip(tokens, expected, strict=False):
        if token.display in texts:
            assert texts[token.display][1] == pytest.approx(value, abs=1e-6)


def test_a_step_along_the_column_changes_the_logits_by_the_effect(tiny: Any) -> None:
    """The effect is the derivative of the logits, at a stream of any size, times that size."""
    way = tiny.index.unembedding
    stream = np.random.default_rng(0).standard_normal((1, tiny.manifest.model.d_model)) * 3
    centred = stream - stream.mean() if way.entry.norm == "layer" else stream
    column = tiny.index.neuron_space("out").vectors(5, 1)
    column = column - column.mean() if way.entry.norm == "layer" else column
    # Across the stream, so that its size stays: the norm's own derivative is another question.
    column = column - centred * (column @ centred.T) / (centred @ centred.T)
    slope = (way.logits(stream + 1e-4 * column) - way.logits(stream - 1e-4 * column)) / 2e-4
    size = np.sqrt((centred**2).mean() + way.entry.epsilon)
    assert np.allclose(logits.effects(way, column), slope * size, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("neuron", ["L29N112", "L0N7", "L20N1535"])
def test_shapes_and_ends_are_those_of_the_whole_effect(real: Any, neuron: str) -> None:
    index, answer = real.index, real.logits(neuron, k=20)
    found = index.neurons.at(*(int(part) for part in neuron[1:].split("N")), None)
    rows = index.space("embed").vectors(0, index.manifest.model.vocabulary)
    side = index.neuron_space("out").vectors(found.id, 1)[0]
    effect = rows @ (index.unembedding.gain * side)
    tokens = index.sql("SELECT id, display, special FROM token ORDER BY id")
    never = left_out(rows, np.array([special for *_, special in tokens]))
    assert answer.meta.left_out == never.sum() == 35
    counted = effect[~never]
    assert answer.meta.tokens == len(counted)
    shape = {one.name: one.value for one in answer.meta.shape}
    assert shape["variance"] == pytest.approx(counted.var() / (side @ side), rel=1e-9)
    assert shape["skew"] == pytest.approx(stats.skew(counted), rel=1e-9)
    assert shape["kurtosis"] == pytest.approx(stats.kurtosis(counted, fisher=False), rel=1e-9)
    names = np.array([display for _, display, _ in tokens])[~never]
    order = np.argsort(-counted, kind="stable")
    ends = {sign: [row for row in answer.rows if row.sign == sign] for sign in (1, -1)}
    assert [row.token for row in ends[1]] == names[order[:20]].tolist()
    assert [row.token for row in ends[-1]] == names[order[::-1][:20]].tolist()
    assert [row.rank for row in ends[-1]] == list(range(1, 21))
    for row, at in zip(ends[1], order, strict=False):
        assert row.effect == pytest.approx(counted[at], rel=1e-9)
        assert row.z == pytest.approx((counted[at] - counted.mean()) / counted.std(), rel=1e-9)


def left_out(rows: Any, special: Any) -> Any:
    """Tokens that are control tokens, or lie where those lie that nothing has told apart."""
    centred = rows - rows.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    close = centred[special] @ centred[special].T > 0.999
    together = centred[special][close[close.sum(axis=1).argmax()]].mean(axis=0)
    return special | (centred @ together / np.linalg.norm(together) >= 0.9)


def test_random_directions_are_drawn_of_the_layer_and_their_shapes_taken(real: Any) -> None:
    index = real.index
    real.logits("L3N1")
    known = next(one for work, one in logits._KNOWN.items() if work is real._work)
    span = index.neuron_grid.span(3)
    sides = index.neuron_space("out").vectors(span.start, span.stop - span.start)
    drawn = np.random.default_rng([logits.SEED, 3]).standard_normal((1000, len(sides))) @ sides
    rows = index.space("embed").vectors(0, index.manifest.model.vocabulary)[known.ids]
    some = drawn[::97]
    effect = rows @ (some / np.linalg.norm(some, axis=1, keepdims=True) * index.unembedding.gain).T
    assert np.allclose(known.shapes[3][0, ::97], effect.var(axis=0), rtol=1e-5)
    assert np.allclose(known.shapes[3][1, ::97], stats.skew(effect), atol=1e-5)
    assert np.allclose(known.shapes[3][2, ::97], stats.kurtosis(effect, fisher=False), rtol=1e-5)
    for one, values in zip(real.logits("L3N1").meta.shape, known.shapes[3], strict=True):
        assert (one.low, one.median, one.high) == tuple(np.quantile(values, (0.01, 0.5, 0.99)))
        assert one.percentile == pytest.approx(100 * (values < one.value).mean())


@pytest.mark.slow
def test_the_last_layer_stands_out_and_early_ones_do_not(real: Any) -> None:
    """More neurons are beyond the 99th percentile of random directions where blocks end."""
    beyond = {}
    for layer in (5, 29):
        high = real.logits(f"L{layer}N0").meta.shape[2].high
        index = real.index
        known = next(one for work, one in logits._KNOWN.items() if work is real._work)
        span = index.neuron_grid.span(layer)
        sides = index.neuron_space("out").vectors(span.start, span.stop - span.start)
        effect = logits.effects(index.unembedding, sides)[:, known.ids]
        beyond[layer] = (stats.kurtosis(effect, axis=1, fisher=False) > high).mean()
    assert beyond[5] < 0.05
    assert 0.4 < beyond[29] < 0.55


def test_the_sign_it_acts_with_is_what_was_recorded(real: Any) -> None:
    answer = real.logits("L29N112")
    for sign, words in ((1, answer.meta.acts_plus), (-1, answer.meta.acts_minus)):
        assert words
        for word in words:
            asked = "SELECT activation FROM neuron_word n JOIN word w ON w.id = n.word "
            asked += "JOIN neuron u ON u.id = n.neuron WHERE u.name = 'L29N112' AND w.text = $w"
            rows = real.sql(asked, {"w": word}).rows
            assert all(row["activation"] * sign > 0 for row in rows)
    shown = str(answer)
    assert "raised where it acts +" in shown
    assert "raised where it acts -" in shown


def test_an_encoder_and_imported_vectors_have_no_logits(
    tmp_path: Path,
) -> None:
    from families import make_model

    folder = make_model(tmp_path / "model", "bert")
    with (
        explorer.open(run_build(folder, tmp_path, "bert")) as ix,
        pytest.raises(explorer.errors.SemanticError, match="has no logits: it is of an encoder"),  # type: ignore[attr-defined]
    ):
        ix.logits("L0N1")


def test_what_cannot_be_had_is_one_line(tiny: Any) -> None:
    with pytest.raises(explorer.errors.SemanticError, match="names no neuron"):  # type: ignore[attr-defined]
        tiny.logits("large")
    with pytest.raises(explorer.errors.SemanticError, match="tokens to show"):  # type: ignore[attr-defined]
        tiny.logits("L0N1", k=10**6)
    assert dataclasses.asdict(tiny.logits("l0n1", k=1).query) == {"neuron": "L0N1", "k": 1}
    assert tiny.ask(LogitsQuery("L0N1", 1)) == tiny.logits("L0N1", k=1)
