"""`indexer import`: a file becomes an index or a further space, wholly or not at all.

What was exported answers as the space that it came from; what is wrong with a file is told with its
line or row, and leaves nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

import explorer
from conftest import Run, run_build
from explorer.about import index as described
from explorer.errors import QueryError
from indexer.cli.import_ import import_
from indexer.errors import BadVectors, IndexExists
from indexer.exporting import ExportRequest, export
from indexer.importing import ON_DUPLICATE, ImportRequest, import_vectors
from indexer.portable.formats import ENCODING_ERRORS, READ
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator
from indexer.store.errors import DamagedIndex, SemanticError
from indexer.store.layout import Manifest
from indexer.store.verify import verify
from indexer.words import zipf
from processes import PATIENCE

pytestmark = pytest.mark.native

WIDTH = 24  # of the tiny models
CASES = Path(__file__).parent / "cases" / "vector_files"

Import = Callable[..., Path]


def imported(file: Path, root: Path, name: str, space: str | None = None, **options: Any) -> Path:
    of_request = {
        name: options.pop(name)
        for name in ("format", "allow_zero", "force", "on_duplicate")
        if name in options
    }
    request = ImportRequest(VectorSource(file, **options), root, name, space, **of_request)
    return import_vectors(request, Narrator(quiet=True))[0]


def exported(
    root: Path, name: str, space: str, to: str, target: Path, binary: bool = False
) -> Path:
    request = ExportRequest(name, str(root), space, to, target, binary)
    return export(request, Narrator(quiet=True))[0]


def vectors_of(rows: int, width: int = WIDTH, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, width)).astype(np.float32)


def saved(folder: Path, labels: list[str], vectors: np.ndarray | None = None) -> Path:
    """An .npy file with its labels beside it."""
    vectors = vectors_of(len(labels)) if vectors is None else vectors
    np.save(folder / "v.npy", vectors)
    (folder / "v.labels.txt").write_text("".join(f"{label}\n" for label in labels), "utf-8")
    return folder / "v.npy"


@pytest.fixture
def root(tiny_indexes: Path, tmp_path: Path) -> Path:
    """A folder with a copy of index `llama` that a test may import into."""
    shutil.copytree(tiny_indexes / "llama", tmp_path / "indexes" / "llama")
    return tmp_path / "indexes"


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# -- round trips --------------------------------------------------------------------------------

WAYS = [
    ("npy", "v.npy", {}),
    ("safetensors", "v.safetensors", {}),
    ("parquet", "v.parquet", {}),
    ("word2vec", "v.vec", {}),
    ("word2vec", "v.bin", {"binary": True}),
]


@pytest.mark.parametrize(("to", "file", "options"), WAYS, ids=[w[1] for w in WAYS])
def test_what_was_exported_and_imported_answers_as_the_space_it_came_from(
    to: str, file: str, options: dict[str, bool], tiny_indexes: Path, tmp_path: Path
) -> None:
    path = exported(tiny_indexes, "llama", "embed", to, tmp_path / file, **options)
    imported(path, tmp_path / "indexes", "again")
    assert verify(tmp_path / "indexes" / "again") == []
    with (
        explorer.open("llama", tiny_indexes) as before,
        explorer.open("again", tmp_path / "indexes") as after,
    ):
        tokens = before.index.sql("SELECT text FROM token")
        for word in ("large", "dog", "king - man + woman", "␣Paris", "0.5*red + blue"):
            for measure in ("cosine", "dot", "euclidean"):
                one, other = (ix.neighbors(word, measure=measure, k=20) for ix in (before, after))
                unlike = [
                    (a.text, b.text)
                    for a, b in zip(one.rows, other.rows, strict=True)
                    if a.text != b.text
                ]
                # Where a form of words carries no control characters, they come back escaped.
                assert all(not a.isprintable() or tokens.count((a,)) > 1 for a, _ in unlike)
                assert [r.score for r in one.rows] == pytest.approx(
                    [r.score for r in other.rows], abs=1e-5
                )
                assert other.rows[0].item == one.rows[0].item


@pytest.mark.parametrize(("to", "file", "options"), WAYS, ids=[w[1] for w in WAYS])
@pytest.mark.parametrize("space", ["context.2", "neuron.out"])
def test_a_space_imported_beside_its_original_gives_the_same_rows(
    to: str, file: str, options: dict[str, bool], space: str, root: Path, tmp_path: Path
) -> None:
    path = exported(root, "llama", space, to, tmp_path / file, **options)
    imported(path, root, "llama", "copy.of.it")
    assert verify(root / "llama") == []
    with explorer.open("llama", root) as ix:
        for question in ("large@embed", "L1N3.out", "dog@embed - L0N2.gate"):
            one, other = (
                ix.neighbors(question, space=s, measure="cosine", k=12, include_inputs=True)
                for s in (space, "copy.of.it")
            )
            assert [r.item for r in one.rows] == [r.item for r in other.rows]
            assert [r.z for r in one.rows] == pytest.approx([r.z for r in other.rows], abs=1e-4)
            both = [s.meta.calibration for s in (one, other)]
            assert both[0].mean == pytest.approx(both[1].mean, abs=1e-6)


def test_what_gensim_and_the_library_of_safetensors_write_is_read(tmp_path: Path) -> None:
    from gensim.models import KeyedVectors
    from safetensors.numpy import save_file

    labels, vectors = ["the", "of", "Köln", "naïve"], vectors_of(4, 7)
    keyed = KeyedVectors(7)
    keyed.add_vectors(labels, vectors)
    keyed.save_word2vec_format(str(tmp_path / "g.txt"))
    keyed.save_word2vec_format(str(tmp_path / "g.bin"), binary=True)
    keyed.save_word2vec_format(str(tmp_path / "glove.txt"), write_header=False)
    save_file({"w": vectors}, tmp_path / "s.safetensors", {"format": "np"})
    (tmp_path / "s.safetensors.labels.txt").write_text("\n".join(labels), "utf-8")
    for file in ("g.txt", "g.bin", "glove.txt", "s.safetensors"):
        name = file.replace(".", "-")
        imported(tmp_path / file, tmp_path / "indexes", name)
        with explorer.open(name, tmp_path / "indexes") as ix:
            for label, vector in zip(labels, vectors, strict=True):
                assert ix.vector(label) == pytest.approx(vector, rel=1e-6)


@pytest.mark.parametrize("library", ["arrow", "pandas", "polars", "duckdb"])
def test_a_table_of_any_library_is_read(library: str, tmp_path: Path) -> None:
    labels, vectors = ["the", "of", "and"], vectors_of(3, 5)
    path = tmp_path / "t.parquet"
    columns = {"n": [1, 2, 3], "token": labels, "embedding": vectors.tolist()}
    if library == "arrow":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns), path)
    elif library == "pandas":
        import pandas as pd

        pd.DataFrame(columns).to_parquet(path)
    elif library == "polars":
        import polars as pl

        pl.DataFrame(columns).write_parquet(path)
    else:
        import pandas as pd

        frame = pd.DataFrame(columns)  # noqa: F841  the SQL below names it
        duckdb.sql(f"COPY (SELECT * FROM frame) TO '{path}'")
    imported(path, tmp_path, "t")
    with explorer.open("t", tmp_path) as ix:
        assert ix.vector("of") == pytest.approx(vectors[1], rel=1e-6)


def test_numbers_of_every_width_are_read(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    exact = np.round(vectors_of(5, 8) * 16) / 16  # fits into 16 bits of either kind
    for kind in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        path = tmp_path / f"{str(kind).split('.')[1]}.safetensors"
        save_file({"a": torch.tensor(exact).to(kind), "b": torch.zeros(2)}, path)
        imported(path, tmp_path, path.stem, tensor="a")
        with explorer.open(path.stem, tmp_path) as ix:
            for row in range(5):
                assert ix.vector(f"f{row}") == pytest.approx(exact[row], rel=1e-6)
    np.save(tmp_path / "t.npy", np.asfortranarray(exact.astype(">f8")))
    imported(tmp_path / "t.npy", tmp_path, "wide", transpose=True)
    with explorer.open("wide", tmp_path) as ix:
        assert ix.vector("f3") == pytest.approx(exact[:, 3], rel=1e-6)


def test_a_glove_label_may_hold_blanks_and_be_a_number(tmp_path: Path) -> None:
    lines = [
        "the 0.5 1 2",
        ". . . -1 2e-3 +4",
        "at name@domain.com 1 2 3",
        "1 7 8 9",
        "\u00a0 3 2 1",
    ]
    (tmp_path / "g.txt").write_text("\n".join(lines), "utf-8")
    imported(tmp_path / "g.txt", tmp_path, "g")
    with explorer.open("g", tmp_path) as ix:
        assert ix.vector('". . ."').tolist() == pytest.approx([-1, 0.002, 4], rel=1e-6)
        assert ix.vector('"at name@domain.com"').tolist() == pytest.approx([1, 2, 3], rel=1e-6)
        assert ix.vector("1").tolist() == pytest.approx([7, 8, 9], rel=1e-6)
    (tmp_path / "t.txt").write_text("a\t1\t2 \r\nb\t3\t4 \r\n")
    imported(tmp_path / "t.txt", tmp_path, "t")
    with explorer.open("t", tmp_path) as ix:
        assert ix.vector("b").tolist() == pytest.approx([3, 4], rel=1e-6)


# -- files as people have them ---------------------------------------------------------------------


def vectors_by_name(index: Path) -> dict[str, list[float]]:
    with explorer.open(index.name, index.parent) as ix:
        words = [text for (text,) in ix.index.sql("SELECT text FROM word ORDER BY id")]
        return {word: ix.vector(f'"{word}"').tolist() for word in words}


def near(vectors: list[list[float]]) -> Any:
    return pytest.approx(np.array(vectors), rel=1e-5)


@pytest.mark.parametrize(
    ("how", "kept", "order"),
    [("first", [1, 2], ["a", "b", "c"]), ("last", [5, 6], ["b", "a", "c"])],
)
@pytest.mark.parametrize("file", ["v.txt", "v.bin", "v.npy", "v.parquet"])
def test_one_of_several_under_one_name_is_kept_where_that_is_asked_for(
    how: str, kept: list[int], order: list[str], file: str, tmp_path: Path, run: Run
) -> None:
    names, rows = ["a", "b", "a", "a", "c"], np.array([[1, 2], [3, 4], [9, 9], [5, 6], [7, 8]])
    rows = rows.astype(np.float32)
    if file == "v.npy":
        saved(tmp_path, names, rows)
    elif file == "v.parquet":
        parquet(label=names, vector=rows.tolist())(tmp_path)
    elif file == "v.bin":
        pairs = zip(names, rows, strict=True)
        data = b"5 2\n" + b"".join(n.encode() + b" " + v.tobytes() for n, v in pairs)
        (tmp_path / file).write_bytes(data)
    else:
        pairs = zip(names, rows, strict=True)
        (tmp_path / file).write_text("".join(f"{n} {v[0]} {v[1]}\n" for n, v in pairs))
    with pytest.raises(BadVectors, match=r"'a' stands in .* already; --on-duplicate first or last"):
        imported(tmp_path / file, tmp_path / "no", "n")
    (tmp_path / "indexes").mkdir()
    done = run("indexer", "import", file, "--name", "n", "--on-duplicate", how)
    assert done.code == 0, done.err
    assert f"2 vectors have a name that another has too: the {how} of each is kept" in done.err
    assert verify(tmp_path / "indexes" / "n") == []
    found = vectors_by_name(tmp_path / "indexes" / "n")
    assert list(found) == order
    assert found["a"] == pytest.approx(kept)
    read = Manifest.load(tmp_path / "indexes" / "n").imported["embed"].read
    assert f"2 duplicates left out, the {how} kept" in read
    assert read in run("indexer", "show", "n").out


def test_a_name_that_stands_twice_is_one_label_of_a_further_space(
    root: Path, tmp_path: Path
) -> None:
    file = saved(tmp_path, ["a", "b", "a"], np.eye(3, WIDTH, dtype=np.float32))
    imported(file, root, "llama", "sae", on_duplicate="last")
    with explorer.open("llama", root) as ix:
        assert list(ix.items("sae")) == ["b", "a"]
        assert ix.vector("a@sae").argmax() == 2
    with pytest.raises(SemanticError, match="--on-duplicate: no way 'frist'; did you mean 'first'"):
        imported(file, root, "llama", "sae2", on_duplicate="frist")


@pytest.mark.parametrize(
    ("file", "options", "rows", "said"),
    [
        ("dups.txt", {"on_duplicate": "first"}, 7, "1 duplicates left out"),
        ("fasttext.vec.gz", {}, 8, ""),
        ("ok.bin.gz", {}, 8, ""),
        ("subword_short.vec", {}, 8, "line 1 says 9 vectors, and 8 follow: taken as 8"),
        ("glove_unk_dup.txt", {"on_duplicate": "last"}, 7, "1 duplicates left out, the last kept"),
        ("dups.txt", {"limit": 7}, 7, "the first 7 vectors"),
    ],
)
def test_files_that_were_dead_ends_are_imported(
    file: str, options: dict[str, Any], rows: int, said: str, tmp_path: Path
) -> None:
    index = imported(CASES / file, tmp_path, "n", **options)
    assert verify(index) == []
    manifest = Manifest.load(index)
    assert manifest.words == rows
    assert said in manifest.imported["embed"].read
    found = vectors_by_name(index)
    assert found["king"] == pytest.approx(
        [0.12573, -0.1321, 0.64042, 0.1049, -0.53567, 0.3616, 1.304, 0.94708], rel=1e-4
    )
    if file.startswith("glove"):
        assert "at name@domain.com" in found
        assert found["<unk>"][0] == pytest.approx(1.80163)


def test_the_first_vectors_of_any_format_are_taken(tmp_path: Path) -> None:
    rows = vectors_of(5, 4)
    for to, file in [("npy", "v.npy"), ("safetensors", "v.safetensors"), ("parquet", "v.parquet"),
                     ("word2vec", "v.vec")]:  # fmt: skip
        imported(saved(tmp_path, list("abcde"), rows), tmp_path / to, "all")
        path = exported(tmp_path / to, "all", "embed", to, tmp_path / to / file)
        index = imported(path, tmp_path / to, "some", limit=3)
        found = vectors_by_name(index)
        assert list(found) == ["a", "b", "c"]
        assert list(found.values()) == near(rows[:3].tolist())
        assert Manifest.load(index).imported["embed"].read.startswith("the first 3 vectors")
        assert list(vectors_by_name(imported(path, tmp_path / to, "more", limit=99))) == list(
            "abcde"
        )
    with pytest.raises(SemanticError, match="--limit: give how many"):
        imported(path, tmp_path, "none", limit=0)


def test_a_file_that_ends_too_soon_gives_what_comes_before(tmp_path: Path) -> None:
    import gzip

    whole = "".join(f"w{i} {i + 1} {i} 1\n" for i in range(2000))
    packed = gzip.compress(whole.encode(), mtime=0)
    for file, data in {
        "t.txt": whole.encode()[:-3],
        "h.vec": f"9000 3\n{whole}".encode()[:-3],
        "g.txt.gz": packed[: len(packed) * 3 // 4],
    }.items():
        (tmp_path / file).write_bytes(data)
        with pytest.raises(BadVectors, match=r"--limit \d+ takes ") as err:
            imported(tmp_path / file, tmp_path, "n")
        limit = int(str(err.value).split("--limit ")[1].split()[0])
        assert 1000 < limit < 2000
        index = imported(tmp_path / file, tmp_path, file.split(".")[0], limit=limit)
        found = vectors_by_name(index)
        assert len(found) == limit
        assert found[f"w{limit - 1}"] == pytest.approx([limit, limit - 1, 1])
        with pytest.raises(BadVectors):
            imported(tmp_path / file, tmp_path, "n", limit=limit + 1)


def test_gzip_is_undone_whatever_the_file_is_called(tmp_path: Path) -> None:
    import gzip

    rows = vectors_of(3, 4)
    for to, ending in [("npy", ".npy"), ("safetensors", ".safetensors"), ("parquet", ".parquet"),
                       ("word2vec", ".vec")]:  # fmt: skip
        imported(saved(tmp_path, list("abc"), rows), tmp_path / to, "all")
        path = exported(tmp_path / to, "all", "embed", to, tmp_path / to / f"v{ending}")
        data = gzip.compress(path.read_bytes())
        for name in (f"v{ending}.gz", f"w{ending}", "x"):
            (tmp_path / to / name).write_bytes(data)
            labels = {"labels": tmp_path / to / "v.labels.txt"} if to == "npy" else {}
            index = imported(
                tmp_path / to / name, tmp_path / to, "n" + name.split(".")[0], **labels
            )
            assert list(vectors_by_name(index).values()) == near(rows.tolist())
    # What a compressed array is named after lies beside it under either name.
    assert list(vectors_by_name(imported(tmp_path / "npy" / "v.npy.gz", tmp_path, "o"))) == list(
        "abc"
    )


@pytest.mark.parametrize(
    ("content", "options", "names"),
    [
        (b"a 1 2\r\nb 3 4\r\n", {}, ["a", "b"]),
        ("\ufeffa 1 2\nb 3 4\n".encode(), {}, ["a", "b"]),
        ("\ufeff2 2\na 1 2\nb 3 4\n\n\n".encode(), {}, ["a", "b"]),
        ("a 1 2\nb 3 4\n".encode("utf-16"), {"encoding": "utf-16"}, ["a", "b"]),
        ("ä 1 2\nß 3 4\n".encode("latin-1"), {"encoding": "latin-1"}, ["ä", "ß"]),
        ("ä 1 2\nß 3 4\n".encode("cp037"), {"encoding": "cp037"}, ["ä", "ß"]),
        ("日本 1 2\n語 3 4\n".encode("shift_jis"), {"encoding": "shift_jis"}, ["日本", "語"]),
        (b"a\xff 1 2\nb 3 4\n", {"encoding_errors": "replace"}, ["a\ufffd", "b"]),
        (b"a\xff 1 2\nb 3 4\n", {"encoding_errors": "ignore"}, ["a", "b"]),
        (b"big dog 1e0 2\nb +3 4.\n", {}, ["big dog", "b"]),
        (b"route 66\t1\t2\nb c\t3\t4\nd\t5\t6\n", {}, ["route 66", "b c", "d"]),
        (b"big dog\t1 2\nb\t3 4\n", {}, ["big dog", "b"]),
        (b"2 2\n1 1 2\n3 3 4\n", {}, ["1", "3"]),
        (b"2 3\na 1 2\nb 3 4\n", {}, ["a", "b"]),
        (b"1 1\n2 5\n3 7\n", {"format": "glove"}, ["1", "2", "3"]),
    ],
)
def test_a_text_is_read_as_it_is_written(
    content: bytes, options: dict[str, Any], names: list[str], tmp_path: Path
) -> None:
    found = vectors_by_name(imported(text(content)(tmp_path), tmp_path, "n", **options))
    assert list(found) == names
    if options.get("format") != "glove":
        assert [found[name] for name in names][:2] == near([[1, 2], [3, 4]])


def test_what_was_decided_of_a_text_is_said(tmp_path: Path, run: Run) -> None:
    (tmp_path / "v.vec").write_text("3 4\nbig dog 1 2\nb 3 4\n\n\n")
    done = run("indexer", "import", "v.vec", "--name", "n")
    assert done.code == 0, done.err
    for part in (
        "line 1 says that vectors are 4 numbers long, and those that follow are 2 long",
        "line 1 says 3 vectors, and 2 follow: taken as 2",
        "2 empty lines at its end are left out",
        "1 names hold blanks (the first: line 2): the last 2 fields of a line are its numbers",
    ):
        assert part in done.err
    (tmp_path / "w").write_bytes(BINARY)
    done = run("indexer", "import", "w", "--name", "w")
    assert "w is read as word2vec-binary, by its content" in done.err
    (tmp_path / "w.bin").write_bytes(BINARY.replace(b"2 3", b"5 3"))
    done = run("indexer", "import", "w.bin", "--name", "x")
    assert "its header says 5 vectors, and 2 follow: taken as 2" in done.err


def test_labels_beside_an_array_may_be_of_another_encoding(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", vectors_of(2, 3))
    (tmp_path / "v.labels.txt").write_bytes("\ufeffstraße\nö".encode("utf-16-le"))
    index = imported(tmp_path / "v.npy", tmp_path, "n", encoding="utf-16")
    assert list(vectors_by_name(index)) == ["straße", "ö"]


# -- a new index ----------------------------------------------------------------------------------


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A folder with an index `words` of eight directions and twelve words."""
    eye = np.eye(8, dtype=np.float32)
    royal, man, woman, dog, small = eye[:5]
    rows = {
        "king": royal + man, "queen": royal + woman, "man": man, "woman": woman, "dog": dog,
        "small": small, "puppy": 2 * (dog + small), "Dog": 3 * dog, "zzyzx": eye[5],
        "Great Dane": dog + eye[6], "cat": dog + eye[7], "house": eye[6] + eye[7],
    }  # fmt: skip
    imported(saved(tmp_path, list(rows), np.stack(list(rows.values()))), tmp_path / "ix", "words")
    return tmp_path / "ix"


