"""The self-check: it passes on what was extracted rightly, and nothing wrong gets past it.

Each test breaks one thing between the model and the files, and finds that no index comes of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from conftest import run_build
from families import make_model, make_tokenizer
from indexer import architectures, contexts, firing, weights
from indexer import build as build_module
from indexer.architectures import FAMILIES, Axes, Matrix, Norm
from indexer.check import relative_error
from indexer.errors import CheckFailed
from indexer.extract.context import LastTokenStream
from indexer.extract.logits import Extracted, unembedding
from indexer.extract.neurons import neuron_rows
from indexer.extract.norms import plain_norm
from indexer.extract.tokens import token_rows
from indexer.model import Model, load
from indexer.progress import Narrator
from indexer.request import Request
from indexer.source import locate
from indexer.store.errors import ForeignIndex, IndexNotFound, MachineError
from indexer.store.layout import Manifest
from indexer.store.places import find_index, index_names
from indexer.store.read import Index
from indexer.store.sixteen import Raw
from selfcheck import PARTS, assert_looked_at

Rows = NDArray[np.float32]


@pytest.fixture
def nothing_is_sealed(tmp_path: Path) -> Iterator[Path]:
    """A folder to build index `a` in; afterwards no index opens there or is listed."""
    root = tmp_path / "indexes"
    yield root
    assert index_names(root) == []
    for name in ("a", None, ".a.building"):
        with pytest.raises((IndexNotFound, ForeignIndex)):
            find_index(name, root)


def square_gpt2(folder: Path) -> Path:
    """A tiny GPT-2 with as many neurons as d_model, where no shape tells how a matrix lies."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    folder.mkdir()
    size = make_tokenizer(folder)
    torch.manual_seed(3)
    config = GPT2Config(vocab_size=size, n_embd=20, n_layer=2, n_head=4, n_inner=20, n_positions=64)
    GPT2LMHeadModel(config).save_pretrained(folder)
    return folder


def change_rows(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Model, int, str, Rows], Rows]
) -> None:
    """Have the build extract neurons through `change`."""

    def changed(model: Model, layer: int, side: str, folded: bool, _: int | None = None) -> Raw:
        rows = neuron_rows(model, layer, side, folded).folded()
        return Raw(np.ascontiguousarray(change(model, layer, side, rows)))

    monkeypatch.setattr(weights, "neuron_rows", changed)


def change_family(monkeypatch: pytest.MonkeyPatch, title: str, mlp: Any, **fields: Any) -> None:
    """Have the table say something else of a family: of its MLP, and of the family."""
    entries = [
        dataclasses.replace(family, mlp=dataclasses.replace(family.mlp, **mlp), **fields)
        if family.title == title
        else family
        for family in FAMILIES
    ]
    monkeypatch.setattr(architectures, "FAMILIES", tuple(entries))


def test_what_was_extracted_rightly_passes_with_its_errors_recorded(tiny_indexes: Path) -> None:
    for name in ("llama", "gpt2"):
        with Index(tiny_indexes / name) as index:
            errors = index.manifest.check
            assert tuple(errors) == PARTS
            bounds = dict.fromkeys(PARTS, 1e-4) | {"embed": 1e-6}
            assert all(0 <= error <= bounds[part] for part, error in errors.items())
            assert_looked_at(index, load(locate(index.manifest.model.source)))


@pytest.mark.parametrize("raw", [False, True])
def test_a_model_whose_matrices_are_square_passes(raw: bool, tmp_path: Path) -> None:
    folder = run_build(square_gpt2(tmp_path / "square"), tmp_path, "a", raw=raw)
    assert Manifest.load(folder).check["mlp"] <= 1e-4


