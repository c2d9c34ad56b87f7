"""Evaluate: how a standard test set fares, one that has a name or one in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.progress import Progress
from explorer.questions import EvaluateAnalogiesQuery, EvaluateSimilarityQuery
from explorer.questions.query import parameters
from explorer.testsets.named import named_sets, names
from explorer.views.place import Place
from explorer.views.view import Choice, TextField, View, chosen, option_of

if TYPE_CHECKING:
    from explorer.api import Explorer

EVERY = "every layer"
TEST = Choice("test", lambda _: [one.name for one in named_sets()])
FILE = TextField("file", "or a file of such questions")
SPACE = Choice("space", lambda ix: (EVERY, *(entry.name for entry in ix.manifest.depths)), "embed")
_MEASURE = next(
    made
    for one in parameters(EvaluateAnalogiesQuery)
    if one.name == "measure" and (made := option_of(one)) is not None
)


def _ask(ix: Explorer, place: Place, progress: Progress) -> Any:
    test = chosen(place, ix, TEST)
    file = place.get("file").strip() or test  # a file holds what the set of that name does
    space, measure = chosen(place, ix, SPACE), chosen(place, ix, _MEASURE)
    given: dict[str, Any] = {"measure": (measure,)} if measure else {}
    given |= {"all_layers": True} if space == EVERY else {"space": (space,)}
    if test in names("similarity"):
        return ix.ask(EvaluateSimilarityQuery(file, **given), progress)
    return ix.ask(EvaluateAnalogiesQuery(file, **given), progress)


VIEW = View(
    name="evaluate",
    title="Evaluate",
    about="How many standard analogies does each space answer; do its scores go with people's?",
    example="",
    options=(TEST, FILE, SPACE, _MEASURE),
    ask=_ask,
    live=False,
    letter="e",
)
