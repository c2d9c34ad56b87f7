"""Is *Chihuahua* what *dog* + *small* gives, and more so than *dog* + *large*?

`add` is 3CosAdd, the neighbours of the sum; `mul` is 3CosMul. A target is scored whether or not it
is an item of the space, and read against the query's scores over all items, against each
component asked alone, and against another expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from explorer.calibration import calibrate, z
from explorer.compute.neighbors import check_k, excluded, meta_of, population, ranked
from explorer.cosmul import cosmul
from explorer.errors import QueryError
from explorer.expressions import Expression, parse
from explorer.measures.asked import COSINES, checked_measure, listed
from explorer.measures.measure import Weighted
from explorer.products import Float64
from explorer.questions import (
    Analogy,
    AnalogyLayer,
    AnalogyLayers,
    AnalogyMeta,
    AnalogyQuery,
    Calibration,
    Component,
    Neighbor,
    Other,
    Target,
)
from explorer.resolve import Item, Resolver
from explorer.scan import Scan, combined, scan
from indexer.store.errors import unknown
from indexer.store.space import Space

METHODS = ("add", "mul")


@dataclass(frozen=True)
class Asked:
    """An analogy as parsed: the expression, the target and the other expression."""

    expression: Expression
    target: Expression | None
    against: Expression | None
    measure: str | None
    method: str

    @classmethod
    def of(
        cls, text: str, target: str | None, against: str | None, measure: str | None, method: str
    ) -> Asked:
        """Parse what was asked.

        Raises:
            QueryError: no such method, another expression without a target, or a target that is
                a sum.
        """
        if method not in METHODS:
            raise QueryError(unknown("method", method, METHODS))
        if against is not None and target is None:
            raise QueryError("--against compares how two expressions reach a target: name --target")
        if target is not None and not target.strip():
            raise QueryError("--target is empty; name one word")
        parsed = parse(target) if target is not None else None
        if parsed is not None and parsed.single is None:
            raise QueryError(f"--target {target!r} is a sum; name one word")
        return cls(
            parse(text), parsed, parse(against) if against is not None else None, measure, method
        )


def analogy(
    resolver: Resolver,
    asked: Asked,
    space_name: str,
    k: int,
    include_inputs: bool,
    distinct: bool,
) -> Analogy:
    """The ranking an expression gives in one space, and where the target stands in it."""
    index = resolver.index
    space = index.space(space_name)
    check_k(k, space)
    one = InSpace(resolver, asked, space, include_inputs)
    rows = one.ranked(k, distinct)
    meta = meta_of(index, space, one.measure.name, one.items, one.calibration, one.measure.notes)
    query = _query(asked, (space.name,), one.measure.name, k, include_inputs, distinct)
    return Analogy(query, rows, _with_target(meta, one))


def analogy_layers(
    resolver: Resolver, asked: Asked, k: int, include_inputs: bool, distinct: bool
) -> AnalogyLayers:
    """The same in `embed` and every context space, in order of depth."""
    index = resolver.index
    names = [entry.name for entry in index.depths]
    rows, first = [], None
    for name in names:
        space = index.space(name)
        check_k(k, space)
        one = InSpace(resolver, asked, space, include_inputs)
        first = first or one
        nearest = tuple(row.item for row in one.ranked(k, distinct))
        rows.append(AnalogyLayer(name, one.measure.name, nearest, one.standing(), one.notes()))
    assert first is not None, "every index has the space embed"
    meta = meta_of(index, first.space, asked.measure or "each space's own measure", first.items)
    query = _query(asked, tuple(names), asked.measure, k, include_inputs, distinct)
    return AnalogyLayers(query, tuple(rows), _with_target(meta, first, across=True))


class InSpace:
    """One expression asked of one space, and what its target scores there."""

    def __init__(
        self, resolver: Resolver, asked: Asked, space: Space, include_inputs: bool
    ) -> None:
        self.index, self.space, self.method = resolver.index, space, asked.method
        self.include_inputs = include_inputs
        self.measure = checked_measure(asked.measure, self.index, space, resolver.announce)
        if self.method == "mul" and not self.measure.cosine:
            raise QueryError(
                f"3CosMul multiplies cosines: --method mul needs --measure "
                f"{listed(COSINES)}, not {self.measure.name!r}"
            )
        self.asked = asked
        expressions = [e for e in (asked.expression, asked.target, asked.against) if e is not None]
        resolver.prepare([term for e in expressions for term in e.terms], space)
        self.items = resolver.items(asked.expression, space)
        self.target = resolver.item(asked.target.terms[0], space) if asked.target else None
        self.against = resolver.items(asked.against, space) if asked.against else []
        self.scan = self._scan(self.items)
        self.calibration = calibrate(self.scan.values, population(space))

    def _scan(self, items: Sequence[Item]) -> Scan:
        weighted = [item.weighted for item in items]
        if self.method == "add":
            return scan(self.measure, self.measure.compose(weighted))
        cosines = [scan(self.measure, self.measure.compose([_unsigned(w)])) for w in weighted]
        signs = [1 if w.weight > 0 else -1 for w in weighted]
        return combined(cosines, signs, lambda each: _multiplied(each, weighted))

    @cached_property
    def _own_row(self) -> int | None:
        """The target's row, where it is an item of the space; its score is that of its row."""
        if self.target is None or self.target.weighted.home.name != self.space.name:
            return None
        positions = self.target.positions(self.space)
        return next(iter(positions)) if len(positions) == 1 else None

    def _of_target(self, items: Sequence[Item], scanned: Scan) -> float:
        assert self.target is not None
        if self._own_row is not None:
            return float(scanned.exact(np.array([self._own_row]))[0])
        target, weighted = self.target.weighted, [item.weighted for item in items]
        if self.method == "add":
            return self.measure.one_score(target, self.measure.compose(weighted))
        cosines = [
            np.array(self.measure.one_score(target, self.measure.compose([_unsigned(w)])))
            for w in weighted
        ]
        return float(_multiplied(cosines, weighted))

    def ranked(self, k: int, distinct: bool) -> tuple[Neighbor, ...]:
        """The k items nearest to the expression."""
        return ranked(
            self.index,
            self.space,
            self.scan.best,
            k,
            self.items,
            self.calibration,
            self.include_inputs,
            distinct,
        )

    def notes(self) -> tuple[str, ...]:
        """What a reader should know of the items and the target in this space."""
        items = [*self.items, *([self.target] if self.target else [])]
        return tuple(
            f"{item.resolved.asked}: {item.resolved.note}" for item in items if item.resolved.note
        )

    def standing(self) -> Target | None:
        """The target's rank, score, z, gains and difference; None where none was named."""
        if self.target is None:
            return None
        score = self._of_target(self.items, self.scan)
        own = self._left_out(self.items)
        components = [self._component(item, score) for item in self.items]
        against = None
        rank = self._rank(self.scan, score, own)
        if self.against:
            scanned = self._scan(self.against)
            other = self._of_target(self.against, scanned)
            calibration = calibrate(scanned.values, population(self.space))
            other_rank = self._rank(scanned, other, self._left_out(self.against))
            assert self.asked.against is not None
            against = Other(
                self.asked.against.text,
                other,
                z(other, calibration),
                other_rank,
                score - other,
                z(score, self.calibration) - z(other, calibration),
                rank - other_rank,
            )
        return Target(
            self.target.resolved.item,
            score,
            z(score, self.calibration),
            rank,
            self.space.entry.rows - len(own),
            tuple(components) if len(components) > 1 else (),
            against,
        )

    def _component(self, item: Item, score: float) -> Component:
        alone = [_alone(item)]
        scanned = self._scan(alone)
        calibration: Calibration = calibrate(scanned.values, population(self.space))
        mine = self._of_target(alone, scanned)
        return Component(
            item.resolved.item,
            mine,
            z(mine, calibration),
            self._rank(scanned, mine, self._left_out(alone)),
            score - mine,
        )

    def _left_out(self, items: Sequence[Item]) -> frozenset[int]:
        return frozenset() if self.include_inputs else excluded(items, self.space)

    def _rank(self, scanned: Scan, score: float, own: frozenset[int]) -> int:
        """1 + how many items score better than the target, the query's own items left out.

        Whatever scores the same as the target shares its rank, the best that any of them has. The
        target's own item is not counted, be its vector from this space or from another.
        """
        assert self.target is not None
        mine = self.target.positions(self.space)
        mine = mine if len(mine) == 1 else frozenset()
        better = scanned.better(score)
        better[list(own | mine)] = False
        return 1 + int(better.sum())


