"""`indexer export`: each format opened by its own library gives the index's vectors back.

The oracle is the model's own row: what `Space.vector` reads, item by item.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Run
from indexer.exporting import ExportRequest, export
from indexer.portable.labels import told_apart
from indexer.portable.projector import write as write_projector
from indexer.portable.vectors import Labelled
from indexer.progress import Narrator
from indexer.store.errors import SemanticError
from indexer.store.read import Index
from indexer.store.shown import in_a_sheet, one_line
from indexer.store.vocabulary import display

pytestmark = pytest.mark.native

SPACES = ("embed", "context.1", "neuron.gate", "head.value")


def exported(indexes: Path, space: str, to: str, target: Path, **options: Any) -> list[Path]:
    request = ExportRequest("llama", str(indexes), space, to, target, **options)
    return export(request, Narrator(quiet=True))


def held(indexes: Path, space: str) -> tuple[list[str], np.ndarray]:
    """Names and vectors of a space, one at a time."""
    with Index(indexes / "llama") as index:
        home = index.space(space)
        rows = range(home.entry.rows)
        names = {
            "token": lambda: [index.tokens.by_id([row])[0].text for row in rows],
            "word": lambda: [index.words.by_id([row])[0].text for row in rows],
            "neuron": lambda: [index.neurons.by_id([row])[0].name for row in rows],
            "head": lambda: [index.head_grid.name(row) for row in rows],
        }[home.entry.item]()
        return names, np.stack([home.vector(row) for row in rows])


def assert_same(found: Any, vectors: np.ndarray) -> None:
    np.testing.assert_allclose(np.asarray(found), vectors, rtol=3e-7, atol=0)


@pytest.mark.parametrize("space", SPACES)
def test_gensim_loads_its_own_file(tiny_indexes: Path, tmp_path: Path, space: str) -> None:
    from gensim.models import KeyedVectors

    names, vectors = held(tiny_indexes, space)
    paths = exported(tiny_indexes, space, "gensim", tmp_path / "out.kv")
    assert [p.name for p in paths] == ["out.kv", "out.kv.vectors.npy"]
    keyed = KeyedVectors.load(str(tmp_path / "out.kv"))
    assert keyed.index_to_key == told_apart(names, range(len(names)))[0]
    assert_same(keyed.vectors, vectors)
    assert keyed.vectors.dtype == np.float32
    one = keyed.most_similar(names[5], topn=1)[0]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    scores = unit @ unit[5]
    scores[5] = -2
    assert (keyed.index_to_key[int(scores.argmax())], pytest.approx(scores.max(), abs=1e-6)) == one
    mapped = KeyedVectors.load(str(tmp_path / "out.kv"), mmap="r")
    assert_same(mapped.vectors, vectors)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("space", SPACES)
def test_gensim_loads_the_files_of_word2vec(
    tiny_indexes: Path, tmp_path: Path, space: str, binary: bool
) -> None:
    from gensim.models import KeyedVectors

    names, vectors = held(tiny_indexes, space)
    exported(tiny_indexes, space, "word2vec", tmp_path / "out.vec", binary=binary)
    keyed = KeyedVectors.load_word2vec_format(str(tmp_path / "out.vec"), binary=binary)
    visible = [display(name) for name in names]
    assert keyed.index_to_key == told_apart(visible, range(len(names)))[0]
    with Index(tiny_indexes / "llama") as index:
        home = index.space(space)
        # Nine digits lose nothing.
        stored = home.rows.block(0, home.entry.rows) * home.norms[:, None]
    np.testing.assert_array_equal(keyed.vectors, stored)
    assert_same(keyed.vectors, vectors)


@pytest.mark.parametrize("space", SPACES)
def test_numpy_loads_the_array_and_the_labels_stand_beside_it(
    tiny_indexes: Path, tmp_path: Path, space: str
) -> None:
    names, vectors = held(tiny_indexes, space)
    paths = exported(tiny_indexes, space, "npy", tmp_path / "out")
    assert [p.name for p in paths] == ["out.npy", "out.labels.txt"]
    assert_same(np.load(paths[0]), vectors)
    lines = paths[1].read_text("utf-8").split("\n")
    assert lines.pop() == ""
    assert lines == told_apart([one_line(name) for name in names], range(len(names)))[0]
    if space == "embed":
        assert " large" in lines


@pytest.mark.parametrize("space", SPACES)
def test_safetensors_loads_the_tensor_and_its_labels(
    tiny_indexes: Path, tmp_path: Path, space: str
) -> None:
    from safetensors import safe_open
    from safetensors.numpy import load_file

    names, vectors = held(tiny_indexes, space)
    (path,) = exported(tiny_indexes, space, "safetensors", tmp_path / "out.safetensors")
    assert list(load_file(path)) == [space]
    assert_same(load_file(path)[space], vectors)
    with safe_open(path, "np") as file:
        labels = json.loads(file.metadata()["labels"])
    assert labels == told_apart(names, range(len(names)))[0]


@pytest.mark.parametrize("space", SPACES)
def test_parquet_is_read_by_arrow_and_by_duckdb(
    tiny_indexes: Path, tmp_path: Path, space: str
) -> None:
    import duckdb
    import pyarrow.parquet as pq

    names, vectors = held(tiny_indexes, space)
    (path,) = exported(tiny_indexes, space, "parquet", tmp_path / "out.parquet")
    table = pq.read_table(path)
    assert str(table.schema.field("vector").type) == f"fixed_size_list<element: float>[{24}]"
    assert_same(np.stack(table.column("vector").to_numpy()), vectors)
    assert table.column("label").to_pylist() == told_apart(names, range(len(names)))[0]
    found = duckdb.sql(f"SELECT label, vector, norm FROM '{path}'").fetchall()
    assert_same([row[1] for row in found], vectors)
    np.testing.assert_allclose(
        [row[2] for row in found], np.linalg.norm(vectors, axis=1), rtol=1e-6
    )
    more = {
        "embed": {"id", "word_like", "special"},
        "context.1": {"id", "zipf", "n_tokens"},
        "neuron.gate": {"id", "layer", "unit"},  # no expert: this model has none
        "head.value": {"id", "layer", "head", "dimension"},
    }[space]
    assert set(table.column_names) == {"label", "vector", "norm"} | more
    if space == "neuron.gate":
        place = zip(
            table.column("layer").to_pylist(), table.column("unit").to_pylist(), strict=True
        )
        assert [f"L{layer}N{unit}" for layer, unit in place] == names


@pytest.mark.parametrize("space", SPACES)
def test_the_projector_gets_numbers_and_a_table_with_a_header(
    tiny_indexes: Path, tmp_path: Path, space: str
) -> None:
    names, vectors = held(tiny_indexes, space)
    exported(tiny_indexes, space, "projector", tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["metadata.tsv", "tensors.tsv"]
    assert_same(np.loadtxt(tmp_path / "out" / "tensors.tsv", delimiter="\t"), vectors)
    head, *rows = (tmp_path / "out" / "metadata.tsv").read_text("utf-8").split("\n")[:-1]
    assert head.split("\t")[0] == "label"
    assert {len(row.split("\t")) for row in rows} == {len(head.split("\t"))}
    shown = told_apart([one_line(name) for name in names], range(len(names)))[0]
    assert [r.split("\t")[0] for r in rows] == [in_a_sheet(name) for name in shown]


def test_a_table_of_one_column_has_no_header(tmp_path: Path) -> None:
    paths = [tmp_path / "tensors.tsv", tmp_path / "metadata.tsv"]
    with write_projector(paths, Labelled("s", ["a b", "c"], 2)) as put:
        put(np.eye(2, dtype=np.float32))
    assert paths[1].read_text() == "a b\nc\n"
    assert paths[0].read_text() == "1\t0\n0\t1\n"


def test_labels_that_are_empty_or_another_s_get_their_row_s_number() -> None:
    labels, changed = told_apart(["a", "", "a", "b", "", "a"], [10, 11, 12, 13, 14, 15])
    assert labels == ["a", "#11", "a#12", "b", "#14", "a#15"]
    assert changed == ["#11", "a#12", "#14", "a#15"]
    # A name that someone has already is not given, not even one that comes later.
    assert told_apart(["a", "a", "a#1"], [0, 1, 2])[0] == ["a", "a#1#", "a#1"]


def test_what_was_done_to_labels_is_said_in_one_line(tiny_indexes: Path, run: Run) -> None:
    names, _ = held(tiny_indexes, "embed")
    shown = [display(name) for name in names]
    args = (
        "llama",
        "embed",
        "--format",
        "word2vec",
        "-o",
        "out.vec",
        "--indexes",
        str(tiny_indexes),
    )
    done = run("indexer", "export", *args)
    assert done.code == 0
    assert done.out == "out.vec\n"
    changed = told_apart(shown, range(len(shown)))[1]
    assert ("row's number" in done.err) == bool(changed)


def test_a_limit_takes_the_first_rows_and_layers_their_neurons(
    tiny_indexes: Path, tmp_path: Path
) -> None:
    names, vectors = held(tiny_indexes, "neuron.out")
    paths = exported(tiny_indexes, "neuron.out", "npy", tmp_path / "a", layers="1,2", limit=50)
    rows = [row for row, name in enumerate(names) if name.startswith(("L1", "L2"))][:50]
    assert_same(np.load(paths[0]), vectors[rows])
    assert paths[1].read_text().splitlines() == [names[row] for row in rows]
    paths = exported(tiny_indexes, "head.output", "npy", tmp_path / "b", layers="2")
    names, vectors = held(tiny_indexes, "head.output")
    rows = [row for row, name in enumerate(names) if name.startswith("L2")]
    assert_same(np.load(paths[0]), vectors[rows])


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (
            ["llama", "embed", "--format", "nmpy", "-o", "x"],
            ["no format 'nmpy'", "'npy'", "gensim"],
        ),
        (["llama", "embd", "--format", "npy", "-o", "x"], ["no space 'embd'", "'embed'"]),
        (["lama", "embed", "--format", "npy", "-o", "x"], ["no index 'lama'", "'llama'"]),
        (["llama", "embed", "--format", "npy"], ["-o"]),
        (["llama", "embed", "--format", "npy", "-o", "none/x"], ["no folder 'none'"]),
        (["llama", "embed", "--format", "npy", "-o", "there"], ["there.npy is there", "--force"]),
        (["llama", "embed", "--format", "npy", "-o", "x", "--limit", "0"], ["--limit 0"]),
        (["llama", "embed", "--format", "npy", "-o", "x", "--layers", "1"], ["--layers", "tokens"]),
        (["llama", "neuron.gate", "--format", "npy", "-o", "x", "--layers", "9"], ["no layer 9"]),
        (["llama", "embed", "--format", "npy", "-o", "x", "--binary"], ["--binary", "word2vec"]),
        (["llama", "embed", "--format", "parquet", "-o", "."], ["no name of a file"]),
        (["llama", "embed", "--format", "gensim", "-o", ""], ["no name of a file"]),
        (["llama", "embed", "--format", "npy", "-o", "/"], ["no name of a file"]),
        (["llama", "embed", "--format", "projector", "-o", "there.npy"], ["there.npy is a file"]),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_leaves_nothing(
    args: list[str], said: list[str], tiny_indexes: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "there.npy").write_text("mine")
    done = run("indexer", "export", *args, "--indexes", str(tiny_indexes))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert all(part in done.err for part in said), done.err
    assert [p.name for p in tmp_path.iterdir()] == ["there.npy"]
    assert (tmp_path / "there.npy").read_text() == "mine"


def test_a_spreadsheet_runs_no_name_of_the_projector(tmp_path: Path) -> None:
    labels = ["=1+1", "-1", "@x", "+", "'=1", "plain", "-"]
    for raw, expected in (
        (False, ["'=1+1", "'-1", "'@x", "'+", "''=1", "plain", "'-"]),
        (True, labels),
    ):
        paths = [tmp_path / "tensors.tsv", tmp_path / "metadata.tsv"]
        what = Labelled("s", labels, 1, {"=n": [-1.5] * len(labels)}, raw_cells=raw)
        with write_projector(paths, what) as put:
            put(np.full((len(labels), 1), -1, np.float32))
        header, *rows = [line.split("\t") for line in paths[1].read_text().splitlines()]
        assert header == ["label", "=n" if raw else "'=n"]
        assert rows == [[label, "-1.5"] for label in expected]
        assert paths[0].read_text().splitlines() == ["-1"] * len(labels), "numbers are left alone"


def test_force_replaces_the_files_and_no_other(tiny_indexes: Path, tmp_path: Path) -> None:
    (tmp_path / "there.npy").write_text("mine")
    (tmp_path / "other").write_text("mine")
    exported(tiny_indexes, "embed", "npy", tmp_path / "there.npy", force=True)
    assert np.load(tmp_path / "there.npy").ndim == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other", "there.labels.txt", "there.npy"]


@pytest.mark.parametrize("to", ["npy", "gensim", "projector"])
def test_an_export_that_fails_midway_leaves_nothing(
    to: str, tiny_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.store.rows import MappedRows

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(MappedRows, "take", fails)
    with pytest.raises(OSError, match="No space"):
        exported(tiny_indexes, "embed", to, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_gensim_is_asked_for_where_it_is_missing(
    tiny_indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "gensim.models", None)
    with pytest.raises(SemanticError, match=r"semantic-explorer\[gensim\]"):
        exported(tiny_indexes, "embed", "gensim", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []
