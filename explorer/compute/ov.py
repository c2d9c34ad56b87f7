"""What does each attention head write for a word, if it attends to it fully?

A head that attends fully to a position writes the sum over its dimensions i of
(x . value_i) output_i, x being the stream there, normed. Here x is a word's vector, so this is the
OV circuit (Elhage et al. 2021) read off the weights; biases, and what attention would do, aside.
How strongly a head carries A to B is standardised over random words B: with w what it writes for A,

    z = w.(b - mu) / sqrt(w' Sigma w)

standard deviations above what it writes of a random item of B's own space.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.compute.middleman import layers_asked
from explorer.compute.neighbors import meta_of
from explorer.compute.rowcount import row_count
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.expressions import Term, single_word
from explorer.measures.dot import Dot
from explorer.measures.measure import Weighted
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import HeadWrites, OvQuery, OvReport
from explorer.ranking import best
from explorer.scan import scans_of_each
from indexer.store.errors import UnknownName, option_named
from indexer.store.grid import span
from indexer.store.read import Index

SHOWN = 4
"""Tokens shown beside each head; of a head asked for alone, `ALONE`."""

ALONE = 10


def answer(work: Workspace, query: OvQuery, progress: Progress) -> OvReport:
    """Heads by how strongly they carry a word to another, or to itself, and what they write."""
    resolver, index, word, to = work.resolver, work.index, query.word, query.target
    index.heads.require()
    chosen = _heads(index, query.layers, query.head)
    k = row_count(query, len(chosen), f"there are 1 to {len(chosen):,} heads to show")
    embed = index.embed
    term = _single(word)
    source = resolver.item(term, embed)
    # A label is of its own space alone: there is no other vector of it to be copied.
    itself = source if source.labels else resolver.item(_bare(term), embed)
    target = resolver.item(_single(to), embed) if to is not None else None
    steps = len(chosen) + k

    def read(done: int) -> None:
        progress("heads", done, steps)

    def named(done: int) -> None:
        progress("what they write", len(chosen) + done, steps)

    written = writes(index, source.weighted.vector, chosen, read)
    copying = standardised(written, itself.weighted)
    carried = standardised(written, target.weighted) if target is not None else None
    scores = copying if carried is None else carried
    order = [int(at) for at in best(scores, k)]
    depth = ALONE if len(chosen) == 1 else SHOWN
    ends = _ends(index, written[order], depth, named)
    rows = []
    for rank, (at, (high, low)) in enumerate(zip(order, ends, strict=True), start=1):
        where = divmod(int(chosen[at]), index.head_grid.heads)
        found = index.head_grid.layers[where[0]]
        rows.append(
            HeadWrites(
                rank=rank,
                head=f"L{found}H{where[1]}",
                layer=found,
                number=where[1],
                score=float(scores[at]),
                copying=float(copying[at]),
                norm=float(np.linalg.norm(written[at])),
                writes=high,
                suppresses=low,
            )
        )
    items = [source] if target is None else [source, target]
    meta = meta_of(index, index.head_space("output"), "z", items)
    read_against = (target or itself).weighted.home.entry
    notes = (
        "z: standard deviations above what the head writes of the "
        f"{read_against.population_rows:,} {read_against.population} of {read_against.name}; "
        f"of {to or word} the score, of the word itself copying",
        "norm: of what is written for a stream of root mean square 1, biases aside",
    )
    return OvReport(replace(query, k=k), tuple(rows), replace(meta, notes=notes))


def writes(
    index: Index,
    vector: Float64,
    chosen: NDArray[np.int64],
    progress: Callable[[int], object] = lambda _: None,
) -> Float64:
    """What some heads write for a vector, at root mean square 1: (len(chosen), d_model) float64.

    Args:
        index: whose heads.
        vector: (d_model,) float64.
        chosen: positions of heads among all, layer by layer.
        progress: told how many heads are done.
    """
    grid = index.head_grid
    value, output = index.head_space("value"), index.head_space("output")
    size = float(np.sqrt((vector**2).mean()))
    if size == 0:
        raise QueryError("a zero vector has no direction: no head reads anything off it")
    found = np.empty((len(chosen), output.entry.width))
    for at, head in enumerate(chosen.tolist()):
        progress(at)
        here = slice(head * grid.width, (head + 1) * grid.width)
        # In float64, as the sums are: heads are ranked by what comes of them.
        read = np.vecdot(value.rows.block(here.start, grid.width), vector / size)
        read *= value.lengths[here] * output.lengths[here]
        found[at] = (output.rows.block(here.start, grid.width) * read[:, None]).sum(axis=0)
    return found


def standardised(written: Float64, target: Weighted) -> Float64:
    """Z of a target for each of some written vectors, over the population of its own space."""
    home = target.home
    above = written @ (target.vector - home.mean)
    deviation = np.sqrt(np.maximum(np.vecdot(written @ home.covariance, written), 0))
    result: Float64 = np.divide(above, deviation, out=np.zeros_like(above), where=deviation > 0)
    return result


def _ends(
    index: Index, written: Float64, depth: int, progress: Callable[[int], object]
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each vector the word-like tokens highest and lowest in it, the farthest out first."""
    embed, ids = index.embed, index.tokens.word_like
    found = []
    for scanned in scans_of_each(Dot(embed), written):
        found.append([replace(scanned, sign=sign).best(depth, ids)[0] for sign in (1, -1)])
        progress(len(found))
    # One question for all of them: a head's few tokens each would be hundreds.
    every = np.unique(np.array(found)) if found else np.empty(0, np.int64)
    names = {
        int(at): token.display for at, token in zip(every, index.tokens.by_id(every), strict=True)
    }

    def named(one: NDArray[np.int64]) -> tuple[str, ...]:
        return tuple(names[int(at)] for at in one)

    return [(named(high), named(low)) for high, low in found]


def _heads(
    index: Index, layers: str | tuple[int, ...] | None, head: int | None
) -> NDArray[np.int64]:
    """Which heads are asked for, as positions among all."""
    grid = index.head_grid
    every = np.arange(len(grid.layers) * grid.heads).reshape(len(grid.layers), grid.heads)
    if layers is None:
        return every.ravel()
    asked = layers_asked(layers, index)
    if missing := [layer for layer in asked if layer not in grid.layers]:
        raise UnknownName(
            f"{option_named('layers', missing[0])}: there are heads of {span(grid.layers)}"
        )
    chosen = every[[grid.layers.index(layer) for layer in asked]].ravel()
    if head is None:
        return chosen
    if len(asked) > 1:
        raise QueryError(
            f"{option_named('head', head)} of which layer? Name one with {option_named('layers')}"
        )
    if not 0 <= head < grid.heads:
        raise UnknownName(
            f"{option_named('head', head)}: heads of a layer run from 0 to {grid.heads - 1}"
        )
    return chosen[head : head + 1]


def _single(text: str) -> Term:
    return single_word(text, "a head is asked of one word", "a head is asked of a word")


def _bare(term: Term) -> Term:
    """The same word, its vector from `embed`."""
    return replace(term, space=None)