def test_a_new_index_is_sound_and_its_words_have_frequencies(words: Path) -> None:
    assert verify(words / "words") == []
    manifest = Manifest.load(words / "words")
    assert (manifest.words, manifest.has_model) == (12, False)
    assert [(s.name, s.item, s.rows, s.width) for s in manifest.spaces] == [
        ("embed", "word", 12, 8)
    ]
    (origin,) = manifest.imported.values()
    assert (origin.file, origin.format) == ("v.npy", "npy")
    with duckdb.connect(str(words / "words" / "catalog.duckdb"), read_only=True) as con:
        rows = con.execute("SELECT text, zipf FROM word ORDER BY id").fetchall()
        said = con.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'word'")
        assert said.fetchall() == [("The imported words, in the order of their file",)]
    assert rows == [(text, pytest.approx(zipf(text))) for text, _ in rows]
    assert rows[0][1] > 4


def test_questions_of_words_are_answered(words: Path) -> None:
    with explorer.open("words", words) as ix:
        answer = ix.neighbors("king - man + woman", k=1)
        assert answer.rows[0].item == "queen"
        assert answer.meta.resolved[0].tokens == ()
        # Forms of one word are folded, the query's own among them.
        assert "Dog" not in [r.item for r in ix.neighbors("dog", k=10, distinct=True).rows]
        target = ix.analogy("dog + small", "puppy", against="dog + house").meta.target
        assert (target.rank, target.score) == (1, pytest.approx(1, abs=1e-6))
        assert target.against.score_difference > 0
        assert [row.space for row in ix.layers("dog", "cat", k=3).rows] == ["embed"]
        assert [row.n for row in ix.baseline().rows] == [66]
        found = ix.congruence("dog", "puppy", "cat", permutations=50, control="random")
        assert found.rows[0].score > found.rows[0].controls
        ranked = ix.evaluate_analogies([": sex", "man king woman queen"]).rows[-1]
        assert (ranked.covered, ranked.correct) == (1, 1)
        assert ix.evaluate_similarity(["dog puppy 9", "dog house 1", "man king 6"]).rows
        assert ix.neighbors('"Great Dane"', k=1).rows[0].item in ("dog", "Dog", "house")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["neighbors", "dgo"], ["'dgo' is none of the 12 words", "no model", "'dog'"]),
        (["neighbors", '"Great Danes"'], ["'Great Danes'", "no model", "'Great Dane'"]),
        (["neighbors", "#3"], ["words and no tokens"]),
        (["neighbors", "L1N2.out"], ["no neurons", "imported"]),
        (["neighbors", "L1H2D3.value"], ["no heads", "imported"]),
        (["neighbors", "dog@context.3"], ["no space 'context.3'", "embed"]),
        (["middleman", "dog", "cat"], ["no neurons", "imported"]),
        (["middleman", "dog", "cat", "--by", "activations"], ["no neurons", "imported"]),
        (["compare", "dog", "cat"], ["no neurons", "imported"]),
        (["neuron", "L1N2"], ["no neurons", "imported"]),
        (["ov", "dog"], ["no heads", "imported"]),
        (["word", "dog"], ["no activations", "imported"]),
        (["congruence", "dog", "cat", "horse"], ["'horse' is none of the 12 words"]),
        (["congruence", "dog", "--anchor", "horse"], ["'horse' is none of the 12 words"]),
        (["congruence", "--group", "size"], ["no group 'size'"]),
        (["analogy", "dog", "--target", "horse"], ["'horse' is none of the 12 words"]),
    ],
)
def test_what_needs_a_model_says_so_in_one_line(
    args: list[str], said: list[str], words: Path, run: Run
) -> None:
    done = run("explorer", *args, "--indexes", str(words))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert all(part in done.err for part in said), done.err


