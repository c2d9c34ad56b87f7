"""Which way do gated neurons act at a word: do they add their writing side, or take it away?

A gated neuron writes act(gate.x) (up.x) times its column of the output matrix, and the sign of that
factor is not the column's to know: up and out may both be negated without changing the model. So
what a neuron writes is told with the sign it acts with. Where the word was run, it is the one that
was recorded at the word's last token. Else it is that of act(gate.w) (up.w) for the word's own
vector w: an estimate, since what reaches the neuron has been through the layers before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from explorer.products import Float64, unit_products
from explorer.questions import Acts
from explorer.resolve import Item
from indexer.store.read import Index

Int64 = NDArray[np.int64]


@dataclass(frozen=True)
class At:
    """What it is that neurons act at.

    Attributes:
        label: the word, as it was asked for.
        word: id of the indexed word that it is; None where it is none.
        vector: its own vector, (d_model,) float64; None where the word is known to be indexed.
    """

    label: str
    word: int | None
    vector: Float64 | None = None


def at_item(index: Index, label: str, item: Item) -> At:
    """A resolved term: the indexed word of just its tokens, if there is one, and its vector."""
    same = [
        word.id
        for word in index.words.by_id(item.words)
        if word.token_ids == item.resolved.token_ids
    ]
    return At(label, same[0] if same else None, item.weighted.vector)


def acts(index: Index, positions: Int64, words: Sequence[At]) -> list[dict[str, Acts]]:
    """Of each of some neurons, the sign it acts with at each of some words, by label.

    Empty where neurons have no gate, and a word's left out where nothing is known.
    """
    found: list[dict[str, Acts]] = [{} for _ in positions]
    for at in words:
        recorded = None if at.word is None else index.activations.signs(at.word, positions)
        signs = _estimated(index, positions, at) if recorded is None else recorded
        if signs is None:
            continue
        source = "weights" if recorded is None else "recorded"
        for one, sign in zip(found, signs.tolist(), strict=True):
            one[at.label] = Acts(int(sign), source)
    return found


def about_acts(index: Index, rows: Sequence[dict[str, Acts]]) -> list[str]:
    """What a reader should know of the signs; nothing where there are none."""
    signs = [one for row in rows for one in row.values()]
    if not signs:
        return []
    notes = [
        "acts: the sign a neuron acts with at each word, as recorded at its last token; at - it "
        "adds its column turned around, and takes away what stands under writes"
    ]
    if any(one.source == "weights" for one in signs):
        notes.append(
            "acts with ~: not recorded, the sign of "
            f"{index.manifest.model.activation}(gate.w) (up.w), an estimate from the weights alone"
        )
    return notes


def _estimated(index: Index, positions: Int64, at: At) -> NDArray[np.float64] | None:
    """The signs by the weights alone: (n,) float64; None where nothing follows from them."""
    model = index.manifest.model
    below, above = model.sign_below, model.sign_above
    if "up" not in index.sides or at.vector is None or below is None or above is None:
        return None
    gate, up = (
        np.sign(unit_products(index.neuron_space(side), positions, at.vector))
        for side in ("gate", "up")
    )
    acted = np.where(gate > 0, above, np.where(gate < 0, below, 0))
    signs: NDArray[np.float64] = acted * up
    return signs
