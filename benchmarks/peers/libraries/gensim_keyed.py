"""gensim's KeyedVectors, norms computed before they are saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.peers.libraries.library import Found, K, Library
from benchmarks.peers.rows import LABELS, VECTORS, read_names


class Gensim(Library):
    """`most_similar`."""

    title = "gensim, `most_similar`"
    package = "gensim"

    def make(self, rows: Path, folder: Path) -> None:
        """A pickle with names and norms, and the array beside it."""
        from gensim.models import KeyedVectors

        vectors = np.load(rows / VECTORS, mmap_mode="r")
        names = read_names(rows / LABELS)
        keyed = KeyedVectors(vectors.shape[1])
        keyed.index_to_key, keyed.next_index = names, len(names)
        keyed.key_to_index = {name: row for row, name in enumerate(names)}
        keyed.vectors = vectors
        # As `fill_norms`, a block at a time: it squares all of them at once.
        keyed.norms = np.concatenate(
            [
                np.linalg.norm(vectors[first : first + 65_536], axis=1)
                for first in range(0, len(vectors), 65_536)
            ]
        )
        keyed.save(str(folder / "rows.kv"), separately=["vectors"])

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """Load it, the array mapped for one answer."""
        from gensim.models import KeyedVectors

        self._keyed = KeyedVectors.load(str(folder / "rows.kv"), mmap="r" if cold else None)
        self._keyed.fill_norms()

    def near(self, word: str) -> Found:
        """It leaves out the word itself."""
        return [(name, float(score)) for name, score in self._keyed.most_similar(word, topn=K)]
