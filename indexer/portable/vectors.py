"""What every format reads and writes: labelled vectors, a block of rows at a time.

Knows shapes and names; knows no format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

ROWS = 4096
"""Rows of a block."""


@dataclass(frozen=True)
class Block:
    """Some vectors of a file in a row.

    Attributes:
        labels: their names, as the file has them.
        vectors: (len(labels), width) float32, at their own length.
    """

    labels: list[str]
    vectors: Float32


class Reader(Protocol):
    """A file of vectors, opened. What is wrong with it is told when it is opened or walked."""

    @property
    def rows(self) -> int:
        """How many vectors it holds."""

    @property
    def width(self) -> int:
        """How long each is."""

    @property
    def notes(self) -> list[str]:
        """What a person should be told of how it is read; more may come while it is walked."""

    def place(self, row: int) -> str:
        """Where a row stands, as people find it: `line 12`, `row 11`."""

    def names(self) -> Iterator[list[str]]:
        """All names, in order, some at a time; no number is looked at.

        Raises:
            BadVectors: a row has none; names the row.
        """

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order.

        Raises:
            BadVectors: a row cannot be read; names it.
        """


@dataclass(frozen=True)
class VectorSource:
    """What a person said of a file that is to be read.

    Attributes:
        path: the file.
        labels: a file of names, one a line, where the vectors have none of their own.
        tensor: which tensor, of a file that holds several.
        transpose: vectors are the columns.
        limit: how many vectors to take, from the first on; all where None.
        encoding: of names in a text, in a binary file of word2vec, and in a file of labels; UTF-8
            where None.
        encoding_errors: what to do with bytes that are none of the encoding: `strict`, `replace`
            or `ignore`, as Python has it; `strict` where None.
        label_column: column of names, in a table.
        vector_column: column of vectors, in a table.
    """

    path: Path
    labels: Path | None = None
    tensor: str | None = None
    transpose: bool = False
    limit: int | None = None
    encoding: str | None = None
    encoding_errors: str | None = None
    label_column: str | None = None
    vector_column: str | None = None

    def text(self, name: bytes) -> str:
        """A name as a text, by the encoding that was asked for.

        Raises:
            UnicodeError: it is none.
        """
        return str(name, self.encoding or "utf-8", self.encoding_errors or "strict")

    @property
    def not_text(self) -> str:
        """What is said of a name that is no text, and how it can be read all the same."""
        encoding = self.encoding or "utf-8"
        others = (
            "--encoding says what else it is, such as latin-1, and " if not self.encoding else ""
        )
        return (
            f"is not {encoding.upper()}: {others}--encoding-errors replace puts a sign in the "
            "place of what is none"
        )


@dataclass(frozen=True)
class Labelled:
    """What is written beside the vectors themselves.

    Attributes:
        space: name of the space.
        labels: the name of each row, all different, none empty.
        width: length of each vector.
        columns: further columns of a table, by name, one value a row.
        raw_cells: leave cells of a table that a spreadsheet would run as they are.
    """

    space: str
    labels: list[str]
    width: int
    columns: dict[str, list[Any]] = field(default_factory=dict)
    raw_cells: bool = False

    @property
    def rows(self) -> int:
        """How many vectors there are."""
        return len(self.labels)


Put = Callable[[Float32], None]
"""Takes the next rows, (n, width) float32."""

Writing = Callable[[Sequence[Path], Labelled], AbstractContextManager[Put]]
"""Opens the files of a format for the vectors that are then put, and finishes them."""
