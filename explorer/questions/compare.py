"""What `compare` answers, and how it looks: a line a measure of few pairs, else a line a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from explorer.errors import QueryError
from explorer.questions.answer import Meta, Result, WordText
from explorer.questions.choices import Control, Side
from explorer.questions.fields import seed_option
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge
from explorer.show.layout import Column, Layout
from explorer.show.numbers import figure
from explorer.show.shapes import Bars, Lines, Picture
from indexer.store.errors import option_named

ProfileMeasure = Literal["pearson", "spearman", "kendall", "cosine", "euclidean", "dot"]
"""How two profiles are scored, in the order in which answers have them."""

Impact = Literal["z", "norm"]
"""What neurons are chosen by."""

ControlNeurons = Literal["own", "same"]
"""Over whose neurons a control pair is compared."""


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

    first: WordText
    second: WordText
    layer: int | None
    n: int
    scores: dict[str, float]
    percentiles: dict[str, float]


@dataclass(frozen=True)
class CompareQuery(Query["Comparison"]):
    """How alike are words to the same neurons?

    A profile is the list of a word's dot products with the neurons of one side. Each pair of words
    has a row: the score of every measure, and its percentile among control pairs.
    """

    question = "compare"
    live = False
    letter = "p"
    title = "Compare"
    pictured = True
    example = "large, tall"
    examples = (
        "explorer compare large tall",
        "explorer compare large tall --top-neurons 100 --measure pearson,cosine",
    )
    explains = "A profile: a word's dot products with all neurons; 50 % is chance."

    words: tuple[str, ...] = argument(
        "two single items or more; their vectors are taken from `embed` unless they say otherwise",
        "word",
    )
    side: Side | None = option(
        None, "which side of the neurons", "side", usual="the reading side (gate or in)"
    )
    measure: tuple[ProfileMeasure, ...] | None = option(
        None,
        "how profiles are scored, or `all`",
        usual="all but kendall, which takes seconds; of more than 6 words without spearman",
        shown=False,
    )
    layers: str | tuple[int, ...] | None = option(
        None, "only the neurons of these layers", "layers"
    )
    top_neurons: int | None = option(
        None, "only so many neurons, those of greatest impact", offered=("", "1000", "100", "10")
    )
    impact: Impact = option(
        "z",
        "greatest mean |z| over the words (z as in middleman), or the longest rows",
        shown=False,
    )
    control_neurons: ControlNeurons = option(
        "own",
        "each control pair over neurons chosen on its own words, or over those of the words asked, "
        "which the choice makes stand out",
        shown=False,
        noun="neurons of control pairs",
    )
    each_layer: bool = option(
        False,
        "a row a layer and pair, and `top_neurons` of each layer",
        also=("--per-layer",),
        shown=False,
    )
    control: Control = option(
        "matched",
        "what stands in for a word: the 200 most like it in tokens, capital, frequency and norm, "
        "or any",
    )
    pairs: int = option(
        1000, "control pairs of each pair; 0 for none", offered=("1000", "100", "0")
    )
    seed: int = seed_option()

    def check(self) -> None:
        """Raise `QueryError` where neurons are said to be chosen somehow, and none are chosen."""
        if self.top_neurons is None and (self.impact, self.control_neurons) != ("z", "own"):
            said = (
                option_named("impact", self.impact)
                if self.impact != "z"
                else option_named("control_neurons", "same")
            )
            raise QueryError(
                f"{said} is about chosen neurons; name {option_named('top_neurons')} too"
            )


@dataclass(frozen=True)
class RandomPairs:
    """What control pairs score in one measure.

    Attributes:
        layer: block, from 0; None over all layers at once.
        measure: how they were scored.
        mean: over the control pairs of all pairs of words.
        std: their standard deviation, divided by n.
        n: how many: control pairs of a pair, times pairs.
    """

    layer: int | None
    measure: str
    mean: float
    std: float
    n: int


@dataclass(frozen=True)
class CompareMeta(Meta):
    """What `compare` rests on.

    Attributes:
        random: what control pairs score, per layer and measure; empty without control pairs.
    """

    random: tuple[RandomPairs, ...] = ()


@dataclass(frozen=True)
class Comparison(Result[ComparedPair]):
    """How alike the profiles of words are, pair by pair.

    A row is a pair of words, over all the neurons asked for or those of a layer, with the scores of
    every measure; what control pairs score stands in `meta`.
    """

    query: CompareQuery
    rows: tuple[ComparedPair, ...]
    meta: CompareMeta

    def gauge(self) -> Gauge | None:
        """Percentiles among control pairs, where there are some."""
        if not self.query.pairs:
            return None

        def value(row: Any) -> float | None:
            if isinstance(row, tuple):  # a line a measure
                return float(row[0].percentiles[row[1]])
            return float(next(iter(row.percentiles.values()), 50.0))

        about = "the middle 90 % of control pairs; bars are percentiles"
        return Gauge("%", value, 5.0, 95.0, about)

    def pictures(self) -> tuple[Picture, ...]:
        """Where each score stands among control pairs; nothing without them."""
        return _compare_pictures(self)

    def layout(self) -> Layout:
        """Pairs with each measure's score, and where it stands among control pairs."""
        return _compare_table(self)


