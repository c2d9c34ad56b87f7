"""A z over a population that holds nothing is an error in every face, never 0.00."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer, models

import explorer
from conftest import Run, run_build
from driving import Driven, drive
from families import make_model
from indexer.store.errors import EmptyPopulation, SemanticError
from tiny_tokenizers import ALPHABET, byte_level

WHY = r"space 'embed' of index 'bytes' has 0 word-like tokens: of these there is no"


def of_bytes() -> Tokenizer:
    """A vocabulary of bytes alone, no token of which begins a word."""
    tokenizer = byte_level()
    tokenizer.model = models.BPE({p: i for i, p in enumerate(["<|endoftext|>", *ALPHABET])}, [])
    return tokenizer


@pytest.fixture(scope="module")
def indexes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the index `bytes`, sealed though none of its tokens is word-like."""
    folder = tmp_path_factory.mktemp("bytes")
    model = make_model(folder / "model", "llama", tokenizer=of_bytes())
    run_build(model, folder / "indexes", "bytes", allow_few_words=True)
    return folder / "indexes"


ASKED: dict[str, Callable[[explorer.Explorer], Any]] = {
    "middleman": lambda ix: ix.middleman("large", "small"),
    "compare": lambda ix: ix.compare("large", "small", top_neurons=5, pairs=0),
    "ov": lambda ix: ix.ov("large"),
    "centered": lambda ix: ix.neighbors("large", measure="centered"),
    "mean": lambda ix: ix.similarity("large", "small", measure="centered"),
    "sql": lambda ix: ix.sql("SELECT z('L0N1', 'large')"),
}


@pytest.mark.parametrize("question", ASKED)
def test_in_python_it_is_an_error(question: str, indexes: Path) -> None:
    with explorer.open("bytes", indexes) as ix, pytest.raises(SemanticError, match=WHY):
        ASKED[question](ix)


@pytest.mark.native
@pytest.mark.parametrize(
    "asked",
    [
        ("middleman", "large", "small"),
        ("middleman", "large", "--side", "out"),
        ("ov", "large"),
        ("neighbors", "large", "--measure", "centered"),
        ("sql", "SELECT z('L0N1', 'large')"),
        ("sql", "SELECT * FROM middleman(['large', 'small'])"),
    ],
)
def test_at_the_command_line_it_is_one_line(
    asked: tuple[str, ...], indexes: Path, run: Run
) -> None:
    done = run("explorer", *asked, "--indexes", str(indexes))
    assert done.code == 2
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert "0 word-like tokens" in line


@pytest.mark.native
def test_in_the_terminal_ui_it_is_said(
    indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPLORER_STATE", str(tmp_path / "screen.json"))

    async def do(ui: Driven) -> None:
        await ui.press("alt+m")
        await ui.paste("large, small")
        assert ui.rows == []
        assert "0 word-like tokens" in ui.said

    drive(indexes, do, index="bytes")


def test_what_needs_no_population_is_answered(indexes: Path) -> None:
    with explorer.open("bytes", indexes) as ix:
        assert ix.neighbors("large").rows
        assert ix.middleman("large", "small", score="dot").rows[0].score > 0
        assert ix.middleman("large", "small", by="activations") is not None
        assert ix.neighbors("large", space="context.1").rows
        assert ix.neuron("L0N1") is not None


def test_a_query_over_items_that_all_score_the_same_is_an_error(tmp_path: Path, run: Run) -> None:
    (tmp_path / "indexes").mkdir()
    np.save(tmp_path / "same.npy", np.ones((3, 4), np.float32))
    (tmp_path / "same.txt").write_text("a\nb\nc\n")
    done = run("indexer", "import", "same.npy", "--labels", "same.txt", "--name", "same")
    assert done.code == 0, done.err
    done = run("explorer", "neighbors", "a", "-k", "2")
    assert done.code == 2
    (line,) = done.err.splitlines()
    assert "all words of embed score the same, 1.0000 (n = 3): no z can be had" in line
    with explorer.open("same", tmp_path / "indexes") as ix, pytest.raises(EmptyPopulation):
        ix.neighbors("a", k=2)
