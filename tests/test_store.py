"""`--store`: an index whose rows have 16 bits, built and imported, whole, damaged and added to.

Where weights are of so many bits already, each answer is that of the index of float32, bit for bit;
else it is that of the rows that are stored, and says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from conftest import Run, run_build
from everyquestion import QUESTIONS
from families import make_model
from indexer.errors import CheckFailed
from indexer.exporting import ExportRequest, export
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator
from indexer.store import shards
from indexer.store.errors import DamagedIndex, ForeignIndex, SemanticError
from indexer.store.layout import FORMAT, NARROW_FORMAT, Manifest
from indexer.store.read import Index
from indexer.store.sixteen import apart, header, of_bits, to_bits
from indexer.store.spaces import Narrow
from indexer.store.verify import verify
from sealing import resealed

WEIGHTS = "embed,neuron,head"
CASES: list[tuple[str, Narrow]] = [
    ("llama", "bfloat16"),  # gains, two matrices of tokens
    ("gpt2", "float16"),  # a layer norm, which centres, and matrices that lie the other way
    ("gemma2", "bfloat16"),  # gains that are 1 + weight, and gains behind
    ("mixtral", "float16"),  # experts, several of which share a gain
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def twins(request: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Narrow]:
    """Two folders with an index `a` of weights: in float32, and in the type they are of."""
    name, dtype = request.param
    root = tmp_path_factory.mktemp(name)
    model = make_model(root / "model", name, dtype=dtype)
    plain = run_build(model, root / "plain", "a", spaces=WEIGHTS)
    narrow = run_build(model, root / "narrow", "a", spaces=WEIGHTS, store=dtype)
    return plain, narrow, dtype


@pytest.fixture(scope="module")
def rounded(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index `llama` of everything, whose weights are of float32, in bfloat16. Read only."""
    return run_build(tiny_llama, tmp_path_factory.mktemp("rounded"), "llama", store="bfloat16")


@pytest.fixture
def folder(rounded: Path, tmp_path: Path) -> Path:
    """A copy of it that may be changed."""
    return Path(shutil.copytree(rounded, tmp_path / "indexes" / "llama"))


def rows_of(index: Index, space: str) -> NDArray[np.float32]:
    found = index.space(space)
    return found.rows.block(0, found.entry.rows)


def answered(ask: Callable[[Any], Any], ix: Any) -> Any:
    """What is answered, or what is said where nothing can be."""
    try:
        found = ask(ix)
    except SemanticError as err:
        return str(err)
    return found.to_dict() if hasattr(found, "to_dict") else found


# -- nothing is lost ----------------------------------------------------------------------------


def test_rows_and_all_beside_them_are_those_of_float32(twins: tuple[Path, Path, Narrow]) -> None:
    plain, narrow, dtype = twins
    assert verify(narrow) == []
    with Index(plain) as one, Index(narrow) as other:
        assert other.manifest.format == NARROW_FORMAT
        assert one.manifest.format == FORMAT
        assert other.manifest.rounded == {}
        for entry in other.manifest.spaces:
            assert entry.dtype == dtype
            own, theirs = (rows_of(index, entry.name) for index in (other, one))
            np.testing.assert_array_equal(own.view(np.uint32), theirs.view(np.uint32))
            size = len(header(entry.rows, entry.width, dtype)) + 2 * entry.rows * entry.width
            assert (narrow / f"spaces/{entry.name}.faiss").stat().st_size == size
            with (
                np.load(plain / f"spaces/{entry.name}.npz") as before,
                np.load(narrow / f"spaces/{entry.name}.npz") as after,
            ):
                for name in before.files:
                    np.testing.assert_array_equal(after[name], before[name], err_msg=name)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_as_in_float32(
    question: str, twins: tuple[Path, Path, Narrow]
) -> None:
    plain, narrow, _ = twins
    with explorer.open(plain) as one, explorer.open(narrow) as other:
        ask = QUESTIONS[question]
        assert answered(ask, other) == answered(ask, one)


