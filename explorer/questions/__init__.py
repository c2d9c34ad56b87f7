"""What can be asked, and what answers it: frozen, printable, made of plain Python values.

One file a question: a query, whose fields are what is asked; what a row is; the whole, and how it
looks. Reads and computes nothing. Every result has `query` (what was asked), `rows` and `meta`
(what it was asked of, and what it was read against); `to_dict` gives the documented JSON shape.
"""

from __future__ import annotations

from typing import Any

from explorer.questions.analogy import (
    Analogy,
    AnalogyLayer,
    AnalogyLayers,
    AnalogyLayersQuery,
    AnalogyMeta,
    AnalogyQuery,
    Component,
    Other,
    Target,
)
from explorer.questions.answer import Calibration, Mention, Meta, Resolved, Result
from explorer.questions.baseline import Baseline, BaselineQuery, BaselineRow
from explorer.questions.compare import (
    ComparedPair,
    CompareMeta,
    CompareQuery,
    Comparison,
    RandomPairs,
)
from explorer.questions.congruence import (
    AnchoredMeta,
    AnchoredQuery,
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
from explorer.questions.evaluate import (
    AnalogyAccuracies,
    AnalogyAccuracy,
    Coverage,
    EvaluateAnalogiesQuery,
    EvaluateMeta,
    EvaluateSimilarityQuery,
    SimilarityCorrelation,
    SimilarityCorrelations,
)
from explorer.questions.findings import Finding, Findings, FindingsMeta, FindingsQuery
from explorer.questions.layers import LayerRow, Layers, LayersQuery
from explorer.questions.logits import (
    EffectShape,
    LogitEffect,
    LogitsMeta,
    LogitsQuery,
    NeuronLogits,
)
from explorer.questions.middleman import Acts, MiddleMan, MiddlemanQuery, Middlemen
from explorer.questions.neighbors import Neighbor, Neighbors, NeighborsQuery
from explorer.questions.neuron import NeuronMeta, NeuronNear, NeuronQuery, NeuronReport
from explorer.questions.ov import HeadWrites, OvQuery, OvReport
from explorer.questions.query import Query
from explorer.questions.schema import Described, Schema, SchemaMeta, SchemaQuery
from explorer.questions.sql import SqlColumn, SqlMeta, SqlQuery, SqlRows
from explorer.questions.word import WordMeta, WordNeuron, WordQuery, WordReport

__all__ = [
    "Acts",
    "Analogy",
    "AnalogyAccuracies",
    "AnalogyAccuracy",
    "AnalogyLayer",
    "AnalogyLayers",
    "AnalogyLayersQuery",
    "AnalogyMeta",
    "AnalogyQuery",
    "AnchoredMeta",
    "AnchoredQuery",
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
    "EffectShape",
    "EvaluateAnalogiesQuery",
    "EvaluateMeta",
    "EvaluateSimilarityQuery",
    "Finding",
    "Findings",
    "FindingsMeta",
    "FindingsQuery",
    "HeadWrites",
    "LayerRow",
    "Layers",
    "LayersQuery",
    "LogitEffect",
    "LogitsMeta",
    "LogitsQuery",
    "Match",
    "Mention",
    "Meta",
    "MiddleMan",
    "MiddlemanQuery",
    "Middlemen",
    "Neighbor",
    "Neighbors",
    "NeighborsQuery",
    "NeuronLogits",
    "NeuronMeta",
    "NeuronNear",
    "NeuronQuery",
    "NeuronReport",
    "Other",
    "OvQuery",
    "OvReport",
    "Query",
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

QUERIES: tuple[type[Query[Any]], ...] = (
    NeighborsQuery,
    MiddlemanQuery,
    AnalogyQuery,
    AnalogyLayersQuery,
    CongruenceQuery,
    AnchoredQuery,
    LayersQuery,
    CompareQuery,
    OvQuery,
    NeuronQuery,
    WordQuery,
    LogitsQuery,
    BaselineQuery,
    EvaluateAnalogiesQuery,
    EvaluateSimilarityQuery,
    FindingsQuery,
    SqlQuery,
    SchemaQuery,
)
"""All of them, in the order in which views, functions and docs have them."""
