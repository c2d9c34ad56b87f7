"""What can be asked, and what answers it: frozen, printable, made of plain Python values.

One file a question: a query, whose fields are what is asked; what a row is; the whole, and how it
looks. Reads and computes nothing. Every result has `query` (what was asked), `rows` and `meta`
(what it was asked of, and what it was read against); `to_dict` gives the documented JSON shape.

A file is imported when something of it is first asked for: most programs ask one or two questions,
and the dataclasses of all of them take as long to make as NumPy to import.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    # isort: off
    from explorer.questions.analogy import (
        Analogy as Analogy,
        AnalogyLayer as AnalogyLayer,
        AnalogyLayers as AnalogyLayers,
        AnalogyLayersQuery as AnalogyLayersQuery,
        AnalogyMeta as AnalogyMeta,
        AnalogyQuery as AnalogyQuery,
        Component as Component,
        Other as Other,
        Target as Target,
    )
    from explorer.questions.answer import (
        Calibration as Calibration,
        Mention as Mention,
        Meta as Meta,
        Resolved as Resolved,
        Result as Result,
    )
    from explorer.questions.baseline import (
        Baseline as Baseline,
        BaselineQuery as BaselineQuery,
        BaselineRow as BaselineRow,
    )
    from explorer.questions.compare import (
        ComparedPair as ComparedPair,
        CompareMeta as CompareMeta,
        CompareQuery as CompareQuery,
        Comparison as Comparison,
        RandomPairs as RandomPairs,
    )
    from explorer.questions.congruence import (
        AnchoredMeta as AnchoredMeta,
        AnchoredQuery as AnchoredQuery,
        AnchoredWord as AnchoredWord,
        AnchoredWords as AnchoredWords,
        Congruence as Congruence,
        CongruenceMeta as CongruenceMeta,
        CongruenceQuery as CongruenceQuery,
        CongruenceRow as CongruenceRow,
        DrawnControls as DrawnControls,
        Match as Match,
        ScoreHistogram as ScoreHistogram,
    )
    from explorer.questions.evaluate import (
        AnalogyAccuracies as AnalogyAccuracies,
        AnalogyAccuracy as AnalogyAccuracy,
        Coverage as Coverage,
        EvaluateAnalogiesQuery as EvaluateAnalogiesQuery,
        EvaluateMeta as EvaluateMeta,
        EvaluateSimilarityQuery as EvaluateSimilarityQuery,
        SimilarityCorrelation as SimilarityCorrelation,
        SimilarityCorrelations as SimilarityCorrelations,
    )
    from explorer.questions.findings import (
        Finding as Finding,
        Findings as Findings,
        FindingsMeta as FindingsMeta,
        FindingsQuery as FindingsQuery,
    )
    from explorer.questions.layers import (
        LayerRow as LayerRow,
        Layers as Layers,
        LayersQuery as LayersQuery,
    )
    from explorer.questions.logits import (
        EffectShape as EffectShape,
        LogitEffect as LogitEffect,
        LogitsMeta as LogitsMeta,
        LogitsQuery as LogitsQuery,
        NeuronLogits as NeuronLogits,
    )
    from explorer.questions.middleman import (
        Acts as Acts,
        MiddleMan as MiddleMan,
        MiddlemanQuery as MiddlemanQuery,
        Middlemen as Middlemen,
    )
    from explorer.questions.neighbors import (
        Neighbor as Neighbor,
        Neighbors as Neighbors,
        NeighborsQuery as NeighborsQuery,
    )
    from explorer.questions.neuron import (
        NeuronMeta as NeuronMeta,
        NeuronNear as NeuronNear,
        NeuronQuery as NeuronQuery,
        NeuronReport as NeuronReport,
    )
    from explorer.questions.ov import (
        HeadWrites as HeadWrites,
        OvQuery as OvQuery,
        OvReport as OvReport,
    )
    from explorer.questions.query import (
        Query as Query,
    )
    from explorer.questions.schema import (
        Described as Described,
        Schema as Schema,
        SchemaMeta as SchemaMeta,
        SchemaQuery as SchemaQuery,
    )
    from explorer.questions.sql import (
        SqlColumn as SqlColumn,
        SqlMeta as SqlMeta,
        SqlQuery as SqlQuery,
        SqlRows as SqlRows,
    )
    from explorer.questions.word import (
        WordMeta as WordMeta,
        WordNeuron as WordNeuron,
        WordQuery as WordQuery,
        WordReport as WordReport,
    )
    # isort: on

    QUERIES: tuple[type[Query[Any]], ...]
    """All of them, in the order in which views, functions and docs have them."""
else:
    _FILES = {
        "analogy": (
            "Analogy AnalogyLayer AnalogyLayers AnalogyLayersQuery AnalogyMeta AnalogyQuery "
            "Component Other Target"
        ),
        "answer": "Calibration Mention Meta Resolved Result",
        "baseline": "Baseline BaselineQuery BaselineRow",
        "compare": "ComparedPair CompareMeta CompareQuery Comparison RandomPairs",
        "congruence": (
            "AnchoredMeta AnchoredQuery AnchoredWord AnchoredWords Congruence CongruenceMeta "
            "CongruenceQuery CongruenceRow DrawnControls Match ScoreHistogram"
        ),
        "evaluate": (
            "AnalogyAccuracies AnalogyAccuracy Coverage EvaluateAnalogiesQuery EvaluateMeta "
            "EvaluateSimilarityQuery SimilarityCorrelation SimilarityCorrelations"
        ),
        "findings": "Finding Findings FindingsMeta FindingsQuery",
        "layers": "LayerRow Layers LayersQuery",
        "logits": "EffectShape LogitEffect LogitsMeta LogitsQuery NeuronLogits",
        "middleman": "Acts MiddleMan MiddlemanQuery Middlemen",
        "neighbors": "Neighbor Neighbors NeighborsQuery",
        "neuron": "NeuronMeta NeuronNear NeuronQuery NeuronReport",
        "ov": "HeadWrites OvQuery OvReport",
        "query": "Query",
        "schema": "Described Schema SchemaMeta SchemaQuery",
        "sql": "SqlColumn SqlMeta SqlQuery SqlRows",
        "word": "WordMeta WordNeuron WordQuery WordReport",
    }
    """What each file has for the rest of the program."""

    _FILE_OF = {name: file for file, names in _FILES.items() for name in names.split()}

    __all__ = sorted(_FILE_OF)

    def __getattr__(name: str) -> Any:
        if name == "QUERIES":
            found = tuple(map(kind_of, QUESTIONS))
        elif name in _FILE_OF:
            found = getattr(import_module(f"explorer.questions.{_FILE_OF[name]}"), name)
        else:
            raise AttributeError(f"module 'explorer.questions' has no attribute {name!r}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, "QUERIES"})


QUESTIONS = (
    "neighbors",
    "middleman",
    "analogy",
    "analogy_layers",
    "congruence",
    "anchored",
    "layers",
    "compare",
    "ov",
    "neuron",
    "word",
    "logits",
    "baseline",
    "evaluate_analogies",
    "evaluate_similarity",
    "findings",
    "sql",
    "schema",
)
"""The names of all of them, in the order in which views, functions and docs have them."""


def kind_of(question: str) -> type[Query[Any]]:
    """The query that is asked under a name of `QUESTIONS`, which its class is called by."""
    name = "".join(map(str.capitalize, question.split("_"))) + "Query"
    found: type[Query[Any]] = getattr(sys.modules[__name__], name)
    return found
