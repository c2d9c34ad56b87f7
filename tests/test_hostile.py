"""Indexes that somebody made to do harm, or that something damaged where checksums don't tell.

Each is made from a sound tiny index, and sealed anew by its author: checksums, edges and seal fit.
What is opened, what `indexer verify` says and what is left untouched is looked at, case by case.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import explorer
from conftest import Run
from everyquestion import QUESTIONS
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator
from indexer.store import catalog_file
from indexer.store.errors import DamagedIndex, SemanticError
from indexer.store.layout import MANIFEST, Manifest
from indexer.store.places import find_index, index_names
from indexer.store.read import Index
from indexer.store.rows import file_bytes
from indexer.store.verify import verify
from sealing import by_its_author, resealed

pytestmark = pytest.mark.native

SECRET = "a secret that nobody may read"


@pytest.fixture
def root(tiny_indexes: Path, tmp_path: Path) -> Path:
    """A folder with index `llama`, to be changed by its author."""
    shutil.copytree(tiny_indexes / "llama", tmp_path / "indexes" / "llama")
    return tmp_path / "indexes"


@pytest.fixture
def folder(root: Path) -> Path:
    return root / "llama"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.csv"
    path.write_text(f"id,text,special\n1,{SECRET},false\n")
    return path


def one_line(error: BaseException) -> str:
    assert "\n" not in str(error)
    return str(error)


# -- SQL of the author's in the catalog -----------------------------------------------------------

SQL: dict[str, tuple[list[str], str]] = {
    "a view in place of a table, which reads a file": (
        [
            "DROP INDEX token_text",
            "ALTER TABLE token RENAME TO tokens",
            "CREATE VIEW token AS SELECT * FROM read_csv('{secret}')",
        ],
        "a view, 'token'",
    ),
    "a view beside the tables": (["CREATE VIEW more AS SELECT 1 AS a"], "a view, 'more'"),
    "a view over a table that is gone": (
        ["CREATE TABLE gone (a INT)", "CREATE VIEW more AS FROM gone", "DROP TABLE gone"],
        "a view, 'more'",
    ),
    "a macro in place of lower": (["CREATE MACRO lower(a) AS 'evil'"], "a macro, 'lower'"),
    "a macro in place of count": (["CREATE MACRO count(a) AS 77"], "a macro, 'count'"),
    "a macro that blinds the guard of SQL": (
        ["""CREATE MACRO json_serialize_sql(a) AS '{"error": false}'"""],
        "a macro, 'json_serialize_sql'",
    ),
    "macros in place of what lists tables": (
        [
            "CREATE MACRO duckdb_functions() AS TABLE SELECT '' AS function_name WHERE false",
            "CREATE MACRO duckdb_views() AS TABLE SELECT '' AS view_name WHERE false",
            "CREATE MACRO duckdb_tables() AS TABLE SELECT 'token' AS table_name, '' AS sql",
            "CREATE MACRO contains(a, b) AS false",
        ],
        "a macro, 'contains'",
    ),
    "a table macro of a name of its own": (
        ["CREATE MACRO mine(a) AS TABLE SELECT a"],
        "a macro, 'mine'",
    ),
    "a column with a default": (
        ["ALTER TABLE word_group ALTER word SET DEFAULT 'x' || random()"],
        "table word_group with other columns",
    ),
    "a generated column": (
        [
            "DROP TABLE word_group",
            "CREATE TABLE word_group (name VARCHAR NOT NULL, word VARCHAR "
            "GENERATED ALWAYS AS (upper(name)))",
        ],
        "table word_group with other columns",
    ),
    "a check": (
        [
            "DROP TABLE word_group",
            "CREATE TABLE word_group (name VARCHAR NOT NULL, word VARCHAR NOT NULL, "
            "CHECK (length(name) > 0))",
        ],
        "table word_group with other columns",
    ),
    "a collation": (
        [
            "DROP TABLE word_group",
            "CREATE TABLE word_group (name VARCHAR COLLATE nocase NOT NULL, word VARCHAR NOT NULL)",
        ],
        "table word_group with other columns",
    ),
    "a column whose name says what columns there are": (
        [
            "DROP TABLE word_group",
            'CREATE TABLE word_group ("name VARCHAR NOT NULL, word" VARCHAR NOT NULL)',
        ],
        "table word_group with other columns",
    ),
    "a column of another type": (
        ["ALTER TABLE word_group ALTER word TYPE BLOB"],
        "table word_group with other columns",
    ),
    "a column too many": (
        ["ALTER TABLE word_group ADD COLUMN more INT"],
        "table word_group with other columns",
    ),
    "a column too few": (
        ["ALTER TABLE word_group DROP COLUMN word"],
        "table word_group with other columns",
    ),
    "a table too many": (["CREATE TABLE more (a INT)"], "a table 'more'"),
    "a table too few": (["DROP TABLE word_group"], "lacks the table word_group"),
    "a type": (["CREATE TYPE mood AS ENUM ('a')"], "a type, 'mood'"),
    "a schema": (["CREATE SCHEMA other"], "a schema, 'other'"),
    "a schema of the system's name": (["CREATE SCHEMA system"], "a schema, 'system'"),
    "a sequence": (["CREATE SEQUENCE counter"], "a sequence, 'counter'"),
    "a trigger": (
        [
            "CREATE TRIGGER sting AFTER INSERT ON word_group FOR EACH STATEMENT "
            "INSERT INTO build SELECT * FROM build"
        ],
        "a trigger, 'sting'",
    ),
    "an index over what it computes": (
        ["CREATE INDEX sum ON word_group ((name || word))"],
        "an index 'sum'",
    ),
}


@pytest.fixture(params=SQL, ids=list(SQL))
def authored(request: pytest.FixtureRequest, folder: Path, secret: Path) -> tuple[Path, str]:
    """An index whose catalog holds SQL, and what is to be said of it."""
    statements, said = SQL[request.param]
    by_its_author(folder, *(one.replace("{secret}", str(secret)) for one in statements))
    return folder, said


def test_a_catalog_with_sql_of_its_author_is_refused_everywhere(
    authored: tuple[Path, str], tmp_path: Path
) -> None:
    folder, said = authored
    (fault,) = verify(folder)
    assert said in one_line(DamagedIndex(fault))
    with explorer.open("llama", folder.parent) as ix:
        with pytest.raises(DamagedIndex) as caught:
            ix.neighbors("dog")
        assert said in one_line(caught.value)
        with pytest.raises(SemanticError) as caught_too:
            ix.sql("SELECT lower('A') FROM token")
        assert said in one_line(caught_too.value)
    assert said in one_line(refused_import(folder, tmp_path))


def refused_import(folder: Path, tmp_path: Path) -> BaseException:
    """What is said where an index is to get a further space; it stays as it was."""
    before = contents(folder)
    width = Manifest.load(folder).model.d_model
    np.save(tmp_path / "v.npy", np.ones((2, width), np.float32))
    (tmp_path / "v.labels.txt").write_text("a\nb\n")
    asked = VectorSource(path=tmp_path / "v.npy", labels=None, tensor=None)
    with pytest.raises(SemanticError) as caught:
        import_vectors(
            ImportRequest(asked, root=folder.parent, name=folder.name, space="sae"),
            Narrator(quiet=True),
        )
    assert contents(folder) == before
    return caught.value


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("case", [case for case in SQL if "other columns" in SQL[case][1]])
def test_what_is_told_apart_by_statements_is_told_apart_by_columns(case: str, folder: Path) -> None:
    """A later DuckDB may write its statements otherwise; then the listed columns decide."""
    by_its_author(folder, *SQL[case][0])
    connection = duckdb.connect(":memory:")
    connection.execute(f"ATTACH '{folder / 'catalog.duckdb'}' AS catalog (READ_ONLY)")
    for table in set(catalog_file.declared()) - {"label"}:
        assert catalog_file.alike(connection, table) == (table != "word_group")
    connection.close()


def test_changes_beside_the_catalog_are_not_read(folder: Path) -> None:
    """DuckDB would take further changes from a log of this name."""
    with duckdb.connect(str(folder / "catalog.duckdb")) as con:
        con.execute("SET checkpoint_threshold = '1GB'")
        con.execute("PRAGMA disable_checkpoint_on_shutdown")
        con.execute("CREATE MACRO lower(a) AS 'evil'")
    assert (folder / "catalog.duckdb.wal").exists()
    resealed(folder)
    (fault,) = verify(folder)
    assert "catalog.duckdb.wal does not belong to a sealed index" in fault


def test_the_catalog_is_reached_and_nothing_else(folder: Path, secret: Path) -> None:
    connection = catalog_file.opened_locked(folder, Manifest.load(folder))
    for statement in (
        f"FROM read_text('{secret}')",
        f"COPY (SELECT 1) TO '{secret}'",
        f"ATTACH '{secret.parent / 'other.duckdb'}'",
        "SET enable_external_access = true",
        "SET memory_limit = '64GB'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "CREATE TABLE catalog.main.mine AS SELECT 1",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement).fetchall()
    connection.close()
    assert SECRET in secret.read_text()
    assert verify(folder) == []


def test_a_place_with_quotes_blanks_and_umlauts_is_opened(folder: Path, tmp_path: Path) -> None:
    odd = folder.rename(tmp_path / 'it\'s a "fäne" index, 100% [x]')
    assert verify(odd) == []


def test_as_a_person_runs_it(folder: Path, root: Path, secret: Path, run: Run) -> None:
    statements, said = SQL["a view in place of a table, which reads a file"]
    by_its_author(folder, *(one.replace("{secret}", str(secret)) for one in statements))
    for command in (
        ("explorer", "neighbors", "dog"),
        ("explorer", "sql", "SELECT text FROM token"),
        ("indexer", "verify"),
    ):
        done = run(*command, "--indexes", str(root))
        assert done.code == 2
        assert said in done.out + done.err
        assert SECRET not in done.out + done.err
        assert done.err.count("\n") == 1
        assert "Traceback" not in done.err


# -- what a manifest says -------------------------------------------------------------------------


def set_at(*path: Any, to: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one value of the manifest."""

    def change(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        body[path[-1]] = to

    return change


def set_of(space: str, field: str, to: Any) -> Callable[[dict[str, Any]], None]:
    """A change of one field of what the manifest says of a space."""

    def change(body: dict[str, Any]) -> None:
        next(one for one in body["spaces"] if one["name"] == space)[field] = to

    return change


def renamed_space(name: str) -> Callable[[dict[str, Any]], None]:
    def change(body: dict[str, Any]) -> None:
        body["spaces"][0]["name"] = name

    return change


MANIFESTS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a space whose name leads out": (renamed_space("../../x"), "names no file of spaces/"),
    "a space with a slash": (renamed_space("a/b"), "names no file of spaces/"),
    "a space with a backslash": (renamed_space("a\\b"), "names no file of spaces/"),
    "a space without a name": (renamed_space(""), "names no file of spaces/"),
    "a space of a hidden name": (renamed_space(".x"), "names no file of spaces/"),
    "a space with a control character": (renamed_space("a\x1b[2J"), "names no file of spaces/"),
    "two spaces of one name": (
        lambda body: body["spaces"].append(body["spaces"][0]),
        "which another space has",
    ),
    "a file that leads out": (
        lambda body: body["files"].update({"../../x": body["files"]["catalog.duckdb"]}),
        "'../../x' is no file of an index",
    ),
    "a file of an absolute name": (
        lambda body: body["files"].update({"/etc/passwd": body["files"]["catalog.duckdb"]}),
        "'/etc/passwd' is no file of an index",
    ),
    "rows that are none": (set_at("spaces", 0, "rows", to=0), "spaces[0].rows is 0"),
    "rows below nothing": (set_at("spaces", 0, "rows", to=-1), "spaces[0].rows is -1"),
    "more rows than there can be": (set_at("spaces", 0, "rows", to=2**40), "spaces[0].rows"),
    "a number past every bound": (set_at("words", to=10**400), "words is 1000"),
    "a number as text": (set_at("words", to="12"), "words is '12', where a whole number belongs"),
    "a number that is true": (set_at("words", to=True), "words is True, where a whole number"),
    "a number with a fraction": (set_at("words", to=1.5), "words is 1.5"),
    "a list for an object": (set_at("model", to=[]), "model is a list, where an object belongs"),
    "an object for a list": (set_at("spaces", to={}), "spaces is an object, where a list belongs"),
    "nothing for a text": (set_at("name", to=None), "name is None, where a text belongs"),
    "a field that is missing": (lambda body: body.pop("device"), "device is missing"),
    "a field of no version": (set_at("more", to=1), "more is no field of it"),
    "a width that is not the model's": (set_at("spaces", 0, "width", to=25), "spaces[0].width"),
    "other rows than tokens": (set_at("spaces", 0, "rows", to=7), "spaces[0].rows is 7"),
    "items of no kind": (
        set_at("spaces", 0, "item", to="thing"),
        "spaces[0].item is 'thing', where one of",
    ),
    "a measure of no kind": (set_at("spaces", 0, "measure", to="x"), "spaces[0].measure is 'x'"),
    "a population past the rows": (
        set_at("spaces", 0, "population_rows", to=10**6),
        "spaces[0].population_rows",
    ),
    "a kind of no kind": (set_of("embed", "kind", "x"), "kind is 'x', where one of embed, unembed"),
    "a kind that is a list": (set_of("embed", "kind", []), "kind is a list, where one of"),
    "items that do not go with the kind": (
        set_of("neuron.gate", "item", "word"),
        "item is word, and spaces of kind neuron have neurons",
    ),
    "words as the embedding of a model": (
        set_of("embed", "item", "word"),
        "item is word, and spaces of kind embed have tokens",
    ),
    "a space that was imported, of tokens": (
        set_of("unembed", "kind", "imported"),
        "item is token, and spaces of kind imported have labels",
    ),
    "a side of no kind": (set_of("neuron.gate", "side", "x"), "side is 'x', where one of gate,"),
    "a side that does not go with the kind": (
        set_of("neuron.gate", "side", "value"),
        "side is value, and spaces of kind neuron have one of gate, up, in, out",
    ),
    "neurons without a side": (set_of("neuron.gate", "side", None), "side is None, and spaces of"),
    "tokens with a side": (
        set_of("embed", "side", "gate"),
        "side is gate, and spaces of kind embed have none",
    ),
    "two spaces of one side": (
        set_of("neuron.up", "side", "gate"),
        "is of the kind, layer and side of another space",
    ),
    "a side of an MLP without a gate": (
        set_of("neuron.gate", "side", "in"),
        "neurons have the sides up, in, out, and those of gated MLPs have gate, up, out",
    ),
    "a layer of no number": (set_of("context.1", "layer", "1"), "layer is '1', where a whole"),
    "a layer below nothing": (set_of("context.1", "layer", -1), "layer is -1, where 0 to"),
    "a context without a layer": (
        set_of("context.1", "layer", None),
        "layer is None, and spaces of kind context have one",
    ),
    "neurons of a layer": (
        set_of("neuron.gate", "layer", 1),
        "layer is 1, and spaces of kind neuron have none",
    ),
    "a layer past the last block": (
        set_of("context.3", "layer", 4),
        "layer is 4, and no block that is indexed begins or ends there",
    ),
    "a layer of another space": (
        set_of("context.3", "layer", 2),
        "is of the kind, layer and side of another space",
    ),
    "rows that are stored in no way": (
        set_of("embed", "dtype", "float8"),
        "dtype is 'float8', where one of float32, bfloat16, float16 belongs",
    ),
    "no embedding": (lambda body: body["spaces"].pop(0), "spaces: none is of kind embed"),
    "experts without end": (
        lambda body: body["neurons"][0].update(experts=2**31, units=2**31),
        "neurons are more than",
    ),
    "a decoder without logits": (
        set_at("model", "unembedding", to=None),
        "model.unembedding is nothing, where decoders have one",
    ),
    "an encoder with logits": (
        set_at("model", "encoder", to=True),
        "model.unembedding is an object, where decoders have one",
    ),
    "a last norm of no kind": (
        set_at("model", "unembedding", "norm", to="batch"),
        "model.unembedding.norm is 'batch', where one of rms, layer, none belongs",
    ),
    "an epsilon below nothing": (
        set_at("model", "unembedding", "epsilon", to=-1.0),
        "model.unembedding.epsilon is -1, which is below 0",
    ),
    "a scale of nothing": (
        set_at("model", "unembedding", "scale", to=0),
        "model.unembedding.scale is 0, which is not above 0",
    ),
    "a softcap of nothing": (
        set_at("model", "unembedding", "softcap", to=0.0),
        "model.unembedding.softcap is 0, which is not above 0",
    ),
    "a softcap that is a text": (
        set_at("model", "unembedding", "softcap", to="30"),
        "model.unembedding.softcap is '30', where a finite number belongs",
    ),
    "a gain of no norm": (
        set_at("model", "unembedding", "norm", to="none"),
        "model.unembedding.norm is none, and it has a gain or a shift",
    ),
    "tied, with an unembedding of its own": (
        set_at("model", "tied", to=True),
        "model.tied does not go with the spaces",
    ),
    "an unembedding's file where it has no vectors": (
        set_at("model", "unembedding", "gain", to=False),
        "'unembedding.npz' is no file of an index",
    ),
    "an import that says nothing": (
        set_at("extra", to={"imported": {"sae": {}}}),
        "extra.imported['sae'].file is missing",
    ),
    "imports that are a list": (set_at("extra", to={"imported": []}), "extra.imported is a list"),
}


