"""Words from a file, one a line, where there are too many to be arguments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from explorer.errors import QueryError


def words_of(arguments: Sequence[str], file: str | None) -> tuple[str, ...]:
    """The words named as arguments, or those of a file: blank lines left out.

    Raises:
        QueryError: both are given; the file cannot be read, is not UTF-8 (with the line), or holds
            no word.
    """
    if file is None:
        return tuple(arguments)
    if arguments:
        raise QueryError(f"words are in --file {file!r} or arguments, not both: {arguments[0]!r}")
    try:
        data = Path(file).read_bytes()
    except OSError as err:
        raise QueryError(f"--file {file!r} cannot be read: {err.strerror}") from None
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as err:
        line = data[: err.start].count(b"\n") + 1
        raise QueryError(f"--file {file!r} is not UTF-8: see line {line}") from None
    words = tuple(line for line in lines if line.strip())
    if not words:
        raise QueryError(f"--file {file!r} holds no words; write one a line")
    return words