def _unsigned(item: Weighted) -> Weighted:
    return Weighted(item.vector, 1.0, item.home)


def _alone(item: Item) -> Item:
    return replace(item, weighted=_unsigned(item.weighted))


def _multiplied(cosines: Sequence[Float64], items: Sequence[Weighted]) -> Float64:
    """3CosMul over signed items; a weight other than 1 is an exponent.

    A cosine that rounding has put beyond 1 or -1 is taken for that.
    """
    within = [np.clip(c, -1, 1) for c in cosines]
    shifted = [
        2 * ((1 + c) / 2) ** abs(w.weight) - 1 if abs(w.weight) != 1 else c
        for c, w in zip(within, items, strict=True)
    ]
    positive = [c for c, w in zip(shifted, items, strict=True) if w.weight > 0]
    negative = [c for c, w in zip(shifted, items, strict=True) if w.weight < 0]
    if not positive:
        raise QueryError("3CosMul needs an item that is added; every item here is taken away")
    return cosmul(positive, negative)


def _query(
    asked: Asked,
    spaces: tuple[str, ...],
    measure: str | None,
    k: int,
    include_inputs: bool,
    distinct: bool,
) -> AnalogyQuery:
    return AnalogyQuery(
        asked.expression.text,
        asked.target.text if asked.target else None,
        asked.against.text if asked.against else None,
        spaces,
        measure,
        asked.method,
        k,
        include_inputs,
        distinct,
    )


def _with_target(meta: object, one: InSpace, across: bool = False) -> AnalogyMeta:
    target = None if across else one.standing()
    return AnalogyMeta(
        **vars(meta),
        target=target,
        resolved_target=one.target.resolved if one.target else None,
        resolved_against=tuple(item.resolved for item in one.against),
    )
