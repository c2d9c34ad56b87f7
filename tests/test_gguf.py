"""GGUF files: each family read from them, against the model written to one; what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest

from conftest import run_build
from families import make_model
from gguf_files import write_gguf
from indexer.architectures import FAMILIES
from indexer.errors import NotFromGguf
from indexer.gguf_file import quick_reader
from indexer.model import Model, load
from indexer.source import locate
from indexer.store.read import Index
from indexer.store.spaces import HEAD_SIDES
from indexer.store.vocabulary import Vocabulary
from selfcheck import assert_looked_at
from tiny_tokenizers import MAKERS

# A file is copied into a model. What a family's model is extracted and checked with computes in
# test_families.py, of the same tiny models.
pytestmark = pytest.mark.native


@dataclass(frozen=True)
class Case:
    """A tiny model to be written to a file: one of tests/families.py, and what is changed of it.

    A file has no word for some attributes, and transformers no ear for others: of those only the
    family's default is read, so the tiny model has it.
    """

    family: str
    model: str
    config: dict[str, Any] = field(default_factory=dict)


_DENSE = {"mlp_only_layers": [], "moe_intermediate_size": 768}
_GPT2 = {"n_inner": 80, "n_positions": 1024}

CASES: dict[str, Case] = {
    "llama": Case("Llama", "llama"),
    "llama-wide-heads": Case("Llama", "llama", {"head_dim": 10, "tie_word_embeddings": True}),
    "mistral": Case("Llama", "mistral", {"sliding_window": None}),
    "qwen2": Case("Qwen2", "qwen2", {"use_sliding_window": False}),
    "qwen3": Case("Qwen3", "qwen3", {"head_dim": 128}),
    "qwen3_moe": Case("Qwen3-MoE", "qwen3_moe", _DENSE),
    "gemma2": Case(
        "Gemma 2",
        "gemma2",
        {"head_dim": 256, "layer_types": None, "final_logit_softcapping": 30.0},
    ),
    "gemma3": Case(
        "Gemma 3", "gemma3", {"head_dim": 256, "layer_types": None, "num_hidden_layers": 7}
    ),
    "gpt2": Case("GPT-2", "gpt2", _GPT2),
    "gpt2-untied": Case("GPT-2", "gpt2", {**_GPT2, "tie_word_embeddings": False}),
    "bloom": Case("BLOOM", "bloom"),
    "falcon": Case("Falcon", "falcon", {"ffn_hidden_size": 96}),
    "stablelm": Case("StableLM", "stablelm"),
    "stablelm-parallel": Case("StableLM", "stablelm-parallel", {"qk_layernorm": False}),
}
IDS = [60, 70, 80, 90, 61, 72, 83, 94]


def original(folder: Path, model: str, config: dict[str, Any]) -> Model:
    return load(locate(str(make_model(folder, model, config=config))))


def written(folder: Path, model: str, config: dict[str, Any], **options: Any) -> Path:
    """A tiny model's GGUF file, without the model."""
    own = original(folder / "own", model, config)
    return write_gguf(own.module, folder / "own", folder / "tiny.gguf", **options)


def assert_same(read: Model, own: Model) -> None:
    """Every row that an index takes from a model, every gain, and what the model computes."""
    import torch

    assert read.tied == own.tied
    for space in ("embed", "unembed"):
        rows = [model.token_rows(space, 0, own.vocabulary + 1) for model in (read, own)]
        np.testing.assert_array_equal(*rows)
    assert len(read.blocks) == len(own.blocks)
    for layer in range(len(own.blocks)):
        experts, _ = own.neurons(layer)
        assert read.neurons(layer) == own.neurons(layer)
        assert read.heads(layer) == own.heads(layer)
        for side in own.family.sides:
            for expert in range(experts) or [None]:
                np.testing.assert_array_equal(
                    *(model.matrix(layer, side, expert) for model in (read, own))
                )
        for side in HEAD_SIDES:
            np.testing.assert_array_equal(*(model.head_rows(layer, side) for model in (read, own)))
    for (name, found), (also, expected) in zip(
        read.module.named_parameters(), own.module.named_parameters(), strict=True
    ):
        assert name == also
        # Gains of 1 + weight went through float32 as a sum.
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6, err_msg=name)
    logits = [model.module(torch.tensor([IDS])).logits.numpy() for model in (read, own)]
    np.testing.assert_allclose(*logits, rtol=1e-4, atol=1e-5)


