"""What `neuron` answers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from explorer.results.answer import Meta, Result


@dataclass(frozen=True)
class NeuronNear:
    """Something near one side of a neuron.

    Attributes:
        side: `in`, `up` or `out`; `fires` for words it fires at.
        kind: `token`, `neuron` or `word`.
        rank: from 1 for the nearest or highest, from -1 for the farthest tokens and lowest words.
        item: token with spaces visible, neuron, or word.
        score: a token's z within the neuron; a neuron's cosine; z of the activation at a word.
        activation: of a word, what the neuron's writing side is multiplied by there; below 0 it
            adds the side turned around.
    """

    side: str
    kind: str
    rank: int
    item: str
    score: float
    activation: float | None = None


@dataclass(frozen=True)
class NeuronQuery:
    """What was asked of `neuron`.

    Attributes:
        neuron: its name.
        k: how many of each kind at most.
    """

    neuron: str
    k: int


@dataclass(frozen=True)
class NeuronMeta(Meta):
    """Meta of a neuron, with its norms per side and the cosines between its sides.

    Attributes:
        norms: by side, under the index's convention.
        cosines: by pair of sides, `in.out`, and where the MLP is gated `in.up` and `up.out`. There
            up and out may both be negated, so that only `up.out` has a sign of its own.
        activation: `mean` and `deviation` over the indexed words; empty where not recorded.
    """

    norms: dict[str, float] = dataclasses.field(default_factory=dict)
    cosines: dict[str, float] = dataclasses.field(default_factory=dict)
    activation: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class NeuronReport(Result):
    """One neuron: norms, nearest tokens of each side, nearest neurons."""

    query: NeuronQuery
    rows: tuple[NeuronNear, ...]
    meta: NeuronMeta
