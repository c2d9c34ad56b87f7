"""Is each of these words closer to an anchor than words like it are?

Each word's score with the anchor is read against that of every word that may stand in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from explorer.chance.groups import scores_with
from explorer.chance.significance import same, standardised
from explorer.compute.congruence import (
    anchor_of,
    apart,
    filled,
    histogram,
    in_space,
    meta_of,
    rows_of,
    with_histograms,
)
from explorer.compute.control_groups import ControlGroups, draw, text_space
from explorer.compute.workspace import Workspace
from explorer.measures.measure import Measure
from explorer.measures.registry import checked_measure
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import (
    AnchoredMeta,
    AnchoredQuery,
    AnchoredWord,
    AnchoredWords,
    ScoreHistogram,
)

_ROUNDING = 1e-9
"""A z that is found twice differs by less."""


def answer(work: Workspace, query: AnchoredQuery, progress: Progress) -> AnchoredWords:
    """One row a word, in the order asked; the list as a whole in the meta."""
    index = work.index
    space = text_space(index, query.space)
    measure = checked_measure(query.measure, index, space)
    every = draw(work.resolver, work.words, query, space)
    steps, done = 2 * sum(len(groups.drawn.group.texts) for groups in every), 0

    def tell(word: str) -> None:
        nonlocal done
        progress(word, done, steps)
        done += 1

    found = [_against(groups, measure, tell) for groups in every]
    progress("done", steps, steps)
    meta = meta_of(index, every, query, [space.name], measure.name)
    drawn = with_histograms(meta.drawn, [histogram for _, histogram in found])
    whole = [rows_of(index, groups, [in_space(groups.drawn, measure)])[0] for groups in every]
    order = [item.item for item in every[0].resolved[1:]]
    told = (*meta.notes, *apart([[row] for row in whole]))
    base = {name: getattr(meta, name) for name in meta.__dataclass_fields__}
    return AnchoredWords(
        query=replace(filled(every[0], query), measure=measure.name),
        rows=tuple(rows[text] for text in order for rows, _ in found),
        meta=AnchoredMeta(**(base | {"drawn": drawn, "notes": told}), whole=tuple(whole)),
    )


def _against(
    groups: ControlGroups, measure: Measure, tell: Callable[[str], None]
) -> tuple[dict[str, AnchoredWord], ScoreHistogram]:
    """Each word against the controls of one kind, and all their scores."""
    drawn, words, sign = groups.drawn, groups.drawn.words, measure.sign
    assert drawn.anchor is not None, "the question names one"
    fixed = anchor_of(drawn.anchor, measure)
    normed = measure.normed_rows(drawn.group.vectors(measure.space))
    own = sign * measure.pairwise(normed, fixed)[:, 0]
    others = [np.setdiff1d(pool, drawn.group.ids) for pool in groups.controls.pools]
    pools = []
    for text, pool in zip(drawn.group.texts, others, strict=True):
        tell(text)
        pools.append(sign * scores_with(words, pool, fixed, measure))
    mean = np.array([pool.mean() for pool in pools])
    deviation = np.array([pool.std() for pool in pools])
    effect = standardised(own, mean, deviation)
    greatest, mine = greatest_of(groups, own, fixed, measure, tell)
    rows = {}
    for at, text in enumerate(drawn.group.texts):
        as_close = (pools[at] >= own[at]) | same(pools[at], own[at], deviation[at])
        p = (1 + int(as_close.sum())) / (1 + len(pools[at]))
        over_all = (1 + int((greatest >= mine[at] - _ROUNDING).sum())) / (1 + len(greatest))
        rows[text] = AnchoredWord(
            word=text,
            control=groups.control,
            score=float(sign * own[at]),
            controls=float(sign * mean[at]),
            std=float(deviation[at]),
            z=float(effect[at]),
            p=p,
            # Lists are drawn from few words each, so that they may seem to know p better.
            p_corrected=max(p, over_all),
            n=len(pools[at]),
        )
    ids = np.unique(np.concatenate(others))
    theirs = scores_with(words, ids, fixed, measure)
    return rows, histogram(measure, sign * own, theirs)


def greatest_of(
    groups: ControlGroups,
    own: Float64,
    anchor: Float64,
    measure: Measure,
    tell: Callable[[str], None] = lambda _: None,
) -> tuple[Float64, Float64]:
    """The greatest z of each list drawn, (permutations,), and z of each word asked, (words,).

    Both over all words of a part, those asked among them: by the mean and deviation of the others
    alone, what was asked would stand out more than what is drawn.
    """
    drawn, sign = groups.drawn, measure.sign
    z_drawn, z_own = [], []
    for member, score, pool, ids in zip(
        drawn.group.members, own, groups.controls.pools, drawn.ids.T, strict=True
    ):
        tell(member.text)
        every = sign * scores_with(drawn.words, pool, anchor, measure)
        if member.id is None:
            every = np.append(every, score)
        mean, deviation = every.mean(), every.std()
        chosen = sign * scores_with(drawn.words, ids, anchor, measure)
        z_drawn.append(standardised(chosen, mean, deviation))
        z_own.append(standardised(score, mean, deviation))
    return np.max(z_drawn, axis=0), np.array(z_own)
