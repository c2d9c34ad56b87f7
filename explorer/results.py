"""What queries return: frozen, printable, made of plain Python values.

Knows the shapes of answers; reads and computes nothing. Every result has `query` (what was asked),
`rows` and `meta` (what it was asked of, and what it was read against); `to_dict` gives the
documented JSON shape.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resolved:
    """What one item of a query was taken to be.

    Attributes:
        asked: as written.
        item: what it is: a token with its spaces visible, a word, a neuron's side.
        tokens: its tokens, spaces visible; empty for a neuron.
        token_ids: their ids.
        space: the space its vector was taken from.
        weight: signed weight in the expression.
        note: what a reader should know: a mean of parts, a sink, text that was not indexed.
    """

    asked: str
    item: str
    tokens: tuple[str, ...]
    token_ids: tuple[int, ...]
    space: str
    weight: float = 1.0
    note: str = ""


@dataclass(frozen=True)
class Calibration:
    """What a score is read against: the query's scores over all items of the space.

    `z = (score - mean) / deviation`.

    Attributes:
        mean: of the scores.
        deviation: their standard deviation, divided by n.
        n: how many there are.
        population: whose they are.
    """

    mean: float
    deviation: float
    n: int
    population: str


@dataclass(frozen=True)
class Meta:
    """What an answer rests on.

    Attributes:
        index: name of the index.
        model: the model it was made from.
        space: the space that was searched.
        measure: how vectors were scored.
        convention: what was folded into the space's rows; empty where nothing was.
        resolved: what each item of the query was taken to be.
        calibration: what `z` is read against.
        notes: anything else a reader should know.
    """

    index: str
    model: str
    space: str
    measure: str
    convention: str
    resolved: tuple[Resolved, ...]
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()


class Result:
    """What every result can do."""

    def to_dict(self) -> dict[str, Any]:
        """`{"query": ..., "rows": [...], "meta": ...}`, of plain lists, dicts and numbers."""
        return _plain(self)  # type: ignore[no-any-return]

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows alone, each as a flat dict."""
        rows: list[dict[str, Any]] = self.to_dict()["rows"]
        return rows

    def __str__(self) -> str:
        from explorer.render import to_text

        return to_text(self)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


# -- neighbors ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Neighbor:
    """One item near the query.

    Attributes:
        rank: from 1.
        item: its name: a token with spaces visible, a word, a neuron.
        score: in the measure; for `euclidean` a distance, smaller is nearer.
        z: deviations above the mean of this query's scores over the space's items.
        text: what the token or word says, spaces as they are; a neuron's name.
        forms: with `distinct`, further items folded into this row, best first.
    """

    rank: int
    item: str
    score: float
    z: float
    text: str
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeighborsQuery:
    """What was asked of `neighbors`."""

    expression: str
    space: str
    measure: str
    k: int
    include_inputs: bool
    distinct: bool


@dataclass(frozen=True)
class Neighbors(Result):
    """The items nearest to an expression, best first."""

    query: NeighborsQuery
    rows: tuple[Neighbor, ...]
    meta: Meta


