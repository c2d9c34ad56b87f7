"""How near are two expressions in a space?

Each is composed as a query is, and the two are scored with each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from explorer.measures.registry import checked_measure
from explorer.resolve import Resolver


def similarities(
    resolver: Resolver,
    pairs: Sequence[tuple[str, str]],
    space_name: str,
    measure_name: str | None,
    skip: bool = False,
) -> Iterator[float | None]:
    """The score of each pair; None where an expression names nothing and `skip` is given."""
    space = resolver.index.space(space_name)
    measure = checked_measure(measure_name, resolver.index, space, resolver.announce)
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    items = resolver.items_of_each(texts, space, skip)
    composed = {
        text: None if found is None else measure.compose([item.weighted for item in found[1]])
        for text, found in zip(texts, items, strict=True)
    }
    for one, other in pairs:
        first, second = composed[one], composed[other]
        yield None if first is None or second is None else measure.between(first, second)
