"""Which formats there are, and which of them a file is of.

A format is a line of the tables below; what it does is in the file of its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from indexer.errors import BadVectors
from indexer.portable import gensim_file, npy, parquet, projector, safetensors_file, word2vec
from indexer.portable.contents import recognised
from indexer.portable.lines import TextReader, begins_as_text
from indexer.portable.unpacked import Unpacked, checked_encoding, unpacked
from indexer.portable.vectors import Reader, VectorSource, Writing
from indexer.store.errors import SemanticError, unknown
from indexer.store.shown import one_line
from indexer.store.vocabulary import display


@dataclass(frozen=True)
class Written:
    """How a format is written.

    Attributes:
        files: the files that make it up, from the path that was asked for.
        write: opens them; see `vectors.Writing`.
        carried: a label as the format can carry it.
        columns: whether it has room for more than labels.
    """

    files: Callable[[Path], list[Path]]
    write: Writing
    carried: Callable[[str], str]
    columns: bool = False


WRITTEN = {
    "gensim": Written(gensim_file.files, gensim_file.write, str),
    "word2vec": Written(word2vec.files, word2vec.write, display),
    "npy": Written(npy.files, npy.write, one_line),
    "safetensors": Written(safetensors_file.files, safetensors_file.write, str),
    "parquet": Written(parquet.files, parquet.write, str, columns=True),
    "projector": Written(projector.files, projector.write, one_line, columns=True),
}

_BINARY = Written(word2vec.files, word2vec.write_binary, display)

READ: dict[str, Callable[[Unpacked, VectorSource], Reader]] = {
    "npy": npy.read,
    "safetensors": safetensors_file.read,
    "word2vec": partial(word2vec.read_text, header=True),
    "word2vec-binary": word2vec.read_binary,
    "glove": partial(word2vec.read_text, header=False),
    "parquet": parquet.read,
}

ENCODING_ERRORS = ("strict", "replace", "ignore")

_BY_ROWS = ("word2vec", "word2vec-binary", "glove")
"""Formats whose first rows can be had where the rest is missing."""

_TEXT, _BINARY_FORM = "text", "word2vec-binary"
_ENDINGS = {
    ".npy": "npy",
    ".safetensors": "safetensors",
    ".parquet": "parquet",
    ".bin": "word2vec-binary",
    ".txt": _TEXT,
    ".vec": _TEXT,
    ".w2v": _TEXT,
    ".glove": "glove",
}


def written(name: str, binary: bool = False) -> Written:
    """A format to be written.

    Raises:
        SemanticError: there is none of that name, or it has no binary form.
    """
    if name not in WRITTEN:
        raise SemanticError(f"--format: {unknown('format', name, WRITTEN)}")
    if binary and name != "word2vec":
        raise SemanticError(f"--binary is a form of word2vec; leave it out for {name}")
    return _BINARY if binary else WRITTEN[name]


def opened(asked: VectorSource, name: str | None) -> tuple[str, Reader]:
    """A file of vectors and the name of its format: as asked, by its content, or by its ending.

    Raises:
        BadVectors: there is no such file, its format is not known, or it is not what it should be.
    """
    path = asked.path
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is no file" if path.exists() else "no such file"
        raise BadVectors(f"{str(path)!r}: {what}; name a file of vectors")
    if name is not None and name not in READ:
        raise BadVectors(f"--format: {unknown('format', name, READ)}")
    if asked.encoding_errors not in (None, *ENCODING_ERRORS):
        what = unknown("way", str(asked.encoding_errors), ENCODING_ERRORS)
        raise BadVectors(f"--encoding-errors: {what}")
    if asked.encoding is not None:
        asked = replace(asked, encoding=checked_encoding(asked.encoding))
    source = unpacked(path, asked.encoding or "utf-8")
    name, note = _format(source, asked, name)
    reader: Reader
    if name == _TEXT:
        reader = TextReader(source, asked)
        name = reader.format
        _only(asked, name)
    else:
        _only(asked, name)
        if source.cut and name not in _BY_ROWS:
            raise BadVectors(f"{path.name}: {source.cut}")
        reader = READ[name](source, asked)
    if note:
        reader.notes.insert(0, f"{path.name} is read as {name}, by its content")
    return name, reader


def _format(source: Unpacked, asked: VectorSource, name: str | None) -> tuple[str, bool]:
    """The format of a file, `_TEXT` for either kind of text, and whether its name says otherwise.

    Raises:
        BadVectors: it is of a format that is not read, or cannot be told.
    """
    told, path = recognised(source.head), asked.path
    inside = " compressed by gzip" if source.packed else ""
    if told is not None and (told.format is None or name not in (None, told.format)):
        advice = told.advice or (f"--format {told.format}" if told.format else "")
        raise BadVectors(f"{path.name} is {told.what}{inside}" + (f": {advice}" if advice else ""))
    if name is not None:
        return name, False
    ending = (path.with_suffix("") if source.packed and path.suffix == ".gz" else path).suffix
    by_name = _ENDINGS.get(ending.lower())
    if told is not None and told.format is not None:
        return told.format, by_name != told.format
    text = begins_as_text(source.head)
    if by_name in (None, _TEXT, _BINARY_FORM) and text is not None:
        found = _TEXT if text else _BINARY_FORM
        return found, by_name != found
    if by_name is None:
        raise BadVectors(
            f"{path.name}: neither the ending {ending!r} nor the first bytes tell a format; "
            f"say which it is with --format {'|'.join(READ)}"
        )
    return by_name, False


_OPTIONS = {
    "--labels": ("npy", "safetensors"),
    "--transpose": ("npy", "safetensors"),
    "--tensor": ("safetensors",),
    "--label-column": ("parquet",),
    "--vector-column": ("parquet",),
    "--encoding": ("npy", "safetensors", "word2vec", "word2vec-binary", "glove"),
    "--encoding-errors": ("npy", "safetensors", "word2vec", "word2vec-binary", "glove"),
}


def _only(asked: VectorSource, name: str) -> None:
    """Refuse what a format has no use for."""
    for option, formats in _OPTIONS.items():
        given = getattr(asked, option.removeprefix("--").replace("-", "_"))
        if given and name not in formats:
            where = " and ".join(filter(None, [", ".join(formats[:-1]), formats[-1]]))
            raise BadVectors(f"{option} is for {where}; {name} has no use of it")
