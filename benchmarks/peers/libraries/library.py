"""What every library does here: make its own files of some rows, open them, answer in names."""

from __future__ import annotations

import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.rows import LABELS, read_names

K = 10
Found = list[tuple[str, float]]
"""Names and scores, best first, without the word that was asked."""


class Library(ABC):
    """One way to search. The library itself is imported where it is first used.

    Attributes:
        title: what tables call it.
        package: the distribution whose version is told.
        exact: whether it gives the ten nearest, or most of them.
        many: whether one call answers many words.
        largest: the most rows it is measured with, since its files take minutes beyond that.
        made: whether it has files of its own, or reads those of the rows or of another here.
        home: whose files it reads, where they are another's here.
        cold: whether a cold answer is measured.
        note: what it chose by itself when it was opened.
    """

    title: ClassVar[str]
    package: ClassVar[str]
    exact: ClassVar[bool] = True
    many: ClassVar[bool] = False
    largest: ClassVar[int] = 1_000_000
    made: ClassVar[bool] = True
    home: ClassVar[str | None] = None
    cold: ClassVar[bool] = True
    note: str = ""

    @abstractmethod
    def make(self, rows: Path, folder: Path) -> None:
        """Write its own files of a set of rows; as little as it can in memory at once."""

    @abstractmethod
    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """Open the files: for one answer, mapped where it can map them; else as is usual."""

    @abstractmethod
    def near(self, word: str) -> Found:
        """The ten names nearest to a name."""

    def near_each(self, words: Sequence[str]) -> list[Found]:
        """The same of many words in one call."""
        raise NotImplementedError(f"{self.title} answers one at a time")

    def making(self, name: str, rows: Path, folder: Path) -> list[str]:
        """The command that makes its files."""
        return [sys.executable, "-m", "benchmarks.peers.cold", "make", name, str(rows), str(folder)]

    def answering(self, name: str, rows: Path, folder: Path, word: str) -> list[str]:
        """The command that opens its files, answers one word and ends."""
        start = [sys.executable, "-m", "benchmarks.peers.cold", "answer", name]
        return [*start, str(rows), str(folder), word]

    def files(self, rows: Path, folder: Path) -> list[Path]:
        """What it needs on the disk to answer."""
        return [path for path in folder.rglob("*") if path.is_file()]


class Numbered(Library):
    """A library that knows rows by number: a list and a dict of names stand beside it."""

    def keep_names(self, rows: Path, folder: Path) -> None:
        """Lay the names beside the library's own file."""
        shutil.copyfile(rows / LABELS, folder / LABELS)

    def read_names(self, folder: Path) -> None:
        """Read them, both ways round."""
        self.names = read_names(folder / LABELS)
        self.numbers = {name: number for number, name in enumerate(self.names)}

    def named(self, word: str, found: Sequence[int], scores: Sequence[float]) -> Found:
        """Rows by name, without the word's own."""
        own = self.numbers[word]
        pairs = zip(found, scores, strict=True)
        return [(self.names[at], score) for at, score in pairs if at != own][:K]