# -- middle man -----------------------------------------------------------------------------


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
        scores: per word asked.
        avoided: per word to avoid.
        reads: the tokens its reading side is nearest to, best first.
        writes: the tokens its writing side is nearest to, best first.
    """

    rank: int
    neuron: str
    layer: int
    expert: int | None
    unit: int
    score: float
    scores: dict[str, float]
    avoided: dict[str, float]
    reads: tuple[str, ...]
    writes: tuple[str, ...]


@dataclass(frozen=True)
class MiddlemanQuery:
    """What was asked of `middleman`."""

    words: tuple[str, ...]
    avoid: tuple[str, ...]
    side: str
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


# -- analogy --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Component:
    """One item of an expression, asked alone: the target's score, and what the sum adds to it.

    Attributes:
        item: the item, as resolved.
        score: the target's score with the item alone.
        z: the same, calibrated over that query's scores.
        rank: the target's rank, the item left out.
        gain: the target's score with the whole expression, less `score`.
    """

    item: str
    score: float
    z: float
    rank: int
    gain: float


@dataclass(frozen=True)
class Other:
    """The target under the other expression; differences are this expression's less that one's.

    Attributes:
        expression: the other expression.
        score: the target's score with it.
        z: the same, calibrated over that query's scores.
        rank: the target's rank, that query's items left out.
        score_difference: in score.
        z_difference: in z.
        rank_difference: in rank; negative where this expression ranks the target better.
    """

    expression: str
    score: float
    z: float
    rank: int
    score_difference: float
    z_difference: float
    rank_difference: int


@dataclass(frozen=True)
class Target:
    """Where a target word stands under an expression.

    Attributes:
        item: the target, as resolved; it need not be an item of the space.
        score: its score with the expression.
        z: the same, calibrated over the query's scores.
        rank: 1 + the number of items that score better, the query's own items left out.
        n: how many items are left to be ranked among.
        components: each item of the expression asked alone; empty where there is only one.
        against: the same target under the other expression, where one was given.
    """

    item: str
    score: float
    z: float
    rank: int
    n: int
    components: tuple[Component, ...]
    against: Other | None = None


@dataclass(frozen=True)
class AnalogyQuery:
    """What was asked of `analogy`."""

    expression: str
    target: str | None
    against: str | None
    spaces: tuple[str, ...]
    measure: str | None
    method: str
    k: int
    include_inputs: bool
    distinct: bool


@dataclass(frozen=True)
class AnalogyMeta(Meta):
    """Meta of an analogy, with the target's standing where one was named.

    Attributes:
        target: its standing; with `--all-layers` it is in the rows instead.
        resolved_target: what the target was taken to be.
        resolved_against: what the items of the other expression were taken to be.
    """

    target: Target | None = None
    resolved_target: Resolved | None = None
    resolved_against: tuple[Resolved, ...] = ()


@dataclass(frozen=True)
class Analogy(Result):
    """The items an expression leads to in one space, best first."""

    query: AnalogyQuery
    rows: tuple[Neighbor, ...]
    meta: AnalogyMeta


@dataclass(frozen=True)
class AnalogyLayer:
    """An analogy in one space: its nearest items, and the target's standing.

    Attributes:
        space: `embed`, or a context space.
        measure: how vectors were scored there.
        nearest: the nearest items, best first.
        target: the target's standing, where one was named.
        notes: what a reader should know of an item in this space.
    """

    space: str
    measure: str
    nearest: tuple[str, ...]
    target: Target | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalogyLayers(Result):
    """An analogy in every space of tokens and words, in order of depth."""

    query: AnalogyQuery
    rows: tuple[AnalogyLayer, ...]
    meta: AnalogyMeta


# -- layers ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class LayerRow:
    """An expression at one depth.

    Attributes:
        space: `embed`, or a context space.
        measure: how vectors were scored there.
        nearest: the nearest items, best first.
        target: the target's standing, where one was named.
        sinks: share of indexed words that are attention sinks there; None in `embed`.
        change: share of the 50 nearest that were not among those of the layer before; None where
            there is none before.
        notes: what a reader should know of an item in this space.
    """

    space: str
    measure: str
    nearest: tuple[str, ...]
    target: Target | None
    sinks: float | None
    change: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LayersQuery:
    """What was asked of `layers`."""

    expression: str
    target: str | None
    spaces: tuple[str, ...]
    measure: str | None
    k: int
    distinct: bool


@dataclass(frozen=True)
class Layers(Result):
    """An expression in every space of tokens and words, in order of depth."""

    query: LayersQuery
    rows: tuple[LayerRow, ...]
    meta: Meta


# -- neuron ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class NeuronNear:
    """Something near one side of a neuron.

    Attributes:
        side: `in`, `up` or `out`.
        kind: `token` or `neuron`.
        rank: from 1 for the nearest, from -1 for the farthest tokens.
        item: token with spaces visible, or neuron.
        score: a token's z within the neuron; a neuron's cosine.
    """

    side: str
    kind: str
    rank: int
    item: str
    score: float


@dataclass(frozen=True)
class NeuronQuery:
    """What was asked of `neuron`."""

    neuron: str
    k: int


@dataclass(frozen=True)
class NeuronMeta(Meta):
    """Meta of a neuron, with its norms per side and the cosines between its sides.

    Attributes:
        norms: by side, under the index's convention.
        cosines: by pair of sides, `in.out`, and where the MLP is gated `in.up` and `up.out`.
    """

    norms: dict[str, float] = dataclasses.field(default_factory=dict)
    cosines: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class NeuronReport(Result):
    """One neuron: norms, nearest tokens of each side, nearest neurons."""

    query: NeuronQuery
    rows: tuple[NeuronNear, ...]
    meta: NeuronMeta


# -- baseline -------------------------------------------------------------------------------


@dataclass(frozen=True)
class BaselineRow:
    """What unrelated items of a space score in one measure.

    Attributes:
        space: name of the space.
        measure: how they were scored.
        mean: over the pairs.
        deviation: standard deviation over the pairs, divided by n.
        quantiles: by share, `0.01` to `0.99`.
        n: how many pairs.
        population: whose pairs.
    """

    space: str
    measure: str
    mean: float
    deviation: float
    quantiles: dict[str, float]
    n: int
    population: str


@dataclass(frozen=True)
class BaselineQuery:
    """What was asked of `baseline`."""

    space: str | None
    measure: str | None
    pairs: int
    seed: int


@dataclass(frozen=True)
class Baseline(Result):
    """What unrelated items score, per space and measure."""

    query: BaselineQuery
    rows: tuple[BaselineRow, ...]
    meta: Meta


# -- heads ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeadWrites:
    """What one attention head writes for a word that it attends to fully.

    Attributes:
        rank: from 1, by `score`.
        head: `L3H5`.
        layer: block, from 0.
        number: which of the block's heads, from 0.
        score: z of the word it is asked to carry to; of the word itself where none was named.
        copying: z of the word itself in what is written.
        norm: Euclidean norm of what is written for a stream of root mean square 1.
        writes: the word-like tokens of highest z, best first.
        suppresses: those of lowest z, lowest first.
    """

    rank: int
    head: str
    layer: int
    number: int
    score: float
    copying: float
    norm: float
    writes: tuple[str, ...]
    suppresses: tuple[str, ...]


@dataclass(frozen=True)
class OvQuery:
    """What was asked of `ov`."""

    word: str
    to: str | None
    layer: int | None
    head: int | None
    k: int


@dataclass(frozen=True)
class OvReport(Result):
    """Heads by how strongly they carry a word to another, or to itself."""

    query: OvQuery
    rows: tuple[HeadWrites, ...]
    meta: Meta
