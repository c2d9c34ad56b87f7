"""The questions whose answers are worth a line, and how that line is made of the answer.

Knows questions and answers; asks nothing itself. What cannot be asked of an index, for want of the
words, neurons or groups, is left out there. A line states figures, and claims no more than they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from explorer.progress import Progress, no_progress
from explorer.questions import (
    AnalogyQuery,
    BaselineQuery,
    CompareQuery,
    CongruenceQuery,
    Finding,
    LayersQuery,
    MiddlemanQuery,
    NeighborsQuery,
    OvQuery,
    Query,
)
from explorer.questions.findings import Seen
from explorer.questions.written import as_command, fields_json
from indexer.store.errors import SemanticError
from indexer.store.layout import Manifest
from indexer.store.read import Index
from indexer.store.shown import one_line

Ask = Callable[[Query[Any]], Any]
"""Answers a query, or raises a `SemanticError`."""

FEW = 3
"""Of fewer findings of words, any frequent word of the index is looked at too."""

LONG_ENOUGH = 6
"""Letters of a word that is more than grammar, as a rule."""


@dataclass(frozen=True)
class Told:
    """One line of an answer.

    Attributes:
        line: what was found.
        against: what its figures are read against.
        seen: the layers of truth.
        row: which row of the answer's table it speaks of, from 0; of several, the farthest down.
    """

    line: str
    against: str
    seen: tuple[Seen, ...]
    row: int = 0


@dataclass(frozen=True)
class Declared:
    """A question, and how one line is made of its answer; None where there is nothing to tell.

    Attributes:
        query: what a person asks who wants to see more than the line.
        tell: makes the line.
        part: what is asked for the line, where that is less.
    """

    query: Query[Any]
    tell: Callable[[Any], Told | None]
    part: Query[Any] | None = None


def _between(answer: Any) -> Told | None:
    if not answer.rows:
        return None
    best, side = answer.rows[0], answer.query.side
    line = f"{best.neuron}.{side} between {_and(best.scores)}: z {_figures(best, '.2f')}"
    seen: tuple[Seen, ...] = ("geometry",)
    recorded = {word: acts for word, acts in best.acts.items() if acts.source == "recorded"}
    if recorded:
        signs = ", ".join(f"{_SIGNS[acts.sign]} at {word}" for word, acts in recorded.items())
        line += f"; acts {signs}"
        seen = ("geometry", "activity")
    return Told(line, f"z above {_population(answer, ' gives ')}", seen)


_SIGNS = {1: "+", 0: "0", -1: "-"}


def _fires(answer: Any) -> Told | None:
    if not answer.rows:
        return None
    best = answer.rows[0]
    line = f"{best.neuron} fires at {_and(best.scores)} alike: z {_figures(best, '+.2f')}"
    return Told(line, f"z above its mean at {_population(answer, ' token of ')}", ("activity",))


def _population(answer: Any, after: str) -> str:
    """What the z of an answer is read against, as its own note says it."""
    note = next((one for one in answer.meta.notes if one.startswith("z: ")), "")
    return note.split(";")[0].partition(after)[2] or "all others"


def _figures(row: Any, form: str) -> str:
    return ", ".join(format(score, form) for score in row.scores.values())


def _and(words: Any) -> str:
    return " and ".join(words)


def _by_layer(answer: Any) -> Told | None:
    query, first, deeper = answer.query, answer.rows[0], answer.rows[1:]
    line = f"{query.target} under {query.expression}: rank {first.target.rank:,} in {first.space}"
    against = f"of {first.target.n:,}"
    z = f"z {first.target.z:z.2f}"
    seen: tuple[Seen, ...] = ("geometry",)
    at = 0
    if deeper:
        best = min(deeper, key=lambda row: row.target.rank)
        at = answer.rows.index(best)
        line += f", at best {best.target.rank:,} in {best.space}"
        against += f" tokens and {best.target.n:,} words"
        z += f" and {best.target.z:z.2f}"
        seen = ("geometry", "activity")
    return Told(line, f"{against}; {z}", seen, at)


def _of_an_analogy(answer: Any) -> Told | None:
    target = answer.meta.target
    line = (
        f"{answer.query.target} under {answer.query.expression}: rank {target.rank:,} of "
        f"{target.n:,} in {answer.query.space}, z {target.z:z.2f}"
    )
    alone = target.components[0]
    name = alone.item.removeprefix("␣")
    return Told(line, f"under {name} alone rank {alone.rank:,}, z {alone.z:z.2f}", ("geometry",))


def _both_controls(answer: Any) -> Told | None:
    kinds = len(answer.meta.drawn)
    lines = [answer.rows[at : at + kinds] for at in range(0, len(answer.rows), kinds)]
    first, deeper = lines[0], lines[1:]
    effects = ", ".join(f"{row.effect:z.2f} over {row.control}" for row in first)
    line = f"Words of {answer.query.group} in {first[0].space}: effect {effects} words"
    against = f"deviations of {answer.meta.permutations:,} groups"
    seen: tuple[Seen, ...] = ("geometry",)
    if deeper:
        most = max(deeper, key=lambda rows: min(row.effect for row in rows))
        found = ", ".join(f"{row.effect:z.2f}" for row in most)
        against = f"{found} in {most[0].space}; {against}"
        seen = ("geometry", "activity")
    return Told(line, against, seen)


def _compared(answer: Any) -> Told | None:
    row = answer.rows[0]
    line = (
        f"{row.first} and {row.second} to {row.n:,} neurons: Pearson "
        f"{row.scores['pearson']:z.2f}, above {row.percentiles['pearson']:z.1f} % of controls"
    )
    against = f"{answer.query.pairs:,} pairs of words like them; chance is 50 %"
    return Told(line, against, ("geometry",))


def _carried(answer: Any) -> Told | None:
    if not answer.rows:
        return None
    best, query = answer.rows[0], answer.query
    line = f"{best.head} carries {query.word} to {query.target}: z {best.score:z.2f}; "
    line += f"{query.word} itself {best.copying:z.2f}"
    return Told(line, f"z above {_population(answer, ' writes of ')}", ("geometry",))


def _unrelated(answer: Any) -> Told | None:
    row = next((row for row in answer.rows if row.measure == "cosine"), answer.rows[0])
    line = (
        f"Two unrelated {row.population.split()[-1]} of {row.space}: {row.measure} {row.mean:z.2f} "
        f"± {row.std:z.2f}, 1 in 20 above {row.quantiles['0.95']:z.2f}"
    )
    at = answer.rows.index(row)
    return Told(line, f"{row.n:,} pairs of {row.population}", ("geometry",), at)


def _nearest(answer: Any) -> Told | None:
    if not answer.rows:
        return None
    best, query = answer.rows[0], answer.query
    line = f"Nearest to {query.expression} in {query.space}: {best.item}, {query.measure} "
    line += f"{best.score:z.2f}, z {best.z:z.2f}"
    usual = answer.meta.calibration
    against = f"{usual.population}: {usual.mean:z.2f} ± {usual.std:z.2f}"
    return Told(line, against, ("geometry",))


OF_WORDS: tuple[Declared, ...] = (
    Declared(MiddlemanQuery(("large", "tall"), side="out"), _between),
    Declared(MiddlemanQuery(("large", "tall"), by="activations"), _fires),
    Declared(LayersQuery("dog + small", "Chihuahua"), _by_layer),
    Declared(CongruenceQuery(group="size", control="both"), _both_controls),
    Declared(CompareQuery(("large", "tall")), _compared),
    Declared(AnalogyQuery("king - man + woman", "queen"), _of_an_analogy),
    Declared(OvQuery("large", "tall"), _carried),
)
"""Those that need English words."""


def of_any(manifest: Manifest) -> Declared:
    """What can be asked of every index."""
    name = manifest.embed.name
    # By the one measure that is told: `whitened` takes seconds of a large space.
    return Declared(BaselineQuery(name), _unrelated, BaselineQuery(name, ("cosine",)))


def of_a_frequent_word(index: Index) -> Declared | None:
    """The neighbours of a frequent word, of those that are long enough to mean something."""
    name = index.manifest.embed.name
    rows = index.sql(
        "SELECT text FROM word WHERE regexp_full_match(text, '\\pL+') "
        "ORDER BY length(text) < ?, zipf DESC, id LIMIT 1",
        [LONG_ENOUGH],
    )
    return Declared(NeighborsQuery(rows[0][0], name), _nearest) if rows else None


def row_of(query: Query[Any], answer: Any, manifest: Manifest) -> int:
    """Which row of an answer's table the line speaks of that was made of it, from 0."""
    declared = (one for one in (*OF_WORDS, of_any(manifest)) if one.query == query)
    told = next((one.tell(answer) for one in declared), None)
    return 0 if told is None else told.row


def look(
    ask: Ask, index: Index, at_once: bool = False, progress: Progress = no_progress
) -> Iterator[Finding]:
    """What there is to see in an index, one finding after another.

    Args:
        ask: answers a query.
        index: the index that it asks.
        at_once: leave out what takes seconds.
        progress: told of each question; what it raises ends the look.
    """
    asked = [one for one in OF_WORDS if one.query.live or not at_once]
    found = 0
    for at, one in enumerate(asked):
        progress(one.query.question, at, len(asked) + 1)
        for finding in _found(ask, one):
            found += 1
            yield finding
    progress("baseline", len(asked), len(asked) + 1)
    yield from _found(ask, of_any(index.manifest))
    if found < FEW and (word := of_a_frequent_word(index)) is not None:
        yield from _found(ask, word)


def _found(ask: Ask, declared: Declared) -> Iterator[Finding]:
    """The finding of a question; nothing where it cannot be asked of this index."""
    query = declared.query
    try:
        told = declared.tell(ask(declared.part or query))
    except SemanticError:
        return
    if told is not None:
        line, against = one_line(told.line), one_line(told.against)
        fields, command = fields_json(query), one_line(as_command(query))
        yield Finding(line, against, told.seen, query.question, fields, command)
