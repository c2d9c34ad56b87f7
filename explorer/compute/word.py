"""What is this word to the model: its tokens, and the neurons that fire most strongly at it?

From the tables of recorded activations; the model is not run.
"""

from __future__ import annotations

from dataclasses import replace

from explorer.compute.firing import ABOUT_ACTIVATION, about_z, fires_at, more
from explorer.compute.rowcount import row_count
from explorer.compute.workspace import Workspace
from explorer.expressions import single_word
from explorer.progress import Progress
from explorer.questions import WordMeta, WordNeuron, WordQuery, WordReport


def answer(work: Workspace, query: WordQuery, progress: Progress) -> WordReport:
    """The k neurons of greatest activation |z| at a word's last token; what they read and write."""
    resolver, index, text = work.resolver, work.index, query.word
    term = single_word(text, "name one word", "name a word that is indexed, such as large")
    found, resolved = resolver.indexed(term)
    fires = sorted(fires_at(index, found.id), key=lambda one: (-abs(one.z), one.neuron))
    # Both ends are kept to a depth: beyond it, the strongest of one end are not known.
    depth = max((abs(one.rank) for one in fires), default=0)
    hint = f"; {more(depth)}" if depth else ""
    kept = f"the {depth} strongest neurons of each word are kept{hint}"
    k = row_count(query, max(1, depth), kept)
    shown = fires[:k]
    ids = [one.neuron for one in shown]
    rows = []
    near = index.nearest_tokens(ids, index.sides[0], "out")
    for rank, (one, reads, writes) in enumerate(zip(shown, *near, strict=True), start=1):
        place = index.neuron_grid.place(one.neuron)
        rows.append(
            WordNeuron(
                rank=rank,
                neuron=place.name,
                layer=place.layer,
                expert=place.expert,
                unit=place.unit,
                activation=one.activation,
                z=one.z,
                reads=tuple(token.display for token in reads),
                writes=tuple(token.display for token in writes),
            )
        )
    zipf = index.sql("SELECT zipf FROM word WHERE id = ?", [found.id])[0][0]
    meta = WordMeta(
        index=index.name,
        model=index.manifest.model.source,
        space="activations",
        measure="z",
        convention="",
        resolved=(resolved,),
        notes=(about_z(index), *([ABOUT_ACTIVATION] if "up" in index.sides else [])),
        zipf=zipf,
        groups=tuple(index.words.groups_of(found.text)),
        sinks=tuple(n for n, sink in zip(index.context_names, found.sink, strict=True) if sink),
    )
    return WordReport(replace(query, word=found.text, k=k), tuple(rows), meta)
