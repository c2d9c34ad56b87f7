"""The three streams of a program: there from the start, never at a loss for a character.

Knows file descriptors and encodings; knows nothing of what is written. stdout is data: what cannot
be written is an error. stderr is narration: that nobody hears it ends no work.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from typing import Any

from indexer.store.shown import escaped_in_json, in_json, lines

_IN_ONE_LETTER = {
    "␣": "_",
    "·": ".",
    "…": "~",
    "±": "~",
    "→": ">",
    "←": "<",
    "↑": "^",
    "↓": "v",
    "░": ".",
    "▒": ":",
    "▓": "+",
    "█": "@",
    "≡": "%",
    "▁": "_",
    "▂": "=",
    "▆": "#",
    "●": "*",
    "▶": ">",
    "─": "-",
    "━": "-",
    "│": "|",
    "┃": "|",
}
"""What stands for the signs of our own tables and drawings, each as wide as what it stands for."""


def _in_letters(err: UnicodeError) -> tuple[str, int]:
    """For people: our own signs as letters that look like them, all else escaped as Python does."""
    assert isinstance(err, UnicodeEncodeError)
    lost = err.object[err.start : err.end]
    said = [_IN_ONE_LETTER.get(char) or _line_drawn(char) or _escaped(char) for char in lost]
    return "".join(said), err.end


def _in_json(err: UnicodeError) -> tuple[str, int]:
    r"""For JSON, whose letters may all be written as `\u2423`: exact."""
    assert isinstance(err, UnicodeEncodeError)
    return "".join(map(escaped_in_json, err.object[err.start : err.end])), err.end


def _line_drawn(char: str) -> str:
    return "+" if "\u2500" <= char <= "\u257f" else ""


def _escaped(char: str) -> str:
    return char.encode("ascii", "backslashreplace").decode()


codecs.register_error("explorer.letters", _in_letters)
codecs.register_error("explorer.json", _in_json)

_EXACT = {"json": "explorer.json", "jsonl": "explorer.json", "html": "xmlcharrefreplace"}
"""Formats in which any letter can be written in ASCII."""

_JSON = ("json", "jsonl")


class ReaderLeft(Exception):
    """Who read stdout through a pipe has what it wanted, and no more can be written.

    No `OSError`: click would make that a failure of its own.
    """


def prepare() -> None:
    """Have all three streams, whichever of them the program was started without.

    To be called before anything is opened: a file that got the number of a closed stream would be
    written into.
    """
    closed = not _is_open(1)
    for number, (name, flags) in enumerate(
        [("stdin", os.O_RDONLY), ("stdout", os.O_RDONLY), ("stderr", os.O_WRONLY)]
    ):
        if not _is_open(number):
            opened = os.open(os.devnull, flags)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
            setattr(sys, name, _in_its_place(number))
            setattr(sys, f"__{name}__", getattr(sys, name))
    # What a test or a notebook put in their place stays.
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__ and not closed:
        sys.stdout = _through(_Data(1, "wb", closefd=False), sys.stdout.encoding)
    if isinstance(sys.stderr, io.TextIOWrapper) and sys.stderr is sys.__stderr__:
        sys.stderr = _through(_Narration(2, "wb", closefd=False), sys.stderr.encoding)


def put(text: str, format: str = "") -> None:
    """Write whole lines to stdout, now: as they may be shown to a terminal, exactly elsewhere.

    A format that has escapes is exact in whatever encoding stdout has; JSON is exact in a terminal
    too.

    Raises:
        OSError: it cannot be written.
        ReaderLeft: nobody reads it any more.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_EXACT.get(format, "explorer.letters"))
    if format in _JSON:
        text = in_json(text)
    sys.stdout.write(lines(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def loses(text: str, format: str = "") -> str:
    """The first character that stdout cannot write as it is; empty where it writes all exactly."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if format in _EXACT:
        return ""
    try:
        text.encode(encoding)
    except UnicodeEncodeError as err:
        return text[err.start]
    return ""


def unheard() -> bool:
    """Whether something that was said on stderr could not be."""
    raw = getattr(getattr(sys.stderr, "buffer", None), "raw", None)
    return isinstance(raw, _Narration) and raw.lost


def let_go_of_stdout() -> None:
    """Have Python's own flush at exit go nowhere, once stdout has failed."""
    try:
        sys.stdout.flush()
    except (OSError, ReaderLeft):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Data(io.FileIO):
    """stdout, which tells a reader that has left from all else that may be wrong."""

    def write(self, data: Any) -> int:
        """Write as much as there is room for."""
        try:
            return super().write(data)
        except BrokenPipeError:
            raise ReaderLeft from None


class _Narration(io.FileIO):
    """A stream that is written to as long as it can be."""

    lost = False

    def write(self, data: Any) -> int:
        """Pass it on, or over."""
        try:
            return super().write(data) or 0
        except OSError:
            self.lost = True
            return len(memoryview(data).cast("B"))


class _Closed(io.RawIOBase):
    """stdout where it was closed: the first write says so."""

    _told = False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, data: Any) -> int:
        if not self._told:
            self._told = True
            raise OSError(errno.EBADF, "cannot write the answer: stdout is closed")
        return len(memoryview(data).cast("B"))


def _through(raw: io.FileIO, encoding: str) -> io.TextIOWrapper:
    """A stream as Python makes it, over a file of our own kind."""
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="explorer.letters",
        line_buffering=raw.isatty() or isinstance(raw, _Narration),
    )


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def _in_its_place(number: int) -> io.TextIOWrapper:
    if number == 1:
        return io.TextIOWrapper(io.BufferedWriter(_Closed()), encoding="utf-8")
    return open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False)
