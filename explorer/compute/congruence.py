"""Are these words closer to each other than matched random words are, and in which space?

The statistic is the mean score over all pairs of the group, or with an anchor over all words scored
with it; chance is the same statistic of groups of as many control words, drawn once and asked in
every space. Words are the unit everywhere, never pairs: two pairs that share a word are not
independent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from explorer.chance.groups import mean_score, mean_scores, normed_vectors, scores_with
from explorer.chance.members import Group
from explorer.chance.significance import against, interval, mean_over_pairs
from explorer.compute.control_groups import (
    LEVEL,
    ControlGroups,
    Drawn,
    GroupQuery,
    draw,
    drawn_controls,
    notes,
    text_space,
)
from explorer.compute.neighbors import span_of
from explorer.compute.workspace import Workspace
from explorer.measures.measure import Measure
from explorer.measures.registry import checked_measure
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import (
    AnchoredQuery,
    Congruence,
    CongruenceMeta,
    CongruenceQuery,
    CongruenceRow,
    DrawnControls,
    ScoreHistogram,
)
from indexer.store.read import Index
from indexer.store.space import Space

BINS = 20
CONTROL_SCORES = 20_000
"""About so many control scores are enough for a histogram."""

SHOWN_APART = 4
"""Of the spaces where kinds of controls say different things, how many are told in full."""


@dataclass(frozen=True)
class InSpace:
    """What was found in one space, signed so that more is closer.

    Attributes:
        space: which.
        measure: how words were scored there.
        observed: the statistic of the words asked.
        null: (permutations,), that of each control group.
        resampled: (resamples,), that of each resample of the words; None where they are too few.
        norm: mean norm of the words.
    """

    space: Space
    measure: Measure
    observed: float
    null: Float64
    resampled: Float64 | None
    norm: float


def answer(work: Workspace, query: CongruenceQuery, progress: Progress) -> Congruence:
    """One row a space, in order of depth."""
    index = work.index
    names = [entry.name for entry in index.depths] if query.space is None else [query.space]
    for name in names:
        checked_measure(query.measure, index, text_space(index, name))
    every = draw(work.resolver, work.words, query, index.space(names[0]))
    found, of_all = [], len(every) * len(names)
    for kind, groups in enumerate(every):
        here = []
        for at, name in enumerate(names):
            progress(name, kind * len(names) + at, of_all)
            measure = checked_measure(query.measure, index, index.space(name))
            here.append(in_space(groups.drawn, measure))
        found.append(here)
    progress("done", of_all, of_all)
    rows = [rows_of(index, groups, here) for groups, here in zip(every, found, strict=True)]
    meta = meta_of(index, every, query, names, rows[0][0].measure)
    best = min(rows[0], key=lambda row: (row.p_corrected, -row.effect)).space
    shown = [next(one for one in here if one.space.name == best) for here in found]
    histograms = [_histogram(groups.drawn, one) for groups, one in zip(every, shown, strict=True)]
    return Congruence(
        filled(every[0], query),
        tuple(row for of_space in zip(*rows, strict=True) for row in of_space),
        replace(
            meta,
            drawn=with_histograms(meta.drawn, histograms),
            notes=(*meta.notes, *apart(rows)),
        ),
    )


def apart(rows: Sequence[Sequence[CongruenceRow]]) -> Iterator[str]:
    """Where it depends on the kind of control whether the words stand out: rows of each kind."""
    if len(rows) < 2:
        return
    some = [
        each
        for each in zip(*rows, strict=True)
        if len({row.p_corrected <= LEVEL for row in each}) > 1
    ]
    for each in some[:SHOWN_APART]:
        told = ", ".join(
            f"{row.effect:z.1f} ({row.control}, p {row.p_corrected:.2g})" for row in each
        )
        yield (
            f"in {each[0].space} it depends on the controls: effect {told}; what stands out there "
            "rests on what is matched"
        )
    if len(some) > SHOWN_APART:
        yield f"and so it does in {len(some) - SHOWN_APART} more spaces"


def with_histograms(
    drawn: Sequence[DrawnControls], histograms: Sequence[ScoreHistogram]
) -> tuple[DrawnControls, ...]:
    """What is said of each kind of control, its single scores with it."""
    each = zip(drawn, histograms, strict=True)
    return tuple(replace(one, histogram=histogram) for one, histogram in each)


def meta_of(
    index: Index,
    every: Sequence[ControlGroups],
    query: GroupQuery,
    names: Sequence[str],
    measure: str,
) -> CongruenceMeta:
    """What an answer rests on: what was drawn and how well it matches."""
    return CongruenceMeta(
        index=index.name,
        model=index.manifest.model.source,
        space=span_of(names),
        measure=query.measure or (measure if len(names) == 1 else "each space's own measure"),
        convention="",
        resolved=every[0].resolved,
        notes=tuple(notes(every, query)),
        words=len(every[0].drawn.group),
        permutations=query.permutations,
        drawn=tuple(drawn_controls(groups, index.embed) for groups in every),
    )


Q = TypeVar("Q", CongruenceQuery, AnchoredQuery)


def filled(groups: ControlGroups, query: Q) -> Q:
    """The same query, the words of a group spelled out."""
    words = groups.resolved[-len(groups.drawn.group) :]
    return replace(query, words=tuple(item.asked for item in words))


def in_space(drawn: Drawn, measure: Measure) -> InSpace:
    """The statistic of the words, of each control group and of each resample, in one space."""
    space, sign = measure.space, measure.sign
    vectors = drawn.group.vectors(space)
    normed = measure.normed_rows(vectors)
    norm = float(np.linalg.norm(vectors, axis=1).mean())
    counts = drawn.counts
    if drawn.anchor is None:
        scores = sign * measure.pairwise(normed, normed)
        null = sign * mean_scores(drawn.words, drawn.ids, measure)
        resampled = None if counts is None else mean_over_pairs(counts, scores)
        return InSpace(space, measure, mean_score(scores), null, resampled, norm)
    fixed = anchor_of(drawn.anchor, measure)
    own = sign * measure.pairwise(normed, fixed)[:, 0]
    null = sign * scores_with(drawn.words, drawn.ids, fixed, measure).mean(axis=1)
    resampled = None if counts is None else counts @ own / len(own)
    return InSpace(space, measure, float(own.mean()), null, resampled, norm)


def anchor_of(anchor: Group, measure: Measure) -> Float64:
    """The anchor's vector, normed: (1, width) float64."""
    return measure.normed_rows(anchor.vectors(measure.space))


