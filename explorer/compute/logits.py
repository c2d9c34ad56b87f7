"""Which tokens does a neuron raise and lower directly, by its weights alone?

A neuron adds its activation times its writing side w to the residual stream. As far as that reaches
the logits unchanged by later blocks, one unit of activation adds to the logit of a token with
unembedding u

    scale u.(gain w),    of a LayerNorm u.(gain (w - mean(w)))

before the last norm divides by the size of the stream, which is the same for every token (Elhage et
al. 2021; Geva et al. 2022). Shift, bias and softcap are not the neuron's. The sign of a gated
neuron is arbitrary (up and out may both be negated), so either end of the vocabulary is told with
the sign that it acts with.

How the effect is spread is told by its variance, of a direction of norm 1, its skew and Pearson's
kurtosis (Gurnee et al. 2024). What is large has to be read against what the layer writes anyway:
directions drawn from N(0, W W') with W the writing sides of its neurons, that is W g with g
standard normal. Tokens that were never trained lie together, away from all others, and would make
any direction's kurtosis: they are left out (Land and Bartolo 2024).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from explorer.compute.neighbors import meta_of
from explorer.compute.rowcount import row_count
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.expressions import neuron_of
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import EffectShape, LogitEffect, LogitsMeta, LogitsQuery, NeuronLogits
from explorer.ranking import best
from indexer.store.items.neuron import Neuron
from indexer.store.read import Index
from indexer.store.unembedding import Unembedding

Int64 = NDArray[np.int64]

DIRECTIONS, SEED = 1000, 0
"""Random directions that an effect is read against, and the seed they are drawn with."""

SAME, NEVER_TRAINED = 0.999, 0.9
"""Cosines, less the mean of all tokens: of control tokens that nothing has told apart, and of a
token with these, above which it was never trained either."""

WORDS = 4
"""Words at either sign that are named."""

_TOKENS_AT_ONCE = 4096
_SHAPES = ("variance", "skew", "kurtosis")


@dataclass(frozen=True)
class _Vocabulary:
    """The tokens that effects are counted over, and what random directions of a layer do to them.

    Attributes:
        ids: (n,) int64, of the tokens counted.
        left_out: how many are not.
        shapes: by layer, (3, DIRECTIONS) float64: variance, skew, kurtosis.
        last: by its id, the neuron that was asked last: its effect on these tokens, (n,) float64.
    """

    ids: Int64
    left_out: int
    shapes: dict[int, Float64]
    last: dict[int, Float64] = field(default_factory=dict)


_KNOWN: WeakKeyDictionary[Workspace, _Vocabulary] = WeakKeyDictionary()
"""What is found once for an open index: it takes a second or two."""


def answer(work: Workspace, query: LogitsQuery, progress: Progress) -> NeuronLogits:
    """The tokens of both ends, and how the whole effect is spread."""
    index, unembedding = work.index, work.index.unembedding
    found, known = _asked(work, query.neuron)
    k = row_count(query, len(known.ids), f"there are 1 to {len(known.ids):,} tokens to show")
    out = index.neuron_space("out")
    side = out.vectors(found.id, 1)
    effect = _effect(work, known, found.id, side)
    z = (effect - effect.mean()) / effect.std() if effect.std() else np.zeros_like(effect)
    place = index.neuron_grid.place(found.id)
    if place.layer not in known.shapes:
        shapes = _random_shapes(index, unembedding, known.ids, place.layer, progress)
        known.shapes[place.layer] = shapes
    ends = [(sign, best(sign * effect, k)) for sign in (1, -1)]
    names = _names(index, known.ids[np.unique(np.concatenate([at for _, at in ends]))])
    rows = [
        LogitEffect(sign, rank, names[int(known.ids[at])], float(effect[at]), float(z[at]))
        for sign, order in ends
        for rank, at in enumerate(order.tolist(), start=1)
    ]
    plus, minus = _acts(index, found.id)
    meta = meta_of(index, out, "effect on the logits", ())
    filled = LogitsQuery(found.name, k)
    return NeuronLogits(
        filled,
        tuple(rows),
        LogitsMeta(
            **vars(meta) | {"notes": tuple(_notes(index, known))},
            shape=tuple(_shape(unembedding, side, effect, known.shapes[place.layer])),
            tokens=len(known.ids),
            left_out=known.left_out,
            acts_plus=plus,
            acts_minus=minus,
        ),
    )


def effect_over_tokens(work: Workspace, neuron: str) -> tuple[str, Float64]:
    """A neuron's name, and what one unit of it adds to the logit of each token counted.

    Returns:
        (n,) float64 of the tokens, in the order of their ids.
    """
    found, known = _asked(work, neuron)
    side = work.index.neuron_space("out").vectors(found.id, 1)
    return found.name, _effect(work, known, found.id, side)


def _effect(work: Workspace, known: _Vocabulary, neuron: int, side: Float64) -> Float64:
    """The effect on the tokens counted, kept for who asks of the same neuron next."""
    effect = known.last.get(neuron)
    if effect is None:
        effect = effects(work.index.unembedding, side)[0][known.ids]
        known.last.clear()
        known.last[neuron] = effect
    return effect


def _asked(work: Workspace, name: str) -> tuple[Neuron, _Vocabulary]:
    """The neuron that is named, and the tokens that its effect is counted over."""
    index = work.index
    index.neurons.require()
    found = index.neurons.at(*_writing(name))
    if work not in _KNOWN:
        _KNOWN[work] = _vocabulary(index, index.unembedding)
    return found, _KNOWN[work]


def _writing(name: str) -> tuple[int, int, int | None]:
    """The neuron that is named, of which no other side than the writing one is asked."""
    side = name.strip().partition(".")[2].lower()
    found = neuron_of(name)
    if side not in ("", "out"):
        raise QueryError(f"{name!r}: only what a neuron writes has an effect; leave out .{side}")
    return found


def effects(unembedding: Unembedding, sides: Float64) -> Float64:
    """What one unit of some directions adds to every logit: (n, d_model) -> (n, vocabulary)."""
    folded = _folded(unembedding, sides)
    found = np.empty((len(sides), unembedding.vocabulary))
    for first, rows in _blocks(unembedding):
        found[:, first : first + len(rows)] = folded @ rows.T
    return found


def _folded(unembedding: Unembedding, sides: Float64) -> Float64:
    """Directions as the unembedding is given them, but for the size of the stream."""
    found = sides
    if unembedding.entry.norm == "layer":
        found = found - found.mean(axis=1, keepdims=True)
    if unembedding.gain is not None:
        found = found * unembedding.gain
    return found * unembedding.entry.scale


def _blocks(unembedding: Unembedding) -> Iterator[tuple[int, Float64]]:
    """The unembedding's rows, some thousand at a time, each with the id of its first."""
    for first in range(0, unembedding.vocabulary, _TOKENS_AT_ONCE):
        count = min(_TOKENS_AT_ONCE, unembedding.vocabulary - first)
        yield first, unembedding.rows(first, count)


