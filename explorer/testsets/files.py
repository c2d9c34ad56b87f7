"""Standard test sets as they are passed around: analogy questions, and pairs of words with ratings.

Knows two formats, those of word2vec's `questions-words.txt` and of WordSim-353, and names the line
where a file is something else; knows no index. A file is held in memory whole.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from explorer.errors import QueryError
from explorer.testsets.named import Kind, names, path_of
from explorer.textfile import lines_of
from indexer.store.errors import did_you_mean, nearest, option_named, unknown

Source: TypeAlias = str | os.PathLike[str] | Iterable[str]
"""The path of a file, the name of a test set, or lines."""

COMMENT = "#"
_DELIMITERS = ("\t", ";", ",")


@dataclass(frozen=True)
class Questions:
    """Analogy questions: a is to b as c is to d.

    Attributes:
        name: of the file, or `lines`.
        sections: their names, in the order of the file.
        words: a, b, c and d of each question.
        section_of: for each question, which of `sections` it stands in.
    """

    name: str
    sections: tuple[str, ...]
    words: tuple[tuple[str, str, str, str], ...]
    section_of: tuple[int, ...]


@dataclass(frozen=True)
class Pairs:
    """Pairs of words, each with the rating that people gave it.

    Attributes:
        name: of the file, or `lines`.
        words: the two of each pair.
        ratings: one a pair.
        header: the first line, where it was taken to name the columns; else empty.
    """

    name: str
    words: tuple[tuple[str, str], ...]
    ratings: tuple[float, ...]
    header: str = ""


def read_questions(source: Source) -> Questions:
    """Questions of four words each, under lines `: section`.

    Raises:
        QueryError: no such file or test set, not UTF-8, a line that is no question (it is named),
            a question before the first section, or no question at all.
    """
    name, lines = _lines(source, "analogies")
    sections: list[str] = []
    words: list[tuple[str, str, str, str]] = []
    section_of: list[int] = []
    for number, line in enumerate(lines, start=1):
        if line.startswith(":"):
            sections.append(line[1:].strip())
            continue
        parts = line.split()
        if not parts:
            continue
        if len(parts) != 4:
            count = f"{len(parts)} word{'s' if len(parts) > 1 else ''}"
            raise QueryError(
                f"{name}, line {number}: {_short(line)} has {count}; a question has four, "
                "as in 'king queen man woman'"
            )
        if not sections:
            raise QueryError(
                f"{name}, line {number}: {_short(line)} stands before the first section; "
                "a line ': name' begins one"
            )
        words.append((parts[0], parts[1], parts[2], parts[3]))
        section_of.append(len(sections) - 1)
    if not words:
        raise QueryError(f"{name} holds no questions")
    return Questions(name, tuple(sections), tuple(words), tuple(section_of))


def read_pairs(source: Source, column: str | int = 3, delimiter: str | None = None) -> Pairs:
    """Pairs of words and their ratings: a word, a word, and further columns.

    Lines that begin with `#` are comments. The first line may be a header.

    Args:
        source: the path of a file, the name of a test set, or lines.
        column: which holds the ratings: its number, from 1, or its name in the header, which may
            be a comment.
        delimiter: what stands between columns; a tab, a semicolon, a comma or else any blanks,
            the first of these that the first pair's line holds, unless given.

    Raises:
        QueryError: no such file, test set or column, not UTF-8, a line whose rating is no number
            (it is named), or no pair at all.
    """
    name, lines = _lines(source, "similarity")
    if delimiter == "":
        raise QueryError(
            f"{option_named('delimiter')} is empty; name the character between columns"
        )
    numbered = [(at, line) for at, line in enumerate(lines, start=1) if line.strip()]
    data = [(at, line) for at, line in numbered if not line.startswith(COMMENT)]
    if not data:
        raise QueryError(f"{name} holds no pairs")
    if delimiter is None:
        delimiter = next((mark for mark in _DELIMITERS if mark in data[0][1]), None)
    place, header = _column(column, name, numbered, delimiter)
    words, ratings, said = [], [], ""
    for at, line in data:
        fields = _fields(line, delimiter)
        rating = _number(fields[place]) if len(fields) > place else None
        if at == header or (rating is None and at == data[0][0]):
            said = line.strip()
            continue
        if rating is None or not fields[0] or not fields[1]:
            raise QueryError(
                f"{name}, line {at}: {_short(line)} has no two words and a number in column "
                f"{place + 1}; {option_named('column')} names the column of the ratings"
            )
        words.append((fields[0], fields[1]))
        ratings.append(rating)
    if not words:
        raise QueryError(f"{name} holds no pairs")
    return Pairs(name, tuple(words), tuple(ratings), said)


def _column(
    column: str | int, name: str, numbered: list[tuple[int, str]], delimiter: str | None
) -> tuple[int, int]:
    """Where ratings stand, from 0, and the number of the line that says so; 0 where none does."""
    if isinstance(column, int) or column.isdecimal():
        if int(column) < 3:
            raise QueryError(f"{option_named('column', column)}: columns 1 and 2 hold the words")
        return int(column) - 1, 0
    header: list[str] = []
    for at, line in numbered:
        fields = _fields(line.removeprefix(COMMENT), delimiter)
        if column in fields[2:]:
            return fields.index(column, 2), at
        if not line.startswith(COMMENT):
            header = header or fields
            break
        if len(fields) > 2:
            header = fields
    raise QueryError(f"{name}: {unknown('column', column, header[2:])}")


def _fields(line: str, delimiter: str | None) -> list[str]:
    return [field.strip() for field in line.split(delimiter)]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _lines(source: Source, kind: Kind) -> tuple[str, list[str]]:
    """What to call a source, and its lines without their ends."""
    if not isinstance(source, (str, os.PathLike)):
        return "lines", [line.rstrip("\r\n") for line in source]
    asked = os.fspath(source)
    named = path_of(asked, kind) if isinstance(source, str) else None
    if named is None and not os.path.exists(asked) and _is_bare(asked):
        known = names(kind)
        hint = did_you_mean(asked, nearest(asked, [*known, *_files_here()], limit=1))
        raise QueryError(f"no file or test set {asked!r}{hint} (by name: {', '.join(known)})")
    return Path(source).name or asked, lines_of(named or asked)


def _is_bare(asked: str) -> bool:
    """Whether what is asked may be meant for the name of a test set."""
    return re.fullmatch(r"[\w-]+", asked) is not None


def _files_here() -> list[str]:
    with contextlib.suppress(OSError):
        return [entry.name for entry in os.scandir() if entry.is_file()]
    return []


def _short(line: str) -> str:
    text = " ".join(line.split())
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
