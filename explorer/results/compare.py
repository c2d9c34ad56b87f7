"""What `compare` answers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Result


@dataclass(frozen=True)
class ComparedPair:
    """How alike the profiles of two words are, over all the neurons asked for or those of a layer.

    Attributes:
        first: a word, as asked.
        second: another.
        layer: block, from 0; None over all layers at once.
        n: how many neurons, so how long the profiles are.
        scores: per measure: `pearson`, `spearman` and `kendall` (tau-b) from -1 to 1, `cosine` of
            the two profiles, `euclidean` distance, smaller is nearer, and `dot` product.
        percentiles: per measure: how many in a hundred of the control pairs score lower, half of
            those that score the same counted; of `euclidean` a low one is near. Empty where no
            control pairs were asked for.
    """

    first: str
    second: str
    layer: int | None
    n: int
    scores: dict[str, float]
    percentiles: dict[str, float]


@dataclass(frozen=True)
class CompareQuery:
    """What was asked of `compare`.

    Attributes:
        words: as asked.
        side: `in`, `up` or `out`.
        measures: which measures.
        layers: the layers whose neurons were taken.
        top_neurons: how many neurons of greatest impact, or None for all.
        impact: `z` or `norm`.
        control_neurons: `own` or `same`.
        per_layer: whether each layer has rows of its own.
        control: `matched` or `random`.
        pairs: control pairs of each pair.
        seed: of the draw.
    """

    words: tuple[str, ...]
    side: str
    measures: tuple[str, ...]
    layers: tuple[int, ...]
    top_neurons: int | None
    impact: str
    control_neurons: str
    per_layer: bool
    control: str
    pairs: int
    seed: int


@dataclass(frozen=True)
class RandomPairs:
    """What control pairs score in one measure.

    Attributes:
        layer: block, from 0; None over all layers at once.
        measure: how they were scored.
        mean: over the control pairs of all pairs of words.
        deviation: their standard deviation, divided by n.
        n: how many: control pairs of a pair, times pairs.
    """

    layer: int | None
    measure: str
    mean: float
    deviation: float
    n: int


@dataclass(frozen=True)
class CompareMeta(Meta):
    """What `compare` rests on.

    Attributes:
        random: what control pairs score, per layer and measure; empty without control pairs.
    """

    random: tuple[RandomPairs, ...] = ()


@dataclass(frozen=True)
class Comparison(Result):
    """How alike the profiles of words are, pair by pair."""

    query: CompareQuery
    rows: tuple[ComparedPair, ...]
    meta: CompareMeta
