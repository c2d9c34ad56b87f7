"""`indexer verify`, `list` and `show`: what is damaged is named, and what is sound is described."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from conftest import Run
from indexer.store import layout, places
from indexer.store.errors import DamagedIndex, ForeignIndex, SemanticError
from indexer.store.files import FileEntry
from indexer.store.layout import READ, Manifest
from indexer.store.read import Index
from indexer.store.verify import verify


@pytest.fixture
def root(tiny_indexes: Path, tmp_path: Path) -> Path:
    """A folder with a copy of index `llama` that a test may damage."""
    shutil.copytree(tiny_indexes / "llama", tmp_path / "indexes" / "llama")
    return tmp_path / "indexes"


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "llama"


def files_of(folder: Path) -> list[str]:
    return sorted(Manifest.load(folder).files)


def resealed(folder: Path, **changes: object) -> None:
    """Seal a changed manifest, as a build gone wrong might."""
    import dataclasses

    manifest = dataclasses.replace(Manifest.load(folder), **changes)  # type: ignore[arg-type]
    (folder / "manifest.json").write_text(manifest.to_json())


def rehashed(folder: Path, name: str) -> None:
    """Seal a file as it is now."""
    files = dict(Manifest.load(folder).files)
    resealed(folder, files={**files, name: FileEntry.of(folder / name)})


def test_sound_indexes_have_no_fault(tiny_indexes: Path) -> None:
    for name in ("llama", "gpt2"):
        assert verify(tiny_indexes / name) == []


def test_every_file_of_an_index_is_in_its_manifest(tiny_indexes: Path) -> None:
    for name in ("llama", "gpt2"):
        folder = tiny_indexes / name
        there = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert there == {*files_of(folder), "manifest.json"}
        spaces = Manifest.load(folder).spaces
        assert {f"spaces/{s.name}{end}" for s in spaces for end in (".faiss", ".npz")} <= there


def test_each_file_is_looked_at(folder: Path) -> None:
    seen: list[str] = []
    verify(folder, seen.append)
    assert sorted(seen) == files_of(folder)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


FLIPS = 12
"""Bits flipped in each file, one at a time: at random, the same ones in every run."""


def flipped(path: Path, drawn: random.Random) -> Iterator[int]:
    """Flip a bit of a file, wherever; which it is. In the end all is as it was."""
    data = path.read_bytes()
    for _ in range(FLIPS):
        bit = drawn.randrange(8 * len(data))
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        yield bit
    path.write_bytes(data)


def test_a_bit_flipped_anywhere_is_found_in_its_file(folder: Path) -> None:
    drawn = random.Random(0)
    for name in files_of(folder):
        for bit in flipped(folder / name, drawn):
            (fault,) = verify(folder)
            assert fault.startswith(f"{name}: "), bit
    before = Manifest.load(folder)
    for _ in flipped(folder / "manifest.json", drawn):
        with contextlib.suppress(SemanticError):
            # The last digit of a float may be another and say the same.
            assert Manifest.load(folder) == before
    assert verify(folder) == []


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


FILES = (
    "catalog.duckdb",
    "tokenizer.json",
    "spaces/embed.faiss",
    "spaces/context.2.npz",
    "spaces/neuron.up.faiss",
)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (flip, "SHA-256 differs"),
        (cut, "bytes where"),
        (lengthen, "bytes where"),
        (Path.unlink, "missing"),
        (replace_by_a_folder, "Is a directory"),
    ],
)
def test_the_damaged_file_is_named_and_no_other(
    name: str, damage: Callable[[Path], None], said: str, folder: Path
) -> None:
    damage(folder / name)
    (fault,) = verify(folder)
    assert fault.startswith(f"{name}: ")
    assert said in fault


def test_each_of_several_damaged_files_is_named(folder: Path) -> None:
    for name in FILES:
        flip(folder / name)
    faults = verify(folder)
    assert sorted(fault.split(":")[0] for fault in faults) == sorted(FILES)


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: body | {"words": body["words"] + 1},
        lambda body: body | {"model": {**body["model"], "source": "another"}},
        lambda body: body | {"files": {}},
        lambda body: {k: v for k, v in body.items() if k != "seal"},
        lambda body: body | {"seal": "0" * 64},
        lambda body: body | {"note": "added"},
    ],
)
def test_an_edited_manifest_does_not_open(edit: Callable[[dict], dict], folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))
    with pytest.raises(DamagedIndex, match=r"manifest\.json was changed after it was sealed"):
        Index(folder)
    (fault,) = verify(folder)
    assert "manifest.json was changed" in fault


def of_format(format: int, **said: Any) -> bytes:
    """A manifest of another format, with as much of it as can be read."""
    return json.dumps({"format": format, **said}).encode()


REBUILT: dict[str, tuple[bytes, str]] = {
    "a model": (
        of_format(5, model={"source": "smollm2", "vocabulary": 49152}),
        "rebuild it with `indexer build smollm2 --name llama --force`",
    ),
    "a model in a folder": (
        of_format(5, model={"source": "/a b/c", "vocabulary": 7}),
        "rebuild it with `indexer build '/a b/c' --name llama --force`",
    ),
    "further spaces": (
        of_format(5, model={"source": "m", "vocabulary": 7}, extra={"imported": {"sae": {}}}),
        "rebuild it with `indexer build m --name llama --force`, and import again what was "
        "imported",
    ),
    "imported vectors": (
        of_format(5, model={"source": "none: vectors of v.txt", "vocabulary": 0}),
        "its vectors were imported: move it away, and give them to `indexer import` again",
    ),
    "what would be an option": (
        of_format(5, model={"source": "--help"}),
        "rebuild it with `indexer build MODEL --name llama --force`",
    ),
    "what would command a terminal": (
        of_format(5, model={"source": "a\x1b[2J"}),
        "rebuild it with `indexer build MODEL --name llama --force`",
    ),
    "no model that can be read": (
        of_format(5, model=["x"], extra=3),
        "rebuild it with `indexer build MODEL --name llama --force`",
    ),
}


@pytest.mark.parametrize(("content", "said"), REBUILT.values(), ids=list(REBUILT))
def test_an_index_of_another_format_is_told_with_what_makes_it_anew(
    content: bytes, said: str, folder: Path
) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ForeignIndex) as caught:
        Index(folder)
    reads = " and ".join(map(str, READ))
    assert str(caught.value) == f"index 'llama' has format 5, this version reads {reads}: {said}"


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", DamagedIndex, "manifest.json cannot be read"),
        (b"{", DamagedIndex, "manifest.json cannot be read"),
        (b"\xff\xfe\x00", DamagedIndex, "manifest.json cannot be read"),
        (b"[1]", ForeignIndex, "is not an index of this project"),
        (b'{"name": "my web app"}', ForeignIndex, "is not an index of this project"),
        (b'{"format": 99}', ForeignIndex, "has format 99, this version reads"),
        (b'{"format": "x"}', ForeignIndex, "has format x, this version reads"),
    ],
)
def test_a_foreign_or_broken_manifest_is_told_for_what_it_is(
    content: bytes, error: type[SemanticError], said: str, folder: Path
) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(error) as caught:
        Index(folder)
    assert said in str(caught.value)
    assert verify(folder) == [str(caught.value)]
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_manifest_is_no_index(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    (fault,) = verify(folder)
    assert "is not an index: it has no manifest.json" in fault


def test_a_manifest_survives_writing_and_reading(tiny_indexes: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(tiny_indexes / "llama")
    (tmp_path / "manifest.json").write_text(manifest.to_json(), "utf-8")
    assert Manifest.load(tmp_path) == manifest


def test_counts_that_do_not_fit_are_found_where_checksums_do(folder: Path) -> None:
    with duckdb.connect(str(folder / "catalog.duckdb")) as con:
        con.execute("DELETE FROM word WHERE id = 3")
    rehashed(folder, "catalog.duckdb")
    words = Manifest.load(folder).words
    assert verify(folder) == [f"catalog.duckdb: table word has {words - 1} rows, not {words}"]


def test_a_file_of_rows_of_another_shape_is_found_where_checksums_fit(folder: Path) -> None:
    shutil.copy(folder / "spaces" / "embed.faiss", folder / "spaces" / "neuron.gate.faiss")
    rehashed(folder, "spaces/neuron.gate.faiss")
    (fault,) = verify(folder)
    assert "spaces/neuron.gate.faiss" in fault


def test_a_manifest_that_does_not_list_the_catalog_is_at_fault(folder: Path) -> None:
    files = {k: v for k, v in Manifest.load(folder).files.items() if k != "catalog.duckdb"}
    resealed(folder, files=files)
    assert verify(folder) == ["catalog.duckdb: the manifest does not list it"]


@pytest.mark.parametrize("at", [0.2, 0.4, 0.6, 0.8])
def test_a_damaged_catalog_is_one_error_and_never_wrong_rows(at: float, folder: Path) -> None:
    with Index(folder) as index:
        names = [row[0] for row in index.sql("SELECT table_name FROM duckdb_tables()")]
        before = {name: index.sql(f"SELECT * FROM {name}") for name in names}
    path = folder / "catalog.duckdb"
    data = bytearray(path.read_bytes())
    data[int(at * len(data)) :: 40_000] = b"\xa5" * len(data[int(at * len(data)) :: 40_000])
    path.write_bytes(bytes(data))
    with Index(folder) as index:
        errors = []
        for name in names:
            try:
                assert index.sql(f"SELECT * FROM {name}") == before[name]
            except DamagedIndex as err:
                errors.append(str(err))
    assert errors
    assert all("catalog.duckdb cannot be read" in error for error in errors)


# -- as a person runs them ----------------------------------------------------------------------


def test_verify_says_that_an_index_is_sound(tiny_indexes: Path, run: Run) -> None:
    done = run("indexer", "verify", "gpt2", "--indexes", str(tiny_indexes))
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"gpt2: sound ({len(files_of(tiny_indexes / 'gpt2'))} files, ")


def test_verify_prints_each_fault_and_fails(root: Path, folder: Path, run: Run) -> None:
    flip(folder / "spaces" / "embed.faiss")
    (folder / "spaces" / "neuron.gate.npz").unlink()
    done = run("indexer", "verify", "--indexes", str(root))
    assert done.code == 2
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "spaces/embed.faiss",
        "spaces/neuron.gate.npz",
    ]
    assert done.err == (
        "indexer: index 'llama' is damaged; rebuild it with `indexer build --force`\n"
    )


def test_verify_of_a_folder_that_is_no_index_says_so(tmp_path: Path, run: Run) -> None:
    (tmp_path / "indexes" / "photos").mkdir(parents=True)
    done = run("indexer", "verify", "photos")
    assert done.code == 2
    assert "indexes/photos is not an index: it has no manifest.json" in done.out + done.err
    assert done.err.count("\n") == 1


def test_list_names_each_index_and_what_is_in_it(tiny_indexes: Path, run: Run) -> None:
    done = run("indexer", "list", EXPLORER_INDEXES=str(tiny_indexes))
    assert (done.code, done.err) == (0, "")
    gpt2, llama = done.out.splitlines()
    assert gpt2.startswith("gpt2   GPT-2, 2 layers of 34 neurons, d_model 20, ")
    assert llama.startswith("llama  Llama, 3 layers of 38 neurons, d_model 24, ")
    assert "11 spaces" in llama


def test_list_tells_a_damaged_index_and_goes_on(root: Path, folder: Path, run: Run) -> None:
    shutil.copytree(folder, root / "broken")
    (root / "broken" / "manifest.json").write_text("{")
    (root / "unrelated").mkdir()
    done = run("indexer", "list", "--indexes", str(root))
    assert done.code == 0
    broken, llama = done.out.splitlines()
    assert broken.startswith("broken  index 'broken': manifest.json cannot be read")
    assert llama.startswith("llama   Llama, ")


def test_show_says_what_is_inside(tiny_indexes: Path, run: Run) -> None:
    manifest = Manifest.load(tiny_indexes / "llama")
    done = run("indexer", "show", "llama", "--indexes", str(tiny_indexes))
    assert (done.code, done.err) == (0, "")
    for part in (
        "3 layers, d_model 24, 38 neurons a layer (gated, silu), 4 heads of 6",
        "unembedding not tied",
        f"sha256 {manifest.model.weights_sha256}",
        f"prefix      {manifest.prefix.text!r}",
        "run in float32 on ",
        "convention  neuron.gate: norm gain folded in",
        "convention  neuron.out: raw columns of the output matrix",
        "self-check  greatest relative error: embed ",
        "seconds     load ",
        "torch ",
    ):
        assert part in done.out
    rows = {line.split()[0]: line.split() for line in done.out.splitlines() if line}
    for space in manifest.spaces:
        assert rows[space.name][1:4] == [space.item, f"{space.rows:,}", str(space.width)]


def test_show_as_json_is_the_manifest(tiny_indexes: Path, run: Run) -> None:
    done = run("indexer", "show", "gpt2", "--json", "--indexes", str(tiny_indexes))
    assert done.json() == json.loads((tiny_indexes / "gpt2" / "manifest.json").read_text())


# -- where indexes are --------------------------------------------------------------------------


def test_the_only_index_needs_no_name_and_several_do(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert places.find_index(None, root) == folder
    shutil.copytree(folder, root / "other")
    with pytest.raises(SemanticError, match=r"several indexes in .* \(llama, other\)"):
        places.find_index(None, root)
    monkeypatch.setenv("EXPLORER_INDEX", "other")
    assert places.find_index(None, root) == root / "other"
    assert places.find_index("llama", root) == folder
    monkeypatch.setenv("EXPLORER_INDEXES", str(root))
    assert places.find_index("llama") == folder


def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(root: Path) -> None:
    with pytest.raises(SemanticError, match=r"no index 'lama' in .*; did you mean 'llama'\?"):
        places.find_index("lama", root)


@pytest.mark.parametrize(
    ("text", "layers"),
    [("0", (0,)), ("0-2", (0, 1, 2)), ("2,0", (0, 2)), (" 1 - 2 , 0 ", (0, 1, 2)), ("1,1", (1,))],
)
def test_layers_are_numbers_and_ranges(text: str, layers: tuple[int, ...]) -> None:
    assert layout.parse_layers(text, range(3)) == layers


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "are not numbers and ranges"),
        ("all of them", "are not numbers and ranges"),
        ("-1", "are not numbers and ranges"),
        ("0,", "are not numbers and ranges"),
        ("3", "no layer 3 in '3' .there are layers 0 to 2."),
        ("0-9", "no layer 9"),
        ("2-1", "run backwards; write 1-2"),
    ],
)
def test_layers_that_are_none_are_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        layout.parse_layers(text, range(3))
