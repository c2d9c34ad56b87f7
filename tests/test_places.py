"""Where indexes are looked for, found, named and made: by every program, outside a checkout too."""

from __future__ import annotations

import os
import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import explorer
from conftest import Run
from indexer.store.errors import IndexNotFound
from indexer.store.places import find_index, lying, place_to_build, places, users_place

ASK = ("explorer", "neighbors", "dog", "--format", "json")


@pytest.fixture
def own() -> Path:
    """The user's own folder of indexes, in which nothing lies yet."""
    place = users_place()
    assert place is not None
    place.mkdir(parents=True)
    return place


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def put(index: Path, place: Path, name: str | None = None) -> Path:
    """An index in a folder of indexes."""
    place.mkdir(parents=True, exist_ok=True)
    (place / (name or index.name)).symlink_to(index)
    return place / (name or index.name)


# -- the order ------------------------------------------------------------------------------


def test_the_users_own_place_comes_after_the_folder_here_and_the_variable(
    own: Path, here: Path, monkeypatch: pytest.MonkeyPatch, tiny_indexes: Path
) -> None:
    assert places() == (Path("indexes"), own)
    assert own.parts[-2:] == ("semantic-explorer", "indexes")
    assert places(here / "other") == (here / "other",)
    mine = put(tiny_indexes / "llama", own)
    assert find_index("llama") == find_index() == mine
    local = put(tiny_indexes / "llama", here / "indexes")
    assert find_index("llama").absolute() == local
    assert [(one.folder.absolute(), one.hidden) for one in lying()] == [
        (local, False),
        (mine, True),
    ]
    monkeypatch.setenv("EXPLORER_INDEXES", str(here / "elsewhere"))
    assert places() == (here / "elsewhere", own)
    assert find_index("llama") == mine
    named = put(tiny_indexes / "llama", here / "elsewhere")
    assert find_index("llama") == named


def test_the_first_place_that_holds_any_decides_which_is_the_only_one(
    own: Path, here: Path, tiny_indexes: Path
) -> None:
    put(tiny_indexes / "llama", own)
    put(tiny_indexes / "gpt2", own)
    with pytest.raises(IndexNotFound, match=re.escape(f"several indexes in {own}/ (gpt2, llama)")):
        find_index()
    put(tiny_indexes / "gpt2", here / "indexes")
    assert find_index() == Path("indexes/gpt2")
    assert find_index("llama") == own / "llama"


def test_what_is_not_found_names_every_place_and_what_they_hold(
    own: Path, here: Path, tiny_indexes: Path
) -> None:
    with pytest.raises(IndexNotFound) as none:
        find_index()
    assert f"no index in indexes/ or {own}/; build one with" in str(none.value)
    put(tiny_indexes / "llama", own)
    put(tiny_indexes / "gpt2", here / "indexes")
    with pytest.raises(IndexNotFound) as near:
        find_index("lama")
    assert f"no index 'lama' in indexes/ or {own}/; did you mean 'llama'?" in str(near.value)
    assert "(there are: gpt2, llama)" in str(near.value)


def test_a_place_that_may_not_be_looked_at_holds_nothing(
    here: Path, tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))  # below it there can be nothing
    put(tiny_indexes / "llama", here / "indexes")
    assert find_index() == Path("indexes/llama")
    assert [one.name for one in lying()] == ["llama"]


def test_a_folder_that_is_an_index_is_no_folder_of_indexes(tiny_indexes: Path, run: Run) -> None:
    done = run(*ASK, "--indexes", str(tiny_indexes / "llama"))
    assert done.code == 2
    assert f"is an index itself: --index {tiny_indexes / 'llama'}" in done.err


# -- by path --------------------------------------------------------------------------------


def test_an_index_is_named_by_its_path_everywhere(
    run: Run, tiny_indexes: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_indexes / "llama", tmp_path / "a" / "mine")
    for path in (str(folder), "a/mine", "a/mine/", "./a/mine"):
        done = run(*ASK, "--index", path)
        assert done.code == 0, done.err
        assert done.json()["meta"]["index"] == "llama"  # the name that it was sealed under
    assert run(*ASK, EXPLORER_INDEX="a/mine").code == 0
    assert run(*ASK, "--index", ".", cwd=folder).code == 0
    statement = "SELECT count(*) AS n FROM token"
    asked = run("explorer", "sql", statement, "--index", "a/mine", "--format", "json")
    assert asked.json()["rows"][0]["n"] > 0
    assert "mine" in run("indexer", "verify", "a/mine").out
    assert "llama" in run("indexer", "show", str(folder)).out
    done = run("indexer", "export", "a/mine", "embed", "--format", "npy", "-o", "e.npy")
    assert (done.code, (tmp_path / "e.npy").is_file()) == (0, True)


