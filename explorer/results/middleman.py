"""What `middleman` answers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Result


@dataclass(frozen=True)
class Acts:
    """The sign a gated neuron acts with at a word: of what its writing side is multiplied by.

    Attributes:
        sign: 1 where it writes the side as it is, -1 where turned around, 0 where it writes
            nothing.
        source: `recorded` when the word was run, or, where it was not, `weights`: an estimate, of
            act(gate.w) (up.w) for the word's own vector w.
    """

    sign: int
    source: str


@dataclass(frozen=True)
class MiddleMan:
    """A neuron that answers to every word asked.

    Attributes:
        rank: from 1; within its layer where the best of each layer were asked for.
        neuron: `L29N112`, or `L3E5N112` of a block with experts.
        layer: block, from 0.
        expert: which of the block's experts, from 0; None in a block without.
        unit: from 0.
        score: the least (or mean) of `scores`, less the largest of `avoided`.
        scores: per word asked; by activations, z of the activation at the word's last token.
        avoided: per word to avoid.
        acts: per word asked, the sign it acts with; empty where neurons have no gate.
        reads: the tokens its reading side is nearest to, best first.
        writes: the tokens its writing side is nearest to, best first; where `acts` has -1, what it
            takes away.
    """

    rank: int
    neuron: str
    layer: int
    expert: int | None
    unit: int
    score: float
    scores: dict[str, float]
    avoided: dict[str, float]
    acts: dict[str, Acts]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True)
class MiddlemanQuery:
    """What was asked of `middleman`.

    Attributes:
        words: as asked.
        by: `weights` or `activations`.
        avoid: words a neuron should not answer to.
        side: `in`, `up` or `out`; None by activations.
        score: `z`, `dot` or `cosine`; `|z|` by activations.
        combine: `min` or `mean`.
        layers: the layers whose neurons were ranked.
        per_layer: the best so many of each layer, or None.
        k: how many at most.
    """

    words: tuple[str, ...]
    by: str
    avoid: tuple[str, ...]
    side: str | None
    score: str
    combine: str
    layers: tuple[int, ...]
    per_layer: int | None
    k: int


@dataclass(frozen=True)
class Middlemen(Result):
    """Neurons that answer to all of some words, best first."""

    query: MiddlemanQuery
    rows: tuple[MiddleMan, ...]
    meta: Meta