def test_the_weights_themselves_lie_in_the_file(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama", dtype="bfloat16")
    narrow = run_build(model, tmp_path, "a", spaces=WEIGHTS, store="bfloat16")
    from indexer.model import load
    from indexer.source import locate

    own = load(locate(str(model)), with_tokenizer=False)
    stored = faiss.read_index(str(narrow / "spaces/neuron.gate.faiss"))
    gate = np.concatenate([own.matrix(layer, "gate").numpy() for layer in range(3)])
    np.testing.assert_array_equal(stored.reconstruct_n(0, stored.ntotal), gate)


def test_words_in_context_are_rounded_and_the_rest_is_not(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model", "llama", dtype="bfloat16")
    narrow = run_build(model, tmp_path, "a", store="bfloat16")
    manifest = Manifest.load(narrow)
    assert manifest.rounded == {space.name: manifest.words for space in manifest.contexts}
    assert verify(narrow) == []
    with explorer.open(narrow) as ix:
        note = "rows are rounded to bfloat16 in context.0 to context.3"
        assert f"{note}: scores are those of the rounded rows" in ix.neighbors("dog").meta.notes


# -- rows that are rounded ----------------------------------------------------------------------


def test_rounded_rows_are_near_and_said_to_be(rounded: Path, tiny_indexes: Path) -> None:
    assert verify(rounded) == []
    with Index(tiny_indexes / "llama") as one, Index(rounded) as other:
        manifest = other.manifest
        assert manifest.rounded == {space.name: space.rows for space in manifest.spaces}
        for space in manifest.spaces:
            off = rows_of(other, space.name) - rows_of(one, space.name).astype(np.float64)
            assert 0 < np.linalg.norm(off, axis=1).max() < apart("bfloat16", space.width) + 1e-6
            np.testing.assert_array_equal(
                other.space(space.name).norms, one.space(space.name).norms
            )


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_and_says_that_rows_are_rounded(
    question: str, rounded: Path
) -> None:
    with explorer.open(rounded) as ix:
        found = QUESTIONS[question](ix)
        meta = getattr(found, "meta", None)
        if question == "schema":  # of tables, not of rows
            return
        if hasattr(meta, "notes"):
            (note,) = (one for one in meta.notes if "rounded" in one)
            assert note.startswith("rows are rounded to bfloat16 in embed, unembed, context.0 to ")


def test_scores_are_those_of_the_rounded_rows_in_float64(rounded: Path) -> None:
    with explorer.open(rounded) as ix:
        space = ix.index.space("context.2")
        rows = rows_of(ix.index, "context.2").astype(np.float64)
        away = rows * space.norms[:, None].astype(np.float64) - space.mean
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        at = ix.index.words.by_text("dog").id
        cosines = away @ away[at]
        for row in ix.neighbors("dog", "context.2", k=9).rows:
            assert row.score == pytest.approx(cosines[ix.index.words.by_text(row.text).id])
        gate = ix.index.space("neuron.gate")
        neurons = rows_of(ix.index, "neuron.gate").astype(np.float64) * gate.lengths[:, None]
        embed = ix.index.embed
        mean, std = gate.scores_of_embed
        np.testing.assert_allclose(neurons @ embed.mean, mean, atol=1e-6)
        varied = np.sqrt(np.vecdot(neurons @ embed.covariance, neurons))
        np.testing.assert_allclose(varied, std, rtol=1e-6)


def test_many_answers_together_say_so_too(rounded: Path) -> None:
    from explorer.questions import NeighborsQuery

    with explorer.open(rounded) as ix:
        queries = [NeighborsQuery("dog"), NeighborsQuery("cat")]
        assert list(ix.ask_each(queries)) == [ix.ask(query) for query in queries]
        assert any("rounded" in note for note in ix.ask(queries[0]).meta.notes)


def test_a_row_that_is_farther_off_than_it_is_rounded_fails_the_check(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from indexer.store import sixteen

    def wrong(vectors: NDArray[np.float32], dtype: Narrow) -> NDArray[np.uint16]:
        return to_bits(vectors + np.float32(0.02), dtype)

    monkeypatch.setattr(sixteen, "to_bits", wrong)
    with pytest.raises(CheckFailed, match="farther from its own than bfloat16 rounds"):
        run_build(tiny_llama, tmp_path, "a", spaces=WEIGHTS, store="bfloat16")


# -- what is said of it -------------------------------------------------------------------------


def test_show_and_the_index_itself_say_how_rows_are_stored(rounded: Path, run: Run) -> None:
    root = str(rounded.parent)
    shown = run("indexer", "show", "llama", "--indexes", root).out
    names = "embed, unembed, context.0 to context.3, neuron.gate, neuron.up, neuron.out, "
    names += "head.value, head.output"
    assert f"rows        stored in bfloat16: {names}\n" in shown
    assert f"rows        rounded to bfloat16: {names}\n" in shown
    asked = run("explorer", "neighbors", "dog", "--index", str(rounded))
    assert "rows are rounded to bfloat16 in embed" in asked.out


@pytest.mark.parametrize("command", [("build", "MODEL"), ("import", "v.npy", "--name", "x")])
def test_a_type_that_does_not_exist_is_one_line(
    command: tuple[str, ...], tiny_llama: Path, tmp_path: Path, run: Run
) -> None:
    np.save(tmp_path / "v.npy", np.eye(3))
    argv = [str(tiny_llama) if one == "MODEL" else one for one in command]
    done = run("indexer", *argv, "--store", "float61", "--indexes", str(tmp_path), cwd=tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--store: no type 'float61'" in done.err


def test_who_reads_no_such_rows_refuses_the_index(rounded: Path, folder: Path) -> None:
    assert Manifest.load(rounded).format > FORMAT
    resealed(folder, lambda body: body.update(format=FORMAT))
    with pytest.raises(DamagedIndex, match=f"format is {FORMAT}, and rows of embed are bfloat16"):
        Manifest.load(folder)
    resealed(folder, lambda body: body.update(format=NARROW_FORMAT + 1))
    with pytest.raises(ForeignIndex, match="has format 10, this version reads 7 and 8 and 9"):
        Manifest.load(folder)


@pytest.mark.parametrize(
    "said", [{"embed": 10**9}, {"nowhere": 1}, {"embed": 0}, {"embed": -1}, {"embed": "all"}, []]
)
def test_a_count_of_rounded_rows_that_cannot_be_is_refused(said: Any, folder: Path) -> None:
    resealed(folder, lambda body: body["extra"].update(rounded=said))
    with pytest.raises(DamagedIndex, match=r"extra\.rounded"):
        Manifest.load(folder)


def test_another_type_is_another_index(rounded: Path, tiny_indexes: Path) -> None:
    narrow, plain = Manifest.load(rounded), Manifest.load(tiny_indexes / "llama")
    assert narrow.fingerprint != plain.fingerprint


# -- damage -------------------------------------------------------------------------------------


def test_a_number_of_16_bits_that_is_damaged_is_found(folder: Path) -> None:
    path = folder / "spaces/neuron.out.faiss"
    data = bytearray(path.read_bytes())
    data[-1] ^= 0x40
    path.write_bytes(bytes(data))
    (fault,) = verify(folder)
    assert fault.startswith("spaces/neuron.out.faiss: the content is not what was sealed")
    resealed(folder)  # as its author could
    (fault,) = verify(folder)
    assert "neuron.out.faiss: row 113 is not of length 1" in fault


def test_a_file_of_the_other_type_is_none_of_this(folder: Path) -> None:
    resealed(folder, lambda body: body["spaces"][0].update(dtype="float16"))
    assert any("349 x 24 FAISS file of float16" in fault for fault in verify(folder))
    resealed(folder, lambda body: body["spaces"][0].update(dtype="float32"))
    with pytest.raises(DamagedIndex, match=r"extra\.rounded"):
        Manifest.load(folder)


def test_without_its_lengths_a_space_is_damaged(folder: Path) -> None:
    path = folder / "spaces/embed.npz"
    with np.load(path) as kept:
        arrays = {name: kept[name] for name in kept.files if name != "row_lengths"}
    np.savez(path, **arrays)
    resealed(folder)
    assert any("embed.npz has no row_lengths" in fault for fault in verify(folder))


# -- in parts, and later ------------------------------------------------------------------------


def test_files_are_cut_by_the_bytes_that_numbers_take(
    tiny_llama: Path, rounded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MOST_BYTES", 4000)  # 83 rows of 24 numbers of 16 bits
    cut = run_build(tiny_llama, tmp_path, "llama", store="bfloat16")
    assert verify(cut) == []
    manifest = Manifest.load(cut)
    embed = manifest.space("embed")
    assert embed is not None
    assert [shard.rows for shard in manifest.shards(embed)] == [83, 83, 83, 83, 17]
    with Index(rounded) as whole, Index(cut) as parts:
        for name in whole.space_names:
            np.testing.assert_array_equal(rows_of(parts, name), rows_of(whole, name))


def test_an_index_of_weights_is_completed_in_its_own_type(
    tiny_llama: Path, rounded: Path, tmp_path: Path
) -> None:
    first = run_build(tiny_llama, tmp_path, "llama", spaces=WEIGHTS, store="bfloat16")
    before = (first / "spaces/embed.faiss").stat().st_ino
    whole = run_build(tiny_llama, tmp_path, "llama", store="bfloat16")
    assert (whole / "spaces/embed.faiss").stat().st_ino == before
    assert verify(whole) == []
    assert Manifest.load(whole).rounded == Manifest.load(rounded).rounded
    with Index(rounded) as one, Index(whole) as other:
        for name in one.space_names:
            np.testing.assert_array_equal(rows_of(other, name), rows_of(one, name))


# -- vectors from elsewhere ---------------------------------------------------------------------


def imported(folder: Path, vectors: NDArray[Any], root: Path, name: str, **options: Any) -> Path:
    path = folder / f"{name}.npy"
    np.save(path, vectors)
    labels = "".join(f"w{at}\n" for at in range(len(vectors)))
    (folder / f"{name}.labels.txt").write_text(labels)
    request = ImportRequest(VectorSource(path), root, name, **options)
    return import_vectors(request, Narrator(quiet=True))[0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_vectors_of_16_bits_are_kept_as_they_are(dtype: Narrow, tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(5000, 20)).astype(np.float32)
    vectors = of_bits(to_bits(vectors, dtype), dtype)
    given: NDArray[Any] = vectors.astype(np.float16) if dtype == "float16" else vectors
    plain = imported(tmp_path, given, tmp_path / "plain", "a")
    narrow = imported(tmp_path, given, tmp_path / "narrow", "a", store=dtype)
    assert verify(narrow) == []
    assert Manifest.load(narrow).rounded == {}
    stored = faiss.read_index(str(narrow / "spaces/embed.faiss"))
    np.testing.assert_array_equal(stored.reconstruct_n(0, 5000), vectors)
    with explorer.open(plain) as one, explorer.open(narrow) as other:
        assert one.index.embed.codes is not None
        np.testing.assert_array_equal(rows_of(other.index, "embed"), rows_of(one.index, "embed"))
        for measure in ("cosine", "dot", "euclidean", "centered", "whitened"):
            answers = [ix.neighbors("w7 + w9", measure=measure) for ix in (one, other)]
            assert answers[0].to_dict() == answers[1].to_dict()


def test_other_vectors_are_rounded_and_counted(tmp_path: Path, run: Run) -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 20)).astype(np.float32)
    vectors[:20] = of_bits(to_bits(vectors[:20], "bfloat16"), "bfloat16")
    narrow = imported(tmp_path, vectors, tmp_path / "i", "a", store="bfloat16")
    assert Manifest.load(narrow).rounded == {"embed": 30}
    assert verify(narrow) == []
    with explorer.open(narrow) as ix:
        (note,) = (one for one in ix.neighbors("w3").meta.notes if "rounded" in one)
        assert note.startswith("rows are rounded to bfloat16 in embed (30 of 50): scores are ")
    target = tmp_path / "out.npy"
    export(ExportRequest("a", str(tmp_path / "i"), "embed", "npy", target), Narrator(quiet=True))
    out = np.load(target)
    np.testing.assert_allclose(out[:20], vectors[:20], rtol=1e-6)
    np.testing.assert_allclose(out, vectors, rtol=0, atol=0.05)
    with Index(narrow) as index:
        rows, norms = rows_of(index, "embed"), index.embed.norms
    np.testing.assert_array_equal(out, rows * norms[:, None])


def test_a_space_of_16_bits_is_put_beside_others_and_replaced(
    tiny_indexes: Path, tmp_path: Path
) -> None:
    root = tmp_path / "indexes"
    folder = Path(shutil.copytree(tiny_indexes / "llama", root / "llama"))
    vectors = np.random.default_rng(0).normal(size=(50, 24)).astype(np.float32)
    imported(tmp_path, vectors, root, "llama", space="sae.a", store="float16")
    manifest = Manifest.load(folder)
    assert (manifest.format, manifest.rounded) == (NARROW_FORMAT, {"sae.a": 50})
    assert verify(folder) == []
    imported(tmp_path, vectors, root, "llama", space="sae.b", store="bfloat16")
    assert Manifest.load(folder).rounded == {"sae.a": 50, "sae.b": 50}
    with explorer.open(folder) as ix:
        notes = ix.neighbors("w3@sae.b", "sae.b").meta.notes
        for dtype, space in (("bfloat16", "sae.b"), ("float16", "sae.a")):
            said = f"rows are rounded to {dtype} in {space}: scores are those of the rounded rows"
            assert said in notes
    for space in ("sae.a", "sae.b"):
        imported(tmp_path, vectors, root, "llama", space=space, force=True)
    manifest = Manifest.load(folder)
    assert (manifest.format, manifest.rounded) == (FORMAT, {})
    assert "rounded" not in json.loads((folder / "manifest.json").read_text())["extra"]
    assert verify(folder) == []
