"""Names of vectors: as a format can carry them, and all different.

Knows blanks and control characters, and files of names, one a line.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np

from indexer.errors import BadVectors
from indexer.portable.contents import recognised
from indexer.portable.unpacked import unpacked
from indexer.portable.vectors import ROWS, VectorSource
from indexer.store.vocabulary import VISIBLE_SPACE

LONGEST_LABEL = 1 << 16
"""Bytes of a name."""


def told_apart(labels: Sequence[str], rows: Sequence[int]) -> tuple[list[str], list[str]]:
    """Labels that are all different and not empty, and those of them that had to be changed.

    One that is empty, or is another's already, has its row's number put behind it: `the#1507`.
    """
    first: set[str] = set()
    found, changed = [], []
    everyone = set(labels)
    for label, row in zip(labels, rows, strict=True):
        if label and label not in first:
            first.add(label)
            found.append(label)
            continue
        name = f"{label}#{row}"
        while name in first or name in everyone:
            name += "#"
        first.add(name)
        found.append(name)
        changed.append(name)
    return found, changed


def without_blanks(label: str) -> str:
    """What `display` made visible, as blanks again."""
    return label.replace(VISIBLE_SPACE, " ")


def file_beside(path: Path) -> Path | None:
    """The file of labels that goes with a file of vectors, where there is one."""
    bare = path.with_suffix("") if path.suffix == ".gz" else path
    names = [f"{path.name}.labels.txt", f"{bare.name}.labels.txt", f"{bare.stem}.labels.txt"]
    beside = [path.with_name(name) for name in names]
    return next((one for one in beside if one.is_file()), None)


class Names(Protocol):
    """Names in the order of their rows, texts only where they are asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, which: slice) -> list[str]: ...


class Lines:
    """The lines of a text, each ended by a newline but perhaps the last.

    Args:
        data: the text.
        text: a line as a text; raises `UnicodeError` where it is none.
    """

    def __init__(self, data: bytes, text: Callable[[bytes], str]) -> None:
        self._data, self._text = data, text
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        if data and not data.endswith(b"\n"):
            ends = np.append(ends, len(data))
        self._begins = np.concatenate([[0], ends + 1])

    def __len__(self) -> int:
        return len(self._begins) - 1

    def __getitem__(self, which: slice) -> list[str]:
        begins = self._begins[which.start : min(which.stop, len(self)) + 1].tolist()
        lines = [self._data[begin : end - 1] for begin, end in pairwise(begins)]
        return [self._text(line.removesuffix(b"\r")) for line in lines]


class Numbered:
    """`f0`, `f1`, ...: no word is written so, unlike plain numbers."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, which: slice) -> list[str]:
        return [f"f{row}" for row in range(self._rows)[which]]


def read_labels(path: Path, rows: int, asked: VectorSource) -> Lines:
    """The names of `rows` vectors, one a line, blanks kept.

    Raises:
        BadVectors: the file cannot be read, is no text in the encoding that was asked for, or has
            fewer or more lines.
    """
    told = f"labels {str(path)!r}"
    if path.exists() and not path.is_file():
        raise BadVectors(f"{told} are no file")
    try:
        source = unpacked(path, asked.encoding or "utf-8")
    except BadVectors as err:
        raise BadVectors(f"labels: {err}") from None
    kind = recognised(source.head)
    if kind is not None and b"\0" in source.head:
        raise BadVectors(f"{told}: this is {kind.what}; {kind.advice or 'write a name a line'}")
    if source.cut:
        raise BadVectors(f"{told}: {source.cut}")
    if source.size > rows * LONGEST_LABEL + len(codecs.BOM_UTF8):
        raise BadVectors(f"{told}: {source.size:,} bytes are too many to name {rows:,} vectors")
    source.file.seek(0)
    read = source.of_text(asked)
    lines = Lines(source.file.read().removeprefix(codecs.BOM_UTF8), read.text)
    if len(lines) != rows:
        raise BadVectors(f"{told}: {len(lines):,} lines for {rows:,} vectors; write one a line")
    for first in range(0, rows, ROWS):
        try:
            lines[first : first + ROWS]
        except UnicodeError:
            wrong = next(at for at in range(first, rows) if not _is_text(lines, at))
            raise BadVectors(f"{told}: line {wrong + 1} {read.not_text}") from None
    return lines


def _is_text(lines: Lines, at: int) -> bool:
    try:
        return bool(lines[at : at + 1])
    except UnicodeError:
        return False


def named(asked: VectorSource, rows: int) -> tuple[Names, str]:
    """The names of a file's vectors: as asked, from beside it, or numbered; and which it was."""
    path = asked.path
    beside = asked.labels or file_beside(path)
    if beside is not None:
        return read_labels(beside, rows, asked), f"labels from {beside.name}"
    return Numbered(rows), f"no labels beside {path.name}: its vectors are named f0 to f{rows - 1}"
