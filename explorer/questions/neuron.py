"""What `neuron` answers, and how it looks."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from explorer.questions.answer import Mention, Meta, Result
from explorer.questions.fields import rows_option
from explorer.questions.lines import foot_lines
from explorer.questions.query import Query, argument
from explorer.show.gauge import DEVIATIONS, Gauge
from explorer.show.layout import Column, Layout, Listing, Section


@dataclass(frozen=True)
class NeuronNear:
    """Something near one side of a neuron.

    Attributes:
        side: `gate`, `up` or `out` of gated MLPs, `in` or `out` of others; `fires` for
            words it fires at.
        kind: `token`, `neuron` or `word`.
        rank: from 1 for the nearest or highest, from -1 for the farthest tokens and lowest words.
        item: token with spaces visible, neuron, or word.
        score: a token's z within the neuron; a neuron's cosine; z of the activation at a word.
        activation: of a word, what the neuron's writing side is multiplied by there; below 0 it
            adds the side turned around.
    """

    side: str
    kind: Literal["token", "neuron", "word"]
    rank: int
    item: str
    score: float
    activation: float | None = None


@dataclass(frozen=True)
class NeuronQuery(Query["NeuronReport"]):
    """What is a neuron near to, and which words does it fire at?"""

    question = "neuron"
    letter = "u"
    title = "Neuron"
    example = "L29N112"
    examples = (
        "explorer neuron L29N112 -k 5",
        "explorer neuron L29N112 --format json",
    )

    neuron: str = argument("`L29N112`, or `L3E5N112` of a block with experts", "neuron")
    k: int | None = rows_option("how many rows of each kind")


@dataclass(frozen=True)
class NeuronMeta(Meta):
    """Meta of a neuron, with its norms per side and the cosines between its sides.

    Attributes:
        norms: by side, under the index's convention.
        cosines: by pair of sides, `in.out`, or where the MLP is gated `gate.up`, `gate.out` and
            `up.out`. There up and out may both be negated, so that only `up.out` has a sign of its
            own.
        activation: `mean` and `std` over the indexed words; empty where not recorded.
    """

    norms: dict[str, float] = dataclasses.field(default_factory=dict)
    cosines: dict[str, float] = dataclasses.field(default_factory=dict)
    activation: dict[str, float] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class NeuronReport(Result[NeuronNear]):
    """One neuron: norms, nearest tokens of each side, nearest neurons.

    A row is a token or neuron near one side, or a word that the neuron fires at, one kind after the
    other: `side` and `kind` say which. Norms and cosines stand in `meta`.
    """

    query: NeuronQuery
    rows: tuple[NeuronNear, ...]
    meta: NeuronMeta

    def gauge(self) -> Gauge:
        """Scores that are z; cosines have no bar."""
        within = f"within {DEVIATIONS:g} standard deviations of the neuron's mean"
        return Gauge(
            "score",
            lambda row: None if row.kind == "neuron" else float(row.score),
            -DEVIATIONS,
            DEVIATIONS,
            f"{within}; cosines have no bar",
        )

    def mentions(self, row: NeuronNear) -> Iterator[Mention]:
        """The item."""
        yield Mention(row.kind, row.item)

    def layout(self) -> Layout:
        """A card: norms and cosines above, a section for each side and for what it fires at."""
        return _neuron_table(self)


_NEAR = {
    ("token", True): "nearest token",
    ("token", False): "farthest token",
    ("neuron", True): "nearest neuron",
    ("word", True): "highest word",
    ("word", False): "lowest word",
}


def _neuron_table(result: NeuronReport) -> Layout:
    meta = result.meta
    norms = ", ".join(f"{side} {norm:z.4f}" for side, norm in meta.norms.items())
    cosines = ", ".join(f"{pair} {cosine:+z.4f}" for pair, cosine in meta.cosines.items())
    head = [f"{result.query.neuron}", f"  norms: {norms}", f"  cosines: {cosines}"]
    if meta.activation:
        mean, std = meta.activation["mean"], meta.activation["std"]
        head.append(f"  activation: mean {mean:+z.4f}, std {std:z.4f}{_signs(result.rows)}")
    head.append(f"  {meta.convention}")
    columns = [
        Column("side", lambda r: str(r.side)),
        Column("near", lambda r: _NEAR[r.kind, r.rank > 0]),
        Column("rank", lambda r: str(abs(r.rank)), right=True),
        Column("item", lambda r: str(r.item)),
        Column("score", lambda r: f"{r.score:z.4f}", right=True),
    ]
    if any(row.activation is not None for row in result.rows):
        columns.append(Column("activation", _activation, right=True))
    return Layout(head, columns, result.rows, foot_lines(meta), _sections(result))


def _signs(rows: Sequence[NeuronNear]) -> str:
    """The signs it acts with at the words that are shown."""
    acted = [row.activation for row in rows if row.activation is not None]
    plus, minus = sum(one > 0 for one in acted), sum(one < 0 for one in acted)
    shown = f"; of the {len(acted)} words below it acts + at {plus}, - at {minus}"
    return shown if acted else ""


def _sections(result: NeuronReport) -> list[Section]:
    """What each side reads or writes, the words it fires at, and neurons like it."""
    sides = list(result.meta.norms)
    sections = []
    for side in sides:
        near, far = (_listing(result.rows, side, "token", up, "z") for up in (True, False))
        does = "writes" if side == "out" else "reads"
        sections.append(_section(f"{does}, by {side}", [near, far]))
    high, low = (_listing(result.rows, "fires", "word", up, "z") for up in (True, False))
    sections.append(_section("fires at", [high, low]))
    alike = [_listing(result.rows, side, "neuron", True, "cosine", f"by {side}") for side in sides]
    sections.append(_section("neurons like it", alike))
    return [one for one in sections if one.lists]


def _section(title: str, lists: Sequence[Listing]) -> Section:
    return Section(title, [one for one in lists if one.rows])


def _listing(
    rows: Sequence[NeuronNear], side: str, kind: str, above: bool, figure: str, name: str = ""
) -> Listing:
    shown = [r for r in rows if (r.side, r.kind, r.rank > 0) == (side, kind, above)]
    digits = 4 if figure == "cosine" else 2
    columns = [
        Column(name or _NEAR[kind, above].split()[0], lambda r: str(r.item)),
        Column(figure, lambda r: f"{r.score:z.{digits}f}", right=True),
    ]
    if any(row.activation is not None for row in shown):
        columns.append(Column("activation", _activation, right=True))
    return Listing(columns, shown)


def _activation(row: NeuronNear) -> str:
    return "" if row.activation is None else f"{row.activation:+z.3f}"
