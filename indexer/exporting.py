"""The vectors of a space, in a file that another program opens: name, write, put into place.

Knows what an item is called outside and what else is known of it; each format is in `portable`.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import FileThere
from indexer.portable.formats import Written, written
from indexer.portable.labels import told_apart
from indexer.portable.vectors import ROWS, Labelled
from indexer.progress import Narrator
from indexer.store.errors import SemanticError
from indexer.store.layout import parse_layers
from indexer.store.parts import clear, prefix
from indexer.store.places import find_index
from indexer.store.read import Index
from indexer.store.space import Space

Rows = NDArray[np.int64]

_SHOWN = 3


@dataclass(frozen=True)
class ExportRequest:
    """What was asked of an export.

    Attributes:
        name: of the index, or the path of its folder.
        indexes: folder of indexes, or None for the usual ones.
        space: which space.
        format: `gensim`, `word2vec`, `npy`, `safetensors`, `parquet` or `projector`.
        target: path of the file, or of the folder for `projector`.
        binary: the binary form of `word2vec`.
        limit: only the first so many rows.
        layers: only these layers' neurons or heads.
        force: replace files that are there.
        raw_cells: of `projector`, leave names that a spreadsheet would run as they are.
    """

    name: str
    indexes: str | None
    space: str
    format: str
    target: Path
    binary: bool = False
    limit: int | None = None
    layers: str | None = None
    force: bool = False
    raw_cells: bool = False


def export(request: ExportRequest, narrator: Narrator) -> list[Path]:
    """Write a space's vectors at their own length, float32; returns the files.

    Raises:
        FileThere: a file is there already.
        SemanticError: index, space, format, limit or layers are not to be had.
    """
    how = written(request.format, request.binary)
    if not request.target.name and request.format != "projector":
        raise SemanticError(f"-o {str(request.target)!r}: that is no name of a file")
    paths = how.files(request.target)
    _require_free(paths, request)
    with Index(find_index(request.name, request.indexes)) as index:
        space = index.space(request.space)
        rows = _rows(index, space, request)
        what = _labelled(index, space, rows, how, narrator, request.raw_cells)
        with (
            _in_place(paths) as parts,
            how.write(parts, what) as put,
            narrator.bar(f"exporting {space.name}"[:22], len(rows), "vectors") as bar,
        ):
            for first in range(0, len(rows), ROWS):
                part = rows[first : first + ROWS]
                put(space.rows.take(part) * space.norms[part, None])
                bar.update(len(part))
    return paths


def _rows(index: Index, space: Space, request: ExportRequest) -> Rows:
    """Which rows: of all or some layers, and the first so many of them."""
    rows = np.arange(space.entry.rows)
    if request.layers is not None:
        kind = index.kind_of(space.entry)
        layers = kind.layers()
        if layers is None:
            raise SemanticError(
                f"--layers: space {space.name!r} holds {kind.plural}; layers are of neurons and "
                "heads"
            )
        try:
            chosen = parse_layers(request.layers, index.manifest.layers)
        except ValueError as err:
            raise SemanticError(f"--layers: {err}") from None
        rows = rows[np.isin(layers, chosen)]
    if request.limit is not None and request.limit < 1:
        raise SemanticError(f"--limit {request.limit}: ask for 1 row or more")
    return rows[: request.limit]


def _labelled(
    index: Index,
    space: Space,
    rows: Rows,
    how: Written,
    narrator: Narrator,
    raw_cells: bool,
) -> Labelled:
    """The rows' names as the format can carry them, all different, and what is known of them."""
    carried = [how.carried(name) for name in index.names(space, rows.tolist())]
    labels, changed = told_apart(carried, rows.tolist())
    if changed:
        some = ", ".join(changed[:_SHOWN]) + (", ..." if len(changed) > _SHOWN else "")
        narrator.say(
            "labels that were empty or another's already have their row's number behind them "
            f"({len(changed):,}): {some}"
        )
    columns = _columns(index, space, rows) if how.columns else {}
    return Labelled(space.name, labels, space.entry.width, columns, raw_cells)


def _columns(index: Index, space: Space, rows: Rows) -> dict[str, list[Any]]:
    """What the catalog knows of each row that suits a table, and its norm in this space."""
    kind = index.kind_of(space.entry)
    names = ("id", *kind.columns)
    found = kind.table_rows(space.entry, *names)
    kept = [found[row] for row in rows.tolist()]
    columns = {name: [row[at] for row in kept] for at, name in enumerate(names)}
    columns["norm"] = [float(norm) for norm in space.norms[rows]]
    # Without experts the column would be empty throughout.
    return {name: values for name, values in columns.items() if set(values) != {None}}


def _require_free(paths: list[Path], request: ExportRequest) -> None:
    """Refuse what would overwrite something, or lies in a folder that is not there."""
    there = [path for path in paths if path.exists() or path.is_symlink()]
    if there and not request.force:
        raise FileThere(f"{there[0]} is there already; --force replaces it")
    for path in there:
        if path.is_dir():
            raise FileThere(f"{path} is a folder; name a file with -o")
    folder = request.target.parent
    if not folder.is_dir():
        raise SemanticError(f"no folder {str(folder)!r} to write into")
    if request.format == "projector" and request.target.exists() and not request.target.is_dir():
        raise FileThere(f"{request.target} is a file; projector writes two into a folder")


@contextmanager
def _in_place(paths: list[Path]) -> Iterator[list[Path]]:
    """Paths to write to, in a hidden folder beside; renamed into place when all went well."""
    folder = paths[0].parent
    made = not folder.exists()
    folder.mkdir(exist_ok=True)
    clear(paths[0])
    part = Path(tempfile.mkdtemp(prefix=prefix(paths[0]), suffix=".part", dir=folder))
    done = False
    try:
        yield [part / path.name for path in paths]
        # The first file is the one that is opened; those that go with it are there before it.
        for path in reversed(paths):
            (part / path.name).replace(path)
        done = True
    finally:
        shutil.rmtree(part, ignore_errors=True)
        if made and not done:
            folder.rmdir()