def test_the_cases_are_the_families_that_are_read_from_gguf() -> None:
    assert {case.family for case in CASES.values()} == {f.title for f in FAMILIES if f.gguf}


@pytest.mark.parametrize("name", CASES)
def test_a_gguf_file_gives_the_model_that_was_written_to_it(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    own = original(tmp_path / "own", case.model, case.config)
    path = write_gguf(own.module, tmp_path / "own", tmp_path / "tiny.gguf")
    read = load(locate(str(path)))
    assert read.family.title == case.family
    assert_same(read, own)
    for text in (" large tiny dog", "Great Danes 12"):
        assert read.tokenizer(text).input_ids == own.tokenizer(text).input_ids

    with Index(run_build(path, tmp_path / "indexes", "read", words=20)) as index:
        manifest = index.manifest
        assert manifest.model.family == case.family
        assert all(0 <= error < 1e-5 for error in manifest.check.values())
        assert_looked_at(index, read)
        embed = index.space("embed")
        rows = embed.rows.block(0, own.vocabulary) * embed.norms[:, None]
        expected = own.token_rows("embed", 0, own.vocabulary)
        np.testing.assert_allclose(rows, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "kind"), [("llama", "prepend"), ("gemma3", "replace")])
def test_a_sentencepiece_vocabulary_in_a_file_is_read_as_the_tokenizer_it_was_made_of(
    name: str, kind: str, tmp_path: Path
) -> None:
    tokenizer = MAKERS[kind]()
    folder = make_model(
        tmp_path / "own", CASES[name].model, config=CASES[name].config, tokenizer=tokenizer
    )
    own = load(locate(str(folder)))
    path = write_gguf(own.module, folder, tmp_path / "tiny.gguf")
    expected = Vocabulary(folder / "tokenizer.json")
    with Index(run_build(path, tmp_path / "indexes", "read", spaces="neuron")) as index:
        assert index.manifest.model.tokens_without_row == 0
        texts = [text for (text,) in index.sql("SELECT text FROM token ORDER BY id")]
        assert texts == expected.texts()
        for word in ("large", "dogs", "straße", "small dog", "🐘"):
            assert index.vocabulary.word_ids(word) == expected.word_ids(word)
        for text in ("large", "a", "\n"):
            assert index.tokens.by_text(f" {text}", text) is not None
        (letter,) = index.tokens.by_id([texts.index("a", 260)])
        assert index.tokens.by_text("a") == letter
        assert index.sql("SELECT count(*) FROM token WHERE byte") == [(256,)]


def test_a_packed_gguf_file_gives_the_unpacked_weights(tmp_path: Path) -> None:
    import torch

    sizes = {"hidden_size": 32, "intermediate_size": 64, "head_dim": 8}
    own = original(tmp_path / "own", "llama", sizes)
    path = write_gguf(own.module, tmp_path / "own", tmp_path / "tiny.gguf", q8=True)
    read = load(locate(str(path)))
    assert not torch.equal(read.matrix(0, "gate"), own.matrix(0, "gate"))
    q8 = gguf.GGMLQuantizationType.Q8_0
    for parameter in own.module.parameters():
        if parameter.ndim > 1:
            packed = gguf.quantize(parameter.numpy(), q8)
            parameter.copy_(torch.from_numpy(gguf.dequantize(packed, q8)))
    assert_same(read, own)
    run_build(path, tmp_path / "indexes", "packed", words=20)


def test_an_embedding_that_a_file_holds_once_more_is_no_loss(tmp_path: Path) -> None:
    own = original(tmp_path / "own", "bloom", {})
    again = {"output.weight": own.token_rows("embed", 0, own.vocabulary).numpy()}
    path = write_gguf(own.module, tmp_path / "own", tmp_path / "tiny.gguf", tensors=again)
    assert_same(load(locate(str(path))), own)


