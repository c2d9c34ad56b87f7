"""What `baseline` answers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Result


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
    """What was asked of `baseline`.

    Attributes:
        space: the one space asked, or None.
        measure: the one measure asked, or None.
        pairs: how many pairs were to be drawn.
        seed: of the draw.
    """

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