def test_python_takes_a_path_too(tiny_indexes: Path, here: Path) -> None:
    for path in (tiny_indexes / "llama", str(tiny_indexes / "llama")):
        with explorer.open(path) as ix:
            assert ix.name == "llama"
    shutil.copytree(tiny_indexes / "gpt2", here / "gpt2")
    with explorer.open(Path("gpt2")) as ix, pickle.loads(pickle.dumps(ix)) as other:
        assert other.neighbors("dog").rows == ix.neighbors("dog").rows


def test_a_name_is_never_taken_for_a_path(run: Run, tiny_indexes: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_indexes / "gpt2", tmp_path / "gpt2")
    done = run(*ASK, "--index", "gpt2")
    assert done.code == 2
    assert "the one in this folder is --index ./gpt2" in done.err
    assert run(*ASK, "--index", "./gpt2").code == 0


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("a/nothing", "no index 'a/nothing': there is no such folder"),
        ("a/llama", "there is no such folder; did you mean 'llama'?"),
        ("a/file", "no index 'a/file': that is no folder"),
        ("a/empty", "no index 'a/empty': that folder has no manifest.json"),
        ("./indexes", "that folder holds indexes: --indexes ./indexes --index llama"),
        ("~nobody-here/x", "no index '~nobody-here/x'"),
    ],
)
def test_a_path_that_leads_to_none_says_what_lies_there(
    path: str, said: str, run: Run, tiny_indexes: Path, tmp_path: Path
) -> None:
    (tmp_path / "a" / "empty").mkdir(parents=True)
    (tmp_path / "a" / "file").write_text("")
    put(tiny_indexes / "llama", tmp_path / "indexes")
    done = run(*ASK, "--index", path)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err


# -- where one is made ----------------------------------------------------------------------


def test_an_index_is_made_here_where_there_is_a_folder_for_it_else_in_the_users_own(
    own: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert place_to_build() == own
    (here / "indexes").mkdir()
    assert place_to_build() == Path("indexes")
    monkeypatch.setenv("EXPLORER_INDEXES", str(here / "elsewhere"))
    assert place_to_build() == here / "elsewhere"
    assert place_to_build("asked") == Path("asked")


def test_what_is_built_outside_a_checkout_is_found_from_any_folder(
    run: Run, tiny_llama: Path, tmp_path: Path
) -> None:
    place = users_place()
    done = run("indexer", "build", str(tiny_llama), "--words", "0")
    assert (done.code, done.out) == (0, f"{place}/tiny-llama\n"), done.err
    assert f", to make {place}/tiny-llama\n" in done.err
    (tmp_path / "else").mkdir()
    assert run(*ASK, cwd=tmp_path / "else").json()["meta"]["index"] == "tiny-llama"
    assert "tiny-llama" in run("indexer", "show", "tiny-llama", cwd=tmp_path / "else").out
    assert f"  {place}/tiny-llama\n" in run("indexer", "list", cwd=tmp_path / "else").out


def test_list_says_where_each_lies_and_which_are_hidden(
    run: Run, own: Path, tiny_indexes: Path, tmp_path: Path
) -> None:
    put(tiny_indexes / "llama", own)
    put(tiny_indexes / "gpt2", own)
    put(tiny_indexes / "llama", tmp_path / "indexes")
    first, gpt2, hidden = run("indexer", "list").out.splitlines()
    assert first.endswith("  indexes/llama")
    assert gpt2.endswith(f"  {own / 'gpt2'}")
    assert f"  {own / 'llama'} (only by its path" in hidden


def test_what_is_imported_goes_to_the_index_that_is_there(
    run: Run, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("dog 1 2\ncat 2 1\n")
    assert run("indexer", "import", "a.txt", "--name", "v").out == f"{own}/v\n"
    (tmp_path / "indexes").mkdir()
    done = run("indexer", "import", "a.txt", "--name", "v", "--space", "more")
    assert done.out == f"{own}/v\n"
    assert run("indexer", "import", "a.txt", "--name", "w").out == "indexes/w\n"


# -- the screen -----------------------------------------------------------------------------


def test_the_screen_lists_those_of_every_place_and_opens_each(
    own: Path, here: Path, tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from explorer.screen.app import ExplorerApp
    from test_screen_start import User, run_as_user

    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))
    put(tiny_indexes / "llama", own)
    put(tiny_indexes / "gpt2", own)
    put(tiny_indexes / "gpt2", here / "indexes", "llama")

    async def does(user: User) -> None:
        await user.press("ctrl+o")
        await user.until(lambda: user.listed == ["llama", "gpt2", "llama"])
        assert str(own) in user.start
        await user.until(lambda: user.on("indexes"))
        await user.press("down", "down", "enter")
        await user.until(lambda: opened(user).model.family == "Llama")

    def opened(user: User) -> Any:
        assert user.app.ix is not None
        return user.app.ix.manifest

    run_as_user(ExplorerApp(), does)

    async def by_path(user: User) -> None:
        assert opened(user).model.family == "GPT-2"

    run_as_user(ExplorerApp(os.path.join(own, "gpt2")), by_path)
