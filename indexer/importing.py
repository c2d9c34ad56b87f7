"""Vectors from elsewhere become an index, or a further space of one: open, read, write, seal.

A new index has one space, whose items are words; a further space's items are labels. Nothing is
resumed: an import is over in a minute, and one that is cut short is begun again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import re
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import BadVectors, CheckFailed, IndexExists, MissingExtra
from indexer.portable.distinct import Distinct, kept_of_each
from indexer.portable.formats import opened
from indexer.portable.vectors import ROWS, Block, Float32, Reader, VectorSource
from indexer.progress import Narrator
from indexer.store.errors import MachineError, SemanticError, unknown
from indexer.store.extend import add_labels, take_over
from indexer.store.layout import (
    CATALOG,
    IMPORTED,
    ROUNDED,
    Imported,
    Manifest,
    ModelEntry,
    format_of,
)
from indexer.store.letters import composed
from indexer.store.mapped import in_order
from indexer.store.sixteen import Raw
from indexer.store.spaces import (
    EMBED,
    SPACE_NAME,
    RowType,
    SpaceEntry,
    check_store,
    named_as,
    space_table,
)
from indexer.store.swap import require_own, sweep
from indexer.store.verify import verify
from indexer.store.write import Staging, unit_rows, write_catalog
from indexer.words import zipfs

ON_DUPLICATE = ("error", "first", "last")


@dataclass(frozen=True)
class ImportRequest:
    """What was asked of an import.

    Attributes:
        vectors: the file, and what was said of it.
        root: folder of indexes.
        name: of the index.
        space: of the new space; `embed` of a new index unless given.
        format: of the file; by its ending where None.
        allow_zero: keep vectors that are zero.
        force: replace an imported space of that name.
        on_duplicate: which vector of several under one name to keep, `first` or `last`; `error`
            takes no such file.
        store: the type that rows are stored in; of 16 bits those that are not of so many are
            rounded.
    """

    vectors: VectorSource
    root: Path
    name: str
    space: str | None = None
    format: str | None = None
    allow_zero: bool = False
    force: bool = False
    on_duplicate: str = "error"
    store: RowType = "float32"


@dataclass(frozen=True)
class Kept:
    """Which rows of a file are taken.

    Attributes:
        rows: how many.
        mask: (rows of the file,) bool; None where all are.
    """

    rows: int
    mask: NDArray[np.bool_] | None = None

    def of(self, block: Block, first: int) -> tuple[Block, NDArray[np.int64]]:
        """The part of a block that is taken, and which row of the file each is."""
        rows = np.arange(first, first + len(block.labels))
        if self.mask is None:
            return block, rows
        here = np.flatnonzero(self.mask[first : first + len(rows)])
        return Block([block.labels[at] for at in here], block.vectors[here]), rows[here]


@dataclass(frozen=True)
class Composed:
    """A reader whose names have letters and marks composed (NFC), as questions have them."""

    reader: Reader

    @property
    def rows(self) -> int:
        """How many vectors it holds."""
        return self.reader.rows

    @property
    def width(self) -> int:
        """How long each is."""
        return self.reader.width

    @property
    def notes(self) -> list[str]:
        """What a person should be told of how it is read."""
        return self.reader.notes

    def place(self, row: int) -> str:
        """Where a row stands."""
        return self.reader.place(row)

    def names(self) -> Iterator[list[str]]:
        """All names, in order."""
        return ([composed(name) for name in names] for names in self.reader.names())

    def blocks(self) -> Iterator[Block]:
        """All vectors, in order."""
        for block in self.reader.blocks():
            yield Block([composed(name) for name in block.labels], block.vectors)


@dataclass
class Read:
    """What has been read so far, in columns.

    Attributes:
        labels: in order, and the row of the file each was seen in.
        norms: of the vectors, a part a block.
        zeros: rows of vectors that are zero.
        zipf: of words, how frequent each is, a part a block.
    """

    labels: Distinct = field(default_factory=Distinct)
    norms: list[Float32] = field(default_factory=list)
    zeros: list[NDArray[np.int64]] = field(default_factory=list)
    zipf: list[NDArray[np.float64]] = field(default_factory=list)


def import_vectors(request: ImportRequest, narrator: Narrator) -> tuple[Path, SpaceEntry]:
    """Make an index of a file of vectors, or put them into one as a further space.

    Returns:
        The folder of the index, and what the new space is.

    Raises:
        BadVectors: the file cannot be taken; names the line or row. Nothing is written.
        SemanticError: name or space are not to be had, or the width is another.
    """
    start = time.monotonic()
    if request.on_duplicate not in ON_DUPLICATE:
        raise SemanticError(f"--on-duplicate: {unknown('way', request.on_duplicate, ON_DUPLICATE)}")
    check_store(request.store)
    if request.vectors.limit is not None and request.vectors.limit < 1:
        raise SemanticError("--limit: give how many vectors to take, 1 or more")
    sweep(request.root)
    format, found = opened(request.vectors, request.format)
    reader = Composed(found)
    kept = _kept(request, reader)
    created, how = _now(), _how(request, reader, kept)
    with _staged(request) as staging, ThreadPoolExecutor(1, "checksum") as aside:
        checksum = aside.submit(_sha256, request.vectors.path)
        target = request.root / request.name
        old = Manifest.load(target) if target.exists() else None
        if old is not None:
            require_own(target)
        entry = _entry(request, reader, kept, old)
        _require_room(staging.folder, entry, old)
        said = _say(reader.notes, narrator)
        linked = take_over(target, old, staging.folder, entry.name) if old is not None else []
        read = _written(request, reader, kept, entry, staging, narrator)
        _say(reader.notes[said:], narrator)
        origin = Imported(request.vectors.path.name, checksum.result(), format, created, how)
        narrator.say("writing the catalog")
        if old is not None:
            manifest = _extended(old, entry, origin, staging.rounded(entry.name))
            add_labels(staging.folder, entry, read.labels.texts, np.concatenate(read.norms))
        else:
            manifest = _new_manifest(request, entry, origin, staging.rounded(entry.name))
            _write_words(staging.folder, manifest, read)
            manifest = dataclasses.replace(manifest, seconds={"import": _since(start)})
        staging.write_manifest(_with_files(manifest, staging, entry))
        faults = verify(staging.folder, trusted=linked)
        if faults:
            raise CheckFailed(f"the index failed its own verification: {faults[0]}")
        return staging.seal(), entry


@contextmanager
def _staged(request: ImportRequest) -> Iterator[Staging]:
    """The folder under way; nothing of it is left where something went wrong."""
    # No two imports are the same, so that what one left behind is never taken up.
    staging = Staging(request.root, request.name, secrets.token_hex(), "importing")
    try:
        yield staging
    except BaseException:
        staging.discard()
        raise
    finally:
        staging.close()


# -- what may be imported -------------------------------------------------------------------


def _kept(request: ImportRequest, reader: Reader) -> Kept:
    """Which rows are taken: of several under one name, the one that was asked for.

    Where a name twice is an error, names are not looked at before the vectors are read.
    """
    if request.on_duplicate == "error":
        return Kept(reader.rows)
    mask = kept_of_each(reader.names(), reader.rows, last=request.on_duplicate == "last")
    return Kept(int(mask.sum()), mask)


def _how(request: ImportRequest, reader: Reader, kept: Kept) -> str:
    """How a file was read, where it was not taken as it is."""
    asked, parts = request.vectors, []
    if asked.limit is not None:
        parts.append(f"the first {reader.rows:,} vectors")
    if kept.rows < reader.rows:
        parts.append(
            f"{reader.rows - kept.rows:,} duplicates left out, the {request.on_duplicate} kept"
        )
    if asked.encoding is not None or asked.encoding_errors is not None:
        errors = asked.encoding_errors or "strict"
        parts.append(f"names as {asked.encoding or 'utf-8'} ({errors})")
    return "; ".join([*parts, *reader.notes])


def _say(notes: list[str], narrator: Narrator) -> int:
    for note in notes:
        narrator.say(note)
    return len(notes)


def _entry(request: ImportRequest, reader: Reader, kept: Kept, old: Manifest | None) -> SpaceEntry:
    """What the new space will be.

    Raises:
        IndexExists: it is there already, or no space is named for an index that is.
        SemanticError: its name is not to be had, or its vectors have another width.
    """
    if old is None:
        name, population = request.space or EMBED, "imported words"
        _require_wordfreq()
        if name != EMBED:
            _check_name(name)
    else:
        if request.space is None:
            raise IndexExists(
                f"index {request.name!r} is there already: name the new space with --space, such "
                "as sae.decoder, or give the new index another --name"
            )
        name, population = request.space, "labels"
        _check_new(request, name, old)
        if reader.width != old.model.d_model:
            raise SemanticError(
                f"{request.vectors.path.name} holds vectors {reader.width:,} wide, and those of "
                f"index {request.name!r} are {old.model.d_model:,} wide"
                + (
                    "; its columns are: --transpose"
                    if reader.rows == old.model.d_model and not request.vectors.transpose
                    else ""
                )
            )
    return SpaceEntry(
        name=name,
        kind="embed" if old is None else "imported",
        layer=None,
        side=None,
        item="word" if old is None else "label",
        dtype=request.store,
        rows=kept.rows,
        width=reader.width,
        measure="cosine",
        population=population,
        population_rows=kept.rows,
    )


def _check_new(request: ImportRequest, name: str, old: Manifest) -> None:
    """Raise where a space of that name cannot be put into an index that is there."""
    same = next((s for s in old.spaces if s.name.casefold() == name.casefold()), None)
    if same is not None and same.kind != "imported":
        raise IndexExists(
            f"--space {name}: index {request.name!r} was made with the space {same.name!r}, which "
            "an import does not replace; give another name, such as sae.decoder"
        )
    _check_name(name)
    if same is not None and (same.name != name or not request.force):
        raise IndexExists(
            f"--space {name}: index {request.name!r} has the space {same.name!r} already, imported "
            f"from {old.imported[same.name].file}; --force replaces it"
        )


def _check_name(name: str) -> None:
    """Raise unless a space can be named so: in an expression, and as a file."""
    if not SPACE_NAME.fullmatch(name):
        raise SemanticError(
            f"a space cannot be named {name!r}: use letters, digits, '.', '_' and '-', and no end "
            "such as -00001-of-00002 (--space)"
        )
    kind = named_as(name)
    if kind is not None:
        raise SemanticError(
            f"--space {name}: names that begin with {kind!r} are kept for what a model has; "
            "give another, such as sae.decoder"
        )


def _require_wordfreq() -> None:
    if importlib.util.find_spec("wordfreq") is None:
        raise MissingExtra(
            "how frequent the words are is taken from wordfreq: install the extra with "
            "`pip install 'semantic-explorer[index]'`"
        )


def _require_room(folder: Path, entry: SpaceEntry, old: Manifest | None) -> None:
    """Fail before the work, not at the end of it, where the disk is clearly too small."""
    numbers = 4 if entry.dtype == "float32" else 2
    needed = entry.rows * (entry.width + 32) * (numbers + 1) + 16_000_000  # rows, and their codes
    needed += old.files[CATALOG].bytes if old is not None else 0
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise MachineError(
            f"the space needs about {needed / 1e9:.1f} GB and {folder.parent}/ has "
            f"{free / 1e9:.1f} GB free"
        )


# -- reading and writing --------------------------------------------------------------------


def _written(
    request: ImportRequest,
    reader: Reader,
    kept: Kept,
    entry: SpaceEntry,
    staging: Staging,
    narrator: Narrator,
) -> Read:
    """Every block of the file, checked, made unit and written."""
    file, read, first = request.vectors.path.name, Read(), 0
    writer = staging.rows(entry.name, entry.rows, entry.width, dtype=entry.dtype)
    holds = 2 * 4 * entry.width * ROWS  # as they are in the file, and of length 1

    def write(part: _Part) -> Float32:
        """Write the unit rows of a part; returns the norms."""
        unit, norms = unit_rows(part.block.vectors)
        writer.put(part.at, unit, Raw(part.block.vectors))
        return norms

    with narrator.bar(f"reading {file}"[:22], reader.rows, "vectors") as bar:
        for part, norms in in_order(_parts(reader, kept), write, holds):
            block, rows = part.block, part.rows
            _check_block(file, reader, block, rows, norms, read)
            read.norms.append(norms)
            read.zeros.append(rows[norms == 0])
            if len(read.zeros[-1]) and not request.allow_zero:
                raise BadVectors(
                    f"{file}: {reader.place(int(read.zeros[-1][0]))}: a vector of zeros, which has "
                    "no direction; --allow-zero keeps it, and every cosine with it is 0"
                )
            if entry.item == "word":
                read.zipf.append(np.array(zipfs(block.labels)))
            first += part.read
            bar.update(part.read)
    if first != reader.rows:
        raise BadVectors(f"{file}: {first:,} vectors where there should be {reader.rows:,}")
    if kept.rows < reader.rows:
        narrator.say(
            f"{reader.rows - kept.rows:,} vectors have a name that another has too: the "
            f"{request.on_duplicate} of each is kept"
        )
    zeros = np.concatenate(read.zeros)
    if len(zeros):
        narrator.say(
            f"{len(zeros):,} vectors are zero (the first: {reader.place(int(zeros[0]))}): "
            "every cosine with them is 0"
        )
    staging.finish_space(entry, writer, np.concatenate(read.norms))
    return read


@dataclass(frozen=True)
class _Part:
    """What is taken of a block that was read.

    Attributes:
        block: labels and vectors.
        rows: (n,) int64, which row of the file each is.
        at: which row of the space the first is.
        read: how many vectors of the file were read for it.
    """

    block: Block
    rows: NDArray[np.int64]
    at: int
    read: int


def _parts(reader: Reader, kept: Kept) -> Iterator[_Part]:
    """All of a file that is taken, in order."""
    first = written = 0
    for whole in reader.blocks():
        block, rows = kept.of(whole, first)
        yield _Part(block, rows, written, len(whole.labels))
        first += len(whole.labels)
        written += len(rows)


def _check_block(
    file: str,
    reader: Reader,
    block: Block,
    rows: NDArray[np.int64],
    norms: Float32,
    read: Read,
) -> None:
    """Raise unless labels are new and not empty, and numbers finite; take the labels in.

    A number that is not finite makes the length of its vector none; so may numbers alone that
    float32 has.
    """
    finite = None if np.isfinite(norms).all() else np.isfinite(block.vectors).all(axis=1)
    if finite is not None and not finite.all():
        wrong = int(np.flatnonzero(~finite)[0])
        values = block.vectors[wrong]
        at = int(np.flatnonzero(~np.isfinite(values))[0])
        raise BadVectors(
            f"{file}: {reader.place(int(rows[wrong]))}: number {at + 1} of "
            f"{block.labels[wrong][:40]!r} is {values[at]} in float32"
        )
    bad = _first_no_label(block.labels)
    again = read.labels.add(block.labels[:bad], rows[:bad])
    if again is not None:
        raise BadVectors(
            f"{file}: {reader.place(int(rows[again.at]))}: label {block.labels[again.at][:40]!r} "
            f"stands in {reader.place(again.row)} already; --on-duplicate first or last keeps one "
            "of them"
        )
    if bad is not None:
        label = block.labels[bad]
        said = f"label {label[:40]!r} is not text" if label else "an empty label"
        raise BadVectors(f"{file}: {reader.place(int(rows[bad]))}: {said}")


def _first_no_label(labels: list[str]) -> int | None:
    """The first of some labels that is empty or holds half of a character; None where none is."""
    try:
        "".join(labels).encode()
        if all(labels):
            return None
    except UnicodeEncodeError:
        pass
    halves = re.compile("[\ud800-\udfff]")
    return next(at for at, label in enumerate(labels) if not label or halves.search(label))


def _write_words(folder: Path, manifest: Manifest, read: Read) -> None:
    """The catalog of a new index: its one space, its words and where they came from."""
    rows, origin = manifest.words, manifest.imported[manifest.embed.name]
    write_catalog(
        folder,
        {
            "space": space_table(manifest.spaces),
            "word": {
                "id": np.arange(rows),
                "text": read.labels.texts,
                "also": "[]",
                "n_tokens": "0",
                "token_ids": "[]",
                "zipf": np.concatenate(read.zipf),
                "sink": "[]",
            },
            "build": {
                "created": [manifest.created],
                "model": [origin.file],
                "revision": [""],
                "weights_sha256": [origin.sha256],
                "options": [json.dumps({"from": origin.format, "read": origin.read})],
                "versions": ["{}"],
                "seconds": ["{}"],
                "total_seconds": [0.0],
            },
        },
        modelled=False,
    )


# -- manifests ------------------------------------------------------------------------------


def _new_manifest(
    request: ImportRequest, entry: SpaceEntry, origin: Imported, rounded: int
) -> Manifest:
    """The manifest of an index with no model behind it, but for its files."""
    return Manifest(
        name=request.name,
        created=origin.created,
        model=ModelEntry(
            source=f"none: vectors of {origin.file}",
            family="imported vectors",
            revision="",
            weights_sha256=origin.sha256,
            n_layers=0,
            d_model=entry.width,
            n_heads=0,
            d_head=0,
            vocabulary=0,
            gated=False,
            tied=True,
            encoder=False,
            unembedding=None,
        ),
        dtype="float32",
        device="cpu",
        seed=0,
        layers=(),
        neurons=(),
        words=entry.rows,
        firing=False,
        prefix=None,
        conventions={},
        spaces=(entry,),
        files={},
        versions=_versions(),
        check={},
        seconds={},
        fingerprint=origin.sha256,
        format=format_of([entry]),
        extra={IMPORTED: {entry.name: vars(origin)}, **_rounded({entry.name: rounded})},
    )


def _rounded(rows: dict[str, int]) -> dict[str, dict[str, int]]:
    """What a manifest's `extra` says of rows that are rounded, by space; nothing of none."""
    some = {name: count for name, count in rows.items() if count}
    return {ROUNDED: some} if some else {}


