"""Models and indexes with something wrong: configs, tokenizers, weights, manifests, rows."""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.madeup import altered, arguments, broken, tried, written
from fuzz.program import inside, ran
from gguf_files import write_gguf
from indexer.model import load
from indexer.source import locate
from indexer.store import shards
from indexer.store.layout import MANIFEST, TOKENIZER, _seal
from indexer.store.places import index_names
from indexer.store.verify import verify
from recut import recut
from sealing import resealed


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with inside(tmp_path_factory.mktemp("models")) as here:
        yield here


def built(model: str, *options: str) -> int:
    """Build an index; where that is refused none is left, else it is sound. The exit code."""
    root = Path("made")
    try:
        ended = ran(
            "indexer", "build", model, "--name", "m", "--words", "3", "--indexes", "made",
            "--quiet", "--offline", "--spaces", "embed", *options,
        )  # fmt: skip
        assert index_names(root) == (["m"] if ended.code == 0 else [])
        if ended.code == 0:
            assert verify(root / "m") == []
        return ended.code
    finally:
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def model(tiny_llama: Path, folder: Path) -> Iterator[Path]:
    """A copy of the tiny Llama that may be broken."""
    shutil.copytree(tiny_llama, folder / "model")
    yield folder / "model"
    shutil.rmtree(folder / "model")


@pytest.mark.parametrize(
    ("name", "examples"),
    [("config.json", 25), ("tokenizer.json", 25), ("tokenizer_config.json", 10)],
)
def test_a_file_of_a_model_altered(name: str, examples: int, model: Path) -> None:
    data = (model / name).read_bytes()
    document = json.loads(data)

    @tried(examples)
    @given(altered(document).map(written) | broken(data))
    def run(data: bytes) -> None:
        (model / name).write_bytes(data)
        built("model")

    run()


def test_the_header_of_weights_altered(model: Path) -> None:
    path = model / "model.safetensors"
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header, rows = json.loads(data[8 : 8 + size]), data[8 + size :]

    @tried(15)
    @given(altered(header).map(written))
    def run(text: bytes) -> None:
        path.write_bytes(struct.pack("<Q", len(text)) + text + rows)
        built("model")

    run()


def test_a_gguf_file_with_some_bytes_wrong(tiny_llama: Path, folder: Path) -> None:
    whole = write_gguf(load(locate(str(tiny_llama))).module, tiny_llama, folder / "whole.gguf")
    data = whole.read_bytes()
    head = data[:4000]

    @tried(25)
    @given(broken(head).map(lambda new: new + data[len(head) :]) | broken(head))
    def run(data: bytes) -> None:
        Path("tiny.gguf").write_bytes(data)
        built("tiny.gguf")

    run()


@tried(30)
@given(st.lists(arguments, max_size=5).map("\n".join) | st.binary(max_size=30))
def test_a_file_of_words_to_index(tiny_llama: Path, words: str | bytes) -> None:
    data = words if isinstance(words, bytes) else words.encode(errors="surrogateescape")
    Path("words.txt").write_bytes(data)
    built(str(tiny_llama), "--words", "words.txt")


# -- indexes ------------------------------------------------------------------------------------

QUESTIONS = [
    ("indexer", "list"),
    ("indexer", "show", "llama"),
    ("indexer", "verify", "llama"),
    ("explorer", "neighbors", "dog", "--index", "llama"),
    ("explorer", "neighbors", "dog", "--space", "context.1", "--index", "llama"),
    ("explorer", "middleman", "dog", "--index", "llama"),
]


@pytest.fixture
def index(tiny_indexes: Path, folder: Path) -> Iterator[Path]:
    """A copy of index `llama` that may be broken, beside one that is sound."""
    for name in ("llama", "gpt2"):
        shutil.copytree(tiny_indexes / name, folder / "indexes" / name)
    yield folder / "indexes" / "llama"
    shutil.rmtree(folder / "indexes")


def asked() -> None:
    """Every question about the broken index; the sound one beside it is listed all the same."""
    for question in QUESTIONS:
        ended = ran(*question, "--indexes", "indexes")
        if question[1] == "list":
            assert "gpt2" in ended.out


def replaced(path: Path, data: bytes) -> None:
    """Give a file other bytes in one step: another that has it open keeps what it has."""
    part = path.with_name("part")
    part.write_bytes(data)
    os.replace(part, path)


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "broken"])
def test_a_manifest_altered(sealed: bool, index: Path) -> None:
    data = (index / MANIFEST).read_bytes()
    body = json.loads(data)
    del body["seal"]

    def under_its_seal(document: Any) -> bytes:
        return written({**document, "seal": _seal(document)})

    @tried(40 if sealed else 20)
    @given(altered(body).map(under_its_seal) if sealed else broken(data))
    def run(data: bytes) -> None:
        replaced(index / MANIFEST, data)
        asked()

    run()


@pytest.fixture
def in_several_files(index: Path, tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The index that may be broken, each of its spaces in files of a few rows."""
    monkeypatch.setattr(shards, "MOST_BYTES", 4000)
    shutil.rmtree(index)
    return recut(tiny_indexes / "llama", index)


def test_what_is_said_of_several_files_altered(in_several_files: Path) -> None:
    body = json.loads((in_several_files / MANIFEST).read_text())
    del body["seal"]
    of_rows = {name: one for name, one in body["files"].items() if one["rows"] is not None}
    some = {name: one for name, one in of_rows.items() if "embed" in name or "context.1" in name}
    others = {name: one for name, one in body["files"].items() if name not in some}

    @tried(60)
    @given(altered(some))
    def run(files: Any) -> None:
        changed = {**others, **files} if isinstance(files, dict) else files
        document = {**body, "files": changed}
        data = written({**document, "seal": _seal(document)})
        replaced(in_several_files / MANIFEST, data)
        asked()

    run()


@pytest.mark.parametrize(
    "name", [TOKENIZER, "catalog.duckdb", "spaces/embed.faiss", "spaces/embed.npz"]
)
def test_a_file_of_an_index_broken(name: str, index: Path) -> None:
    data = (index / name).read_bytes()

    @tried(16)
    @given(broken(data), st.booleans())
    def run(data: bytes, sealed: bool) -> None:
        replaced(index / name, data)
        if sealed:  # as whoever made the index could
            resealed(index)
        asked()

    run()
