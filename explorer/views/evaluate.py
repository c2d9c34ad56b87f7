"""Evaluate: how a standard test set fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.errors import QueryError
from explorer.progress import Progress
from explorer.views.place import Place
from explorer.views.view import Choice, Field, View, chosen, depths, fixed, measure

if TYPE_CHECKING:
    from explorer.api import Explorer
    from explorer.questions import AnalogyAccuracies, SimilarityCorrelations

EVERY = "every layer"
TEST = Choice("test", fixed("analogies", "similarity"))
FILE = Field("file", "file of questions or rated pairs")
MEASURE = measure()
SPACE = depths(EVERY, "embed")


def _ask(
    ix: Explorer, place: Place, progress: Progress
) -> AnalogyAccuracies | SimilarityCorrelations:
    file = place.get("file").strip()
    if not file:
        raise QueryError("name a file: questions-words.txt for analogies, wordsim353.tsv for pairs")
    ask = ix.evaluate_analogies
    if chosen(place, ix, TEST) == "similarity":
        ask = ix.evaluate_similarity  # type: ignore[assignment]
    space = chosen(place, ix, SPACE)
    return ask(
        file,
        space=None if space == EVERY else space,
        all_layers=space == EVERY,
        measure=chosen(place, ix, MEASURE) or None,
        progress=progress,
    )


VIEW = View(
    name="evaluate",
    title="Evaluate",
    about="How many standard analogies does each space answer; do its scores go with people's?",
    example="",
    options=(TEST, FILE, SPACE, MEASURE),
    ask=_ask,
    live=False,
)
