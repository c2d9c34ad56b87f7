"""What do two unrelated words score? The number that every other score is read against.

Scores of random pairs of different items of a space's reference population: all of them where they
are few, else so many drawn with a seed. Mean, standard deviation and quantiles over the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from explorer.compute.neighbors import check_seed, items_of, span_of
from explorer.compute.workspace import Workspace
from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.measures.measure import Measure, pair_scores
from explorer.measures.registry import checked_measure
from explorer.progress import Progress
from explorer.questions import Baseline, BaselineQuery, BaselineRow, Meta
from explorer.questions.choices import MeasureName
from indexer.store.errors import option_named
from indexer.store.read import Index
from indexer.store.space import Space

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FEWEST, MOST = 100, 10_000_000


def answer(work: Workspace, query: BaselineQuery, progress: Progress) -> Baseline:
    """Scores of unrelated items: of one space by every measure, or of every space by its own."""
    index, space_name, asked = work.index, query.space, query.measure or ()
    pairs, seed = query.pairs, query.seed
    if not FEWEST <= pairs <= MOST:
        raise QueryError(f"{option_named('pairs', pairs)}: ask for {FEWEST:,} to {MOST:,}")
    check_seed(seed)
    if space_name is not None:
        space_name = index.space(space_name).name
    names = [space_name] if space_name is not None else [entry.name for entry in index.depths]
    rows: list[BaselineRow] = []
    notes = [f"pairs of different items, drawn with seed {seed} where there are more"]
    for at, name in enumerate(names):
        space = index.space(name)

        def step(share: float, at: int = at, name: str = name) -> None:
            progress(name, round(1000 * (at + share)), 1000 * len(names))

        if len(asked) == 1 or (not asked and space_name is None):
            measures = [checked_measure(asked[0] if asked else None, index, space)]
        else:
            measures, without = _possible(index, space, asked or MEASURES)
            notes += [note for note in without if note not in notes]
        rows += _rows(index, space, measures, pairs, seed, step)
    meta = Meta(
        index=index.name,
        model=index.manifest.model.source,
        space=span_of(names),
        measure=", ".join(asked) or ("every measure" if space_name else "each space's own measure"),
        convention="",
        resolved=(),
        notes=tuple(notes),
    )
    return Baseline(replace(query, space=space_name), tuple(rows), meta)


def _possible(
    index: Index, space: Space, names: Iterable[MeasureName]
) -> tuple[list[Measure], list[str]]:
    """Those of some measures that a space can be asked by, and why not by others."""
    measures: list[Measure] = []
    without: list[str] = []
    for name in names:
        one = checked_measure(name, index, space)
        why = one.lacking()
        if why is None:
            measures.append(one)
        else:
            without.append(f"not by {name}: {why}")
    return measures, without


def _rows(
    index: Index,
    space: Space,
    measures: Sequence[Measure],
    pairs: int,
    seed: int,
    step: Callable[[float], None],
) -> list[BaselineRow]:
    population = index.kind_of(space.entry).reference(space.entry)
    if len(population) < 2:
        raise QueryError(f"space {space.name!r} has fewer than two {items_of(space)} to pair")
    first, second = _pairs(len(population), pairs, seed)
    found = pair_scores(measures, population[first], population[second], step)
    return [
        BaselineRow(
            space=space.name,
            measure=one.name,
            mean=float(values.mean()),
            std=float(values.std()),
            quantiles={
                f"{q:g}": float(v)
                for q, v in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)
            },
            n=len(values),
            population=f"{len(population):,} {space.entry.population}",
        )
        for one, values in zip(measures, found, strict=True)
    ]


def _pairs(count: int, wanted: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs of `count` things where they are not more than wanted, else random ones."""
    if count * (count - 1) // 2 <= wanted:
        first, second = np.triu_indices(count, k=1)
        return first, second
    rng = np.random.default_rng(seed)
    first = rng.integers(0, count, wanted)
    return first, (first + rng.integers(1, count, wanted)) % count
