"""Tokens: the entries of the tokenizer's vocabulary, each a row of `embed` and `unembed`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from indexer.store.catalog import Catalog
from indexer.store.items.kind import Kind, Whole, given, one_of
from indexer.store.spaces import SpaceEntry
from indexer.store.vocabulary import display

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Token:
    """One entry of the vocabulary.

    Attributes:
        id: its row in spaces of tokens.
        text: what it says, its leading space written out.
        special: whether it is a control token.
    """

    id: int
    text: str
    special: bool = False

    @property
    def display(self) -> str:
        """The text with its spaces visible."""
        return display(self.text)


class Tokens(Kind):
    """The tokens of an index; those that were looked up are kept."""

    name, plural, table = "token", "tokens", "token"
    columns = ("word_like", "special")
    named_by_text = is_text = True

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        self._known: dict[int, Token] = {}
        self._saying: dict[str, Token | None] = {}
        self._whole = Whole(catalog, self.name, "SELECT text, special, byte FROM token ORDER BY id")
        self._ids: dict[str, int] = {}

    def by_id(self, ids: Iterable[int]) -> list[Token]:
        """Tokens by id, in the order asked."""
        wanted = [int(i) for i in ids]
        new = [i for i in set(wanted) if i not in self._known]
        if new:
            whole = self._whole.columns()
            if whole:
                self._known.update((i, token) for i in new if (token := _token(whole, i)))
                return self._of_ids(self._known, wanted)
            rows = self._catalog.sql(
                "SELECT id, text, special FROM token WHERE id IN (SELECT unnest(?))", [new]
            )
            self._known.update((row[0], Token(*row)) for row in rows)
        return self._of_ids(self._known, wanted)

    def by_text(self, *texts: str) -> Token | None:
        """The token that says exactly the first of some texts that any token says."""
        self.look_up(texts)
        return next((t for text in texts if (t := self._saying[text]) is not None), None)

    def look_up(self, texts: Sequence[str]) -> None:
        """Find what says some texts at once, before it is asked for."""
        new = [text for text in dict.fromkeys(texts) if text not in self._saying]
        if not new:
            return
        found: dict[str, Token | None] = dict.fromkeys(new)
        whole = self._whole.columns()
        if whole:
            self._saying.update((text, _token(whole, self._id_of(text, whole))) for text in new)
            return
        rows = self._catalog.sql(
            f"SELECT id, text, special FROM token WHERE {one_of('text', new)} "
            "ORDER BY byte DESC, id DESC",
            given(new),
        )
        # Of several the lowest id, come last, and of those a byte only where there is no other.
        found.update((row[1], Token(*row)) for row in rows)
        self._saying.update(found)

    def _id_of(self, text: str, whole: dict[str, list[Any]]) -> int:
        """The token that says a text: the lowest id, and a byte only where there is no other."""
        if not self._ids:
            ids = range(len(whole["text"]))
            for of_bytes in (False, True):
                for i in ids:
                    if whole["byte"][i] == of_bytes:
                        self._ids.setdefault(whole["text"][i], i)
        return self._ids.get(text, -1)

    def like(self, text: str, limit: int = 3) -> list[Token]:
        """The word-like tokens spelled most like `text`, best first."""
        rows = self._catalog.sql(
            """
            SELECT id, text, special FROM token WHERE word_like
            ORDER BY damerau_levenshtein(lower(trim(text)), lower(?)),
                     jaro_winkler_similarity(trim(text), ?) DESC, id
            LIMIT ?
            """,
            [text.strip(), text.strip(), limit],
        )
        return [Token(*row) for row in rows]

    @cached_property
    def word_like(self) -> NDArray[np.int64]:
        """Ids of the word-like tokens, in order: (n,) int64."""
        import numpy as np

        rows = self._catalog.sql("SELECT id FROM token WHERE word_like ORDER BY id")
        return np.array([row[0] for row in rows], np.int64)

    def names(self, space: SpaceEntry, ids: Sequence[int]) -> list[str]:
        """What each says, its leading space written out."""
        return [token.text for token in self.by_id(ids)]

    @staticmethod
    def shown(name: str) -> str:
        """A token's text with its spaces visible."""
        return display(name)

    def reference(self, space: SpaceEntry) -> NDArray[np.int64]:
        """Word-like tokens."""
        return self.word_like


def _token(whole: dict[str, list[Any]], at: int) -> Token | None:
    """A token of a whole table of them; None where there is none of that id."""
    if not 0 <= at < len(whole["text"]):
        return None
    return Token(at, whole["text"][at], whole["special"][at])
