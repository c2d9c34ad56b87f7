"""What do the word-like tokens give one side of a neuron, and where do some words stand?

z is (n.w - n.mu) / sqrt(n' Sigma n), with n the side at its own length and mu and Sigma of the
tokens: what `middleman` scores words by.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.compute.best_neurons import exact_neuron_scores
from explorer.compute.neighbors import meta_of
from explorer.compute.spread import bins, standardised
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.expressions import neuron_of, parse
from explorer.measures.dot import Dot
from explorer.progress import Progress
from explorer.questions.beside import Mark, NeuronScoresQuery, Spread
from explorer.scan import scan


def answer(work: Workspace, query: NeuronScoresQuery, progress: Progress) -> Spread:
    """The z of every word-like token with the neuron, in bins."""
    index, embed = work.index, work.index.embed
    found = index.neurons.at(*neuron_of(query.neuron))
    side = index.side_named(query.side)
    space = index.neuron_space(side)
    mean, std = (float(values[found.id]) for values in space.scores_of(embed))
    if std <= 0:
        raise QueryError(f"{found.name}.{side} gives every token the same")
    vector = space.rows.row(found.id).astype(np.float64) * space.lengths[found.id]
    scanned = standardised(scan(Dot(embed), vector), mean, std)
    population = index.kind_of(embed.entry).reference(embed.entry)
    terms = [term for word in query.words if (term := parse(word).single) is not None]
    items = [work.resolver.item(term, embed) for term in terms]
    values = exact_neuron_scores(
        space, np.array([found.id]), [item.weighted for item in items], "z"
    )
    marks = [
        Mark(" ".join(word.split()), float(value[0]))
        for word, value in zip(query.words, values, strict=False)
    ]
    marks += [Mark(name, score) for name, score in (query.marks or {}).items()]
    verb = "writes along" if side == "out" else "reads"
    return Spread(
        query=replace(query, neuron=found.name, side=side),
        rows=bins(scanned, population),
        meta=meta_of(index, space, "z", items),
        title=f"{found.name}.{side}: what it {verb}",
        of=f"{len(population):,} {embed.entry.population} of {embed.name}",
        marks=tuple(marks),
    )
