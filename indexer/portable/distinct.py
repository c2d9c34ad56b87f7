"""Labels in the order of their rows, and whether one of them is there twice.

Kept are an Arrow column and a hash of 64 bits for each label, a tenth of what a `dict` of Python's
texts takes. Knows texts and numbers of rows; knows no file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Again:
    """A label that was there before.

    Attributes:
        at: which of the labels that were added it is.
        row: of the one before.
    """

    at: int
    row: int


@dataclass(frozen=True)
class _Run:
    """Some labels' hashes in their order, and which label each is of."""

    hashes: Int64
    positions: Int64

    def of(self, hashes: Int64) -> Iterator[tuple[int, int]]:
        """Which of some hashes are among these: its place there, and whose it is here."""
        begin = np.searchsorted(self.hashes, hashes, "left")
        for at in np.flatnonzero(self.hashes[np.minimum(begin, len(self.hashes) - 1)] == hashes):
            end = np.searchsorted(self.hashes, hashes[at], "right")
            for position in self.positions[begin[at] : end].tolist():
                yield int(at), position


class Distinct:
    """Labels that are all different, as they come."""

    def __init__(self) -> None:
        self._texts: list[Any] = []
        self._rows: list[Int64] = []
        self._ends = [0]
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return self._ends[-1]

    @property
    def texts(self) -> Any:
        """All labels so far, in order: a `pyarrow.ChunkedArray` of strings."""
        import pyarrow as pa

        return pa.chunked_array(self._texts, pa.string())

    def add(self, labels: Sequence[str], rows: Int64) -> Again | None:
        """Take some more labels in; nothing is taken where one was there before.

        Args:
            labels: texts that UTF-8 can say.
            rows: (len(labels),) int64, what each is told by.

        Returns:
            The first that is there twice, before or among these; or None.
        """
        import pyarrow as pa

        if not labels:
            return None
        run = _sorted(np.fromiter(map(hash, labels), np.int64, len(labels)), len(self))
        again = self._first_again(labels, rows, run)
        if again is not None:
            return again
        self._texts.append(pa.array(labels, pa.string()))
        self._rows.append(rows)
        self._ends.append(len(self) + len(labels))
        # Runs are merged when they are of like size, so that there are few and each label is
        # merged few times.
        while self._runs and len(self._runs[-1].hashes) <= len(run.hashes):
            last = self._runs.pop()
            hashes = np.concatenate([last.hashes, run.hashes])
            order = np.argsort(hashes, kind="stable")
            run = _Run(hashes[order], np.concatenate([last.positions, run.positions])[order])
        self._runs.append(run)
        return None

    def _first_again(self, labels: Sequence[str], rows: Int64, run: _Run) -> Again | None:
        """The first of some labels that is another's, the hashes of all of them given."""
        first, found = len(self), list[Again]()
        for before in self._runs:
            for at, position in before.of(run.hashes):
                here = int(run.positions[at]) - first
                if self._text(position) == labels[here]:
                    found.append(Again(here, self._row(position)))
        alike = np.flatnonzero(run.hashes[1:] == run.hashes[:-1]) + 1
        seen: dict[str, int] = {}
        for here in np.unique(run.positions[np.union1d(alike, alike - 1)] - first).tolist():
            before_it = seen.setdefault(labels[here], here)
            if before_it != here:
                found.append(Again(here, int(rows[before_it])))
        return min(found, key=lambda one: (one.at, one.row), default=None)

    def _text(self, position: int) -> str:
        part, at = self._place(position)
        text: str = self._texts[part][at].as_py()
        return text

    def _row(self, position: int) -> int:
        part, at = self._place(position)
        return int(self._rows[part][at])

    def _place(self, position: int) -> tuple[int, int]:
        part = int(np.searchsorted(self._ends, position, "right")) - 1
        return part, position - self._ends[part]


def kept_of_each(names: Iterator[list[str]], rows: int, last: bool) -> NDArray[np.bool_]:
    """Of rows that have names, which are the first of their name, or the last: (rows,) bool.

    Args:
        names: some at a time, in order.
        rows: how many there are.
        last: keep the last of each name.
    """
    import pyarrow as pa

    parts: list[Any] = []
    hashed: list[Int64] = []
    for some in names:
        # Halves of characters, which UTF-8 can't say, are names too until they are refused.
        parts.append(pa.array([name.encode("utf-8", "surrogatepass") for name in some]))
        hashed.append(np.fromiter(map(hash, some), np.int64, len(some)))
    mask = np.ones(rows, bool)
    run = _sorted(np.concatenate([*hashed, np.zeros(0, np.int64)]), 0)
    alike = np.flatnonzero(run.hashes[1:] == run.hashes[:-1])
    several = np.unique(run.positions[np.union1d(alike, alike + 1)])
    texts = pa.chunked_array(parts, pa.binary()).take(several).to_pylist() if len(several) else []
    kept: dict[bytes, int] = {}
    for text, row in zip(texts, several.tolist(), strict=True):
        before = kept.setdefault(text, row)
        if before != row:
            mask[before if last else row] = False
            kept[text] = row if last else before
    return mask


def _sorted(hashes: Int64, first: int) -> _Run:
    order = np.argsort(hashes, kind="stable")
    return _Run(hashes[order], first + order)
