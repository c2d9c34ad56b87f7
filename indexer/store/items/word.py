"""Words: strings of tokens that were run through the model, or imported; each a row of a space."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from indexer.store.catalog import Catalog
from indexer.store.items.kind import Kind, Whole, given, one_of
from indexer.store.spaces import SpaceEntry

_COLUMNS = "id, text, token_ids, sink, also"
_CONTAINING = """
SELECT text FROM word WHERE contains(text, ?)
ORDER BY starts_with(text, ?) DESC, zipf DESC, id LIMIT 1
"""
_BETWEEN = "\0"
"""Stands between words that are searched as one text; no word holds it."""
_SPELLED = "list_has_any(also, ?::VARCHAR[])"


@dataclass(frozen=True)
class Word:
    """One indexed word.

    Attributes:
        id: its row in spaces of words.
        text: as written, without a leading space.
        token_ids: its tokens.
        sink: by context space in order of depth, whether it is an attention sink there.
        also: other spellings of the same tokens.
    """

    id: int
    text: str
    token_ids: tuple[int, ...]
    sink: tuple[bool, ...] = ()
    also: tuple[str, ...] = ()


class Words(Kind):
    """The words of an index; those that were looked up are kept."""

    name, plural, table = "word", "words", "word"
    columns = ("n_tokens", "zipf")
    named_by_text = is_text = True

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self._known: dict[int, Word] = {}
        self._saying: dict[str, Word | None] = {}
        self._whole = Whole(
            catalog, self.name, "SELECT text, token_ids, sink, also, zipf FROM word ORDER BY id"
        )
        self._ids: dict[str, int] = {}
        self._joined, self._starts = "", list[int]()

    def by_id(self, ids: Iterable[int]) -> list[Word]:
        """Words by id, in the order asked."""
        wanted = [int(i) for i in ids]
        new = [i for i in set(wanted) if i not in self._known]
        if new:
            whole = self._whole.columns()
            if whole:
                self._known.update((i, word) for i in new if (word := _of_whole(whole, i)))
                return self._of_ids(self._known, wanted)
            rows = self._catalog.sql(
                f"SELECT {_COLUMNS} FROM word WHERE id IN (SELECT unnest(?))", [new]
            )
            self._known.update((row[0], _word(row)) for row in rows)
        return self._of_ids(self._known, wanted)

    def by_text(self, *texts: str) -> Word | None:
        """The word written exactly as the first of some texts that any is, or None.

        A word of which several spellings are the same tokens is found by each of them.
        """
        self._find(texts)
        return next((w for text in texts if (w := self._saying[text]) is not None), None)

    def look_up(self, texts: Sequence[str]) -> list[Word]:
        """Find the words of some texts at once, before they are asked for; those there are."""
        self._find(texts)
        if not self._catalog.manifest.has_model:
            self._find([f" {text}" for text in texts])
        return [word for text in texts if (word := self._saying[text]) is not None]

    def _find(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._saying]
        if not new:
            return
        whole = self._whole.columns()
        if whole:
            self._saying.update((text, _of_whole(whole, self._id_of(text, whole))) for text in new)
            return
        found: dict[str, Word | None] = dict.fromkeys(new)
        rows = self._catalog.sql(
            f"SELECT {_COLUMNS} FROM word WHERE {one_of('text', new)}", given(new)
        )
        found.update((row[1], _word(row)) for row in rows)
        missing = [text for text in new if found[text] is None]
        if missing and self._catalog.manifest.has_model:
            spelled = self._catalog.sql(f"SELECT {_COLUMNS} FROM word WHERE {_SPELLED}", [missing])
            for word in map(_word, spelled):
                found.update((text, word) for text in missing if text in word.also)
        self._saying.update(found)

    def _id_of(self, text: str, whole: dict[str, list[Any]]) -> int:
        """The word that is written so, or another spelling of whose tokens it is."""
        if not self._ids:
            self._ids = {text: i for i, text in enumerate(whole["text"])}
            if self._catalog.manifest.has_model:
                for i, spelled in enumerate(whole["also"]):
                    for also in spelled:
                        self._ids.setdefault(str(also), i)
        return self._ids.get(text, -1)

    def containing(self, piece: str) -> str | None:
        """The most frequent word that a piece is of, one that begins with it first; or None."""
        whole = self._whole.columns()
        if not whole:
            rows = self._catalog.sql(_CONTAINING, [piece, piece])
            return rows[0][0] if rows else None
        if not self._starts:
            texts = whole["text"]
            self._joined = _BETWEEN.join(texts)
            self._starts = list(accumulate((len(text) + 1 for text in texts[:-1]), initial=0))
        found, at = set[int](), self._joined.find(piece)
        while at >= 0:
            found.add(bisect_right(self._starts, at) - 1)
            at = self._joined.find(piece, at + 1)
        text, zipf = whole["text"], whole["zipf"]
        best = min(found, key=lambda i: (not text[i].startswith(piece), -zipf[i], i), default=None)
        return None if best is None else str(text[best])

    def by_tokens(self, ids: Sequence[int]) -> Word | None:
        """The word that is made of some tokens, whatever its spelling, or None."""
        rows = self._catalog.sql(f"SELECT {_COLUMNS} FROM word WHERE token_ids = ?", [list(ids)])
        return _word(rows[0]) if ids and rows else None

    def like(self, text: str, limit: int = 3) -> list[str]:
        """The words spelled most like `text`, best first."""
        rows = self._catalog.sql(
            """
            SELECT text FROM word
            ORDER BY damerau_levenshtein(lower(text), lower(?)),
                     jaro_winkler_similarity(text, ?) DESC, zipf DESC, id
            LIMIT ?
            """,
            [text, text, limit],
        )
        return [row[0] for row in rows]

    def groups_of(self, text: str) -> list[str]:
        """The example groups that a word is in."""
        rows = self._catalog.sql("SELECT name FROM word_group WHERE word = ? ORDER BY name", [text])
        return [row[0] for row in rows]

    def names(self, space: SpaceEntry, ids: Sequence[int]) -> list[str]:
        """Each as it is written."""
        return [word.text for word in self.by_id(ids)]


def _word(row: tuple[Any, ...]) -> Word:
    return Word(row[0], row[1], tuple(row[2]), tuple(row[3]), tuple(row[4]))


def _of_whole(whole: dict[str, list[Any]], at: int) -> Word | None:
    """A word of a whole table of them; None where there is none of that id."""
    if not 0 <= at < len(whole["text"]):
        return None
    lists = (tuple(whole[name][at].tolist()) for name in ("token_ids", "sink", "also"))
    return _word((at, whole["text"][at], *lists))
