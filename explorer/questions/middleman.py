"""What `middleman` answers, and how it looks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from explorer.errors import QueryError
from explorer.questions.answer import Meta, NeuronName, Result, TokenName
from explorer.questions.choices import Side
from explorer.questions.fields import rows_option
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge, standardised
from explorer.show.layout import Column, Layout
from explorer.show.shapes import Grid, Picture
from indexer.store.errors import option_named

if TYPE_CHECKING:
    from indexer.store.layout import Manifest


By = Literal["weights", "activations"]
"""What answers to a word."""

Score = Literal["z", "dot", "cosine"]
"""How a neuron's weights are scored with a word."""

Combine = Literal["min", "mean"]
"""What a neuron's score is made of several words' scores by."""


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
        score: the least (or mean) of `scores`, less the largest of `avoided` where that is above 0.
        scores: per word asked; by activations, z of the activation at the word's last token.
        avoided: per word to avoid.
        acts: per word asked, the sign it acts with; empty where neurons have no gate.
        reads: the tokens its reading side is nearest to, best first.
        writes: the tokens its writing side is nearest to, best first; where `acts` has -1, what it
            takes away.
    """

    rank: int
    neuron: NeuronName
    layer: int
    expert: int | None
    unit: int
    score: float
    scores: dict[str, float]
    avoided: dict[str, float]
    acts: dict[str, Acts]
    reads: tuple[TokenName, ...]
    writes: tuple[TokenName, ...]


@dataclass(frozen=True)
class MiddlemanQuery(Query["Middlemen"]):
    """Which neurons answer to every one of some words?"""

    question = "middleman"
    letter = "m"
    title = "Middle man"
    example = "large, tall - red"
    explains = "z counts standard deviations above what a neuron gives other words."
    pictured = True
    examples = (
        "explorer middleman large tall --side out",
        "explorer middleman large tall --avoid dog --layers 20-29 --per-layer 1",
    )

    words: tuple[str, ...] = argument(
        "single items; their vectors are taken from `embed` unless they say otherwise", "word"
    )
    side: Side | None = option(
        None, "which side is scored", "side", usual="the reading side (gate or in)"
    )
    score: Score = option(
        "z",
        "z: standard deviations above what the neuron gives a random word-like token",
    )
    k: int | None = rows_option()
    combine: Combine = option(
        "min",
        "a neuron's score: the least of the words', or their mean",
        noun="way to combine",
    )
    avoid: tuple[str, ...] = option(
        (),
        "words a neuron should not answer to: the largest of what they score is taken away where "
        "it is above 0; a neuron then counts where the words asked make a score above 0",
        "word",
        also=("--not",),
        shown=False,
    )
    layers: str | tuple[int, ...] | None = option(None, "only these layers", "layers")
    per_layer: int | None = option(None, "the best so many of each layer", shown=False)
    by: By = option(
        "weights",
        "what answers: the weights, or what was recorded at the words' last tokens",
        noun="way to find a middle man",
    )

    @property
    def scored_by(self) -> str:
        """What a neuron is scored with a word by, as a table says it."""
        return "|z|" if self.by == "activations" else self.score

    def check(self) -> None:
        """Raise `QueryError` where what was recorded is asked for by what the weights have."""
        if self.by == "weights":
            return
        for one, given in (
            ("avoid", bool(self.avoid)),
            ("side", self.side is not None),
            ("score", self.score != "z"),
            ("combine", self.combine != "min"),
        ):
            if given:
                raise QueryError(
                    f"{option_named('by', 'activations')} ranks by the least |z| of what was "
                    f"recorded: leave out {option_named(one)}"
                )

    def beside(self, manifest: Manifest) -> MiddlemanQuery | None:
        """The best neuron of every layer."""
        if self.layers is not None or self.per_layer is not None:
            return None
        return replace(self, per_layer=1)


@dataclass(frozen=True)
class Middlemen(Result[MiddleMan]):
    """Neurons that answer to all of some words, best first.

    A row is a neuron, with a score of each word.
    """

    query: MiddlemanQuery
    rows: tuple[MiddleMan, ...]
    meta: Meta

    def named_columns(self) -> dict[str, list[str]]:
        """A score, or a sign, of each word that was asked."""
        words, avoid = (
            [" ".join(w.split()) for w in ws] for ws in (self.query.words, self.query.avoid)
        )
        return {"scores": words, "avoided": avoid, "acts": words}

    def gauge(self) -> Gauge | None:
        """Scores, where they are z."""
        if self.query.score != "z":
            return None
        return standardised("score", "score", "of a neuron's mean")

    def layout(self) -> Layout:
        """Neurons with each word's score, and what they read and write."""
        return _middleman_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """Each layer's best neuron with its score for every word; nothing of one layer alone."""
        return _middleman_pictures(self)


def _middleman_table(result: Middlemen) -> Layout:
    query, labels = result.query, list(result.rows[0].scores) if result.rows else []
    avoided = list(result.rows[0].avoided) if result.rows else []
    acts = any(row.acts for row in result.rows)
    not_ = f" and not {', '.join(query.avoid)}" if query.avoid else ""
    words = ", ".join(query.words)
    answers = "that fire at" if query.side is None else f"whose {query.side} side answers to"
    least = "least" if query.combine == "min" else "mean"
    head = [f"neurons {answers} {words}{not_}, by the {least} {query.scored_by}"]
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("neuron", lambda r: str(r.neuron)),
        Column("score", lambda r: f"{r.score:z.2f}", right=True),
        *(Column(n, _score_of("scores", n), right=True) for n in labels),
        *(Column(f"not {n}", _score_of("avoided", n), right=True) for n in avoided),
        *([Column("acts", _acts, explained=True)] if acts else []),
        Column("reads", lambda r: " ".join(r.reads), folds=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
    ]
    head += resolved_lines(result.meta)
    return Layout(head, columns, result.rows, foot_lines(result.meta))


def _score_of(field: str, label: str) -> Callable[[Any], str]:
    return lambda row: f"{getattr(row, field)[label]:z.2f}"


def _acts(row: MiddleMan) -> str:
    return " ".join(map(_sign, row.acts.values()))


def _sign(acts: Acts) -> str:
    return ("~" if acts.source == "weights" else "") + {1: "+", 0: "0", -1: "-"}[acts.sign]


NAMED = 6
"""Words that a title names; of more it says how many."""


def _middleman_pictures(result: Middlemen) -> tuple[Picture, ...]:
    best: dict[int, MiddleMan] = {}
    for row in result.rows:
        # Of equal scores the first stays, as it does in the table.
        if row.layer not in best or row.score > best[row.layer].score:
            best[row.layer] = row
    if len(best) < 2:
        return ()
    query, shown = result.query, [best[layer] for layer in sorted(best)]
    answers = "that fire at" if query.side is None else f"whose {query.side} side answers to"
    avoided = f" and not {_named(query.avoid)}" if query.avoid else ""
    among = "" if query.per_layer else f" among the {len(result.rows)} found"
    return (
        Grid(
            title=f"neurons {answers} {_named(query.words)}{avoided}: "
            f"the best of each layer{among}",
            x="word",
            y="neuron",
            columns=(*shown[0].scores, *(f"not {word}" for word in shown[0].avoided)),
            rows=tuple(row.neuron for row in shown),
            values=tuple((*row.scores.values(), *row.avoided.values()) for row in shown),
            unit=query.score,
            middle=0,
        ),
    )


def _named(words: tuple[str, ...]) -> str:
    return ", ".join(words) if len(words) <= NAMED else f"{len(words)} words"
