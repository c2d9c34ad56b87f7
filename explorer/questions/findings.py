"""What `findings` answers, and how it looks: what there is to see in an index, a line each.

A finding is a question with one line of its answer, what the figures of it are read against, and
the layers of truth that it was seen at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from explorer.questions.answer import Result
from explorer.questions.query import Query, option
from explorer.questions.written import query_of
from explorer.show.layout import Column, Layout

Seen = Literal["geometry", "activity", "effect"]
"""A layer of truth: what the weights say, what happens at words, what changes in predictions."""


@dataclass(frozen=True)
class Finding:
    """Something that an index shows, and the question that finds it again.

    Attributes:
        line: what was found, with its figures.
        against: what these are read against.
        seen: the layers of truth it was seen at: `geometry` (what the weights say), `activity`
            (what happens at words), `effect` (what changes in the predictions without it).
        question: the name of the question.
        fields: its fields that are not at their defaults: an object in JSON, its text elsewhere.
        command: the command that asks it.
    """

    line: str
    against: str
    seen: tuple[Seen, ...]
    question: str
    fields: str
    command: str

    @property
    def query(self) -> Query[Any]:
        """The question as a value: `ix.ask(finding.query)` answers it.

        Raises:
            ValueError: it is none; one that `findings` gave always is.
        """
        from explorer.questions import QUERIES

        found = query_of(QUERIES, self.question, self.fields)
        if found is None:
            raise ValueError(f"{self.question!r} with {self.fields} is no question")
        return found


@dataclass(frozen=True)
class FindingsQuery(Query["Findings"]):
    """What is there to see in this index? A line each, with the question that finds it again.

    They are found when an index is built, and lie beside it.
    """

    question = "findings"
    examples = ("explorer findings", "explorer findings --format json")
    live = False

    anew: bool = option(False, "ask every question anew, though the lines lie beside the index")


@dataclass(frozen=True)
class FindingsMeta:
    """What an answer rests on.

    Attributes:
        index: name of the index.
        model: the model it was made from.
        kept: whether the lines lay beside the index; else they were found just now.
    """

    index: str
    model: str
    kept: bool


@dataclass(frozen=True)
class Findings(Result[Finding]):
    """What there is to see in an index, a row each; none where none of the questions has sense."""

    query: FindingsQuery
    rows: tuple[Finding, ...]
    meta: FindingsMeta

    def to_dict(self) -> dict[str, Any]:
        """`{"query": ..., "rows": [...], "meta": ...}`, the fields of each question as a dict."""
        whole = super().to_dict()
        for row in whole["rows"]:
            row["fields"] = json.loads(row["fields"])
        return whole

    def layout(self) -> Layout:
        """Each line with what it is read against, and the command that asks it."""
        return _findings_table(self)


HOW_TO_ASK = "nothing of the usual was found here; `explorer neighbors WORD` is a question to begin"


def _findings_table(result: Findings) -> Layout:
    columns = [
        Column("seen in", lambda row: " ".join(row.seen)),
        Column("what was found", lambda row: str(row.line), folds=True),
        Column("read against", lambda row: str(row.against), folds=True),
        Column("asked with", lambda row: str(row.command), folds=True),
    ]
    foot = [
        "geometry: what the weights say; activity: what happens at words; effect: what changes in "
        "the predictions"
    ]
    if not result.rows:
        foot = [HOW_TO_ASK]
    foot.append(f"index {result.meta.index}, model {result.meta.model}")
    return Layout(["what there is to see in this index"], columns, result.rows, foot)
