"""Are these words closer to each other than matched random words are, and in which space?

The statistic is the mean score over all pairs of the group; chance is the same statistic of groups
of as many control words, drawn once and asked in every space. Words are the unit everywhere, never
pairs: two pairs that share a word are not independent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.asked import Group, terms_of
from explorer.controls import forms_of
from explorer.errors import QueryError
from explorer.groups import mean_score, mean_scores, normed_vectors
from explorer.measures import Float64, better_first, checked_measure, normed_rows, pairwise
from explorer.queries.neighbors import items_of, span_of
from explorer.resolve import Resolver
from explorer.results import (
    Congruence,
    CongruenceMeta,
    CongruenceQuery,
    CongruenceRow,
    Match,
    Resolved,
    ScoreHistogram,
)
from explorer.significance import FEWEST, against, interval, mean_over_pairs, resamples
from explorer.strata import strata
from explorer.words import Int64, Trait, Words
from indexer.store.read import Index
from indexer.store.space import Space

FEWEST_DRAWN, MOST_DRAWN = 10, 100_000
MOST_WORDS_DRAWN = 10_000_000
"""Permutations times words: what their ids may take is 80 MB."""

LEVEL = 0.05
BINS = 20
CONTROL_SCORES = 20_000
"""About so many control scores are enough for a histogram."""

Watch = Callable[[Sequence[str], str], Iterable[str]]
"""Told of a long walk through spaces, and given what to walk through."""


@dataclass(frozen=True)
class Drawn:
    """The words asked and the groups that chance gives, the same for every space.

    Attributes:
        words: the population.
        group: the words asked.
        ids: (permutations, len(group)) int64, a control group a row.
        counts: (resamples, len(group)), how often each word is in a resample; None where the
            words are too few for an interval.
    """

    words: Words
    group: Group
    ids: Int64
    counts: Float64 | None


@dataclass(frozen=True)
class InSpace:
    """What was found in one space, signed so that more is closer.

    Attributes:
        space: which.
        measure: how words were scored.
        observed: the statistic of the words asked.
        null: (permutations,), that of each control group.
        resampled: (resamples,), that of each resample of the words; None where they are too few.
        norm: mean norm of the words.
    """

    space: Space
    measure: str
    observed: float
    null: Float64
    resampled: Float64 | None
    norm: float


def congruence(
    resolver: Resolver,
    words: Words,
    watch: Watch,
    texts: Sequence[str],
    group: str | None,
    space: str | None,
    measure: str | None,
    control: str,
    permutations: int,
    seed: int,
) -> Congruence:
    """One row a space, in order of depth."""
    index = resolver.index
    spaces = _spaces(index, space)
    for one in spaces:
        checked_measure(measure, one)
    asked = Group(resolver, words, terms_of(index, texts, group, least=2))
    _check_draw(permutations, len(asked), seed)
    embed = index.space("embed")
    traits = asked.traits(embed)
    stand_ins = strata(words, traits, control, embed.name, forms_of(words, asked.texts))
    rng = np.random.default_rng(seed)
    drawn = Drawn(
        words,
        asked,
        stand_ins.draw(permutations, rng),
        resamples(len(asked), rng) if len(asked) >= FEWEST else None,
    )
    found = [
        _in_space(drawn, index.space(name), measure)
        for name in watch([one.name for one in spaces], "spaces")
    ]
    rows = _rows(index, drawn, found)
    shown = min(rows, key=lambda row: (row.p_corrected, -row.effect)).space
    resolved = asked.resolved(spaces[0].name)
    names = [one.name for one in spaces]
    meta = CongruenceMeta(
        index=index.name,
        model=index.manifest.model.source,
        space=span_of(names),
        measure=measure or (found[0].measure if len(found) == 1 else "each space's own"),
        convention="",
        resolved=resolved,
        notes=tuple(_notes(drawn, control, seed, resolved)),
        words=len(asked),
        permutations=permutations,
        distinct=_distinct(drawn.ids),
        match=_match(drawn, traits, embed),
        alike=_alike(drawn, traits),
        histogram=_histogram(drawn, next(one for one in found if one.space.name == shown)),
    )
    query = CongruenceQuery(
        tuple(item.asked for item in resolved),
        group,
        None,
        tuple(names),
        measure,
        control,
        permutations,
        seed,
    )
    return Congruence(query, rows, meta)


def _spaces(index: Index, name: str | None) -> list[Space]:
    if name is None:
        return [index.space(one) for one in ("embed", *index.context_names)]
    space = index.space(name)
    if space.entry.item not in ("token", "word"):
        texts = [one for one in index.space_names if index.space(one).entry.item in _TEXTS]
        raise QueryError(
            f"space {name!r} holds {items_of(space)}, and a group is of words; "
            f"ask in one of {', '.join(texts)}"
        )
    return [space]


_TEXTS = ("token", "word")


def _check_draw(permutations: int, size: int, seed: int) -> None:
    most = min(MOST_DRAWN, MOST_WORDS_DRAWN // size)
    if not FEWEST_DRAWN <= permutations <= most:
        raise QueryError(
            f"--permutations {permutations}: of {size} words ask for {FEWEST_DRAWN:,} to {most:,}"
        )
    if seed < 0:
        raise QueryError(f"--seed {seed}: a seed is 0 or more")


def _in_space(drawn: Drawn, space: Space, measure: str | None) -> InSpace:
    measure = checked_measure(measure, space)
    sign = better_first(measure)
    vectors = drawn.group.vectors(space)
    normed = normed_rows(vectors, space.mean, measure)
    scores = sign * pairwise(normed, normed, measure)
    return InSpace(
        space=space,
        measure=measure,
        observed=mean_score(scores),
        null=sign * mean_scores(drawn.words, space, drawn.ids, measure),
        resampled=None if drawn.counts is None else mean_over_pairs(drawn.counts, scores),
        norm=float(np.linalg.norm(vectors, axis=1).mean()),
    )


def _rows(index: Index, drawn: Drawn, found: Sequence[InSpace]) -> tuple[CongruenceRow, ...]:
    observed = np.array([one.observed for one in found])
    chance = against(observed, np.stack([one.null for one in found], axis=1))
    rows = []
    for at, one in enumerate(found):
        sign = better_first(one.measure)
        mean, deviation = float(chance.mean[at]), float(chance.deviation[at])
        low = high = None
        if one.resampled is not None and deviation > 0:
            ends = interval(one.resampled, len(drawn.group))
            low, high = ((end - mean) / deviation for end in ends)
        rows.append(
            CongruenceRow(
                space=one.space.name,
                measure=one.measure,
                score=sign * one.observed,
                controls=sign * mean,
                deviation=deviation,
                effect=float(chance.effect[at]),
                low=low,
                high=high,
                p=float(chance.p[at]),
                p_corrected=float(chance.corrected[at]),
                norm=one.norm,
                controls_norm=float(drawn.words.norms(one.space.name)[drawn.ids].mean()),
                sinks=drawn.group.sinks(index, one.space.name),
            )
        )
    return tuple(rows)


def _match(drawn: Drawn, traits: Sequence[Trait], embed: Space) -> tuple[Match, ...]:
    """Means over the words, and over all words drawn."""
    words, ids = drawn.words, drawn.ids
    own = {
        "zipf": [one.zipf for one in traits],
        "tokens": [float(one.n_tokens) for one in traits],
        "capital": [float(one.capital > 0) for one in traits],
        "norm": [one.norm for one in traits],
    }
    theirs = {
        "zipf": words.zipf,
        "tokens": words.n_tokens,
        "capital": words.capital > 0,
        "norm": words.norms(embed.name),
    }
    return tuple(
        Match(name, float(np.mean(own[name])), float(theirs[name][ids].mean())) for name in own
    )


def _alike(drawn: Drawn, traits: Sequence[Trait]) -> float:
    tokens = np.array([one.n_tokens for one in traits])
    capital = np.array([one.capital for one in traits])
    same = (drawn.words.n_tokens[drawn.ids] == tokens) & (drawn.words.capital[drawn.ids] == capital)
    return float(same.mean())


def _distinct(ids: Int64) -> int:
    """How many rows hold different words, their order aside."""
    # The sum of one random number a word is the same for the same words, and for no others.
    marks = np.random.default_rng(0).integers(0, 2**64, ids.max() + 1, dtype=np.uint64)
    return len(np.unique(marks[ids].sum(axis=1)))


def _notes(drawn: Drawn, control: str, seed: int, resolved: Sequence[Resolved]) -> Iterable[str]:
    """What the numbers are of, and what of them should not be trusted."""
    m, permutations = len(drawn.group), len(drawn.ids)
    yield (
        f"score: mean over the {m * (m - 1) // 2:,} pairs of {m} words; controls, deviation: of "
        f"the same over {permutations:,} groups of {control} indexed words, drawn with seed {seed}"
    )
    distinct = _distinct(drawn.ids)
    floor = 1 / (1 + distinct)
    if floor > LEVEL:
        yield (
            f"only {distinct:,} different control groups were drawn: no p can be below "
            f"{floor:.2g}, too few to tell anything from chance"
        )
    if drawn.counts is None:
        yield f"no interval: it takes {FEWEST} words or more to say how far the effect varies"
    forms = Counter(text.casefold() for text in drawn.group.texts)
    alike = [text for text in drawn.group.texts if forms[text.casefold()] > 1]
    if alike:
        yield f"{', '.join(alike)}: forms of one word, which bring any group closer"
    strange = [item.item for item in resolved if item.note]
    if strange:
        yield (
            f"not indexed: {', '.join(strange)}; matched as the rarest indexed word "
            f"(zipf {drawn.words.zipf.min():.2f})"
        )


def _histogram(drawn: Drawn, one: InSpace) -> ScoreHistogram:
    """Scores of the group's pairs beside those of the pairs of the first groups drawn."""
    space, measure = one.space, one.measure
    normed = normed_rows(drawn.group.vectors(space), space.mean, measure)
    above = np.triu_indices(len(drawn.group), k=1)
    own = pairwise(normed, normed, measure)[above]
    some = drawn.ids[: max(1, CONTROL_SCORES // len(own))]
    ids, places = np.unique(some, return_inverse=True)
    vectors = normed_vectors(drawn.words, space, ids, measure)
    theirs = [
        pairwise(vectors[group], vectors[group], measure)[above]
        for group in places.reshape(some.shape)
    ]
    return histogram(space.name, measure, own, np.concatenate(theirs))


def histogram(space: str, measure: str, own: Float64, theirs: Float64) -> ScoreHistogram:
    """Two lists of scores as shares of the same bins."""
    edges = np.histogram_bin_edges(np.concatenate([own, theirs]), BINS)
    shares = [np.histogram(values, edges)[0] / len(values) for values in (own, theirs)]
    return ScoreHistogram(
        space=space,
        measure=measure,
        edges=tuple(edges.tolist()),
        words=tuple(shares[0].tolist()),
        controls=tuple(shares[1].tolist()),
        n_words=len(own),
        n_controls=len(theirs),
    )
