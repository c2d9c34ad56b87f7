"""Names of vectors: as a format can carry them, and all different.

Knows blanks and control characters, and files of names, one a line.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

from indexer.errors import BadVectors
from indexer.portable.contents import recognised
from indexer.portable.unpacked import unpacked
from indexer.portable.vectors import VectorSource
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


def read_labels(path: Path, rows: int, asked: VectorSource) -> list[str]:
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
    data = source.file.read().removeprefix(codecs.BOM_UTF8)
    lines = data.removesuffix(b"\n").split(b"\n") if data else []
    if len(lines) != rows:
        raise BadVectors(f"{told}: {len(lines):,} lines for {rows:,} vectors; write one a line")
    names = []
    read = source.of_text(asked)
    for number, line in enumerate(lines, start=1):
        try:
            names.append(read.text(line.removesuffix(b"\r")))
        except UnicodeError:
            raise BadVectors(f"{told}: line {number} {read.not_text}") from None
    return names


def named(asked: VectorSource, rows: int) -> tuple[list[str], str]:
    """The names of a file's vectors: as asked, from beside it, or numbered; and which it was."""
    path = asked.path
    beside = asked.labels or file_beside(path)
    if beside is not None:
        return read_labels(beside, rows, asked), f"labels from {beside.name}"
    return numbered(rows), f"no labels beside {path.name}: its vectors are named f0 to f{rows - 1}"


def numbered(rows: int) -> list[str]:
    """`f0`, `f1`, ...: no word is written so, unlike plain numbers."""
    return [f"f{row}" for row in range(rows)]
