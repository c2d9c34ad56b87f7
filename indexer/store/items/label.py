"""Labels: the names that vectors were imported under; a name of one space is nothing in another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from indexer.store.items.kind import Kind
from indexer.store.spaces import SpaceEntry


class Labels(Kind):
    """The labels of an index's imported spaces."""

    name, plural, table = "label", "labels", "label"
    named_by_text = True

    @cached_property
    def spaces(self) -> list[str]:
        """Names of the spaces whose items are labels; only these have rows in the table of them."""
        return [e.name for e in self._catalog.manifest.spaces if e.item == self.name]

    def by_id(self, space: str, ids: Iterable[int]) -> list[str]:
        """The labels of some rows of an imported space, in the order asked."""
        wanted = [int(i) for i in ids]
        known = dict(
            self._catalog.sql(
                "SELECT id, text FROM label WHERE space = ? AND id IN (SELECT unnest(?))",
                [space, wanted],
            )
        )
        return self._of_ids(known, wanted)

    def by_text(self, space: str, *texts: str) -> tuple[int, str] | None:
        """Row and label of the first of some texts that a label of the space is, or None."""
        found = self._catalog.sql(
            "SELECT id, text FROM label "
            f"WHERE text IN ({', '.join('?' * len(texts))}) AND space = ?",
            [*texts, space],
        )
        rows = [(int(row), str(text)) for row, text in found]
        return min(rows, key=lambda row: texts.index(row[1]), default=None)

    def like(self, space: str, text: str, limit: int = 3) -> list[str]:
        """The labels of a space spelled most like `text`, best first."""
        rows = self._catalog.sql(
            """
            SELECT text FROM label WHERE space = ?
            ORDER BY damerau_levenshtein(lower(text), lower(?)),
                     jaro_winkler_similarity(text, ?) DESC, id
            LIMIT ?
            """,
            [space, text, text, limit],
        )
        return [row[0] for row in rows]

    def names(self, space: SpaceEntry, ids: Sequence[int]) -> list[str]:
        """Each as it was imported."""
        return self.by_id(space.name, ids)

    def _rows_of(self, space: SpaceEntry) -> tuple[str, list[Any]]:
        return "space = ?", [space.name]
