"""How does an expression move through the layers: what is near it, where a target stands?

The analogy's question asked of `embed` and every context space, with the share of words that are
attention sinks there, and how much the neighbourhood changed since the layer before.
"""

from __future__ import annotations

from dataclasses import replace

from explorer.compute.analogy import InSpace, Parsed
from explorer.compute.neighbors import excluded, meta_of
from explorer.compute.rowcount import fewer_anywhere, of_all, rows_of_space
from explorer.compute.workspace import Workspace
from explorer.first_pass import Tally
from explorer.progress import Progress
from explorer.questions import LayerRow, Layers, LayersQuery

DEPTH = 50
"""How many neighbours are compared from one layer to the next."""


def answer(work: Workspace, query: LayersQuery, progress: Progress) -> Layers:
    """One row a space, in order of depth."""
    resolver, index, parsed = work.resolver, work.index, Parsed.of(query)
    prefix = index.manifest.prefix
    shares = prefix.sink_share if prefix is not None else {}
    names = [entry.name for entry in index.depths]
    rows: list[LayerRow] = []
    tally = Tally()
    counts: list[int] = []
    first: InSpace | None = None
    before: tuple[str, frozenset[int]] | None = None
    for at, name in enumerate(names):
        progress(name, at, len(names))
        space = index.space(name)
        counts.append(rows_of_space(query, space))
        one = InSpace(resolver, parsed, space, include_inputs=False, tally=tally)
        first = first or one
        own = excluded(one.items, space)
        around: list[int] = one.scan.best(DEPTH + len(own))[0].tolist()
        around = [at for at in around if at not in own][:DEPTH]
        here = (space.entry.item, frozenset(around))
        change = None
        # Tokens and words are different things: the first context space has none before it.
        if before is not None and before[0] == here[0]:
            change = 1 - len(before[1] & here[1]) / len(around) if around else None
        before = here
        rows.append(
            LayerRow(
                space=name,
                measure=one.measure.name,
                nearest=tuple(row.item for row in one.ranked(counts[-1], query.distinct)),
                target=one.standing(),
                sinks=shares.get(name),
                change=change,
                notes=one.notes(),
            )
        )
    assert first is not None, "every index has a space of embeddings"
    items = [*first.items, *([first.target] if first.target else [])]
    meta = meta_of(index, first.space, query.measure or "each space's own measure", items)
    short = fewer_anywhere(counts, rows, False, query.distinct)
    meta = replace(meta, space="every layer", convention="", notes=_notes(rows), fewer=short)
    meta = replace(meta, scoring=tally.scoring())
    return Layers(replace(parsed.tidied(query), k=of_all(counts)), tuple(rows), meta)


def _notes(rows: list[LayerRow]) -> tuple[str, ...]:
    """Where the neighbourhood changes most, and what the columns are of."""
    notes = ["z: standard deviations above the query's mean over all items of the space"]
    changed = [(row.change, at) for at, row in enumerate(rows) if row.change is not None]
    if changed:
        most, at = max(changed, key=lambda pair: (pair[0], -pair[1]))
        notes += [
            f"change: share of the {DEPTH} nearest words that were not among those of the layer "
            f"before; most from {rows[at - 1].space} to {rows[at].space} ({most:z.0%})",
            "sinks: share of indexed words over 5 times the layer's median norm",
        ]
    return tuple(notes)
