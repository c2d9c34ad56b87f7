"""Lines of a name and numbers: word2vec's text, and GloVe's, which is the same without a header.

A name may hold blanks, so the numbers are the last fields of a line, as many as vectors are wide.
The width is what the header says, or what most lines have; every line is held to it by itself.
"""

from __future__ import annotations

import codecs
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from indexer.errors import BadVectors
from indexer.portable.labels import without_blanks
from indexer.portable.unpacked import Unpacked
from indexer.portable.vectors import ROWS, Block, Float32, VectorSource

HEADER = re.compile(rb"\s*(\d{1,18})\s+(\d{1,9})\s*")
"""How many vectors, and how wide."""

_AT_ONCE = 4 << 20
_LONGEST_LINE = 1 << 24
_SAMPLE, _SAMPLED = 1000, 1 << 24
"""Lines that are looked at before anything is decided, and their bytes at most."""


class TextReader:
    """Lines of a name and numbers, with a header or without.

    Raises:
        BadVectors: it holds no vectors, or cannot be told what it holds.
    """

    def __init__(self, source: Unpacked, asked: VectorSource, header: bool | None = None) -> None:
        self._name, self._file = source.name, source.file
        self._asked = source.of_text(asked)
        self.notes: list[str] = []
        self._spaced = self._first_spaced = 0
        self._begin = 3 if source.head.startswith(codecs.BOM_UTF8) else 0
        self._end = _end(source)
        first, rest = self._sample()
        found = HEADER.fullmatch(first)
        if header and found is None:
            raise BadVectors(
                f"{self._name}: line 1 is no header of word2vec (how many vectors, how long); "
                "without one it may be GloVe's: --format glove"
            )
        self._tabs = _tabbed(rest if found is not None and rest else [first, *rest])
        said = None
        if found is not None and header is not False:
            said = self._said(found, rest, sure=header is True)
        self._header = said is not None
        begin = rest if self._header else [first, *rest]
        usual = Counter(self._numbers(line) for line in begin).most_common(1)
        self.width = usual[0][0] if usual else 0
        if said is not None:
            self.width = self._width(said[1], begin)
        lines, whole = self._count()
        self.rows = lines - self._header
        if asked.limit is not None:
            self.rows = min(self.rows, asked.limit)
        self._check_end(source, whole, None if said is None else said[0])
        if self.rows <= 0 or not self.width:
            raise BadVectors(
                f"{self._name} holds no vectors"
                + (": line 1 has no numbers" if self.rows > 0 else "")
            )
        self._parted(begin[0], 0)  # a width that no line has is told before any work

    @property
    def format(self) -> str:
        """`word2vec` with a header, `glove` without."""
        return "word2vec" if self._header else "glove"

    def place(self, row: int) -> str:
        """Lines are counted from 1."""
        return f"line {row + 1 + self._header:,}"

    def names(self) -> Iterator[list[str]]:
        """All names, in order."""
        for lines, row in self._lines():
            yield [
                self._text(self._parted(line, row + i)[0], row + i) for i, line in enumerate(lines)
            ]

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        for lines, row in self._lines():
            yield self._block(lines, row)

    # -- before anything is read --------------------------------------------------------------

    def _sample(self) -> tuple[bytes, list[bytes]]:
        """The first line, and those after it that are looked at."""
        self._file.seek(self._begin)
        lines = io.BytesIO(self._file.read(min(_SAMPLED, self._end - self._begin))).readlines()
        if self._end - self._begin > _SAMPLED and len(lines) > 1:
            lines.pop()  # cut where the sample ends
        return (lines[0] if lines else b""), lines[1:_SAMPLE]

    def _said(
        self, found: re.Match[bytes], rest: list[bytes], sure: bool
    ) -> tuple[int, int] | None:
        """What line 1 says as a header; None where it is a vector of one number, as all others.

        Raises:
            BadVectors: it may be either.
        """
        rows, width = int(found[1]), int(found[2])
        single = bool(rest) and all(self._numbers(line) == 1 for line in rest)
        if sure or not single:
            return rows, width
        if width != 1:
            return None
        if rows != len(rest) and len(rest) < _SAMPLE:
            raise BadVectors(
                f"{self._name}: line 1 is a header of {rows:,} vectors, or the vector of a word "
                f"{rows}: say which with --format word2vec or --format glove"
            )
        return rows, width

    def _width(self, said: int, lines: list[bytes]) -> int:
        """The width that a header says, or the one that all lines have where none can have that."""
        counts = {self._numbers(line) for line in lines}
        if len(counts) != 1 or (usual := counts.pop()) >= said or not usual:
            return said
        self.notes.append(
            f"{self._name}: line 1 says that vectors are {said:,} numbers long, and those that "
            f"follow are {usual:,} long: taken as {usual:,}"
        )
        return usual

    def _count(self) -> tuple[int, bool]:
        """How many lines there are, up to what was asked for, and whether that is all of them."""
        most = None if self._asked.limit is None else self._asked.limit + self._header + 1
        count, open_since, left = 0, 0, self._end - self._begin
        self._file.seek(self._begin)
        while left > 0 and (data := self._file.read(min(_AT_ONCE, left))):
            left -= len(data)
            found = data.count(b"\n")
            count += found
            open_since = len(data) - data.rfind(b"\n") - 1 if found else open_since + len(data)
            if open_since > _LONGEST_LINE:
                raise BadVectors(
                    f"{self._name}: line {count + 1:,} is over {_LONGEST_LINE:,} bytes long: "
                    "this is no text of vectors"
                )
            if most is not None and count >= most:
                return most, False
        return count + (self._end > self._begin), True

    def _check_end(self, source: Unpacked, whole: bool, said: int | None) -> None:
        """Say what is wrong with the end of the file: empty lines, or fewer than it should have.

        Raises:
            BadVectors: it is known to be cut, and not whole as far as was asked for.
        """
        limit = self._asked.limit
        self._closed = _closed(source, self._end)
        if source.cut and (limit is None or self.rows < limit):
            raise BadVectors(
                f"{self._name}: {source.cut}; {max(self.rows, 0):,} vectors come before that"
                + (f": --limit {self.rows} takes them" if self.rows > 0 else "")
            )
        if not whole or (limit is not None and said is not None and limit <= min(said, self.rows)):
            return
        if said is not None and said != self.rows:
            cut = said > self.rows and not self._closed
            self.notes.append(
                f"{self._name}: line 1 says {said:,} vectors, and {self.rows:,} follow: taken as "
                f"{self.rows:,}"
                + ("; the last line has no end, so its last number may be cut" if cut else "")
            )
        empty = _newlines(self._file, self._end, source.size) - 1
        if empty > 0 and not source.cut:
            self.notes.append(f"{self._name}: {empty:,} empty lines at its end are left out")

    # -- line by line ---------------------------------------------------------------------------

    def _lines(self) -> Iterator[tuple[list[bytes], int]]:
        """Lines of vectors, some at a time, and the row of the first."""
        row = self._spaced = 0
        self._file.seek(self._begin)
        if self._header:
            self._file.readline()
        while row < self.rows and (lines := self._file.readlines(_AT_ONCE)):
            for first in range(0, len(lines), ROWS):
                part = lines[first : first + min(ROWS, self.rows - row)]
                if part:
                    yield part, row
                row += len(part)
        note = (
            f"{self._name}: {self._spaced:,} names hold blanks (the first: "
            f"{self.place(self._first_spaced)}): the last {self.width:,} fields of a line are "
            "its numbers"
        )
        if self._spaced and note not in self.notes:
            self.notes.append(note)

    def _block(self, lines: list[bytes], row: int) -> Block:
        """The lines from row `row` on: all numbers at once, or line by line where that fails."""
        width = self.width
        parts = [self._parted(line, row + at) for at, line in enumerate(lines)]
        # Each part is `width` fields or more between single blanks, so that no line can make up
        # for another: where there are as many numbers as there should be, each has its own.
        flat = _floats(b" ".join(rest for _, rest in parts))
        if flat is None or len(flat) != len(lines) * width:
            flat = np.concatenate(
                [self._floats(rest, row + i) for i, (_, rest) in enumerate(parts)]
            )
        labels = [self._text(label, row + at) for at, (label, _) in enumerate(parts)]
        return Block(labels, flat.reshape(len(lines), width))

    def _parted(self, line: bytes, row: int) -> tuple[bytes, bytes]:
        """Name and numbers of a line, these as `width` fields or more with a blank between each."""
        width, stripped = self.width, line.rstrip()
        if self._tabs:
            label, _, rest = stripped.partition(b"\t")
            fields = rest.split()
            if len(fields) != width:
                raise self._bad_count(row, len(fields), line)
            return label, b" ".join(fields)
        if stripped.count(b" ") == width:
            label, _, rest = stripped.partition(b" ")
            if rest.count(b"  ") == 0:
                return label, rest
        fields = stripped.split()
        if line[:1].isspace() and len(fields) == width:
            return b"", b" ".join(fields)
        before = fields[:-width]
        # A number too many would pass for a name of two words.
        if not before or (len(before) > 1 and _is_number(before[-1])):
            raise self._bad_count(row, _trailing(fields), line)
        if len(before) > 1:
            self._spaced += 1
            if self._spaced == 1:
                self._first_spaced = row
        return stripped.rsplit(None, width)[0], b" ".join(fields[len(before) :])

    def _floats(self, rest: bytes, row: int) -> Float32:
        """The numbers of one line."""
        fields = rest.split()
        if len(fields) != self.width:
            raise self._bad_count(row, len(fields), rest)
        for field in fields:
            if not _is_float(field):
                shown = field[:20].decode("utf-8", "backslashreplace")
                comma = re.fullmatch(rb"[-+]?\d*,\d+", field)
                hint = "; numbers have a decimal point here, and no comma" if comma else ""
                raise self._bad(row, f"{shown!r} is not a number{hint}")
        with np.errstate(over="ignore"):  # what is too large is told as not finite
            return np.array([float(field) for field in fields], np.float32)

    def _text(self, label: bytes, row: int) -> str:
        try:
            return without_blanks(self._asked.text(label))
        except UnicodeError:
            raise self._bad(row, f"label {label[:20]!r} {self._asked.not_text}") from None

    def _numbers(self, line: bytes) -> int:
        """How many numbers a line has after its name."""
        if self._tabs:
            return len(line.partition(b"\t")[2].split())
        return _trailing(line.split())

    def _bad_count(self, row: int, count: int, line: bytes) -> BadVectors:
        if not line.strip():
            return self._bad(row, f"an empty line, where {self.width:,} numbers belong")
        said = f"{count:,} numbers where {self.width:,} belong"
        last = row == self.rows - 1 and row > 0 and not self._closed and count <= self.width
        if last:
            said += f": the file ends within this line; --limit {row} takes what comes before it"
        return self._bad(row, said)

    def _bad(self, row: int, what: str) -> BadVectors:
        return BadVectors(f"{self._name}: {self.place(row)}: {what}")


