"""The tables of an index's catalog, made from what a build kept.

Knows what each column of `store/schema.sql` holds; runs no model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.extract.firing import Moments
from indexer.request import Request, options
from indexer.store.grid import HeadGrid, NeuronGrid
from indexer.store.groups import example_groups
from indexer.store.layout import Manifest
from indexer.store.rows import BLOCK
from indexer.store.spaces import (
    EMBED,
    NEURON_SIDES,
    SIDE_PAIRS,
    head_space,
    neuron_space,
    space_table,
)
from indexer.store.vocabulary import Vocabulary, display
from indexer.store.write import Staging, write_catalog
from indexer.words import ChosenWord


@dataclass
class Catalog:
    """Everything the tables are made from.

    Attributes:
        staging: the build, its spaces finished.
        request: what was asked.
        vocabulary: the tokenizer.
        texts: the text of each token.
        word_like: (vocabulary,) bool.
        words: the indexed words, in the order of the context spaces' rows.
        sinks: (context spaces, words) bool.
        neurons: which neuron is which row.
        sides: the sides neurons have.
        heads: which head dimension is which row, or None in an index without.
    """

    staging: Staging
    request: Request
    vocabulary: Vocabulary
    texts: list[str]
    word_like: NDArray[np.bool_]
    words: list[ChosenWord]
    sinks: NDArray[np.bool_]
    neurons: NeuronGrid
    sides: tuple[str, ...]
    heads: HeadGrid | None

    def write(self, manifest: Manifest) -> None:
        """All tables of the catalog."""
        tables: dict[str, dict[str, Any] | Iterator[dict[str, Any]]] = {
            "space": space_table(manifest.spaces),
            "token": {
                "id": list(range(len(self.texts))),
                "text": self.texts,
                "display": [display(text) for text in self.texts],
                "word_like": self.word_like.tolist(),
                "byte": [self.vocabulary.is_byte(i) for i in range(len(self.texts))],
                "special": [i in self.vocabulary.special_ids for i in range(len(self.texts))],
                "norm": self.staging.moments(EMBED, "norms").tolist(),
            },
            "word": {
                "id": list(range(len(self.words))),
                "text": [c.text for c in self.words],
                "also": [list(c.also) for c in self.words],
                "n_tokens": [len(c.token_ids) for c in self.words],
                "token_ids": [list(c.token_ids) for c in self.words],
                "zipf": [c.zipf for c in self.words],
                "sink": self.sinks.T,
            },
            "word_group": _group_table(self.words),
            "build": self._build_table(manifest),
        }
        if self.neurons.rows:
            tables["neuron"] = self._neuron_table()
            tables["neuron_token"] = self._nearest_table()
        fired = self.staging.array("firing")
        if fired is not None:
            tables["neuron_word"] = _strongest_table(
                "neuron", "word", fired["neuron_words"], fired["neuron_activations"], fired
            )
            tables["word_neuron"] = _strongest_table(
                "word", "neuron", fired["word_neurons"], fired["word_activations"], fired
            )
        if self.heads is not None:
            tables["head"] = self._head_table(self.heads)
        write_catalog(self.staging.folder, tables)

    def _neuron_table(self) -> dict[str, list[Any]]:
        count = self.neurons.rows
        sides = self.sides
        none = [None] * count
        norms = {
            f"norm_{side}": self.staging.moments(neuron_space(side), "norms").tolist()
            if side in sides
            else none
            for side in NEURON_SIDES
        }
        cosines = {
            f"cosine_{one}_{other}": self._cosines(one, other, count)
            if {one, other} <= set(sides)
            else none
            for one, other in SIDE_PAIRS
        }
        fired = self.staging.array("firing") or {}
        places = [self.neurons.place(row) for row in range(count)]
        return {
            "id": list(range(count)),
            "name": [place.name for place in places],
            "layer": [place.layer for place in places],
            "expert": [place.expert for place in places],
            "unit": [place.unit for place in places],
            **norms,
            **cosines,
            "activation_mean": fired["mean"].tolist() if fired else none,
            "activation_std": fired["std"].tolist() if fired else none,
        }

    def _head_table(self, grid: HeadGrid) -> dict[str, list[Any]]:
        places = [grid.place(row) for row in range(grid.rows)]
        return {
            "id": list(range(grid.rows)),
            "name": [grid.name(row) for row in range(grid.rows)],
            "layer": [layer for layer, _, _ in places],
            "head": [head for _, head, _ in places],
            "dimension": [dimension for _, _, dimension in places],
            "norm_value": self.staging.moments(head_space("value"), "norms").tolist(),
            "norm_output": self.staging.moments(head_space("output"), "norms").tolist(),
        }

    def _cosines(self, one: str, other: str, count: int) -> list[float]:
        writers = [self.staging.finished_rows(neuron_space(s)) for s in (one, other)]
        parts = []
        for first in range(0, count, BLOCK):
            blocks = [w.get(first, min(BLOCK, count - first)) for w in writers]
            parts.append(np.einsum("ij,ij->i", *blocks, dtype=np.float64))
        for writer in writers:
            writer.close()
        cosines: list[float] = np.concatenate(parts).tolist()
        return cosines

    def _nearest_table(self) -> Iterator[dict[str, Any]]:
        """All sides' nearest tokens, in the order of neurons, so that one neuron's lie together.

        Some neurons at a time: no table has more rows.
        """
        import pyarrow as pa

        parts = [self.staging.parts_of_array(f"nearest.{side}", BLOCK) for side in self.sides]
        first = 0
        for sides in zip(*parts, strict=True):
            tokens = np.stack([side["token"] for side in sides], axis=1)
            count, _, _, depth = tokens.shape
            ranks = np.stack([np.arange(1, depth + 1), -np.arange(1, depth + 1)]).astype(np.int32)
            which = np.arange(len(self.sides), dtype=np.int8)[:, None, None]
            here = np.broadcast_to(which, tokens.shape).reshape(-1)
            yield {
                "neuron": np.repeat(
                    np.arange(first, first + count, dtype=np.int32), tokens[0].size
                ),
                "side": pa.DictionaryArray.from_arrays(here, list(self.sides)),
                "rank": np.broadcast_to(ranks, tokens.shape).reshape(-1),
                "token": tokens.reshape(-1),
                "score": np.stack([side["z"] for side in sides], axis=1).reshape(-1),
            }
            first += count

    def _build_table(self, manifest: Manifest) -> dict[str, list[Any]]:
        adapter = manifest.model.adapter
        left_out = {"adapter_left_out": adapter} if adapter else {}
        return {
            "created": [manifest.created],
            "model": [self.request.model],
            "revision": [manifest.model.revision],
            "weights_sha256": [manifest.model.weights_sha256],
            "options": [json.dumps(options(self.request) | left_out)],
            "versions": [json.dumps(manifest.versions)],
            "seconds": [json.dumps(manifest.seconds)],
            "total_seconds": [sum(manifest.seconds.values())],
        }


def _strongest_table(
    whose: str,
    what: str,
    ids: NDArray[np.int32],
    activations: NDArray[np.float32],
    fired: dict[str, NDArray[Any]],
) -> dict[str, NDArray[Any]]:
    """One row an entry of (ends, items, depth) lists of the strongest; unused places hold -1.

    In the order of items, so that one item's lie together.
    """
    ids, activations = np.moveaxis(ids, 0, 1), np.moveaxis(activations, 0, 1)
    there = ids >= 0
    items, ends, depth = (np.arange(1, n + 1, dtype=np.int32) for n in ids.shape)
    ranks = depth * (3 - 2 * ends)[:, None]  # from 1 at the high end, from -1 at the low
    table = {
        whose: np.broadcast_to(items[:, None, None] - 1, ids.shape)[there],
        what: ids[there],
        "rank": np.broadcast_to(ranks, ids.shape)[there],
        "activation": activations[there],
    }
    z = Moments(fired["mean"], fired["std"]).z(table["activation"], table["neuron"])
    return {**table, "z": z.astype(np.float32)}


def _group_table(words: Sequence[ChosenWord]) -> dict[str, list[Any]]:
    """The example groups, each word as it is indexed, and once."""
    indexed = {text: word.text for word in words for text in (*word.also, word.text)}
    pairs = [
        (name, word)
        for name, members in example_groups().items()
        for word in dict.fromkeys(indexed[text] for text in members if text in indexed)
    ]
    return {"name": [name for name, _ in pairs], "word": [word for _, word in pairs]}
