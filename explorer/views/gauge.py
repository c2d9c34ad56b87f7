"""What a row's score is measured against: the values that are ordinary, and a bar over all of them.

The band is the query's own baseline: scores within two standard deviations of the mean that `z`
is read against. Knows answers and characters; knows no screen, no colour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from explorer import questions

DEVIATIONS = 2.0
BEYOND, WITHIN, BAND, EMPTY = "▆", "▂", "·", " "
"""Filled outside the band and within it; the band where it is not filled; nothing."""


@dataclass(frozen=True)
class Gauge:
    """How far a row's score lies from what is ordinary.

    Attributes:
        column: the column of the table that the bar stands after.
        value: of a row, the greater the nearer; None where it has none.
        low: the lower end of what is ordinary.
        high: its upper end.
        about: what is ordinary, in a line.
    """

    column: str
    value: Callable[[Any], float | None]
    low: float
    high: float
    about: str

    @property
    def middle(self) -> float:
        """What is most ordinary; where bars begin."""
        return (self.low + self.high) / 2


@dataclass(frozen=True)
class Scale:
    """The gauge of an answer with the range that its bars span."""

    gauge: Gauge
    least: float
    most: float

    def bar(self, row: Any, width: int) -> str:
        """A row's bar from the middle of the band to its value, `width` characters.

        Blank where the row has no value.
        """
        value = self.gauge.value(row)
        if value is None or width < 1:
            return EMPTY * width
        low, high = sorted((self.gauge.middle, value))
        step = (self.most - self.least) / width
        cells = []
        for at in range(width):
            here = self.least + (at + 0.5) * step
            ordinary = self.gauge.low <= here <= self.gauge.high
            if low <= here <= high:
                cells.append(WITHIN if ordinary else BEYOND)
            else:
                cells.append(BAND if ordinary else EMPTY)
        return "".join(cells)


def scale_of(answer: Any, rows: Sequence[Any]) -> Scale | None:
    """What the bars of an answer's rows are drawn on; None where scores have no baseline."""
    make = _GAUGES.get(type(answer))
    gauge = make(answer) if make is not None else None
    if gauge is None:
        return None
    values = [value for row in rows if (value := gauge.value(row)) is not None]
    if not values:
        return None
    # Of values on one side alone, the other side of the band would say nothing.
    least = gauge.middle if min(values) >= gauge.middle else min(gauge.low, *values)
    most = gauge.middle if max(values) <= gauge.middle else max(gauge.high, *values)
    return Scale(gauge, least, most) if most > least else None


def _calibrated(answer: questions.Neighbors | questions.Analogy) -> Gauge | None:
    found = answer.meta.calibration
    if found is None:
        return None
    # A small distance is what a great product is: drawn the other way round.
    from explorer.measures.asked import kind  # numbers, which are there where an answer is

    sign = -1.0 if kind(answer.meta.measure).distance else 1.0
    ends = sorted(sign * (found.mean + by * found.std) for by in (-DEVIATIONS, DEVIATIONS))
    within = f"within {DEVIATIONS:g} standard deviations of the mean that z is counted from"
    about = f"{WITHIN} ordinary: {within}"
    return Gauge("score", lambda row: sign * row.score, ends[0], ends[1], about)


def _standardised(name: str, column: str, what: str) -> Callable[[Any], Gauge | None]:
    about = f"{WITHIN} ordinary: within {DEVIATIONS:g} standard deviations {what}"
    return lambda _: Gauge(column, lambda row: _of(row, name), -DEVIATIONS, DEVIATIONS, about)


def _of(row: Any, name: str) -> float | None:
    for part in name.split("."):
        row = getattr(row, part, None)
    return None if row is None else float(row)


def _middlemen(answer: questions.Middlemen) -> Gauge | None:
    if answer.query.score not in ("z", "|z|"):
        return None
    return _standardised("score", "score", "of a neuron's mean")(answer)


def _neuron(_: questions.NeuronReport) -> Gauge:
    within = f"within {DEVIATIONS:g} standard deviations of the neuron's mean"
    about = f"{WITHIN} ordinary: {within}; cosines have no bar"
    return Gauge(
        "score",
        lambda row: None if row.kind == "neuron" else float(row.score),
        -DEVIATIONS,
        DEVIATIONS,
        about,
    )


def _against_controls(name: str) -> Callable[[Any], Gauge | None]:
    """Against the controls; where there are two kinds side by side, against the first."""

    def gauge(answer: questions.Congruence | questions.AnchoredWords) -> Gauge | None:
        drawn = answer.meta.drawn
        if len(drawn) == 1:
            return _standardised(name, name, "of its controls' mean")(answer)
        control = drawn[0].control
        within = f"within {DEVIATIONS:g} standard deviations of its {control} controls' mean"
        return Gauge(
            f"{name} {control}",
            lambda row: _of(row[0], name),
            -DEVIATIONS,
            DEVIATIONS,
            f"{WITHIN} ordinary: {within}",
        )

    return gauge


def _compared(answer: questions.Comparison) -> Gauge | None:
    if not answer.query.pairs:
        return None

    def value(row: Any) -> float | None:
        if isinstance(row, tuple):  # a line a measure
            return float(row[0].percentiles[row[1]])
        return float(next(iter(row.percentiles.values()), 50.0))

    about = f"{WITHIN} ordinary: the middle 90 % of control pairs; bars are percentiles"
    return Gauge("%", value, 5.0, 95.0, about)


_GAUGES: dict[type[Any], Callable[[Any], Gauge | None]] = {
    questions.Analogy: _calibrated,
    questions.AnalogyLayers: _standardised("target.z", "z", "of the query's mean"),
    questions.AnchoredWords: _against_controls("z"),
    questions.Comparison: _compared,
    questions.Congruence: _against_controls("effect"),
    questions.Layers: _standardised("target.z", "z", "of the query's mean"),
    questions.Middlemen: _middlemen,
    questions.Neighbors: _calibrated,
    questions.NeuronReport: _neuron,
    questions.OvReport: _standardised("score", "z", "of the head's mean over tokens"),
    questions.WordReport: _standardised("z", "z", "of the neuron's mean over words"),
}