def begins_as_text(head: bytes) -> bool | None:
    """Whether a file begins with lines of a name and numbers, after a header or not.

    False where a header is followed by bytes that no text has; None where nothing can be told.
    """
    head = head.removeprefix(codecs.BOM_UTF8)
    first, newline, rest = head.partition(b"\n")
    header = newline and HEADER.fullmatch(first)
    if _is_line(rest if header else head) or (header and not rest):
        return True
    return False if header and _holds_control(rest) else None


def _is_line(text: bytes) -> bool:
    """Whether a text begins with a name and numbers."""
    line, newline, _ = text.partition(b"\n")
    if _holds_control(line):
        return False
    fields = line.split() if newline else line.split()[:-1] or line.split()
    return len(fields) > 1 and _is_float(fields[-1])


def _holds_control(text: bytes) -> bool:
    return any(byte < 32 and byte not in b"\t\r\n" for byte in text)


def _tabbed(lines: list[bytes]) -> bool:
    """Whether most lines set their name off by a tab, so that it may hold any blanks.

    They do where as many numbers follow the first tab, and none stand before it.
    """
    after: Counter[int] = Counter()
    for line in lines:
        name, tab, rest = line.rstrip().partition(b"\t")
        fields = rest.split()
        if tab and all(map(_is_float, fields)) and not _trailing(name.split()):
            after[len(fields)] += 1
    return bool(after) and after.most_common(1)[0][1] * 2 > len(lines)


