"""The lines above and below the table of any answer, and what its scores are gauged by."""

from __future__ import annotations

from explorer.questions.answer import Meta, Resolved
from explorer.questions.choices import DISTANCES
from explorer.show.gauge import DEVIATIONS, Gauge

MOST_ITEMS, FEW_ITEMS = 40, 10
"""Of more items than a person would read, how many are shown."""


def resolved_lines(meta: Meta) -> list[str]:
    """What each item of the query was taken to be, a line each, and the convention."""
    items = meta.every_resolved
    shown = items if len(items) <= MOST_ITEMS else items[:FEW_ITEMS]
    lines = [f"  {_resolved(item)}" for item in shown]
    if len(items) > len(shown):
        lines.append(f"  and {len(items) - len(shown):,} more")
    if meta.convention:
        lines.append(f"  {meta.space}: {meta.convention}")
    return lines


def _resolved(item: Resolved) -> str:
    tokens = " ".join(f"{t} #{i}" for t, i in zip(item.tokens, item.token_ids, strict=True))
    weight = "" if item.weight == 1 else f"{item.weight:+g} "
    note = f"  ({item.note})" if item.note else ""
    return f"{weight}{item.asked} = {tokens or item.item} from {item.space}{note}"


def foot_lines(meta: Meta) -> list[str]:
    """What z is read against, the notes, and what was asked."""
    lines = []
    if meta.calibration:
        c = meta.calibration
        lines.append(
            f"z: standard deviations above this query's mean over {c.population} "
            f"(n = {c.n:,}, mean {c.mean:.4f}, std {c.std:.4f})"
        )
    lines += meta.notes
    return [*lines, f"index {meta.index}, model {meta.model}"]


def calibrated(meta: Meta) -> Gauge | None:
    """Scores within what is ordinary for a query; None where they are read against nothing."""
    found = meta.calibration
    if found is None:
        return None
    # A small distance is what a great product is: drawn the other way round.
    sign = -1.0 if meta.measure in DISTANCES else 1.0
    ends = sorted(sign * (found.mean + by * found.std) for by in (-DEVIATIONS, DEVIATIONS))
    about = f"within {DEVIATIONS:g} standard deviations of the mean that z is counted from"
    return Gauge("score", lambda row: sign * row.score, ends[0], ends[1], about)
