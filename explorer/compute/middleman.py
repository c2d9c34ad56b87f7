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
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from explorer.compute.acts import At, about_acts, acts, at_item
from explorer.compute.firing import Firing, about_z, firing, least, more
from explorer.compute.neighbors import meta_of
from explorer.compute.rowcount import layers_have, row_count
from explorer.compute.workspace import Workspace
from explorer.errors import BadExpression, QueryError
from explorer.expressions import Expression, Term, single_word
from explorer.measures.measure import HALF_ULP_64, Weighted
from explorer.products import Float64, unit_products
from explorer.progress import Progress
from explorer.questions import Meta, MiddleMan, MiddlemanQuery, Middlemen
from explorer.ranking import best
from explorer.resolve import Item, Resolver
from indexer.store.errors import DamagedIndex, option_named, unknown
from indexer.store.layout import parse_layers
from indexer.store.read import Index
from indexer.store.rows import Float32, scan_error
from indexer.store.space import Space
from indexer.store.spaces import neuron_space

Int64 = NDArray[np.int64]

_ROUNDINGS = 16 * HALF_ULP_64
"""What a few roundings in float64 may change of a number, as a share."""


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
    rankings = _rankings(index, chosen, query)
    found = _best_by_weights(space, asked, len(words), score, query.combine, rankings)
    places = [at_item(index, *one) for one in zip(labels, items[: len(words)], strict=False)]
    rows = _rows(index, found, labels, places)
    notes = [_null(items)] if score == "z" else []
    notes += _about_avoided(query)
    notes += about_acts(index, [row.acts for row in rows])
    short = _fewer_answer(rankings, len(found))
    meta = replace(meta_of(index, space, score, items), notes=tuple(notes), fewer=short)
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


def _answered(values: Sequence[Float64], wanted: int, combine: str) -> Float64:
    """What a neuron gives the words that are wanted: the least, or the mean."""
    if combine == "min":
        return reduce(np.minimum, values[:wanted])
    answered: Float64 = np.stack(values[:wanted]).mean(axis=0)
    return answered


def _total(values: Sequence[Float64], wanted: int, combine: str) -> Float64:
    """A neuron's score: what it gives the wanted, less the largest of the others above zero.

    Minus infinity of one that gives the wanted nothing, where others are to be avoided.
    """
    answered = _answered(values, wanted, combine)
    if not values[wanted:]:
        return answered
    total: Float64 = answered - np.maximum(np.stack(values[wanted:]).max(axis=0), 0)
    total[answered <= 0] = -np.inf
    return total


def _about_avoided(query: MiddlemanQuery) -> list[str]:
    """Which neurons count where there are words to avoid."""
    if not query.avoid:
        return []
    each = "least" if query.combine == "min" else "mean"
    return [
        f"score: the {each} of the words asked, less the largest of those to avoid where that is "
        "above 0; a neuron counts where the first is above 0"
    ]


def _fewer_answer(rankings: Sequence[_Ranking], found: int) -> tuple[str, ...]:
    """How many neurons count, where those are fewer than were asked for."""
    asked = sum(ranking.count for ranking in rankings)
    return () if found >= asked else (f"only {_are(found, 'neuron')} above 0 for the words asked",)


def _null(items: Sequence[Item]) -> str:
    """What z is read against: the populations of the words' own spaces."""
    homes = {item.weighted.home.name: item.weighted.home.entry for item in items}
    whose = " or ".join(f"{e.population_rows:,} {e.population} of {n}" for n, e in homes.items())
    return f"z: standard deviations above what the neuron gives the {whose}"


