"""A space in several files: where they are cut, and that nobody who asks can tell."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import explorer
from conftest import ROOT, Run, run_build
from everyquestion import QUESTIONS
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator
from indexer.store import coding, rows, shards
from indexer.store.errors import DamagedIndex, SemanticError
from indexer.store.files import FileEntry
from indexer.store.layout import Manifest
from indexer.store.mapped import Files, cores, in_parts
from indexer.store.read import Index
from indexer.store.rows import MappedRows, RowsFile, ShardsWriter
from indexer.store.shards import Shard, cut, listed
from indexer.store.typed import WrongType
from indexer.store.verify import verify
from recut import layers_of, recut
from sealing import resealed

WIDTH = 24

# -- the rule -------------------------------------------------------------------------------


@given(st.integers(1, 60), st.integers(1, 9), st.lists(st.integers(1, 25), max_size=8))
def test_files_hold_whole_layers_as_many_as_they_have_room_for(
    most: int, width: int, layers: Sequence[int]
) -> None:
    total = sum(layers) or 40
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MOST_BYTES", most * 4 * width)
        found = cut(total, width, layers)
    assert [shard.first for shard in found] == [0, *(shard.end for shard in found[:-1])]
    assert found[-1].end == total
    assert [(shard.number, shard.of) for shard in found] == [
        (number, len(found)) for number in range(1, len(found) + 1)
    ]
    assert all(0 < shard.rows <= most for shard in found)
    layers = layers or [total]
    edges = np.cumsum([0, *layers]).tolist()
    small = {(a, b) for a, b in itertools.pairwise(edges) if b - a <= most}
    for first, last in small:  # none of them is cut
        assert any(shard.first <= first and last <= shard.end for shard in found)
    for one, other in itertools.pairwise(found):
        next_layer = next((b - a for a, b in small if a == one.end), None)
        begins = one.first in edges and one.end in edges
        if next_layer is not None and begins:
            assert one.rows + next_layer > most, "there was room for it"
        if one.end not in edges:
            assert one.rows == most, "only the last file of a layer is not full"
        assert other.first == one.end


def test_a_file_holds_2_gb_of_rows_and_one_file_is_called_as_ever() -> None:
    assert [shard.rows for shard in cut(1_800_000, 576)] == [868_055, 868_055, 63_890]
    assert cut(868_055, 576) == (Shard(0, 868_055),)
    layers = [14_336] * 32  # of 4,096 numbers: eight layers are 1.9 GB
    assert [shard.rows // 14_336 for shard in cut(sum(layers), 4096, layers)] == [8, 8, 8, 8]
    assert Shard(0, 5).file("spaces/neuron.gate.faiss") == "spaces/neuron.gate.faiss"
    second = Shard(9, 9, 2, 3).file("spaces/neuron.gate.codes")
    assert second == "spaces/neuron.gate-00002-of-00003.codes"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_what_is_listed_is_read_as_it_was_cut(sizes: list[int]) -> None:
    parts = cut_into(sizes)
    files = listed_as(parts)
    assert listed("spaces/x.faiss", files, sum(sizes)) == parts
    assert listed("spaces/y.faiss", files, 7) == (Shard(0, 7),)
    # Another space's name may begin alike.
    assert listed("spaces/x-a.faiss", files, 7) == (Shard(0, 7),)


def cut_into(sizes: Sequence[int]) -> tuple[Shard, ...]:
    ends = np.cumsum(sizes).tolist()
    several = enumerate(zip(ends, sizes, strict=True), 1)
    return tuple(Shard(end - size, size, number, len(sizes)) for number, (end, size) in several)


def listed_as(parts: Sequence[Shard]) -> dict[str, FileEntry]:
    return {
        shard.file("spaces/x.faiss"): FileEntry(1, "", "", shard.first, shard.rows)
        for shard in parts
    }


def test_a_space_of_which_a_part_is_not_listed_is_refused() -> None:
    parts = cut_into([3, 4, 5])
    sound = listed_as(parts)
    names = list(sound)
    for name in names:
        left = {other: entry for other, entry in sound.items() if other != name}
        with pytest.raises(WrongType, match=f"{name} is missing, of which other parts are listed"):
            listed("spaces/x.faiss", left, 12)
    for change, said in [
        ({"first_row": 4}, "begin at row 4 and to hold 4, where row 3 of 12 is the next"),
        ({"first_row": None}, "begin at row None"),
        ({"rows": None}, "to hold None"),
        ({"rows": 0}, "to hold 0"),
        ({"rows": 10}, "to hold 10"),
        ({"rows": 3}, r"begin at row 7 and to hold 5, where row 6 of 12 is the next"),
    ]:
        wrong = {**sound, names[1]: dataclasses.replace(sound[names[1]], **change)}
        with pytest.raises(WrongType, match=said):
            listed("spaces/x.faiss", wrong, 12)
    with pytest.raises(WrongType, match="has 12 of the 13 rows"):
        listed("spaces/x.faiss", sound, 13)
    with pytest.raises(WrongType, match=r"x-00002-of-99999\.faiss is missing"):
        listed("spaces/x.faiss", {"spaces/x-00001-of-99999.faiss": sound[names[0]]}, 12)


# -- rows in several files ------------------------------------------------------------------


def mapped(folder: Path, matrix: NDArray[np.float32], sizes: Sequence[int]) -> MappedRows:
    """Rows written in blocks that cross the edges of files, and mapped."""
    parts, name = cut_into(sizes), "x.faiss"
    writer = ShardsWriter(folder, name, parts, matrix.shape[1])
    for first in reversed(range(0, len(matrix), 7)):
        writer.put(first, matrix[first : first + 7])
    np.testing.assert_array_equal(writer.get(0, len(matrix)), matrix)
    writer.sync()
    writer.close()

    def open_file(shard: Shard) -> RowsFile:
        return RowsFile(folder / shard.file(name), shard.rows, matrix.shape[1], shard.file(name))

    return MappedRows(Files(name, parts, open_file), matrix.shape[1], "")


@given(
    sizes=st.lists(st.integers(1, 50), min_size=1, max_size=6),
    width=st.sampled_from([3, 5, 16, 24]),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_are_read_and_multiplied_as_if_they_lay_in_one_file(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], width: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.standard_normal((sum(sizes), width)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "_ROWS_A_THREAD": 11,
            "_COPIED_ROWS": 13,
            "_CACHED_ROWS": 5,
            "_AHEAD_BYTES": 4 * width * 17,
            "_MANY_ROWS": 4,
        }.items():
            patch.setattr(rows, name, value)
        cut_ = mapped(tmp_path_factory.mktemp("cut"), matrix, sizes)
        whole = mapped(tmp_path_factory.mktemp("whole"), matrix, [sum(sizes)])
        for queries in (1, 3, 20):
            asked = rng.standard_normal((queries, width)).astype(np.float32)
            np.testing.assert_array_equal(cut_.scan(asked), whole.scan(asked))
        first = int(rng.integers(len(matrix)))
        count = int(rng.integers(len(matrix) - first + 1))
        np.testing.assert_array_equal(cut_.block(first, count), matrix[first : first + count])
        some = rng.integers(0, len(matrix), 30)
        np.testing.assert_array_equal(cut_.take(some), matrix[some])
        np.testing.assert_array_equal(cut_.row(first), matrix[first])
        assert cut_.take(some[:0]).shape == (0, width)
        for wrong in (-1, len(matrix)):
            with pytest.raises(DamagedIndex, match=f"rows 0 to {len(matrix) - 1}, and row {wrong}"):
                cut_.take(np.array([0, wrong]))


def test_only_the_files_of_what_is_asked_are_opened(tmp_path: Path) -> None:
    matrix = np.eye(30, dtype=np.float32)
    found = mapped(tmp_path, matrix, [10, 10, 10])
    (tmp_path / "x-00003-of-00003.faiss").unlink()
    np.testing.assert_array_equal(found.row(15), matrix[15])
    np.testing.assert_array_equal(found.block(3, 14), matrix[3:17])
    for read in (lambda: found.row(20), lambda: found.scan(matrix[:1])):
        with pytest.raises(DamagedIndex, match=r"x-00003-of-00003\.faiss is missing"):
            read()


# -- indexes in several files ---------------------------------------------------------------


@pytest.fixture(scope="module")
def cut_real(real_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The real index with each space in files of 4 MB at the most, open."""
    root = tmp_path_factory.mktemp("cut", numbered=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MOST_BYTES", 4_000_000)
        recut(real_indexes / "smollm2", root / "smollm2")
    with explorer.open("smollm2", root) as ix:
        yield ix
    shutil.rmtree(root)


def told(result: Any) -> Any:
    """What an answer says, how it was found aside."""
    if isinstance(result, tuple):
        return [told(one) for one in result]
    said = json.loads(json.dumps(result.to_dict() if hasattr(result, "to_dict") else repr(result)))
    if isinstance(said, dict) and "kept" in said["meta"]:
        said["meta"].pop("kept")  # findings are kept of an index by the checksums of its files
    return said


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_question_is_answered_as_of_one_file(real: Any, cut_real: Any, name: str) -> None:
    assert told(QUESTIONS[name](cut_real)) == told(QUESTIONS[name](real))


@pytest.mark.parametrize("measure", ["cosine", "centered", "dot", "euclidean", "whitened"])
def test_neighbors_by_every_measure_are_those_of_one_file(
    real: Any, cut_real: Any, measure: str
) -> None:
    for space, word in (("embed", "dog"), ("context.12", "dog"), ("neuron.out", "L3N5.out")):
        one, other = (ix.neighbors(word, space, measure=measure, k=50) for ix in (cut_real, real))
        assert told(one) == told(other)


def test_the_pass_over_codes_suffices_in_several_files_too(cut_real: Any) -> None:
    space = cut_real.index.space("embed")
    assert len(space.codes.files.shards) == len(space.rows.files.shards) == 29
    found = cut_real.neighbors("dog")
    assert (found.meta.scoring.passes, found.meta.scoring.scans) == (1, 0)


def test_a_file_of_the_real_index_opens_by_itself_and_holds_whole_layers(
    real: Any, cut_real: Any
) -> None:
    folder, manifest = cut_real.index.folder, cut_real.index.manifest
    whole = faiss.read_index(str(real.index.folder / "spaces/neuron.gate.faiss"))
    names = sorted(name for name in manifest.files if name.startswith("spaces/neuron.gate-"))
    parts = [faiss.read_index(str(folder / name)) for name in names if name.endswith(".faiss")]
    assert [part.ntotal for part in parts] == [1536] * 30
    for at, part in enumerate(parts):
        np.testing.assert_array_equal(
            part.reconstruct_n(0, 1536), whole.reconstruct_n(at * 1536, 1536)
        )


def test_several_files_are_read_without_the_project_as_its_page_says(
    real: Any, cut_real: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/format.md").read_text()
    _, block = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "indexes").mkdir()
    (tmp_path / "indexes/large").symlink_to(cut_real.index.folder)
    monkeypatch.chdir(tmp_path)
    found: dict[str, Any] = {"faiss": faiss}
    exec(block, found)
    whole = faiss.read_index(str(real.index.folder / "spaces/neuron.gate.faiss"))
    asked = whole.reconstruct(20_000)[None]
    scores, ids = found["together"].search(asked, 5)
    expected, positions = whole.search(asked, 5)
    assert (ids[0].tolist(), ids[0][0]) == (positions[0].tolist(), 20_000)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


@pytest.fixture(scope="module")
def cut_llama(tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny Llama as it is built where files hold 4,000 bytes: 41 rows of it, a layer of 38."""
    root = tmp_path_factory.mktemp("built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MOST_BYTES", 4000)
        patch.setattr(coding, "FEWEST_ROWS", 50)
        patch.setattr(coding, "ROWS_TO_WIDTH", 1)
        return run_build(tiny_llama, root, "llama")


def test_a_build_in_several_files_has_the_rows_of_one_in_one(
    cut_llama: Path, tiny_indexes: Path, tmp_path: Path
) -> None:
    assert verify(cut_llama) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MOST_BYTES", 4000)
        same = recut(tiny_indexes / "llama", tmp_path / "llama")
    assert verify(same) == []
    theirs, ours = Manifest.load(same), Manifest.load(cut_llama)
    codes_ = [name for name in ours.files if name.endswith((".codes", ".zcodes"))]
    assert codes_, "there are codes of the larger spaces"
    assert set(ours.files) == {*theirs.files, *codes_}
    for name, entry in theirs.files.items():
        if name.endswith(".faiss"):
            assert ours.files[name] == entry
    gate = next(space for space in ours.spaces if space.name == "neuron.gate")
    assert [shard.rows for shard in ours.shards(gate)] == [38, 38, 38] == layers_of(ours, gate)


def test_a_build_in_several_files_is_asked_as_one_in_one(
    cut_llama: Path, tiny_indexes: Path
) -> None:
    with explorer.open(cut_llama) as one, explorer.open(tiny_indexes / "llama") as other:
        for measure in ("cosine", "centered", "dot", "euclidean"):
            for space in one.index.space_names:
                query = "large" if not space.startswith("neuron") else "L1N7.out"
                first, second = (
                    ix.neighbors(query, space, measure=measure, k=9) for ix in (one, other)
                )
                assert [(row.text, row.score) for row in first] == [
                    (row.text, row.score) for row in second
                ]
                np.testing.assert_allclose(
                    [row.z for row in first], [row.z for row in second], rtol=1e-5
                )


# -- imports, exports and damage ------------------------------------------------------------


def imported(root: Path, vectors: NDArray[np.float32], name: str, **options: Any) -> Path:
    np.save(root / "v.npy", vectors)
    (root / "v.txt").write_text("".join(f"w{at}\n" for at in range(len(vectors))))
    source = VectorSource(root / "v.npy", labels=root / "v.txt")
    request = ImportRequest(source, root / "indexes", name, **options)
    return import_vectors(request, Narrator(quiet=True))[0]


def vectors_of(seed: int, count: int = 5000) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)


SMALL = 4 * WIDTH * 2000


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 imported vectors in files of 2,000."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "MOST_BYTES", SMALL)
        return imported(tmp_path_factory.mktemp("imported"), vectors_of(1), "many")


PARTS = [f"spaces/embed-0000{number}-of-00003" for number in (1, 2, 3)]


def test_an_import_in_several_files_is_asked_and_exported_as_one(
    many: Path, tmp_path: Path, run: Run
) -> None:
    one = imported(tmp_path, vectors_of(1), "many")
    manifest = Manifest.load(many)
    assert {name for name in manifest.files if name.startswith("spaces/")} == {
        "spaces/embed.npz",
        *(f"{part}{end}" for part in PARTS for end in (".faiss", ".codes")),
    }
    assert [(s.first, s.rows) for s in manifest.shards(manifest.embed)] == [
        (0, 2000),
        (2000, 2000),
        (4000, 1000),
    ]
    with explorer.open(many) as several, explorer.open(one) as whole:
        for at in (0, 1999, 2000, 4999):
            first, second = (ix.neighbors(f"w{at} + w2001", k=100) for ix in (several, whole))
            assert told(first) == told(second)
            assert first.meta.scoring.passes == 1
    for name, folder in (("one", one), ("many", many)):
        target = tmp_path / f"{name}.npy"
        done = run("indexer", "export", folder, "embed", "--format", "npy", "-o", target)
        assert done.code == 0, done.err
    np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), np.load(tmp_path / "many.npy"))
    size = sum((many / name).stat().st_size for name in manifest.files if "spaces/" in name)
    space = json.loads(run("indexer", "show", many, "--format", "jsonl").out)
    assert (space["files"], space["bytes"]) == (3, size)


def test_a_further_space_in_several_files_is_added_and_replaced(
    many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shards, "MOST_BYTES", SMALL)
    (tmp_path / "indexes").mkdir()
    shutil.copytree(many, tmp_path / "indexes" / "many")
    folder = imported(tmp_path, vectors_of(2), "many", space="mine")
    assert verify(folder) == []
    assert len(list(folder.glob("spaces/mine-*.faiss"))) == 3
    folder = imported(tmp_path, vectors_of(3, 1500), "many", space="mine", force=True)
    assert verify(folder) == []
    assert sorted(path.name for path in folder.glob("spaces/mine*")) == ["mine.faiss", "mine.npz"]
    assert len(list(folder.glob("spaces/embed-*.faiss"))) == 3


@pytest.mark.parametrize("name", ["a-00001-of-00002", "A-12345-OF-12345"])
def test_no_space_is_named_as_a_part_of_another(many: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "indexes").mkdir()
    shutil.copytree(many, tmp_path / "indexes" / "many")
    with pytest.raises(SemanticError, match="no end such as -00001-of-00002"):
        imported(tmp_path, vectors_of(2, 10), "many", space=name)


@pytest.fixture
def copy(many: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(many, tmp_path / "many"))


def flipped(path: Path) -> None:
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 0x40
    path.write_bytes(body)


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "a bit": (flipped, "the content is not what was sealed (SHA-256 differs)"),
    "gone": (Path.unlink, "missing"),
    "cut": (lambda path: path.write_bytes(path.read_bytes()[:-4]), "bytes where"),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"x"), "bytes where"),
    "another's": (
        lambda path: shutil.copy(path.parent / f"embed-00001-of-00003{path.suffix}", path),
        "the content is not what was sealed",
    ),
}


@pytest.mark.parametrize("end", [".faiss", ".codes"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_verify_names_the_file_that_is_damaged(copy: Path, damage: str, end: str) -> None:
    change, said = DAMAGE[damage]
    change(copy / f"{PARTS[1]}{end}")
    (fault,) = verify(copy)
    assert fault.startswith(f"{PARTS[1]}{end}: ")
    assert said in fault


@pytest.mark.parametrize("damage", ["gone", "cut", "longer", "another's"])
def test_a_question_names_the_file_that_is_damaged(copy: Path, damage: str) -> None:
    DAMAGE[damage][0](copy / f"{PARTS[1]}.faiss")
    with explorer.open(copy) as ix:
        ix.vector("w10")  # its file is whole
        with pytest.raises(DamagedIndex, match=PARTS[1]):
            ix.vector("w2500")
        with pytest.raises(DamagedIndex, match=PARTS[1]):
            ix.neighbors("w10", measure="dot")


def test_a_row_that_is_not_of_length_1_is_named_with_its_file(copy: Path) -> None:
    path = copy / f"{PARTS[1]}.faiss"
    body = bytearray(path.read_bytes())
    at = 45 + 700 * WIDTH * 4
    body[at : at + 4 * WIDTH] = np.full(WIDTH, 3, np.float32).tobytes()
    path.write_bytes(body)
    resealed(copy)
    with Index(copy) as index:
        space = index.space("embed")
        said = rf"{PARTS[1]}\.faiss: row 2,700 "
        for read in (
            lambda: space.rows.row(2700),
            lambda: space.rows.take(np.array([1, 2700])),
            lambda: space.rows.block(2600, 1500),
            lambda: space.scan(np.ones(WIDTH)),
        ):
            with pytest.raises(DamagedIndex, match=said):
                read()
    assert f"{PARTS[1]}.faiss: row 2,700" in verify(copy)[0]


def test_a_code_that_is_wrong_is_named_with_its_file(copy: Path) -> None:
    path = copy / f"{PARTS[2]}.codes"
    body = bytearray(path.read_bytes())
    body[-1] ^= 0x40
    path.write_bytes(body)
    resealed(copy)
    (fault,) = verify(copy)
    assert fault.startswith(f"{PARTS[2]}.codes: row 4,999 lies farther from its codes")


def without(body: dict[str, Any], *names: str) -> None:
    for name in names:
        del body["files"][name]


def moved(body: dict[str, Any]) -> None:
    for number, (first, count) in enumerate([(0, 1999), (1999, 2001), (4000, 1000)]):
        body["files"][f"{PARTS[number]}.codes"] |= {"first_row": first, "rows": count}


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a part is not listed": (lambda body: without(body, f"{PARTS[1]}.faiss"), "is missing"),
    "codes of a part are not": (lambda body: without(body, f"{PARTS[0]}.codes"), "is missing"),
    "codes are cut elsewhere": (moved, "embed.codes is not cut where spaces/embed.faiss is"),
    "a whole file beside the parts": (
        lambda body: body["files"].update(
            {"spaces/embed.faiss": {**body["files"][f"{PARTS[0]}.faiss"], "rows": 5000}}
        ),
        "is no file of an index with these spaces",
    ),
    "a part of no space": (
        lambda body: body["files"].update(
            {"spaces/mine-00001-of-00001.faiss": body["files"][f"{PARTS[0]}.faiss"]}
        ),
        "is no file of an index with these spaces",
    ),
    "rows that overlap": (
        lambda body: body["files"][f"{PARTS[1]}.faiss"].update(first_row=1999),
        "where row 2,000 of 5,000 is the next",
    ),
    "rows below 0": (
        lambda body: body["files"][f"{PARTS[1]}.faiss"].update(first_row=-1),
        "first_row is -1",
    ),
}


@pytest.mark.parametrize("wrong", MANIFESTS)
def test_a_manifest_whose_parts_do_not_go_together_is_refused(copy: Path, wrong: str) -> None:
    change, said = MANIFESTS[wrong]
    resealed(copy, change)
    with pytest.raises(DamagedIndex, match=said):
        Manifest.load(copy)


def test_an_index_of_the_format_before_is_read(tmp_path: Path) -> None:
    """There each space is one file, of which it is not said what rows it holds."""
    folder = imported(tmp_path, vectors_of(4), "old")

    def older(body: dict[str, Any]) -> None:
        body["format"] = 7
        for entry in body["files"].values():
            del entry["first_row"], entry["rows"]

    resealed(folder, older)
    assert verify(folder) == []
    with explorer.open(folder) as ix:
        assert ix.neighbors("w7")[0].text
    imported(tmp_path, vectors_of(5), "old", space="mine")
    assert Manifest.load(folder).format == 8
    assert verify(folder) == []


# -- threads --------------------------------------------------------------------------------


def test_every_core_has_a_part_where_rows_are_many() -> None:
    assert in_parts(cores() * 10, 10, lambda first, last: last - first) == [10] * cores()
    assert in_parts(9, 10, lambda first, last: (first, last)) == [(0, 9)]
    found = in_parts(cores() * 50 + 3, 10, lambda first, last: (first, last))
    assert [first for first, _ in found] == [0, *(last for _, last in found[:-1])]
    assert found[-1][1] == cores() * 50 + 3