# -- neurons ------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", ["gate", "up", "out"])
def test_neurons_of_one_side_in_another_order_fail(
    side: str, tiny_llama: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_rows(monkeypatch, lambda _, __, s, rows: np.roll(rows, 1, axis=0) if s == side else rows)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(tiny_llama, nothing_is_sealed, "a")


@pytest.mark.parametrize("side", ["in", "out"])
def test_a_square_matrix_taken_the_wrong_way_round_fails(
    side: str, nothing_is_sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = square_gpt2(tmp_path / "square")
    change_rows(monkeypatch, lambda _, __, s, rows: rows.T if s == side else rows)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(model, nothing_is_sealed, "a")


def test_neurons_of_two_layers_exchanged_fail(
    tiny_llama: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchanged(model: Model, layer: int, side: str, _: Rows) -> Rows:
        return neuron_rows(model, {0: 1, 1: 0}.get(layer, layer), side, True).folded()

    change_rows(monkeypatch, exchanged)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.[01]"):
        run_build(tiny_llama, nothing_is_sealed, "a")


def test_gate_and_up_exchanged_fail(
    tiny_llama: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exchanged(model: Model, layer: int, side: str, _: Rows) -> Rows:
        other = {"gate": "up", "up": "gate"}.get(side, side)
        return neuron_rows(model, layer, other, True).folded()

    change_rows(monkeypatch, exchanged)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(tiny_llama, nothing_is_sealed, "a")


def test_a_gain_that_was_not_folded_in_fails(
    tiny_model: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_rows(
        monkeypatch, lambda model, at, side, _: neuron_rows(model, at, side, False).folded()
    )
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(tiny_model, nothing_is_sealed, "a")


def test_a_gain_folded_into_rows_that_are_called_raw_fails(
    tiny_model: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_rows(monkeypatch, lambda model, at, side, _: neuron_rows(model, at, side, True).folded())
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(tiny_model, nothing_is_sealed, "a", raw=True)


def test_a_small_error_in_one_neuron_fails(
    tiny_llama: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def louder(_: Model, layer: int, side: str, rows: Rows) -> Rows:
        scale = np.ones((len(rows), 1), np.float32)
        scale[11] = 1.01 if (layer, side) == (2, "out") else 1
        return rows * scale

    change_rows(monkeypatch, louder)
    with pytest.raises(CheckFailed, match=r"mlp\.2: relative error .* at most 1e-04 is allowed"):
        run_build(tiny_llama, nothing_is_sealed, "a")


# -- the table of families ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "mlp", "fields"),
    [
        ("Llama", {"reading": Matrix("mlp.up_proj"), "up": Matrix("mlp.gate_proj")}, {}),
        ("Llama", {"norm": ("input_layernorm",)}, {}),
        ("Llama", {"norm": ()}, {}),
        ("Llama", {}, {"norm": Norm.LAYER}),
        ("Llama", {}, {"norm": Norm.RMS_ONE_PLUS}),
        ("Llama", {}, {"activation": "=gelu"}),
        ("GPT-2", {"norm": ("ln_1",)}, {}),
        ("GPT-2", {}, {"norm": Norm.RMS}),
    ],
)
def test_an_entry_that_does_not_fit_the_family_fails(
    title: str,
    mlp: dict[str, Any],
    fields: dict[str, Any],
    tiny_llama: Path,
    tiny_gpt2: Path,
    nothing_is_sealed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_family(monkeypatch, title, mlp, **fields)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(tiny_llama if title == "Llama" else tiny_gpt2, nothing_is_sealed, "a")


@pytest.mark.parametrize(
    ("title", "layout", "path"),
    [
        ("Llama", Axes.CONV1D, r"mlp\.gate_proj of layer 0 is \(38, 24\)"),
        ("GPT-2", Axes.LINEAR, r"mlp\.c_fc of layer 0 is \(20, 34\)"),
    ],
)
def test_a_layout_that_no_shape_allows_is_refused_by_the_matrix(
    title: str,
    layout: Axes,
    path: str,
    tiny_llama: Path,
    tiny_gpt2: Path,
    nothing_is_sealed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path_in_block = {"Llama": "mlp.gate_proj", "GPT-2": "mlp.c_fc"}[title]
    change_family(monkeypatch, title, {"reading": Matrix(path_in_block, layout)})
    with pytest.raises(CheckFailed, match=path):
        run_build(tiny_llama if title == "Llama" else tiny_gpt2, nothing_is_sealed, "a")


def test_a_wrong_layout_of_a_square_matrix_fails_the_check(
    nothing_is_sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = square_gpt2(tmp_path / "square")
    mlp = {"reading": Matrix("mlp.c_fc"), "writing": Matrix("mlp.c_proj")}
    change_family(monkeypatch, "GPT-2", mlp)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d"):
        run_build(model, nothing_is_sealed, "a")


# -- logits -------------------------------------------------------------------------------------


def without(name: str) -> Callable[[Extracted], Extracted]:
    """One vector dropped."""

    def change(own: Extracted) -> Extracted:
        kept = {key: array for key, array in own.arrays.items() if key != name}
        assert len(kept) < len(own.arrays)
        return Extracted(dataclasses.replace(own.entry, **{name: False}), kept)

    return change


def other(name: str, of: Callable[[Rows], Rows]) -> Callable[[Extracted], Extracted]:
    """One vector changed."""
    return lambda own: Extracted(own.entry, {**own.arrays, name: of(own.arrays[name])})


def said(**fields: Any) -> Callable[[Extracted], Extracted]:
    """Something else said of the norm, or of what is done to logits."""

    def change(own: Extracted) -> Extracted:
        assert any(getattr(own.entry, name) != to for name, to in fields.items())
        return Extracted(dataclasses.replace(own.entry, **fields), own.arrays)

    return change


def one_louder(vector: Rows) -> Rows:
    changed = vector.copy()
    changed[3] *= 1.02
    return changed


LOGITS: dict[str, tuple[str, Callable[[Extracted], Extracted]]] = {
    "no gain": ("llama", without("gain")),
    "a gain of the wrong order": ("llama", other("gain", lambda own: np.roll(own, 1))),
    "a gain of which one number is off": ("gpt2", other("gain", one_louder)),
    "a gain without the 1 that Gemma adds": ("gemma", other("gain", lambda own: own - 1)),
    "no shift": ("gpt2", without("shift")),
    "a shift of which one number is off": ("gpt2", other("shift", one_louder)),
    "no bias": ("phi", without("bias")),
    "a bias of the wrong order": ("gptj", other("bias", lambda own: np.roll(own, 1))),
    "no softcap": ("gemma2", said(softcap=None)),
    "another softcap": ("gemma2", said(softcap=2.1)),
    "a softcap where there is none": ("llama", said(softcap=2.0)),
    "no scale": ("granite", said(scale=1.0)),
    "the scale the other way round": ("granite", said(scale=8.0)),
    "a LayerNorm that is none": ("llama", said(norm="layer")),
    "an RMSNorm that is none": ("gpt2", said(norm="rms")),
    "no norm where there is one": ("llama", said(norm="none")),
    "a norm where there is none": ("opt-350m", said(norm="layer", epsilon=1e-5)),
    "another epsilon": ("bloom", said(epsilon=1e-2)),
}


@pytest.mark.parametrize(("case", "change"), LOGITS.values(), ids=list(LOGITS))
def test_a_wrong_way_to_the_logits_fails(
    case: str,
    change: Callable[[Extracted], Extracted],
    nothing_is_sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def changed(model: Model) -> Extracted:
        own = unembedding(model)
        assert own is not None
        return change(own)

    monkeypatch.setattr(weights, "unembedding", changed)
    folder = make_model(tmp_path / "model", case)
    with pytest.raises(CheckFailed, match="self-check failed at logits: relative error"):
        run_build(folder, nothing_is_sealed, "a", spaces="embed")


@pytest.mark.parametrize(
    ("title", "case", "fields", "said"),
    [
        ("Llama", "llama", {"final_norm": None}, "failed at logits"),
        ("BLOOM", "bloom", {"final_norm": "word_embeddings_layernorm"}, "failed at logits"),
        ("Granite", "granite", {"logits_divided_by": ""}, "failed at logits"),
        ("Gemma 2", "gemma2", {"logits_softcap": ""}, "failed at logits"),
        ("OPT, norms last (350m)", "opt-350m", {"project_out": None}, "failed at logits"),
        ("Llama", "llama", {"final_norm": "nrom"}, "no nrom, where the entry for Llama looks"),
        ("Phi", "phi", {"unembedding_bias": False}, "lm_head has a bias, which is not what"),
        ("Llama", "llama", {"unembedding_bias": True}, "lm_head has no bias, which is not what"),
    ],
)
def test_an_entry_that_does_not_know_the_way_to_the_logits_fails(
    title: str,
    case: str,
    fields: dict[str, Any],
    said: str,
    nothing_is_sealed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change_family(monkeypatch, title, {}, **fields)
    folder = make_model(tmp_path / "model", case)
    with pytest.raises(CheckFailed, match=said):
        run_build(folder, nothing_is_sealed, "a", spaces="embed")


def test_a_gain_that_is_no_number_is_refused(nothing_is_sealed: Path, tmp_path: Path) -> None:
    def spoil(model: Any) -> None:
        model.model.norm.weight[5] = float("nan")

    folder = make_model(tmp_path / "model", "llama", spoil)
    with pytest.raises(MachineError, match=r"unembedding\.npz: number 5 of gain is not finite"):
        run_build(folder, nothing_is_sealed, "a")


# -- tokens and words ---------------------------------------------------------------------------


@pytest.mark.parametrize("space", ["embed", "unembed"])
def test_one_changed_component_of_one_token_fails(
    space: str, tiny_llama: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(model: Model, name: str) -> Iterator[Rows]:
        for block in token_rows(model, name):
            rows = block.copy()
            if name == space:
                rows[123, 4] *= 1.1
            yield rows

    monkeypatch.setattr(weights, "token_rows", changed)
    with pytest.raises(CheckFailed, match=f"self-check failed at {space}"):
        run_build(tiny_llama, nothing_is_sealed, "a")


class _LayersShifted(LastTokenStream):
    def run(self, words: Any) -> Rows:
        return np.roll(super().run(words), 1, axis=0)


class _WordsShifted(LastTokenStream):
    def run(self, words: Any) -> Rows:
        return np.roll(super().run(words), 1, axis=1)


class _NoPrefix(LastTokenStream):
    def __init__(self, model: Any, _: Any, layers: Any, suffix: Any, **heard: Any) -> None:
        super().__init__(model, [5], layers, suffix, **heard)


@pytest.mark.parametrize(
    ("wrong", "dtype"),
    [
        (_LayersShifted, "float32"),
        (_WordsShifted, "float32"),
        (_NoPrefix, "float32"),
        (_LayersShifted, "bfloat16"),
        (_WordsShifted, "bfloat16"),
    ],
)
def test_context_rows_of_another_layer_word_or_prefix_fail(
    wrong: type,
    dtype: str,
    tiny_gpt2: Path,
    nothing_is_sealed: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contexts, "LastTokenStream", wrong)
    with pytest.raises(CheckFailed, match=r"self-check failed at context\.\d"):
        run_build(tiny_gpt2, nothing_is_sealed, "a", dtype=dtype)


class _Misheard(LastTokenStream):
    """Passes on activations that are not what they are said to be."""

    def __init__(self, *args: Any, hear: Any = None, heard: Any = ()) -> None:
        def wrong(layer: int, activations: Any) -> None:
            hear(*self.wrong(layer, activations))

        super().__init__(*args, hear=wrong if hear else None, heard=heard)

    def wrong(self, layer: int, activations: Any) -> tuple[int, Any]:
        raise NotImplementedError


class _OtherWords(_Misheard):
    def wrong(self, layer: int, activations: Any) -> tuple[int, Any]:
        return layer, activations.roll(1, 0)


class _OtherUnits(_Misheard):
    def wrong(self, layer: int, activations: Any) -> tuple[int, Any]:
        return layer, activations.roll(1, 1)


class _Louder(_Misheard):
    def wrong(self, layer: int, activations: Any) -> tuple[int, Any]:
        return layer, activations * (1.05 if layer else 1)


class _WithoutOne(_Misheard):
    """The neuron of the greatest activation is never heard to fire."""

    def wrong(self, layer: int, activations: Any) -> tuple[int, Any]:
        quiet = activations.clone()
        quiet[:, int(activations.abs().sum(0).argmax())] = 0
        return layer, quiet


@pytest.mark.parametrize("wrong", [_OtherWords, _OtherUnits, _Louder, _WithoutOne])
@pytest.mark.parametrize("model", ["tiny_llama", "tiny_gpt2"])
def test_activations_of_another_word_or_neuron_fail(
    wrong: type,
    model: str,
    nothing_is_sealed: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(contexts, "LastTokenStream", wrong)
    monkeypatch.setattr(firing, "LastTokenStream", wrong)
    with pytest.raises(CheckFailed, match="self-check failed at firing"):
        run_build(request.getfixturevalue(model), nothing_is_sealed, "a")


# -- numbers that are none ----------------------------------------------------------------------


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_weight_that_is_not_finite_is_named_by_space_and_row(
    bad: float, nothing_is_sealed: Path, tmp_path: Path
) -> None:
    def spoil(model: Any) -> None:
        model.model.embed_tokens.weight[17, 3] = bad

    model = make_model(tmp_path / "model", "llama", spoil)
    with pytest.raises(MachineError, match="space 'embed': the norm of row 17 is not finite"):
        run_build(model, nothing_is_sealed, "a")


def test_a_forward_pass_that_gives_no_numbers_fails(
    nothing_is_sealed: Path, tmp_path: Path
) -> None:
    def spoil(model: Any) -> None:  # in a matrix that no space is made of
        model.transformer.wpe.weight[0, 0] = float("nan")

    model = make_model(tmp_path / "model", "gpt2", spoil)
    with pytest.raises(CheckFailed, match=r"self-check failed at mlp\.\d: relative error nan"):
        run_build(model, nothing_is_sealed, "a")


def test_an_index_that_fails_its_own_verification_is_not_written(
    tiny_gpt2: Path, nothing_is_sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is looked at in a process of its own, which `run_build` spares the others."""
    verified = build_module._Build.verify

    def damaged(build: Any) -> None:
        with open(build.staging.folder / "spaces" / "embed.faiss", "r+b") as file:
            file.seek(100)
            file.write(b"other bytes")
        verified(build)

    monkeypatch.setattr(build_module._Build, "verify", damaged)
    request = Request(str(tiny_gpt2), nothing_is_sealed, "a", words=0)
    with pytest.raises(CheckFailed, match=r"failed its own verification: .*embed\.faiss"):
        build_module.build(request, Narrator(quiet=True))


# -- the arithmetic of the check ----------------------------------------------------------------


def test_plain_norms_are_the_libraries_norms_without_gain_and_shift() -> None:
    import torch

    stream = np.random.default_rng(0).standard_normal((7, 16)) * 4 + 3
    tensor = torch.from_numpy(stream)
    for kind, module in [
        (Norm.RMS, torch.nn.RMSNorm(16, eps=1e-3)),
        (Norm.LAYER, torch.nn.LayerNorm(16, eps=1e-3)),
    ]:
        expected = module.double()(tensor).detach().numpy()
        model: Any = SimpleNamespace(family=SimpleNamespace(norm=kind))
        np.testing.assert_allclose(plain_norm(model, module, stream), expected, rtol=1e-10)


def test_relative_error_is_a_share_of_what_was_expected() -> None:
    expected = np.array([3.0, 4.0])
    assert relative_error(expected, expected) == 0
    assert relative_error(expected * 1.1, expected) == pytest.approx(0.1)
    assert relative_error(np.array([0.5, 0]), np.zeros(2)) == 0.5
    assert np.isnan(relative_error(np.array([np.nan, 0]), expected))
