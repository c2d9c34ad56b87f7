"""What does an expression lead to at every depth, and where does a target stand there?

The analogy's question asked of `embed` and every context space.
"""

from __future__ import annotations

from dataclasses import replace

from explorer.compute.analogy import InSpace, Parsed, with_target
from explorer.compute.neighbors import meta_of
from explorer.compute.rowcount import fewer_anywhere, of_all, rows_of_space
from explorer.compute.workspace import Workspace
from explorer.first_pass import Tally
from explorer.progress import Progress
from explorer.questions import AnalogyLayer, AnalogyLayers, AnalogyLayersQuery


def answer(work: Workspace, query: AnalogyLayersQuery, progress: Progress) -> AnalogyLayers:
    """One row a space, in order of depth."""
    index, parsed = work.index, Parsed.of(query)
    rows, counts, first, tally = [], list[int](), None, Tally()
    names = [entry.name for entry in index.depths]
    for at, name in enumerate(names):
        progress(name, at, len(names))
        space = index.space(name)
        counts.append(rows_of_space(query, space))
        one = InSpace(work.resolver, parsed, space, query.include_inputs, tally)
        first = first or one
        nearest = tuple(row.item for row in one.ranked(counts[-1], query.distinct))
        rows.append(AnalogyLayer(name, one.measure.name, nearest, one.standing(), one.notes()))
    assert first is not None, "every index has the space embed"
    meta = meta_of(index, first.space, query.measure or "each space's own measure", first.items)
    short = fewer_anywhere(counts, rows, query.include_inputs, query.distinct)
    meta = replace(meta, fewer=short)
    return AnalogyLayers(
        replace(parsed.tidied(query), k=of_all(counts)),
        tuple(rows),
        with_target(meta, first, across=True),
    )
