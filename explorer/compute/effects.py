"""How is a neuron's direct effect on the logits spread over the tokens?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.compute.logits import effect_over_tokens
from explorer.compute.neighbors import meta_of
from explorer.compute.spread import bins_of, edges_over
from explorer.compute.workspace import Workspace
from explorer.progress import Progress
from explorer.questions.beside import EffectsQuery, Mark, Spread


def answer(work: Workspace, query: EffectsQuery, progress: Progress) -> Spread:
    """The z of the effect on every token that `logits` counts, in bins."""
    name, values = effect_over_tokens(work, query.neuron)
    std = float(values.std())
    z = (values - values.mean()) / std if std else np.zeros_like(values)
    edges = edges_over(float(z.min()), float(z.max()))
    return Spread(
        query=replace(query, neuron=name),
        rows=bins_of(edges, np.histogram(z, edges)[0]),
        meta=meta_of(work.index, work.index.neuron_space("out"), "effect on the logits", ()),
        title=f"{name}: effect on every logit",
        of=f"{len(z):,} tokens",
        marks=tuple(Mark(shown, score) for shown, score in (query.marks or {}).items()),
    )
