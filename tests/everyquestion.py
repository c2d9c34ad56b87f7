"""Every question there is, asked of an index; each asked as a small script would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.questions import QUERIES
from explorer.questions.query import Query, parameters

ANALOGIES = [": capitals", "Paris France London England", ": family", "king queen man woman"]
PAIRS = ["dog cat 7", "red blue 6", "dog red 2", "king queen 8"]

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "neighbors": lambda ix: ix.neighbors("king - man + woman", k=4),
    "neighbors-distinct": lambda ix: ix.neighbors("dog", k=5, distinct=True),
    "neighbors-context": lambda ix: ix.neighbors("dog", "context.1", measure="euclidean"),
    "neighbors-neurons": lambda ix: ix.neighbors("dog", "neuron.out", k=3),
    "neighbors-heads": lambda ix: ix.neighbors("dog", "head.value", measure="dot", k=3),
    "middleman": lambda ix: ix.middleman("large", "tall", avoid=["dog"], side="out", k=3),
    "middleman-layers": lambda ix: ix.middleman("red", score="dot", per_layer=1),
    "middleman-fires": lambda ix: ix.middleman("large", "tall", by="activations", k=3),
    "compare": lambda ix: ix.compare("large", "tall", "dog", pairs=100),
    "compare-layers": lambda ix: ix.compare("large", "tall", each_layer=True, pairs=0),
    "analogy": lambda ix: ix.analogy("dog + small", "Chihuahua", against="dog + large", k=3),
    "analogy-mul": lambda ix: ix.analogy("dog + small", method="mul", space="context.2"),
    "analogy-layers": lambda ix: ix.analogy_layers(
        "dog + small", "Chihuahua", against="dog + large"
    ),
    "analogy-layers-no-target": lambda ix: ix.analogy_layers("dog + small"),
    "neuron": lambda ix: ix.neuron("L1N7", k=3),
    "word": lambda ix: ix.word("large", k=4),
    "ov": lambda ix: ix.ov("large", target="tall", k=3),
    "baseline": lambda ix: ix.baseline(pairs=500),
    "layers": lambda ix: ix.layers("dog + small", "Chihuahua"),
    "layers-twice": lambda ix: ix.layers("dog + dog", "Chihuahua"),
    "layers-no-target": lambda ix: ix.layers("dog"),
    "accuracy": lambda ix: ix.evaluate_analogies(ANALOGIES, all_layers=True),
    "correlation": lambda ix: ix.evaluate_similarity(PAIRS, measure="all"),
    "correlation-none": lambda ix: ix.evaluate_similarity(PAIRS[:2]),
    "congruence": lambda ix: ix.congruence(group="size", permutations=200),
    "congruence-both": lambda ix: ix.congruence(
        group="size", space="embed", control="both", permutations=200
    ),
    "congruence-anchor": lambda ix: ix.congruence("big", "huge", anchor="large", permutations=200),
    "anchored": lambda ix: ix.anchored("big", "huge", anchor="large", permutations=200),
    "findings": lambda ix: ix.findings(),
    "sql": lambda ix: ix.sql("FROM neighbors('large', k := 3)"),
    "schema": lambda ix: ix.schema("neighbors"),
    "search": lambda ix: ix.search("context.2", ix.vector("dog", "context.2"), k=4),
}
"""By name, a function of an open Explorer."""


def _example(kind: type[Query[Any]]) -> Callable[[Any], Any]:
    """A question as its own example asks it."""
    (bar, *others) = parameters(kind)
    few = {"k": 2} if any(one.name == "k" for one in others) else {}
    example = "L1N7" if bar.takes == "neuron" else kind.example  # of the smallest models too
    return lambda ix: ix.ask(kind(**{bar.name: example}, **few))


QUESTIONS |= {
    kind.question: _example(kind)
    for kind in QUERIES
    if kind.example and kind.question not in QUESTIONS and not parameters(kind)[0].several
}
"""Those that nobody has written down yet are asked as their own examples are."""
