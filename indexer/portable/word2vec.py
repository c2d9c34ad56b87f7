"""word2vec's files, written as text and binary, and the binary form read; `lines` reads the text.

A line is a label and its numbers between blanks; the binary form has the numbers as float32. So a
blank within a label is written as the visible space `␣`, and read back as a blank.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from indexer.errors import BadVectors
from indexer.portable.labels import LONGEST_LABEL, without_blanks
from indexer.portable.lines import HEADER, TextReader
from indexer.portable.unpacked import Unpacked
from indexer.portable.vectors import ROWS, Block, Float32, Labelled, Put, VectorSource

_AT_ONCE = 4 << 20
_PART = 64 << 20
"""Bytes of the rows that are read at a time, about."""


def files(target: Path) -> list[Path]:
    """The one file, named as asked."""
    return [target]


@contextmanager
def write(paths: Sequence[Path], what: Labelled, binary: bool = False) -> Iterator[Put]:
    """Write header and rows; 9 digits of a number give the same float32 back."""
    labels = iter(what.labels)
    numbers = " ".join(["%.9g"] * what.width)
    with paths[0].open("wb") as file:
        file.write(f"{what.rows} {what.width}\n".encode())

        def put(vectors: Float32) -> None:
            for row in vectors:
                name = next(labels).encode() + b" "
                if binary:
                    file.write(name + row.astype("<f4").tobytes() + b"\n")
                else:
                    file.write(name + (numbers % tuple(row.tolist())).encode() + b"\n")

        yield put


write_binary = partial(write, binary=True)


class BinaryReader:
    """Names, each followed by its numbers as float32, low byte first.

    The file is walked once when it is opened, so that what its header says is known to be so before
    anything is made of it.

    Raises:
        BadVectors: there is no header, or no whole vectors follow it.
    """

    def __init__(self, source: Unpacked, asked: VectorSource) -> None:
        self._name, self._file = source.name, source.file
        self._asked = source.of_text(asked)
        self.notes: list[str] = []
        first = source.head[:64].partition(b"\n")
        found = HEADER.fullmatch(first[0]) if first[1] else None
        if found is None:
            raise BadVectors(
                f"{self._name} is no binary file of word2vec: it does not begin with how many "
                "vectors there are, and how long"
            )
        said, self.width = int(found[1]), int(found[2])
        if not said or not self.width:
            raise BadVectors(f"{self._name} holds no vectors")
        self._start = len(first[0]) + 1
        self._ends = array("q")  # where the blank after each name is
        at = self._walk(asked.limit)
        self.rows = len(self._ends)
        if asked.limit is None or self.rows < asked.limit:
            self._check_end(source, at, said)

    def place(self, row: int) -> str:
        """Rows are counted from 1: there are no lines."""
        return f"vector {row + 1:,}"

    def names(self) -> Iterator[list[str]]:
        """All names, in order."""
        for first, data, ends in self._parts():
            yield [name for name, _ in self._parted(first, data, ends)]

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        for first, data, ends in self._parts():
            labels, vectors = [], np.empty((len(ends), self.width), np.float32)
            for row, (label, begin) in enumerate(self._parted(first, data, ends)):
                labels.append(label)
                vectors[row] = np.frombuffer(data, "<f4", self.width, begin)
            yield Block(labels, vectors)

    def _walk(self, limit: int | None) -> int:
        """Find the end of every name; returns where the last whole vector ends."""
        size = 4 * self.width
        self._file.seek(self._start)
        held, base, at = b"", self._start, 0
        while limit is None or len(self._ends) < limit:
            end = held.find(b" ", at)
            if end < 0 and len(held) - at > LONGEST_LABEL:
                break
            if end < 0 or end + 1 + size > len(held):
                more = self._file.read(_AT_ONCE)
                if not more:
                    break
                held, base, at = held[at:] + more, base + at, 0
                continue
            self._ends.append(base + end)
            at = end + 1 + size
        return base + at

    def _check_end(self, source: Unpacked, at: int, said: int) -> None:
        """Hold what the header says against what is there.

        Raises:
            BadVectors: the last vector is cut short, or something else follows.
        """
        self._file.seek(at)
        rest = self._file.read(64).strip()
        rows = self.rows
        way = f"; --limit {rows} takes what comes before it" if rows else ""
        if source.cut:
            raise BadVectors(
                f"{self._name}: {source.cut}; {rows:,} vectors come before that"
                + (f": --limit {rows} takes them" if rows else "")
            )
        if rest and rows >= said:
            raise BadVectors(f"{self._name}: more follows the {rows:,} vectors, and is none{way}")
        if rest or not rows:
            what = "is cut short" if b" " in rest or not rest else "has no label"
            raise BadVectors(
                f"{self._name}: {self.place(rows)} of {said:,} {what}: the file ends, or is of "
                f"another format{way}"
            )
        if rows != said:
            self.notes.append(
                f"{self._name}: its header says {said:,} vectors, and {rows:,} follow: taken as "
                f"{rows:,}"
            )

    def _parts(self) -> Iterator[tuple[int, bytes, Sequence[int]]]:
        """Some rows at a time: the first, their bytes, and where in these each name ends."""
        size = 4 * self.width
        step = max(1, min(ROWS, _PART // size))
        self._file.seek(self._start)
        base = self._start
        for first in range(0, self.rows, step):
            ends = [end - base for end in self._ends[first : first + step]]
            data = self._file.read(ends[-1] + 1 + size)
            yield first, data, ends
            base += len(data)

    def _parted(self, first: int, data: bytes, ends: Sequence[int]) -> Iterator[tuple[str, int]]:
        """Each row's name, and where its numbers begin."""
        at = 0
        for row, end in enumerate(ends, start=first):
            # The original program ends each vector with a newline, others do not.
            label = data[at:end].lstrip(b"\n")
            if b"\n" in label or b"\0" in label:
                raise BadVectors(
                    f"{self._name}: {self.place(row)}: {label[:20]!r} is no label: vectors are not "
                    f"{self.width:,} numbers long, or the file is of another format"
                )
            try:
                yield without_blanks(self._asked.text(label)), end + 1
            except UnicodeError:
                raise BadVectors(
                    f"{self._name}: {self.place(row)}: label {label[:20]!r} {self._asked.not_text}"
                ) from None
            at = end + 1 + 4 * self.width


def read_text(source: Unpacked, asked: VectorSource, header: bool | None = None) -> TextReader:
    """Open a text; `header` True is word2vec's, False GloVe's, None whichever it is."""
    return TextReader(source, asked, header)


def read_binary(source: Unpacked, asked: VectorSource) -> BinaryReader:
    """Open a binary file."""
    return BinaryReader(source, asked)
