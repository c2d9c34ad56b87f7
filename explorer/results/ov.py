"""What `ov` answers."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Result


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
    head: str
    layer: int
    number: int
    score: float
    copying: float
    norm: float
    writes: tuple[str, ...]
    suppresses: tuple[str, ...]


@dataclass(frozen=True)
class OvQuery:
    """What was asked of `ov`.

    Attributes:
        word: as asked.
        to: the word to carry it to, or None.
        layer: the one block asked, or None.
        head: the one head asked, or None.
        k: how many heads at most.
    """

    word: str
    to: str | None
    layer: int | None
    head: int | None
    k: int


@dataclass(frozen=True)
class OvReport(Result):
    """Heads by how strongly they carry a word to another, or to itself."""

    query: OvQuery
    rows: tuple[HeadWrites, ...]
    meta: Meta