def rows_of(
    index: Index, groups: ControlGroups, found: Sequence[InSpace]
) -> tuple[CongruenceRow, ...]:
    """Each space against chance of one kind, corrected over all of them."""
    drawn = groups.drawn
    observed = np.array([one.observed for one in found])
    # A word that is not indexed is in no group that is drawn.
    chances = drawn.distinct if len(drawn.group.ids) < len(drawn.group) else None
    chance = against(observed, np.stack([one.null for one in found], axis=1), chances)
    rows = []
    for at, one in enumerate(found):
        sign = one.measure.sign
        mean, deviation = float(chance.mean[at]), float(chance.std[at])
        low = high = None
        if one.resampled is not None and chance.varies[at]:
            ends = interval(one.resampled, len(drawn.group))
            low, high = ((end - mean) / deviation for end in ends)
        rows.append(
            CongruenceRow(
                space=one.space.name,
                measure=one.measure.name,
                control=groups.control,
                score=sign * one.observed,
                controls=sign * mean,
                std=deviation,
                effect=float(chance.effect[at]),
                low=low,
                high=high,
                p=float(chance.p[at]),
                p_corrected=float(chance.corrected[at]),
                norm=one.norm,
                controls_norm=float(drawn.words.norms(one.space.name)[drawn.ids].mean()),
                sinks=tuple(
                    word
                    for asked in (drawn.anchor, drawn.group)
                    if asked is not None
                    for word in asked.sinks(index, one.space.name)
                ),
            )
        )
    return tuple(rows)


def _histogram(drawn: Drawn, one: InSpace) -> ScoreHistogram:
    """Single scores of the words beside those of the first groups drawn."""
    space, measure = one.space, one.measure
    normed = measure.normed_rows(drawn.group.vectors(space))
    m = len(drawn.group)
    if drawn.anchor is not None:
        fixed = anchor_of(drawn.anchor, measure)
        some = drawn.ids[: max(1, CONTROL_SCORES // m)]
        theirs = scores_with(drawn.words, some, fixed, measure).ravel()
        return histogram(measure, measure.pairwise(normed, fixed)[:, 0], theirs)
    above = np.triu_indices(m, k=1)
    own = measure.pairwise(normed, normed)[above]
    some = drawn.ids[: max(1, CONTROL_SCORES // len(own))]
    ids, places = np.unique(some, return_inverse=True)
    vectors = normed_vectors(drawn.words, ids, measure)
    pairs = [
        measure.pairwise(vectors[group], vectors[group])[above]
        for group in places.reshape(some.shape)
    ]
    return histogram(measure, own, np.concatenate(pairs))


def histogram(measure: Measure, own: Float64, theirs: Float64) -> ScoreHistogram:
    """Two lists of scores as shares of the same bins."""
    edges = np.histogram_bin_edges(np.concatenate([own, theirs]), BINS)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (own, theirs)]
    return ScoreHistogram(
        space=measure.space.name,
        measure=measure.name,
        edges=tuple(edges.tolist()),
        words=tuple(shares[0].tolist()),
        controls=tuple(shares[1].tolist()),
        n_words=len(own),
        n_controls=len(theirs),
    )
