"""LanceDB: a table without an index over its vectors, so that every row is scored."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.libraries.library import Found, K, Library


class Table(Library):
    """`table.search(vector)`, by inner product."""

    title = "LanceDB, no vector index"
    package = "lancedb"

    def make(self, rows: Path, folder: Path) -> None:
        """One table."""
        import lancedb

        from benchmarks.peers.libraries.arrow_blocks import blocks

        lancedb.connect(str(folder)).create_table("rows", data=blocks(rows))

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """Open the table; its file is read with each query."""
        import lancedb

        self._table = lancedb.connect(str(folder)).open_table("rows")

    def near(self, word: str) -> Found:
        """The word's own vector first; a distance is 1 less the product."""
        by_name = self._table.search().where(f"name = '{word}'").limit(1).select(["vector"])
        (own,) = by_name.to_list()
        search = self._table.search(own["vector"]).distance_type("dot").limit(K + 1)
        found = search.select(["name", "_distance"]).to_list()
        return [(row["name"], 1 - row["_distance"]) for row in found if row["name"] != word][:K]
