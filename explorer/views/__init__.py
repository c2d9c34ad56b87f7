"""The views: what each asks of an index, with what beside the query. They know no screen.

Most follow from the fields of their query; those in a file of their own ask one of two, or have
something beside what the fields say.
"""

from __future__ import annotations

from explorer.questions import QUERIES
from explorer.views import analogy, congruence, evaluate, index, middleman, neuron, sql
from explorer.views.view import View, view_of

_BY_HAND = {module.VIEW.name: module.VIEW for module in (middleman, analogy, congruence, neuron)}

VIEWS: dict[str, View] = {
    kind.question: _BY_HAND.get(kind.question) or view_of(kind) for kind in QUERIES if kind.letter
}
VIEWS |= {module.VIEW.name: module.VIEW for module in (sql, evaluate, index)}
"""By name, in the order of their tabs."""
