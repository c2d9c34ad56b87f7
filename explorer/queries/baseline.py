"""What do two unrelated words score? The number that every other score is read against.

Scores of random pairs of different items of a space's reference population: all of them where they
are few, else so many drawn with a seed. Mean, deviation and quantiles over the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from explorer.errors import QueryError
from explorer.measures import checked_measure, pair_scores
from explorer.progress import Progress
from explorer.queries.neighbors import check_seed, items_of, span_of
from explorer.results import Baseline, BaselineQuery, BaselineRow, Meta
from indexer.store.layout import MEASURES
from indexer.store.read import Index
from indexer.store.space import Space

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FEWEST, MOST = 100, 10_000_000


def baseline(
    index: Index,
    space_name: str | None,
    measure: str | None,
    pairs: int,
    seed: int,
    progress: Progress,
) -> Baseline:
    """Scores of unrelated items: of one space by every measure, or of every space by its own."""
    if not FEWEST <= pairs <= MOST:
        raise QueryError(f"--pairs {pairs}: ask for {FEWEST:,} to {MOST:,}")
    check_seed(seed)
    names = [space_name] if space_name is not None else [entry.name for entry in index.depths]
    rows = []
    for at, name in enumerate(names):
        space = index.space(name)

        def step(share: float, at: int = at, name: str = name) -> None:
            progress(name, round(1000 * (at + share)), 1000 * len(names))

        every = space_name is not None and measure is None
        measures = MEASURES if every else (checked_measure(measure, space),)
        rows += _rows(index, space, measures, pairs, seed, step)
    meta = Meta(
        index=index.name,
        model=index.manifest.model.source,
        space=span_of(names),
        measure=measure or ("every measure" if space_name else "each space's own measure"),
        convention="",
        resolved=(),
        notes=(f"pairs of different items, drawn with seed {seed} where there are more",),
    )
    return Baseline(BaselineQuery(space_name, measure, pairs, seed), tuple(rows), meta)


def _rows(
    index: Index,
    space: Space,
    measures: Sequence[str],
    pairs: int,
    seed: int,
    step: Callable[[float], None],
) -> list[BaselineRow]:
    members = index.kind_of(space.entry).reference(space.entry)
    if len(members) < 2:
        raise QueryError(f"space {space.name!r} has fewer than two {items_of(space)} to pair")
    first, second = _pairs(len(members), pairs, seed)
    found = pair_scores(space, members[first], members[second], measures, step)
    population = f"{len(members):,} {space.entry.population}"
    return [
        BaselineRow(
            space=space.name,
            measure=name,
            mean=float(values.mean()),
            deviation=float(values.std()),
            quantiles={
                f"{q:g}": float(v)
                for q, v in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)
            },
            n=len(values),
            population=population,
        )
        for name, values in found.items()
    ]


def _pairs(count: int, wanted: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of `count` things where they are not more than wanted, else random ones."""
    if count * (count - 1) // 2 <= wanted:
        first, second = np.triu_indices(count, k=1)
        return first, second
    rng = np.random.default_rng(seed)
    first = rng.integers(0, count, wanted)
    return first, (first + rng.integers(1, count, wanted)) % count
