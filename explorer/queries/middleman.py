"""Is there a neuron in the middle that answers to all of these words?

Every neuron of one side is scored with every word; a neuron's score is the least of them (or their
mean), less the largest of those with the words to avoid. `z` is the standardised score
n.(w - mu) / sqrt(n' Sigma n): deviations above what this neuron gives a random item of the
word's own space. What answers in the weights can be checked against what fires: by activations, a
word's score with a neuron is the z of its activation at the word's last token, and a neuron's score
the least of their |z| where all have one sign: it fires at every word, and in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadExpression, QueryError
from explorer.expressions import Kind, Term, parse
from explorer.measures import EVERY, Float64, Weighted, best
from explorer.queries.firing import about_z, firing, least
from explorer.queries.neighbors import meta_of
from explorer.resolve import Item, Resolver
from explorer.results import Meta, MiddleMan, MiddlemanQuery, Middlemen
from indexer.store.errors import unknown
from indexer.store.grid import span
from indexer.store.layout import parse_layers
from indexer.store.read import Index
from indexer.store.space import Space

Int64 = NDArray[np.int64]

BY = ("weights", "activations")
SCORES = ("z", "dot", "cosine")
COMBINE = ("min", "mean")


def middleman(
    resolver: Resolver,
    words: Sequence[str],
    by: str,
    avoid: Sequence[str],
    side: str | None,
    score: str,
    combine: str,
    layers: str | Sequence[int] | None,
    per_layer: int | None,
    k: int,
) -> Middlemen:
    """All neurons of one side ranked by how strongly they answer to every word."""
    index = resolver.index
    index.require_neurons()
    if by not in BY:
        raise QueryError(unknown("way to find a middle man", by, BY))
    if by == "activations":
        return _firing(resolver, words, avoid, side, score, combine, layers, per_layer, k)
    side = "in" if side is None else side
    if side not in index.sides:
        raise QueryError(unknown("side", side, index.sides))
    if score not in SCORES:
        raise QueryError(unknown("score", score, SCORES))
    if combine not in COMBINE:
        raise QueryError(unknown("way to combine", combine, COMBINE))
    if not words:
        raise QueryError("name at least one word, such as: middleman large tall")
    space = index.space(f"neuron.{side}")
    chosen = layers_asked(layers, index)
    terms, embed = [_single(word) for word in [*words, *avoid]], index.space("embed")
    resolver.prepare(terms, embed)
    items = [resolver.item(term, embed) for term in terms]
    asked = [item.weighted for item in items]
    total = _total(neuron_scores(space, asked, score), len(words), combine)
    ranks = _ranking(index, total, chosen, per_layer, k)
    # What is shown is computed anew, in float64.
    positions = np.array([position for _, position in ranks])
    values = exact_neuron_scores(space, positions, asked, score)
    labels = labels_of([*words, *avoid])
    query = MiddlemanQuery(
        tuple(words), by, tuple(avoid), side, score, combine, chosen, per_layer, k
    )
    rows = _rows(index, ranks, _total(values, len(words), combine), values, labels, len(words))
    meta = meta_of(index, space, score, items)
    if score == "z":
        meta = replace(meta, notes=(_null(items),))
    return Middlemen(query, rows, meta)


def _firing(
    resolver: Resolver,
    words: Sequence[str],
    avoid: Sequence[str],
    side: str | None,
    score: str,
    combine: str,
    layers: str | Sequence[int] | None,
    per_layer: int | None,
    k: int,
) -> Middlemen:
    """The neurons that fire at every word: those among the strongest of each, by the least |z|."""
    index = resolver.index
    for option, given in (
        ("--not", bool(avoid)),
        ("--side", side is not None),
        ("--score", score != "z"),
        ("--combine", combine != "min"),
    ):
        if given:
            raise QueryError(
                f"--by activations ranks by the least |z| of what was recorded: leave out {option}"
            )
    if not words:
        raise QueryError("name at least one word, such as: middleman large tall --by activations")
    labels, chosen = labels_of(words), layers_asked(layers, index)
    fires = firing(resolver, [_single(word) for word in words])
    total = least(fires.values)
    ranks = [
        (rank, at)
        for rank, at in _ranking(index, total, chosen, per_layer, k)
        if np.isfinite(total[at])
    ]
    positions = [position for _, position in ranks]
    shown = [values[positions] for values in fires.values]
    rows = _rows(index, ranks, total[positions], shown, labels, len(words))
    notes = [about_z(index)]
    if len(words) > 1:
        notes.append(
            f"of each word the {fires.depth} strongest are kept: "
            f"{int(np.isfinite(total).sum())} neurons are in every list, and the least |z| of any "
            f"other that fires alike at all is {fires.bound:.2f} or less"
        )
    meta = Meta(
        index=index.name,
        model=index.manifest.model.source,
        space="activations",
        measure="z",
        convention="",
        resolved=fires.resolved,
        notes=tuple(notes),
    )
    query = MiddlemanQuery(
        tuple(words), "activations", (), None, "|z|", "min", chosen, per_layer, k
    )
    return Middlemen(query, rows, meta)


def _total(values: Sequence[Float64], wanted: int, combine: str) -> Float64:
    """A neuron's score: the least, or the mean, of the wanted, less the largest of the others."""
    answers = np.stack(values[:wanted])
    total: Float64 = answers.min(axis=0) if combine == "min" else answers.mean(axis=0)
    return total - np.stack(values[wanted:]).max(axis=0) if values[wanted:] else total


