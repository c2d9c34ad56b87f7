"""An index for a program that asks at once: its catalog is opened while NumPy and FAISS come.

Knows which of them needs little of Python: DuckDB works in a thread of its own, and what is
imported meanwhile takes about as long.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from indexer.store.catalog import Catalog
from indexer.store.layout import Manifest
from indexer.store.limits import address_space
from indexer.store.places import find_index

if TYPE_CHECKING:
    from indexer.store.read import Index


def opened_ahead(name: str | Path | None = None, root: str | Path | None = None) -> Index:
    """What `open_index` gives, and raises; whoever asks first of its catalog waits for it."""
    folder = find_index(name, root)
    catalog = Catalog(folder, Manifest.load(folder))
    if address_space() is None:  # else a thread may find no room
        catalog.open_ahead()
    import faiss  # noqa: F401  # now, not when rows are first read

    from indexer.store.read import Index

    return Index(folder, catalog)
