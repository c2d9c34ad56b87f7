"""This project: an index of imported vectors; of SmolLM2's tokens, the packaged model's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.libraries.library import Found, K, Library
from benchmarks.peers.rows import EVERY, LABELS, VECTORS, WORDS, is_word, read_names

BIN = Path(sys.executable).parent
NAME = "made"


class Ours(Library):
    """`ix.neighbors(word)`, with z beside each name."""

    title = "**semantic-explorer**, `ix.neighbors`"
    package = "semantic-explorer"
    many = True
    largest = 4_000_000

    def make(self, rows: Path, folder: Path) -> None:
        """Its own program makes the files."""
        raise NotImplementedError

    def making(self, name: str, rows: Path, folder: Path) -> list[str]:
        """`indexer import`."""
        start = [str(BIN / "indexer"), "import", str(rows / VECTORS), "--name", NAME]
        return [*start, "--indexes", str(folder), "--quiet"]

    def answering(self, name: str, rows: Path, folder: Path, word: str) -> list[str]:
        """`explorer neighbors`, as a person asks."""
        return [str(BIN / "explorer"), "neighbors", word.strip(), "--index", _index(rows, folder)]

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """Its files are mapped at any time."""
        import explorer

        self._index = explorer.open(_index(rows, folder))
        self._tokens = EVERY[rows.name].index is not None

    def near(self, word: str) -> Found:
        """By the word as a person writes it: the token with a leading blank is meant first."""
        return self._named(self._index.neighbors(word.strip()))

    def near_each(self, words: Sequence[str]) -> list[Found]:
        """One call for all of them."""
        return [self._named(one) for one in self._index.neighbors([word.strip() for word in words])]

    def _named(self, answer: Any) -> Found:
        """Names and scores of an answer's rows."""
        # A token that is no word has its number for a name here, which answers don't tell.
        return [
            (row.text if is_word(row.text) or not self._tokens else "", row.score) for row in answer
        ]


class Vectors(Ours):
    """`ix.search` of vectors that somebody brings along: those of the words, as they lie."""

    title = "**semantic-explorer**, `ix.search(vectors)`"
    largest = 1_000_000
    made = False
    home = "ours"
    cold = False

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """The vectors asked are taken from the array."""
        import numpy as np

        super().open(rows, folder, cold)
        self._rows = np.load(rows / VECTORS, mmap_mode="r")
        asked = set(read_names(rows / WORDS))
        names = enumerate(read_names(rows / LABELS))
        self._numbers = {name: number for number, name in names if name in asked}

    def near(self, word: str) -> Found:
        """One vector."""
        answer = self._index.search("embed", self._rows[self._numbers[word]], k=K + 1)
        return self._others(word, answer)

    def near_each(self, words: Sequence[str]) -> list[Found]:
        """A matrix of them."""
        matrix = self._rows[[self._numbers[word] for word in words]]
        answers = self._index.search("embed", matrix, k=K + 1)
        return [self._others(*one) for one in zip(words, answers, strict=True)]

    def _others(self, word: str, answer: Any) -> Found:
        """Without the word's own row, which no search leaves out."""
        return [found for found in self._named(answer) if found[0] != word][:K]


def _index(rows: Path, folder: Path) -> str:
    """The index that is asked: the model's own, or what was imported."""
    return EVERY[rows.name].index or str(folder / NAME)