def test_list_and_show_say_what_it_is(words: Path, run: Run) -> None:
    done = run("indexer", "list", "--indexes", str(words))
    assert "none: vectors of v.npy, 8 wide, 12 words, 1 space" in done.out
    done = run("indexer", "show", "--indexes", str(words))
    assert "imported    embed: from v.npy (npy, " in done.out
    assert "layers" not in done.out
    assert run("indexer", "verify", "--indexes", str(words)).code == 0
    done = run("explorer", "neighbors", "dog", "-k", "1", "--indexes", str(words))
    assert "dog = dog from embed" in done.out
    assert "over all words of embed" in done.out


def test_an_index_of_vectors_takes_a_further_space_and_no_first_one_twice(
    words: Path, tmp_path: Path
) -> None:
    file = saved(tmp_path, ["f0", "dog"], vectors_of(2, 8))
    with pytest.raises(IndexExists, match="--space"):
        imported(file, words, "words")
    with pytest.raises(IndexExists, match="not replace"):
        imported(file, words, "words", "embed", force=True)
    imported(file, words, "words", "probe")
    with explorer.open("words", words) as ix:
        assert ix.neighbors("f0@probe", k=3).rows
        assert ix.neighbors("dog", "probe", k=1).meta.resolved[0].space == "probe"
        assert ix.neighbors("cat", "probe", k=1).meta.resolved[0].space == "embed"
        with pytest.raises(QueryError, match="no label 'horse' in probe"):
            ix.neighbors("horse", "probe", k=1)