# -- what is refused ----------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(NotFromGguf) as caught:
        load(locate(str(path)))
    message = str(caught.value)
    assert repr(str(path)) in message
    assert "use the model's safetensors" in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", ["gemma", "olmo2", "granite", "gpt_neox"])
def test_a_family_that_is_not_read_from_gguf_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    architecture = name.replace("_", "")
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    message = refused(path)
    assert f"architecture {architecture!r}, which is not read from GGUF" in message
    assert "qwen3moe" in message


def test_a_mistral_that_is_not_read_as_a_llama_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "mistral", {"sliding_window": None}, name="mistral")
    assert "Mistral is not read from GGUF" in refused(path)


@pytest.mark.parametrize(
    ("model", "config", "said"),
    [
        ("qwen3", {}, "qwen3.attention.key_length = 10, which would be read as 128"),
        ("qwen3_moe", {"mlp_only_layers": []}, "expert_feed_forward_length = 22, which would be"),
        ("gemma2", {"layer_types": None}, "gemma2.attention.key_length = 10, which would be"),
        ("gpt2", {"n_positions": 1024}, "gpt2.feed_forward_length = 34, which would be read as 80"),
        ("gpt2", {"n_inner": 80}, "gpt2.context_length = 64, which would be read as 1024"),
        ("falcon-grouped", {}, "falcon.attention.head_count_kv = 2, which would be read as 1"),
        ("stablelm", {"partial_rotary_factor": 0.5}, "stablelm.rope.dimension_count = 4, which"),
        ("llama-biases", {}, "a tensor blk.0.attn_q.bias, which would not be read"),
    ],
)
def test_what_a_default_would_stand_for_is_refused(
    model: str, config: dict[str, Any], said: str, tmp_path: Path
) -> None:
    assert said in refused(written(tmp_path, model, config))


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("rope.scaling.type", "linear", "'none'"),
        ("rope.scaling.factor", 8.0, "None"),
        ("attention.sliding_window", 4096, "None"),
        ("attention.causal", False, "True"),
        ("expert_count", 8, "None"),
        ("something_new", 3, "None"),
    ],
)
def test_a_key_that_would_be_lost_is_refused_and_can_be_let_go(
    key: str, value: Any, read: str, tmp_path: Path
) -> None:
    path = written(tmp_path, "llama", {}, keys={key: value})
    message = refused(path)
    assert f"llama.{key} = {value!r}, which would be read as {read}" in message
    assert f"--accept-config llama.{key}" in message
    assert load(locate(str(path)), accepted=(f"llama.{key}",)).family.title == "Llama"


@pytest.mark.parametrize(
    ("model", "name"),
    [("llama", "rope_freqs.weight"), ("stablelm", "blk.0.attn_q_norm.weight")],
)
def test_a_tensor_that_would_be_lost_is_refused_and_can_be_let_go(
    model: str, name: str, tmp_path: Path
) -> None:
    path = written(tmp_path, model, {}, tensors={name: np.ones((4, 3), np.float32)})
    message = refused(path)
    assert f"holds a tensor {name}, which would not be read" in message
    assert f"--accept-config {name}" in message
    assert load(locate(str(path)), accepted=(name,)).tokenizer is not None


@pytest.mark.slow
def test_the_quick_reader_reads_what_gguf_s_own_does() -> None:
    path = locate("smollm2").weight_files()[0]
    quick, plain = quick_reader()(str(path)), gguf.GGUFReader(str(path))
    assert list(quick.fields) == list(plain.fields)
    for name, field_ in plain.fields.items():
        assert quick.fields[name].types == field_.types
        assert quick.fields[name].contents() == field_.contents(), name
    assert [t.name for t in quick.tensors] == [t.name for t in plain.tensors]
    for ours, theirs in zip(quick.tensors, plain.tensors, strict=True):
        assert (ours.tensor_type, list(ours.shape)) == (theirs.tensor_type, list(theirs.shape))
        assert np.array_equal(ours.data, theirs.data), theirs.name
