"""Is an index sound: every file, checksum and count.

Knows what should be there from the manifest; repairs nothing. The build runs it in a process of
its own before it seals, the same code that `indexer verify` runs later.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np

from indexer.store.errors import DamagedIndex, SemanticError
from indexer.store.layout import CATALOG, TOKENIZER, Manifest
from indexer.store.read import Index
from indexer.store.shown import one_line


def verify(
    folder: Path,
    advance: Callable[[str], None] = lambda _: None,
    trusted: Collection[str] = (),
) -> list[str]:
    """Every fault of an index, one line each, the damaged file first; empty where it is sound.

    `advance` is called with each file's name as it is taken up. Files that are `trusted` are not
    read for their checksums, only looked at for their sizes: those that another index was sealed
    with already.
    """
    try:
        manifest = Manifest.load(folder)
    except SemanticError as err:
        return [str(err)]
    faults = []
    for name, entry in manifest.files.items():
        advance(name)
        sha256 = None if name in trusted else entry.sha256
        fault = _file_fault(folder / name, entry.bytes, sha256)
        if fault:
            faults.append(f"{name}: {fault}")
    for name in (CATALOG, TOKENIZER) if manifest.has_model else (CATALOG,):
        if name not in manifest.files:
            faults.append(f"{name}: the manifest does not list it")
    return faults or _content_faults(folder, manifest)


def _file_fault(path: Path, size: int, sha256: str | None) -> str | None:
    try:
        found = path.stat().st_size
        if found != size:
            return f"{found:,} bytes where {size:,} were sealed"
        if sha256 is None:
            return None
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                return "the content is not what was sealed (SHA-256 differs)"
    except FileNotFoundError:
        return "missing"
    except OSError as err:
        return f"cannot be read: {err.strerror}"
    return None


def _content_faults(folder: Path, manifest: Manifest) -> list[str]:
    faults = []
    with Index(folder) as index:
        counts = {
            "token": manifest.model.vocabulary,
            "word": manifest.words,
            "neuron": manifest.neuron_grid.rows,
            "head": manifest.head_grid.rows if manifest.space("head.value") else 0,
        }
        try:
            for table, expected in counts.items():
                found = index.sql(f"SELECT count(*) FROM {table}")[0][0]
                if found != expected:
                    faults.append(f"{CATALOG}: table {table} has {found:,} rows, not {expected:,}")
            for entry in manifest.spaces:
                space = index.space(entry.name)
                expected = (
                    _labels(index, entry.name) if entry.item == "label" else counts[entry.item]
                )
                if entry.rows != expected:
                    faults.append(f"{entry.name}: {entry.rows:,} rows, not {expected:,}")
                shape = (space.rows.faiss_index.ntotal, space.rows.faiss_index.d)
                if shape != (entry.rows, entry.width) or space.norms.shape != (entry.rows,):
                    faults.append(f"{entry.name}: rows or norms are not of the sealed shape")
                elif not np.isfinite(space.norms).all():
                    faults.append(f"{entry.name}: a norm is not finite")
        except DamagedIndex as err:
            faults.append(str(err))
    return faults


def _labels(index: Index, space: str) -> int:
    """How many labels the catalog has of an imported space."""
    found: int = index.sql("SELECT count(*) FROM label WHERE space = ?", [space])[0][0]
    return found


if __name__ == "__main__":
    found = verify(Path(sys.argv[1]))
    print("\n".join(map(one_line, found)))
    sys.exit(1 if found else 0)
