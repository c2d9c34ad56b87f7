"""The words of a question, and the groups that chance gives in their place, for all spaces.

Knows how much may be drawn, how well what was drawn matches, and what of that a reader is told;
knows no statistic.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.chance.controls import CONTROLS, Controls, forms_of
from explorer.chance.members import Group, single, terms_of
from explorer.chance.significance import FEWEST, resamples
from explorer.chance.strata import strata
from explorer.compute.neighbors import check_seed, items_of
from explorer.errors import QueryError
from explorer.products import Float64
from explorer.questions import AnchoredQuery, CongruenceQuery, DrawnControls, Match, Resolved
from explorer.questions.choices import Control
from explorer.resolve import Resolver
from explorer.words import Int64, Trait, Words
from indexer.store.errors import option_named
from indexer.store.read import Index
from indexer.store.space import Space

FEWEST_DRAWN, MOST_DRAWN = 10, 100_000
MOST_WORDS_DRAWN = 10_000_000
"""Permutations times words: what their ids may take is 80 MB."""

LEVEL = 0.05


GroupQuery = CongruenceQuery | AnchoredQuery
"""The questions of a group of words."""


@dataclass(frozen=True)
class Drawn:
    """The words asked and the groups that chance gives, the same for every space.

    Attributes:
        words: the population.
        group: the words asked.
        anchor: the word each is scored with; None where they are scored with each other.
        ids: (permutations, len(group)) int64, a control group a row.
        counts: (resamples, len(group)), how often each word is in a resample; None where the
            words are too few for an interval.
    """

    words: Words
    group: Group
    anchor: Group | None
    ids: Int64
    counts: Float64 | None

    @cached_property
    def distinct(self) -> int:
        """How many of the groups differ, as `distinct` has it."""
        return distinct(self.ids)


@dataclass(frozen=True)
class ControlGroups:
    """What was drawn of one kind of control, what it was drawn from, what the words are like."""

    control: Control
    drawn: Drawn
    controls: Controls
    traits: Sequence[Trait]
    resolved: tuple[Resolved, ...]


def draw(
    resolver: Resolver, words: Words, asked: GroupQuery, home: Space
) -> tuple[ControlGroups, ...]:
    """Resolve the words and draw their control groups; `home` is where tokens are shown from.

    Returns:
        One of each kind of control that was asked for; each is drawn with the seed as if it had
        been asked for alone.

    Raises:
        QueryError: words, groups, control, permutations or seed are not to be had; see `terms_of`.
    """
    index = resolver.index
    terms = terms_of(index, asked.words, asked.group, least=2 if asked.anchor is None else 1)
    anchor = None if asked.anchor is None else single(asked.anchor)
    if anchor is not None and anchor.text in (term.text for term in terms):
        raise QueryError(f"{anchor.text!r} is the anchor: leave it out of the words")
    check_draw(asked.permutations, len(terms), asked.seed)
    group = Group(resolver, words, terms)
    fixed = None if anchor is None else Group(resolver, words, [anchor])
    embed = index.embed
    traits = group.traits(embed)
    out = forms_of(words, [*group.texts, *(fixed.texts if fixed else ())])
    resolved = (fixed.resolved(home.name) if fixed else ()) + group.resolved(home.name)
    found = []
    for how in CONTROLS if asked.control == "both" else (asked.control,):
        stand_ins = strata(words, traits, how, embed.name, out, group.ids)
        rng = np.random.default_rng(asked.seed)
        ids = stand_ins.draw(asked.permutations, rng)
        counts = resamples(len(group), rng) if len(group) >= FEWEST else None
        drawn = Drawn(words, group, fixed, ids, counts)
        found.append(ControlGroups(how, drawn, stand_ins, traits, resolved))
    return tuple(found)


def text_space(index: Index, name: str) -> Space:
    """A space of tokens or words by name.

    Raises:
        UnknownSpace: there is none of that name.
        QueryError: it holds neurons, heads or labels.
    """
    space = index.space(name)
    if not index.kind_of(space.entry).is_text:
        contexts = index.context_names
        texts = [one for one in index.manifest.spaces if index.kind_of(one).is_text]
        there = [one.name for one in texts if one.kind != "context"]
        if contexts:
            there.append(contexts[0] if len(contexts) == 1 else f"{contexts[0]} to {contexts[-1]}")
        raise QueryError(
            f"space {name!r} holds {items_of(space)}, and a group is of words; "
            f"ask in {', '.join(there)}"
        )
    return space


def check_draw(permutations: int, size: int, seed: int) -> None:
    """Raise `QueryError` unless so much can be drawn."""
    most = min(MOST_DRAWN, MOST_WORDS_DRAWN // size)
    if not FEWEST_DRAWN <= permutations <= most:
        raise QueryError(
            f"{option_named('permutations', permutations)}: of {size} words ask for "
            f"{FEWEST_DRAWN:,} to {most:,}"
        )
    check_seed(seed)


def drawn_controls(groups: ControlGroups, embed: Space) -> DrawnControls:
    """What an answer says of the groups of one kind of control."""
    drawn, traits = groups.drawn, groups.traits
    return DrawnControls(
        groups.control, drawn.distinct, match(drawn, traits, embed), alike(drawn, traits)
    )


def match(drawn: Drawn, traits: Sequence[Trait], embed: Space) -> tuple[Match, ...]:
    """Means over the words, and over all words drawn."""
    words, ids = drawn.words, drawn.ids
    own = {
        "zipf": [one.zipf for one in traits],
        "tokens": [float(one.n_tokens) for one in traits],
        "capital": [float(one.capital > 0) for one in traits],
        "norm": [one.norm for one in traits],
    }
    theirs = {
        "zipf": words.zipf,
        "tokens": words.n_tokens,
        "capital": words.capital > 0,
        "norm": words.norms(embed.name),
    }
    return tuple(
        Match(name, float(np.mean(own[name])), float(theirs[name][ids].mean())) for name in own
    )


def alike(drawn: Drawn, traits: Sequence[Trait]) -> float:
    """Share of drawn words that agree in tokens and capital with the word they stand for."""
    tokens = np.array([one.n_tokens for one in traits])
    capital = np.array([one.capital for one in traits])
    same = (drawn.words.n_tokens[drawn.ids] == tokens) & (drawn.words.capital[drawn.ids] == capital)
    return float(same.mean())


def distinct(ids: Int64) -> int:
    """How many rows hold different words, their order aside."""
    # The sum of one random number a word is the same for the same words, and for no others.
    marks = np.random.default_rng(0).integers(0, 2**64, ids.max() + 1, dtype=np.uint64)
    return len(np.unique(marks[ids].sum(axis=1)))


def notes(every: Sequence[ControlGroups], asked: GroupQuery) -> Iterable[str]:
    """What the numbers are of, what was matched, and what of them should not be trusted."""
    drawn, resolved = every[0].drawn, every[0].resolved
    m, permutations = len(drawn.group), len(drawn.ids)
    of = f"the {m * (m - 1) // 2:,} pairs of {m} words" if m > 2 else "the pair of 2 words"
    if drawn.anchor is not None:
        of = f"{m} word{'s' * (m != 1)}, each scored with {drawn.anchor.texts[0]}"
    kinds = ", then of ".join(groups.control for groups in every)
    yield (
        f"score: mean over {of}; controls, std: of the same over {permutations:,} groups of "
        f"{kinds} indexed words, those asked among them, drawn with seed {asked.seed}"
    )
    for groups in every:
        yield f"{groups.control}: {_about(groups)}"
    for groups in every:
        different = groups.drawn.distinct
        floor = 1 / (1 + different)
        if floor > LEVEL:
            of = f" of {groups.control} words" if len(every) > 1 else ""
            yield (
                f"only {different:,} different control groups{of} were drawn: no p can be much "
                f"below {floor:.2g}, too few to tell anything from chance"
            )
    if drawn.counts is None:
        yield f"no interval: it takes {FEWEST} words or more to say how far the effect varies"
    forms = Counter(text.casefold() for text in drawn.group.texts)
    alike = [text for text in drawn.group.texts if forms[text.casefold()] > 1]
    if alike:
        yield f"{', '.join(alike)}: forms of one word, which bring any group closer"
    strange = [item.item for item in resolved if item.note]
    if strange:
        yield (
            f"not indexed: {', '.join(strange)}; matched as the rarest indexed word "
            f"(zipf {drawn.words.zipf.min():z.2f})"
        )


def _about(groups: ControlGroups) -> str:
    """What the controls of a kind share with the words they stand for."""
    count = len(groups.drawn.words)
    if groups.control == "random":
        return (
            f"any of the {count:,} indexed words; nothing is matched, and how close words "
            "lie depends on their frequency, tokens and norm too"
        )
    return (
        f"the {count:,} indexed words are parted by number of tokens, by capital, then by "
        "frequency and norm in embed; a control is of the part that its word is in"
    )
