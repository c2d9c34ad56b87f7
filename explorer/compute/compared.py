"""What `compare` found, in rows and in words.

Knows how scores and standings become an answer, and what a reader must be told beside it; scores
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from explorer.chance.control_draws import MatchedWord
from explorer.chance.controls import POOL
from explorer.compute.controlpairs import PairScores
from explorer.compute.neuronsets import NeuronSet
from explorer.correlations import Int64
from explorer.profiles import Profiles
from explorer.questions import ComparedPair, CompareQuery
from explorer.questions.choices import Side
from explorer.questions.compare import ProfileMeasure
from explorer.words import Words
from indexer.store.grid import span


def measures_of(query: CompareQuery) -> tuple[ProfileMeasure, ...]:
    """The measures of a query that is spelled out."""
    assert query.measure is not None, "the default is filled in"
    return query.measure


def side_of(query: CompareQuery) -> Side:
    """The side of a query that is spelled out."""
    assert query.side is not None, "the default is filled in"
    return query.side


def layers_of(query: CompareQuery) -> tuple[int, ...]:
    """The layers of a query that is spelled out."""
    assert isinstance(query.layers, tuple), "they are named one by one"
    return query.layers


def rows_of(
    query: CompareQuery,
    sets: Sequence[NeuronSet],
    standings: Sequence[dict[str, PairScores]],
    first: Int64,
    second: Int64,
) -> tuple[ComparedPair, ...]:
    """One row a pair and set, the sets of a pair one after another."""
    columns = []
    for neurons, standing in zip(sets, standings, strict=True):
        scores = [found.asked.tolist() for found in standing.values()]
        standing_at = [found.percentiles.tolist() for found in standing.values() if found.n]
        read = measures_of(query) if standing_at else ()
        columns.append(
            [
                ComparedPair(
                    query.words[one],
                    query.words[other],
                    neurons.layer,
                    len(neurons.rows),
                    {m: column[at] for m, column in zip(measures_of(query), scores, strict=True)},
                    {m: column[at] for m, column in zip(read, standing_at, strict=True)},
                )
                for at, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True))
            ]
        )
    return tuple(row for rows in zip(*columns, strict=True) for row in rows)


def notes_of(
    query: CompareQuery, profiles: Profiles, words: Words, asked: Sequence[MatchedWord]
) -> tuple[str, ...]:
    """Over which neurons, and against which control pairs."""
    sizes = [len(profiles.rows([layer])) for layer in layers_of(query)]
    of = f"layer{'s' if len(layers_of(query)) > 1 else ''} {span(layers_of(query))}"
    each = " of each layer" if query.each_layer else ""
    if query.top_neurons is None:
        count = f"{sizes[0]:,}" if len(set(sizes)) == 1 else f"{min(sizes):,} to {max(sizes):,}"
        neurons = f"all {count if query.each_layer else f'{sum(sizes):,}'} neurons{each}"
        neurons += f", {of}" if query.each_layer else f" of {of}"
    else:
        by = "longest rows" if query.impact == "norm" else "largest mean |z| over the words asked"
        neurons = f"the {query.top_neurons:,} neurons{each} with the {by}"
        neurons += f", of {sum(sizes):,} in {of}"
    notes = [f"profiles: dot products of a word with {neurons}"]
    if not query.pairs:
        return (*notes, "no control pairs were asked for, so no percentiles")
    notes.append(
        f"%: percentile among {query.pairs:,} control pairs, how many in a hundred score lower, "
        "ties by half"
        + (
            "; euclidean is a distance: a low one is near"
            if "euclidean" in measures_of(query)
            else ""
        )
    )
    notes.append(
        "control pairs: for each of the two one of the "
        + (
            f"{POOL} indexed words most like it in tokens, capital, frequency and norm"
            if query.control == "matched"
            else f"{len(words):,} indexed words"
        )
        + f" ({query.control}, seed {query.seed})"
    )
    if query.top_neurons is not None and query.impact == "z":
        notes.append(
            "each control pair over the neurons chosen so on its own words"
            if query.control_neurons == "own"
            else "control pairs over the neurons chosen on the words asked, which the choice "
            "makes stand out: no percentile is that of chance"
        )
    if query.control == "matched":
        notes += [
            f"{one.text!r} is not indexed: matched in frequency as the rarest indexed word"
            for one in asked
            if one.text not in words.ids
        ]
    return tuple(notes)
