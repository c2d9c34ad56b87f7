"""How alike are two words to the neurons: do the same ones answer to both, and as much?

The profiles of every pair of words, over a set of neurons, are compared by up to six measures, and
each score is read against control pairs: the same measure of words that stand in for the two. Where
the neurons are chosen on the asked words, each control pair's are chosen anew on its own words: the
choice makes the asked pair stand out over its neurons, and so it must every other pair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from explorer.chance.control_draws import ControlDraws, MatchedWord
from explorer.compute.compared import layers_of, measures_of, notes_of, rows_of, side_of
from explorer.compute.controlpairs import PairScores, read_against
from explorer.compute.middleman import labels_of, layers_asked
from explorer.compute.neighbors import check_seed, meta_of
from explorer.compute.neuronsets import NeuronSet
from explorer.compute.rowcount import layers_have
from explorer.compute.workspace import Workspace
from explorer.correlations import CORRELATIONS, LINEAR, Float64, Int64, Products
from explorer.errors import QueryError
from explorer.expressions import Term, single_word
from explorer.profiles import Profiles, strongest
from explorer.progress import Progress
from explorer.questions import CompareMeta, CompareQuery, Comparison, RandomPairs
from explorer.resolve import Item
from explorer.words import Words
from indexer.store.errors import option_named, unknown
from indexer.store.read import Index

FEW = 6
"""Words whose stand-ins' ranks can be held at once; of more, ranks are taken only where asked."""

FEWEST, MOST = 100, 1_000_000
"""Control pairs."""

MOST_ROWS = 1_000_000
LEAST_NEURONS = 3

_VECTORS_AT_ONCE = 1024
_BYTES = 512 << 20
"""What the profiles of stand-ins, and their ranks or |z|, may take at once."""

_CONSTANT = {"pearson", "spearman", "kendall"}


def answer(work: Workspace, query: CompareQuery, progress: Progress) -> Comparison:
    """Every pair of some words: scores of their profiles, and where those stand by chance."""
    resolver, index, profiles = work.resolver, work.index, work.profiles
    index.neurons.require()
    terms, embed = [_single(word) for word in query.words], index.embed
    query = _filled(index, query)
    measures, side, pairs = measures_of(query), side_of(query), query.pairs
    first, second = np.triu_indices(len(terms), k=1)
    _check_size(query, len(first), index.neuron_grid.rows)
    resolver.prepare(terms, embed)
    items = [resolver.item(term, embed) for term in terms]
    if pairs:
        _check_stood_in_for(items)
    vectors = np.stack([item.weighted.vector for item in items])
    sets = _sets(profiles, query, items, vectors)
    standings = _standings(query, sets, vectors, first, second, progress)
    stood_for = [_stood_in_for(item, work.words) for item in items] if pairs else []
    if pairs:
        read_against(
            ControlDraws(work.words, stood_for, query.control, query.seed),
            sets,
            standings,
            first,
            second,
            pairs,
            _own_neurons(query),
            _together(query, index.neuron_grid.rows),
            lambda done: progress("control pairs", round(done), pairs),
        )
    space = index.neuron_space(side)
    meta = meta_of(index, space, ", ".join(measures), items)
    return Comparison(
        query,
        rows_of(query, sets, standings, first, second),
        CompareMeta(
            meta.index,
            meta.model,
            meta.space,
            meta.measure,
            meta.convention,
            meta.resolved,
            notes=notes_of(query, profiles, work.words, stood_for),
            random=tuple(
                RandomPairs(neurons.layer, measure, found.mean, found.std, found.n)
                for neurons, standing in zip(sets, standings, strict=True)
                for measure, found in standing.items()
                if found.n
            ),
        ),
    )


# -- what is compared -----------------------------------------------------------------------


def _single(text: str) -> Term:
    return single_word(
        text,
        "profiles are of single words, since nothing stands in for a sum",
        "profiles are of words (`neighbors` says what is near it)",
    )


def _filled(index: Index, query: CompareQuery) -> CompareQuery:
    """The same query, checked and spelled out.

    Raises:
        QueryError: words, names or numbers are not to be had, or do not go together.
    """
    words, pairs = query.words, query.pairs
    side = index.side_named(query.side)
    if side not in index.sides:
        raise QueryError(unknown("side", side, index.sides))
    if len(words) < 2:
        raise QueryError("name two words or more, such as large, tall")
    if pairs != 0 and not FEWEST <= pairs <= MOST:
        raise QueryError(
            f"{option_named('pairs', pairs)}: ask for {FEWEST:,} to {MOST:,}, or 0 for none"
        )
    check_seed(query.seed)
    usual = [m for m in CORRELATIONS if m in LINEAR or (m == "spearman" and len(words) <= FEW)]
    asked = usual if query.measure is None else query.measure
    if not asked:
        raise QueryError(f"no measure is named (there are: {', '.join(CORRELATIONS)}, all)")
    return replace(
        query,
        words=tuple(labels_of(words)),
        side=side,
        measure=tuple(m for m in CORRELATIONS if m in asked),
        layers=layers_asked(query.layers, index),
    )


