"""How what is being written may go on: the words and tokens that begin so.

Knows the catalog's texts; knows no vector.
"""

from __future__ import annotations

from indexer.store.read import Index


def beginnings(index: Index, text: str, k: int) -> tuple[str, ...]:
    """The indexed words and word-like tokens that begin with `text`: itself, then by frequency.

    Tokens have no frequency of their own: those that are no indexed word come after the words, in
    the order of the vocabulary, which byte-pair encoding made from the frequent to the rare.
    """
    rows = index.sql(
        """
        SELECT text
        FROM (
            SELECT text, zipf, id FROM word WHERE starts_with(text, $1)
            UNION ALL
            SELECT substr(text, 2), -1, id FROM token
            WHERE word_like AND starts_with(text, ' ' || $1)
        )
        GROUP BY text
        ORDER BY text = $1 DESC, max(zipf) DESC, min(id)
        LIMIT $2
        """,
        [text, k],
    )
    return tuple(row[0] for row in rows)
