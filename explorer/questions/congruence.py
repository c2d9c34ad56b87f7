"""What `congruence` answers, of a group of words, or of a list and an anchor, and how it looks.

Asked of both kinds of control, a line of its table holds the rows of a space, or of a word, side
by side, and its pictures stand one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explorer.errors import QueryError
from explorer.questions.answer import Meta, Resolved, Result, SpaceName, WordText
from explorer.questions.choices import Controls, MeasureName
from explorer.questions.fields import measure_option, seed_option
from explorer.questions.lines import foot_lines
from explorer.questions.query import Query, argument, option
from explorer.show.gauge import DEVIATIONS, Gauge, standardised, value_of
from explorer.show.layout import Column, Layout
from explorer.show.numbers import figure
from explorer.show.shapes import Histogram, Lines, Picture, Shares

MORE = """
\b
effect       (score - mean of the controls) / their std; above 0 is closer
95 %         its bootstrap interval over words (never over pairs)
p            one-sided, from control groups; words are the unit
p corrected  over all spaces, by the greatest effect of each control group


An effect that stands against matched words and not against random ones, or the
other way round, rests on what is matched: ask --control both.
"""


def words_argument() -> Any:
    """The words of a group."""
    return argument("two or more single words; with an anchor, one or more", "word", default=())


def group_option() -> Any:
    """Words that the index has a name for."""
    return option(None, "one of the index's own groups, such as size, instead of words", "group")


def controls_option() -> Any:
    """What words are read against."""
    return option(
        "matched",
        "control words: matched on frequency, number of tokens, capital and norm in `embed`, or "
        "any; both puts the two side by side",
    )


def permutations_option() -> Any:
    """How many control groups are drawn."""
    return option(
        10_000, "how many control groups are drawn; the same ones in every space", shown=False
    )


@dataclass(frozen=True)
class CongruenceRow:
    """How close the words are in one space, against control words.

    Attributes:
        space: `embed`, or a context space.
        measure: how vectors were scored there.
        control: which words they are read against, `matched` or `random`; asked for both, a space
            has a row of each.
        score: mean score over the pairs of the group; with an anchor, over its words.
        controls: mean of the same over the drawn control groups.
        std: its standard deviation over them, divided by their number.
        effect: (score - controls) / std; above 0 is closer, for distances too.
        low: lower end of the effect's 95 % interval over words; None where they are too few.
        high: its upper end.
        p: one-sided, that a control group is as close: (1 + #{as close}) / (1 + permutations); with
            words that are not indexed, as if each different group had been drawn once.
        p_corrected: the same for the greatest effect over all the spaces of the answer, of the
            groups of this control.
        norm: mean norm of the words in this space.
        controls_norm: mean norm of the drawn control words.
        sinks: words that are attention sinks there, whose vectors say little.
    """

    space: SpaceName
    measure: str
    control: str
    score: float
    controls: float
    std: float
    effect: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float
    norm: float
    controls_norm: float
    sinks: tuple[WordText, ...]


@dataclass(frozen=True)
class Match:
    """How well controls were matched in one trait.

    Attributes:
        trait: `zipf` (log10 of occurrences per thousand million words), `tokens` (number of
            them), `capital` (share of words with a capital) or `norm` (of the vector in `embed`).
        words: mean over the words asked.
        controls: mean over all drawn control words.
    """

    trait: str
    words: float
    controls: float


@dataclass(frozen=True)
class ScoreHistogram:
    """How single scores are spread in one space: the words' own beside their controls'.

    Attributes:
        space: which space.
        measure: how they were scored.
        edges: of the bins, ascending, one more than there are bins.
        words: share of the words' scores in each bin.
        controls: share of the controls' scores in each bin.
        n_words: how many scores of the words there are: pairs, or with an anchor words.
        n_controls: how many of the controls.
    """

    space: str
    measure: str
    edges: tuple[float, ...]
    words: tuple[float, ...]
    controls: tuple[float, ...]
    n_words: int
    n_controls: int


@dataclass(frozen=True)
class DrawnControls:
    """The control groups that were drawn of one kind, and how well they match.

    Attributes:
        control: `matched` or `random`.
        distinct: how many of the groups differ.
        match: means of what words are matched on, whether these were or not.
        alike: share of drawn control words with as many tokens and the same capital as the word
            they stand for.
        histogram: single scores in the space asked for, or in that of the least corrected p.
    """

    control: str
    distinct: int
    match: tuple[Match, ...]
    alike: float
    histogram: ScoreHistogram | None = None


@dataclass(frozen=True)
class CongruenceMeta(Meta):
    """Meta of a congruence, with how its controls were drawn and how well they match.

    Attributes:
        words: how many words were asked.
        permutations: how many control groups were drawn; indexed words asked may be in them.
        drawn: those of each kind of control, in the order of a space's rows.
    """

    words: int = 0
    permutations: int = 0
    drawn: tuple[DrawnControls, ...] = ()


@dataclass(frozen=True)
class CongruenceQuery(Query["Congruence"]):
    """Are some words closer to each other than matched random words are, and where?

    One row a space. With an anchor, each word is scored with that one instead.
    """

    question = "congruence"
    live = False
    letter = "c"
    title = "Congruence"
    example = "large, tall, huge, tiny"
    explains = "Congruence: words are closer to each other than control words are."
    pictured = True
    more = MORE
    examples = (
        "explorer congruence --group size --space embed",
        "explorer congruence huge tall --anchor large --space embed --control both",
    )

    words: tuple[str, ...] = words_argument()
    group: str | None = group_option()
    anchor: str | None = option(
        None,
        "a word that each is scored with, instead of with each other",
        "word",
        placeholder="anchor: each against one word",
    )
    space: str | None = option(
        None, "only this one", "depth", usual="embed and every context space"
    )
    measure: MeasureName | None = measure_option("as p is corrected over spaces")
    control: Controls = controls_option()
    permutations: int = permutations_option()
    seed: int = seed_option()


@dataclass(frozen=True)
class AnchoredQuery(Query["AnchoredWords"]):
    """Is each of some words closer to an anchor than words like it are? One row a word.

    `congruence` asks the list as a whole in every space; here the whole is in `meta.whole`.
    """

    question = "anchored"
    part_of = ("congruence",)
    told_by = ("anchor", "space")
    example = "huge tall"
    pictured = True
    more = MORE

    words: tuple[str, ...] = words_argument()
    group: str | None = group_option()
    anchor: str | None = option(None, "the word that each is scored with", "word")
    space: str = option("embed", "where to look", "depth")
    measure: MeasureName | None = measure_option("as p is corrected over spaces")
    control: Controls = controls_option()
    permutations: int = permutations_option()
    seed: int = seed_option()

    def check(self) -> None:
        """Raise `QueryError` where no anchor is named."""
        if self.anchor is None:
            raise QueryError("single words are asked against an anchor; name one")


@dataclass(frozen=True)
class AnchoredWord:
    """How close one word is to the anchor, against the words that may stand in its place.

    Attributes:
        word: the word.
        control: which words it is read against, `matched` or `random`; asked for both, a word has a
            row of each.
        score: its score with the anchor.
        controls: mean score of its controls with the anchor.
        std: their standard deviation, divided by n.
        z: (score - controls) / std; above 0 is closer, for distances too.
        p: one-sided, that a control is as close: (1 + #{as close}) / (1 + n).
        p_corrected: the same for the greatest z over all the words of the answer.
        n: how many controls it has, the other words asked not among them; all are scored.
    """

    word: WordText
    control: str
    score: float
    controls: float
    std: float
    z: float
    p: float
    p_corrected: float
    n: int


@dataclass(frozen=True)
class AnchoredMeta(CongruenceMeta):
    """Meta of words against an anchor, with the list as a whole.

    Attributes:
        whole: the mean over the words, against lists of controls; a row for each kind of control.
    """

    whole: tuple[CongruenceRow, ...] = ()


@dataclass(frozen=True)
class AnchoredWords(Result[AnchoredWord]):
    """How close each word is to an anchor in one space, in the order asked; controls in turn.

    A row is a word under one kind of control; the list as a whole stands in `meta.whole`.
    """

    query: AnchoredQuery
    rows: tuple[AnchoredWord, ...]
    meta: AnchoredMeta

    def gauge(self) -> Gauge:
        """How far the words stand out from their controls, the first kind of those."""
        return against_controls("z", self.meta)

    def layout(self) -> Layout:
        """Each word's score with the anchor; below, the list as a whole."""
        return _anchored_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """The words' scores with the anchor beside those of their controls."""
        return _anchored_pictures(self)


@dataclass(frozen=True)
class Congruence(Result[CongruenceRow]):
    """How close some words are in each space, in order of depth; controls of a space in turn.

    A row is a space under one kind of control; the controls themselves, and single scores, stand in
    `meta.drawn`.
    """

    query: CongruenceQuery
    rows: tuple[CongruenceRow, ...]
    meta: CongruenceMeta

    def gauge(self) -> Gauge:
        """How far the words stand out from their controls, the first kind of those."""
        return against_controls("effect", self.meta)

    def layout(self) -> Layout:
        """Scores, effect and p in each space; below, how well the controls match."""
        return _congruence_table(self)

    def pictures(self) -> tuple[Picture, ...]:
        """The effect in every space where there are several, then the scores in one.

        Asked of both kinds of control, one after the other.
        """
        return _congruence_pictures(self)


def against_controls(name: str, meta: CongruenceMeta) -> Gauge:
    """A field against the controls; where there are two kinds side by side, against the first."""
    if len(meta.drawn) == 1:
        return standardised(name, name, "of its controls' mean")
    control = meta.drawn[0].control
    within = f"within {DEVIATIONS:g} standard deviations of its {control} controls' mean"
    return Gauge(
        f"{name} {control}",
        lambda row: value_of(row[0], name),
        -DEVIATIONS,
        DEVIATIONS,
        within,
    )


LISTED = 24
"""Words that stand above a table; of more, how many there are."""


def _congruence_table(result: Congruence) -> Layout:
    kinds = len(result.meta.drawn)
    head = [f"{asked(result.query, result.meta)} {by_measure(result.rows[::kinds])}"]
    head += word_lines(result.meta)
    if kinds == 1:
        return Layout(head, effect_columns(), result.rows, _foot(result))
    columns = [
        Column("space", lambda each: str(each[0].space)),
        *_side_by_side(result.meta, "effect", lambda r: f"{r.effect:z.2f}"),
    ]
    return Layout(head, columns, _lines(result), _foot(result))


def _anchored_table(result: AnchoredWords) -> Layout:
    query, meta = result.query, result.meta
    head = [f"{asked(query, meta)} in {query.space} by {query.measure}", *word_lines(meta)]
    foot = [
        "z: standard deviations above a word's own n controls, all scored; p: one-sided, "
        "1 / (n + 1) at the least, corrected over the words by the greatest z",
    ]
    if len(meta.drawn) > 1:
        foot.append(_BESIDE)
    for at, whole in enumerate(meta.whole):
        ends = f", 95 % {interval(whole)}" if whole.low is not None else ""
        against = f"{whole.control} " if len(meta.whole) > 1 else ""
        foot.insert(
            at,
            f"all together: mean {figure(whole.score)}, {against}controls "
            f"{figure(whole.controls)}, effect {whole.effect:z.2f}{ends}, p {chance(whole.p)}",
        )
    foot += [*sink_lines(meta.whole[:1]), *match_lines(meta), *foot_lines(meta)]
    if len(meta.drawn) == 1:
        return Layout(head, _word_columns(), result.rows, foot)
    columns = [
        Column("word", lambda each: str(each[0].word)),
        *_side_by_side(meta, "z", lambda r: f"{r.z:z.2f}"),
    ]
    return Layout(head, columns, _lines(result), foot)


_BESIDE = "the controls' mean and std, and intervals, stand in JSON and CSV, a row of each kind"


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
        Column("std", lambda r: figure(r.std), right=True),
        Column("z", lambda r: f"{r.z:z.2f}", right=True),
        Column("p", lambda r: chance(r.p), right=True),
        Column("p corrected", lambda r: chance(r.p_corrected), right=True),
        Column("n", lambda r: f"{r.n:,}", right=True),
    ]


_THAN = {
    "matched": "matched random words",
    "random": "random words",
    "both": "matched random words, and than any",
}


def asked(query: CongruenceQuery | AnchoredQuery, meta: CongruenceMeta) -> str:
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

    As wide as 80 columns hold; measure and std stand in JSON and CSV.
    """
    return [
        Column("space", lambda r: str(r.space)),
        Column("score", lambda r: figure(r.score), right=True),
        Column("controls", lambda r: figure(r.controls), right=True),
        Column("effect", lambda r: f"{r.effect:z.2f}", right=True),
        Column("95 %", interval, right=True),
        Column("p", lambda r: chance(r.p), right=True),
        Column("p corrected", lambda r: chance(r.p_corrected), right=True),
    ]


def interval(row: CongruenceRow) -> str:
    """Both ends of the effect's interval; nothing where there is none."""
    return "" if row.low is None else f"{row.low:z.2f} to {row.high:z.2f}"


def chance(p: float) -> str:
    """A p, as many digits as its size calls for."""
    return f"{p:z.4f}" if p >= 0.001 else f"{p:.2g}"


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
    meta, spaces = result.meta, len({row.space for row in result.rows})
    over = f"; corrected over {spaces} spaces by the greatest effect" if spaces > 1 else ""
    beside = [_BESIDE] if len(meta.drawn) > 1 else []
    return [
        "effect: (score - controls) / std, above 0 is closer; 95 %: over words; "
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
    shown = [f"{one.trait} {one.words:z.2f} ({one.controls:z.2f})" for one in drawn.match]
    return f"mean {', '.join(shown)}; {drawn.alike:z.0%} of controls alike in tokens and capital"


def sink_lines(rows: tuple[CongruenceRow, ...]) -> Iterator[str]:
    """Words that are attention sinks, and where."""
    where: dict[str, list[str]] = {}
    for row in rows:
        for word in row.sinks:
            where.setdefault(word, []).append(row.space)
    for word, spaces in where.items():
        span = spaces[0] if len(spaces) == 1 else f"{len(spaces)} spaces, first in {spaces[0]}"
        yield f"{word}: an attention sink in {span}; its vector says little there"


def _congruence_pictures(result: Congruence) -> tuple[Picture, ...]:
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


def _anchored_pictures(result: AnchoredWords) -> tuple[Picture, ...]:
    return single_scores(result.query, result.meta)


def single_scores(
    query: CongruenceQuery | AnchoredQuery, meta: CongruenceMeta
) -> tuple[Picture, ...]:
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
        y="effect, standard deviations above controls",
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
