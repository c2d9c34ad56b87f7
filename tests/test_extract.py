"""What is in an index against the model itself, read in a second way.

Weights are compared with the tensors of the safetensors file, by name and with each transpose
written out; words in context with the model library's own forward pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import run_build
from indexer.extract.context import LastTokenStream, batches, context_layers
from indexer.model import load
from indexer.source import locate
from indexer.store.errors import UnknownName, UnknownSpace
from indexer.store.read import Index, open_index
from indexer.store.spaces import NEURON_SIDES, SIDE_PAIRS

Float64 = NDArray[np.float64]

# Side -> the tensor's name, and whether a neuron is a column of it.
MATRICES: dict[str, dict[str, Any]] = {
    "llama": {
        "gate": ("model.layers.{}.mlp.gate_proj.weight", False),
        "up": ("model.layers.{}.mlp.up_proj.weight", False),
        "out": ("model.layers.{}.mlp.down_proj.weight", True),
        "gain": "model.layers.{}.post_attention_layernorm.weight",
    },
    "gpt2": {
        "in": ("transformer.h.{}.mlp.c_fc.weight", True),
        "out": ("transformer.h.{}.mlp.c_proj.weight", False),
        "gain": "transformer.h.{}.ln_2.weight",
        "shift": "transformer.h.{}.ln_2.bias",
    },
}
LAYERS = {"llama": 3, "gpt2": 2}
SIDES = [("llama", "gate"), ("llama", "up"), ("llama", "out"), ("gpt2", "in"), ("gpt2", "out")]


@pytest.fixture(scope="module")
def models(tiny_llama: Path, tiny_gpt2: Path) -> dict[str, Path]:
    return {"llama": tiny_llama, "gpt2": tiny_gpt2}


@pytest.fixture(scope="module")
def tensors(models: dict[str, Path]) -> dict[str, dict[str, Float64]]:
    from safetensors.numpy import load_file

    return {
        name: {k: v.astype(np.float64) for k, v in load_file(path / "model.safetensors").items()}
        for name, path in models.items()
    }


@pytest.fixture(scope="module")
def folded(tiny_indexes: Path) -> Iterator[dict[str, Index]]:
    with open_index("llama", tiny_indexes) as llama, open_index("gpt2", tiny_indexes) as gpt2:
        yield {"llama": llama, "gpt2": gpt2}


@pytest.fixture(scope="module")
def raw(
    models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Index]]:
    root = tmp_path_factory.mktemp("raw")
    found = {name: Index(run_build(path, root, name, raw=True)) for name, path in models.items()}
    yield found
    for index in found.values():
        index.close()


@pytest.fixture(scope="module")
def narrow(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """One layer of the tiny Llama, run in bfloat16."""
    root = tmp_path_factory.mktemp("narrow")
    with Index(run_build(tiny_llama, root, "narrow", layers="1", dtype="bfloat16")) as index:
        yield index


def vectors(index: Index, space: str) -> Float64:
    """All vectors of a space at their own length."""
    rows = index.space(space)
    unit = rows.rows.block(0, rows.entry.rows).astype(np.float64)
    return unit * rows.norms[:, None]


def own_rows(tensors: dict[str, dict[str, Float64]], model: str, side: str, layer: int) -> Float64:
    """A layer's neurons as the file of weights has them, (d_mlp, d_model)."""
    name, columns = MATRICES[model][side]
    matrix = tensors[model][name.format(layer)]
    return matrix.T if columns else matrix


def gain_of(tensors: dict[str, dict[str, Float64]], model: str, layer: int) -> Float64:
    return tensors[model][MATRICES[model]["gain"].format(layer)]


# -- tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "space", "tensor"),
    [
        ("llama", "embed", "model.embed_tokens.weight"),
        ("llama", "unembed", "lm_head.weight"),
        ("gpt2", "embed", "transformer.wte.weight"),
    ],
)
def test_token_spaces_are_the_models_own_matrices(
    model: str, space: str, tensor: str, folded: dict[str, Index], tensors: dict[str, Any]
) -> None:
    np.testing.assert_allclose(
        vectors(folded[model], space), tensors[model][tensor], rtol=1e-5, atol=1e-8
    )


def test_only_an_unembedding_of_its_own_is_a_space(folded: dict[str, Index]) -> None:
    assert "unembed" in folded["llama"].space_names
    assert not folded["llama"].manifest.model.tied
    with pytest.raises(UnknownSpace, match="no space 'unembed'"):
        folded["gpt2"].space("unembed")
    assert folded["gpt2"].manifest.model.tied