def test_a_leading_space_is_taken_first_and_shown(tmp_path: Path) -> None:
    file = saved(tmp_path, ["large", " large", " tall"], np.eye(3, 4, dtype=np.float32))
    imported(file, tmp_path, "spaced")
    with explorer.open("spaced", tmp_path) as ix:
        assert ix.neighbors("large", k=1).meta.resolved[0].item == "␣large"
        assert ix.vector('token:"large"').argmax() == 0
        assert [r.item for r in ix.neighbors("large", k=2).rows] == ["large", "␣tall"]


# -- a further space ------------------------------------------------------------------------------

LABELS = [f"f{i}" for i in range(30)] + ["large", "big thing", " tall", "L1N2", "3*x", 'q"q']


@pytest.fixture
def labelled(root: Path, tmp_path: Path) -> Path:
    """The folder of indexes with `llama` holding a space `sae.decoder` besides."""
    imported(saved(tmp_path, LABELS), root, "llama", "sae.decoder")
    return root


def test_everything_that_was_there_is_there_unchanged(tiny_indexes: Path, labelled: Path) -> None:
    before, after = Manifest.load(tiny_indexes / "llama"), Manifest.load(labelled / "llama")
    assert verify(labelled / "llama") == []
    for name, entry in before.files.items():
        assert name == "catalog.duckdb" or after.files[name] == entry
    assert after.spaces[:-1] == before.spaces
    assert (after.format, after.fingerprint, after.created) == (
        before.format, before.fingerprint, before.created,
    )  # fmt: skip
    catalogs = [duckdb.connect(str(f / "llama" / "catalog.duckdb"), read_only=True)
                for f in (tiny_indexes, labelled)]  # fmt: skip
    for (table,) in catalogs[0].execute("SELECT table_name FROM duckdb_tables()").fetchall():
        rows = [con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for con in catalogs]
        assert set(map(str, rows[0])) <= set(map(str, rows[1]))
        assert len(rows[1]) == len(rows[0]) + (table == "space")
    described = catalogs[1].execute(
        "SELECT comment FROM duckdb_tables() WHERE table_name = 'label' UNION ALL "
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'label'"
    )
    assert all(comment for (comment,) in described.fetchall())
    for con in catalogs:
        con.close()


def test_an_index_without_imports_has_no_table_of_labels(tiny_indexes: Path) -> None:
    with explorer.open("llama", tiny_indexes) as ix:
        assert ix.index.labels.spaces == []
        assert ix.index.sql("SELECT 1 FROM duckdb_tables() WHERE table_name = 'label'") == []


def test_labels_are_asked_in_and_across_spaces(labelled: Path) -> None:
    with explorer.open("llama", labelled) as ix:
        vectors = dict(zip(LABELS, vectors_of(len(LABELS)).astype(np.float64), strict=True))

        def nearest(query: np.ndarray, left_out: str) -> list[str]:
            scores = {
                label: float(v @ query) / float(np.linalg.norm(v) * np.linalg.norm(query))
                for label, v in vectors.items()
                if label != left_out
            }
            return sorted(scores, key=lambda label: -scores[label])[:5]

        def asked(text: str, space: str = "sae.decoder") -> list[str]:
            return [row.text for row in ix.neighbors(text, space, k=5).rows]

        assert asked("f7") == asked("f7@sae.decoder") == nearest(vectors["f7"], "f7")
        assert asked('"big thing"') == nearest(vectors["big thing"], "big thing")
        assert asked("tall") == asked("␣tall") == nearest(vectors[" tall"], " tall")
        assert asked('"L1N2"') == nearest(vectors["L1N2"], "L1N2")
        assert asked('"3*x"') == nearest(vectors["3*x"], "3*x")
        assert asked('"q\\"q"') == nearest(vectors['q"q'], 'q"q')
        assert asked("dog") == nearest(ix.vector("dog"), "")
        assert asked("large@embed") == nearest(ix.vector("large@embed"), "")
        assert asked("L1N3.out") == nearest(ix.vector("L1N3.out"), "")
        mixed = ix.neighbors("f7@sae.decoder - L1N3.out", k=3)
        unit = [v / np.linalg.norm(v) for v in (vectors["f7"], ix.vector("L1N3.out"))]
        assert ix.vector("f7@sae.decoder - L1N3.out", measure="cosine") == pytest.approx(
            unit[0] - unit[1], rel=1e-6
        )
        assert [item.space for item in mixed.meta.resolved] == ["sae.decoder", "neuron.out"]
        shown = ix.neighbors("f7", "sae.decoder", k=36, include_inputs=True, distinct=True).rows
        assert {row.item for row in shown} >= {"␣tall", "big thing", "f7", "large"}
        assert shown[0].item == "f7"


def test_a_name_that_is_label_and_word_is_said_to_be_the_label(labelled: Path) -> None:
    with explorer.open("llama", labelled) as ix:
        (item,) = ix.neighbors("large", "sae.decoder", k=1).meta.resolved
        assert (item.space, item.note) == (
            "sae.decoder", "a label there; the word is large@embed",
        )  # fmt: skip
        (item,) = ix.neighbors('"tall"', "sae.decoder", k=1).meta.resolved
        assert (item.item, item.note) == ("␣tall", 'a label there; the word is "tall"@embed')
        (item,) = ix.neighbors("f3", "sae.decoder", k=1).meta.resolved
        assert (item.space, item.note) == ("sae.decoder", "")
        (item,) = ix.neighbors("dog", "sae.decoder", k=1).meta.resolved
        assert item.space == "embed"
        # A label is no item of another space: nothing is left out there.
        assert len(ix.neighbors("large@sae.decoder", k=100).rows) == 100


