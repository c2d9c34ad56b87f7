"""Every family of the table, on a tiny random model of it, against the model read in a second way.

The second way is the checkpoint's own file: tensors by the names they have there, each transpose
and each cut of a fused matrix written out; and the model library's own forward pass.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import run_build
from families import CASES, make_model
from indexer.architectures import FAMILIES, Norm, check_config, family_of
from indexer.check import check_heads, check_mlp
from indexer.errors import CheckFailed, IncompleteWeights, UnknownConfig
from indexer.extract.context import LastTokenStream
from indexer.extract.heads import head_rows
from indexer.extract.neurons import neuron_rows
from indexer.extract.norms import plain_norm
from indexer.extract.probe import probe
from indexer.model import Model, load
from indexer.source import locate
from indexer.store.errors import NoLogits
from indexer.store.grid import HeadGrid, NeuronGrid, NeuronLayer
from indexer.store.read import Index
from indexer.store.spaces import HEAD_SIDES, neuron_space
from selfcheck import assert_looked_at

Float64 = NDArray[np.float64]
Rows = dict[str, Float64]

_LLAMA = {
    "embed": "model.embed_tokens",
    "unembed": "lm_head",
    "block": "model.layers.{}",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "out": "mlp.down_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
}
_BERT = {
    "embed": "embeddings.word_embeddings",
    "block": "encoder.layer.{}",
    "in": "intermediate.dense",
    "out": "output.dense",
    "value": "attention.self.value",
    "output": "attention.output.dense",
}
_BLOOM = {
    "embed": "transformer.word_embeddings",
    "unembed": "lm_head",
    "block": "transformer.h.{}",
    "in": "mlp.dense_h_to_4h",
    "out": "mlp.dense_4h_to_h",
    "value": "self_attention.query_key_value",
    "output": "self_attention.dense",
}
NAMES: dict[str, dict[str, str]] = {
    "gpt2": {
        "embed": "transformer.wte",
        "unembed": "lm_head",
        "block": "transformer.h.{}",
        "in": "mlp.c_fc",
        "out": "mlp.c_proj",
        "value": "attn.c_attn",
        "output": "attn.c_proj",
    },
    "gpt_neo": {
        "embed": "transformer.wte",
        "unembed": "lm_head",
        "block": "transformer.h.{}",
        "in": "mlp.c_fc",
        "out": "mlp.c_proj",
        "value": "attn.attention.v_proj",
        "output": "attn.attention.out_proj",
    },
    "gptj": {
        "embed": "transformer.wte",
        "unembed": "lm_head",
        "block": "transformer.h.{}",
        "in": "mlp.fc_in",
        "out": "mlp.fc_out",
        "value": "attn.v_proj",
        "output": "attn.out_proj",
    },
    "gpt_neox": {
        "embed": "gpt_neox.embed_in",
        "unembed": "embed_out",
        "block": "gpt_neox.layers.{}",
        "in": "mlp.dense_h_to_4h",
        "out": "mlp.dense_4h_to_h",
        "value": "attention.query_key_value",
        "output": "attention.dense",
    },
    "opt": {
        "embed": "model.decoder.embed_tokens",
        "unembed": "lm_head",
        "block": "model.decoder.layers.{}",
        "in": "fc1",
        "out": "fc2",
        "value": "self_attn.v_proj",
        "output": "self_attn.out_proj",
    },
    "bloom": _BLOOM,
    "falcon": _BLOOM,
    "phi": {**_LLAMA, "in": "mlp.fc1", "out": "mlp.fc2", "output": "self_attn.dense"},
    "gemma3_vision": {
        **_LLAMA,
        "embed": "language_model.model.embed_tokens",
        "unembed": "language_model.lm_head",
        "block": "language_model.model.layers.{}",
    },
    "mixtral": {
        **_LLAMA,
        "gate": "block_sparse_moe.experts.{}.w1",
        "up": "block_sparse_moe.experts.{}.w3",
        "out": "block_sparse_moe.experts.{}.w2",
    },
    "bert": _BERT,
    "roberta": _BERT,
    "electra": _BERT,
    "mpnet": {**_BERT, "value": "attention.attn.v", "output": "attention.attn.o"},
    "distilbert": {
        "embed": "embeddings.word_embeddings",
        "block": "transformer.layer.{}",
        "in": "ffn.lin1",
        "out": "ffn.lin2",
        "value": "attention.v_lin",
        "output": "attention.out_lin",
    },
    "modernbert": {
        "embed": "embeddings.tok_embeddings",
        "block": "layers.{}",
        "gate": "mlp.Wi",
        "up": "mlp.Wi",
        "out": "mlp.Wo",
        "value": "attn.Wqkv",
        "output": "attn.Wo",
    },
}
FINAL_NORMS = {
    "gpt2": "transformer.ln_f",
    "gpt_neo": "transformer.ln_f",
    "gptj": "transformer.ln_f",
    "gpt_neox": "gpt_neox.final_layer_norm",
    "opt": "model.decoder.final_layer_norm",
    "opt-350m": "",
    "bloom": "transformer.ln_f",
    "falcon": "transformer.ln_f",
    "phi": "model.final_layernorm",
    "gemma3_vision": "language_model.model.norm",
}
"""The last norm as a checkpoint's file has it; of all others it is `model.norm`."""
FUSED = ("gpt2", "gpt_neox", "bloom", "falcon", "modernbert")