def _vocabulary(index: Index, unembedding: Unembedding) -> _Vocabulary:
    """The tokens that are no control tokens and were trained."""
    tokens = index.sql("SELECT id, special FROM token ORDER BY id")
    ids = np.array([at for at, _ in tokens], np.int64)
    special = np.array([at for at, control in tokens if control], np.int64)
    counted = ~np.isin(ids, special)
    reference = _reference(unembedding, special)
    if reference is not None:
        mean, direction = reference
        like = np.empty(unembedding.vocabulary)
        for first, rows in _blocks(unembedding):
            centred = rows - mean
            lengths = np.linalg.norm(centred, axis=1)
            like[first : first + len(rows)] = centred @ direction / np.maximum(lengths, 1e-12)
        counted &= like[ids] < NEVER_TRAINED
    return _Vocabulary(ids[counted], unembedding.vocabulary - int(counted.sum()), {})


def _reference(unembedding: Unembedding, special: Int64) -> tuple[Float64, Float64] | None:
    """The mean of all tokens, and from there the direction of those that nothing told apart.

    Control tokens are the only ones known to be there for another purpose than text; where two of
    them lie in the same place, no training has moved either. None where there are no such two.
    """
    total, controls = np.zeros(unembedding.rows(0, 1).shape[1]), []
    for first, rows in _blocks(unembedding):
        total += rows.sum(axis=0)
        here = special[(special >= first) & (special < first + len(rows))]
        controls.append(rows[here - first])
    mean = total / unembedding.vocabulary
    centred = np.concatenate(controls) - mean
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    units = centred / np.maximum(lengths, 1e-12)
    alike = (units @ units.T > SAME).sum(axis=1)
    if not len(alike) or alike.max() < 2:
        return None
    together = units[units @ units[int(alike.argmax())] > SAME].mean(axis=0)
    return mean, together / np.linalg.norm(together)