def test_arrays_and_sql_know_labels(labelled: Path, words: Path) -> None:
    with explorer.open("llama", labelled) as ix:
        assert list(ix.items("sae.decoder")) == [
            "␣tall" if label == " tall" else label for label in LABELS
        ]
        asked = ["f7", "tall", '"big thing"', "dog", "f3 - f4", "large@embed"]
        found = ix.vectors("sae.decoder", asked)
        for text, vector in zip(asked, found, strict=True):
            assert vector == pytest.approx(ix.vector(text, "sae.decoder"), rel=1e-5)
        rows = ix.sql("SELECT item FROM neighbors('f7', space := 'sae.decoder', k := 3)").rows
        near = ix.neighbors("f7", "sae.decoder", k=3).rows
        assert [row["item"] for row in rows] == [row.item for row in near]
        assert ix.sql("SELECT count(*) AS n FROM label").rows[0]["n"] == len(LABELS)
    with explorer.open("words", words) as ix:
        assert described(ix.manifest).head[1] == "  model none: vectors of v.npy, 8 wide"


def test_other_questions_take_labels(labelled: Path) -> None:
    with explorer.open("llama", labelled) as ix:
        label, home = vectors_of(len(LABELS))[7].astype(np.float64), ix.index.space("sae.decoder")
        out = ix.index.space("neuron.out")
        neurons = np.stack([out.vector(row) for row in range(out.entry.rows)])
        spread = np.sqrt(np.einsum("ij,jk,ik->i", neurons, home.covariance, neurons))
        z = neurons @ (label - home.mean) / spread
        found = ix.middleman("f7@sae.decoder", side="out", k=3).rows
        assert [row.score for row in found] == pytest.approx(sorted(z)[:-4:-1], rel=1e-4)
        assert ix.baseline("sae.decoder").rows[0].population == "36 labels"
        target = ix.analogy("f7 + large", "f9", space="sae.decoder").meta.target
        assert target.n == len(LABELS) - 2
        assert ix.layers("f7@sae.decoder", "large", k=2).rows[-1].target is not None
        assert ix.ov("f7@sae.decoder", k=2).rows
        assert ix.ov("large", target="f7@sae.decoder", k=2).rows
        assert ix.compare("f7@sae.decoder", "large", pairs=0).rows
        with pytest.raises(QueryError, match=r"f7@sae\.decoder is a label.*pairs=0"):
            ix.compare("f7@sae.decoder", "large")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["neighbors", "f77@sae.decoder"], ["no label 'f77' in sae.decoder", "'f7'"]),
        (["neighbors", "f77", "--space", "sae.decoder"], ["no label 'f77'", "'f7'", "no token"]),
        (["neighbors", "f7"], ["f7 is no word, but a label", "f7@sae.decoder"]),
        (["neighbors", "f7@sae.dec"], ["no space 'sae.dec'", "did you mean 'sae.decoder'?"]),
        (["congruence", "f7", "f8", "--space", "sae.decoder"], ["holds labels", "embed"]),
        (["evaluate", "similarity", "p", "--space", "sae.decoder"], ["holds labels", "no words"]),
        (["neighbors", "#3@sae.decoder"], ["no label '#3'"]),
    ],
)
def test_what_labels_cannot_answer_is_one_line(
    args: list[str], said: list[str], labelled: Path, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "p").write_text("large\thuge\t9\ndog\tcat\t5\ndog\ttall\t1\n")
    done = run("explorer", *args, "--indexes", str(labelled))
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1), done.err
    assert all(part in done.err for part in said), done.err


def test_a_further_space_comes_beside_and_force_replaces_one(
    labelled: Path, tmp_path: Path
) -> None:
    file = saved(tmp_path, ["a", "f7"], vectors_of(2, seed=3))
    imported(file, labelled, "llama", "sae.encoder")
    with pytest.raises(IndexExists, match=r"sae.decoder.*from v.npy.*--force"):
        imported(file, labelled, "llama", "sae.decoder")
    with explorer.open("llama", labelled) as ix:
        assert ix.spaces[-2:] == ["sae.decoder", "sae.encoder"]
        both = [ix.vector("f7", space) for space in ("sae.decoder", "sae.encoder")]
        assert both[1] == pytest.approx(vectors_of(2, seed=3)[1], rel=1e-6)
        assert both[0] == pytest.approx(vectors_of(len(LABELS))[7], rel=1e-6)
    imported(file, labelled, "llama", "sae.decoder", force=True)
    assert verify(labelled / "llama") == []
    with explorer.open("llama", labelled) as ix:
        assert ix.vector("f7", "sae.decoder") == pytest.approx(both[1], rel=1e-6)
        assert ix.index.sql("SELECT count(*) FROM label") == [(4,)]
    assert not list((labelled / "llama").rglob("*.part"))


