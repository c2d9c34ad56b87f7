"""Whether two libraries found the same, and how much of it one found that may miss some."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.peers.libraries.library import Found, K

OFF_BY = 1e-5
"""What float32 scores of unit rows may differ by, of whatever order they were summed in."""


class Disagreement(Exception):
    """An exact library gave other neighbours."""


def same(expected: Found, found: Found) -> bool:
    """Whether both are the ten best, best first, up to what float32 can't tell apart.

    Scores are the same place by place. Whatever stands clear of the tenth stands in both; at the
    tenth's score one of equals may stand for another. A name of `expected` that is empty is not
    known there, and may be any.
    """
    if not len(expected) == len(found) == K:
        return False
    pairs = zip(expected, found, strict=True)
    if any(abs(one - two) > OFF_BY for (_, one), (_, two) in pairs):
        return False
    clear = expected[-1][1] + 2 * OFF_BY
    known = {name for name, _ in expected if name}
    unknown = sum(not name for name, score in expected if score > clear)
    missing = {n for n, score in expected if n and score > clear} - {n for n, _ in found}
    others = {n for n, score in found if score > clear} - known
    return not missing and len(others) <= unknown


def check(
    library: str, words: Sequence[str], expected: Sequence[Found], found: Sequence[Found]
) -> None:
    """Raise `Disagreement`, naming word and answers, unless each answer is the same."""
    for word, ours, theirs in zip(words, expected, found, strict=True):
        if not same(ours, [(name, score) for name, score in theirs]):
            raise Disagreement(f"{library} answers {word!r} with {theirs}, we with {ours}")


def recall(expected: Sequence[Found], found: Sequence[Found]) -> float:
    """The share of the ten nearest that were found, over all answers.

    What scores as the tenth does counts for it; a name that is not known is told by its score.
    """
    hits = 0
    for ours, theirs in zip(expected, found, strict=True):
        names, least = {name for name, _ in ours}, ours[-1][1] - OFF_BY
        hits += sum(name in names or ("" in names and score >= least) for name, score in theirs)
    return hits / (K * len(expected))
