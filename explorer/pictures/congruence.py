"""How `congruence` looks: the effect by space, and single scores against their controls'."""

from __future__ import annotations

from explorer.pictures.shapes import Histogram, Lines, Picture, Shares
from explorer.results import (
    AnchoredWords,
    Congruence,
    CongruenceMeta,
    CongruenceQuery,
    CongruenceRow,
    ScoreHistogram,
)


def congruence(result: Congruence) -> tuple[Picture, ...]:
    """The effect in every space where there are several, then the scores in one.

    Asked of both kinds of control, one after the other.
    """
    shown: list[Picture] = []
    query, meta = result.query, result.meta
    for at, drawn in enumerate(meta.drawn):
        rows = result.rows[at :: len(meta.drawn)]
        if len(rows) > 1:
            named = f"group {query.group}" if query.group else f"{meta.words} words"
            named += f" with {query.anchor}" if query.anchor else ""
            against = f", {drawn.control} controls" if len(meta.drawn) > 1 else ""
            shown.append(effects(f"{named}: effect by space{against}", rows))
    return (*shown, *single_scores(query, meta))


def anchored(result: AnchoredWords) -> tuple[Picture, ...]:
    """The words' scores with the anchor beside those of their controls."""
    return single_scores(result.query, result.meta)


def single_scores(query: CongruenceQuery, meta: CongruenceMeta) -> tuple[Picture, ...]:
    """Scores in one space: of pairs, or of words with the anchor; a picture a kind of control."""
    shown = []
    for drawn in meta.drawn:
        found = drawn.histogram
        if found is None:
            continue
        if query.anchor:
            named = f"word{'s' * (found.n_words != 1)} asked", f"{drawn.control} controls"
        else:
            pairs = f"pair{'s' * (found.n_words != 1)} of the words asked"
            named = pairs, f"pairs of {drawn.control} controls"
        shown.append(scores(found, *named))
    return tuple(shown)


def effects(title: str, rows: tuple[CongruenceRow, ...]) -> Lines:
    """Effects with their intervals."""
    return Lines(
        title=title,
        x="space",
        y="effect, deviations above controls",
        labels=tuple(row.space for row in rows),
        values=tuple(row.effect for row in rows),
        low=tuple(row.low for row in rows),
        high=tuple(row.high for row in rows),
        band="95 % interval over words" if rows[0].low is not None else "",
    )


def scores(found: ScoreHistogram, asked: str, controls: str) -> Histogram:
    """Single scores of the words beside those of their controls, each list named."""
    return Histogram(
        title=f"scores in {found.space}",
        x=f"score by {found.measure}",
        edges=found.edges,
        baseline=Shares(f"{found.n_controls:,} {controls}", found.controls),
        scores=Shares(f"{found.n_words:,} {asked}", found.words),
    )
