"""The indexed words as a population: what each is like, and its vector in any space.

Knows the table of words, and that a word is the mean of its tokens in a space of tokens and a row
of its own in a space of words; knows no measure and no question.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.store.groups import example_groups
from indexer.store.read import Index

Float64 = NDArray[np.float64]
Int64 = NDArray[np.int64]

_WORDS_AT_ONCE = 2048


@dataclass(frozen=True)
class Trait:
    """What words are matched on.

    Attributes:
        zipf: log10 of occurrences per thousand million words.
        n_tokens: length in tokens.
        capital: 0 for lower case, 1 for a leading capital, 2 for any other case.
        norm: Euclidean norm of its vector in a space.
    """

    zipf: float
    n_tokens: int
    capital: int
    norm: float


def how_to_have_more(index: Index) -> str:
    """How an index with more words is made, as a part of a sentence."""
    return "build one with more --words" if index.manifest.has_model else "import more words"


FEWEST = 4
"""Words of an example group that an index of vectors from elsewhere must have, to have it."""


def groups_of(index: Index) -> dict[str, list[str]]:
    """Groups of words by name: an index's own; of one without, what it has of the examples."""
    found: dict[str, list[str]] = {}
    for name, word in index.sql("SELECT name, word FROM word_group ORDER BY rowid"):
        found.setdefault(name, []).append(word)
    if found:
        return found
    examples = example_groups()
    every = [word for words in examples.values() for word in words]
    there = {
        text
        for (text,) in index.sql("SELECT text FROM word WHERE text IN (SELECT unnest(?))", [every])
    }
    known = {name: [word for word in words if word in there] for name, words in examples.items()}
    return {name: words for name, words in known.items() if len(words) >= FEWEST}


class Words:
    """All indexed words of an index; position i is the word of id i."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._norms: dict[str, Float64] = {}

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def _table(self) -> list[tuple[str, float, list[int]]]:
        return self.index.sql("SELECT text, zipf, token_ids FROM word ORDER BY id")

    @cached_property
    def texts(self) -> list[str]:
        """Each word as it is written, without a leading space."""
        return [text for text, _, _ in self._table]

    @cached_property
    def ids(self) -> dict[str, int]:
        """Ids by text and by every other spelling of the same tokens.

        Where an imported vocabulary has ` large` too, `large` means that one.
        """
        rows = self.index.sql("SELECT id, unnest(also) FROM word WHERE len(also) > 0")
        ids = {text: at for at, text in rows}
        ids |= {text: at for at, text in enumerate(self.texts)}
        return ids | {text[1:]: at for text, at in ids.items() if text.startswith(" ")}

    @cached_property
    def zipf(self) -> Float64:
        """(words,) float64: log10 of occurrences per thousand million words."""
        return np.array([zipf for _, zipf, _ in self._table])

    @cached_property
    def n_tokens(self) -> Int64:
        """(words,) int64: length in tokens."""
        return np.diff(self._offsets)

    @cached_property
    def capital(self) -> Int64:
        """(words,) int64: how each is written, as `capital_of` has it."""
        return np.array([capital_of(text) for text in self.texts])

    @cached_property
    def same_tokens(self) -> Int64:
        """(words,) int64: a number that words of the same tokens share; they are one point.

        Words that were imported have no tokens, and are each a point of their own.
        """
        first: dict[tuple[int, ...], int] = {}
        return np.array(
            [
                first.setdefault(tuple(ids), at) if ids else at
                for at, (_, _, ids) in enumerate(self._table)
            ],
            np.int64,
        )

    @cached_property
    def _offsets(self) -> Int64:
        lengths = [len(ids) for _, _, ids in self._table]
        return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    @cached_property
    def _tokens(self) -> Int64:
        return np.array([i for _, _, ids in self._table for i in ids], np.int64)

    def vectors(self, space: str, ids: Int64) -> Float64:
        """Vectors of some words at their own length: (len(ids), d_model) float64.

        In a space of words their own rows; in a space of tokens the mean of their tokens' vectors.
        """
        home = self.index.space(space)
        if home.entry.item == "word":
            return home.rows.take(ids).astype(np.float64) * home.norms[ids, None]
        found = np.empty((len(ids), home.entry.width))
        for first in range(0, len(ids), _WORDS_AT_ONCE):
            part = ids[first : first + _WORDS_AT_ONCE]
            counts = self.n_tokens[part]
            starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
            # Token k of a word that begins at position s of the flat list is at s + k.
            within = np.arange(counts.sum()) - np.repeat(starts, counts)
            tokens = self._tokens[np.repeat(self._offsets[part], counts) + within]
            rows = home.rows.take(tokens).astype(np.float64) * home.norms[tokens, None]
            found[first : first + len(part)] = np.add.reduceat(rows, starts) / counts[:, None]
        return found

    def norms(self, space: str) -> Float64:
        """Euclidean norm of every word's vector in a space: (words,) float64."""
        if space not in self._norms:
            home = self.index.space(space)
            if home.entry.item == "word":
                norms = home.norms.astype(np.float64)
            else:
                norms = home.norms.astype(np.float64)[self._tokens[self._offsets[:-1]]]
                several = np.flatnonzero(self.n_tokens > 1)
                for first in range(0, len(several), _WORDS_AT_ONCE):
                    part = several[first : first + _WORDS_AT_ONCE]
                    norms[part] = np.linalg.norm(self.vectors(space, part), axis=1)
            self._norms[space] = norms
        return self._norms[space]

    def trait(self, word: int, space: str) -> Trait:
        """What one word is like, its norm taken in a space."""
        return Trait(
            float(self.zipf[word]),
            int(self.n_tokens[word]),
            int(self.capital[word]),
            float(self.norms(space)[word]),
        )

    def trait_of(self, text: str, n_tokens: int, norm: float) -> Trait:
        """What a text is like; one that is not indexed counts as frequent as the rarest that is."""
        at = self.ids.get(text)
        rarest = float(self.zipf.min()) if len(self) else 0.0
        zipf = rarest if at is None else float(self.zipf[at])
        return Trait(zipf, n_tokens, capital_of(text), norm)


def capital_of(text: str) -> int:
    """0 for lower case (or no case at all), 1 for a leading capital alone, 2 for any other."""
    if text == text.lower():
        return 0
    return 1 if text[:1].isupper() and text[1:] == text[1:].lower() else 2