FEW, SHOWN = 3, 1000
"""Rows that have a line a measure; rows of a table at all: other formats have them all."""


DRAWN = 40
"""Bars of a picture at most."""


def _compare_pictures(result: Comparison) -> tuple[Picture, ...]:
    """Percentiles: of few rows every measure's, else the first measure's, by layer where asked."""
    query, measures = result.query, result.query.measure or ()
    rows = [row for row in result.rows if row.percentiles]
    if not rows or not measures:
        return ()
    of = "" if len(query.words) > 2 else f": {' and '.join(query.words)}"
    title = f"percentile among control pairs{of}"
    if query.each_layer and len(rows) > FEW and len(query.words) == 2:
        nothing = (None,) * len(rows)
        labels = tuple(f"L{row.layer}" for row in rows)
        values = tuple(row.percentiles[measures[0]] for row in rows)
        return (Lines(title, "layer", measures[0], labels, values, nothing, nothing),)
    shown = measures if len(rows) <= FEW else measures[:1]
    bars = [(row, measure) for row in rows for measure in shown][:DRAWN]
    pairs = len(query.words) > 2 or query.each_layer
    return (
        Bars(
            title=title,
            x="%, of 100" if len(shown) > 1 else f"% by {shown[0]}, of 100",
            labels=tuple(_bar_name(*one, pairs, len(shown) > 1) for one in bars),
            values=tuple(row.percentiles[measure] for row, measure in bars),
        ),
    )


def _bar_name(row: ComparedPair, measure: str, pair: bool, named: bool) -> str:
    layer = "" if row.layer is None else f"L{row.layer} "
    both = f"{layer}{row.first}, {row.second}" if pair else ""
    return " ".join(filter(None, [both, measure if named else ""])) or measure


def _compare_table(result: Comparison) -> Layout:
    query, meta = result.query, result.meta
    few = query.words if len(query.words) <= 6 else (*query.words[:5], "...")
    head = [f"profiles of {', '.join(few)} over neurons, {query.side} side"]
    head += resolved_lines(meta)
    columns = [] if len(query.words) == 2 else [
        Column("word", lambda r: str(r.first)),
        Column("word", lambda r: str(r.second)),
    ]  # fmt: skip
    if query.each_layer:
        columns.append(Column("layer", lambda r: str(r.layer), right=True))
    if len(result.rows) <= FEW:
        return _measure_by_measure(result, head, columns)
    # A cell that is too wide is folded between the two, never cut.
    columns += [Column(m, _standing_of(m), right=True, folds=True) for m in query.measure or ()]
    foot = ["after each score its %"] if query.pairs else []
    if query.pairs and not query.each_layer:
        means = (f"{r.measure} {figure(r.mean)} ± {figure(r.std)}" for r in meta.random)
        n = meta.random[0].n
        foot.append(f"control pairs score, mean ± std (n = {n:,}): {', '.join(means)}")
    if len(result.rows) > SHOWN:
        foot.append(
            f"the first {SHOWN:,} of {len(result.rows):,} rows; --format csv or json has them all"
        )
    return Layout(head, columns, result.rows[:SHOWN], foot + foot_lines(meta))


def _measure_by_measure(result: Comparison, head: list[str], columns: list[Column]) -> Layout:
    random = {(one.layer, one.measure): one for one in result.meta.random}
    shown = [_of_row(column) for column in columns]
    shown += [
        Column("measure", lambda at: str(at[1])),
        Column("score", lambda at: figure(at[0].scores[at[1]]), right=True),
    ]
    foot = []
    if random:
        shown += [
            Column("%", lambda at: f"{at[0].percentiles[at[1]]:z.1f}", right=True),
            Column("control mean", lambda at: figure(random[at[0].layer, at[1]].mean), right=True),
            Column("std", lambda at: figure(random[at[0].layer, at[1]].std), right=True),
        ]
        if len(result.rows) > 1:
            n = result.meta.random[0].n
            foot = [f"control mean, std: of {n:,} control pairs, of all pairs together"]
    rows = [(row, measure) for row in result.rows for measure in result.query.measure or ()]
    return Layout(head, shown, rows, foot + foot_lines(result.meta))


def _of_row(column: Column) -> Column:
    return Column(column.name, lambda at: column.cell(at[0]), column.right)


def _standing_of(measure: str) -> Callable[[Any], str]:
    def cell(row: Any) -> str:
        score = row.scores[measure]
        said = f"{score:z.3f}" if abs(score) < 10 else f"{score:,.1f}"
        return f"{said} {row.percentiles[measure]:z.1f}" if row.percentiles else said

    return cell
