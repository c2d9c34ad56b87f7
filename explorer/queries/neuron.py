"""What is this neuron: how long are its sides, what are they near to, what does it fire at?"""

from __future__ import annotations

import numpy as np

from explorer.expressions import neuron_of
from explorer.queries.firing import about_z
from explorer.queries.neighbors import check_k
from explorer.resolve import Resolver
from explorer.results import NeuronMeta, NeuronNear, NeuronQuery, NeuronReport
from explorer.scan import scan
from indexer.store.read import Neuron


def neuron(resolver: Resolver, name: str, k: int) -> NeuronReport:
    """Norms, nearest tokens of each side (at most 10 each way) and neurons, strongest words."""
    index = resolver.index
    found = index.neuron(*neuron_of(name))
    check_k(k, index.space("neuron.in"))
    rows = [
        NeuronNear(t.side, "token", t.rank, t.token.display, t.score)
        for t in index.neuron_tokens([found.id], _ranks(min(k, 10)))
    ]
    for side in index.sides:
        space = index.space(f"neuron.{side}")
        scanned = scan(space, space.rows.row(found.id).astype(np.float64), "cosine")
        near = zip(*scanned.best(min(k + 1, space.entry.rows)), strict=True)
        others = [(int(at), float(cosine)) for at, cosine in near if at != found.id][:k]
        rows += [
            NeuronNear(side, "neuron", rank, index.neuron_grid.place(at).name, cosine)
            for rank, (at, cosine) in enumerate(others, start=1)
        ]
    fires = [one for one in index.strongest_words(found.id) if abs(one.rank) <= k]
    texts = [word.text for word in index.words(one.word for one in fires)]
    rows += [
        NeuronNear("fires", "word", one.rank, text, one.z)
        for one, text in zip(fires, texts, strict=True)
    ]
    conventions = index.manifest.conventions
    meta = NeuronMeta(
        index=index.name,
        model=index.manifest.model.source,
        space=", ".join(f"neuron.{side}" for side in index.sides),
        measure="z of a token within the neuron; cosine between neurons; z of an activation",
        convention="; ".join(f"neuron.{s}: {conventions[f'neuron.{s}']}" for s in index.sides),
        resolved=(),
        norms=_norms(found),
        cosines=_cosines(found),
        activation=_activation(found),
        notes=(
            "tokens: z over the "
            f"{index.space('embed').entry.population_rows:,} word-like tokens of embed",
            *([f"words: {about_z(index)}"] if fires else []),
        ),
    )
    return NeuronReport(NeuronQuery(found.name, k), tuple(rows), meta)


def _ranks(depth: int) -> list[int]:
    return [*range(1, depth + 1), *range(-1, -depth - 1, -1)]


def _norms(found: Neuron) -> dict[str, float]:
    norms = {"in": found.norm_in, "up": found.norm_up, "out": found.norm_out}
    return {side: norm for side, norm in norms.items() if norm is not None}


def _activation(found: Neuron) -> dict[str, float]:
    if found.activation_mean is None or found.activation_deviation is None:
        return {}
    return {"mean": found.activation_mean, "deviation": found.activation_deviation}


def _cosines(found: Neuron) -> dict[str, float]:
    cosines = {
        "in.out": found.cosine_in_out,
        "in.up": found.cosine_in_up,
        "up.out": found.cosine_up_out,
    }
    return {pair: cosine for pair, cosine in cosines.items() if cosine is not None}
