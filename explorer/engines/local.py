"""Answers in this process: each question by the module of `explorer.compute` that has its name.

Such a module has `answer(work, query, progress)`, and where many are answered faster together than
one by one, `answer_each(work, queries, skip)`. It is imported when its question is first asked:
most programs ask one or two.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

from explorer.compute.workspace import Workspace
from explorer.engines.phrases import phrases, told
from explorer.errors import BadExpression, QueryError, UnknownWord
from explorer.expressions import told_apart
from explorer.progress import Progress, no_progress
from explorer.questions.answer import Meta
from explorer.questions.lines import rounding_notes
from explorer.questions.query import Query, R, parameters
from indexer.store.errors import UnknownName

Noted = TypeVar("Noted")


class Local:
    """An open index that answers here.

    Args:
        work: the index, and what its questions share.
    """

    def __init__(self, work: Workspace) -> None:
        self.work = work

    def ask(self, query: Query[R], progress: Progress = no_progress) -> R:
        """The answer of a query; raises a `SemanticError` with one line where there is none."""
        written = phrases(query, self.work.index)
        try:
            found: R = _module(query).answer(self.work, query, progress)
        except QueryError as err:
            if written and not isinstance(err, UnknownWord):
                told_apart(err, written.values())
            raise
        if written:
            found = told(found, written)
        return self._with_rounding(found)

    def _with_rounding(self, answer: Noted) -> Noted:
        """The same answer, with a note where rows of the index are not what they were made of."""
        found = rounding_notes(self.work.index.manifest)
        meta = getattr(answer, "meta", None)
        if not found or not isinstance(meta, Meta):
            return answer
        notes = (*meta.notes, *found)
        changed: Any = answer  # whatever its class, a dataclass
        noted: Noted = dataclasses.replace(changed, meta=dataclasses.replace(meta, notes=notes))
        return noted

    def ask_each(self, queries: Sequence[Query[R]], skip: bool = False) -> Iterator[R | None]:
        """The answers of several queries, in order, equal to those one by one.

        Args:
            queries: of one class they may be answered together.
            skip: give None for one whose expression names nothing, instead of raising.
        """
        if not queries:
            return
        together: Any = getattr(_module(queries[0]), "answer_each", None)
        if together is not None and len({type(query) for query in queries}) == 1:
            yield from map(self._with_rounding, together(self.work, queries, skip))
            return
        for query in queries:
            try:
                yield self.ask(query)
            except (UnknownWord, BadExpression, UnknownName) as err:
                # Of a name it is not known whose it is, but where a neuron alone has one.
                if not skip or (isinstance(err, UnknownName) and not _of_neuron(query)):
                    raise
                yield None


def _of_neuron(query: Query[Any]) -> bool:
    return any(one.takes == "neuron" for one in parameters(type(query)))


def _module(query: Query[Any]) -> ModuleType:
    return import_module(f"explorer.compute.{query.question}")
