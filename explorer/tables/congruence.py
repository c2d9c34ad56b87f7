"""How `congruence` looks as a table.

Asked of both kinds of control, a line holds the rows of a space, or of a word, side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from explorer.results import (
    AnchoredWord,
    AnchoredWords,
    Congruence,
    CongruenceMeta,
    CongruenceQuery,
    CongruenceRow,
    DrawnControls,
    Resolved,
)
from explorer.tables.layout import Column, Layout, figure, foot_lines

LISTED = 24
"""Words that stand above a table; of more, how many there are."""


def congruence(result: Congruence) -> Layout:
    """Scores, effect and p in each space; below, how well the controls match."""
    kinds = len(result.meta.drawn)
    head = [f"{asked(result.query, result.meta)} {by_measure(result.rows[::kinds])}"]
    head += word_lines(result.meta)
    if kinds == 1:
        return Layout(head, effect_columns(), _foot(result))
    columns = [
        Column("space", lambda each: str(each[0].space)),
        *_side_by_side(result.meta, "effect", lambda r: f"{r.effect:.2f}"),
    ]
    return Layout(head, columns, _foot(result), _lines(result))


def anchored(result: AnchoredWords) -> Layout:
    """Each word's score with the anchor; below, the list as a whole."""
    query, meta = result.query, result.meta
    head = [f"{asked(query, meta)} in {query.spaces[0]} by {query.measure}", *word_lines(meta)]
    foot = [
        "z: deviations above a word's own n controls, all scored; p: one-sided, 1 / (n + 1) at the "
        "least, corrected over the words by the greatest z",
    ]
    if len(meta.drawn) > 1:
        foot.append(_BESIDE)
    for at, whole in enumerate(meta.whole):
        ends = f", 95 % {interval(whole)}" if whole.low is not None else ""
        against = f"{whole.control} " if len(meta.whole) > 1 else ""
        foot.insert(
            at,
            f"all together: mean {figure(whole.score)}, {against}controls "
            f"{figure(whole.controls)}, effect {whole.effect:.2f}{ends}, p {chance(whole.p)}",
        )
    foot += [*sink_lines(meta.whole[:1]), *match_lines(meta), *foot_lines(meta)]
    if len(meta.drawn) == 1:
        return Layout(head, _word_columns(), foot)
    columns = [
        Column("word", lambda each: str(each[0].word)),
        *_side_by_side(meta, "z", lambda r: f"{r.z:.2f}"),
    ]
    return Layout(head, columns, foot, _lines(result))


_BESIDE = (
    "the controls' mean and deviation, and intervals, stand in JSON and CSV, a row of each kind"
)


def _lines(result: Congruence | AnchoredWords) -> list[tuple[Any, ...]]:
    """The rows of a space, or of a word, together: one of each kind of control."""
    rows: Sequence[CongruenceRow | AnchoredWord] = result.rows
    kinds = len(result.meta.drawn)
    return list(zip(*(rows[at::kinds] for at in range(kinds)), strict=True))


def _side_by_side(meta: CongruenceMeta, name: str, cell: Callable[[Any], str]) -> Iterator[Column]:
    """The score, and of each kind of control how far it stands out and its corrected p."""
    yield Column("score", lambda each: figure(each[0].score), right=True)
    for at, drawn in enumerate(meta.drawn):
        yield Column(f"{name} {drawn.control}", _of(at, cell), right=True)
        yield Column(f"p {drawn.control}", _of(at, lambda r: chance(r.p_corrected)), right=True)


def _of(at: int, cell: Callable[[Any], str]) -> Callable[[Any], str]:
    """A cell of one of the rows that a line holds."""
    return lambda each: cell(each[at])


def _word_columns() -> list[Column]:
    return [
        Column("word", lambda r: str(r.word)),
        Column("score", lambda r: figure(r.score), right=True),
        Column("controls", lambda r: figure(r.controls), right=True),
        Column("deviation", lambda r: figure(r.deviation), right=True),
        Column("z", lambda r: f"{r.z:.2f}", right=True),
        Column("p", lambda r: chance(r.p), right=True),
        Column("p corrected", lambda r: chance(r.p_corrected), right=True),
        Column("n", lambda r: f"{r.n:,}", right=True),
    ]


_THAN = {
    "matched": "matched random words",
    "random": "random words",
    "both": "matched random words, and than any",
}


