"""What neurons do at words' last tokens, from the tables of recorded activations alone.

Each word's strongest neurons are kept, at either end, and no others: one that is missing from a
word's list has a z there that is no farther out than the last in the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.expressions import Term
from explorer.measures import Float64
from explorer.resolve import Resolver
from explorer.results import Resolved
from indexer.store.read import Fires, Index


@dataclass(frozen=True)
class Firing:
    """How strongly neurons fire at some words.

    Attributes:
        values: per word, z of every neuron's activation at its last token, (neurons,) float64; 0
            where the neuron is not among the word's strongest.
        resolved: what each word was taken to be.
        depth: how many neurons are kept of each word, at either end.
        bound: a neuron that fires alike at all words, but is not among the strongest of each, has a
            least |z| of at most this.
    """

    values: tuple[Float64, ...]
    resolved: tuple[Resolved, ...]
    depth: int
    bound: float


def firing(resolver: Resolver, terms: Sequence[Term]) -> Firing:
    """How strongly neurons fire at some words.

    Raises:
        UnknownWord: a word is not indexed.
        UnknownSpace: no activations were recorded.
    """
    index = resolver.index
    values, resolved, last, depth = [], [], [], 0
    for term in terms:
        word, what = resolver.indexed(term)
        fires = fires_at(index, word.id)
        value = np.zeros(index.neuron_grid.rows)
        value[[one.neuron for one in fires]] = [one.z for one in fires]
        values.append(value)
        resolved.append(what)
        depth = max(depth, *(abs(one.rank) for one in fires), 0)
        for end in (1, -1):
            here = [abs(one.z) for one in fires if one.rank * end > 0]
            last += [min(here)] if here else []
    return Firing(tuple(values), tuple(resolved), depth, max(last, default=0.0))


def fires_at(index: Index, word: int) -> list[Fires]:
    """The neurons that fire most strongly at a word: above their mean, and below where kept.

    Of few neurons, the list of one end may reach over the mean. What lies there is none of the
    strongest of the other end, or of an end that is not kept.

    Raises:
        UnknownSpace: no activations were recorded.
    """
    return [one for one in index.strongest_neurons(word) if one.z * one.rank > 0]


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
        "z: deviations above the neuron's mean activation at the last token of the "
        f"{index.manifest.words:,} indexed words"
    )
    return said if "up" in index.sides else f"{said}; no gate, so only those above it are kept"
