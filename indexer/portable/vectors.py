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
    def notes(self) -> Sequence[str]:
        """What a person should be told of how it was read."""

    def place(self, row: int) -> str:
        """Where a row stands, as people find it: `line 12`, `row 11`."""

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order.

        Raises:
            BadVectors: a row cannot be read; names it.
        """


@dataclass(frozen=True)
class Asked:
    """What a person said of a file that is to be read.

    Attributes:
        path: the file.
        labels: a file of names, one a line, where the vectors have none of their own.
        tensor: which tensor, of a file that holds several.
        transpose: vectors are the columns.
        label_column: column of names, in a table.
        vector_column: column of vectors, in a table.
    """

    path: Path
    labels: Path | None = None
    tensor: str | None = None
    transpose: bool = False
    label_column: str | None = None
    vector_column: str | None = None


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