def test_moments_of_embed_are_those_of_its_word_like_tokens(folded: dict[str, Index]) -> None:
    for index in folded.values():
        embed = index.space("embed")
        word_like = np.array([row[0] for row in index.sql("SELECT word_like FROM token")])
        rows = vectors(index, "embed")[word_like]
        assert embed.entry.population_rows == len(rows) > 10
        np.testing.assert_allclose(embed.mean, rows.mean(axis=0), atol=1e-7)
        expected = np.cov(rows, rowvar=False, ddof=0)
        np.testing.assert_allclose(embed.covariance, expected, rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(
            embed.centered_norms,
            np.linalg.norm(vectors(index, "embed") - embed.mean, axis=1),
            rtol=1e-5,
        )


# -- neurons ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("model", "side"), SIDES)
def test_raw_neurons_are_the_models_own_rows(
    model: str, side: str, raw: dict[str, Index], tensors: dict[str, Any]
) -> None:
    expected = [own_rows(tensors, model, side, layer) for layer in range(LAYERS[model])]
    np.testing.assert_allclose(
        vectors(raw[model], f"neuron.{side}"), np.concatenate(expected), rtol=1e-5, atol=1e-8
    )


@pytest.mark.parametrize(("model", "side"), SIDES)
def test_folded_neurons_hold_the_gain_on_the_reading_sides_alone(
    model: str, side: str, folded: dict[str, Index], tensors: dict[str, Any]
) -> None:
    expected = []
    for layer in range(LAYERS[model]):
        rows = own_rows(tensors, model, side, layer)
        if side != "out":
            rows = rows * gain_of(tensors, model, layer)
            if model == "gpt2":
                rows = rows - rows.mean(axis=1, keepdims=True)
        expected.append(rows)
    np.testing.assert_allclose(
        vectors(folded[model], f"neuron.{side}"), np.concatenate(expected), rtol=1e-5, atol=1e-7
    )


def test_the_convention_is_recorded_with_the_space(
    folded: dict[str, Index], raw: dict[str, Index]
) -> None:
    def conventions(index: Index) -> list[str]:
        entries = [index.manifest.space(f"neuron.{side}") for side in index.sides]
        assert all(e and index.manifest.conventions[e.name] == e.convention for e in entries)
        return [entry.convention for entry in entries if entry]

    gain, columns = "norm gain folded in", "raw columns of the output matrix"
    assert conventions(folded["llama"]) == [gain, gain, columns]
    assert conventions(folded["gpt2"]) == [f"{gain}, centred", columns]
    assert conventions(raw["llama"]) == ["raw rows", "raw rows", columns]
    assert conventions(raw["gpt2"]) == ["raw rows", columns]


@pytest.mark.parametrize(("model", "side"), [s for s in SIDES if s[1] != "out"])
def test_folded_rows_read_the_plain_normed_stream_as_raw_rows_read_the_models(
    model: str, side: str, folded: dict[str, Index], models: dict[str, Path], tensors: Any
) -> None:
    import torch

    d_model = folded[model].manifest.model.d_model
    stream = np.random.default_rng(1).standard_normal((50, d_model)) * 3 + 2
    module = load(locate(str(models[model]))).module.double()
    for layer in range(LAYERS[model]):
        names = MATRICES[model]["gain"].format(layer).removesuffix(".weight")
        with torch.no_grad():
            normed = module.get_submodule(names)(torch.from_numpy(stream)).numpy()
        expected = normed @ own_rows(tensors, model, side, layer).T
        if model == "llama":
            plain = stream / np.sqrt((stream**2).mean(axis=1, keepdims=True) + 1e-6)
        else:
            plain = stream - stream.mean(axis=1, keepdims=True)
            plain /= np.sqrt(stream.var(axis=1, keepdims=True) + 1e-5)
            shift = tensors[model][MATRICES[model]["shift"].format(layer)]
            expected = expected - own_rows(tensors, model, side, layer) @ shift
        units = folded[model].manifest.neurons[0].units
        rows = vectors(folded[model], f"neuron.{side}")[layer * units : (layer + 1) * units]
        np.testing.assert_allclose(plain @ rows.T, expected, rtol=1e-4, atol=1e-5)


def test_the_neuron_table_holds_norms_and_cosines_between_sides(folded: dict[str, Index]) -> None:
    for index in folded.values():
        units = index.manifest.neurons[0].units
        sides = {side: vectors(index, f"neuron.{side}") for side in index.sides}

        def cosine(one: Float64, other: Float64) -> float:
            return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

        for layer, unit in [(0, 0), (1, units - 1)]:
            at = layer * units + unit
            neuron = index.neurons.at(layer, unit)
            assert (neuron.id, neuron.name) == (at, f"L{layer}N{unit}")
            for side in NEURON_SIDES:
                norm = np.linalg.norm(sides[side][at]) if side in sides else None
                assert getattr(neuron, f"norm_{side}") == pytest.approx(norm, rel=1e-5), side
            for one, other in SIDE_PAIRS:
                there = one in sides and other in sides
                expected = cosine(sides[one][at], sides[other][at]) if there else None
                found = getattr(neuron, f"cosine_{one}_{other}")
                assert found == pytest.approx(expected, abs=1e-6), (one, other)


@pytest.mark.parametrize(("model", "side"), SIDES)
def test_the_nearest_tokens_of_a_neuron_are_its_ends_by_z(
    model: str, side: str, folded: dict[str, Index]
) -> None:
    index = folded[model]
    word_like = np.array([row[0] for row in index.sql("SELECT word_like FROM token ORDER BY id")])
    words = vectors(index, "embed")[word_like]
    ids = np.flatnonzero(word_like)
    rows = vectors(index, f"neuron.{side}")
    products = rows @ words.T
    z = (products - products.mean(axis=1, keepdims=True)) / products.std(axis=1)[:, None]
    table = index.sql(
        "SELECT neuron, rank, token, score FROM neuron_token WHERE side = ? ORDER BY neuron, rank",
        [side],
    )
    assert len(table) == 20 * len(rows)
    found = {(neuron, rank): (token, score) for neuron, rank, token, score in table}
    for neuron in range(len(rows)):
        order = np.argsort(z[neuron])
        for rank in range(1, 11):
            for sign, at in ((1, order[-rank]), (-1, order[rank - 1])):
                token, score = found[neuron, sign * rank]
                assert score == pytest.approx(z[neuron, at], abs=1e-4)
                assert score == pytest.approx(z[neuron, list(ids).index(token)], abs=1e-4)


# -- words in context ---------------------------------------------------------------------------


def hidden_states(model: Any, ids: list[int]) -> Float64:
    """The library's own list of hidden states at the last position, (L + 1, d_model)."""
    import torch

    with torch.no_grad():
        out = model.module(input_ids=torch.tensor([ids]), output_hidden_states=True)
    return np.stack([state[0, -1].double().numpy() for state in out.hidden_states])


def stream_after_last_block(model: Any, ids: list[int]) -> Float64:
    """What the last block hands to the final norm."""
    import torch

    caught: list[Any] = []
    final = model.base.norm if model.family.title == "Llama" else model.base.ln_f
    handle = final.register_forward_pre_hook(lambda _, args: caught.append(args[0]))
    with torch.no_grad():
        model.module(input_ids=torch.tensor([ids]))
    handle.remove()
    stream: Float64 = caught[0][0, -1].double().numpy()
    return stream


def test_the_context_of_a_word_is_the_stream_at_its_last_token_after_the_prefix(
    models: dict[str, Path], folded: dict[str, Index]
) -> None:
    for name, index in folded.items():
        model = load(locate(str(models[name])))
        last = len(model.blocks)
        prefix = list(index.manifest.prefix.token_ids)
        assert prefix
        spaces = {space: vectors(index, space) for space in index.context_names}
        assert list(spaces) == [f"context.{layer}" for layer in range(last + 1)]
        for text in ("large", "cat", "Chihuahua", "Great Dane"):
            word = index.words.by_text(text)
            assert word is not None
            ids = [*prefix, *word.token_ids]
            expected = hidden_states(model, ids)
            expected[-1] = stream_after_last_block(model, ids)
            for layer in range(last + 1):
                found = spaces[f"context.{layer}"][word.id]
                np.testing.assert_allclose(found, expected[layer], rtol=1e-3, atol=2e-5)


def test_the_last_context_space_comes_before_the_final_norm(
    models: dict[str, Path], folded: dict[str, Index]
) -> None:
    import torch

    for name, index in folded.items():
        model = load(locate(str(models[name])))
        word = index.words.by_text("large")
        assert word is not None
        ids = [*index.manifest.prefix.token_ids, *word.token_ids]
        normed = hidden_states(model, ids)[-1]
        stored = vectors(index, index.context_names[-1])[word.id]
        assert np.linalg.norm(stored - normed) > 0.1 * np.linalg.norm(normed)
        final = model.base.norm if name == "llama" else model.base.ln_f
        with torch.no_grad():
            again = final(torch.from_numpy(stored).float()).double().numpy()
        np.testing.assert_allclose(again, normed, rtol=1e-3, atol=1e-4)


def test_a_batch_after_a_kept_prefix_gives_what_each_word_gives_alone(
    models: dict[str, Path],
) -> None:
    for path in models.values():
        model = load(locate(str(path)))
        layers = list(range(len(model.blocks) + 1))
        words = np.random.default_rng(2).integers(2, 300, (5, 3)).tolist()
        for prefix in ([], [0], [5, 6, 7]):
            together = LastTokenStream(model, prefix, layers).run(words)
            assert together.shape == (len(layers), 5, model.d_model)
            for at, word in enumerate(words):
                alone = LastTokenStream(model, prefix, layers, cached=False).run([word])
                np.testing.assert_allclose(together[:, at], alone[:, 0], atol=1e-5)
            last = hidden_states(model, [*prefix, *words[0]])[:-1]
            np.testing.assert_allclose(together[:-1, 0], last, rtol=1e-3, atol=2e-5)


def test_hooks_are_gone_after_a_run(models: dict[str, Path]) -> None:
    model = load(locate(str(models["llama"])))
    LastTokenStream(model, [1], [0, 3]).run([[5]])
    hooks = [h for m in model.module.modules() for h in (m._forward_hooks, m._forward_pre_hooks)]
    assert not any(hooks)


def test_the_share_of_sinks_is_recorded_for_each_layer(folded: dict[str, Index]) -> None:
    for index in folded.values():
        shares = index.manifest.prefix.sink_share
        assert list(shares) == index.context_names
        for at, name in enumerate(index.context_names):
            norms = index.space(name).norms
            expected = float((norms > 5 * np.median(norms)).mean())
            assert shares[name] == pytest.approx(expected)
            (count,) = index.sql(f"SELECT count(*) FROM word WHERE sink[{at + 1}]")[0]
            assert count == round(expected * len(norms))


def test_batches_are_runs_of_one_length_and_the_same_from_any_start() -> None:
    lengths = [1] * 700 + [2] * 300 + [3] * 5 + [600] * 2
    whole = list(batches(lengths))
    assert [start for start, _ in whole] == [0] + [end for _, end in whole[:-1]]
    assert whole[-1][1] == len(lengths)
    for start, end in whole:
        assert len(set(lengths[start:end])) == 1
        assert sum(lengths[start:end]) <= 512 or end - start == 1
    for at, (start, _) in enumerate(whole):
        assert list(batches(lengths, start)) == whole[at:]


def test_context_spaces_are_the_streams_before_and_after_each_block() -> None:
    assert context_layers([0, 1, 2]) == [0, 1, 2, 3]
    assert context_layers([1]) == [1, 2]
    assert context_layers([0, 5]) == [0, 1, 5, 6]


# -- a part of the layers, and another dtype ----------------------------------------------------


def test_a_part_of_the_layers_gives_their_spaces_and_their_neurons(
    narrow: Index, folded: dict[str, Index]
) -> None:
    units = narrow.manifest.neurons[0].units
    assert narrow.space_names == [
        *("embed", "unembed", "context.1", "context.2"),
        *("neuron.gate", "neuron.up", "neuron.out", "head.value", "head.output"),
    ]
    assert (narrow.manifest.layers, narrow.manifest.model.n_layers) == ((1,), 3)
    for side in narrow.sides:
        np.testing.assert_array_equal(
            vectors(narrow, f"neuron.{side}"),
            vectors(folded["llama"], f"neuron.{side}")[units : 2 * units],
        )
    names = [narrow.neuron_grid.place(row).name for row in (0, units - 1)]
    assert names == ["L1N0", f"L1N{units - 1}"]
    assert [row[0] for row in narrow.sql("SELECT name FROM neuron WHERE id IN (0, 1)")] == [
        "L1N0",
        "L1N1",
    ]
    assert narrow.neurons.at(1, 7).id == 7
    with pytest.raises(UnknownName, match="did you mean 'L1N3'"):
        narrow.neurons.at(0, 3)


def test_bfloat16_is_recorded_and_touches_the_forward_passes_alone(
    narrow: Index, folded: dict[str, Index]
) -> None:
    wide = folded["llama"]
    assert (narrow.manifest.dtype, wide.manifest.dtype) == ("bfloat16", "float32")
    (recorded,) = narrow.sql("SELECT options FROM build")[0]
    assert json.loads(recorded)["dtype"] == "bfloat16"
    np.testing.assert_array_equal(vectors(narrow, "embed"), vectors(wide, "embed"))
    assert narrow.manifest.prefix.token_ids == wide.manifest.prefix.token_ids
    ours, theirs = vectors(narrow, "context.2"), vectors(wide, "context.2")
    difference = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
    assert 1e-4 < np.median(difference) < 3e-2
