"""Words parted by what they are like, so that a group of them can be tested exactly.

Knows one cut of all indexed words, the same whatever is asked; knows no measure and no test. The
words nearest to each word of a group (`explorer.chance.controls`) suit that word best, but the
middle of every trait is near to many words and its ends to few, so that groups of them differ from
groups drawn at random. Of the words of one part, each is as likely as the others, in the group and
in what is drawn in its place; that holds only if the group's own words may be drawn too, as in any
permutation test.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import ArrayLike

from explorer.chance.controls import Controls, controls
from explorer.errors import QueryError
from explorer.products import Float64
from explorer.questions.choices import Control
from explorer.words import Int64, Trait, Words, how_to_have_more
from indexer.store.errors import option_named

PART = 50
"""The fewest words of a part, or 5 for each word of a larger group: enough to vary, and alike."""


def strata(
    words: Words,
    group: Sequence[Trait],
    how: Control,
    space: str,
    left_out: Collection[int],
    own: Collection[int] = (),
) -> Controls:
    """Stand-ins for the words of a group: the words of each one's part, or with `random` all.

    All indexed words are cut by number of tokens, then by capital, wherever either side keeps
    `PART` words; then at the median of frequency or of log norm, the one that varies more, for as
    long as both halves keep as many.

    Args:
        words: the population.
        group: what each word of the group is like, its norm taken in `space`.
        how: `matched` or `random`.
        space: where norms are taken.
        left_out: ids that may not stand in, besides `own`: forms of the group's words.
        own: ids of the group's words, which may: what was asked is one of the groups that chance
            could give.

    Raises:
        QueryError: there is no such way, or too few words are left to draw from.
    """
    mine = np.fromiter(own, np.int64)
    others = {*left_out, *own}
    every = controls(words, group, "random" if how == "matched" else how, space, others)
    if how == "random":
        return Controls(how, (np.union1d(every.words, mine),) * len(group), every.point)
    size = max(PART, 5 * len(group))
    table = _table(words.n_tokens, words.capital, words.zipf, words.norms(space))
    out = np.setdiff1d(np.fromiter(left_out, np.int64), mine)
    pools = []
    for one in group:
        traits = _table(one.n_tokens, one.capital, one.zipf, one.norm)
        pools.append(np.setdiff1d(part(table, traits, size), out))
    others_of = (every.point[np.setdiff1d(pool, mine)] for pool in pools)
    if min(len(np.unique(points)) for points in others_of) < len(group):
        raise QueryError(
            f"{len(group)} words and their forms leave too few like them in index "
            f"{words.index.name!r}; "
            f"{how_to_have_more(words.index)}, or ask with {option_named('control', 'random')}"
        )
    return Controls(how, tuple(pools), every.point)


def part(table: Float64, own: Float64, size: int) -> Int64:
    """The part in which a word of some traits lies: sorted ids, `size` of them or more.

    Args:
        table: (words, 4) traits of all words, in order of importance.
        own: (4,) those of the word.
        size: the fewest words of a part.
    """
    members = np.arange(len(table))
    whole = _range(table)
    while True:
        here = table[members]
        spread = np.divide(_range(here), whole, where=whole > 0, out=np.zeros(4))
        graded = (2, 3) if spread[2] >= spread[3] else (3, 2)
        cuts = [(at, float(value)) for at in (0, 1) for value in np.unique(here[:, at])]
        cuts += [(at, float(np.median(here[:, at]))) for at in graded]
        for at, value in cuts:
            below = here[:, at] <= value
            if size <= below.sum() <= len(members) - size:
                members = members[below == (own[at] <= value)]
                break
        else:
            return members


def _range(table: Float64) -> Float64:
    """How far each trait reaches, a tenth of the words left out at either end."""
    low, high = np.quantile(table, [0.1, 0.9], axis=0)
    result: Float64 = high - low
    return result


def _table(n_tokens: ArrayLike, capital: ArrayLike, zipf: ArrayLike, norm: ArrayLike) -> Float64:
    """What words are matched on, in order of importance: (..., 4) float64."""
    log_norm = np.log(np.maximum(norm, 1e-12))
    return np.stack(np.broadcast_arrays(n_tokens, capital, zipf, log_norm), axis=-1).astype(float)
