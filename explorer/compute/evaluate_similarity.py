"""How well do the scores of pairs of words go with the ratings that people gave them?

Spearman's and Pearson's correlation over the pairs whose words both have a vector.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from explorer.compute.testset import Scope, asked_file, scope_of
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.measures.measure import Measure, pair_scores
from explorer.measures.registry import kind
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import (
    EvaluateSimilarityQuery,
    SimilarityCorrelation,
    SimilarityCorrelations,
)
from explorer.testsets.files import Pairs, read_pairs
from indexer.store.errors import option_named
from indexer.store.space import Space

FEWEST = 3
"""Pairs below which a correlation has no p."""


def answer(
    work: Workspace, query: EvaluateSimilarityQuery, progress: Progress
) -> SimilarityCorrelations:
    """A row for each space and measure.

    Raises:
        QueryError: a file, option or space that cannot be had, or no pair that is covered.
    """
    missing_as_zero = query.missing_as_zero
    pairs = read_pairs(query.file, query.column, query.delimiter)
    words = (word for pair in pairs.words for word in pair)
    ask = scope_of(work.index, words, query)
    distances = [one.name for _, each in ask.each() for one in each if one.distance]
    if missing_as_zero and distances:
        raise QueryError(
            f"{option_named('missing_as_zero')} with {distances[0]}: a distance of 0 is "
            "the nearest there is, so that pairs that are not covered would count as the most "
            "alike; leave out one of the two"
        )
    known = [ask.known(space)[1] for space, _ in ask.each()]
    if not any(all(word in places for word in pair) for places in known for pair in pairs.words):
        raise ask.none_covered("pair")
    rows: list[SimilarityCorrelation] = []
    for done, (one, measures) in enumerate(ask.each(), start=1):
        rows += _rows(ask, one, measures, pairs, missing_as_zero)
        progress(one.name, done, len(ask.spaces))
    filled = replace(query, file=asked_file(query), **ask.filled)
    return SimilarityCorrelations(
        filled, tuple(rows), ask.meta(_notes(rows, pairs, missing_as_zero))
    )


def _rows(
    ask: Scope, space: Space, measures: tuple[Measure, ...], pairs: Pairs, missing_as_zero: bool
) -> Iterator[SimilarityCorrelation]:
    lexicon, places = ask.known(space)
    there = np.array([all(word in places for word in pair) for pair in pairs.words])
    found = np.array(
        [[places[word] for word in pair] for pair in pairs.words if set(pair) <= places.keys()],
        np.int64,
    ).reshape(-1, 2)
    first, second = lexicon.positions[found].T
    ratings = np.array(pairs.ratings)
    counted = np.ones_like(there) if missing_as_zero else there
    for measure, values in zip(measures, pair_scores(measures, first, second), strict=True):
        scores = np.zeros(len(there))
        scores[there] = values
        yield SimilarityCorrelation(
            space.name,
            measure.name,
            len(there),
            int(there.sum()),
            1 - float(there.mean()),
            int(counted.sum()),
            *_correlations(ratings[counted], scores[counted]),
        )


def _correlations(ratings: Float64, scores: Float64) -> tuple[float | None, ...]:
    """Spearman's with its p, Pearson's with its p; None where there are none."""
    if len(scores) < FEWEST or not np.ptp(scores) or not np.ptp(ratings):
        return (None,) * 4
    from scipy import stats

    rank, line = stats.spearmanr(ratings, scores), stats.pearsonr(ratings, scores)
    return tuple(float(x) for x in (rank.statistic, rank.pvalue, line.statistic, line.pvalue))


def _notes(rows: list[SimilarityCorrelation], pairs: Pairs, missing_as_zero: bool) -> list[str]:
    over = (
        "all pairs, those not covered scored 0"
        if missing_as_zero
        else "the covered pairs, n of them"
    )
    notes = [
        f"Spearman's and Pearson's correlation of scores with ratings, over {over}",
        "p: of no correlation, both sides; it takes pairs for independent, and those that share a "
        "word are not",
    ]
    if pairs.header:
        notes.append(f"taken as a header: {' '.join(pairs.header.split())}")
    for name in dict.fromkeys(row.measure for row in rows if kind(row.measure).distance):
        notes.append(f"{name} is a distance: a space that agrees with people correlates negatively")
    return notes
