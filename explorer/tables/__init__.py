"""How each answer looks as a table: one file a question, dealt out here by the answer's class.

Knows what a person is shown; draws nothing and computes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer import results
from explorer.tables.analogy import analogy, analogy_layers
from explorer.tables.baseline import baseline
from explorer.tables.compare import compare
from explorer.tables.congruence import anchored, congruence
from explorer.tables.evaluate import analogies, similarity
from explorer.tables.layers import layers
from explorer.tables.layout import Layout, resolved_lines
from explorer.tables.middleman import middleman
from explorer.tables.neighbors import neighbors
from explorer.tables.neuron import neuron
from explorer.tables.ov import ov
from explorer.tables.sql import schema, sql
from explorer.tables.word import word

__all__ = ["Layout", "lay_out", "resolved_lines"]

_LAYOUTS: dict[type[results.Result], Callable[[Any], Layout]] = {
    results.Analogy: analogy,
    results.AnalogyAccuracies: analogies,
    results.AnalogyLayers: analogy_layers,
    results.AnchoredWords: anchored,
    results.Baseline: baseline,
    results.Comparison: compare,
    results.Congruence: congruence,
    results.Layers: layers,
    results.Middlemen: middleman,
    results.Neighbors: neighbors,
    results.NeuronReport: neuron,
    results.OvReport: ov,
    results.Schema: schema,
    results.SqlRows: sql,
    results.WordReport: word,
    results.SimilarityCorrelations: similarity,
}


def lay_out(result: results.Result) -> Layout:
    """The table of an answer."""
    return _LAYOUTS[type(result)](result)