def _extended(old: Manifest, entry: SpaceEntry, origin: Imported, rounded: int) -> Manifest:
    """The manifest of an index with one more space; all it was sealed with stays."""
    kept = {name: vars(one) for name, one in old.imported.items()}
    replaced = [s for s in old.spaces if s.name == entry.name]
    gone = {name for space in replaced for name in old.files_of(space)}
    spaces = (*(s for s in old.spaces if s.name != entry.name), entry)
    extra = {name: said for name, said in old.extra.items() if name != ROUNDED}
    return dataclasses.replace(
        old,
        format=format_of(spaces),  # whatever it was: the new space may lie in several files
        files={name: file for name, file in old.files.items() if name not in gone},
        spaces=spaces,
        extra={
            **extra,
            IMPORTED: {**kept, entry.name: vars(origin)},
            **_rounded({**old.rounded, entry.name: rounded}),
        },
    )


def _with_files(manifest: Manifest, staging: Staging, entry: SpaceEntry) -> Manifest:
    """The manifest with the files of the new space, and the catalog as it is now."""
    finished = staging.finished(entry.name)
    assert finished is not None, "it was written just now"
    new = {**finished[1], CATALOG: staging.file_entry(CATALOG)}
    return dataclasses.replace(manifest, files={**manifest.files, **new})


def _versions() -> dict[str, str]:
    names = ("semantic-explorer", "numpy", "duckdb", "wordfreq")
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _since(start: float) -> float:
    return round(time.monotonic() - start, 2)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
