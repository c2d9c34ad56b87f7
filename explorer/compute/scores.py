"""How do all items of a space score with an expression, and where do some of them stand?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.calibration import z
from explorer.compute.analogy import InSpace, Parsed
from explorer.compute.neighbors import excluded, items_of, meta_of
from explorer.compute.spread import bins, standardised
from explorer.compute.workspace import Workspace
from explorer.expressions import parse
from explorer.progress import Progress
from explorer.questions.beside import Mark, ScoresQuery, Spread


def answer(work: Workspace, query: ScoresQuery, progress: Progress) -> Spread:
    """The z of every item but the query's own, in bins."""
    space = work.index.space(query.space)
    parsed = Parsed(parse(query.expression), None, None, query.measure, query.method)
    one = InSpace(work.resolver, parsed, space, include_inputs=False)
    found = one.calibration
    own = excluded(one.items, space)
    others = np.setdiff1d(np.arange(space.entry.rows), list(own))
    shown = bins(standardised(one.scan, found.mean, found.std), others)
    marks = tuple(Mark(name, z(score, found)) for name, score in (query.marks or {}).items())
    without = ", the query's own left out" if own else ""
    meta = meta_of(work.index, space, one.measure.name, one.items, found, one.measure.notes)
    return Spread(
        query=replace(query, space=space.name, measure=one.measure.name),
        rows=shown,
        meta=meta,
        title=f"{query.expression} in {space.name}: all scores",
        of=f"{len(others):,} {items_of(space)}{without}",
        marks=marks,
    )
