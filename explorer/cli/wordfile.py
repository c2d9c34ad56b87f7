"""Words from a file, one a line, where there are too many to be arguments."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import QueryError
from explorer.textfile import lines_of


def words_of(arguments: Sequence[str], file: str | None) -> tuple[str, ...]:
    """The words named as arguments, or those of a file: blank lines left out.

    Raises:
        QueryError: both are given, the file holds no word, or it cannot be had; see
            `explorer.textfile`.
    """
    if file is None:
        return tuple(arguments)
    if arguments:
        raise QueryError(f"words are in --file {file!r} or arguments, not both: {arguments[0]!r}")
    words = tuple(line for line in lines_of(file) if line.strip())
    if not words:
        raise QueryError(f"--file {file!r} holds no words; write one a line")
    return words
