"""The choices that several questions have, each a type: what else is named is an error."""

from __future__ import annotations

from typing import Literal, get_args

MeasureName = Literal["dot", "cosine", "centered", "euclidean", "whitened"]
"""How vectors are scored."""

MEASURES: tuple[MeasureName, ...] = get_args(MeasureName)
"""All of them, in the order in which answers and help have them."""

DISTANCES: frozenset[MeasureName] = frozenset({"euclidean"})
"""Those of which less is nearer."""

Side = Literal["gate", "up", "in", "out"]
"""One of a neuron's weight vectors: gate, up and out of a gated MLP, in and out of others."""

Method = Literal["add", "mul"]
"""3CosAdd, or 3CosMul."""

Control = Literal["matched", "random"]
"""What words stand in for a word: those like it, or any."""

Controls = Literal["matched", "random", "both"]
"""The same, or one after the other."""

Tokens = Literal["word-like", "all"]
"""Which tokens of a space are words."""

Case = Literal["written", "fold", "exact"]
"""How a word of a test set is found among the items, and whether case tells items apart:

    written     the item written as the word is; items that differ in case only are one answer
    fold        the most frequent that differs in case only; the same
    exact       the item written as the word is; every item is an answer of its own
"""