def test_an_imported_space_is_exported_again(labelled: Path, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = exported(labelled, "llama", "sae.decoder", "parquet", tmp_path / "o.parquet")
    table = pq.read_table(path)
    assert table.column("label").to_pylist() == LABELS
    found = np.stack(table.column("vector").to_numpy())
    np.testing.assert_allclose(found, vectors_of(len(LABELS)), rtol=3e-7)


def test_a_rebuild_that_would_lose_an_imported_space_is_refused(
    tiny_llama: Path, labelled: Path
) -> None:
    before = contents(labelled / "llama")
    with pytest.raises(IndexExists, match=r"sae\.decoder.*--name"):
        run_build(tiny_llama, labelled, "llama", force=True)
    assert contents(labelled / "llama") == before
    # The very index that is asked for is still there: nothing is to be done, and nothing is.
    run_build(tiny_llama, labelled, "llama")
    assert contents(labelled / "llama") == before


# -- what cannot be imported ----------------------------------------------------------------------


def text(content: str | bytes, name: str = "v.txt") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        data = content if isinstance(content, bytes) else content.encode()
        (folder / name).write_bytes(data)
        return folder / name

    return make


def case(name: str) -> Callable[[Path], Path]:
    return lambda folder: Path(shutil.copy(CASES / name, folder))


def array(value: np.ndarray, labels: str | bytes | None = "a\nb\nc\n") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.save(folder / "v.npy", value)
        if labels is not None:
            data = labels if isinstance(labels, bytes) else labels.encode()
            (folder / "v.labels.txt").write_bytes(data)
        return folder / "v.npy"

    return make


def safetensors(header: dict[str, Any] | bytes, data: bytes = b"") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        head = header if isinstance(header, bytes) else json.dumps(header).encode()
        path = folder / "v.safetensors"
        path.write_bytes(len(head).to_bytes(8, "little") + head + data)
        return path

    return make


def parquet(**columns: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table(columns), folder / "v.parquet")
        return folder / "v.parquet"

    return make


THREE = vectors_of(3, 4)
SPOILT = {
    name: np.where(np.arange(12).reshape(3, 4) == 6, value, THREE.astype(float))
    for name, value in (("nan", np.nan), ("inf", np.inf), ("huge", 1e300))
}
ZERO = THREE * np.array([[1], [0], [1]], np.float32)
BINARY = b"2 3\n" + b"".join(
    n + b" " + THREE[i, :3].tobytes() + b"\n" for i, n in enumerate([b"a", b"b"])
)
TENSOR = {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}

BAD = {
    "no such file": (lambda folder: folder / "none.npy", {}, ["none.npy", "no such file"]),
    "a folder": (lambda folder: folder, {}, ["is a folder"]),
    "unknown ending": (text("a,1,2", "v.csv"), {}, ["'.csv'", "--format npy|safetensors|word2vec"]),
    "a format it is not": (
        lambda folder: array(THREE)(folder),
        {"format": "glove"},
        ["an array of NumPy: --format npy"],
    ),
    "no such encoding": (text("a 1 2"), {"encoding": "latin-11"}, ["'latin-11'", "'latin-1'"]),
    "an encoding of no text": (text("a 1 2"), {"encoding": "rot13"}, ["no encoding 'rot13'"]),
    "no such way": (text("a 1 2"), {"encoding_errors": "x"}, ["no way 'x'", "replace"]),
    "an encoding of a table": (parquet(label=["a"], v=[[1.0]]), {"encoding": "latin-1"},
        ["--encoding is for npy, safetensors, word2vec, word2vec-binary and glove"]),
    "unknown format": (text("a 1 2"), {"format": "golve"}, ["no format 'golve'", "'glove'"]),
    "an option of another format": (text("a 1 2"), {"tensor": "x"}, ["--tensor", "safetensors"]),
    "labels for a text": (text("a 1 2"), {"labels": Path("x")}, ["--labels", "glove has no use"]),
    "a line too short": (text("a 1 2\nb 1\n"), {}, ["line 2", "1 numbers where 2"]),
    "a line too long": (text("a 1 2\nb 1 2 3\n"), {}, ["line 2", "3 numbers where 2"]),
    "no label": (text("a 1 2\n1 2\n"), {}, ["line 2", "1 numbers where 2"]),
    "an empty label": (text("a 1 2\n 3 4\n"), {}, ["line 2", "an empty label"]),
    "an empty line": (text("a 1 2\n\nb 1 2\n"), {}, ["line 2", "an empty line, where 2"]),
    "a tab in a short line": (
        case("glove_shifted.txt"), {}, ["line 2", "5 numbers where 4"],
    ),
    "the first line too long": (
        case("glove_tab.txt"), {}, ["line 1", "5 numbers where 4"],
    ),
    "a name that ends in a number": (
        text("a 1 2\nroute 66 1 2\n"), {}, ["line 2", "3 numbers where 2"],
    ),
    "a line of tabs too short": (
        text("a\t1\t2\nb c\t1\nd\t1\t2\n"), {}, ["line 2", "1 numbers where 2"],
    ),
    "a last line cut": (
        text("a 1 2\nb 1 2\nc 1"), {}, ["line 3", "ends within this line; --limit 2 takes"],
    ),
    "a number with an underscore": (text("a 1 2\nb 1_000 2\n"), {}, ["line 2", "'1_000' is not"]),
    "a hexadecimal number": (text("a 1 2\nb 0x1p3 2\n"), {}, ["line 2", "'0x1p3' is not a number"]),
    "a decimal comma": (text("a 1 2\nb 1,5 2\n"), {}, ["line 2", "'1,5'", "decimal point"]),
    "digits of another script": (text("a 1 2\nb \uff11 2\n"), {}, ["line 2", "is not a number"]),
    "an infinity in a text": (text("a 1 2\nb -inf 2\n"), {}, ["line 2", "number 1 of 'b' is -inf"]),
    "a line without end": (
        text("a 1 2\nb " + "1" * 17_000_000), {}, ["line 2", "no text of vectors"],
    ),
    "no number": (text("a 1 2\nb 1 x2\n"), {}, ["line 2", "'x2' is not a number"]),
    "a number with a tail": (text("a 1 2\nb 1 2x\n"), {}, ["line 2", "'2x' is not a number"]),
    "a nan in a text": (text("a 1 2\nb 1 nan\n"), {}, ["line 2", "number 2 of 'b' is nan"]),
    "too large for float32": (text("a 1 2\nb 1e99 2\n"), {}, ["line 2", "number 1", "inf"]),
    "a zero in a text": (text("a 1 2\nb 0 0\n"), {}, ["line 2", "zeros", "--allow-zero"]),
    "a label twice": (
        text("a 1 2\nb 1 2\na 3 4\n"), {},
        ["line 3", "'a'", "line 1 already", "--on-duplicate first or last"],
    ),
    "bytes that are no text": (
        text(b"a 1 2\n\xff\xfe 1 2\n"), {},
        ["line 2", "not UTF-8", "--encoding", "--encoding-errors replace"],
    ),
    "bytes of another encoding": (
        text(b"a 1 2\n\x81 1 2\n"), {"encoding": "cp1252"}, ["line 2", "not CP1252"],
    ),
    "wide characters": (
        text("a 1 2\n".encode("utf-16")), {}, ["a text in UTF-16", "--encoding utf-16"],
    ),
    "wide characters cut": (
        text("a 1 2\n".encode("utf-16")[:-1]), {"encoding": "utf-16"}, ["is no text in utf-16"],
    ),
    "a header of a smaller width": (
        text("2 2\na 1 2 3\nb 1 2 3\n"), {}, ["line 2", "3 numbers where 2"],
    ),
    "a header of another width than some": (
        text("2 3\na 1 2\nb 1 2 3\n"), {}, ["line 2", "2 numbers where 3"],
    ),
    "a header or a word": (text("5 1\na 1\nb 2\n"), {}, ["line 1 is a header", "--format glove"]),
    "no header": (
        text("a 1 2\n"),
        {"format": "word2vec"},
        ["line 1 is no header", "--format glove"],
    ),
    "an empty text": (text(""), {}, ["holds no vectors"]),
    "a header alone": (text("0 5\n"), {}, ["holds no vectors"]),
    "words alone": (text("one two three\n"), {}, ["holds no vectors", "line 1 has no numbers"]),
    "binary read as text": (text(BINARY), {"format": "word2vec"}, ["v.txt", "line"]),
    "a text read as binary": (
        text("a 1 2\n", "v.bin"), {"format": "word2vec-binary"}, ["no binary file of word2vec"],
    ),
    "a binary cut short": (
        text(BINARY[:-5], "v.bin"), {}, ["vector 2 of 2 is cut short", "--limit 1 takes"],
    ),
    "a binary without a vector": (
        text(b"9000000000000 900\nx", "v.bin"), {"format": "word2vec-binary"}, ["vector 1 of 9"],
    ),
    "a binary with more behind it": (text(BINARY + b"tail", "v.bin"), {}, ["more follows the 2"]),
    "a binary of another width": (
        text(BINARY.replace(b"2 3", b"1 6"), "v.bin"), {}, ["v.bin"],
    ),
    "a binary's label": (text(BINARY.replace(b"b ", b"\xff "), "v.bin"), {}, ["vector 2", "UTF-8"]),
    "a label twice in a binary": (
        text(BINARY.replace(b"b ", b"a "), "v.bin"), {}, ["vector 2", "'a'", "vector 1 already"],
    ),
    "no array": (text("hello", "v.npy"), {}, ["v.npy is no array of NumPy"]),
    "an array cut short": (
        lambda folder: text(array(THREE)(folder).read_bytes()[:-8], "v.npy")(folder), {}, ["v.npy"],
    ),
    "an array of more": (
        lambda folder: text(array(THREE)(folder).read_bytes() + b"more", "v.npy")(folder), {},
        ["v.npy: 4 bytes follow the array"],
    ),
    "an array of 10^31 rows": (case("overflow.npy"), {}, ["cut short"]),
    "an array with a header that is no Python": (
        case("token_error.npy"), {}, ["token_error.npy is no array of NumPy"],
    ),
    "objects": (array(np.array([[{}]], object)), {}, ["v.npy holds Python's objects"]),
    "one dimension": (array(THREE[0]), {}, ["1 dimensions (4,)", "rows of 2"]),
    "three dimensions": (array(THREE[None]), {}, ["3 dimensions"]),
    "whole numbers": (array(np.ones((3, 4), int)), {}, ["int64", "float32"]),
    "no rows": (array(THREE[:0]), {}, ["no vectors", "(0, 4)"]),
    "a nan": (array(SPOILT["nan"]), {}, ["row 1", "number 3 of 'b' is nan"]),
    "an infinity": (array(SPOILT["inf"]), {}, ["row 1", "number 3 of 'b' is inf"]),
    "too large": (array(SPOILT["huge"]), {}, ["row 1", "is inf in float32"]),
    "a zero": (array(ZERO), {}, ["row 1", "zeros", "--allow-zero"]),
    "labels fewer": (array(THREE, "a\nb\n"), {}, ["v.labels.txt", "2 lines for 3"]),
    "labels more": (array(THREE, "a\nb\nc\nd"), {}, ["v.labels.txt", "4 lines for 3"]),
    "no labels at all": (array(THREE, ""), {}, ["0 lines for 3"]),
    "labels twice": (array(THREE, "a\nb\nb\n"), {}, ["row 2", "'b'", "row 1 already"]),
    "a label empty": (array(THREE, "a\n\nb\n"), {}, ["row 1", "an empty label"]),
    "labels that are no text": (
        array(THREE, b"a\n\xff\nc\n"), {}, ["line 2", "not UTF-8", "--encoding"],
    ),
    "labels that are an array": (
        array(THREE, b"\x93NUMPY\1\0"), {}, ["v.labels.txt", "this is an array of NumPy"],
    ),
    "far too many labels": (array(THREE, "a\n" * 200_000), {}, ["too many to name 3"]),
    "labels that are not there": (array(THREE), {"labels": Path("x")}, ["'x' cannot be read"]),
    "no safetensors": (text("hello world", "v.safetensors"), {}, ["no file of safetensors"]),
    "a header that is no JSON": (safetensors(b"{{{{{{{{"), {}, ["no header of JSON"]),
    "a header nested without end": (safetensors(b"[" * 100_000), {}, ["no header of JSON"]),
    "a tensor that ends nowhere": (
        case("overflow.safetensors"), {}, ["'t'", "not described as it should be"],
    ),
    "metadata that is none": (
        safetensors({"w": TENSOR, "__metadata__": [1]}, THREE.tobytes()), {}, ["its metadata is"],
    ),
    "bytes behind the tensors": (
        safetensors({"w": TENSOR}, THREE.tobytes() + b"more"), {}, ["4 bytes follow the last"],
    ),
    "a tensor of no rows": (
        safetensors({"w": {**TENSOR, "shape": [10**30, 0], "data_offsets": [0, 0]}}), {},
        ["holds no vectors"],
    ),
    "a tensor cut short": (safetensors({"w": TENSOR}, bytes(47)), {}, ["cut short", "'w'"]),
    "another number of bytes": (
        safetensors({"w": {**TENSOR, "shape": [3, 5]}}, bytes(48)), {}, ["'w'", "bytes"],
    ),
    "a label that is no text": (
        safetensors(
            {"w": TENSOR, "__metadata__": {"labels": '["a", "\\ud800", "b"]'}}, THREE.tobytes()
        ),
        {}, ["row 1", "is not text"],
    ),
    "labels in the metadata fewer": (
        safetensors({"w": TENSOR, "__metadata__": {"labels": '["a"]'}}, THREE.tobytes()),
        {}, ["1 labels for 3 vectors"],
    ),
    "an archive": (
        lambda folder: (
            np.savez(folder / "v.npz", a=THREE), (folder / "v.npz").rename(folder / "v.npy"),
        )[1],
        {}, ["v.npy is an archive of NumPy's arrays", "numpy.save"],
    ),
    "another type": (
        safetensors({"w": {"dtype": "I32", "shape": [3, 4], "data_offsets": [0, 48]}}, bytes(48)),
        {}, ["I32", "F32"],
    ),
    "another rank": (safetensors({"w": {**TENSOR, "shape": [12]}}, THREE.tobytes()), {}, ["1 dim"]),
    "several tensors": (
        safetensors({"w": TENSOR, "b": TENSOR}, THREE.tobytes()), {},
        ["2 tensors (b, w)", "--tensor"],
    ),
    "no such tensor": (
        safetensors({"w": TENSOR}, THREE.tobytes()), {"tensor": "v"}, ["no tensor 'v'", "w"],
    ),
    "no tensors": (safetensors({}), {}, ["holds no tensor"]),
    "no parquet": (text("hello", "v.parquet"), {}, ["no file of Parquet"]),
    "a damaged parquet": (case("invalid.parquet"), {}, ["invalid.parquet"]),
    "no column of vectors": (parquet(label=["a"], n=[1]), {}, ["no column of vectors", "label, n"]),
    "no column of labels": (parquet(n=[1], v=[[1.0]]), {}, ["no column of labels"]),
    "which column": (
        parquet(label=["a"], v=[[1.0]], w=[[2.0]]), {}, ["which column of vectors", "v, w"],
    ),
    "no such column": (
        parquet(label=["a"], v=[[1.0]]), {"vector_column": "w"}, ["no column 'w'", "v"],
    ),
    "a column of another kind": (
        parquet(label=["a"], v=[[1.0]]), {"vector_column": "label"}, ["'label' is string"],
    ),
    "a vector too short": (
        parquet(label=["a", "b"], v=[[1.0, 2.0], [1.0]]), {}, ["row 1", "1 numbers where 2"],
    ),
    "a vector missing": (
        parquet(label=["a", "b"], v=[[1.0, 2.0], None]), {}, ["row 1", "0 numbers where 2"],
    ),
    "a label missing": (
        parquet(label=["a", None], v=[[1.0, 2.0], [3.0, 4.0]]), {}, ["row 1", "an empty label"],
    ),
    "a number missing": (
        parquet(label=["a", "b"], v=[[1.0, 2.0], [3.0, None]]), {}, ["row 1", "nan"],
    ),
    "bytes for text in a table": (
        lambda folder: parquet(
            label=__import__("pyarrow").array([b"a", b"\xff"]).view("string"), v=[[1.0], [2.0]]
        )(folder),
        {}, ["row 1", "not UTF-8"],
    ),
    "an empty table": (
        lambda folder: parquet(label=np.array([], str), v=np.array([], object))(folder),
        {"vector_column": "label"}, ["v.parquet"],
    ),
}  # fmt: skip


for _name, _kind in {
    b"\x80\x04\x95\x10\0\0\0\0\0\0\0}.": "a pickle of Python's",
    b"\x80\x02cgensim.models.word2vec\nWord2Vec\n": "Python's (gensim.models.word2vec.Word2Vec)",
    b"(dp1\nS'a'\np2\n": "a pickle of Python's",
    b"\xba\x16\x4f\x2f\x0c\0\0\0": "a model of fastText",
    b"PK\x03\x04" + bytes(22) + b"\x05\0\0\0a.npy": "an archive of NumPy's arrays",
    b"PK\x03\x04" + bytes(22) + b"\x05\0\0\0a.txt": "a zip archive",
    b"PK\x03\x04" + bytes(22) + b"\x0a\0\0\0m/data.pkl": "a file of PyTorch",
    b"\x89HDF\r\n\x1a\n": "a file of HDF5",
    b"BZh91AY": "compressed by bzip2: decompress it",
    b"\xfd7zXZ\0": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"ARROW1\0\0": "a table of Arrow",
    b"GGUF\3\0\0\0": "a model in GGUF: `indexer build` takes it",
    b"version https://git-lfs.github.com/spec/v1\n": "a pointer of Git LFS",
    b"<!DOCTYPE html><html>": "a page of HTML",
    b'{"a": [1, 2]}': "a text of JSON",
}.items():
    for _ending in ("txt", "bin", "npy", "parquet", "pkl", "unknown"):
        BAD[f"{_kind} in .{_ending}"] = (
            text(_name, f"v.{_ending}"),
            {},
            [f"v.{_ending} is", _kind],
        )


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_told_of_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    make, options, said = BAD[case]
    root = tmp_path / "indexes"
    with pytest.raises(BadVectors) as err:
        imported(make(tmp_path), root, "new", **options)
    assert "\n" not in str(err.value)
    assert all(part in str(err.value) for part in said), str(err.value)
    assert not root.exists() or [p.name for p in root.iterdir()] == [".new.lock"]


def test_zeros_are_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    imported(array(ZERO)(tmp_path), tmp_path, "zeros", allow_zero=True)
    assert verify(tmp_path / "zeros") == []
    with explorer.open("zeros", tmp_path) as ix:
        rows = {row.item: row.score for row in ix.neighbors("a", k=2).rows}
        assert rows["b"] == 0


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (None, "name the new space with --space"),
        ("embed", "made with the space 'embed'"),
        ("Embed", "made with the space 'embed'"),
        ("context.1", "made with the space 'context.1'"),
        ("context.99", "kept for what a model has"),
        ("unembed", "made with the space 'unembed'"),
        ("neuron.sae", "kept for what a model has"),
        ("head", "kept for what a model has"),
        ("sae decoder", "cannot be named"),
        ("../sae", "cannot be named"),
        ("sae@1", "cannot be named"),
    ],
)
def test_names_that_are_taken_or_kept_are_refused(
    space: str | None, said: str, root: Path, tmp_path: Path
) -> None:
    before = contents(root / "llama")
    with pytest.raises(SemanticError, match=said):
        imported(saved(tmp_path, ["a"]), root, "llama", space, force=True)
    assert contents(root / "llama") == before
    assert sorted(p.name for p in root.iterdir()) == [".llama.lock", "llama"]


