"""What is this neuron: how long are its sides, what are they near to, what does it fire at?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from explorer.compute.firing import ABOUT_ACTIVATION, about_z
from explorer.compute.rowcount import fewer, rows_of_space
from explorer.compute.workspace import Workspace
from explorer.expressions import neuron_of
from explorer.first_pass import Tally
from explorer.measures.cosine import Cosine
from explorer.progress import Progress
from explorer.questions import NeuronMeta, NeuronNear, NeuronQuery, NeuronReport
from explorer.scan import scan
from indexer.store.items.neuron import Neuron
from indexer.store.spaces import NEURON_SIDES, SIDE_PAIRS


def answer(work: Workspace, query: NeuronQuery, progress: Progress) -> NeuronReport:
    """Norms, nearest tokens of each side (at most 10 each way) and neurons, strongest words."""
    index = work.index
    found = index.neurons.at(*neuron_of(query.neuron))
    k = rows_of_space(query, index.neuron_space("out"))
    rows = [
        NeuronNear(t.side, "token", t.rank, t.token.display, t.score)
        for t in index.neurons.stored_tokens([found.id], _ranks(min(k, 10)))
    ]
    others: list[tuple[int, float]] = []
    tally = Tally()
    for side in index.sides:
        space = index.neuron_space(side)
        scanned = scan(Cosine(space), space.rows.row(found.id).astype(np.float64), tally)
        near = zip(*scanned.best(min(k + 1, space.entry.rows)), strict=True)
        others = [(int(at), float(cosine)) for at, cosine in near if at != found.id][:k]
        rows += [
            NeuronNear(side, "neuron", rank, index.neuron_grid.place(at).name, cosine)
            for rank, (at, cosine) in enumerate(others, start=1)
        ]
    fires = [one for one in index.activations.of_neuron(found.id) if abs(one.rank) <= k]
    texts = [word.text for word in index.words.by_id(one.word for one in fires)]
    rows += [
        NeuronNear("fires", "word", one.rank, text, one.z, one.activation)
        for one, text in zip(fires, texts, strict=True)
    ]
    spaces = [index.neuron_space(side).entry for side in index.sides]
    embed = index.manifest.embed
    meta = NeuronMeta(
        index=index.name,
        model=index.manifest.model.source,
        space=", ".join(space.name for space in spaces),
        measure="z of a token within the neuron; cosine between neurons; z of an activation",
        convention="; ".join(f"{space.name}: {space.convention}" for space in spaces),
        resolved=(),
        scoring=tally.scoring(),
        norms=_norms(found),
        cosines=_cosines(found),
        activation=_activation(found),
        notes=(
            f"tokens: z over the {embed.population_rows:,} word-like tokens of {embed.name}",
            *([f"words: {about_z(index)}", ABOUT_ACTIVATION] if fires else []),
            *([_ABOUT_SIGNS] if "up" in index.sides else []),
        ),
        fewer=(
            *_kept_fewer(k, [row for row in rows if row.kind in _KEPT]),
            *fewer(k, len(others), "a neuron is not its own neighbour", "neurons like it"),
        ),
    )
    return NeuronReport(replace(query, neuron=found.name, k=k), tuple(rows), meta)


_ABOUT_SIGNS = (
    "a neuron with up and out both negated, and so its activations, is the same neuron: of the "
    "cosines only the sign of up.out means something"
)

_KEPT = {"token": "tokens of a side", "word": "words a neuron fires most strongly at"}
"""What is stored of a neuron to some depth, and not computed when it is asked."""


def _kept_fewer(k: int, rows: Sequence[NeuronNear]) -> list[str]:
    """Of which things fewer are stored than were asked for."""
    depths = {kind: max((abs(r.rank) for r in rows if r.kind == kind), default=k) for kind in _KEPT}
    return [
        f"{depth} {_KEPT[kind]} are kept at either end, fewer than {k}"
        for kind, depth in depths.items()
        if depth < k
    ]


def _ranks(depth: int) -> list[int]:
    return [*range(1, depth + 1), *range(-1, -depth - 1, -1)]


def _norms(found: Neuron) -> dict[str, float]:
    norms = {side: getattr(found, f"norm_{side}") for side in NEURON_SIDES}
    return {side: norm for side, norm in norms.items() if norm is not None}


def _activation(found: Neuron) -> dict[str, float]:
    if found.activation_mean is None or found.activation_std is None:
        return {}
    return {"mean": found.activation_mean, "std": found.activation_std}


def _cosines(found: Neuron) -> dict[str, float]:
    cosines = {f"{a}.{b}": getattr(found, f"cosine_{a}_{b}") for a, b in SIDE_PAIRS}
    return {pair: cosine for pair, cosine in cosines.items() if cosine is not None}
