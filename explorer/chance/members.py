"""The members of a group of words: what each was taken to be, is like, and its vector.

Knows which words may be asked together, and that a word that is not indexed has tokens and can be
run; knows no measure and no test. Indexed words are taken as their controls are (`explorer.words`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.errors import BadExpression, QueryError
from explorer.expressions import Kind, Term, single_word
from explorer.products import Float64
from explorer.questions import Resolved
from explorer.resolve import Resolver
from explorer.words import Trait, Words, groups_of
from indexer.store.errors import option_named, unknown
from indexer.store.read import Index
from indexer.store.space import Space

MOST = 500
"""Words that may be asked together."""


@dataclass(frozen=True)
class Member:
    """One word of a group; `id` is None where it is not indexed."""

    term: Term
    id: int | None

    @property
    def text(self) -> str:
        """The word as it is written."""
        return self.term.text


class Group:
    """Some words asked together, in an order of their own, so that how they were typed is nothing.

    Attributes:
        members: the words, by the text they are indexed under.
    """

    def __init__(self, resolver: Resolver, words: Words, terms: Sequence[Term]) -> None:
        self._resolver, self._words, self._terms = resolver, words, terms
        members = [Member(term, self._id(term.text)) for term in terms]
        self.members = tuple(sorted(members, key=self._indexed_text))
        self._require_distinct()

    def _indexed_text(self, member: Member) -> str:
        """How a word is spelled in the index, where it is there."""
        return member.text if member.id is None else self._words.texts[member.id]

    def _id(self, text: str) -> int | None:
        """The id of a word, whatever its spelling; None where it is not indexed."""
        found, index = self._words.ids.get(text), self._resolver.index
        if found is not None or not index.manifest.has_model:
            return found
        word = index.words.by_tokens(index.vocabulary.word_ids(text))
        return None if word is None else word.id

    def __len__(self) -> int:
        return len(self.members)

    @property
    def texts(self) -> list[str]:
        """The words, in the order of `members`."""
        return [member.text for member in self.members]

    @property
    def ids(self) -> list[int]:
        """Ids of those that are indexed."""
        return [member.id for member in self.members if member.id is not None]

    def vectors(self, space: Space) -> Float64:
        """Their vectors at their own length: (len(self), d_model) float64.

        Raises:
            UnknownWord: in a space of tokens, a word is neither token nor indexed.
            ModelUnavailable, ModelFailed: in a space of words, the model cannot be run on one.
        """
        found = np.empty((len(self), space.entry.width))
        known = [at for at, member in enumerate(self.members) if member.id is not None]
        ids = np.array([self.members[at].id for at in known], np.int64)
        found[known] = self._words.vectors(space.name, ids)
        others = [at for at, member in enumerate(self.members) if member.id is None]
        self._resolver.prepare([self.members[at].term for at in others], space)
        for at in others:
            found[at] = self._resolver.item(self.members[at].term, space).weighted.vector
        return found

    def _require_distinct(self) -> None:
        """Raise `QueryError` where two of the words are the same tokens: one word, one point."""
        index = self._resolver.index
        if not index.manifest.has_model:
            return
        seen: dict[tuple[int, ...], str] = {}
        for member in self.members:
            first = seen.setdefault(self._token_ids(member), member.text)
            if first != member.text:
                raise QueryError(
                    f"{first!r} and {member.text!r} are the same tokens, one word to this model; "
                    "name it once"
                )

    def traits(self, space: Space) -> list[Trait]:
        """What each is matched on, its norm taken in a space of tokens.

        A word that is not indexed counts as `Words.trait_of` has it.
        """
        found = []
        for member in self.members:
            if member.id is not None:
                found.append(self._words.trait(member.id, space.name))
                continue
            ids = self._token_ids(member)
            norm = float(np.linalg.norm(np.mean([space.vector(i) for i in ids], axis=0)))
            found.append(self._words.trait_of(member.text, len(ids), norm))
        return found

    def resolved(self, space: str) -> tuple[Resolved, ...]:
        """What each was taken to be, in the order asked."""
        index = self._resolver.index
        found = []
        for term in self._terms:
            member = next(one for one in self.members if one.text == term.text)
            ids = self._token_ids(member)
            shown = tuple(token.display for token in index.tokens.by_id(ids))
            note = "" if member.id is not None else "not indexed: matched as the rarest indexed"
            found.append(Resolved(term.name, term.text, shown, ids, space, note=note))
        return tuple(found)

    def sinks(self, index: Index, space: str) -> tuple[str, ...]:
        """The indexed words among them that are attention sinks in a context space."""
        layer = index.depth_of(index.space(space).entry)
        if layer is None:
            return ()
        return tuple(text for text, sink in self._sinks.items() if sink[layer])

    @cached_property
    def _sinks(self) -> dict[str, tuple[bool, ...]]:
        rows = self._resolver.index.sql(
            "SELECT text, sink FROM word WHERE text IN (SELECT unnest(?)) ORDER BY text",
            [self.texts],
        )
        return {text: tuple(sink) for text, sink in rows}

    def _token_ids(self, member: Member) -> tuple[int, ...]:
        index = self._resolver.index
        if member.id is not None:
            return index.words.by_id([member.id])[0].token_ids
        if not index.manifest.has_model:
            raise self._resolver.unknown_word(member.text)
        ids = index.vocabulary.word_ids(member.text)
        if not ids:
            raise QueryError(index.vocabulary.lacking(member.text))
        return ids


def terms_of(index: Index, texts: Sequence[str], group: str | None, least: int) -> list[Term]:
    """The words of a question: named, or those of one of the index's own groups.

    Raises:
        QueryError: both or neither are given, there is no such group, there are fewer than `least`
            or more than `MOST`, or one is given twice.
        BadExpression: one is no single word.
    """
    if group is None and not texts:
        raise QueryError("name words, or one of the index's groups: one of the two")
    if group is not None:
        known = groups_of(index)
        if group not in known:
            raise QueryError(unknown("group", group, sorted(known)))
        terms = [Term(Kind.WORD, text=word) for word in known[group]]
        if texts and list(texts) != [term.text for term in terms]:  # as an answer spells them out
            raise QueryError("name words, or one of the index's groups: one of the two")
    else:
        terms = [single(text) for text in texts]
    if not least <= len(terms) <= MOST:
        few = "a word has no pairs; name two or more" if len(terms) < least else f"ask for {MOST}"
        few += _or_a_group(index, terms)
        raise QueryError(f"{len(terms)} word{'s' * (len(terms) != 1)}: {few}")
    twice = [text for text, n in Counter(term.text for term in terms).items() if n > 1]
    if twice:
        raise QueryError(f"{', '.join(map(repr, twice))} given twice; name each word once")
    return terms


def _or_a_group(index: Index, terms: Sequence[Term]) -> str:
    """That a word alone is the name of a group too, where it is."""
    name = terms[0].text
    if len(terms) > 1 or name not in groups_of(index):
        return ""
    return f", or ask the index's own group of that name with {option_named('group', name)}"


def single(text: str) -> Term:
    """One word, as it was written.

    Raises:
        BadExpression: it is a sum, a neuron, a head dimension, a token, or names a space.
    """
    of_others = "a group is of words"
    term = single_word(text, "a group is of single words", of_others)
    if term.kind not in (Kind.WORD, Kind.TEXT):
        raise BadExpression(f"{text!r} is a {term.kind.value}; {of_others}")
    if term.space is not None:
        raise BadExpression(
            f"{text!r}: a group is asked in one space at a time; name the {option_named('space')}"
        )
    return term