def _best_by_weights(
    space: Space,
    words: Sequence[Weighted],
    wanted: int,
    score: str,
    combine: str,
    rankings: Sequence[_Ranking],
) -> list[_Ranked]:
    """The best of each ranking, as sorting the exact scores of all neurons gives them."""
    scorers = [_Scorer(space, word, score) for word in words]
    lower, upper = _bounds(space, scorers, wanted, combine)
    near = []
    for ranking in rankings:
        low, high = ranking.of(lower), ranking.of(upper)
        enough = low[best(low, ranking.count)[-1]]
        near.append(ranking.positions(np.flatnonzero((high >= enough) & (high > -np.inf))))
    # Whatever may be among the best is scored anew.
    positions = np.concatenate(near)
    values = [scorer.exactly(positions) for scorer in scorers]
    total = _total(values, wanted, combine)
    found, start = [], 0
    for ranking, here in zip(rankings, near, strict=True):
        order = start + np.lexsort((here, -total[start : start + len(here)]))[: ranking.count]
        order = order[total[order] > -np.inf]
        found += [
            _Ranked(rank, int(positions[at]), float(total[at]), [float(v[at]) for v in values])
            for rank, at in enumerate(order, start=1)
        ]
        start += len(here)
    return found


def _bounds(
    space: Space, scorers: Sequence[_Scorer], wanted: int, combine: str
) -> tuple[Float64, Float64]:
    """What every neuron's exact score lies between, given what a scan may be off by.

    Neither the least nor the mean nor the largest of some scores is off by more than one of these
    is, and a difference by no more than both of its sides.

    Returns:
        (neurons,) float64 each.

    Raises:
        DamagedIndex: a score is not a finite number, which a sound index never gives.
    """
    scanned = space.scan_all(np.stack([scorer.direction for scorer in scorers]))
    values = [scorer.scanned(products) for scorer, products in zip(scorers, scanned, strict=True)]
    if not all(np.isfinite(each.sum()) for each in values):
        raise DamagedIndex(
            f"scores of {space.name} are not finite numbers: `indexer verify` names the file"
        )
    # Of the words of one space the longest is off by most.
    longest = {scorer.home: scorer for scorer in sorted(scorers, key=lambda one: one.size)}
    off, *others = (scorer.off_by() for scorer in longest.values())
    for other in others:
        np.maximum(off, other, out=off)
    answered = _answered(values, wanted, combine)
    if not values[wanted:]:
        return answered - off, answered + off
    total = answered - np.maximum(np.stack(values[wanted:]).max(axis=0), 0)
    surely, perhaps = answered > off, answered > -off
    return np.where(surely, total - 2 * off, -np.inf), np.where(perhaps, total + 2 * off, -np.inf)


class _Scorer:
    """What a word gives the neurons of a side, from its inner products with their unit rows.

    `dot` is n.w; `cosine` n.w / |n||w|; `z` (n.w - n.mu) / sqrt(n' Sigma n), with mu and Sigma of
    the word's own space. A neuron whose scores do not vary gets z = 0.

    Args:
        space: the side.
        word: its vector, with the space that it is from.
        score: `dot`, `cosine` or `z`.
    """

    def __init__(self, space: Space, word: Weighted, score: str) -> None:
        self._space, self._score = space, score
        self.vector, self.size = word.vector, float(np.linalg.norm(word.vector))
        self.home, self._word_space = word.home.name, word.home
        self._moments = space.scores_of(word.home) if score == "z" else None
        self._vary = self._moments is None or bool(self._moments[1].min() > 0)

    @property
    def direction(self) -> Float64:
        """The word's unit vector, (d_model,): none is too long or short for a scan's float32."""
        return self.vector / self.size if self.size else self.vector

    def scores(self, products: Float64, at: Int64) -> Float64:
        """(n,) products with the word at its own length -> (n,) scores; may reuse them."""
        if self._score == "cosine":
            return products / self.size if self.size else products
        products *= self._space.lengths[at]
        if self._moments is not None:
            mean, deviation = (values[at] for values in self._moments)
            products -= mean
            with np.errstate(divide="ignore", invalid="ignore"):  # of those that do not vary
                products /= deviation
            if not self._vary:
                products[deviation <= 0] = 0
        return products

    def scanned(self, products: Float32) -> Float64:
        """The scores of all neurons, from a scan's products with `direction`: (rows,) float64."""
        if self._score == "cosine":
            return products.astype(np.float64)
        each, less = self._scale
        scores: Float64 = products * each
        scores *= self.size
        if less is not None:
            scores -= less
        return scores

    def off_by(self) -> Float64:
        """How far each of these may be from the exact one: (rows,) float64."""
        error = scan_error(self._space.entry.width) + _ROUNDINGS
        if self._score == "cosine":
            return np.full(self._space.entry.rows, error)
        each, less = self._scale
        off = each * (error * self.size)
        if less is not None:
            off += _ROUNDINGS * float(np.abs(less).max())
        return off

    @property
    def _scale(self) -> tuple[Float64, Float64 | None]:
        """What a product with a unit row is multiplied by, the word's size aside; and what less."""
        if self._moments is None:
            return self._space.lengths, None
        return self._space.standardising(self._word_space)

    def exactly(self, positions: Int64) -> Float64:
        """The scores of some neurons, in float64 from the rows as stored: (n,) float64."""
        return self.scores(unit_products(self._space, positions, self.vector), positions)


