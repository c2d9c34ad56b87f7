"""What `word` answers, and how it looks."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.questions.answer import Meta, NeuronName, Result, TokenName
from explorer.questions.fields import rows_option
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.questions.query import Query, argument
from explorer.show.gauge import Gauge, standardised
from explorer.show.layout import Column, Layout


@dataclass(frozen=True)
class WordNeuron:
    """A neuron that fires at a word's last token.

    Attributes:
        rank: from 1, by |`z`|.
        neuron: `L29N112`, or `L3E5N112` of a block with experts.
        layer: block, from 0.
        expert: which of the block's experts, from 0; None in a block without.
        unit: from 0.
        activation: what the neuron's column of the output matrix is multiplied by there; below 0
            it adds the column turned around, and takes away what stands under `writes`.
        z: standard deviations above the neuron's mean activation over all indexed words.
        reads: the tokens its reading side is nearest to, best first.
        writes: the tokens its writing side is nearest to, best first.
    """

    rank: int
    neuron: NeuronName
    layer: int
    expert: int | None
    unit: int
    activation: float
    z: float
    reads: tuple[TokenName, ...]
    writes: tuple[TokenName, ...]


@dataclass(frozen=True)
class WordQuery(Query["WordReport"]):
    """What is a word: its tokens and frequency, and the neurons that fire most strongly at it?"""

    question = "word"
    title = "Word"
    example = "large"
    examples = (
        "explorer word large -k 5",
        "explorer word large --format csv",
    )

    word: str = argument("as it was indexed", "word")
    k: int | None = rows_option("how many neurons")


@dataclass(frozen=True)
class WordMeta(Meta):
    """Meta of a word, with what the index knows of it.

    Attributes:
        zipf: log10 of its occurrences per thousand million words; 0 if unknown.
        groups: the example groups it is in.
        sinks: the context spaces in which it is an attention sink.
    """

    zipf: float = 0.0
    groups: tuple[str, ...] = ()
    sinks: tuple[str, ...] = ()


@dataclass(frozen=True)
class WordReport(Result[WordNeuron]):
    """One word: what it is, and the neurons that fire most strongly at its last token.

    A row is a neuron; tokens, frequency and groups stand in `meta`.
    """

    query: WordQuery
    rows: tuple[WordNeuron, ...]
    meta: WordMeta

    def gauge(self) -> Gauge:
        """How strongly a neuron fires."""
        return standardised("z", "z", "of the neuron's mean over words")

    def layout(self) -> Layout:
        """What the word is above, the neurons that fire at it below."""
        return _word_table(self)


def _word_table(result: WordReport) -> Layout:
    meta = result.meta
    head = [f"neurons that fire at {result.query.word}, by |z|", *resolved_lines(meta)]
    head.append(f"  zipf frequency {meta.zipf:z.2f}")
    if meta.groups:
        head[-1] += f"; in the groups {', '.join(meta.groups)}"
    if meta.sinks:
        head.append(f"  an attention sink in {', '.join(meta.sinks)}")
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("neuron", lambda r: str(r.neuron)),
        Column("z", lambda r: f"{r.z:z.2f}", right=True),
        Column("activation", lambda r: f"{r.activation:+z.3f}", right=True, explained=True),
        Column("reads", lambda r: " ".join(r.reads), folds=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
    ]
    return Layout(head, columns, result.rows, foot_lines(meta))
