"""What `congruence` answers, of a group of words, or of a list of words and an anchor."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.results.answer import Meta, Result


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
        deviation: its standard deviation over them, divided by their number.
        effect: (score - controls) / deviation; above 0 is closer, for distances too.
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

    space: str
    measure: str
    control: str
    score: float
    controls: float
    deviation: float
    effect: float
    low: float | None
    high: float | None
    p: float
    p_corrected: float
    norm: float
    controls_norm: float
    sinks: tuple[str, ...]


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
class CongruenceQuery:
    """What was asked of `congruence`.

    Attributes:
        words: as asked, or those of the group.
        group: the index's own group that was asked, or None.
        anchor: the word that each was scored with, or None.
        spaces: the spaces that were asked, in order of depth.
        measure: the measure; None where each space had its own.
        control: `matched`, `random` or `both`.
        permutations: how many control groups were to be drawn, of each kind.
        seed: of the draw and of the intervals.
    """

    words: tuple[str, ...]
    group: str | None
    anchor: str | None
    spaces: tuple[str, ...]
    measure: str | None
    control: str
    permutations: int
    seed: int


@dataclass(frozen=True)
class AnchoredWord:
    """How close one word is to the anchor, against the words that may stand in its place.

    Attributes:
        word: the word.
        control: which words it is read against, `matched` or `random`; asked for both, a word has a
            row of each.
        score: its score with the anchor.
        controls: mean score of its controls with the anchor.
        deviation: their standard deviation, divided by n.
        z: (score - controls) / deviation; above 0 is closer, for distances too.
        p: one-sided, that a control is as close: (1 + #{as close}) / (1 + n).
        p_corrected: the same for the greatest z over all the words of the answer.
        n: how many controls it has, the other words asked not among them; all are scored.
    """

    word: str
    control: str
    score: float
    controls: float
    deviation: float
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
class AnchoredWords(Result):
    """How close each word is to an anchor in one space, in the order asked; controls in turn."""

    query: CongruenceQuery
    rows: tuple[AnchoredWord, ...]
    meta: AnchoredMeta


@dataclass(frozen=True)
class Congruence(Result):
    """How close some words are in each space, in order of depth; controls of a space in turn."""

    query: CongruenceQuery
    rows: tuple[CongruenceRow, ...]
    meta: CongruenceMeta
