"""What is asked for a picture beside a table alone: no command, function or view of its own.

How the scores of a whole space are spread, what the tokens of a vocabulary give a neuron, and where
a word stands at every depth. Each answer has one picture, and the numbers that are in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from explorer.questions.answer import Meta, Result
from explorer.questions.choices import MeasureName, Method
from explorer.questions.query import Query, argument, option
from explorer.show.shapes import Distribution, Lines, Picture

Scored = dict[str, float]
"""By what is shown of them, items and their scores."""


@dataclass(frozen=True)
class Bin:
    """Scores that lie between two ends.

    Attributes:
        low: the lower end, which belongs to it.
        high: the upper end.
        count: how many.
    """

    low: float
    high: float
    count: int


@dataclass(frozen=True)
class Mark:
    """Something that stands in a spread of scores.

    Attributes:
        name: as it is shown.
        z: where it stands.
    """

    name: str
    z: float


@dataclass(frozen=True)
class ScoresQuery(Query["Spread"]):
    """How do all items of a space score with an expression, and where do some of them stand?

    Its own items are left out. z is counted as `neighbors` and `analogy` count it.
    """

    question = "scores"

    expression: str = argument("`king - man + woman`", "expression")
    space: str = option("embed", "whose items are scored", "space")
    measure: MeasureName | None = option(None, "how vectors are scored")
    method: Method = option("add", "how items are combined")
    marks: Scored | None = option(None, "scores to be marked, by name", "text")


@dataclass(frozen=True)
class NeuronScoresQuery(Query["Spread"]):
    """What do the word-like tokens give one side of a neuron, and where do some words stand?

    z is counted as `middleman` and `neuron` count it.
    """

    question = "neuron_scores"

    neuron: str = argument("`L29N112`", "neuron")
    side: str | None = option(None, "which side", "side", usual="the reading side (gate or in)")
    words: tuple[str, ...] = option((), "words to be scored and marked", "word")
    marks: Scored | None = option(None, "z to be marked, by name", "text")


@dataclass(frozen=True)
class EffectsQuery(Query["Spread"]):
    """How is a neuron's direct effect on the logits spread over the tokens?

    Tokens and z are those of `logits`.
    """

    question = "effects"

    neuron: str = argument("`L29N112`", "neuron")
    marks: Scored | None = option(None, "z to be marked, by name", "text")


@dataclass(frozen=True)
class Spread(Result[Bin]):
    """Scores of many items in bins, with what stands where among them.

    Attributes:
        query: what was asked.
        rows: the bins, ascending and without gaps; together they hold every item.
        meta: what the scores are of.
        title: of the picture.
        of: whose scores they are.
        marks: what stands where, what matters most first.
    """

    query: Query[Any]
    rows: tuple[Bin, ...]
    meta: Meta
    title: str
    of: str
    marks: tuple[Mark, ...] = ()

    def pictures(self) -> tuple[Picture, ...]:
        """The bins, with what is marked."""
        return (
            Distribution(
                title=self.title,
                x="z",
                edges=(*(one.low for one in self.rows), self.rows[-1].high),
                counts=tuple(one.count for one in self.rows),
                of=self.of,
                names=tuple(one.name for one in self.marks),
                places=tuple(one.z for one in self.marks),
            ),
        )


@dataclass(frozen=True)
class DepthsQuery(Query["Depths"]):
    """How near is a word to an expression at every depth? z is counted as `layers` counts it."""

    question = "depths"

    expression: str = argument("`king - man + woman`", "expression")
    target: str = argument("`queen`", "word")
    measure: MeasureName | None = option(None, "how vectors are scored")
    method: Method = option("add", "how items are combined")


@dataclass(frozen=True)
class Depth:
    """A word at one depth.

    Attributes:
        space: `embed`, or a context space.
        score: of the word with the expression.
        z: standard deviations above the query's mean over all items of the space.
    """

    space: str
    score: float
    z: float


@dataclass(frozen=True)
class Depths(Result[Depth]):
    """A word in every space of tokens and words, a row each, in order of depth."""

    query: DepthsQuery
    rows: tuple[Depth, ...]
    meta: Meta

    def pictures(self) -> tuple[Picture, ...]:
        """The z by space; nothing of one space alone."""
        if len(self.rows) < 2:
            return ()
        nothing = (None,) * len(self.rows)
        return (
            Lines(
                title=f"{self.query.target} under {self.query.expression}",
                x="space",
                y="z, standard deviations above the query's mean",
                labels=tuple(row.space for row in self.rows),
                values=tuple(row.z for row in self.rows),
                low=nothing,
                high=nothing,
            ),
        )
