"""Sealing a changed index anew, as whoever made it could: its checksums, edges and seal fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from indexer.store import layout
from indexer.store.files import FileEntry
from indexer.store.layout import MANIFEST


def resealed(folder: Path, change: Callable[[dict[str, Any]], object] = lambda body: None) -> None:
    """Seal an index as it lies there, every file as it is now, and the manifest as changed."""
    body = json.loads((folder / MANIFEST).read_text())
    del body["seal"]
    for name, was in body["files"].items():
        if (folder / name).is_file():
            holds = (was.get("first_row"), was.get("rows"))
            body["files"][name] = vars(FileEntry.of(folder / name, *holds))
    change(body)
    text = json.dumps({**body, "seal": layout._seal(body)})
    (folder / MANIFEST).write_text(text)


def by_its_author(folder: Path, *statements: str) -> None:
    """Change the catalog by SQL, and seal it."""
    with duckdb.connect(str(folder / "catalog.duckdb")) as con:
        for statement in statements:
            con.execute(statement)
        con.execute("CHECKPOINT")
    resealed(folder)
