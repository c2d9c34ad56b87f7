"""One more space in an index that is sealed: a new folder, which takes its place by one rename.

Files that do not change are the same files under two names (hard links), with the checksums that
they were sealed with; the catalog is copied and extended. Knows nothing of where vectors come from.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from indexer.store.catalog_file import config, opened_locked
from indexer.store.errors import MachineError
from indexer.store.files import opened
from indexer.store.layout import CATALOG, Manifest
from indexer.store.rows import Float32
from indexer.store.spaces import SpaceEntry, space_table
from indexer.store.write import insert


def take_over(old: Path, manifest: Manifest, new: Path, without: str) -> list[str]:
    """Put the files of a sealed index into a new folder; returns the names of those linked.

    Args:
        old: folder of the index.
        manifest: its manifest.
        new: the folder under way.
        without: the space that is to come, whose files stay behind where it is there already.

    Raises:
        DamagedIndex: a file is missing, or another than was sealed; or the catalog holds what is
            no table of ours.
    """
    same = [space for space in manifest.spaces if space.name == without]
    left = {name for space in same for name in manifest.files_of(space)}
    linked = []
    for name, entry in manifest.files.items():
        if name in left:
            continue
        opened(old, name, entry).close()
        if name == CATALOG:
            # Before it is opened for writing: whatever its author put in would run from then on.
            opened_locked(old, manifest).close()
            shutil.copyfile(old / name, new / name)
            continue
        _link(old / name, new / name)
        linked.append(name)
    return linked


def add_labels(folder: Path, entry: SpaceEntry, labels: Any, norms: Float32) -> None:
    """Extend the catalog in `folder` by a space whose items are labels, or put it in its place.

    Args:
        folder: one with a catalog of its own, not one that is sealed.
        entry: what the table `space` is to say.
        labels: the name of each row, a `pyarrow.ChunkedArray` of strings.
        norms: (rows,) float32, the length of each vector.

    Raises:
        MachineError: the file cannot be written, for want of room or otherwise.
    """
    import duckdb

    path = folder / CATALOG
    try:
        with duckdb.connect(str(path), config=config("400MB", threads=2)) as con:
            there = con.execute(
                "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'label'"
            ).fetchall()[0][0]
            if not there:
                con.execute((Path(__file__).parent / "labels.sql").read_text("utf-8"))
            con.execute("DELETE FROM label WHERE space = ?", [entry.name])
            con.execute("DELETE FROM space WHERE name = ?", [entry.name])
            con.execute("CHECKPOINT")  # the key of a row just deleted is still taken
            insert(con, "space", space_table([entry]))
            insert(
                con,
                "label",
                {
                    "space": f"'{entry.name}'",  # letters, digits, '.', '_' and '-' alone
                    "id": np.arange(len(labels)),
                    "text": labels,
                    "norm": norms,
                },
            )
            con.execute("CHECKPOINT")
    except duckdb.ProgrammingError:
        raise
    except duckdb.Error as err:
        raise MachineError(f"{CATALOG} cannot be written: {str(err).splitlines()[0]}") from None


def _link(source: Path, target: Path) -> None:
    """One file under two names; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
