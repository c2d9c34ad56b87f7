"""The lines above and below the table of any answer, and what its scores are gauged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from explorer.questions.answer import Meta, Resolved
from explorer.questions.choices import DISTANCES
from explorer.show.gauge import DEVIATIONS, Gauge
from indexer.store.layout import Manifest, rounded_spaces

MOST_ITEMS, FEW_ITEMS = 40, 10
"""Of more items than a person would read, how many are shown."""

MOST_NAMED = 4
"""Of items of which the same is to be known, how many are named."""


def resolved_lines(meta: Meta) -> list[str]:
    """What each item of the query was taken to be, a line each, and the convention."""
    items = meta.every_resolved
    shown = items if len(items) <= MOST_ITEMS else items[:FEW_ITEMS]
    lines = [f"  {item_line(item)}" for item in shown]
    if len(items) > len(shown):
        lines.append(f"  and {len(items) - len(shown):,} more")
    if meta.convention:
        lines.append(f"  {meta.space}: {meta.convention}")
    return lines


def item_line(item: Resolved) -> str:
    """What an item was taken to be, and what is to be known of it."""
    tokens = " ".join(f"{t} #{i}" for t, i in zip(item.tokens, item.token_ids, strict=True))
    weight = "" if item.weight == 1 else f"{item.weight:+g} "
    note = f"  ({item.note})" if item.note else ""
    return f"{weight}{item.asked} = {tokens or item.item} from {item.space}{note}"


def told_lines(items: Iterable[Resolved], fewer: Iterable[str]) -> list[str]:
    """What is not quite as it was asked: items with a note, a line a note, and fewer rows."""
    noted: dict[str, dict[str, Resolved]] = {}
    for item in items:
        if item.note:
            noted.setdefault(item.note, {}).setdefault(item.asked, item)
    return [*(_noted(note, list(those.values())) for note, those in noted.items()), *fewer]


def _noted(note: str, items: Sequence[Resolved]) -> str:
    if len(items) == 1:
        return item_line(items[0])
    more = len(items) - MOST_NAMED
    names = ", ".join(item.asked for item in items[:MOST_NAMED])
    return f"{names}{f' and {more:,} more' if more > 0 else ''}: {note}"


def rounding_notes(manifest: Manifest) -> tuple[str, ...]:
    """What is to be known of scores where rows of an index are not what they were made of."""
    return tuple(
        f"rows are rounded to {dtype} in {names}: scores are those of the rounded rows"
        for dtype, names in rounded_spaces(manifest).items()
    )


def foot_lines(meta: Meta) -> list[str]:
    """What z is read against, the notes, and what was asked."""
    lines = []
    if meta.calibration:
        c = meta.calibration
        lines.append(
            f"z: standard deviations above this query's mean over {c.population} "
            f"(n = {c.n:,}, mean {c.mean:z.4f}, std {c.std:z.4f})"
        )
    lines += [*meta.notes, *meta.fewer]
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


def scoring_line(meta: object) -> str:
    """How the scores of an answer were found, as `--explain` says it."""
    found = meta.scoring if isinstance(meta, Meta) else None
    if found is None:
        return "explain: no space was asked for its best items"
    return (
        f"explain: {found.exact:,} items scored in float64; passes over 8-bit codes: "
        f"{found.passes:,}, scans of all rows: {found.scans:,}"
    )
