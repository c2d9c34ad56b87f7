"""How `middleman` looks: layers by words, for the best neuron of each layer."""

from __future__ import annotations

from explorer.pictures.shapes import Grid, Picture
from explorer.results import MiddleMan, Middlemen

NAMED = 6
"""Words that a title names; of more it says how many."""


def middleman(result: Middlemen) -> tuple[Picture, ...]:
    """Each layer's best neuron with its score for every word; nothing of one layer alone."""
    best: dict[int, MiddleMan] = {}
    for row in result.rows:
        # Of equal scores the first stays, as it does in the table.
        if row.layer not in best or row.score > best[row.layer].score:
            best[row.layer] = row
    if len(best) < 2:
        return ()
    query, shown = result.query, [best[layer] for layer in sorted(best)]
    answers = "that fire at" if query.side is None else f"whose {query.side} side answers to"
    avoided = f" and not {_named(query.avoid)}" if query.avoid else ""
    among = "" if query.per_layer else f" among the {len(result.rows)} found"
    return (
        Grid(
            title=f"neurons {answers} {_named(query.words)}{avoided}: "
            f"the best of each layer{among}",
            x="word",
            y="neuron",
            columns=(*shown[0].scores, *(f"not {word}" for word in shown[0].avoided)),
            rows=tuple(row.neuron for row in shown),
            values=tuple((*row.scores.values(), *row.avoided.values()) for row in shown),
            unit=query.score.strip("|"),
            middle=0,
        ),
    )


def _named(words: tuple[str, ...]) -> str:
    return ", ".join(words) if len(words) <= NAMED else f"{len(words)} words"