def test_another_width_is_refused_with_both(root: Path, tmp_path: Path) -> None:
    with pytest.raises(SemanticError, match="5 wide, and those of index 'llama' are 24 wide"):
        imported(saved(tmp_path, ["a"], vectors_of(1, 5)), root, "llama", "sae")
    turned = saved(tmp_path, [f"f{i}" for i in range(24)], vectors_of(24, 5))
    with pytest.raises(SemanticError, match="--transpose"):
        imported(turned, root, "llama", "sae")
    (tmp_path / "v.labels.txt").unlink()
    imported(turned, root, "llama", "sae", transpose=True)
    with explorer.open("llama", root) as ix:
        assert ix.vector("f4", "sae") == pytest.approx(vectors_of(24, 5)[:, 4], rel=1e-6)


def test_a_damaged_index_is_not_extended(root: Path, tmp_path: Path) -> None:
    (root / "llama" / "spaces" / "neuron.gate.npz").unlink()
    with pytest.raises(DamagedIndex, match=r"neuron.gate.npz.*indexer verify"):
        imported(saved(tmp_path, ["a"]), root, "llama", "sae")
    assert [p.name for p in root.iterdir() if p.suffix == ".importing"] == []


# -- interruptions --------------------------------------------------------------------------------


STOPS = """
import os, signal, sys
from indexer.cli import main
from indexer.store.rows import RowsWriter

def stops(self, first, block, put=RowsWriter.put):
    if first:  # some rows are written
        os.kill(os.getpid(), signal.SIGSTOP)
    put(self, first, block)

RowsWriter.put = stops
sys.argv.insert(1, "import")
main()
"""