def asked(query: CongruenceQuery, meta: CongruenceMeta) -> str:
    """The question."""
    named = f"group {query.group}" if query.group else f"{meta.words} words"
    closer = "closer to each other" if query.anchor is None else f"closer to {query.anchor}"
    return f"{named}: {closer} than {_THAN[query.control]}?"


def by_measure(rows: Sequence[CongruenceRow]) -> str:
    """Which measure scored which spaces."""
    spaces: dict[str, list[str]] = {}
    for row in rows:
        spaces.setdefault(row.measure, []).append(row.space)
    if len(spaces) == 1:
        return f"by {rows[0].measure}"
    return "by " + ", ".join(f"{measure} in {span(names)}" for measure, names in spaces.items())


def span(names: Sequence[str]) -> str:
    """Some spaces in a few words."""
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def effect_columns() -> list[Column]:
    """Score against controls, the effect with its interval, and how likely by chance.

    As wide as 80 columns hold; measure and deviation stand in JSON and CSV.
    """
    return [
        Column("space", lambda r: str(r.space)),
        Column("score", lambda r: figure(r.score), right=True),
        Column("controls", lambda r: figure(r.controls), right=True),
        Column("effect", lambda r: f"{r.effect:.2f}", right=True),
        Column("95 %", interval, right=True),
        Column("p", lambda r: chance(r.p), right=True),
        Column("p corrected", lambda r: chance(r.p_corrected), right=True),
    ]


def interval(row: CongruenceRow) -> str:
    """Both ends of the effect's interval; nothing where there is none."""
    return "" if row.low is None else f"{row.low:.2f} to {row.high:.2f}"


def chance(p: float) -> str:
    """A p, as many digits as its size calls for."""
    return f"{p:.4f}" if p >= 0.001 else f"{p:.2g}"


def word_lines(meta: CongruenceMeta) -> list[str]:
    """What the words were taken to be, those of one token, or of none, on one line."""
    plain = [one for one in meta.resolved if len(one.tokens) <= 1 and not one.note]
    lines = []
    if len(meta.resolved) > LISTED:
        lines.append(f"  {len(plain):,} of {len(meta.resolved):,} words are one token each")
    elif plain:
        lines.append(f"  {' '.join(map(_numbered, plain))}")
        lines += [f"  {one.item} = {_numbered(one)}" for one in meta.resolved if one not in plain]
    else:
        lines += [f"  {one.item} = {_numbered(one)}" for one in meta.resolved]
    return lines


def _numbered(one: Resolved) -> str:
    tokens = " ".join(f"{t} #{i}" for t, i in zip(one.tokens, one.token_ids, strict=True))
    return tokens or one.item  # imported words have no tokens


def _foot(result: Congruence) -> list[str]:
    meta, spaces = result.meta, len(result.query.spaces)
    over = f"; corrected over {spaces} spaces by the greatest effect" if spaces > 1 else ""
    beside = [_BESIDE] if len(meta.drawn) > 1 else []
    return [
        "effect: (score - controls) / deviation, above 0 is closer; 95 %: over words; "
        f"p: one-sided{over}",
        *beside,
        *match_lines(meta),
        *sink_lines(result.rows[:: len(meta.drawn)]),
        *foot_lines(meta),
    ]


def match_lines(meta: CongruenceMeta) -> Iterator[str]:
    """How well the controls of each kind match."""
    for drawn in meta.drawn:
        of = f"{drawn.control} controls" if len(meta.drawn) > 1 else "controls"
        yield f"words ({of}): {_match(drawn)}"


def _match(drawn: DrawnControls) -> str:
    """Means of what controls are matched on, the words' own and the controls'."""
    shown = [f"{one.trait} {one.words:.2f} ({one.controls:.2f})" for one in drawn.match]
    return f"mean {', '.join(shown)}; {drawn.alike:.0%} of controls alike in tokens and capital"


def sink_lines(rows: tuple[CongruenceRow, ...]) -> Iterator[str]:
    """Words that are attention sinks, and where."""
    where: dict[str, list[str]] = {}
    for row in rows:
        for word in row.sinks:
            where.setdefault(word, []).append(row.space)
    for word, spaces in where.items():
        span = spaces[0] if len(spaces) == 1 else f"{len(spaces)} spaces, first in {spaces[0]}"
        yield f"{word}: an attention sink in {span}; its vector says little there"
