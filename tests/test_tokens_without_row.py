"""A tokenizer with more tokens than the embedding has rows: said at build, and of each word."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

import explorer
from conftest import Run
from explorer.errors import UnknownWord
from families import make_model
from indexer.store.layout import Manifest
from indexer.store.read import Index

WORDS = "large\nsmall\ntall\ndog\na chihuahua\nchihuahua\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with such a model, and an index of it in `indexes`."""
    folder = tmp_path_factory.mktemp("past")
    make_model(folder / "model", "llama")
    path = str(folder / "model" / "tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_tokens(["<new1>", "<new2>", "chihuahua"])
    tokenizer.save(path)
    (folder / "words.txt").write_text(WORDS)
    (folder / "indexes").mkdir()
    return folder


@pytest.fixture(scope="module")
def rows(root: Path) -> int:
    """How many rows the embedding has."""
    return len(Tokenizer.from_file(str(root / "model" / "tokenizer.json")).get_vocab()) - 3


@pytest.fixture(scope="module")
def built(root: Path, rows: int) -> str:
    """What the build said."""
    import subprocess

    from conftest import BIN

    done = subprocess.run(
        [BIN / "indexer", "build", "model", "--words", "words.txt"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_build_counts_them_and_leaves_out_words_that_hold_one(
    built: str, root: Path, rows: int
) -> None:
    (line,) = [line for line in built.splitlines() if "3 tokens that the embedding" in line]
    assert f"#{rows} '<new1>'" in line
    (line,) = [line for line in built.splitlines() if "left out" in line]
    assert "'a chihuahua', 'chihuahua'" in line
    folder = root / "indexes" / "model"
    assert Manifest.load(folder).model.tokens_without_row == 3
    with Index(folder) as index:
        assert index.sql("SELECT count(*) FROM token") == [(rows,)]
        assert index.sql("SELECT max(list_max(token_ids)) < ? FROM word", [rows]) == [(True,)]
        assert index.words.by_text("chihuahua") is None
        assert index.words.by_text("large") is not None


@pytest.mark.usefixtures("built")
@pytest.mark.parametrize(
    "asked",
    [
        ("neighbors", '"chihuahua"'),
        ("neighbors", "chihuahua", "--space", "context.1"),
        ("neighbors", "a chihuahua", "--space", "context.1"),
        ("middleman", "large", '"chihuahua"'),
        ("congruence", "large", "chihuahua"),
        ("compare", "large", '"chihuahua"'),
        ("layers", '"chihuahua"'),
        ("sql", "SELECT * FROM neighbors('\"chihuahua\"')"),
    ],
)
def test_every_question_says_so_in_one_line(
    asked: tuple[str, ...], run: Run, root: Path, rows: int
) -> None:
    done = run("explorer", *asked, "--indexes", str(root / "indexes"))
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert f"chihuahua' holds token #{rows + 2} 'chihuahua', for which the model has no" in line
    assert f"its embedding ends at #{rows - 1}" in line


@pytest.mark.usefixtures("built")
def test_other_ways_to_name_one_are_told_too(root: Path, rows: int) -> None:
    with explorer.open("model", root / "indexes") as ix:
        for asked in (f"#{rows + 2}", "chihuahua", "'chihuahua'"):
            with pytest.raises(UnknownWord, match=rf"ids run from 0 to {rows - 1}|no token"):
                ix.neighbors(asked)


@pytest.mark.usefixtures("built")
def test_show_counts_them(run: Run, root: Path) -> None:
    shown = run("indexer", "show", "model", "--indexes", str(root / "indexes")).out
    assert "3 more tokens, for which it has no row" in shown


def test_a_prefix_that_holds_one_is_refused(run: Run, root: Path) -> None:
    done = run("indexer", "build", root / "model", "--prefix", "chihuahua", "--quiet")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "prefix 'chihuahua' holds token #" in line