def _standings(
    query: CompareQuery,
    sets: Sequence[NeuronSet],
    vectors: Float64,
    first: Int64,
    second: Int64,
    progress: Progress,
) -> list[dict[str, PairScores]]:
    """The scores of the pairs over each set of neurons, by measure, not yet read against any."""
    standings: list[dict[str, PairScores]] = []
    for at, neurons in enumerate(sets):

        def done(share: float, at: int = at) -> None:
            progress("pairs asked", round(1000 * (at + share)), 1000 * len(sets))

        def summed(share: float, done: Callable[[float], None] = done) -> None:
            done(share / 2)

        def scored(share: float, done: Callable[[float], None] = done) -> None:
            done((1 + share) / 2)

        products = neurons.products(vectors, summed)
        _check_varies(products, neurons, query)
        scores = neurons.scores(vectors, first, second, measures_of(query), scored, products)
        standings.append({measure: PairScores(scores[measure]) for measure in measures_of(query)})
    return standings


def _check_size(query: CompareQuery, pairs: int, neurons: int) -> None:
    """Raise `QueryError` where the answer, or what it is made from, would not fit."""
    count = pairs * (len(layers_of(query)) if query.each_layer else 1)
    if count > MOST_ROWS:
        raise QueryError(
            f"{len(query.words):,} words make {count:,} rows; {MOST_ROWS:,} are the most: "
            f"ask of fewer words, or without {option_named('each_layer')}"
        )
    listed = neurons * len(query.words)
    chosen = query.top_neurons is not None and query.impact == "z"
    if (16 if chosen else 4) * listed > 2 * _BYTES and (chosen or _ranked(query)):
        raise QueryError(
            f"the profiles of {len(query.words):,} words over {neurons:,} neurons are too long to "
            f"be held; leave out {option_named('top_neurons')} and the rank measures, or ask of "
            "fewer words"
        )


def _ranked(query: CompareQuery) -> bool:
    return any(measure not in LINEAR for measure in measures_of(query))


def _sets(
    profiles: Profiles, query: CompareQuery, items: Sequence[Item], vectors: Float64
) -> list[NeuronSet]:
    """The neurons profiles are compared over: of all layers at once, or of each."""
    found = []
    parts = [(layer, (layer,)) for layer in layers_of(query)]
    for layer, among in parts if query.each_layer else [(None, layers_of(query))]:
        rows = profiles.rows(among)
        if query.top_neurons is None:
            found.append(NeuronSet(profiles, side_of(query), layer, among, rows))
            continue
        if not LEAST_NEURONS <= query.top_neurons <= len(rows):
            raise QueryError(
                f"{option_named('top_neurons', query.top_neurons)}: {layers_have(among)} "
                f"{LEAST_NEURONS} to {len(rows):,} to choose"
            )
        if query.impact == "norm":
            impact = profiles.lengths(side_of(query), rows)
        else:
            homes = [item.weighted.home for item in items]
            lists = profiles.lists(side_of(query), rows, vectors)
            impact = profiles.impact(side_of(query), rows, lists, homes).mean(axis=0)
        chosen = rows[strongest(impact, query.top_neurons)]
        found.append(NeuronSet(profiles, side_of(query), layer, among, chosen, chosen=True))
    return found


def _check_varies(of: Products, neurons: NeuronSet, query: CompareQuery) -> None:
    """Raise `QueryError` where a measure has no value for one of the words."""
    flat = of.constant if _CONSTANT & set(measures_of(query)) else np.diagonal(of.dots) == 0
    if flat.any() and set(measures_of(query)) - {"euclidean", "dot"}:
        word = query.words[int(np.flatnonzero(flat)[0])]
        where = "" if neurons.layer is None else f" of layer {neurons.layer}"
        raise QueryError(
            f"all {of.n:,} neurons{where} give {word!r} the same, so that its profile has no "
            f"correlation with any; ask with {option_named('measure', 'euclidean,dot')}"
        )


def _check_stood_in_for(items: Sequence[Item]) -> None:
    """Raise `QueryError` where control pairs are asked of what no word can stand in for."""
    labels = [item.resolved.asked for item in items if item.labels]
    if labels:
        raise QueryError(
            f"{labels[0]} is a label, and no word can stand in for it in control pairs; "
            f"ask with {option_named('pairs', 0)}"
        )


def _stood_in_for(item: Item, words: Words) -> MatchedWord:
    """What an item's stand-ins are to be like; one that is not indexed counts as the rarest."""
    text = item.resolved.item.replace("␣", " ").strip()
    norm = float(np.linalg.norm(item.weighted.vector))
    trait = words.trait_of(text, len(item.resolved.token_ids), norm)
    space = item.weighted.home.name
    return MatchedWord(f"{item.resolved.item}@{space}", text, space, trait)


def _own_neurons(query: CompareQuery) -> bool:
    """Whether each control pair is compared over neurons of its own."""
    chosen = query.top_neurons is not None and query.impact == "z"
    return chosen and query.control_neurons == "own"


def _together(query: CompareQuery, neurons: int) -> int:
    """Of how many stand-ins at once the profiles, or what is made of them, fit."""
    if _own_neurons(query):
        return max(1, _BYTES // (16 * neurons))
    return max(1, _BYTES // (4 * neurons)) if _ranked(query) else _VECTORS_AT_ONCE