def _null(items: Sequence[Item]) -> str:
    """What z is read against: the populations of the words' own spaces."""
    homes = {item.weighted.home.name: item.weighted.home.entry for item in items}
    whose = " or ".join(f"{e.population_rows:,} {e.population} of {n}" for n, e in homes.items())
    return f"z: deviations above what the neuron gives the {whose}"


def neuron_scores(space: Space, words: Sequence[Weighted], score: str) -> list[Float64]:
    """What every neuron of a side gives each of some words: a list of (neurons,) float64.

    `dot` is n.w; `cosine` n.w / |n||w|; `z` (n.w - n.mu) / sqrt(n' Sigma n), with mu and Sigma of
    the word's own space. A neuron whose scores do not vary gets z = 0.
    """
    scanned = space.scan_all(np.stack([w.vector for w in words]))
    return [
        _as_scored(space, products.astype(np.float64), EVERY, word, score)
        for word, products in zip(words, scanned, strict=True)
    ]


def exact_neuron_scores(
    space: Space, positions: Int64, words: Sequence[Weighted], score: str
) -> list[Float64]:
    """The same of some neurons, computed in float64 from the rows as stored: (n,) float64 each."""
    rows = space.rows.take(positions).astype(np.float64)
    return [
        _as_scored(space, np.vecdot(rows, word.vector), positions, word, score) for word in words
    ]


def _as_scored(
    space: Space, products: Float64, at: slice | Int64, word: Weighted, score: str
) -> Float64:
    """Scores from the inner products of some neurons' unit rows with a word; may reuse them."""
    if score == "cosine":
        size = float(np.linalg.norm(word.vector))
        return products / size if size else products
    products *= space.norms[at]
    if score == "z":
        mean, deviation = (values[at] for values in space.scores_of(word.home))
        products -= mean
        products = np.divide(products, deviation, out=products * 0, where=deviation > 0)
    return products


def _single(text: str) -> Term:
    term = parse(text).single
    if term is None:
        raise BadExpression(
            f"{text!r} is a sum; a middle man is asked of single words, one argument each "
            "(a sum is a question for `neighbors --space neuron.in`)"
        )
    if term.kind in (Kind.NEURON, Kind.HEAD):
        raise BadExpression(
            f"{text!r} is a {term.kind.value}; a middle man is asked of words "
            f"(for neurons near it: `neighbors {text} --space neuron.out`)"
        )
    return term


def layers_asked(asked: str | Sequence[int] | None, index: Index) -> tuple[int, ...]:
    """The layers a question is about: as `parse_layers` reads them, or all."""
    there = index.manifest.layers
    if asked is None:
        return there
    if not isinstance(asked, str):
        asked = ",".join(map(str, asked))
    try:
        return parse_layers(asked, there)
    except ValueError as err:
        raise QueryError(f"--layers: {err}") from None


def _ranking(
    index: Index, total: Float64, layers: tuple[int, ...], per_layer: int | None, k: int
) -> list[tuple[int, int]]:
    """(rank, position) of the neurons to show."""
    grid, there = index.neuron_grid, index.manifest.layers
    sizes = {layer: grid.span(layer).stop - grid.span(layer).start for layer in layers}
    if per_layer is not None:
        least = min(sizes.values())
        if not 1 <= per_layer <= least:
            raise QueryError(f"--per-layer {per_layer}: a layer has 1 to {least:,} neurons")
        ranks = []
        for layer in layers:
            here = grid.span(layer)
            near = best(total[here], per_layer)
            ranks += [(rank, here.start + int(at)) for rank, at in enumerate(near, start=1)]
        return ranks
    count = sum(sizes.values())
    if not 1 <= k <= count:
        raise QueryError(f"-k {k}: layers {span(layers)} have 1 to {count:,} neurons")
    if len(layers) < len(there):
        inside = np.isin(grid.layer_of_rows(), layers)
        positions = np.flatnonzero(inside)
        return [(r, int(positions[at])) for r, at in enumerate(best(total[inside], k), start=1)]
    return [(rank, int(at)) for rank, at in enumerate(best(total, k), start=1)]


def labels_of(asked: Sequence[str]) -> list[str]:
    """A name for each word's scores: the word as it was asked for."""
    labels = [" ".join(word.split()) for word in asked]
    for word in labels:
        if labels.count(word) > 1:
            raise QueryError(f"{word!r} is asked for twice")
    return labels


def _rows(
    index: Index,
    ranks: list[tuple[int, int]],
    total: Float64,
    values: Sequence[Float64],
    labels: list[str],
    wanted: int,
) -> tuple[MiddleMan, ...]:
    """The rows to show; `total` and each word's `values` are those of the ranked, in order."""
    positions = [position for _, position in ranks]
    near = index.nearest_tokens(positions, "in", "out")
    rows = []
    for at, ((rank, position), reads, writes) in enumerate(zip(ranks, *near, strict=True)):
        place = index.neuron_grid.place(position)
        every = {label: float(value[at]) for label, value in zip(labels, values, strict=True)}
        rows.append(
            MiddleMan(
                rank=rank,
                neuron=place.name,
                layer=place.layer,
                expert=place.expert,
                unit=place.unit,
                score=float(total[at]),
                scores={label: every[label] for label in labels[:wanted]},
                avoided={label: every[label] for label in labels[wanted:]},
                reads=tuple(token.display for token in reads),
                writes=tuple(token.display for token in writes),
            )
        )
    return tuple(rows)
