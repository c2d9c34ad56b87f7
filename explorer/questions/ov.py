"""What `ov` answers, and how it looks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from explorer.errors import QueryError
from explorer.questions.answer import HeadName, Meta, Result, TokenName
from explorer.questions.fields import rows_option
from explorer.questions.lines import foot_lines, resolved_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import Gauge, standardised
from explorer.show.layout import Column, Layout
from explorer.show.shapes import Bars, Distribution, Grid, Picture
from indexer.store.errors import option_named

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
    examples = (
        "explorer ov large --target tall",
        "explorer ov large --layers 25 --head 8",
    )

    word: str = argument(
        "one item; its vector is taken from `embed` unless it says otherwise", "word"
    )
    target: str | None = option(
        None,
        "another word: heads are ranked by how strongly they carry the first to it, and by how "
        "strongly they copy that one where none is named",
        "word",
        also=("--to",),
        placeholder="carried to another word",
        kept_as="carried_to",  # which is no target of an analogy
    )
    layers: str | tuple[int, ...] | None = option(
        None, "only the heads of these layers", "layers", also=("--layer",)
    )
    head: int | None = option(
        None, "only this head of one layer; more of its tokens are shown", "head"
    )
    k: int | None = rows_option("how many heads")

    def check(self) -> None:
        """Raise `QueryError` where a head is named, and no layer."""
        if self.head is not None and self.layers is None:
            raise QueryError(
                f"{option_named('head', self.head)} of which layer? Name it with "
                f"{option_named('layers')}"
            )

    def beside(self, manifest: Manifest) -> OvQuery | None:
        """Every head of every layer."""
        if self.layers is not None:
            return None
        return replace(self, k=len(manifest.layers) * manifest.model.n_heads)


@dataclass(frozen=True)
class OvReport(Result[HeadWrites]):
    """Heads by how strongly they carry a word to another, or to itself.

    A row is a head, with what it writes.
    """

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
        """Where heads fill a grid, that and how their scores are spread; else bars of several."""
        return _ov_pictures(self)


MARKED = 10
"""Heads that are marked among all of them."""


def _spread(title: str, rows: Sequence[HeadWrites]) -> Distribution:
    """How many heads score how much, in bins of half a standard deviation."""
    bins = Counter(math.floor(2 * row.score) for row in rows)
    first, last = min(bins), max(bins)
    best = rows[:MARKED]
    return Distribution(
        title=f"{title}, among all",
        x="z",
        edges=tuple(at / 2 for at in range(first, last + 2)),
        counts=tuple(bins[at] for at in range(first, last + 1)),
        of=f"{len(rows):,} heads",
        names=tuple(row.head for row in best),
        places=tuple(row.score for row in best),
    )


def _ov_table(result: OvReport) -> Layout:
    query = result.query
    carried = f"carry {query.word} to {query.target}" if query.target else f"copy {query.word}"
    head = [f"heads that {carried} when they attend to it fully, by z"]
    columns = [
        Column("rank", lambda r: str(r.rank), right=True),
        Column("head", lambda r: str(r.head)),
        Column("z", lambda r: f"{r.score:z.2f}", right=True),
        *([Column("copying", lambda r: f"{r.copying:z.2f}", right=True)] if query.target else []),
        Column("norm", lambda r: f"{r.norm:z.2f}", right=True),
        Column("writes", lambda r: " ".join(r.writes), folds=True),
        Column("suppresses", lambda r: " ".join(r.suppresses), folds=True),
    ]
    head += resolved_lines(result.meta)
    return Layout(head, columns, result.rows, foot_lines(result.meta))


def _ov_pictures(result: OvReport) -> tuple[Picture, ...]:
    rows, query = result.rows, result.query
    if len(rows) < 2:
        return ()
    carried = f"carry {query.word} to {query.target}" if query.target else f"copy {query.word}"
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
            _spread(title, rows),
        )
    return (
        Bars(
            title=title,
            x="z",
            labels=tuple(row.head for row in rows),
            values=tuple(row.score for row in rows),
        ),
    )
