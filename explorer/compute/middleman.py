"""Is there a neuron in the middle that answers to all of these words?

Every neuron of one side is scored with every word; a neuron's score is the least of them (or their
mean), less the largest of those with the words to avoid. What a word to avoid gets below zero adds
nothing, and with such words a neuron counts only if the least (or mean) of those asked is above
zero: a score made of what is not given to others would be no answer. `z` is the standardised score
n.(w - mu) / sqrt(n' Sigma n): standard deviations above what this neuron gives a random item of the
word's own space. What answers in the weights can be checked against what fires: by activations, a
word's score with a neuron is the z of its activation at the word's last token, and a neuron's score
the least of their |z| where all have one sign: it fires at every word, and in the same way.

Ranks are those of the whole: by weights, of all neurons' scores in float64, as if all were sorted;
by activations, of all neurons' activations, though only the strongest are kept: what others may
stand above is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.compute.acts import At, about_acts, acts, at_item
from explorer.compute.best_neurons import Ranked, Ranking, best_by_weights
from explorer.compute.firing import Firing, about_z, firing, least, more
from explorer.compute.neighbors import meta_of
from explorer.compute.rowcount import layers_have, row_count
from explorer.compute.workspace import Workspace
from explorer.errors import BadExpression, QueryError
from explorer.expressions import Expression, Term, single_word
from explorer.first_pass import Tally
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import Meta, MiddleMan, MiddlemanQuery, Middlemen
from explorer.ranking import best
from explorer.resolve import Item, Resolver
from indexer.store.errors import option_named, unknown
from indexer.store.layout import parse_layers
from indexer.store.read import Index
from indexer.store.spaces import neuron_space

Int64 = NDArray[np.int64]


def answer(work: Workspace, query: MiddlemanQuery, progress: Progress) -> Middlemen:
    """All neurons of one side ranked by how strongly they answer to every word."""
    work.index.neurons.require()
    if query.by == "activations":
        return _firing(work.resolver, query)
    return _by_weights(work.resolver, query)


def _by_weights(resolver: Resolver, query: MiddlemanQuery) -> Middlemen:
    """Those whose weights answer to every word."""
    index, words, avoid, score = resolver.index, query.words, query.avoid, query.score
    side = index.side_named(query.side)
    if side not in index.sides:
        raise QueryError(unknown("side", side, index.sides))
    if not words:
        raise QueryError("name at least one word, such as large, tall")
    space = index.neuron_space(side)
    chosen = layers_asked(query.layers, index)
    terms, embed = [_single(word, index) for word in [*words, *avoid]], index.embed
    resolver.prepare(terms, embed)
    items = [resolver.item(term, embed) for term in terms]
    asked = [item.weighted for item in items]
    labels = labels_of([*words, *avoid])
    rankings, tally = _rankings(index, chosen, query), Tally()
    found = best_by_weights(space, asked, len(words), score, query.combine, rankings, tally)
    places = [at_item(index, *one) for one in zip(labels, items[: len(words)], strict=False)]
    rows = _rows(index, found, labels, places)
    notes = [_null(items)] if score == "z" else []
    notes += _about_avoided(query)
    notes += about_acts(index, [row.acts for row in rows])
    short = _fewer_answer(rankings, len(found))
    scoring = tally.scoring()
    meta = meta_of(index, space, score, items, None, tuple(notes), short, scoring)
    return Middlemen(replace(query, side=side, layers=chosen, k=_k(query, rankings)), rows, meta)


def _firing(resolver: Resolver, query: MiddlemanQuery) -> Middlemen:
    """The neurons that fire at every word: those among the strongest of each, by the least |z|."""
    index, words = resolver.index, query.words
    if not words:
        raise QueryError("name at least one word, such as large, tall")
    labels, chosen = labels_of(words), layers_asked(query.layers, index)
    rankings = _rankings(index, chosen, query)
    fires = firing(resolver, [_single(word, index, avoids=False) for word in words])
    found = _best_by_activations(fires, rankings)
    places = [At(label, word) for label, word in zip(labels, fires.words, strict=True)]
    rows = _rows(index, found, labels, places)
    rest, short = _about_the_rest(fires, rankings, len(found))
    notes = [
        about_z(index),
        *rest,
        *about_acts(index, [row.acts for row in rows]),
    ]
    meta = Meta(
        index=index.name,
        model=index.manifest.model.source,
        space="activations",
        measure="z",
        convention="",
        resolved=fires.resolved,
        notes=tuple(notes),
        fewer=short,
    )
    return Middlemen(replace(query, layers=chosen, k=_k(query, rankings)), rows, meta)


def _about_avoided(query: MiddlemanQuery) -> list[str]:
    """Which neurons count where there are words to avoid."""
    if not query.avoid:
        return []
    each = "least" if query.combine == "min" else "mean"
    return [
        f"score: the {each} of the words asked, less the largest of those to avoid where that is "
        "above 0; a neuron counts where the first is above 0"
    ]


def _fewer_answer(rankings: Sequence[Ranking], found: int) -> tuple[str, ...]:
    """How many neurons count, where those are fewer than were asked for."""
    asked = sum(ranking.count for ranking in rankings)
    return () if found >= asked else (f"only {_are(found, 'neuron')} above 0 for the words asked",)


def _null(items: Sequence[Item]) -> str:
    """What z is read against: the populations of the words' own spaces."""
    homes = {item.weighted.home.name: item.weighted.home.entry for item in items}
    whose = " or ".join(f"{e.population_rows:,} {e.population} of {n}" for n, e in homes.items())
    return f"z: standard deviations above what the neuron gives the {whose}"


