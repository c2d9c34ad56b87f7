"""How near are two expressions in a space?

Each is composed as a query is, and the two are scored with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from explorer.measures.registry import checked_measure
from explorer.questions import Resolved
from explorer.resolve import Resolver


def similarities(
    resolver: Resolver,
    pairs: Sequence[tuple[str, str]],
    space_name: str,
    measure_name: str | None,
    skip: bool = False,
    tell: Callable[[Resolved], None] = lambda _: None,
) -> Iterator[float | None]:
    """The score of each pair; None where an expression names nothing and `skip` is given.

    `tell` is told what each item was taken to be.
    """
    space = resolver.index.space(space_name)
    measure = checked_measure(measure_name, resolver.index, space, resolver.announce)
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    items = resolver.items_of_each(texts, space, skip)
    for item in (item for known in items if known is not None for item in known[1]):
        tell(item.resolved)
    composed = {
        text: None if found is None else measure.compose([item.weighted for item in found[1]])
        for text, found in zip(texts, items, strict=True)
    }
    for one, other in pairs:
        first, second = composed[one], composed[other]
        yield None if first is None or second is None else measure.between(first, second)
