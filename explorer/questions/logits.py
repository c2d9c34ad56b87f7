"""What `logits` answers, a neuron's direct effect on the logits, and how it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from explorer.questions.answer import Meta, Result, TokenName
from explorer.questions.fields import rows_option
from explorer.questions.lines import foot_lines
from explorer.questions.query import Query, argument
from explorer.show.gauge import DEVIATIONS, Gauge
from explorer.show.layout import Column, Layout


@dataclass(frozen=True)
class LogitEffect:
    """A token whose logit a neuron raises where it acts with one sign, and lowers with the other.

    Attributes:
        sign: 1 of the tokens that it raises where it acts +, -1 of those where it acts -.
        rank: from 1, the token raised most.
        token: the token, spaces visible.
        effect: what one unit of activation adds to its logit, before the last norm divides the
            stream by its size; what is lowered most comes first where `sign` is -1.
        z: standard deviations above the neuron's mean effect on the tokens counted.
    """

    sign: int
    rank: int
    token: TokenName
    effect: float
    z: float


@dataclass(frozen=True)
class LogitsQuery(Query["NeuronLogits"]):
    """Which tokens does a neuron raise and lower directly, by its weights alone?

    The unembedding times the writing side, as the last norm's gain scales it. The shape of the
    effect over the vocabulary is read against random directions that the layer could write.
    """

    question = "logits"
    title = "Logits"
    letter = "g"
    example = "L29N112"
    examples = (
        "explorer logits L29N112 -k 5",
        "explorer logits L29N112 -k 50 --format csv",
    )

    neuron: str = argument("`L29N112`, or `L3E5N112` of a block with experts", "neuron")
    k: int | None = rows_option("how many tokens at either end")


@dataclass(frozen=True)
class EffectShape:
    """One figure of how an effect is spread over the tokens, and where it stands by chance.

    Attributes:
        name: `variance` (of the effect of a direction of norm 1), `skew`, or `kurtosis` (Pearson's:
            3 of a normal distribution).
        value: of the neuron.
        percentile: how many in a hundred of the random directions have less, half of those equal.
        median: of the random directions.
        low: their 1st percentile.
        high: their 99th.
    """

    name: str
    value: float
    percentile: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class LogitsMeta(Meta):
    """Meta of a neuron's direct effect.

    Attributes:
        shape: variance, skew and kurtosis over the tokens counted.
        tokens: how many tokens are counted.
        left_out: tokens that are not: control tokens, and those that were never trained.
        acts_plus: of the indexed words it fires at most strongly, those where it acts +.
        acts_minus: those where it acts -, and what it raises is what stands under -.
    """

    shape: tuple[EffectShape, ...] = ()
    tokens: int = 0
    left_out: int = 0
    acts_plus: tuple[str, ...] = ()
    acts_minus: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeuronLogits(Result[LogitEffect]):
    """The tokens that a neuron raises and lowers directly: first where it acts +, then -.

    A row is a token at one end; the shape of the whole effect stands in `meta`.
    """

    query: LogitsQuery
    rows: tuple[LogitEffect, ...]
    meta: LogitsMeta

    def gauge(self) -> Gauge:
        """How far a token's effect is from the neuron's mean."""
        within = f"within {DEVIATIONS:g} standard deviations of the neuron's mean effect"
        return Gauge("z", lambda row: _z(row), -DEVIATIONS, DEVIATIONS, within)

    def layout(self) -> Layout:
        """The tokens of both ends side by side; above, the shape of the whole effect."""
        return _logits_table(self)


def _z(row: Any) -> float | None:
    first = row[0] if isinstance(row, tuple) else row
    return None if first is None else float(first.z)


def _logits_table(result: NeuronLogits) -> Layout:
    meta = result.meta
    head = [f"{result.query.neuron}  direct effect on the logits"]
    for one in meta.shape:
        head.append(
            f"  {one.name} {_figure(one.value)}: percentile {one.percentile:z.1f} of random "
            f"directions (median {_figure(one.median)}, 1 % to 99 % {_figure(one.low)} to "
            f"{_figure(one.high)})"
        )
    for sign, words in (("+", meta.acts_plus), ("-", meta.acts_minus)):
        if words:
            head.append(f"  acts {sign} at {', '.join(words)}")
    ends = [[row for row in result.rows if row.sign == sign] for sign in (1, -1)]
    columns = [Column("rank", lambda pair: str((pair[0] or pair[1]).rank), right=True)]
    for at, sign in enumerate("+-"):
        columns += [
            Column(f"raised where it acts {sign}", _of(at, lambda row: str(row.token))),
            Column("effect", _of(at, lambda row: f"{row.effect:+z.4f}"), right=True),
            Column("z", _of(at, lambda row: f"{row.z:+z.2f}"), right=True),
        ]
    return Layout(head, columns, list(zip_longest(*ends)), foot_lines(meta))


def _of(at: int, cell: Callable[[LogitEffect], str]) -> Callable[[Any], str]:
    return lambda pair: "" if pair[at] is None else cell(pair[at])


def _figure(value: float) -> str:
    return f"{value:.4g}"
