"""What a file is, told by its first bytes, whatever its name says.

Knows the signs that formats begin with; reads nothing beyond them, and opens nothing that could run
code.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

HEAD = 4096
"""Bytes that are enough to tell by."""


@dataclass(frozen=True)
class Kind:
    """What a file was recognised as.

    Attributes:
        what: in words: `a pickle of Python's`.
        format: the name of the format that reads it, or None where none does.
        advice: what a person can do about a file that is not read.
    """

    what: str
    format: str | None = None
    advice: str = ""


GZIP = Kind("a file compressed by gzip")
UTF16 = Kind("a text in UTF-16", advice="say so with --encoding utf-16")
UTF32 = Kind("a text in UTF-32", advice="say so with --encoding utf-32")

_KEYED = "open it with gensim, and save its vectors with save_word2vec_format"
_PICKLE = "pickles can run code and are not read: open it with what wrote it, and save its vectors"
_ARRAY = "save one array with numpy.save"

_SIGNS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x1f\x8b", GZIP),
    (b"\x93NUMPY", Kind("an array of NumPy", "npy")),
    (b"PAR1", Kind("a table of Parquet", "parquet")),
    (b"PARE", Kind("a table of Parquet that is encrypted", advice="save it unencrypted")),
    (b"ARROW1\0\0", Kind("a table of Arrow (Feather)", advice="save it as Parquet")),
    (b"FEA1", Kind("a table of Feather 1", advice="save it as Parquet")),
    (b"\x89HDF\r\n\x1a\n", Kind("a file of HDF5", advice="open it with h5py; " + _ARRAY)),
    (b"\xba\x16\x4f\x2f", Kind("a model of fastText", advice="its vectors are the .vec beside it, "
                               "or open it with gensim's load_facebook_vectors")),
    (b"GGUF", Kind("a model in GGUF", advice="`indexer build` takes it")),
    (b"BZh", Kind("a file compressed by bzip2", advice="decompress it first")),
    (b"\xfd7zXZ\0", Kind("a file compressed by xz", advice="decompress it first")),
    (b"\x28\xb5\x2f\xfd", Kind("a file compressed by zstd", advice="decompress it first")),
    (b"7z\xbc\xaf\x27\x1c", Kind("an archive of 7-Zip", advice="unpack it first")),
    (b"Rar!", Kind("an archive of RAR", advice="unpack it first")),
    (b"SQLite format 3\0", Kind("a database of SQLite")),
    (b"IxF", Kind("an index of FAISS", advice="take its vectors out first; " + _ARRAY)),
    (b"%PDF-", Kind("a PDF")),
    (b"\x7fELF", Kind("a program")),
    (b"MATLAB 5.0 MAT", Kind("a file of MATLAB", advice="open it with SciPy; " + _ARRAY)),
    (b"version https://git-lfs", Kind("a pointer of Git LFS, and not the file itself",
                                      advice="fetch that with `git lfs pull`")),
    (b"\xff\xfe\0\0", UTF32),
    (b"\0\0\xfe\xff", UTF32),
    (b"\xff\xfe", UTF16),
    (b"\xfe\xff", UTF16),
)  # fmt: skip

_OLD_PICKLE = re.compile(
    rb"(\((dp|lp|ip|tp)\d*\r?\n|\(?c[A-Za-z_][\w.]*\r?\n[A-Za-z_]\w*\r?\n|[\]})](q.|\.\Z))"
)
_CLASS = re.compile(
    rb"(?:\x80.)?(?:\x95.{8})?\(?(?:c([A-Za-z_][\w.]*)\n([A-Za-z_]\w*)\n"
    rb"|\x8c.([a-z_][\w.]*)\x94\x8c.(\w+)\x94)",
    re.S,
)


def recognised(head: bytes) -> Kind | None:
    """What begins with these bytes (`HEAD` of them, or the whole file); None where nothing tells.

    Texts of numbers have no sign of their own, and word2vec's binary form has none but its header.
    """
    row = _begins_with_a_row(head)
    for sign, kind in _SIGNS:
        if head.startswith(sign) and not (row and sign.isascii() and sign.decode().isprintable()):
            return kind
    if row:
        return None  # the first word of a text may be written as any sign is
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return _zip(head)
    if head[8:12] == b"DUCK":
        return Kind("a database of DuckDB", advice="COPY the vectors TO a Parquet file")
    if head[257:262] == b"ustar":
        return Kind("an archive of tar", advice="unpack it first")
    if _is_pickle(head):
        return _pickle(head)
    if _is_old_fasttext(head):
        return next(kind for sign, kind in _SIGNS if sign == b"\xba\x16\x4f\x2f")
    if _is_safetensors(head):
        return Kind("a file of safetensors", "safetensors")
    if re.match(rb"(\xef\xbb\xbf)?\s*<(!doctype|html|\?xml)", head, re.I):
        return Kind(
            "a page of HTML or XML, not a file of vectors", advice="look how it was fetched"
        )
    if re.match(rb"\s*[\[{]\s*[\"\[{]", head):
        return Kind("a text of JSON", advice="save its vectors with numpy.save, or as Parquet")
    return None


def _begins_with_a_row(head: bytes) -> bool:
    """Whether the first line is a word and numbers, or two numbers."""
    line, newline, _ = head.partition(b"\n")
    fields = line.split()
    if not newline and len(head) >= HEAD:
        fields = fields[:-1]  # cut where the head ends
    return len(fields) > 1 and re.fullmatch(rb"[-+.\deE]*\d[-+.\deE]*", fields[-1]) is not None


def _zip(head: bytes) -> Kind:
    length = int.from_bytes(head[26:28], "little")
    first = head[30 : 30 + length]
    if first.endswith(b".npy"):
        return Kind("an archive of NumPy's arrays (.npz)", advice=_ARRAY)
    if first.endswith(b"/data.pkl"):
        return Kind("a file of PyTorch, which holds a pickle", advice=_PICKLE)
    if first == b"config.json" or first.endswith(b".keras"):
        return Kind("a model of Keras", advice=_ARRAY)
    return Kind("a zip archive", advice="unpack it first")


def _is_pickle(head: bytes) -> bool:
    if len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5:
        return True
    return _OLD_PICKLE.match(head) is not None


def _pickle(head: bytes) -> Kind:
    """A pickle, with the class it begins with where that can be seen."""
    found = _CLASS.match(head)
    parts = [] if found is None else [part.decode() for part in found.groups() if part]
    named = f" ({'.'.join(parts)})" if parts else ""
    ours = bool(parts) and parts[0].startswith("gensim.")
    return Kind(f"a pickle of Python's{named}", advice=f"{_PICKLE.split(':')[0]}: {_KEYED}" if ours
                else _PICKLE)  # fmt: skip


def _is_old_fasttext(head: bytes) -> bool:
    """Models of fastText before 2017 have no sign; they begin with eight small numbers in a row."""
    if len(head) < 32:
        return False
    width, window, epochs, least, negatives, grams, loss, model = struct.unpack("<8i", head[:32])
    small = all(0 <= n <= 100_000 for n in (window, epochs, least, negatives, grams))
    return 1 <= width <= 100_000 and small and 1 <= loss <= 3 and 1 <= model <= 3


def _is_safetensors(head: bytes) -> bool:
    return 2 <= int.from_bytes(head[:8], "little") <= 100_000_000 and head[8:9] == b"{"
