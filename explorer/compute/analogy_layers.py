"""What does an expression lead to at every depth, and where does a target stand there?

The analogy's question asked of `embed` and every context space.
"""

from __future__ import annotations

from explorer.compute.analogy import InSpace, Parsed, with_target
from explorer.compute.neighbors import check_k, meta_of
from explorer.compute.workspace import Workspace
from explorer.progress import Progress
from explorer.questions import AnalogyLayer, AnalogyLayers, AnalogyLayersQuery


def answer(work: Workspace, query: AnalogyLayersQuery, progress: Progress) -> AnalogyLayers:
    """One row a space, in order of depth."""
    index, parsed = work.index, Parsed.of(query)
    rows, first = [], None
    names = [entry.name for entry in index.depths]
    for at, name in enumerate(names):
        progress(name, at, len(names))
        space = index.space(name)
        check_k(query.k, space)
        one = InSpace(work.resolver, parsed, space, query.include_inputs)
        first = first or one
        nearest = tuple(row.item for row in one.ranked(query.k, query.distinct))
        rows.append(AnalogyLayer(name, one.measure.name, nearest, one.standing(), one.notes()))
    assert first is not None, "every index has the space embed"
    meta = meta_of(index, first.space, query.measure or "each space's own measure", first.items)
    return AnalogyLayers(parsed.tidied(query), tuple(rows), with_target(meta, first, across=True))
