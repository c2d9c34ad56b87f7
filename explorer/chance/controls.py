"""Words to compare with: for each word of a group, those that may stand in its place by chance.

Knows which words are alike in what a model's vectors also depend on (frequency, number of tokens,
capital, vector norm), and how groups of them are drawn; knows no measure and no test.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from explorer.errors import QueryError
from explorer.questions.choices import Control
from explorer.words import Int64, Trait, Words, how_to_have_more

CONTROLS: tuple[Control, ...] = get_args(Control)

POOL = 200
"""How many words may stand in for one: enough to vary, few enough to be alike."""

_APART = 100.0
"""What another number of tokens or another capital weighs, in standard deviations: only where
words that agree run out are others taken."""


@dataclass(frozen=True)
class Controls:
    """For each word of a group, the indexed words that may stand in its place.

    Attributes:
        how: `matched` or `random`.
        pools: for each word of the group, (pool,) int64 ids, the most alike first.
        point: (words,) int64, a number that words of the same tokens share, as `Words.same_tokens`.
    """

    how: Control
    pools: tuple[Int64, ...]
    point: Int64

    @property
    def words(self) -> Int64:
        """Every word in any pool: sorted ids, int64."""
        return np.unique(np.concatenate(self.pools))

    def draw(self, count: int, rng: np.random.Generator) -> Int64:
        """Groups of stand-ins: (count, len(pools)) int64 ids, no word twice in a row.

        Each row's places are filled one after another, each uniformly from what is left of its
        pool; where all pools are the same, that is a uniform draw without replacement. Two
        spellings of the same tokens are one word: they have one vector.
        """
        drawn = np.empty((count, len(self.pools)), np.int64)
        for place, pool in enumerate(self.pools):
            chosen = pool[rng.integers(0, len(pool), count)]
            there = self.point[drawn[:, :place]]
            while True:
                again = np.flatnonzero((there == self.point[chosen][:, None]).any(axis=1))
                if not len(again):
                    break
                chosen[again] = pool[rng.integers(0, len(pool), len(again))]
            drawn[:, place] = chosen
        return drawn


def controls(
    words: Words,
    group: Sequence[Trait],
    how: Control,
    space: str,
    left_out: Collection[int],
) -> Controls:
    """Stand-ins for the words of a group.

    `matched` takes, for each, the `POOL` words (5 for each place of a larger group) nearest in
    frequency and norm: |difference in zipf| + |difference in log norm|, each in standard
    deviations over all indexed words; those with as many tokens and the same capital before any
    others. `random` takes all words.

    Args:
        words: the population.
        group: what each word of the group is like, its norm taken in `space`.
        how: `matched` or `random`.
        space: where norms are taken.
        left_out: ids that may not stand in: the group's own words, and forms of them.

    Raises:
        QueryError: too few words are left to draw from.
    """
    point = words.same_tokens
    free = np.setdiff1d(np.arange(len(words)), np.fromiter(left_out, np.int64))
    size = max(POOL, 5 * len(group))
    least = 2 * len(group)
    if (there := len(np.unique(point[free]))) < least:
        raise QueryError(
            f"{len(group)} words need {least:,} others to be compared with, and index "
            f"{words.index.name!r} has {there:,}; {how_to_have_more(words.index)}"
        )
    if how == "random":
        return Controls(how, (free,) * len(group), point)
    norms = np.log(np.maximum(words.norms(space), 1e-12))
    traits = np.stack([words.zipf, norms], axis=1)
    scale = traits.std(axis=0)
    traits = traits / np.where(scale > 0, scale, 1.0)
    pools = []
    for one in group:
        own = np.array([one.zipf, np.log(max(one.norm, 1e-12))]) / np.where(scale > 0, scale, 1.0)
        apart = np.abs(traits[free] - own).sum(axis=1)
        apart += _APART * np.abs(words.n_tokens[free] - one.n_tokens)
        apart += _APART * (words.capital[free] != one.capital)
        pools.append(free[np.argsort(apart, kind="stable")[:size]])
    return Controls(how, tuple(pools), point)


def forms_of(words: Words, texts: Collection[str]) -> set[int]:
    """Ids of all indexed words that differ from one of some texts in case, or in nothing.

    Words of the same tokens differ in nothing that a model sees.
    """
    folded = {text.casefold() for text in texts}
    found = {at for at, text in enumerate(words.texts) if text.casefold() in folded}
    points = {int(words.same_tokens[words.ids[text]]) for text in texts if text in words.ids}
    return found | {at for at, point in enumerate(words.same_tokens.tolist()) if point in points}