def started(file: Path, root: Path, *args: str) -> subprocess.Popen[bytes]:
    """An import that has written some of its rows, and stops until it is let go on."""
    command = [sys.executable, "-c", STOPS, str(file), "--indexes", str(root), *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), "the import never began to write"
    assert list(root.glob(".*.importing/spaces/*.faiss"))
    return process


@pytest.fixture(scope="module")
def long_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.txt"
    numbers = " ".join(["0.12345"] * (WIDTH - 1))
    path.write_text("".join(f"w{i} {numbers} {i + 1}\n" for i in range(10_000)))
    return path


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_import_cut_short_leaves_the_index_that_was_there(
    how: signal.Signals, root: Path, long_text: Path, run: Run
) -> None:
    before = contents(root / "llama")
    process = started(long_text, root, "--name", "llama", "--space", "sae")
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    said = process.communicate(timeout=PATIENCE)[1].decode()
    assert process.returncode == (130 if how == signal.SIGINT else -how), said
    assert contents(root / "llama") == before
    assert run("indexer", "list", "--indexes", str(root)).out.count("\n") == 1
    if how == signal.SIGINT:
        assert said.splitlines()[-1] == "indexer: interrupted"
        assert sorted(p.name for p in root.iterdir()) == [".llama.lock", "llama"]
    imported(long_text, root, "llama", "sae")
    assert verify(root / "llama") == []
    assert not [p for p in root.iterdir() if p.name.endswith(".importing")]


def test_a_new_index_that_is_cut_short_is_none(tmp_path: Path, long_text: Path, run: Run) -> None:
    process = started(long_text, tmp_path / "ix", "--name", "new")
    process.kill()
    process.wait()
    assert run("indexer", "list", "--indexes", str(tmp_path / "ix")).out == ""
    assert run("indexer", "show", "new", "--indexes", str(tmp_path / "ix")).code == 2


def test_a_swap_cut_short_is_put_right_by_the_next_import(root: Path, tmp_path: Path) -> None:
    (root / "llama").rename(root / ".llama.retired")
    imported(saved(tmp_path, ["a"]), root, "llama", "sae")
    with explorer.open("llama", root) as ix:
        assert ix.spaces[0] == "embed"
        assert ix.spaces[-1] == "sae"


def test_an_import_leaves_an_interrupted_build_where_it_was(root: Path, tmp_path: Path) -> None:
    (root / ".llama.building" / "steps").mkdir(parents=True)
    (root / ".llama.building" / "steps" / "fingerprint").write_text("x")
    imported(saved(tmp_path, ["a"]), root, "llama", "sae")
    assert (root / ".llama.building" / "steps" / "fingerprint").read_text() == "x"


def test_two_at_once_are_refused(root: Path, tmp_path: Path) -> None:
    from indexer.store.write import Staging

    other = Staging(root, "llama", "x")
    with pytest.raises(SemanticError, match="another process is building"):
        imported(saved(tmp_path, ["a"]), root, "llama", "sae")
    other.close()


def test_an_index_that_is_open_goes_on_answering(root: Path, tmp_path: Path) -> None:
    with explorer.open("llama", root) as ix:
        before = ix.neighbors("large").rows
        imported(saved(tmp_path, ["a"]), root, "llama", "sae")
        assert ix.neighbors("large").rows == before


# -- the command line -----------------------------------------------------------------------------


def test_the_options_list_the_ways_there_are() -> None:
    listed = {option.name: option.metavar for option in import_.params}
    assert listed["on_duplicate"] == "|".join(ON_DUPLICATE)
    assert listed["encoding_errors"] == "|".join(ENCODING_ERRORS)
    assert listed["format"] == "|".join(READ)


def test_the_command_prints_the_folder_and_says_what_it_read(tmp_path: Path, run: Run) -> None:
    saved(tmp_path, ["a", "b"])
    (tmp_path / "indexes").mkdir()
    done: SimpleNamespace = run("indexer", "import", "v.npy", "--name", "n")
    assert (done.code, done.out) == (0, f"indexes{os.sep}n\n")
    assert "labels from v.labels.txt" in done.err
    assert "embed, 2 words, 24 wide" in done.err
    (tmp_path / "v.labels.txt").unlink()
    done = run("indexer", "import", "v.npy", "--name", "n", "--space", "s", "--quiet")
    assert (done.code, done.err) == (0, f"indexes{os.sep}n: s, 2 labels, 24 wide\n")
    done = run("indexer", "import", "v.npy", "--name", "m")
    assert "no labels beside v.npy: its vectors are named f0 to f1" in done.err


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["none.npy", "--name", "n"], "'none.npy': no such file"),
        (["v.npy"], "--name"),
        (["v.npy", "--name", "../n"], "cannot be named"),
        (["--name", "n"], "FILE"),
    ],
)
def test_a_bad_command_is_one_line(args: list[str], said: str, tmp_path: Path, run: Run) -> None:
    saved(tmp_path, ["a"])
    done = run("indexer", "import", *args)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert not (tmp_path / "indexes").exists()
