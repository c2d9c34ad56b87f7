"""Where several words are asked and one phrase was written: the answer offers the words.

Blanks make a phrase in every face, and commas part words. Knows queries and what answers say of
their items; computes nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from explorer.expressions import Apart, apart
from explorer.questions.query import Query, parameters
from indexer.store.read import Index


def phrases(query: Query[Any], index: Index) -> dict[str, Apart]:
    """By how each was written, the phrases among a query's words that are no words of the index."""
    found: dict[str, Apart] = {}
    for one in parameters(type(query)):
        if not (one.several and one.takes == "word"):
            continue
        for text in getattr(query, one.name) or ():
            phrase = apart(text)
            if phrase is not None and index.words.by_text(" ".join(text.split())) is None:
                found[phrase.asked] = phrase
    return found


def told(answer: Any, phrases: Mapping[str, Apart]) -> Any:
    """The same answer, with what may have been meant beside what each phrase was taken to be."""
    resolved = []
    for one in answer.meta.resolved:
        phrase = phrases.get(one.asked)
        if phrase is not None:
            note = f"{one.note}; {phrase.said}" if one.note else phrase.said
            instead = (phrase.instead, *one.instead)
            one = dataclasses.replace(one, note=note, instead=instead)
        resolved.append(one)
    meta = dataclasses.replace(answer.meta, resolved=tuple(resolved))
    return dataclasses.replace(answer, meta=meta)