def _end(source: Unpacked) -> int:
    """Where the last line that says something ends; of a cut file, the last that has its end."""
    at = source.size
    seen = not source.cut
    while at > 0:
        first = max(0, at - (1 << 16))
        source.file.seek(first)
        data = source.file.read(at - first)
        if not seen:
            newline = data.rfind(b"\n")
            seen, data = newline >= 0, data[: newline + 1]
        if seen and (kept := len(data.rstrip())):
            return first + kept
        at = first
    return 0


def _closed(source: Unpacked, end: int) -> bool:
    """Whether the last line has its newline."""
    return _newlines(source.file, end, source.size) > 0


def _newlines(file: BinaryIO, first: int, last: int) -> int:
    file.seek(first)
    return file.read(min(last - first, 1 << 20)).count(b"\n")


def _floats(text: bytes) -> Float32 | None:
    """Numbers between single blanks, by Arrow's parser (2 to 3 times NumPy's pace); None if not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        fields = pc.split_pattern(pa.array([text.decode("ascii")]), " ").flatten()
        found: Float32 = fields.cast(pa.float32()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    return found


def _is_float(field: bytes) -> bool:
    """Whether a field is written as a number; nan and inf are, and are refused later by name."""
    if b"_" in field:  # Python's own digits may have them
        return False
    try:
        float(field)
    except ValueError:
        return False
    return True


def _is_number(field: bytes) -> bool:
    """The same without nan and inf, which are words too."""
    return _is_float(field) and any(48 <= byte <= 57 for byte in field)


def _trailing(fields: list[bytes]) -> int:
    """How many numbers stand at the end of some fields, the first not counted."""
    wrong = [at for at, field in enumerate(fields[1:]) if not _is_float(field)]
    return len(fields[1:]) - (wrong[-1] + 1 if wrong else 0)