def _random_shapes(
    index: Index, unembedding: Unembedding, ids: Int64, layer: int, progress: Progress
) -> Float64:
    """Variance, skew and kurtosis of random directions of a layer: (3, DIRECTIONS) float64."""
    span = index.neuron_grid.span(layer)
    sides = index.neuron_space("out").vectors(span.start, span.stop - span.start)
    drawn = np.random.default_rng([SEED, layer]).standard_normal((DIRECTIONS, len(sides))) @ sides
    lengths = np.linalg.norm(drawn, axis=1, keepdims=True)
    folded = _folded(unembedding, drawn / np.where(lengths > 0, lengths, 1))
    counted = np.zeros(unembedding.vocabulary, bool)
    counted[ids] = True
    # The tokens' mean is taken away first, so that float32 products lose no more than 1e-6 of the
    # sums of their powers, which are taken in float64: a place among 1,000 needs no more.
    mean = np.zeros(folded.shape[1])
    for first, rows in _blocks(unembedding):
        mean += rows[counted[first : first + len(rows)]].sum(axis=0)
    mean /= len(ids)
    directions = folded.T.astype(np.float32)
    sums = np.zeros((3, DIRECTIONS))
    for first, rows in _blocks(unembedding):
        progress("random directions", first, unembedding.vocabulary)
        kept = (rows[counted[first : first + len(rows)]] - mean).astype(np.float32)
        centred = kept @ directions
        square = centred * centred
        for at, powers in enumerate((square, square * centred, square * square)):
            sums[at] += powers.sum(axis=0, dtype=np.float64)
    second, third, fourth = sums / len(ids)
    with np.errstate(divide="ignore", invalid="ignore"):  # of a layer that writes nothing
        return np.stack([second, third / second**1.5, fourth / second**2])


def _shape(
    unembedding: Unembedding, side: Float64, effect: Float64, random: Float64
) -> Iterator[EffectShape]:
    """The three figures of an effect, each with its place among random directions'."""
    centred = effect - effect.mean()
    second, third, fourth = ((centred**power).mean() for power in (2, 3, 4))
    if not second:
        return
    values = (second / float((side**2).sum()), third / second**1.5, fourth / second**2)
    for name, value, drawn in zip(_SHAPES, values, random, strict=True):
        below = (drawn < value).sum() + 0.5 * (drawn == value).sum()
        low, median, high = np.quantile(drawn, (0.01, 0.5, 0.99))
        place = 100 * float(below) / len(drawn)
        yield EffectShape(name, float(value), place, float(median), float(low), float(high))


def _names(index: Index, ids: Int64) -> dict[int, str]:
    tokens = index.tokens.by_id(ids)
    return {int(at): token.display for at, token in zip(ids, tokens, strict=True)}


def _acts(index: Index, neuron: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Indexed words that a neuron fires at most strongly: those where it acts +, and -."""
    fires = sorted(index.activations.of_neuron(neuron), key=lambda one: -abs(one.activation))
    ends = []
    for sign in (1, -1):
        some = [one.word for one in fires if sign * one.activation > 0]
        forms: dict[str, str] = {}
        for word in index.words.by_id(some):  # of several forms the strongest, in its place
            forms.setdefault(word.text.casefold(), word.text)
        ends.append(tuple(forms.values())[:WORDS])
    return ends[0], ends[1]


def _notes(index: Index, known: _Vocabulary) -> Iterator[str]:
    yield (
        "effect: what one unit of activation adds to a token's logit, before the last norm divides "
        "by the size of the stream, and as far as no later block changes it"
    )
    yield (
        f"z, variance, skew and kurtosis: over {len(known.ids):,} tokens; {known.left_out:,} that "
        "are control tokens, or were never trained, are left out"
    )
    yield (
        f"random directions: {DIRECTIONS:,} from N(0, W W'), W the writing sides of the layer, "
        f"drawn with seed {SEED}; variance is of directions of norm 1"
    )
    if "up" in index.sides:
        yield (
            "the sign of a gated neuron is arbitrary: what it raises at a word is what stands "
            "under the sign it acts with there"
        )
