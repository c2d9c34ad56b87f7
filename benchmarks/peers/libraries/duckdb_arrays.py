"""DuckDB: a column of arrays, ordered by the inner product."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.libraries.library import Found, K, Library

_ASKED = f"""
SELECT name, array_inner_product(vector, (SELECT vector FROM rows WHERE name = $word)) AS score
FROM rows WHERE name <> $word ORDER BY score DESC LIMIT {K}
"""


class Arrays(Library):
    """`array_inner_product` of every row, in one statement."""

    title = "DuckDB, `array_inner_product`"
    package = "duckdb"

    def make(self, rows: Path, folder: Path) -> None:
        """One table, written in one statement."""
        import duckdb

        from benchmarks.peers.libraries.arrow_blocks import blocks

        with duckdb.connect(str(folder / "rows.duckdb")) as con:
            con.register("blocks", blocks(rows))
            con.execute("CREATE TABLE rows AS SELECT * FROM blocks")

    def open(self, rows: Path, folder: Path, cold: bool) -> None:
        """Connect; it keeps in memory what it has read, as far as its limit allows."""
        import duckdb

        self._con = duckdb.connect(str(folder / "rows.duckdb"), read_only=True)

    def near(self, word: str) -> Found:
        """Word to names in the same statement."""
        found: Found = self._con.execute(_ASKED, {"word": word}).fetchall()
        return found
