"""What both standard test sets ask: of which spaces, by which measures, and which words are there.

The test sets themselves are asked in `accuracy` and `correlation`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from explorer.compute.neighbors import span_of
from explorer.errors import QueryError
from explorer.measures.measure import Measure
from explorer.measures.registry import checked_measure
from explorer.questions import (
    Coverage,
    EvaluateAnalogiesQuery,
    EvaluateMeta,
    EvaluateSimilarityQuery,
)
from explorer.questions.choices import Case, MeasureName, Tokens
from explorer.testsets.lexicon import Lexicon, lexicon
from indexer.store.read import Index
from indexer.store.space import Space

TestSetQuery = EvaluateAnalogiesQuery | EvaluateSimilarityQuery


@dataclass
class Scope:
    """Spaces with their measures, and the words of a test set in each."""

    index: Index
    words: tuple[str, ...]
    tokens: Tokens
    case: Case
    restrict: int | None
    spaces: tuple[str, ...]
    measures: tuple[MeasureName, ...] | None
    _lexicons: dict[str, tuple[Lexicon, dict[str, int]]] = field(default_factory=dict)

    def each(self) -> Iterator[tuple[Space, tuple[Measure, ...]]]:
        """Every space asked, and the measures to ask it by."""
        for name in self.spaces:
            space = self.index.space(name)
            asked = self.measures or (None,)
            yield space, tuple(checked_measure(one, self.index, space) for one in asked)

    def known(self, space: Space) -> tuple[Lexicon, dict[str, int]]:
        """The words of a space, and the places there of those of the test set that it has."""
        kind = space.entry.item
        if kind not in self._lexicons:
            found = lexicon(self.index, space, self.tokens, self.case, self.restrict)
            self._lexicons[kind] = found, found.places(self.words)
        return self._lexicons[kind]

    def meta(self, notes: Sequence[str]) -> EvaluateMeta:
        """What the answer rests on; every space must have been asked for its words."""
        names, coverage = self.spaces, []
        for kind, (found, places) in self._lexicons.items():
            of_kind = tuple(n for n in names if self.index.space(n).entry.item == kind)
            missing = tuple(word for word in self.words if word not in places)
            coverage.append(Coverage(of_kind, found.population, len(self.words), missing))
        return EvaluateMeta(
            index=self.index.name,
            model=self.index.manifest.model.source,
            space=span_of(names),
            measure=", ".join(self.measures) if self.measures else "each space's own measure",
            convention="",
            resolved=(),
            notes=(*notes, *self._other_words(coverage)),
            coverage=tuple(coverage),
        )

    @staticmethod
    def _other_words(coverage: list[Coverage]) -> list[str]:
        if len(coverage) < 2:
            return []
        return [
            "spaces of tokens and of words differ in their items, so in what is covered: "
            "compare rows of one kind (context.0 is what enters block 0)"
        ]

    @property
    def filled(self) -> dict[str, Any]:
        """What a query's fields say once every space is named."""
        return {"space": self.spaces, "all_layers": False, "measure": self.measures}

    def none_covered(self, what: str) -> QueryError:
        """The error of a test set of which no space asked has anything."""
        among = ", or among ".join(known.population for known, _ in self._lexicons.values())
        missing = [w for w in self.words if all(w not in at for _, at in self._lexicons.values())]
        shown = ", ".join(repr(word) for word in missing[:3])
        return QueryError(
            f"no {what} has all its words among {among}"
            + (f" (not there: {shown}{', ...' if len(missing) > 3 else ''})" if missing else "")
        )


def scope_of(index: Index, words: Iterable[str], query: TestSetQuery) -> Scope:
    """Find what a test set is asked of.

    Raises:
        UnknownSpace: no such space.
    """
    depths = [entry.name for entry in index.depths]
    asked = depths if query.all_layers else (query.space or depths[:1])
    names = tuple(dict.fromkeys(index.space(name).name for name in asked))
    measures = None if query.measure is None else tuple(dict.fromkeys(query.measure))
    return Scope(
        index,
        tuple(dict.fromkeys(words)),
        query.tokens,
        query.case,
        query.restrict,
        names,
        measures or None,
    )


def asked_file(query: TestSetQuery) -> str:
    """What a filled query says of its test set: the path as asked, or that it was lines."""
    return query.file if isinstance(query.file, str) else "lines"
