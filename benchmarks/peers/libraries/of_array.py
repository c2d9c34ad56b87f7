"""A library that reads the array of the rows itself: it has no file of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.peers.libraries.library import Numbered
from benchmarks.peers.rows import LABELS, VECTORS


class OfArray(Numbered):
    """One whose file is that of the rows."""

    made = False

    def make(self, rows: Path, folder: Path) -> None:
        """The array lies there already."""

    def files(self, rows: Path, folder: Path) -> list[Path]:
        """The array and its names."""
        return [rows / VECTORS, rows / LABELS]

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """Read the array, or map it for one answer."""
        self._vectors = np.load(rows / VECTORS, mmap_mode="r" if cold else None)
        self.read_names(rows)
