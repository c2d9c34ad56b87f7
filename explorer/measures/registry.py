"""The measure that somebody named, of a space of an index.

The one place where a name becomes a measure: whoever answers a question asks for it once, and then
asks the measure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.measures.centered import Centered
from explorer.measures.cosine import Cosine
from explorer.measures.dot import Dot
from explorer.measures.euclidean import Euclidean
from explorer.measures.measure import Measure
from explorer.measures.whitened import Whitened
from indexer.store.errors import unknown
from indexer.store.read import Index
from indexer.store.space import Space

KINDS: dict[str, type[Measure]] = {
    kind.name: kind for kind in (Dot, Cosine, Centered, Euclidean, Whitened)
}
"""By name, all there are."""

COSINES = tuple(name for name in MEASURES if KINDS[name].cosine)
"""Names of those whose scores are cosines."""


def kind(name: str) -> type[Measure]:
    """The class of a measure.

    Raises:
        QueryError: there is no such measure.
    """
    if name not in KINDS:
        raise QueryError(unknown("measure", name, MEASURES))
    return KINDS[name]


def checked_measure(
    name: str | None,
    index: Index,
    space: Space,
    announce: Callable[[str], None] = lambda _: None,
) -> Measure:
    """The measure asked for, of a space, or the space's own.

    Raises:
        QueryError: there is no such measure.
    """
    asked = kind(space.entry.measure if name is None else name)
    return asked(space, lambda: index.kind_of(space.entry).reference(space.entry), announce)


def listed(names: Sequence[str], last: str = "or") -> str:
    """Names as a sentence has them: `cosine, centered or whitened`."""
    return f" {last} ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
