"""Control pairs: for every pair of some words, pairs of other words drawn to stand in for them.

Knows each word's stand-ins and the order in which they are drawn; knows no measure. Each word has
an endless row of stand-ins of its own, drawn by the seed and the word alone, and the k-th control
pair of two words is the k-th of each: so a pair has the same control pairs whatever other words
are asked with it. A draw is passed over that gives two forms of one word, or a form of a word of
the pair.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from explorer.chance.controls import POOL, controls
from explorer.errors import QueryError
from explorer.questions.choices import Control
from explorer.words import Float64, Int64, Trait, Words, how_to_have_more
from indexer.store.space import Space

DRAWS_AT_ONCE = 1024
"""A word's row is drawn in parts of so many, each from a seed of its own."""

_TOGETHER = POOL // 5
"""More words at once would each be given more stand-ins than `POOL`, less alike."""


_FEWEST = 3
"""Different stand-ins that leave two different ones where one is a form of the other word."""


@dataclass(frozen=True)
class MatchedWord:
    """A word that others are drawn to stand in for, matched on what it is like.

    Attributes:
        name: what its draws are seeded with, besides the seed.
        text: as it is written, without a leading space.
        space: where its vector is from.
        trait: what it is matched on.
    """

    name: str
    text: str
    space: str
    trait: Trait


class ControlDraws:
    """What stands in for some words, and which draws count for which pairs of them.

    Args:
        words: the population.
        asked: the words.
        how: `matched` or `random`.
        seed: of the draws.

    Raises:
        QueryError: there is no such way, or the index has too few words.
    """

    def __init__(self, words: Words, asked: Sequence[MatchedWord], how: Control, seed: int) -> None:
        self.words, self.asked, self._seed = words, asked, seed
        self._own = np.array([self._form(one.text) for one in asked])
        self._pools: list[Int64] = [np.empty(0, np.int64)] * len(asked)
        together = max(1, min(_TOGETHER, len(words) // 2))
        for space in dict.fromkeys(one.space for one in asked):
            here = [at for at, one in enumerate(asked) if one.space == space]
            for first in range(0, len(here), together):
                part = here[first : first + together]
                found = controls(words, [asked[at].trait for at in part], how, space, ())
                for at, pool in zip(part, found.pools, strict=True):
                    self._pools[at] = pool[self._forms[pool] != self._own[at]]
                    self._check(at)

    def _check(self, at: int) -> None:
        """Raise `QueryError` where draws would never give a control pair."""
        there = len(np.unique(self._forms[self._pools[at]]))
        if there < _FEWEST:
            raise QueryError(
                f"{self.asked[at].text!r} needs {_FEWEST} other words to be compared with, and "
                f"index {self.words.index.name!r} has {there}; {how_to_have_more(self.words.index)}"
            )

    @cached_property
    def _numbers(self) -> dict[str, int]:
        folded = dict.fromkeys(text.casefold() for text in self.words.texts)
        return {text: number for number, text in enumerate(folded)}

    @cached_property
    def _forms(self) -> Int64:
        """(words,) int64: a number that forms of one word share.

        Words of the same tokens are one word however they are written, and have its number.
        """
        numbers = [self._numbers[text.casefold()] for text in self.words.texts]
        return np.array(numbers)[self.words.same_tokens]

    def _form(self, text: str) -> int:
        number = self._numbers.get(text.casefold(), -1)
        at = self.words.ids.get(text)
        return number if at is None else int(self._forms[at])

    def drawn(self, part: int) -> Int64:
        """One part of every word's row of stand-ins: (DRAWS_AT_ONCE, asked) int64 ids."""
        found = np.empty((DRAWS_AT_ONCE, len(self.asked)), np.int64)
        for at, (one, pool) in enumerate(zip(self.asked, self._pools, strict=True)):
            rng = np.random.default_rng([self._seed, zlib.crc32(one.name.encode()), part])
            found[:, at] = pool[rng.integers(0, len(pool), DRAWS_AT_ONCE)]
        return found

    def counts(self, drawn: Int64, first: Int64, second: Int64) -> NDArray[np.bool_]:
        """Which draws (b, asked) give a control pair for which pairs of words: (b, pairs) bool."""
        forms = self._forms[drawn]
        one, other = forms[:, first], forms[:, second]
        found: NDArray[np.bool_] = one != other
        found &= one != self._own[second]
        found &= other != self._own[first]
        return found

    def different(self, drawn: Int64) -> int:
        """How many vectors some draws need, at most."""
        return len(np.unique(drawn)) * len({one.space for one in self.asked})

    def vectors(self, drawn: Int64) -> tuple[Float64, list[Space], Int64]:
        """The different stand-ins of some draws, each once, and where each of the draws is.

        A word that stands in for words of two spaces has a vector of each.

        Returns:
            (m, d_model) float64 vectors at their own length, the m spaces they are from, and
            (b, asked) int64 positions among them.
        """
        spaces = list(dict.fromkeys(one.space for one in self.asked))
        home = np.array([spaces.index(one.space) for one in self.asked])
        keys, where = np.unique(home * len(self.words) + drawn, return_inverse=True)
        homes, ids = np.divmod(keys, len(self.words))
        found = [self.words.vectors(name, ids[homes == at]) for at, name in enumerate(spaces)]
        opened = [self.words.index.space(name) for name in spaces]
        return np.concatenate(found), [opened[at] for at in homes], where.reshape(drawn.shape)