def _best_by_activations(fires: Firing, rankings: Sequence[Ranking]) -> list[Ranked]:
    """The best of each ranking, as far as no other can stand above them."""
    total, found = least(fires.values), []
    for ranking in rankings:
        surely = _surely(fires, total, ranking)
        shown = np.where(surely, ranking.of(total), -np.inf)
        order = best(shown, ranking.count)[: int(surely.sum())]
        found += [
            Ranked(rank, at, float(total[at]), [float(values[at]) for values in fires.values])
            for rank, at in enumerate(ranking.positions(order).tolist(), start=1)
        ]
    return found


def _surely(fires: Firing, total: Float64, ranking: Ranking) -> NDArray[np.bool_]:
    """Which neurons of a ranking stand above whatever those not kept may reach: (n,) bool."""
    found: NDArray[np.bool_] = ranking.of(total) > ranking.of(fires.reach).max()
    return found


def _about_the_rest(
    fires: Firing, rankings: Sequence[Ranking], shown: int
) -> tuple[list[str], tuple[str, ...]]:
    """What is not in the answer; and what of it was asked for, why, and how to have it."""
    reach = max(float(ranking.of(fires.reach).max()) for ranking in rankings)
    if not reach > 0:  # all there is to know is kept
        return [], ()
    total = least(fires.values)
    known = sum(int(np.isfinite(ranking.of(total)).sum()) for ranking in rankings)
    sure = sum(int(_surely(fires, total, ranking).sum()) for ranking in rankings)
    among = "of its layer " if len(rankings) > 1 else ""
    notes: list[str] = []
    short: tuple[str, ...] = ()
    if len(fires.words) > 1:
        notes.append(
            f"of each word the {fires.depth} strongest are kept: {_are(known, 'neuron')} in every "
            f"list, and the least |z| of any other {among}that fires alike at all is {reach:z.2f} "
            "or less"
        )
    if shown < sum(ranking.count for ranking in rankings):
        rest = f"{_are(known - sure, 'more neuron')} left out, since others {among}may stand above"
        short = (f"{rest if known > sure else 'no more are known'}; {more(fires.depth)}",)
    return notes, short


def _are(count: int, what: str) -> str:
    """`1 neuron is`, `13 neurons are`."""
    return f"{count:,} {what} is" if count == 1 else f"{count:,} {what}s are"


