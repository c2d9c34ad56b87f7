"""Is an index sound: every file, checksum and count.

Knows what should be there from the manifest; repairs nothing. The build runs it in a process of
its own before it seals, the same code that `indexer verify` runs later.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.store.codes import Codes, fault_of, z_fault_of
from indexer.store.coding import Source, Standardised
from indexer.store.errors import DamagedIndex, EmptyPopulation, SemanticError
from indexer.store.files import FileEntry, edges_of, open_regular
from indexer.store.items import ITEMS
from indexer.store.items.label import Labels
from indexer.store.layout import (
    CATALOG,
    NEGATIVE,
    TOKENIZER,
    UNEMBEDDING,
    Manifest,
    moments_file,
    rows_file,
)
from indexer.store.mapped import in_order
from indexer.store.read import Index
from indexer.store.rows import BLOCK, Float32
from indexer.store.shown import one_line
from indexer.store.space import Space
from indexer.store.spaces import ItemName, space_table

_READ_BYTES = 1 << 20
"""More than a checksum reads of a file at once."""


def verify(
    folder: Path,
    advance: Callable[[str], None] = lambda _: None,
    trusted: Collection[str] = (),
) -> list[str]:
    """Every fault of an index, one line each, the damaged file first; empty where it is sound.

    `advance` is called with the name of each file once it has been read. Files that are `trusted`
    are not read for their checksums, only looked at for their sizes: those that another index was
    sealed with already.
    """
    try:
        manifest = Manifest.load(folder)
    except SemanticError as err:
        return [str(err)]
    faults = []

    def fault_in(name: str) -> str | None:
        return _file_fault(folder, name, manifest.files[name], name in trusted)

    for name, fault in in_order(manifest.files, fault_in, _READ_BYTES):
        advance(name)
        if fault:
            faults.append(f"{name}: {fault}")
    expected = [CATALOG, TOKENIZER] if manifest.has_model else [CATALOG]
    for space in manifest.spaces:
        expected += [shard.file(rows_file(space.name)) for shard in manifest.shards(space)]
        expected.append(moments_file(space.name))
    expected += [NEGATIVE] if manifest.signed else []
    unembedding = manifest.model.unembedding
    expected += [UNEMBEDDING] if unembedding is not None and unembedding.arrays else []
    for name in expected:
        if name not in manifest.files:
            faults.append(f"{name}: the manifest does not list it")
    return faults or _content_faults(folder, manifest)


def _file_fault(folder: Path, name: str, entry: FileEntry, trusted: bool) -> str | None:
    try:
        with open_regular(folder / name, folder) as file:
            found = file.seek(0, os.SEEK_END)
            if found != entry.bytes:
                return f"{found:,} bytes where {entry.bytes:,} were sealed"
            file.seek(0)
            if not trusted and hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                return "the content is not what was sealed (SHA-256 differs)"
            if edges_of(file) != entry.edges:
                return "its first or last block is not what was sealed"
    except FileNotFoundError:
        return "missing"
    except OSError as err:
        return f"cannot be read: {err.strerror}"
    except ValueError as err:
        return f"cannot be read: {err}"
    return None


def _content_faults(folder: Path, manifest: Manifest) -> list[str]:
    """What checksums can't tell, since whoever made the index wrote them too."""
    faults = []
    counts = manifest.counts
    with Index(folder) as index:
        try:
            faults += _table_faults(index, counts)
        except DamagedIndex as err:
            faults.append(str(err))
        try:
            if manifest.model.unembedding is not None:
                _ = index.unembedding  # what is wrong with it is said as it is read
        except DamagedIndex as err:
            faults.append(str(err))
        for entry in manifest.spaces:
            try:
                faults += _space_faults(index.space(entry.name), index.embed, counts["token"])
            except DamagedIndex as err:
                faults.append(str(err))
    return faults


def _table_faults(index: Index, counts: Mapping[ItemName, int]) -> list[str]:
    """Tables whose rows are not as many as sealed, or whose ids lead nowhere."""
    faults = []
    for item, expected in counts.items():
        faults += _id_faults(index, ITEMS[item].table, "", expected)
    for name in index.labels.spaces:
        faults += _id_faults(index, Labels.table, name, index.space(name).entry.rows)
    for table, column, of in _REFERENCES:
        found = index.sql(
            f"SELECT count(*), min({column}) FROM {table} "
            f"WHERE {column} IS NULL OR {column} NOT BETWEEN 0 AND ?",
            [counts[of] - 1],
        )[0]
        if found[0]:
            faults.append(
                f"{CATALOG}: {table}.{column}: {found[0]:,} rows refer to no {of} "
                f"(such as {found[1]}): there are {counts[of]:,}"
            )
    wrong = index.sql(
        "SELECT count(*) FROM word WHERE len(token_ids) <> n_tokens OR len(sink) <> ? OR "
        "len(list_filter(token_ids, lambda id: id IS NULL OR id < 0 OR id >= ?)) > 0",
        [len(index.context_spaces), counts["token"]],
    )[0][0]
    if wrong:
        faults.append(f"{CATALOG}: word: the tokens or sinks of {wrong:,} words are none of ours")
    sealed = space_table(index.manifest.spaces)
    listed = index.sql(f"SELECT {', '.join(sealed)} FROM space")
    if set(listed) != set(zip(*sealed.values(), strict=True)):
        faults.append(f"{CATALOG}: table space is not what the manifest says of the spaces")
    return faults


