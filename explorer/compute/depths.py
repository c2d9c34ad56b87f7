"""How near is a word to an expression at every depth?

The expression's scores are read once a space and kept for the next word: from row to row of a
table, only the word differs.
"""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

from explorer.calibration import z
from explorer.compute.analogy import InSpace, Parsed
from explorer.compute.neighbors import meta_of, span_of
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.expressions import parse
from explorer.progress import Progress
from explorer.questions.beside import Depth, Depths, DepthsQuery

_KNOWN: WeakKeyDictionary[Workspace, tuple[DepthsQuery, dict[str, InSpace]]] = WeakKeyDictionary()
"""Of an open index, the expression that was asked last, in the spaces it has been read in."""


def answer(work: Workspace, query: DepthsQuery, progress: Progress) -> Depths:
    """Score and z in `embed` and every context space."""
    index, term = work.index, parse(query.target).single
    if term is None:
        raise QueryError(f"{query.target!r} is a sum; name one word")
    asked = replace(query, target="")
    known = _KNOWN.get(work)
    if known is None or known[0] != asked:
        known = _KNOWN[work] = (asked, {})
    parsed = Parsed(parse(query.expression), None, None, query.measure, query.method)
    names, rows = [entry.name for entry in index.depths], []
    for at, name in enumerate(names):
        progress(name, at, len(names))
        space = index.space(name)
        target = work.resolver.item(term, space)
        one = known[1].get(name)
        if one is None:
            one = known[1][name] = InSpace(work.resolver, parsed, space, include_inputs=False)
        score = one.score_of(target, one.items, one.scan)
        rows.append(Depth(name, score, z(score, one.calibration)))
    first = known[1][names[0]]
    meta = meta_of(index, first.space, query.measure or "each space's own measure", first.items)
    return Depths(query, tuple(rows), replace(meta, space=span_of(names), convention=""))
