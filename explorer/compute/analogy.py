"""Is *Chihuahua* what *dog* + *small* gives, and more so than *dog* + *large*?

`add` is 3CosAdd, the neighbours of the sum; `mul` is 3CosMul. A target is scored whether or not it
is an item of the space, and read against the query's scores over all items, against each
component asked alone, and against another expression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from explorer.calibration import z
from explorer.compute.neighbors import excluded, meta_of, population, ranked
from explorer.compute.rowcount import fewer_near, rows_of_space
from explorer.compute.workspace import Workspace
from explorer.cosmul import cosmul
from explorer.errors import QueryError
from explorer.expressions import Expression, parse
from explorer.first_pass import Tally
from explorer.measures.measure import Weighted
from explorer.measures.registry import COSINES, checked_measure, listed
from explorer.products import Float64
from explorer.progress import Progress
from explorer.questions import (
    Analogy,
    AnalogyLayersQuery,
    AnalogyMeta,
    AnalogyQuery,
    Calibration,
    Component,
    LayersQuery,
    Neighbor,
    Other,
    Target,
)
from explorer.questions.choices import MeasureName, Method
from explorer.resolve import Item, Resolver
from explorer.scan import Scan, combined, together
from indexer.store.errors import option_named
from indexer.store.space import Space

Reaching = AnalogyQuery | AnalogyLayersQuery | LayersQuery
"""The questions of an expression that may reach a target."""

Q = TypeVar("Q", AnalogyQuery, AnalogyLayersQuery, LayersQuery)


@dataclass(frozen=True)
class Parsed:
    """An analogy as parsed: the expression, the target and the other expression."""

    expression: Expression
    target: Expression | None
    against: Expression | None
    measure: MeasureName | None
    method: Method

    @classmethod
    def of(cls, query: Reaching) -> Parsed:
        """Parse what is asked.

        Raises:
            QueryError: a target that is a sum, or what cannot be read.
        """
        target = parse(query.target) if query.target is not None else None
        if target is not None and target.single is None:
            raise QueryError(
                f"{option_named('target', repr(query.target))} is a sum; name one word"
            )
        method: Method = "add"
        against = None
        if not isinstance(query, LayersQuery):
            method = query.method
            against = parse(query.against) if query.against is not None else None
        return cls(parse(query.expression), target, against, query.measure, method)

    def tidied(self, query: Q) -> Q:
        """The same query, the blanks of its expressions tidied."""
        asked = replace(
            query,
            expression=self.expression.text,
            target=self.target.text if self.target else None,
        )
        if self.against is not None and not isinstance(asked, LayersQuery):
            asked = replace(asked, against=self.against.text)
        return asked


def answer(work: Workspace, query: AnalogyQuery, progress: Progress) -> Analogy:
    """The ranking an expression gives in one space, and where the target stands in it."""
    index, parsed = work.index, Parsed.of(query)
    space = index.space(query.space)
    k = rows_of_space(query, space)
    one = InSpace(work.resolver, parsed, space, query.include_inputs)
    rows = one.ranked(k, query.distinct)
    meta = meta_of(index, space, one.measure.name, one.items, one.calibration, one.measure.notes)
    meta = replace(meta, fewer=fewer_near(k, rows, query.include_inputs))
    filled = replace(parsed.tidied(query), space=space.name, measure=one.measure.name, k=k)
    return Analogy(filled, rows, with_target(meta, one))


class InSpace:
    """One expression asked of one space, and what its target scores there."""

    def __init__(
        self,
        resolver: Resolver,
        asked: Parsed,
        space: Space,
        include_inputs: bool,
        tally: Tally | None = None,
    ) -> None:
        self.tally = Tally() if tally is None else tally
        self.index, self.space, self.method = resolver.index, space, asked.method
        self.include_inputs = include_inputs
        self.measure = checked_measure(asked.measure, self.index, space, resolver.announce)
        if self.method == "mul" and not self.measure.cosine:
            raise QueryError(
                f"3CosMul multiplies cosines: {option_named('method', 'mul')} needs "
                f"{option_named('measure', listed(COSINES))}, not {self.measure.name!r}"
            )
        self.asked = asked
        expressions = [e for e in (asked.expression, asked.target, asked.against) if e is not None]
        resolver.prepare([term for e in expressions for term in e.terms], space)
        self.items = resolver.items(asked.expression, space)
        self.target = resolver.item(asked.target.terms[0], space) if asked.target else None
        self.against = resolver.items(asked.against, space) if asked.against else []
        self.scan, *self._others = self._scans([self.items, *self._standing_of()])
        self.calibration = self.scan.calibration(population(space))

    def _standing_of(self) -> list[list[Item]]:
        """What a target is read against besides the expression: its items alone, and the other."""
        if self.target is None:
            return []
        alone = [[_alone(item)] for item in self.items] if len(self.items) > 1 else []
        return [*alone, *([self.against] if self.against else [])]

    def _scans(self, asked: Sequence[Sequence[Item]]) -> list[Scan]:
        """The scores of all items with each of some sums, or products of cosines."""
        weighted = [[item.weighted for item in items] for items in asked]
        if self.method == "add":
            sums = [self.measure.compose(each) for each in weighted]
            return together(self.measure, sums, self.tally)
        every = {id(one.vector): one for each in weighted for one in each}
        alone = [self.measure.compose([_unsigned(one)]) for one in every.values()]
        cosines = dict(zip(every, together(self.measure, alone, self.tally), strict=True))
        return [_product([cosines[id(one.vector)] for one in each], each) for each in weighted]

    def score_of(self, target: Item, items: Sequence[Item], scanned: Scan) -> float:
        """A target's score with some items; of an item of the space, that of its row."""
        weighted = [item.weighted for item in items]
        if target.weighted.home.name == self.space.name:
            own = target.positions(self.space)
            if len(own) == 1:
                return float(scanned.exact(np.array(list(own)))[0])
        if self.method == "add":
            return self.measure.one_score(target.weighted, self.measure.compose(weighted))
        cosines = [
            np.array(self.measure.one_score(target.weighted, self.measure.compose([_unsigned(w)])))
            for w in weighted
        ]
        return float(_multiplied(cosines, weighted))

    def _of_target(self, items: Sequence[Item], scanned: Scan) -> float:
        assert self.target is not None
        return self.score_of(self.target, items, scanned)

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
        rank = self._rank(self.scan, score, own)
        others = list(self._others)
        against = self._against(others.pop(), score, rank) if self.against else None
        return Target(
            self.target.resolved.item,
            score,
            z(score, self.calibration),
            rank,
            self.space.entry.rows - len(own),
            tuple(map(self._component, self.items, others, [score] * len(others))),
            against,
        )

    def _against(self, scanned: Scan, score: float, rank: int) -> Other:
        """What the target scores with the other expression, and how far this is from it."""
        assert self.asked.against is not None
        other = self._of_target(self.against, scanned)
        calibration = scanned.calibration(population(self.space))
        other_rank = self._rank(scanned, other, self._left_out(self.against))
        return Other(
            self.asked.against.text,
            other,
            z(other, calibration),
            other_rank,
            score - other,
            z(score, self.calibration) - z(other, calibration),
            rank - other_rank,
        )

    def _component(self, item: Item, scanned: Scan, score: float) -> Component:
        """What the target scores with one item alone."""
        alone = [_alone(item)]
        calibration: Calibration = scanned.calibration(population(self.space))
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
        left_out = np.isin(better, list(own | mine))
        return 1 + len(better) - int(left_out.sum())


def _unsigned(item: Weighted) -> Weighted:
    return Weighted(item.vector, 1.0, item.home)


def _product(cosines: Sequence[Scan], items: Sequence[Weighted]) -> Scan:
    """3CosMul of the scans of some items, each asked alone."""
    signs = [1 if one.weight > 0 else -1 for one in items]
    return combined(cosines, signs, lambda each: _multiplied(each, items))


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


def with_target(meta: object, one: InSpace, across: bool = False) -> AnalogyMeta:
    """What an answer rests on, with where the target stands; across layers the rows have that."""
    target = None if across else one.standing()
    return AnalogyMeta(
        **(vars(meta) | {"scoring": one.tally.scoring()}),
        target=target,
        resolved_target=one.target.resolved if one.target else None,
        resolved_against=tuple(item.resolved for item in one.against),
    )
