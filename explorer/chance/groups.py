"""Groups of words, and the mean pairwise score of each: of one group by hand, of thousands fast.

Knows vectors and groups as rows of word ids; knows no test and no chance. With x the m normed
vectors of a group, the mean over its m(m - 1)/2 pairs of an inner product needs no pairs:

    (|sum x|^2 - sum |x|^2) / (m (m - 1))

Distances have no such form: their pairs are looked up in a table where words are few, else scored.
"""

from __future__ import annotations

import numpy as np

from explorer.measures.measure import Measure
from explorer.products import Float64
from explorer.words import Int64, Words

_TABLE = 4096
"""Up to so many words, all distances are found once and looked up: a table of 128 MB."""

_FEW = 32
"""Words of a group up to which looking its pairs up costs less than scoring them."""

_CHEAPER = 64
"""How much faster a table's pairs are scored than those of groups one by one."""

_BYTES = 256 << 20
"""What vectors of drawn words may take at a time; groups are scored in passes that fit."""

_BATCH = 32 << 20
"""The same of groups whose pairs are scored one by one, and of their sums."""

_WORDS_AT_ONCE = 2048


def mean_score(scores: Float64) -> float:
    """Mean over the pairs of a group, a word with itself left out: (m, m) scores."""
    m = len(scores)
    return float((scores.sum() - np.trace(scores)) / (m * (m - 1)))


def mean_scores(words: Words, groups: Int64, measure: Measure) -> Float64:
    """Mean pairwise score of each group: (groups,) float64.

    Memory is bounded by `_BYTES` and a table or batch beside it, whatever the index holds.

    Args:
        words: the population.
        groups: (groups, m) ids, m at least 2, no word twice in a row.
        measure: how two words are scored, and in which space.
    """
    count, m = groups.shape
    step = max(1, _BYTES // (8 * measure.space.entry.width * m))
    # A pass need only be small where its words are many.
    if len(words) <= step * m:
        step = count
    found = np.empty(count)
    for first in range(0, count, step):
        part = groups[first : first + step]
        ids, places = np.unique(part, return_inverse=True)
        vectors = normed_vectors(words, ids, measure)
        found[first : first + step] = _means(vectors, places.reshape(part.shape), measure)
    return found


def scores_with(words: Words, ids: Int64, anchor: Float64, measure: Measure) -> Float64:
    """The score of each of some words with one normed vector: the shape of `ids`, float64.

    Args:
        words: the population.
        ids: of words, in any shape.
        anchor: (1, width) float64.
        measure: how two words are scored, and in which space.
    """
    asked, places = np.unique(ids, return_inverse=True)
    found = np.empty(len(asked))
    for first in range(0, len(asked), _WORDS_AT_ONCE):
        part = normed_vectors(words, asked[first : first + _WORDS_AT_ONCE], measure)
        found[first : first + len(part)] = measure.pairwise(part, anchor)[:, 0]
    return found[places].reshape(ids.shape)


def normed_vectors(words: Words, ids: Int64, measure: Measure) -> Float64:
    """Vectors of some words, each unit-normed in the measure's own sense: (len(ids), width)."""
    space = measure.space
    vectors = np.empty((len(ids), space.entry.width))
    for first in range(0, len(ids), _WORDS_AT_ONCE):
        part = ids[first : first + _WORDS_AT_ONCE]
        rows = words.vectors(space.name, part)
        vectors[first : first + len(part)] = measure.normed_rows(rows)
    return vectors


def _means(vectors: Float64, places: Int64, measure: Measure) -> Float64:
    """The same of groups given as rows of positions among some normed vectors."""
    if not measure.distance:
        return _summed(vectors, places)
    worth = len(vectors) ** 2 <= _CHEAPER * places.size
    if worth and len(vectors) <= _TABLE and places.shape[1] <= _FEW:
        return _looked_up(measure.pairwise(vectors, vectors), places)
    return _pair_by_pair(vectors, places, measure)


def _looked_up(table: Float64, places: Int64) -> Float64:
    m = places.shape[1]
    total: Float64 = np.zeros(len(places))
    for i in range(m):
        for j in range(i + 1, m):
            total += table[places[:, i], places[:, j]]
    total /= m * (m - 1) / 2
    return total


def _summed(vectors: Float64, places: Int64) -> Float64:
    from scipy.sparse import csr_array

    squares = np.vecdot(vectors, vectors)
    found = np.empty(len(places))
    m = places.shape[1]
    step = max(1, _BATCH // (8 * vectors.shape[1]))
    for first in range(0, len(places), step):
        part = places[first : first + step]
        edges = np.arange(0, part.size + 1, m)
        chosen = csr_array((np.ones(part.size), part.ravel(), edges), (len(part), len(vectors)))
        sums = chosen @ vectors
        above = np.vecdot(sums, sums) - squares[part].sum(axis=1)
        found[first : first + step] = above / (m * (m - 1))
    return found


def _pair_by_pair(vectors: Float64, places: Int64, measure: Measure) -> Float64:
    found = np.empty(len(places))
    m = places.shape[1]
    step = max(1, _BATCH // (8 * m * (vectors.shape[1] + m)))
    for first in range(0, len(places), step):
        members = vectors[places[first : first + step]]
        scores = measure.pairwise(members, members)
        within = scores.sum(axis=(1, 2)) - np.trace(scores, axis1=1, axis2=2)
        found[first : first + step] = within / (m * (m - 1))
    return found