def exact_neuron_scores(
    space: Space, positions: Int64, words: Sequence[Weighted], score: str
) -> list[Float64]:
    """What words give some neurons of a side, in float64: a list of (n,) float64, one a word."""
    return [_Scorer(space, word, score).exactly(positions) for word in words]


def _best_by_activations(fires: Firing, rankings: Sequence[_Ranking]) -> list[_Ranked]:
    """The best of each ranking, as far as no other can stand above them."""
    total, found = least(fires.values), []
    for ranking in rankings:
        surely = _surely(fires, total, ranking)
        shown = np.where(surely, ranking.of(total), -np.inf)
        order = best(shown, ranking.count)[: int(surely.sum())]
        found += [
            _Ranked(rank, at, float(total[at]), [float(values[at]) for values in fires.values])
            for rank, at in enumerate(ranking.positions(order).tolist(), start=1)
        ]
    return found


def _surely(fires: Firing, total: Float64, ranking: _Ranking) -> NDArray[np.bool_]:
    """Which neurons of a ranking stand above whatever those not kept may reach: (n,) bool."""
    found: NDArray[np.bool_] = ranking.of(total) > ranking.of(fires.reach).max()
    return found


def _about_the_rest(
    fires: Firing, rankings: Sequence[_Ranking], shown: int
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


@dataclass(frozen=True)
class _Ranking:
    """Neurons that are ranked among each other: stretches of positions, and how many are shown."""

    stretches: tuple[slice, ...]
    count: int

    def of(self, values: Float64) -> Float64:
        """What is of them: (neurons,) -> (n,), a view where they lie together."""
        parts = [values[stretch] for stretch in self.stretches]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def positions(self, at: Int64) -> Int64:
        """Positions of the neurons at some places among them: (m,) int64."""
        found: Int64
        if len(self.stretches) == 1:
            found = at + self.stretches[0].start
        else:
            every = [np.arange(stretch.start, stretch.stop) for stretch in self.stretches]
            found = np.concatenate(every)[at]
        return found


@dataclass(frozen=True)
class _Ranked:
    """One of the best: its rank, its position, its score, and what each word gives it."""

    rank: int
    position: int
    score: float
    values: list[float]


def _rankings(index: Index, layers: tuple[int, ...], query: MiddlemanQuery) -> list[_Ranking]:
    """All the neurons of the layers, or those of each layer, as they are to be ranked."""
    each = [index.neuron_grid.span(layer) for layer in layers]
    sizes = [stretch.stop - stretch.start for stretch in each]
    there, per_layer = sum(sizes), query.per_layer
    if per_layer is not None:
        least = min(sizes)
        if not 1 <= per_layer <= least:
            raise QueryError(
                f"{option_named('per_layer', per_layer)}: a layer has 1 to {least:,} neurons"
            )
        return [_Ranking((stretch,), per_layer) for stretch in each]
    k = row_count(query, there, f"{layers_have(layers)} 1 to {there:,} neurons")
    together = each[0].start, each[-1].stop
    if together[1] - together[0] == there:
        return [_Ranking((slice(*together),), k)]
    return [_Ranking(tuple(each), k)]


def _k(query: MiddlemanQuery, rankings: Sequence[_Ranking]) -> int | None:
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
    index: Index, found: Sequence[_Ranked], labels: Sequence[str], words: Sequence[At]
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
