"""usearch: its exact search over an array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.peers.libraries.library import Found, K
from benchmarks.peers.libraries.of_array import OfArray


class Exact(OfArray):
    """`search(..., exact=True)` of the array, float32, inner product; its file is the rows' own."""

    title = "usearch, `exact=True`"
    package = "usearch"
    many = True

    def near(self, word: str) -> Found:
        """A distance is 1 less the product."""
        found = self._search(self._vectors[self.numbers[word]])
        return self.named(word, found.keys.tolist(), (1 - found.distances).tolist())

    def near_each(self, words: Sequence[str]) -> list[Found]:
        """Its own batch."""
        found = self._search(self._vectors[[self.numbers[word] for word in words]])
        each = zip(words, found.keys.tolist(), (1 - found.distances).tolist(), strict=True)
        return [self.named(*one) for one in each]

    def _search(self, queries: Any) -> Any:
        from usearch.index import MetricKind, search

        return search(self._vectors, queries, K + 1, MetricKind.IP, exact=True)
