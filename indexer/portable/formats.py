"""Which formats there are, and which of them a file is of.

A format is a line of the tables below; what it does is in the file of its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from indexer.errors import BadVectors
from indexer.portable import gensim_file, npy, parquet, projector, safetensors_file, word2vec
from indexer.portable.vectors import Asked, Reader, Writing
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

READ: dict[str, Callable[[Asked], Reader]] = {
    "npy": npy.read,
    "safetensors": safetensors_file.read,
    "word2vec": partial(word2vec.read_text, header=True),
    "word2vec-binary": word2vec.read_binary,
    "glove": partial(word2vec.read_text, header=False),
    "parquet": parquet.read,
}

_TEXT = "text"
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
        raise SemanticError(f"--to: {unknown('format', name, WRITTEN)}")
    if binary and name != "word2vec":
        raise SemanticError(f"--binary is a form of word2vec; leave it out for {name}")
    return _BINARY if binary else WRITTEN[name]


def opened(asked: Asked, name: str | None) -> tuple[str, Reader]:
    """A file of vectors and the name of its format: as asked, or by its ending.

    Raises:
        BadVectors: there is no such file, its format is not known, or it is not what it should be.
    """
    path = asked.path
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise BadVectors(f"{str(path)!r}: {what}; name a file of vectors")
    if name is not None and name not in READ:
        raise BadVectors(f"--from: {unknown('format', name, READ)}")
    if name is None:
        name = _ENDINGS.get(path.suffix.lower())
        if name is None:
            raise BadVectors(
                f"{path.name}: the ending {path.suffix!r} tells no format; say which it is with "
                f"--from {'|'.join(READ)}"
            )
        if name == _TEXT:
            text = word2vec.read_text(asked)
            _only(asked, text.format)
            return text.format, text
    _only(asked, name)
    return name, READ[name](asked)


_OPTIONS = {
    "--labels": ("npy", "safetensors"),
    "--transpose": ("npy", "safetensors"),
    "--tensor": ("safetensors",),
    "--label-column": ("parquet",),
    "--vector-column": ("parquet",),
}


def _only(asked: Asked, name: str) -> None:
    """Refuse what a format has no use for."""
    for option, formats in _OPTIONS.items():
        given = getattr(asked, option.removeprefix("--").replace("-", "_"))
        if given and name not in formats:
            where = " and ".join(formats)
            raise BadVectors(f"{option} is for {where}; {name} has no use of it")
