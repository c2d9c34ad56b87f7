"""What is there to see in this index? Read from beside it, or found by asking question by question.

Each of the questions is answered by the module that has its name, as when it is asked by itself.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from explorer.compute.workspace import Workspace
from explorer.findings.declared import look
from explorer.findings.kept import kept
from explorer.progress import Progress, no_progress
from explorer.questions import Findings, FindingsMeta, FindingsQuery, Query


def answer(work: Workspace, query: FindingsQuery, progress: Progress) -> Findings:
    """A row a finding, in the order in which they are declared."""
    index = work.index
    index.catalog.require_open()  # what lies beside an index could be read without it
    there = None if query.anew else kept(index.folder, index.manifest)
    rows = there
    if rows is None:

        def ask(one: Query[Any]) -> Any:
            module = import_module(f"explorer.compute.{one.question}")
            return module.answer(work, one, no_progress)

        rows = tuple(look(ask, index, progress=progress))
    meta = FindingsMeta(index.name, index.manifest.model.source, kept=there is not None)
    return Findings(query, rows, meta)
