"""Names of vectors: as a format can carry them, and all different.

Knows blanks and control characters, and files of names, one a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from indexer.errors import BadVectors
from indexer.store.vocabulary import VISIBLE_SPACE


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
    beside = [path.with_name(f"{path.name}.labels.txt"), path.with_suffix(".labels.txt")]
    return next((one for one in beside if one.is_file()), None)


def read_labels(path: Path, rows: int) -> list[str]:
    """The names of `rows` vectors, one a line, blanks kept.

    Raises:
        BadVectors: the file cannot be read, is not UTF-8, or has fewer or more lines.
    """
    try:
        data = path.read_bytes()
    except OSError as err:
        raise BadVectors(f"labels {str(path)!r} cannot be read: {err.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data[: err.start].count(b"\n") + 1
        raise BadVectors(f"labels {str(path)!r} are not UTF-8: see line {line}") from None
    lines = text.removesuffix("\n").split("\n") if text else []
    if len(lines) != rows:
        raise BadVectors(
            f"labels {str(path)!r}: {len(lines):,} lines for {rows:,} vectors; write one a line"
        )
    return [line.removesuffix("\r") for line in lines]


def named(path: Path, asked: Path | None, rows: int) -> tuple[list[str], str]:
    """The names of a file's vectors: as asked, from beside it, or numbered; and which it was."""
    beside = asked or file_beside(path)
    if beside is not None:
        return read_labels(beside, rows), f"labels from {beside.name}"
    return numbered(rows), f"no labels beside {path.name}: its vectors are named f0 to f{rows - 1}"


def numbered(rows: int) -> list[str]:
    """`f0`, `f1`, ...: no word is written so, unlike plain numbers."""
    return [f"f{row}" for row in range(rows)]
