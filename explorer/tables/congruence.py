"""How `congruence` looks as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explorer.results import (
    AnchoredWords,
    Congruence,
    CongruenceMeta,
    CongruenceQuery,
    CongruenceRow,
    Resolved,
)
from explorer.tables.layout import Column, Layout, figure, foot_lines

LISTED = 24
"""Words that stand above a table; of more, how many there are."""


def congruence(result: Congruence) -> Layout:
    """Scores, effect and p in each space; below, how well the controls match."""
    head = [f"{asked(result.query, result.meta)} {by_measure(result.rows)}"]
    return Layout([*head, *word_lines(result.meta)], effect_columns(), _foot(result))


def anchored(result: AnchoredWords) -> Layout:
    """Each word's score with the anchor; below, the list as a whole."""
    query, meta, whole = result.query, result.meta, result.meta.whole
    head = [f"{asked(query, meta)} in {query.spaces[0]} by {query.measure}"]
    columns = [
        Column("word", lambda r: str(r.word)),
        Column("score", lambda r: figure(r.score), right=True),
        Column("controls", lambda r: figure(r.controls), right=True),
        Column("deviation", lambda r: figure(r.deviation), right=True),
        Column("z", lambda r: f"{r.z:.2f}", right=True),
        Column("p", lambda r: chance(r.p), right=True),
        Column("p corrected", lambda r: chance(r.p_corrected), right=True),
        Column("n", lambda r: f"{r.n:,}", right=True),
    ]
    foot = [
        "z: deviations above a word's own n controls, all scored; p: one-sided, 1 / (n + 1) at the "
        "least, corrected over the words by the greatest z",
    ]
    if whole is not None:
        ends = f", 95 % {interval(whole)}" if whole.low is not None else ""
        foot.insert(
            0,
            f"all together: mean {figure(whole.score)}, controls {figure(whole.controls)}, effect "
            f"{whole.effect:.2f}{ends}, p {chance(whole.p)}",
        )
        foot += sink_lines((whole,))
    foot.append(f"words (controls): {match_line(meta)}")
    return Layout([*head, *word_lines(meta)], columns, foot + foot_lines(meta))


def asked(query: CongruenceQuery, meta: CongruenceMeta) -> str:
    """The question."""
    named = f"group {query.group}" if query.group else f"{meta.words} words"
    closer = "closer to each other" if query.anchor is None else f"closer to {query.anchor}"
    return f"{named}: {closer} than {query.control} random words?"


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
    meta, spaces = result.meta, len(result.rows)
    over = f"; corrected over {spaces} spaces by the greatest effect" if spaces > 1 else ""
    return [
        "effect: (score - controls) / deviation, above 0 is closer; 95 %: over words; "
        f"p: one-sided{over}",
        f"words (controls): {match_line(meta)}",
        *sink_lines(result.rows),
        *foot_lines(meta),
    ]


def match_line(meta: CongruenceMeta) -> str:
    """Means of what controls are matched on, the words' own and the controls'."""
    shown = [f"{one.trait} {one.words:.2f} ({one.controls:.2f})" for one in meta.match]
    return f"mean {', '.join(shown)}; {meta.alike:.0%} of controls alike in tokens and capital"


def sink_lines(rows: tuple[CongruenceRow, ...]) -> Iterator[str]:
    """Words that are attention sinks, and where."""
    where: dict[str, list[str]] = {}
    for row in rows:
        for word in row.sinks:
            where.setdefault(word, []).append(row.space)
    for word, spaces in where.items():
        span = spaces[0] if len(spaces) == 1 else f"{len(spaces)} spaces, first in {spaces[0]}"
        yield f"{word}: an attention sink in {span}; its vector says little there"
