"""The views: what each asks of an index, with what beside the query. They know no screen.

One file a view; each asks a question of `explorer.api` and is shown as its answer
has it.
"""

from __future__ import annotations

from explorer.views import (
    analogy,
    compare,
    congruence,
    evaluate,
    index,
    layers,
    middleman,
    neighbors,
    neuron,
    ov,
    sql,
)
from explorer.views.view import View

VIEWS: dict[str, View] = {
    module.VIEW.name: module.VIEW
    for module in (
        neighbors,
        middleman,
        analogy,
        congruence,
        layers,
        compare,
        ov,
        neuron,
        sql,
        evaluate,
        index,
    )
}
"""By name, in the order of their tabs."""
