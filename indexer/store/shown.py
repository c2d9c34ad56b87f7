r"""What a text may do to who reads it: the one rule for terminals, and the one for spreadsheets.

A terminal obeys control characters, wherever a text comes from: an index of a stranger, a file, a
message of a library. So whatever is shown passes through here, and what is no printable character
stands there escaped, as Python writes it: `\x1b`. That is everything Unicode counts as other or as
a separator, a plain space aside: C0 and C1 controls, DEL, line and paragraph separators, marks that
turn the direction of writing, characters without a width (joiners too: they hide inside a word),
tags, lone surrogates, characters that are private or not assigned.

Knows characters; knows no index, no screen and no format but JSON's way of escaping.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
import warnings
from typing import Any

_RUN_BY_SHEETS = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")
_NEEDS_NO_QUOTES = re.compile(r"[\w.,@+/:][\w.,@+/:=-]*")


def one_line(text: str) -> str:
    """A text as it may be shown, in one line: newlines are escaped too."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def lines(text: str) -> str:
    """A text of several lines as it may be shown: newlines stay."""
    return text if text.isprintable() else "\n".join(map(one_line, text.split("\n")))


def in_json(text: str) -> str:
    """The same JSON, in which every character that does not print is written as JSON escapes it.

    So it is exact, and harmless in a terminal. Newlines between values stay.
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else escaped_in_json(char) for char in text
    )


def escaped_in_json(char: str) -> str:
    r"""A character as JSON may always write it: `\u2423`, or two of these."""
    octets = char.encode("utf-16-be", "surrogatepass")
    units = (int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    return "".join(f"\\u{unit:04x}" for unit in units)


def escape_what_libraries_say() -> None:
    """Have log records, warnings and tracebacks pass the rule too, in a program of ours."""

    def show(warning: Warning | str, *where: Any, **more: Any) -> str:
        return lines(format_warning(warning, *where, **more))

    def tell(*error: Any) -> None:
        sys.stderr.write(lines("".join(traceback.format_exception(*error))))

    format_warning = warnings.formatwarning
    warnings.formatwarning = show  # type: ignore[assignment]  # whatever it is called with
    logging.setLogRecordFactory(_ShownRecord)
    sys.excepthook = tell


class _ShownRecord(logging.LogRecord):
    """What is logged, as it may be shown."""

    def getMessage(self) -> str:  # noqa: N802  # its name in the library
        return lines(super().getMessage())


def in_a_sheet(text: str) -> str:
    """A text as a cell that a spreadsheet reads as a text: what it would run gets an apostrophe.

    Those are texts that begin with `=`, `+`, `-`, `@` (or their wide forms), a tab or a line's end.
    One that begins with apostrophes before such a character gets another, so that taking one away
    gives the text back.
    """
    return f"'{text}" if _RUN_BY_SHEETS.match(text) else text


def needs_no_quotes(name: str) -> bool:
    """Whether a shell takes a name as it is: one that completion may put into a command line."""
    return _NEEDS_NO_QUOTES.fullmatch(name) is not None and name.isprintable()
