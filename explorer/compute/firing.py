"""What neurons do at words' last tokens, from the tables of recorded activations alone.

Each word's strongest neurons are kept, at either end, and no others: one that is missing from a
word's list has a z there that is no farther out than the last in the list. So what is known of some
neurons bounds what is not known of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.expressions import Term
from explorer.products import Float64
from explorer.questions import Resolved
from explorer.resolve import Resolver
from indexer.store.activations import Fires
from indexer.store.read import Index

ABOUT_ACTIVATION = (
    "activation: what the neuron's column of the output matrix is multiplied by; below 0 it adds "
    "the column turned around, and takes away what stands under writes"
)


@dataclass(frozen=True)
class Firing:
    """How strongly neurons fire at some words.

    Attributes:
        values: per word, z of every neuron's activation at its last token, (neurons,) float64; 0
            where the neuron is not among the word's strongest.
        words: ids of the words.
        resolved: what each word was taken to be.
        depth: how many neurons are kept of each word, at either end.
        reach: (neurons,) float64, of a neuron that is not among the strongest of every word, all at
            the same end: what its least |z| may be at most, if it fires alike at all of them;
            minus infinity of the others.
    """

    values: tuple[Float64, ...]
    words: tuple[int, ...]
    resolved: tuple[Resolved, ...]
    depth: int
    reach: Float64


def firing(resolver: Resolver, terms: Sequence[Term]) -> Firing:
    """How strongly neurons fire at some words.

    Raises:
        UnknownWord: a word is not indexed.
        UnknownSpace: no activations were recorded.
    """
    index = resolver.index
    depth, rows = index.manifest.neurons_per_word, index.neuron_grid.rows
    values, words, resolved = [], [], []
    ends = {1: _End(rows), -1: _End(rows)}
    for term in terms:
        word, what = resolver.indexed(term)
        kept = index.activations.of_word(word.id)
        value = np.zeros(rows)
        for one in kept:
            if one.z * one.rank > 0:
                value[one.neuron] = one.z
        for turn, end in ends.items():
            levels = [turn * one.z for one in kept if turn * one.rank > 0]
            # A list with room left, or that reaches over the mean, has all there are at its end.
            last = levels[-1] if len(levels) == depth else 0.0
            end.hear(turn * value, max(0.0, last))
        values.append(value)
        words.append(word.id)
        resolved.append(what)
    reach = np.maximum(ends[1].reach, ends[-1].reach)
    return Firing(tuple(values), tuple(words), tuple(resolved), depth, reach)


class _End:
    """What neurons of which not all is known may do at one end, word after word."""

    def __init__(self, neurons: int) -> None:
        self._most, self._known = np.full(neurons, np.inf), np.ones(neurons, bool)

    def hear(self, value: Float64, last: float) -> None:
        """One word: z of its strongest at this end, above 0; below 0 those of the other end.

        One that is missing from the list stands no higher than `last`.
        """
        listed = value > 0
        here = np.where(listed, value, np.where(value < 0, -np.inf, last))
        self._most, self._known = np.minimum(self._most, here), self._known & listed

    @property
    def reach(self) -> Float64:
        """(neurons,) float64; minus infinity where all is known, or it fires the other way."""
        return np.where(self._known, -np.inf, self._most)


def fires_at(index: Index, word: int) -> list[Fires]:
    """The neurons that fire most strongly at a word: above their mean, and below where kept.

    Of few neurons, the list of one end may reach over the mean. What lies there is none of the
    strongest of the other end, or of an end that is not kept.

    Raises:
        UnknownSpace: no activations were recorded.
    """
    return [one for one in index.activations.of_word(word) if one.z * one.rank > 0]


def least(values: Sequence[Float64]) -> Float64:
    """The least |z| of every neuron over some words: (neurons,) float64.

    Minus infinity where a neuron is not among the strongest of each, all at the same end.
    """
    stacked = np.stack(values)
    alike = (stacked > 0).all(axis=0) | (stacked < 0).all(axis=0)
    found: Float64 = np.where(alike, np.abs(stacked).min(axis=0), -np.inf)
    return found


def about_z(index: Index) -> str:
    """What the z of an activation is read against."""
    said = (
        "z: standard deviations above the neuron's mean activation at the last token of the "
        f"{index.manifest.words:,} indexed words"
    )
    return said if "up" in index.sides else f"{said}; no gate, so only those above it are kept"


def more(depth: int) -> str:
    """How to have more neurons of each word."""
    return f"`indexer build --neurons-per-word {2 * depth}` keeps more"
