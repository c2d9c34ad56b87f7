"""FAISS: all rows in float32, all in float16, and a graph over them."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from benchmarks.peers.libraries.library import Found, K, Numbered
from benchmarks.peers.rows import BLOCK, VECTORS


class _Index(Numbered):
    package = "faiss-cpu"
    many = True

    def empty(self, width: int) -> Any:
        """An index without rows."""
        raise NotImplementedError

    def make(self, rows: Path, folder: Path) -> None:
        import faiss

        vectors = np.load(rows / VECTORS, mmap_mode="r")
        index = self.empty(vectors.shape[1])
        for first in range(0, len(vectors), BLOCK):
            index.add(np.ascontiguousarray(vectors[first : first + BLOCK]))
        faiss.write_index(index, str(folder / "rows.faiss"))
        self.keep_names(rows, folder)

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        import faiss

        path = str(folder / "rows.faiss")
        self._faiss = faiss
        self._index = (
            faiss.read_index(path, faiss.IO_FLAG_MMAP_IFC) if cold else faiss.read_index(path)
        )
        self.read_names(folder)
        self._cores = self._threads = os.cpu_count() or 1
        if not cold:
            self._threads = self._faster()
            self.note = f"{self._threads} thread{'s' * (self._threads > 1)} for one query"

    def _faster(self) -> int:
        """One query is faster on one thread or on all, by processor and size: tried."""
        query, taken = self._index.reconstruct(0)[None], {}
        for threads in (1, self._cores):
            self._faiss.omp_set_num_threads(threads)
            times = []
            for _ in range(5):
                start = time.perf_counter()
                self._index.search(query, K + 1)
                times.append(time.perf_counter() - start)
            taken[threads] = min(times)
        return min(taken, key=taken.__getitem__)

    def near(self, word: str) -> Found:
        self._faiss.omp_set_num_threads(self._threads)
        query = self._index.reconstruct(self.numbers[word])
        scores, found = self._index.search(query[None], K + 1)
        return self.named(word, found[0].tolist(), scores[0].tolist())

    def near_each(self, words: Sequence[str]) -> list[Found]:
        self._faiss.omp_set_num_threads(self._cores)
        queries = self._index.reconstruct_batch(np.array([self.numbers[word] for word in words]))
        scores, found = self._index.search(queries, K + 1)
        each = zip(words, found.tolist(), scores.tolist(), strict=True)
        return [self.named(*one) for one in each]


class Flat(_Index):
    """Every row, float32."""

    title = "FAISS `IndexFlatIP`"

    def empty(self, width: int) -> Any:
        """An index without rows."""
        import faiss

        return faiss.IndexFlatIP(width)


class Float16(_Index):
    """Every row, rounded to float16."""

    title = "FAISS `IndexScalarQuantizer`, float16"
    exact = False

    def empty(self, width: int) -> Any:
        """An index without rows."""
        import faiss

        kind = faiss.ScalarQuantizer.QT_fp16
        return faiss.IndexScalarQuantizer(width, kind, faiss.METRIC_INNER_PRODUCT)


class Hnsw(_Index):
    """A graph with 32 links a row, 64 rows kept in sight while it is walked."""

    title = "FAISS `IndexHNSWFlat`, M 32, efSearch 64"
    exact = False
    largest: ClassVar[int] = 262_144

    def empty(self, width: int) -> Any:
        """An index without rows."""
        import faiss

        index = faiss.IndexHNSWFlat(width, 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efSearch = 64
        return index
