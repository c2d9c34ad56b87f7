"""Where the rows of a space are cut into files, and what these are called: the one rule.

A file, a shard, holds 2 GB of rows at the most, and opens by itself. The rule looks at the rows,
their width, type and layers alone, so that every machine cuts alike. Codes are cut where rows are.
Knows numbers and names; opens no file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from indexer.store.files import FileEntry
from indexer.store.typed import WrongType

MOST_BYTES = 2_000_000_000
"""Bytes of rows in one file at the most, a row that takes more aside."""

_PART = re.compile(r"-\d{5}-of-(\d{5})")
"""What the name of a shard has behind that of its space, as `huggingface_hub` writes it."""


@dataclass(frozen=True)
class Shard:
    """A run of a space's rows that lie in a file of their own.

    Attributes:
        first: the row of the space that is its first.
        rows: how many it holds.
        number: which of the space's shards it is, from 1.
        of: how many there are.
    """

    first: int
    rows: int
    number: int = 1
    of: int = 1

    @property
    def end(self) -> int:
        """The row of the space that follows its last."""
        return self.first + self.rows

    def file(self, whole: str) -> str:
        """The name of its file, where a file of all rows would be called `whole`.

        `spaces/embed.faiss` of the only shard, else `spaces/embed-00002-of-00003.faiss`.
        """
        if self.of == 1:
            return whole
        stem, dot, end = whole.rpartition(".")
        return f"{stem}-{self.number:05}-of-{self.of:05}{dot}{end}"


def cut(
    rows: int, width: int, layers: Sequence[int] = (), number_bytes: int = 4
) -> tuple[Shard, ...]:
    """How a space is cut: whole layers, as many as one file has room for, or else runs of rows.

    A layer that needs more than one file has files of its own, all full but the last.

    Args:
        rows: of the space.
        width: of a row.
        layers: how many rows each layer has, in order, where rows lie in layers.
        number_bytes: bytes that a number takes.
    """
    most = max(1, MOST_BYTES // (number_bytes * width))
    sizes: list[int] = []
    room = 0  # of the last file, for whole layers
    for layer in layers or [rows]:
        if layer <= room:
            sizes[-1] += layer
            room -= layer
            continue
        sizes += [min(most, layer - first) for first in range(0, layer, most)]
        room = most - layer  # none beside a layer that was cut
    ends = list(accumulate(sizes))
    return tuple(
        Shard(end - size, size, number, len(sizes))
        for number, (end, size) in enumerate(zip(ends, sizes, strict=True), 1)
    )


def runs(shards: Sequence[Shard], first: int, last: int) -> Iterator[tuple[Shard, int, int]]:
    """Rows of a space from one on to another, as they lie in shards.

    Yields the shard, and of the rows in it the first and what follows the last, as it counts them.
    """
    for shard in shards:
        start, stop = max(first, shard.first), min(last, shard.end)
        if start < stop:
            yield shard, start - shard.first, stop - shard.first


def listed(whole: str, files: Mapping[str, FileEntry], rows: int) -> tuple[Shard, ...]:
    """The shards that an index has of a file: those that its manifest lists, in order.

    Args:
        whole: what one file of all rows is called.
        files: what the manifest lists.
        rows: of the space.

    Returns:
        The one of all rows where none is listed.

    Raises:
        WrongType: they do not hold all rows, each once and in order.
    """
    of = 1 if whole in files else max(_counts(whole, files), default=1)
    shards, first = [], 0
    for number in range(1, of + 1):
        name = Shard(first, 0, number, of).file(whole)
        entry = files.get(name)
        if entry is None and of > 1:
            raise WrongType(f"files: {name} is missing, of which other parts are listed")
        # A file of all rows need not say which they are.
        begins = entry.first_row if entry is not None else None
        holds = entry.rows if entry is not None else None
        if of == 1 and begins is None and holds is None:
            begins, holds = 0, rows
        if begins != first or not holds or first + holds > rows:
            raise WrongType(
                f"files: {name} is said to begin at row {begins} and to hold {holds}, where row "
                f"{first:,} of {rows:,} is the next"
            )
        shards.append(Shard(first, holds, number, of))
        first += holds
    if first != rows:
        raise WrongType(f"files: {whole} has {first:,} of the {rows:,} rows of its space")
    return tuple(shards)


def _counts(whole: str, files: Mapping[str, FileEntry]) -> list[int]:
    """In how many parts a file is, as the name of each part has it."""
    stem, _, end = whole.rpartition(".")
    begins, ends = f"{stem}-", f".{end}"
    found = [
        _PART.fullmatch(name[len(stem) : -len(ends)])
        for name in files
        if name.startswith(begins) and name.endswith(ends)
    ]
    return [int(part[1]) for part in found if part is not None]