_REFERENCES: tuple[tuple[str, str, ItemName], ...] = (
    ("neuron_token", "neuron", "neuron"),
    ("neuron_token", "token", "token"),
    ("neuron_word", "neuron", "neuron"),
    ("neuron_word", "word", "word"),
    ("word_neuron", "word", "word"),
    ("word_neuron", "neuron", "neuron"),
)
"""Columns of the catalog that hold ids of other tables: table, column, whose."""


def _id_faults(index: Index, table: str, space: str, expected: int) -> list[str]:
    """Ids of a table, or of one space's labels, that do not run from 0 through its rows."""
    where = "WHERE space = ?" if space else ""
    rows, different, least, most = index.sql(
        f"SELECT count(*), count(DISTINCT id), min(id), max(id) FROM {table} {where}",
        [space] if space else [],
    )[0]
    of = f"table {table}" + (f" of space {space}" if space else "")
    if rows != expected:
        return [f"{CATALOG}: {of} has {rows:,} rows, not {expected:,}"]
    if rows and (different, least, most) != (rows, 0, rows - 1):
        return [f"{CATALOG}: the ids of {of} do not run from 0 to {rows - 1:,}, one a row"]
    return []


def _space_faults(space: Space, embed: Space, tokens: int) -> list[str]:
    """Rows that are not unit, and arrays that are not of the space or hold what is no number."""
    faults, zero = [], space.norms == 0
    misplaced: list[NDArray[np.int64]] = []

    def look(first: int, unit: Float32) -> None:
        """Of a block, the rows whose norm alone is zero, or which alone are."""
        misplaced.append(
            first + np.flatnonzero(unit.any(axis=1) == zero[first : first + len(unit)])
        )

    looked = False
    if space.codes is not None:
        mean = np.zeros(space.entry.width)
        with contextlib.suppress(EmptyPopulation):  # what is compared with no mean needs none
            mean = space.mean
        norms, centered = space.norms, space.centered_norms
        source = Source(space.entry, space.rows.block, norms, centered, mean)
        said = fault_of(space.codes, source, space.compared, look)
        faults += [said] if said else []
        looked = not said
    if space.z_codes is not None:
        said = _z_fault(space, space.z_codes, embed)
        faults += [said] if said else []
    if not looked:

        def read(first: int) -> None:
            look(first, space.rows.block(first, min(BLOCK, space.entry.rows - first)))

        holds = 4 * space.entry.width * BLOCK
        for _ in in_order(range(0, space.entry.rows, BLOCK), read, holds):
            pass
    rows = np.concatenate(misplaced)
    if len(rows):
        row = int(rows.min())
        faults.append(
            f"{space.rows.files.name_of(row)}: row {row:,} is zero where its norm is not, or the "
            "other way round"
        )
    arrays: list[Any] = [space.centered_norms]  # what is wrong with one is said as it is read
    with contextlib.suppress(EmptyPopulation):  # of too few there are no moments to be read
        arrays += [space.mean, space.covariance]
    if space.entry.item == "neuron":
        arrays += [*space.scores_of_embed, space.nearest_tokens]
        if space.nearest_tokens.max() >= tokens:
            faults.append(
                f"{moments_file(space.name)}: nearest_tokens refers to token "
                f"{space.nearest_tokens.max():,}: there are {tokens:,}"
            )
    return faults


def _z_fault(space: Space, codes: Codes, embed: Space) -> str:
    """What is wrong with the codes of what z compares, or an empty text."""
    source = Standardised(space.entry, space.rows.block, space.z_scale)
    try:
        words, (_, means) = (embed.mean, embed.covariance), space.standardising(embed)
    except EmptyPopulation as err:
        return str(err)
    return z_fault_of(codes, source, words, means)


if __name__ == "__main__":
    found = verify(Path(sys.argv[1]))
    print("\n".join(map(one_line, found)))
    sys.exit(1 if found else 0)