@pytest.mark.parametrize(("change", "said"), MANIFESTS.values(), ids=list(MANIFESTS))
def test_a_manifest_that_says_what_cannot_be_is_refused(
    change: Callable[[dict[str, Any]], object], said: str, folder: Path
) -> None:
    resealed(folder, change)
    with pytest.raises(DamagedIndex) as caught:
        Index(folder)
    assert said in one_line(caught.value)
    assert "manifest.json" in str(caught.value)
    assert verify(folder) == [str(caught.value)]


def nested(folder: Path) -> None:
    (folder / MANIFEST).write_text('{"format": ' + "[" * 200_000 + "]" * 200_000 + "}")


def nested_less(folder: Path) -> None:
    deep: Any = 1
    for _ in range(700):
        deep = [deep]
    resealed(folder, set_at("words", to=deep))


def half_a_character(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"name": "llama"', '"name": "\\ud800"'))


def no_finite_number(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    (folder / MANIFEST).write_text(text.replace('"seed": 0', '"seed": NaN'))


def huge(folder: Path) -> None:
    os.truncate(folder / MANIFEST, 1 << 34)


def a_folder(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).mkdir()


def a_pipe(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    os.mkfifo(folder / MANIFEST)


def a_device(folder: Path) -> None:
    (folder / MANIFEST).unlink()
    (folder / MANIFEST).symlink_to("/dev/zero")


def a_link(folder: Path) -> None:
    (folder / MANIFEST).rename(folder.parent / "elsewhere.json")
    (folder / MANIFEST).symlink_to(folder.parent / "elsewhere.json")


NO_MANIFESTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "nested without end": (nested, "nested too deep"),
    "nested less": (nested_less, "words is a list"),
    "half a character": (half_a_character, "text that is not Unicode"),
    "no finite number": (no_finite_number, "NaN is no number"),
    "huge": (huge, "more than any manifest has"),
    "a folder": (a_folder, "cannot be read: Is a directory"),
    "a pipe": (a_pipe, "it is no regular file"),
    "a device": (a_device, "it is a link"),
    "a link": (a_link, "it is a link"),
}


@pytest.mark.parametrize(("make", "said"), NO_MANIFESTS.values(), ids=list(NO_MANIFESTS))
def test_what_is_no_manifest_is_told_and_breaks_no_list(
    make: Callable[[Path], None], said: str, root: Path, folder: Path, tiny_indexes: Path
) -> None:
    shutil.copytree(tiny_indexes / "gpt2", root / "gpt2")
    make(folder)
    with pytest.raises(DamagedIndex) as caught:
        Index(folder)
    assert said in one_line(caught.value)
    assert verify(folder) == [str(caught.value)]
    with pytest.raises(DamagedIndex, match="manifest"):
        Manifest.load(find_index("llama", root))
    assert "gpt2" in index_names(root)
    assert find_index("gpt2", root) == root / "gpt2"
    from explorer.views.indexes import find

    known = {one.name: one for one in find(root).indexes}
    assert known["gpt2"].sound
    assert "llama" not in known or not known["llama"].sound


def test_bad_folders_beside_a_sound_one_break_no_list(root: Path, run: Run) -> None:
    for name, make in (("a", nested), ("b", a_pipe), ("c", half_a_character), ("d", a_device)):
        shutil.copytree(root / "llama", root / name)
        make(root / name)
    os.mkdir(os.fsencode(root) + b"/\xff\xfe")
    shutil.copy(root / "llama" / MANIFEST, os.fsencode(root) + b"/\xff\xfe/manifest.json")
    done = run("indexer", "list", "--indexes", str(root))
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    (llama,) = [line for line in done.out.splitlines() if line.startswith("llama")]
    assert " Llama, 3 layers" in llama


# -- files that are none --------------------------------------------------------------------------

FILES = ("catalog.duckdb", "tokenizer.json", "spaces/embed.faiss", "spaces/embed.npz")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_a_link_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    (fault,) = verify(folder)
    assert fault == f"{name}: cannot be read: it is a link, which could lead anywhere"
    with explorer.open("llama", folder.parent) as ix:
        asked = "vocabulary" if name == "tokenizer.json" else "dog"
        with pytest.raises(DamagedIndex, match="it is a link"):
            ix.neighbors(f'"no such {asked}"' if asked == "vocabulary" else asked)


def test_a_folder_of_spaces_that_is_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "spaces").rename(tmp_path / "elsewhere")
    (folder / "spaces").symlink_to(tmp_path / "elsewhere")
    faults = verify(folder)
    assert faults
    assert all("it is a link" in fault for fault in faults)
    with Index(folder) as index, pytest.raises(DamagedIndex, match="it is a link"):
        index.space("embed").vector(0)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_a_pipe_is_not_waited_for(name: str, folder: Path) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert verify(folder) == [f"{name}: cannot be read: it is no regular file"]


# -- arrays ---------------------------------------------------------------------------------------


def arrays_of(folder: Path, space: str) -> dict[str, Any]:
    with np.load(folder / "spaces" / f"{space}.npz") as kept:
        return {name: kept[name] for name in kept.files}


def changed_array(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        arrays = arrays_of(folder, "neuron.gate")
        arrays[name] = change(arrays[name])
        np.savez(folder / "spaces" / "neuron.gate.npz", **arrays)

    return make


def at_one(value: float) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array.flat[array.size // 2] = value
        return array

    return change


def packed(folder: Path) -> None:
    """Arrays that take a thousandth of their room: a bomb has the same form."""
    arrays = arrays_of(folder, "neuron.gate")
    np.savez_compressed(folder / "spaces" / "neuron.gate.npz", **arrays)


def without(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        arrays = arrays_of(folder, "neuron.gate")
        del arrays[name]
        np.savez(folder / "spaces" / "neuron.gate.npz", **arrays)

    return make


def no_zip(folder: Path) -> None:
    path = folder / "spaces" / "neuron.gate.npz"
    path.write_bytes(bytes(path.stat().st_size))


def a_long_header(folder: Path) -> None:
    path = folder / "spaces" / "neuron.gate.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("norms.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + b"(" * 100_000)


ARRAYS: dict[str, tuple[Callable[[Path], None], str]] = {
    "packed": (packed, "is packed, which no array of an index is"),
    "of objects": (
        changed_array("norms", lambda array: array.astype(object)),
        "norms is |O of shape",
    ),
    "of a wrong width": (changed_array("mean", lambda array: array[:-1]), "mean is <f8 of shape"),
    "of a wrong length": (
        changed_array("norms", lambda array: np.tile(array, 9)),
        "norms is <f4 of shape",
    ),
    "of a wrong type": (
        changed_array("norms", lambda array: array.astype(np.float64)),
        "norms is <f8 of shape",
    ),
    "no number among norms": (changed_array("norms", at_one(np.nan)), "norms holds what is no"),
    "a length below nothing": (changed_array("norms", at_one(-1)), "norms holds what is no length"),
    "an infinite mean": (changed_array("mean", at_one(np.inf)), "mean holds what is no finite"),
    "an infinite covariance": (
        changed_array("covariance", at_one(-np.inf)),
        "covariance holds what is no finite",
    ),
    "a token below nothing": (
        changed_array("nearest_tokens", at_one(-2)),
        "nearest_tokens holds what is no length or id",
    ),
    "a token past the vocabulary": (
        changed_array("nearest_tokens", at_one(10**6)),
        "nearest_tokens refers to token 1,000,000",
    ),
    "one missing": (without("covariance"), "covariance"),
    "no zip file": (no_zip, "spaces/neuron.gate.npz"),
    "a header without end": (a_long_header, "spaces/neuron.gate.npz"),
}


@pytest.mark.parametrize(("make", "said"), ARRAYS.values(), ids=list(ARRAYS))
def test_arrays_that_are_not_the_spaces_own_are_refused(
    make: Callable[[Path], None], said: str, folder: Path
) -> None:
    make(folder)
    resealed(folder)
    (fault,) = verify(folder)
    assert said in one_line(DamagedIndex(fault))
    with Index(folder) as index, pytest.raises(DamagedIndex) as caught:
        _every_array(index)
    assert "neuron.gate" in one_line(caught.value) or "no token 1000000" in str(caught.value)


UNEMBEDDING = "unembedding.npz"

VECTORS: dict[str, tuple[Callable[[Any], dict[str, Any]], str]] = {
    "of a wrong width": (lambda gain: {"gain": gain[:-1]}, "gain is <f8 of shape (23,) where"),
    "of a wrong type": (lambda gain: {"gain": gain.astype(np.float32)}, "gain is <f4 of shape"),
    "of objects": (lambda gain: {"gain": gain.astype(object)}, "gain is |O of shape"),
    "no number": (lambda gain: {"gain": at_one(np.nan)(gain)}, "gain holds what is no finite"),
    "infinite": (lambda gain: {"gain": at_one(np.inf)(gain)}, "gain holds what is no finite"),
    "missing": (lambda gain: {"shift": gain}, "gain: "),
}


@pytest.mark.parametrize(("change", "said"), VECTORS.values(), ids=list(VECTORS))
def test_vectors_that_are_not_the_unembeddings_own_are_refused(
    change: Callable[[Any], dict[str, Any]], said: str, folder: Path
) -> None:
    with np.load(folder / UNEMBEDDING) as kept:
        arrays = change(kept["gain"])
    np.savez(folder / UNEMBEDDING, **arrays)
    resealed(folder)
    (fault,) = verify(folder)
    assert f"{UNEMBEDDING}: {said}" in one_line(DamagedIndex(fault))
    with Index(folder) as index, pytest.raises(DamagedIndex) as caught:
        _ = index.unembedding
    assert str(caught.value) == fault


def test_packed_vectors_are_refused(folder: Path) -> None:
    with np.load(folder / UNEMBEDDING) as kept:
        arrays = dict(kept)
    np.savez_compressed(folder / UNEMBEDDING, **arrays)
    resealed(folder)
    (fault,) = verify(folder)
    assert "gain is packed, which no array of an index is" in fault


@pytest.mark.parametrize("what", ["link", "pipe", "nothing", "another file"])
def test_an_unembeddings_file_that_is_none_is_refused(what: str, folder: Path) -> None:
    path, elsewhere = folder / UNEMBEDDING, folder.parent / "elsewhere"
    path.rename(elsewhere)
    if what == "link":
        path.symlink_to(elsewhere)
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "another file":
        path.write_bytes(elsewhere.read_bytes()[::-1])
    (fault,) = verify(folder)
    assert fault.startswith(f"{UNEMBEDDING}: ")
    with Index(folder) as index:  # nothing else needs it
        assert index.space("embed").vector(0).any()
        with pytest.raises(DamagedIndex, match=UNEMBEDDING):
            _ = index.unembedding


def test_an_unembeddings_file_that_is_not_listed_is_missed(folder: Path) -> None:
    resealed(folder, lambda body: body["files"].pop(UNEMBEDDING))
    assert verify(folder) == [f"{UNEMBEDDING}: the manifest does not list it"]


def _every_array(index: Index) -> list[Any]:
    space = index.space("neuron.gate")
    nearest = index.nearest_tokens(range(space.entry.rows), "gate")
    return [space.norms, space.mean, space.covariance, nearest]


# -- ids that lead nowhere ------------------------------------------------------------------------

IDS = {
    "a neuron's token past the vocabulary": (
        "UPDATE neuron_token SET token = 100000 WHERE neuron = 3",
        "neuron_token.token: ",
    ),
    "a neuron below nothing": (
        "UPDATE neuron_token SET neuron = -1 WHERE neuron = 3",
        "neuron_token.neuron: ",
    ),
    "a word that fires where there is none": (
        "UPDATE neuron_word SET word = 100000 WHERE neuron = 3",
        "neuron_word.word: ",
    ),
    "a neuron that fires where there is none": (
        "UPDATE word_neuron SET neuron = 100000 WHERE word = 3",
        "word_neuron.neuron: ",
    ),
    "a word of tokens past the vocabulary": (
        "UPDATE word SET token_ids = [100000] WHERE id = 3",
        "the tokens or sinks of 1 words",
    ),
    "a word without its sinks": ("UPDATE word SET sink = [] WHERE id = 3", "the tokens or sinks"),
    "ids with a gap": ("UPDATE token SET id = 100000 WHERE id = 3", "ids of table token"),
    "one id twice": ("UPDATE token SET id = 4 WHERE id = 3", "ids of table token"),
    "a space with other rows": (
        "UPDATE space SET rows = 7 WHERE name = 'embed'",
        "table space is not what the manifest says",
    ),
    "a space of another side": (
        "UPDATE space SET side = 'output' WHERE name = 'head.value'",
        "table space is not what the manifest says",
    ),
    "a space of another layer": (
        "UPDATE space SET layer = 2 WHERE name = 'context.1'",
        "table space is not what the manifest says",
    ),
}


@pytest.mark.parametrize(("change", "said"), IDS.values(), ids=list(IDS))
def test_ids_that_lead_nowhere_are_found(change: str, said: str, folder: Path) -> None:
    by_its_author(folder, change)
    (fault,) = verify(folder)
    assert said in fault


def test_an_id_that_leads_nowhere_is_an_error_where_it_is_met(folder: Path) -> None:
    by_its_author(
        folder,
        "UPDATE token SET id = 100000 WHERE text = ' dog'",
        "UPDATE neuron_token SET token = 200000 WHERE neuron = 3",
    )
    with explorer.open("llama", folder.parent) as ix:
        with pytest.raises(DamagedIndex, match=r"row 100,000 was looked for.*indexer verify"):
            ix.vector("dog")
        with pytest.raises(DamagedIndex, match=r"there is no token \d+.*indexer verify"):
            ix.neighbors("dog", k=300)
        with pytest.raises(DamagedIndex, match=r"no token 200000.*indexer verify"):
            ix.neuron("L0N3")


# -- rows -----------------------------------------------------------------------------------------


def with_row(folder: Path, space: str, row: int, change: Callable[[Any], None]) -> None:
    """Change one row of a space, and seal it: edges and checksums fit."""
    entry = Manifest.load(folder).space(space)
    assert entry is not None
    path = folder / "spaces" / f"{space}.faiss"
    head = file_bytes(0, 0)
    data = bytearray(path.read_bytes())
    rows = np.frombuffer(data, "<f4", offset=head).reshape(entry.rows, entry.width)
    change(rows[row])
    path.write_bytes(bytes(data))
    resealed(folder)


def exponent_flipped(row: Any) -> None:
    """One bit of one number, as memory that fails flips it."""
    at = int(np.abs(row).argmax())
    row.view("<u4")[at] ^= 1 << 30


def not_a_number(row: Any) -> None:
    row[3] = np.nan


def twice_as_long(row: Any) -> None:
    row *= 2


def zero(row: Any) -> None:
    row[:] = 0


ROWS = (exponent_flipped, not_a_number, twice_as_long, zero)


@pytest.mark.parametrize("change", ROWS)
@pytest.mark.parametrize("space", ["embed", "context.2", "neuron.gate", "head.output"])
def test_rows_that_are_not_unit_are_found(
    change: Callable[[Any], None], space: str, folder: Path
) -> None:
    with_row(folder, space, 20, change)
    (fault,) = verify(folder)
    assert f"spaces/{space}.faiss" in fault
    assert "row 20" in fault


DAMAGED: dict[str, tuple[str, tuple[str, ...]]] = {
    "embed": (
        " dog",
        ("neighbors", "neighbors-distinct", "middleman", "compare", "analogy", "ov", "baseline",
         "layers", "accuracy", "correlation", "congruence", "anchored", "sql"),
    ),
    "context.2": ("dog", ("layers", "analogy-layers", "search", "accuracy", "analogy-mul")),
    "neuron.gate": ("", ("compare", "compare-layers")),
    "neuron.out": ("", ("neighbors-neurons", "middleman", "neuron")),
    "head.value": ("", ("neighbors-heads", "ov")),
}  # fmt: skip
"""By space whose row is damaged: whose row it is, and questions that read it."""


@pytest.mark.parametrize(
    ("space", "question"),
    [(space, name) for space, (_, names) in DAMAGED.items() for name in names],
)
@pytest.mark.parametrize("change", [exponent_flipped, not_a_number])
def test_no_question_answers_from_a_row_that_is_not_unit(
    change: Callable[[Any], None], space: str, question: str, folder: Path
) -> None:
    with Index(folder) as index:
        if space == "embed":
            token = index.tokens.by_text(" dog")
            assert token is not None
            row = token.id
        elif space == "context.2":
            word = index.words.by_text("dog")
            assert word is not None
            row = word.id
        else:
            row = 45
    with_row(folder, space, row, change)
    with explorer.open("llama", folder.parent) as ix, pytest.raises(SemanticError) as caught:
        QUESTIONS[question](ix)
    assert f"spaces/{space}.faiss" in one_line(caught.value)
    assert "indexer verify" in str(caught.value)


@pytest.mark.parametrize("end", ["faiss", "npz"])
def test_files_of_two_spaces_in_each_others_place_are_told(end: str, folder: Path) -> None:
    """Context spaces have the same shape, so that nothing else would tell."""
    one, other = (folder / "spaces" / f"context.{layer}.{end}" for layer in (1, 2))
    spare = folder.parent / "spare"
    one.rename(spare)
    other.rename(one)
    spare.rename(other)
    told = r"context\.1\.\w+ is not the file that was sealed"
    with explorer.open("llama", folder.parent) as ix, pytest.raises(DamagedIndex, match=told):
        ix.neighbors("dog", "context.1")
    assert [fault.split(":")[0] for fault in verify(folder)] == [
        f"spaces/context.{layer}.{end}" for layer in (1, 2)
    ]


def test_a_catalog_of_another_index_is_told(folder: Path, tiny_indexes: Path) -> None:
    other = (tiny_indexes / "gpt2" / "catalog.duckdb").read_bytes()
    size = (folder / "catalog.duckdb").stat().st_size
    (folder / "catalog.duckdb").write_bytes(other[:size].ljust(size, b"\0"))
    with Index(folder) as index, pytest.raises(DamagedIndex, match="not the file that was sealed"):
        index.sql("SELECT 1")


# -- files cut while they are open ----------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        lambda space: space.scan(np.ones(space.entry.width)),
        lambda space: space.scan_all(np.ones((20, space.entry.width))),
        lambda space: list(space.walk(np.ones((20, space.entry.width)))),
        lambda space: space.vector(40),
        lambda space: space.rows.take(np.array([1, 40])),
        lambda space: space.rows.block(0, 40),
    ],
    ids=["scan", "scan of many", "walk", "vector", "take", "block"],
)
def test_rows_cut_while_they_are_open_are_told(read: Callable[[Any], Any], folder: Path) -> None:
    with Index(folder) as index:
        space = index.space("embed")
        read(space)
        os.truncate(folder / "spaces" / "embed.faiss", 1000)
        with pytest.raises(DamagedIndex, match=r"embed\.faiss was cut to 1,000 of [0-9,]+ bytes"):
            read(space)


def test_rows_of_an_index_that_was_replaced_are_whole(folder: Path, tiny_indexes: Path) -> None:
    with Index(folder) as index:
        space = index.space("embed")
        before = space.scan(space.vector(7))
        folder.rename(folder.with_name("old"))
        shutil.copytree(tiny_indexes / "gpt2", folder)
        np.testing.assert_array_equal(space.scan(space.vector(7)), before)
        shutil.rmtree(folder)
        np.testing.assert_array_equal(space.scan(space.vector(7)), before)


@pytest.mark.parametrize("at", [0.2, 0.5, 0.8])
def test_sql_of_a_damaged_catalog_is_one_line(at: float, folder: Path, run: Run) -> None:
    path = folder / "catalog.duckdb"
    data = bytearray(path.read_bytes())
    data[int(at * len(data)) :: 20_000] = b"\xa5" * len(data[int(at * len(data)) :: 20_000])
    path.write_bytes(bytes(data))
    resealed(folder)
    tables = sorted(set(catalog_file.declared()) - {"label"})
    sums = ", ".join(f"(SELECT sum(hash(t)) FROM {table} t)" for table in tables)
    done = run("explorer", "sql", f"SELECT {sums}", "--indexes", str(folder.parent))
    assert done.code == 2, done.out
    assert done.out == ""
    assert done.err.count("\n") == 1, done.err
    assert "catalog.duckdb cannot be read: " in done.err
    assert "Traceback" not in done.err
