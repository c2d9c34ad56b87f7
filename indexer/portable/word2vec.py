"""word2vec's files, text and binary, and GloVe's, which is the text without a header.

A line is a label and its numbers between blanks; the binary form has the numbers as float32. So a
blank within a label is written as the visible space `␣`, and read back as a blank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from indexer.errors import BadVectors
from indexer.portable.labels import without_blanks
from indexer.portable.vectors import ROWS, Asked, Block, Float32, Labelled, Put

_HEADER = re.compile(rb"\s*(\d{1,18})\s+(\d{1,9})\s*")
_AT_ONCE = 4 << 20
_LONGEST_LINE = 1 << 24
_LONGEST_LABEL = 1 << 16


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


class TextReader:
    """Lines of a label and numbers, with a header or without.

    Raises:
        BadVectors: it holds no vectors, or not as many as its header says.
    """

    def __init__(self, path: Path, header: bool | None) -> None:
        self._path, self.notes = path, ()
        with path.open("rb") as file:
            first = file.readline(_LONGEST_LINE)
            found = _HEADER.fullmatch(first)
            if header and found is None:
                raise BadVectors(
                    f"{path.name}: line 1 is no header of word2vec (how many vectors, how long); "
                    "without one it may be GloVe's: --from glove"
                )
            self._header = found is not None and header is not False
            begin = file.readline(_LONGEST_LINE) if self._header else first
        lines = _lines(path)
        self.rows = lines - self._header
        if self._header and found is not None:
            said, self.width = int(found[1]), int(found[2])
            if said != self.rows:
                raise BadVectors(
                    f"{path.name}: line 1 says {said:,} vectors, and {self.rows:,} lines follow"
                )
        else:
            self.width = _numbers(begin)
        if not self.rows or not self.width:
            raise BadVectors(
                f"{path.name} holds no vectors" + (": line 1 has no numbers" if self.rows else "")
            )

    @property
    def format(self) -> str:
        """`word2vec` with a header, `glove` without."""
        return "word2vec" if self._header else "glove"

    def place(self, row: int) -> str:
        """Lines are counted from 1."""
        return f"line {row + 1 + self._header}"

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        row = 0
        with self._path.open("rb") as file:
            if self._header:
                file.readline()
            while lines := file.readlines(_AT_ONCE):
                for first in range(0, len(lines), ROWS):
                    part = lines[first : first + ROWS]
                    yield self._block(part, row)
                    row += len(part)

    def _block(self, lines: list[bytes], row: int) -> Block:
        """The lines from row `row` on: all numbers at once, or line by line where that fails."""
        width = self.width
        parts = [self._parted(line, row + at) for at, line in enumerate(lines)]
        flat = _floats(b" ".join(rest for _, rest in parts))
        if flat is None or len(flat) != len(lines) * width:
            flat = np.concatenate(
                [self._floats(rest, row + i) for i, (_, rest) in enumerate(parts)]
            )
        labels = [self._text(label, row + at) for at, (label, _) in enumerate(parts)]
        return Block(labels, flat.reshape(len(lines), width))

    def _parted(self, line: bytes, row: int) -> tuple[bytes, bytes]:
        """Label and numbers of a line; a label may hold blanks, so numbers are the last `width`."""
        stripped = line.rstrip()
        if stripped.count(b" ") == self.width:
            label, _, rest = stripped.partition(b" ")
            if rest.count(b"  ") == 0:
                return label, rest
        fields = stripped.split()
        unnamed = line[:1].isspace() and len(fields) == self.width
        if unnamed:
            return b"", b" ".join(fields)
        before = fields[: -self.width]
        # A number too many would pass for a label of two words.
        if not before or (len(before) > 1 and _number(before[-1])):
            found = _numbers(line)
            raise self._bad(row, f"{found:,} numbers where {self.width:,} belong")
        return stripped.rsplit(None, self.width)[0], b" ".join(fields[len(before) :])

    def _floats(self, rest: bytes, row: int) -> Float32:
        """The numbers of one line."""
        try:
            with np.errstate(over="ignore"):  # what is too large is told as not finite
                return np.array([float(field) for field in rest.split()], np.float32)
        except ValueError:
            wrong = next(field for field in rest.split() if not _number(field))
            shown = wrong[:20].decode("utf-8", "backslashreplace")
            raise self._bad(row, f"{shown!r} is not a number") from None

    def _text(self, label: bytes, row: int) -> str:
        try:
            return without_blanks(label.decode())
        except UnicodeDecodeError:
            raise self._bad(row, f"label {label[:20]!r} is not UTF-8") from None

    def _bad(self, row: int, what: str) -> BadVectors:
        return BadVectors(f"{self._path.name}: {self.place(row)}: {what}")


class BinaryReader:
    """Labels, each followed by its numbers as float32, low byte first.

    Raises:
        BadVectors: there is no header.
    """

    def __init__(self, path: Path) -> None:
        self._path, self.notes = path, ()
        with path.open("rb") as file:
            first = file.readline(64)
        found = _HEADER.fullmatch(first)
        if found is None or not first.endswith(b"\n"):
            raise BadVectors(
                f"{path.name} is no binary file of word2vec: it does not begin with how many "
                "vectors there are, and how long"
            )
        self._start = len(first)
        self.rows, self.width = int(found[1]), int(found[2])
        if not self.rows or not self.width:
            raise BadVectors(f"{path.name} holds no vectors")

    def place(self, row: int) -> str:
        """Rows are counted from 1: there are no lines."""
        return f"vector {row + 1:,}"

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        size = 4 * self.width
        with self._path.open("rb") as file:
            file.seek(self._start)
            held, at = b"", 0
            for first in range(0, self.rows, ROWS):
                count = min(ROWS, self.rows - first)
                labels, vectors = [], np.empty((count, self.width), np.float32)
                for i in range(count):
                    while (end := held.find(b" ", at)) < 0 or end + 1 + size > len(held):
                        more = file.read(max(_AT_ONCE, size))
                        if not more or (end < 0 and len(held) - at > _LONGEST_LABEL):
                            raise self._cut(first + i, end < 0)
                        held, at = held[at:] + more, 0
                    labels.append(self._label(held[at:end], first + i))
                    vectors[i] = np.frombuffer(held, "<f4", self.width, end + 1)
                    at = end + 1 + size
                yield Block(labels, vectors)
            rest = (held[at:] + file.read(64)).strip()
            if rest:
                raise BadVectors(
                    f"{self._path.name}: more follows the {self.rows:,} vectors that its header "
                    "tells of"
                )

    def _label(self, label: bytes, row: int) -> str:
        # The original program ends each vector with a newline, others do not.
        try:
            return without_blanks(label.lstrip(b"\n").decode())
        except UnicodeDecodeError:
            what = f"{self._path.name}: {self.place(row)}: label {label[:20]!r} is not UTF-8"
            raise BadVectors(what) from None

    def _cut(self, row: int, unnamed: bool) -> BadVectors:
        what = "has no label" if unnamed else "is cut short"
        return BadVectors(
            f"{self._path.name}: {self.place(row)} of {self.rows:,} {what}: "
            "the file ends, or is of another format"
        )


def read_text(asked: Asked, header: bool | None = None) -> TextReader:
    """Open a text; `header` True is word2vec's, False GloVe's, None whichever it is."""
    return TextReader(asked.path, header)


def read_binary(asked: Asked) -> BinaryReader:
    """Open a binary file."""
    return BinaryReader(asked.path)


def _lines(path: Path) -> int:
    """How many lines a file has, the last with its newline or without."""
    count, last = 0, b"\n"
    with path.open("rb") as file:
        while data := file.read(_AT_ONCE):
            count += data.count(b"\n")
            last = data[-1:]
    return count + (last != b"\n")


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


def _number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _numbers(line: bytes) -> int:
    """How many numbers a line ends with, its first field not counted."""
    fields = line.split()[1:]
    wrong = [at for at, field in enumerate(fields) if not _number(field)]
    return len(fields) - (wrong[-1] + 1 if wrong else 0)
