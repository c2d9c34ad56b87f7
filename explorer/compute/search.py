"""Which items of a space are nearest to vectors that somebody brings along?

What is brought is checked here, row by row, before anything is scored; scores, calibration and
ranking are those of `neighbors`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from explorer.compute.neighbors import answers
from explorer.compute.rowcount import checked_count, holds
from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.measures.measure import Measure
from explorer.measures.registry import KINDS, checked_measure, listed
from explorer.products import Float64
from explorer.questions import Neighbors, NeighborsQuery
from explorer.questions.lines import rounding_notes
from explorer.questions.query import usual_rows
from indexer.store.errors import option_named
from indexer.store.read import Index
from indexer.store.space import Space


def search(
    index: Index,
    space_name: str,
    vectors: Any,
    measure_name: str | None,
    k: int | None,
    distinct: bool,
    composed: bool,
    announce: Callable[[str], None],
) -> Neighbors | tuple[Neighbors, ...]:
    """What is nearest to one vector, or to each of several."""
    space = index.space(space_name)
    measure = checked_measure(measure_name, index, space, announce)
    k = checked_count(k, usual_rows(NeighborsQuery), space.entry.rows, holds(space))
    array = _array(vectors, space)
    names = ["vector"] if array.ndim == 1 else [f"vectors[{at}]" for at in range(len(array))]
    rows = array.reshape(-1, space.entry.width).astype(np.float64)
    queries = _checked(rows, names, measure, composed)
    how = NeighborsQuery("", space.name, measure.name, k, True, distinct)
    found = answers(index, names, [()] * len(names), measure, queries, how, k)
    rounded = rounding_notes(index.manifest)
    told = tuple(_of_none(one, rounded) for one in found)
    return told[0] if array.ndim == 1 else told


def _of_none(found: Neighbors, rounded: tuple[str, ...]) -> Neighbors:
    """An answer with what it says of a query that has no items, and of rows that are rounded."""
    note = "asked with a vector, so that no item is left out as its own"
    return replace(found, meta=replace(found.meta, notes=(note, *found.meta.notes, *rounded)))


def _array(vectors: Any, space: Space) -> np.ndarray[Any, Any]:
    """What was brought, as an array of real numbers of the right shape."""
    width = space.entry.width
    try:
        array = np.asarray(vectors)
    except (TypeError, ValueError, RuntimeError) as err:
        said = str(err).splitlines()[0] if str(err) else type(err).__name__
        raise QueryError(f"the vectors cannot be read as an array: {said}") from None
    if array.dtype.kind not in "iuf":
        raise QueryError(
            f"the vectors are {array.dtype}: give real numbers, such as float32 or float64"
        )
    if array.ndim not in (1, 2):
        raise QueryError(
            f"the vectors have the shape {array.shape}: give ({width},) for one of space "
            f"{space.name!r}, or (n, {width}) for several"
        )
    if array.shape[-1] != width:
        raise QueryError(f"the vectors are {array.shape[-1]} wide, space {space.name!r} is {width}")
    return array


def _checked(rows: Float64, names: list[str], measure: Measure, composed: bool) -> Float64:
    """The vectors as queries: (n, d_model) float64, normed as the measure has it.

    Raises:
        QueryError: a row holds what is no number, is too long, or has no direction.
    """
    with np.errstate(over="ignore"):  # told below, with the row
        lengths = np.linalg.norm(rows, axis=1)
    for at in np.flatnonzero(~np.isfinite(lengths)):
        wrong = np.flatnonzero(~np.isfinite(rows[at]))
        if not len(wrong):
            raise QueryError(f"{names[at]} is too long to be scored: its square overflows")
        value, column = rows[at, wrong[0]], int(wrong[0])
        raise QueryError(f"{names[at]} holds {value} in column {column}: give finite numbers")
    # Each by itself, so that a matrix is answered as its rows are, to the last bit.
    each = rows if composed else [measure.normed_rows(row[None])[0] for row in rows]
    queries = np.array(each).reshape(rows.shape)
    if not measure.distance:
        for at in np.flatnonzero(~queries.any(axis=1) | (lengths == 0)):
            if rows[at].any() and lengths[at]:
                raise QueryError(
                    f"{names[at]} is the mean of space {measure.space.name!r}: less the "
                    "mean, it has no direction"
                )
            distances = listed([name for name in MEASURES if KINDS[name].distance])
            raise QueryError(
                f"{names[at]} is zero: it has no direction; only "
                f"{option_named('measure', distances)} asks it"
            )
    return queries
