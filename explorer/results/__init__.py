"""What queries return: frozen, printable, made of plain Python values.

Knows the shapes of answers; reads and computes nothing. Every result has `query` (what was asked),
`rows` and `meta` (what it was asked of, and what it was read against); `to_dict` gives the
documented JSON shape.
"""

from __future__ import annotations

from explorer.results.analogy import (
    Analogy,
    AnalogyLayer,
    AnalogyLayers,
    AnalogyMeta,
    AnalogyQuery,
    Component,
    Other,
    Target,
)
from explorer.results.answer import Calibration, Meta, Resolved, Result
from explorer.results.baseline import Baseline, BaselineQuery, BaselineRow
from explorer.results.compare import (
    ComparedPair,
    CompareMeta,
    CompareQuery,
    Comparison,
    RandomPairs,
)
from explorer.results.congruence import (
    AnchoredMeta,
    AnchoredWord,
    AnchoredWords,
    Congruence,
    CongruenceMeta,
    CongruenceQuery,
    CongruenceRow,
    DrawnControls,
    Match,
    ScoreHistogram,
)
from explorer.results.evaluate import (
    AnalogyAccuracies,
    AnalogyAccuracy,
    Coverage,
    EvaluateAnalogiesQuery,
    EvaluateMeta,
    EvaluateSimilarityQuery,
    SimilarityCorrelation,
    SimilarityCorrelations,
)
from explorer.results.layers import LayerRow, Layers, LayersQuery
from explorer.results.middleman import Acts, MiddleMan, MiddlemanQuery, Middlemen
from explorer.results.neighbors import Neighbor, Neighbors, NeighborsQuery
from explorer.results.neuron import NeuronMeta, NeuronNear, NeuronQuery, NeuronReport
from explorer.results.ov import HeadWrites, OvQuery, OvReport
from explorer.results.schema import Described, Schema, SchemaMeta, SchemaQuery
from explorer.results.sql import SqlColumn, SqlMeta, SqlQuery, SqlRows
from explorer.results.word import WordMeta, WordNeuron, WordQuery, WordReport

__all__ = [
    "Acts",
    "Analogy",
    "AnalogyAccuracies",
    "AnalogyAccuracy",
    "AnalogyLayer",
    "AnalogyLayers",
    "AnalogyMeta",
    "AnalogyQuery",
    "AnchoredMeta",
    "AnchoredWord",
    "AnchoredWords",
    "Baseline",
    "BaselineQuery",
    "BaselineRow",
    "Calibration",
    "CompareMeta",
    "CompareQuery",
    "ComparedPair",
    "Comparison",
    "Component",
    "Congruence",
    "CongruenceMeta",
    "CongruenceQuery",
    "CongruenceRow",
    "Coverage",
    "Described",
    "DrawnControls",
    "EvaluateAnalogiesQuery",
    "EvaluateMeta",
    "EvaluateSimilarityQuery",
    "HeadWrites",
    "LayerRow",
    "Layers",
    "LayersQuery",
    "Match",
    "Meta",
    "MiddleMan",
    "MiddlemanQuery",
    "Middlemen",
    "Neighbor",
    "Neighbors",
    "NeighborsQuery",
    "NeuronMeta",
    "NeuronNear",
    "NeuronQuery",
    "NeuronReport",
    "Other",
    "OvQuery",
    "OvReport",
    "RandomPairs",
    "Resolved",
    "Result",
    "Schema",
    "SchemaMeta",
    "SchemaQuery",
    "ScoreHistogram",
    "SimilarityCorrelation",
    "SimilarityCorrelations",
    "SqlColumn",
    "SqlMeta",
    "SqlQuery",
    "SqlRows",
    "Target",
    "WordMeta",
    "WordNeuron",
    "WordQuery",
    "WordReport",
]