class Tiny:
    """One case: its files, its model as the indexer loads it, and its index."""

    def __init__(self, name: str, root: Path) -> None:
        from safetensors.numpy import load_file

        self.name, self.kind = name, name.split("-")[0]
        self.names = NAMES.get(self.kind, _LLAMA)
        self.folder = make_model(root / "models" / name, name)
        self.tensors = {
            key: value.astype(np.float64)
            for key, value in load_file(self.folder / "model.safetensors").items()
        }
        self.model = load(locate(str(self.folder)))
        self.index = Index(run_build(self.folder, root / "indexes", name, words=40))
        self.layers = range(len(self.model.blocks))

    def tensor(self, layer: int, what: str, expert: int | None, end: str) -> Float64 | None:
        """A block's tensor by its name in the file."""
        path = self.names[what]
        if self.kind == "qwen3_moe" and expert is not None:
            path = path.replace("mlp.", "mlp.experts.{}.")
        name = f"{self.names['block'].format(layer)}.{path.format(expert)}.{end}"
        return self.tensors.get(name)

    def matrix(self, layer: int, what: str, expert: int | None = None) -> Float64:
        """A side's rows, (n, d_model), every transpose and cut written out."""
        found = self.tensor(layer, what, expert, "weight")
        assert found is not None
        if self.kind == "gpt2":
            found = found.T  # now (out, in), as everyone else has it
        if self.kind == "modernbert" and what in ("gate", "up"):
            first, second = np.split(found, 2)
            found = first if what == "gate" else second
        if what in ("out", "output"):
            return found.T
        return self.per_head(layer, found) if what == "value" else found

    def per_head(self, layer: int, value: Float64) -> Float64:
        """The rows of the values, cut out of a fused matrix, one set for every query head."""
        heads, width = self.index.manifest.model.n_heads, self.index.manifest.model.d_head
        if self.kind in ("gpt2", "modernbert"):
            return np.split(value, 3)[2]
        if self.kind in FUSED:
            shared = {"falcon": 1, "falcon-grouped": 2}.get(self.name, heads)
            per_group = heads // shared + 2
            blocks = value.reshape(shared * per_group, width, *value.shape[1:])
            kept = [blocks[g * per_group + per_group - 1] for g in range(shared)]
        else:
            shared = len(value) // width
            kept = list(value.reshape(shared, width, *value.shape[1:]))
        return np.concatenate([kept[head * shared // heads] for head in range(heads)])

    def rows(self, folded: bool) -> Rows:
        """All weight spaces as the indexer extracts them now."""
        grid, sides = self.grid, self.model.family.sides
        found = {
            f"neuron.{side}": np.concatenate(
                [
                    neuron_rows(self.model, g.layer, side, folded, e).folded()
                    for g, e in grid.groups()
                ]
            )
            for side in sides
        }
        for side in HEAD_SIDES:
            parts = [head_rows(self.model, layer, side, folded).folded() for layer in self.layers]
            found[f"head.{side}"] = np.concatenate(parts)
        return {name: rows.astype(np.float64) for name, rows in found.items()}

    @property
    def grid(self) -> NeuronGrid:
        return NeuronGrid(
            tuple(NeuronLayer(layer, *self.model.neurons(layer)) for layer in self.layers)
        )

    @property
    def heads(self) -> HeadGrid:
        count, _, width = self.model.heads(0)
        return HeadGrid(tuple(self.layers), count, width)

    def check(self, rows: Rows, folded: bool = True) -> None:
        """The self-check, on some rows; raises `CheckFailed`."""

        def stored(space: str, first: int, count: int) -> Float64:
            return rows[space][first : first + count]

        check_mlp(self.model, stored, self.grid, folded, SENTENCES)
        check_heads(self.model, stored, self.heads, folded, [60, 70, 80])

    def forward(self, ids: list[int]) -> list[Float64]:
        """What enters each block and leaves the last, at each position, by hooks of our own."""
        import torch

        blocks = next(
            module
            for module in self.model.module.modules()
            if isinstance(module, torch.nn.ModuleList) and len(module) == len(self.layers)
        )
        seen: list[Any] = []

        def enter(_: Any, args: Any, kwargs: Any) -> None:
            seen.append(args[0] if args else kwargs["hidden_states"])

        def leave(_: Any, __: Any, output: Any) -> None:
            seen.append(output[0] if isinstance(output, tuple) else output)

        hooks = [block.register_forward_pre_hook(enter, with_kwargs=True) for block in blocks]
        hooks.append(blocks[-1].register_forward_hook(leave))
        with torch.no_grad():
            self.model.module(torch.tensor([ids]))
        for hook in hooks:
            hook.remove()
        return [tensor[0].double().numpy() for tensor in seen]

    def fires(self, ids: list[int], last: int) -> Float64:
        """Every neuron's activation at one position: what enters the output matrix, by hooks.

        Of experts it is computed from the file's own tensors and what the router chose.
        """
        import torch

        found: dict[int, Float64] = {}
        hooks = []
        experts = {entry.layer: entry.experts for entry in self.grid.layers}
        for layer in self.layers:
            block = self.model.module.get_submodule(self.block_path(layer))

            def dense(_: Any, args: Any, layer: int = layer) -> None:
                found[layer] = args[0].reshape(len(ids), -1)[last].double().numpy()

            def mixed(_: Any, args: Any, layer: int = layer) -> None:
                hidden, chosen = (a.reshape(len(ids), -1)[last] for a in args[:2])
                read, whole = hidden.double().numpy(), []
                for expert in range(experts[layer]):
                    gate = self.matrix(layer, "gate", expert) @ read
                    whole.append(
                        gate / (1 + np.exp(-gate)) * (self.matrix(layer, "up", expert) @ read)
                    )
                    whole[-1] *= expert in chosen.tolist()
                found[layer] = np.concatenate(whole)

            if experts[layer]:
                hooks.append(block.get_submodule("mlp.experts").register_forward_pre_hook(mixed))
            else:
                writing = block.get_submodule(self.names["out"])
                hooks.append(writing.register_forward_pre_hook(dense))
        with torch.no_grad():
            self.model.module(torch.tensor([ids]))
        for hook in hooks:
            hook.remove()
        return np.concatenate([found[layer] for layer in self.layers])

    def block_path(self, layer: int) -> str:
        """Where a block is in the module; files of Gemma 3 with vision keep older names."""
        path = self.names["block"].format(layer)
        return path.replace("language_model.model.", "model.language_model.")


SENTENCES = [[50, 61, 72, 83], [49, 58, 67, 76]]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Tiny]:
    root = tmp_path_factory.mktemp("families")
    return cache(lambda name: Tiny(name, root))


@pytest.fixture(params=CASES, scope="module")
def tiny(request: pytest.FixtureRequest, make: Callable[[str], Tiny]) -> Tiny:
    return make(request.param)


def vectors(index: Index, space: str) -> Float64:
    """All vectors of a space at their own length."""
    rows = index.space(space)
    return rows.rows.block(0, rows.entry.rows).astype(np.float64) * rows.norms[:, None]


@pytest.mark.native
def test_the_cases_cover_the_table() -> None:
    assert {case.family for case in CASES.values()} == {family.title for family in FAMILIES}


def test_a_case_is_indexed_as_the_family_it_is_of(tiny: Tiny) -> None:
    manifest = tiny.index.manifest
    assert manifest.model.family == CASES[tiny.name].family
    # Where GELU is flat, float32 leaves an activation fewer digits.
    bounds = {"firing": 1e-4}
    assert all(0 <= error < bounds.get(kind, 1e-5) for kind, error in manifest.check.items())
    assert_looked_at(tiny.index, tiny.model)
    assert manifest.model.encoder == CASES[tiny.name].encoder


# -- weights ------------------------------------------------------------------------------------


def test_token_spaces_are_the_models_own_matrices(tiny: Tiny) -> None:
    own = tiny.tensors[f"{tiny.names['embed']}.weight"]
    into = {"opt-350m": "model.decoder.project_in", "electra": "embeddings_project"}
    if tiny.name in into:
        own = own @ tiny.tensors[f"{into[tiny.name]}.weight"].T
    np.testing.assert_allclose(vectors(tiny.index, "embed"), own, rtol=1e-5, atol=1e-7)
    head = tiny.tensors.get(f"{tiny.names.get('unembed')}.weight")
    if tiny.name == "opt-350m":
        head = tiny.tensors["model.decoder.embed_tokens.weight"]
        head = head @ tiny.tensors["model.decoder.project_out.weight"]
    assert ("unembed" in tiny.index.space_names) == (head is not None)
    assert tiny.index.manifest.model.tied == (head is None)
    if head is not None:
        np.testing.assert_allclose(vectors(tiny.index, "unembed"), head, rtol=1e-5, atol=1e-7)


@pytest.mark.native
def test_raw_rows_are_the_tensors_of_the_file(tiny: Tiny) -> None:
    rows = tiny.rows(folded=False)
    for side in tiny.model.family.sides:
        own = [tiny.matrix(g.layer, side, e) for g, e in tiny.grid.groups()]
        np.testing.assert_array_equal(rows[f"neuron.{side}"], np.concatenate(own))
    for side in ("value", "output"):
        own = [tiny.matrix(layer, side) for layer in tiny.layers]
        np.testing.assert_array_equal(rows[f"head.{side}"], np.concatenate(own))


def test_an_index_holds_the_folded_rows(tiny: Tiny) -> None:
    for space, rows in tiny.rows(folded=True).items():
        np.testing.assert_allclose(vectors(tiny.index, space), rows, rtol=1e-5, atol=1e-7)


@pytest.mark.native
def test_neurons_and_head_dimensions_are_named_by_where_they_are(tiny: Tiny) -> None:
    names = [row[0] for row in tiny.index.sql("SELECT name FROM neuron ORDER BY id")]
    expected = []
    for entry in tiny.grid.layers:
        for expert in range(entry.experts) or [None]:
            label = "" if expert is None else f"E{expert}"
            expected += [f"L{entry.layer}{label}N{unit}" for unit in range(entry.units)]
    assert names == expected
    heads = [row[0] for row in tiny.index.sql("SELECT name FROM head ORDER BY id")]
    model = tiny.index.manifest.model
    assert heads == [
        f"L{layer}H{head}D{at}"
        for layer in tiny.layers
        for head in range(model.n_heads)
        for at in range(model.d_head)
    ]


# -- norms --------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["mlp", "attention"])
def test_folded_rows_read_the_plain_stream_as_raw_rows_read_the_normed_one(
    part: Any, tiny: Tiny
) -> None:
    probes = probe(tiny.model, tiny.layers, SENTENCES, part)
    spaces = ["neuron.gate", "neuron.up", "neuron.in"] if part == "mlp" else ["head.value"]
    raw, folded = tiny.rows(folded=False), tiny.rows(folded=True)
    for layer in tiny.layers:
        built = tiny.model.mlp(layer) if part == "mlp" else tiny.model.family.attention
        norm = tiny.model.norm(layer, built.norm)
        here = tiny.grid.span(layer)
        if part == "attention":
            size = tiny.heads.heads * tiny.heads.width
            here = slice(layer * size, (layer + 1) * size)
        for space in [name for name in spaces if name in raw]:
            if norm is None:
                np.testing.assert_array_equal(raw[space][here], folded[space][here])
                continue
            assert not np.allclose(raw[space][here], folded[space][here])
            shift = tiny.model.shift(norm)
            constant = 0 if shift is None else raw[space][here] @ shift.numpy()
            plain = plain_norm(tiny.model, norm, probes[layer].stream)
            found = plain @ folded[space][here].T + constant
            expected = probes[layer].read @ raw[space][here].T
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
            if tiny.model.family.norm is Norm.LAYER:
                assert np.abs(folded[space][here].mean(axis=1)).max() < 1e-6


def test_a_norm_after_belongs_to_the_writing_side_and_is_said(tiny: Tiny) -> None:
    raw, folded = tiny.rows(folded=False), tiny.rows(folded=True)
    after = tiny.kind in ("gemma2", "gemma3", "gemma3_vision", "olmo2")
    for space in ("neuron.out", "head.output"):
        assert np.array_equal(raw[space], folded[space]) != after
        said = tiny.index.manifest.conventions[space]
        assert said.endswith("the gain of the norm after it folded in") == after
    if after:
        layer, block = 1, tiny.names["block"].format(1)
        gain = tiny.tensors[f"{block}.post_feedforward_layernorm.weight"]
        gain = gain + (0 if tiny.kind == "olmo2" else 1)
        here = tiny.grid.span(layer)
        np.testing.assert_allclose(
            folded["neuron.out"][here], raw["neuron.out"][here] * gain, rtol=1e-6
        )


@pytest.mark.native
def test_where_nothing_norms_before_nothing_is_folded_in(tiny: Tiny) -> None:
    bare = tiny.kind in ("bert", "roberta", "distilbert", "electra", "mpnet", "olmo2")
    bare |= tiny.name == "opt-350m"
    said = tiny.index.manifest.conventions[neuron_space(tiny.index.sides[0])]
    assert (said == "raw rows: nothing norms before them") == bare


# -- logits -------------------------------------------------------------------------------------


@pytest.mark.native
def test_what_makes_logits_is_the_files_own(tiny: Tiny) -> None:
    if CASES[tiny.name].encoder:
        with pytest.raises(NoLogits, match="it is of an encoder, which is read without its head"):
            _ = tiny.index.unembedding
        return
    way, config = tiny.index.unembedding, tiny.model.config
    norm = FINAL_NORMS.get(tiny.name, FINAL_NORMS.get(tiny.kind, "model.norm"))
    gain, shift = (tiny.tensors.get(f"{norm}.{end}") for end in ("weight", "bias"))
    if gain is not None and tiny.kind.startswith("gemma"):
        gain = gain + 1
    expected = (gain, shift, tiny.tensors.get("lm_head.bias"))
    for found, own in zip((way.gain, way.shift, way.bias), expected, strict=True):
        assert (found is None) == (own is None)
        if found is not None:
            np.testing.assert_array_equal(found, own)
    layered = tiny.kind in ("gpt2", "gpt_neo", "gptj", "gpt_neox", "opt", "bloom", "falcon")
    layered |= tiny.kind in ("phi", "stablelm")
    assert way.entry.norm == ("layer" if layered and norm else "rms" if norm else "none")
    assert (way.bias is not None) == (tiny.kind in ("gptj", "phi"))
    assert way.entry.scale == (1 / config.logits_scaling if tiny.kind == "granite" else 1)
    assert way.entry.softcap == (2.0 if tiny.kind == "gemma2" else None)


def test_logits_of_the_last_stream_are_the_models_own(tiny: Tiny) -> None:
    import torch

    if CASES[tiny.name].encoder:
        return
    for ids in SENTENCES:
        found = tiny.index.unembedding.logits(tiny.forward(ids)[-1])
        with torch.no_grad():
            own = tiny.model.module(torch.tensor([ids])).logits[0].double().numpy()
        np.testing.assert_allclose(found, own, rtol=1e-4, atol=1e-5 * np.abs(own).max())


@pytest.mark.parametrize("case", ["phi", "opt-350m", "opt-plain", "gemma2", "granite", "bloom"])
def test_logits_of_a_model_kept_in_16_bits_are_checked_in_float32(
    case: str, tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "model", case, dtype="bfloat16")
    # Weights alone would be read in float32.
    options: dict[str, Any] = {"dtype": "bfloat16", "spaces": "embed,context", "words": 20}
    with Index(run_build(folder, tmp_path / "indexes", "narrow", **options)) as index:
        assert index.manifest.check["logits"] < 1e-5
        assert index.manifest.check.keys() == {"embed", "logits", "context"}


def test_a_norm_that_a_config_takes_away_is_none(tmp_path: Path) -> None:
    config = {"_remove_final_layer_norm": True}
    folder = make_model(tmp_path / "model", "opt", config=config)
    with Index(run_build(folder, tmp_path / "indexes", "bare", spaces="embed")) as index:
        assert index.unembedding.entry.norm == "none"
        assert "unembedding.npz" not in index.manifest.files
        assert index.manifest.check["logits"] < 1e-5


# -- the self-check -----------------------------------------------------------------------------


def test_the_check_passes_on_either_convention(tiny: Tiny) -> None:
    for folded in (True, False):
        tiny.check(tiny.rows(folded), folded)


def mutations(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """Rows with one thing wrong: turned, permuted, exchanged, or one of them louder."""
    for space, own in rows.items():
        yield f"{space} turned", {**rows, space: own.T.reshape(own.shape)}
        yield f"{space} permuted", {**rows, space: np.roll(own, 1, axis=0)}
        louder = own.copy()
        louder[len(own) // 2] *= 1.05
        yield f"{space} louder", {**rows, space: louder}
    if "neuron.up" in rows:
        yield (
            "sides exchanged",
            {
                **rows,
                "neuron.gate": rows["neuron.up"],
                "neuron.up": rows["neuron.gate"],
            },
        )


def test_the_check_catches_rows_that_are_turned_permuted_or_exchanged(tiny: Tiny) -> None:
    for what, rows in mutations(tiny.rows(folded=True)):
        try:
            tiny.check(rows)
        except CheckFailed:
            continue
        pytest.fail(f"{tiny.name}: {what} got past the check")


def test_the_check_catches_a_gain_that_was_dropped(tiny: Tiny) -> None:
    raw, folded = tiny.rows(folded=False), tiny.rows(folded=True)
    if tiny.name == "opt-plain":  # no gain: a centred row reads a centred stream as it did before
        tiny.check(raw)
        return
    for space in raw:
        if np.array_equal(raw[space], folded[space]):
            continue
        with pytest.raises(CheckFailed):
            tiny.check({**folded, space: raw[space]})
        with pytest.raises(CheckFailed):
            tiny.check({**raw, space: folded[space]}, folded=False)


def test_the_check_runs_every_expert(make: Callable[[str], Tiny]) -> None:
    for name in ("mixtral", "qwen3_moe"):
        tiny = make(name)
        rows = tiny.rows(folded=True)
        for entry in tiny.grid.layers:
            for expert in range(entry.experts):
                wrong = rows["neuron.out"].copy()
                first = tiny.grid.row(entry.layer, 0, expert, "")
                wrong[first : first + entry.units] *= 1.01
                with pytest.raises(CheckFailed, match=rf"mlp\.{entry.layer}"):
                    tiny.check({**rows, "neuron.out": wrong})


# -- attention ----------------------------------------------------------------------------------


def test_values_and_outputs_give_what_a_head_writes_that_attends_fully(tiny: Tiny) -> None:
    """Of a text of one token every head attends to that token alone."""
    import torch

    rows = tiny.rows(folded=False)
    size = tiny.heads.heads * tiny.heads.width
    for layer in tiny.layers:
        block = tiny.block_path(layer)
        paths = [f"{block}.{tiny.names[what]}" for what in ("value", "output")]
        value, output = (tiny.model.module.get_submodule(path) for path in paths)
        seen: dict[str, Any] = {}
        hooks = [
            value.register_forward_pre_hook(lambda _, a, s=seen: s.update(read=a[0])),
            output.register_forward_hook(lambda _, __, o, s=seen: s.update(written=o)),
        ]
        with torch.no_grad():
            tiny.model.module(torch.tensor([[60]]))
        for hook in hooks:
            hook.remove()
        here = slice(layer * size, (layer + 1) * size)
        read = seen["read"].reshape(-1).double().numpy() @ rows["head.value"][here].T
        bias = tiny.tensor(layer, "value", None, "bias")
        if bias is not None:
            read = read + tiny.per_head(layer, bias)
        written = read @ rows["head.output"][here]
        bias = tiny.tensor(layer, "output", None, "bias")
        if bias is not None:
            written = written + bias
        own = seen["written"].reshape(-1).double().numpy()
        np.testing.assert_allclose(written, own, rtol=1e-4, atol=1e-5)


# -- words in context ---------------------------------------------------------------------------


def test_context_rows_are_the_stream_at_the_last_token(tiny: Tiny) -> None:
    prefix = tiny.index.manifest.prefix
    assert prefix is not None
    words = tiny.index.sql("SELECT id, token_ids FROM word ORDER BY id")
    spaces = [vectors(tiny.index, name) for name in tiny.index.context_names]
    assert len(spaces) == len(tiny.layers) + 1
    last = -1 - len(prefix.suffix_ids)
    for row, ids in words[:: max(1, len(words) // 6)]:
        states = tiny.forward([*prefix.token_ids, *ids, *prefix.suffix_ids])
        for layer, state in enumerate(states):
            np.testing.assert_allclose(spaces[layer][row], state[last], rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(
    ("case", "scale"), [("llama", 1.0), ("gemma", 24**0.5), ("gemma3", 24**0.5), ("granite", 12.0)]
)
def test_what_enters_block_0_is_the_embedding_as_the_family_scales_it(
    case: str, scale: float, make: Callable[[str], Tiny]
) -> None:
    index = make(case).index
    embed, entering = vectors(index, "embed"), vectors(index, "context.0")
    for row, ids in index.sql("SELECT id, token_ids FROM word ORDER BY id LIMIT 20"):
        np.testing.assert_allclose(entering[row], embed[ids[-1]] * scale, rtol=1e-5, atol=1e-6)


def test_bloom_norms_its_embeddings_before_block_0(make: Callable[[str], Tiny]) -> None:
    tiny = make("bloom")
    norm = "transformer.word_embeddings_layernorm"
    gain, shift = (tiny.tensors[f"{norm}.{end}"] for end in ("weight", "bias"))
    embed, entering = vectors(tiny.index, "embed"), vectors(tiny.index, "context.0")
    for row, ids in tiny.index.sql("SELECT id, token_ids FROM word ORDER BY id LIMIT 20"):
        centred = embed[ids[-1]] - embed[ids[-1]].mean()
        plain = centred / np.sqrt(embed[ids[-1]].var() + 1e-5)
        np.testing.assert_allclose(entering[row], plain * gain + shift, rtol=1e-4, atol=1e-5)


def test_batches_of_any_size_give_the_same_stream(tiny: Tiny) -> None:
    prefix = tiny.index.manifest.prefix
    assert prefix is not None
    layers = range(len(tiny.layers) + 1)
    stream = LastTokenStream(tiny.model, prefix.token_ids, layers, prefix.suffix_ids)
    words = [[50, 60], [51, 61], [52, 62], [53, 63], [54, 64], [55, 65], [56, 66]]
    together = stream.run(words)
    for size in (1, 3):
        parts = [stream.run(words[i : i + size]) for i in range(0, len(words), size)]
        np.testing.assert_allclose(np.concatenate(parts, axis=1), together, rtol=1e-4, atol=1e-5)


# -- activations --------------------------------------------------------------------------------


def test_what_fires_is_what_enters_the_output_matrix_at_the_last_token(tiny: Tiny) -> None:
    prefix = tiny.index.manifest.prefix
    assert prefix is not None
    words = tiny.index.sql("SELECT id, token_ids FROM word ORDER BY id")
    last = -1 - len(prefix.suffix_ids)
    own = np.stack(
        [tiny.fires([*prefix.token_ids, *ids, *prefix.suffix_ids], last) for _, ids in words]
    )
    moments = tiny.index.sql("SELECT activation_mean, activation_std FROM neuron ORDER BY id")
    mean, deviation = np.array(moments).T
    size = np.abs(own).mean()
    np.testing.assert_allclose(mean, own.mean(axis=0), rtol=1e-4, atol=1e-4 * size)
    np.testing.assert_allclose(deviation, own.std(axis=0), rtol=1e-3, atol=1e-4 * size)
    z = (own - own.mean(axis=0)) / np.where(own.std(axis=0) > 0, own.std(axis=0), np.inf)
    ends = (1, -1) if tiny.model.family.gated else (1,)
    for table, item, other, values, depth in (
        ("neuron_word", "neuron", "word", own.T, 20),
        ("word_neuron", "word", "neuron", z, 64),
    ):
        fires = own.T != 0 if item == "neuron" else own != 0
        query = f"SELECT {item}, {other}, activation, z, rank FROM {table} ORDER BY 1, abs(rank)"
        rows = tiny.index.sql(query)
        at, others = np.array([row[:2] for row in rows]).T
        place = (others, at) if item == "neuron" else (at, others)
        activations, levels = np.array([row[2:4] for row in rows]).T
        np.testing.assert_allclose(activations, own[place], rtol=1e-3, atol=1e-4 * size)
        np.testing.assert_allclose(levels, z[place], rtol=1e-2, atol=2e-3)
        listed: dict[tuple[int, int], list[int]] = {}
        for one, number, _, _, rank in rows:
            mine = listed.setdefault((one, int(np.sign(rank))), [])
            mine.append(number)
            assert abs(rank) == len(mine)
        for end in (1, -1):
            for one in range(len(values)):
                mine = listed.get((one, end), [])
                best = np.sort(end * values[one][fires[one]])[::-1][: depth if end in ends else 0]
                assert len(mine) == len(best), f"{table} {one}"
                least = 1e-3 * np.abs(best).max(initial=0)
                np.testing.assert_allclose(end * values[one][mine], best, rtol=1e-3, atol=least)


def test_the_sign_of_every_activation_of_a_gated_neuron_is_kept(tiny: Tiny) -> None:
    manifest = tiny.index.manifest
    prefix = manifest.prefix
    assert prefix is not None
    assert manifest.signed == tiny.model.family.gated
    last = -1 - len(prefix.suffix_ids)
    for word, ids in tiny.index.sql("SELECT id, token_ids FROM word ORDER BY id LIMIT 40"):
        signs = tiny.index.activations.signs(word)
        if not manifest.signed:
            assert signs is None
            continue
        own = tiny.fires([*prefix.token_ids, *ids, *prefix.suffix_ids], last)
        assert signs is not None
        assert signs.shape == own.shape
        clear = np.abs(own) > 1e-5 * np.abs(own).max()
        np.testing.assert_array_equal(signs[clear], np.sign(own[clear]))
        np.testing.assert_array_equal(signs == 0, own == 0)


def test_the_activation_function_is_known_with_the_signs_it_gives(tiny: Tiny) -> None:
    import torch
    from transformers.activations import ACT2FN

    model = tiny.index.manifest.model
    assert model.activation in str(tiny.model.config) or model.family == "BLOOM"
    for size in (0.01, 0.3, 2.0):
        below, above = ACT2FN[model.activation](torch.tensor([-size, size])).sign().tolist()
        assert (model.sign_below, model.sign_above) == (below, above)


@pytest.mark.native
def test_an_encoder_has_its_special_tokens_in_place(tiny: Tiny) -> None:
    prefix = tiny.index.manifest.prefix
    assert prefix is not None
    frames = {"wordpiece": ("[CLS]", (2,), (3,)), "bpe-framed": ("<s>", (1,), (2,))}
    case = CASES[tiny.name]
    if case.encoder:
        assert (prefix.text, prefix.token_ids, prefix.suffix_ids) == frames[case.tokenizer]
    else:
        assert prefix.suffix_ids == ()


# -- configs and checkpoints ----------------------------------------------------------------------


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.native
@pytest.mark.parametrize(
    ("case", "name", "value"),
    [
        ("llama", "residual_multiplier", 0.5),
        ("gpt2", "add_cross_attention", True),
        ("bert", "is_decoder", True),
        ("gemma3", "use_bidirectional_attention", True),
        ("granite", "shared_mlp", 3),
        ("bert", "position_embedding_type", "relative_key"),
        ("gptj", "scale_attn_weights", 2),
    ],
)
def test_an_attribute_that_the_table_does_not_know_is_an_error_that_names_it(
    case: str, name: str, value: Any, tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "model", case)
    change_config(folder, **{name: value})
    (folder / "model.safetensors").write_bytes(b"not looked at")
    with pytest.raises(UnknownConfig, match=f"config attribute '{name}'") as caught:
        load(locate(str(folder)))
    assert f"--accept-config {name}" in str(caught.value)


PUBLISHED: dict[str, dict[str, Any]] = {
    "gpt2": {"n_ctx": 1024, "task_specific_params": {"text-generation": {"do_sample": True}}},
    "gptj": {"rotary": True, "scale_attn_weights": True, "gradient_checkpointing": False},
    "gpt_neox": {"rotary_emb_base": 10000, "rotary_pct": 0.25, "classifier_dropout": 0.1},
    "opt": {"activation_dropout": 0.0, "prefix": "</s>", "init_std": 0.02},
    "bloom": {
        "attention_softmax_in_fp32": True,
        "bias_dropout_fusion": True,
        "masked_softmax_fusion": True,
        "offset_alibi": 100,
        "pretraining_tp": 2,
        "seq_length": 2048,
        "skip_bias_add": True,
        "skip_bias_add_qkv": False,
    },
    "falcon": {"apply_residual_connection_post_layernorm": False, "auto_map": {"AutoConfig": "x"}},
    "llama": {"is_llama_config": True, "rope_interleaved": False, "rope_theta": 100000},
    "qwen2": {"use_mrope": False, "max_window_layers": 21, "rope_theta": 1000000.0},
    "gemma2": {"hidden_act": "gelu_pytorch_tanh", "cache_implementation": "hybrid"},
    "gemma3": {"rope_local_base_freq": 10000, "sliding_window_pattern": 6},
    "smollm3": {"max_window_layers": 28, "pretraining_tp": 2},
    "mixtral": {"output_router_logits": False, "router_aux_loss_coef": 0.02},
    "bert": {"position_embedding_type": "absolute", "gradient_checkpointing": False},
    "distilbert": {"tie_weights_": True, "qa_dropout": 0.1},
    "modernbert": {"global_attn_every_n_layers": 3, "reference_compile": None},
}
"""Attributes that published checkpoints of a family have in their config.json."""


@pytest.mark.native
@pytest.mark.parametrize("case", PUBLISHED)
def test_what_published_configs_say_is_let_through(case: str, make: Callable[[str], Tiny]) -> None:
    tiny = make(case)
    config = json.loads((tiny.folder / "config.json").read_text())
    family = family_of(config)
    kind = type(tiny.model.module.config)
    check_config(family, {**config, **PUBLISHED[case]}, kind().to_dict())


@pytest.mark.native
def test_an_attribute_that_was_accepted_is_let_through_and_recorded(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", "llama")
    change_config(folder, house_style=7)
    with pytest.raises(UnknownConfig):
        run_build(folder, tmp_path / "indexes", "a")
    index = run_build(folder, tmp_path / "indexes", "a", accept_config=("house_style",))
    with Index(index) as opened:
        assert opened.manifest.model.accepted == ("house_style",)


@pytest.mark.native
def test_a_checkpoint_that_lacks_a_tensor_is_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = make_model(tmp_path / "model", "qwen2")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(IncompleteWeights, match=r"has no model\.layers\.1\.mlp\.up_proj\.weight"):
        load(locate(str(folder)))


@pytest.mark.native
@pytest.mark.parametrize("layers", [0, -3])
def test_a_model_without_blocks_is_refused(layers: int, tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", "llama")
    change_config(folder, num_hidden_layers=layers)
    with pytest.raises(IncompleteWeights, match="has no blocks"):
        run_build(folder, tmp_path / "indexes", "a")


@pytest.mark.native
def test_a_checkpoint_whose_tensor_has_another_shape_is_refused(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", "qwen2")
    change_config(folder, intermediate_size=40)
    with pytest.raises(IncompleteWeights, match=r"has another shape of model\.layers\.0\.mlp\."):
        load(locate(str(folder)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("case", ["llama", "mixtral", "gemma3", "bloom", "bert"])
def test_a_checkpoint_of_16_bits_is_extracted_exactly(
    case: str, dtype: str, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    folder = make_model(tmp_path / "model", case, dtype=dtype)
    wide = run_build(folder, tmp_path / "indexes", "wide", words=40)
    narrow = run_build(folder, tmp_path / "indexes", "narrow", words=40, dtype=dtype)
    own = load_file(folder / "model.safetensors")
    embed = next(v for k, v in own.items() if "embed" in k and v.shape[0] > 80 and "pos" not in k)
    with Index(wide) as one, Index(narrow) as other:
        np.testing.assert_allclose(
            vectors(one, "embed"), embed.double().numpy(), rtol=1e-5, atol=1e-7
        )
        for space in [s.name for s in one.manifest.spaces if s.kind != "context"]:
            np.testing.assert_array_equal(vectors(one, space), vectors(other, space))
        assert other.manifest.check["mlp"] < 1e-5
        assert other.manifest.check["attention"] < 1e-5
        assert (one.manifest.dtype, other.manifest.dtype) == ("float32", dtype)


@pytest.mark.native
@pytest.mark.parametrize("case", ["llama", "gpt2", "mixtral", "qwen3_moe", "gemma2", "electra"])
def test_weights_alone_are_read_from_shards_on_the_disk(
    case: str, make: Callable[[str], Tiny], tmp_path: Path
) -> None:
    folder = make_model(tmp_path / "model", case, dtype="bfloat16", max_shard_size="10KB")
    assert len(list(folder.glob("*.safetensors"))) >= 3
    whole = run_build(folder, tmp_path / "indexes", "whole")
    alone = run_build(folder, tmp_path / "indexes", "alone", spaces="embed,neuron,head")
    with Index(whole) as one, Index(alone) as other:
        assert other.manifest.prefix is None
        assert not other.context_names
        for space in other.space_names:
            np.testing.assert_array_equal(vectors(one, space), vectors(other, space))
        logits = set() if case == "electra" else {"logits"}
        assert other.manifest.check.keys() == {"embed", "mlp", "attention", *logits}


@pytest.mark.native
def test_a_model_left_on_the_disk_holds_no_block_in_memory(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model", "llama", max_shard_size="10KB")
    model = load(locate(str(folder)), offload=tmp_path)
    held = [name for name, p in model.module.named_parameters() if p.device.type != "meta"]
    assert not [name for name in held if ".layers." in name]
    own: Model = load(locate(str(folder)))
    for side in own.family.sides:
        assert bool((model.matrix(1, side) == own.matrix(1, side)).all())


def test_a_rebuild_gives_the_same_vectors_and_tables(make: Callable[[str], Tiny]) -> None:
    for name in ("llama", "qwen3_moe", "bert"):
        tiny = make(name)
        again = run_build(tiny.folder, tiny.index.folder.parent, f"{name}-again", words=40)
        with Index(again) as other:
            files, own = other.manifest.files, tiny.index.manifest.files
            # DuckDB lays its own file out as it likes.
            assert {name for name in own if files[name] != own[name]} <= {"catalog.duckdb"}
            assert other.space_names == tiny.index.space_names
            for space in other.space_names:
                np.testing.assert_array_equal(vectors(tiny.index, space), vectors(other, space))
            tables = [row[0] for row in other.sql("SELECT table_name FROM duckdb_tables()")]
            assert len(tables) == 10
            for table in [t for t in tables if t != "build"]:
                query = f"SELECT * FROM {table} ORDER BY ALL"
                assert other.sql(query) == tiny.index.sql(query)
