"""What `ov` answers, and how it looks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.errors import QueryError
from explorer.questions.answer import HeadName, Meta, Result, TokenName
from explorer.questions.fields import rows_option
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge, standardised
from explorer.show.layout import Column, Layout
from explorer.show.shapes import Bars, Grid, Picture

if TYPE_CHECKING:
    from indexer.store.layout import Manifest


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
    head: HeadName
    layer: int
    number: int
    score: float
    copying: float
    norm: float
    writes: tuple[TokenName, ...]
    suppresses: tuple[TokenName, ...]


@dataclass(frozen=True)
class OvQuery(Query["OvReport"]):
    """What does each attention head write for a word, if it attends to it fully?"""

    question = "ov"
    letter = "o"
    title = "OV"
    example = "large"
    explains = "OV: a head reads the value (V) of a word and writes its output (O)."
    pictured = True

    word: str = argument(
        "one item; its vector is taken from `embed` unless it says otherwise", "word"
    )
    to: str | None = option(
        None,
        "another word: heads are ranked by how strongly they carry the first to it, and by how "
        "strongly they copy that one where none is named",
        "word",
        placeholder="carried to another word",
    )
    layer: int | None = option(None, "only this block's heads", "layer")
    head: int | None = option(
        None, "only this head of that block; more of its tokens are shown", "head"
    )
    k: int | None = rows_option(None, "how many heads", usual="10, or as many as there are")

    def check(self) -> None:
        """Raise `QueryError` where a head is named, and no layer."""
        if self.head is not None and self.layer is None:
            raise QueryError(f"--head {self.head} of which layer? Name --layer too")

    def beside(self, manifest: Manifest) -> OvQuery | None:
        """Every head of every layer."""
        if self.layer is not None:
            return None
        return replace(self, k=len(manifest.layers) * manifest.model.n_heads)


@dataclass(frozen=True)
class OvReport(Result):
    """Heads by how strongly they carry a word to another, or to itself."""

    query: OvQuery
    rows: tuple[HeadWrites, ...]
    meta: Meta

    def gauge(self) -> Gauge:
        """Scores, which are z."""
        return standardised("score", "z", "of the head's mean over tokens")

    def layout(self) -> Layout:
        """Heads with what they write and suppress."""
        return _ov_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """A grid where the heads fill one; else the strongest first; nothing of one."""
        return _ov_pictures(self)


def _ov_table(result: OvReport) -> Layout:
    query = result.query
    carried = f"carry {query.word} to {query.to}" if query.to else f"copy {query.word}"
    head = [f"heads that {carried} when they attend to it fully, by z"]
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("head", lambda r: str(r.head)),
        Column("z", lambda r: f"{r.score:.2f}", right=True),
        *([Column("copying", lambda r: f"{r.copying:.2f}", right=True)] if query.to else []),
        Column("norm", lambda r: f"{r.norm:.2f}", right=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
        Column("suppresses", lambda r: " ".join(r.suppresses), folds=True),
    ]
    head += resolved_lines(result.meta)
    return Layout(head, columns, result.rows, foot_lines(result.meta))


def _ov_pictures(result: OvReport) -> tuple[Picture, ...]:
    rows, query = result.rows, result.query
    if len(rows) < 2:
        return ()
    carried = f"carry {query.word} to {query.to}" if query.to else f"copy {query.word}"
    title = f"heads that {carried}"
    scores = {(row.layer, row.number): row.score for row in rows}
    layers = range(min(row.layer for row in rows), max(row.layer for row in rows) + 1)
    heads = range(max(row.number for row in rows) + 1)
    several = [layer for layer, n in Counter(layer for layer, _ in scores).items() if n > 1]
    if len(several) > 1 and 2 * len(scores) >= len(layers) * len(heads):
        return (
            Grid(
                title=title,
                x="head",
                y="layer",
                columns=tuple(f"H{head}" for head in heads),
                rows=tuple(f"L{layer}" for layer in layers),
                values=tuple(
                    tuple(scores.get((layer, head)) for head in heads) for layer in layers
                ),
                unit="z",
                middle=0,
            ),
        )
    return (
        Bars(
            title=title,
            x="z",
            labels=tuple(row.head for row in rows),
            values=tuple(row.score for row in rows),
        ),
    )