def _a_sum(text: str, asked: Expression, index: Index, avoids: bool) -> BadExpression:
    """The error of a sum: its words, those to avoid where some may be; or where sums belong."""
    added = [replace(term, weight=1.0).written for term in asked.terms if term.weight > 0]
    taken = [replace(term, weight=1.0).written for term in asked.terms if term.weight < 0]
    said = f"{text!r} is a sum; a middle man is asked of single words"
    if not added:
        space = neuron_space(index.sides[0])
        return BadExpression(f"{said} (a sum is a question for `neighbors --space {space}`)")
    words, avoid = ", ".join(added), ", ".join(taken)
    if not taken or not avoids:
        return BadExpression(f"{said}: write {words}").offering(text, [words])
    avoid = avoid if avoid.isalpha() else repr(avoid)
    return BadExpression(f"{said}: write {words}, and {option_named('avoid', avoid)}")


def _single(text: str, index: Index, avoids: bool = True) -> Term:
    return single_word(
        text,
        lambda asked: _a_sum(text, asked, index, avoids),
        "a middle man is asked of words (`neighbors` says what is near it)",
    )


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
        raise QueryError(f"{option_named('layers')}: {err}") from None


def _rankings(index: Index, layers: tuple[int, ...], query: MiddlemanQuery) -> list[Ranking]:
    """All the neurons of the layers, or those of each layer, as they are to be ranked."""
    if query.per_layer is None and layers == index.manifest.layers:
        there = index.neuron_grid.rows
        k = row_count(query, there, f"{layers_have(layers)} 1 to {there:,} neurons")
        return [Ranking((slice(0, there),), k)]
    each = [index.neuron_grid.span(layer) for layer in layers]
    sizes = [stretch.stop - stretch.start for stretch in each]
    there, per_layer = sum(sizes), query.per_layer
    if per_layer is not None:
        least = min(sizes)
        if not 1 <= per_layer <= least:
            raise QueryError(
                f"{option_named('per_layer', per_layer)}: a layer has 1 to {least:,} neurons"
            )
        return [Ranking((stretch,), per_layer) for stretch in each]
    k = row_count(query, there, f"{layers_have(layers)} 1 to {there:,} neurons")
    together = each[0].start, each[-1].stop
    if together[1] - together[0] == there:
        return [Ranking((slice(*together),), k)]
    return [Ranking(tuple(each), k)]


def _k(query: MiddlemanQuery, rankings: Sequence[Ranking]) -> int | None:
    """How many rows were asked for in all; of each layer's best it says nothing."""
    return rankings[0].count if query.per_layer is None else query.k


def labels_of(asked: Sequence[str]) -> list[str]:
    """A name for each word's scores: the word as it was asked for."""
    labels = [" ".join(word.split()) for word in asked]
    for word in labels:
        if labels.count(word) > 1:
            raise QueryError(f"{word!r} is asked for twice")
    return labels


def _rows(
    index: Index, found: Sequence[Ranked], labels: Sequence[str], words: Sequence[At]
) -> tuple[MiddleMan, ...]:
    """The rows to show: `labels` of all the words, of which `words` are those wanted."""
    positions = [one.position for one in found]
    near = index.nearest_tokens(positions, index.sides[0], "out")
    signs = acts(index, np.array(positions, np.int64), words)
    rows = []
    for one, acted, reads, writes in zip(found, signs, *near, strict=True):
        place = index.neuron_grid.place(one.position)
        every = dict(zip(labels, one.values, strict=True))
        rows.append(
            MiddleMan(
                rank=one.rank,
                neuron=place.name,
                layer=place.layer,
                expert=place.expert,
                unit=place.unit,
                score=one.score,
                scores={label: every[label] for label in labels[: len(words)]},
                avoided={label: every[label] for label in labels[len(words) :]},
                acts=acted,
                reads=tuple(token.display for token in reads),
                writes=tuple(token.display for token in writes),
            )
        )
    return tuple(rows)
