"""Which items of a space stand for the words of a test set, and which of them are one word.

Knows case, and the order in which items are the most frequent; knows no measure and no question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.errors import QueryError
from explorer.questions.choices import Case, Tokens
from explorer.resolve import folded
from explorer.words import Words
from indexer.store.errors import option_named
from indexer.store.items import ITEMS
from indexer.store.letters import spellings
from indexer.store.read import Index
from indexer.store.space import Space

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class Lexicon:
    """The items of a space that are words, the most frequent first.

    Attributes:
        positions: (n,) int64, their rows in the space.
        texts: what each says: a token with its leading space, a word without.
        kind: `token` or `word`.
        case: as `explorer.questions.choices.Case` has it.
        population: what these items are, in words, with their number.
    """

    positions: Int64
    texts: tuple[str, ...]
    kind: str
    case: str
    population: str

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def forms(self) -> Int64:
        """(n,) int64: items of equal number are forms of one word.

        Forms differ in case or leading space only; with `exact` each item is a word of its own.
        """
        if self.case == "exact":
            return np.arange(len(self))
        first: dict[str, int] = {}
        return np.array([first.setdefault(folded(t), at) for at, t in enumerate(self.texts)])

    @cached_property
    def _by_form(self) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for place, form in enumerate(self.forms.tolist()):
            found.setdefault(form, []).append(place)
        return found

    def same(self, place: int) -> list[int]:
        """Places of all forms of the word at one place, itself among them."""
        return self._by_form[int(self.forms[place])]

    @cached_property
    def _by_text(self) -> dict[str, int]:
        return {text: at for at, text in reversed(list(enumerate(self.texts)))}

    @cached_property
    def _by_fold(self) -> dict[str, int]:
        return {folded(text): at for at, text in reversed(list(enumerate(self.texts)))}

    def find(self, word: str) -> int | None:
        """The place of the item that stands for a word, or None.

        With `written` and `exact` the item written so, with a leading space, then without. With
        `fold` the most frequent in any case, as gensim's `case_insensitive` has it.
        """
        if self.case == "fold":
            return self._by_fold.get(folded(word))
        written = spellings(word)
        for text in (*(f" {one}" for one in written), *written):
            if text in self._by_text:
                return self._by_text[text]
        return None

    def places(self, words: Iterable[str]) -> dict[str, int]:
        """Places of those words that have one."""
        found = {word: self.find(word) for word in dict.fromkeys(words)}
        return {word: place for word, place in found.items() if place is not None}


def lexicon(
    index: Index, space: Space, tokens: Tokens, case: Case, restrict: int | None
) -> Lexicon:
    """The words of a space: of `embed` and `unembed` its tokens, of a context space its words.

    Args:
        index: the index.
        space: one of its spaces.
        tokens: in a space of tokens, `word-like` ones or `all`.
        case: as `explorer.questions.choices.Case` has it.
        restrict: only the first so many: tokens in the order of their ids, in which most
            vocabularies begin with the frequent ones; words by Zipf frequency, then id.

    Raises:
        QueryError: the space holds no words, or there is no such option.
    """
    if restrict is not None and restrict < 1:
        raise QueryError(f"{option_named('restrict', restrict)}: ask for 1 item or more")
    kind = space.entry.item
    if kind == "token":
        where = "WHERE word_like " if tokens == "word-like" else ""
        rows = index.sql(f"SELECT id, text FROM token {where}ORDER BY id")
        what = "word-like tokens" if tokens == "word-like" else "tokens"
        first = "first"
    elif kind == "word":
        words = Words(index)
        order = np.lexsort((np.arange(len(words)), -words.zipf))
        rows = [(int(at), words.texts[at]) for at in order]
        what, first = "indexed words", "most frequent"
    else:
        raise QueryError(
            f"space {space.name!r} holds {ITEMS[kind].plural} and no words: "
            "ask embed or a context space"
        )
    if not rows:
        raise QueryError(f"space {space.name!r} has no {what}")
    kept = rows[:restrict]
    population = f"{len(kept):,} {what}"
    if len(kept) < len(rows):
        population = f"{len(kept):,} {first} of {len(rows):,} {what}"
    return Lexicon(
        np.array([row[0] for row in kept], np.int64),
        tuple(row[1] for row in kept),
        kind,
        case,
        population,
    )
