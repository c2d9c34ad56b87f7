"""What `layers` answers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.analogy import Target
from explorer.results.answer import Meta, Result


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
    """What was asked of `layers`.

    Attributes:
        expression: as written, blanks tidied.
        target: the word whose standing was asked for, or None.
        spaces: the spaces that were asked, in order of depth.
        measure: the measure; None where each space had its own.
        k: how many nearest items.
        distinct: whether forms that differ only in case or leading space were folded.
    """

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
