"""From a term that a person wrote to a vector, and to what must be left out of the answer.

Knows how a bare word becomes a token, a word or a mean of its parts, and says so; knows no
question. Rules, in order, for a bare word `w`:

    asked of a space of words (context.l)   the indexed word; else the model is run on it
    asked of an imported space of labels    the label " w"; else the label "w"; else as below
    asked of any other space                the token " w"; else the token "w"; else the indexed
                                            word `w`, as the mean of its tokens; else either of
                                            the spelling that the tokenizer makes of it; else an
                                            error
A phrase is the mean of its tokens where each of its words is known. A text in quotes follows the
same rules, but need not be known: it may be a mean of any parts. In an index of imported vectors
every item is a word: " w", else "w", else an error.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadExpression, NotIndexed, QueryError, UnknownWord
from explorer.expressions import Expression, Kind, Term, parse, word_written
from explorer.measures.measure import Weighted
from explorer.questions import Resolved
from explorer.unindexed import Encode, encode
from indexer.store.errors import did_you_mean
from indexer.store.items.token import Token
from indexer.store.items.word import Word
from indexer.store.letters import spellings
from indexer.store.read import Index
from indexer.store.space import Space
from indexer.store.vocabulary import display_name, is_word_like

_BY_LIKENESS = """
    SELECT text FROM (SELECT unnest($1) AS text, generate_subscripts($1, 1) AS place)
    WHERE 2 * damerau_levenshtein(lower(trim(text)), lower($2)) <= strlen($2) + 1
    ORDER BY damerau_levenshtein(lower(trim(text)), lower($2)),
             list_sort(string_split(lower(trim(text)), ''))
                 <> list_sort(string_split(lower($2), '')),
             jaro_winkler_similarity(trim(text), $2) DESC, place
"""
"""Words among tokens, as each of the two is ordered by itself: of those as near, one of the same
letters comes first, as they were typed in another order; what is more unlike than alike is none.
What differs is counted in bytes, as DuckDB counts it."""

_LOOKED_AT = 50
"""Tokens, and words, that are ordered anew."""

_ALIKE = 0.6
"""Share of the letters of two texts that they have in common, in order, from which on one may have
been meant as the other."""

_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")

_MANY = 0.25
"""Of the word-like tokens, the share that is indexed where the rest are rare as words."""


@dataclass(frozen=True)
class Item:
    """A resolved term: its vector with weight and home, what it was taken to be, what it excludes.

    `tokens`, `words`, `neurons` and `heads` are positions of the query's own items in spaces of
    that kind, `labels` in the space that the vector is from; `texts` are their texts, by which
    forms are folded.
    """

    weighted: Weighted
    resolved: Resolved
    tokens: frozenset[int] = frozenset()
    words: frozenset[int] = frozenset()
    neurons: frozenset[int] = frozenset()
    heads: frozenset[int] = frozenset()
    labels: frozenset[int] = frozenset()
    texts: frozenset[str] = frozenset()

    def positions(self, space: Space) -> frozenset[int]:
        """Positions this item takes in a space: one's labels are nothing in another."""
        if space.entry.item == "label":
            return self.labels if self.weighted.home.name == space.name else frozenset()
        places = {"token": self.tokens, "word": self.words, "neuron": self.neurons}
        return {**places, "head": self.heads}[space.entry.item]


@dataclass(frozen=True)
class _Piece:
    """A token that may be no word but a piece of longer ones: what is told of it, and a whole."""

    said: str
    whole: str


@dataclass
class Resolver:
    """Resolves terms against one index; keeps the vectors of texts the model was run on.

    `announce` is told, before it happens, that the model will be run; `encode` runs it.
    """

    index: Index
    announce: Callable[[str], None] = lambda _: None
    encode: Encode = encode
    _encoded: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _under_way: dict[str, threading.Event] = field(default_factory=dict)
    _looking: threading.Lock = field(default_factory=threading.Lock)

    def items(self, expression: Expression, space: Space) -> list[Item]:
        """Every term of an expression, asked of a space.

        Raises:
            UnknownWord, UnknownName, UnknownSpace: with the nearest match.
            QueryError: a space of another width.
        """
        self.prepare(expression.terms, space)
        return self._each(expression, space)

    def _each(self, expression: Expression, space: Space) -> list[Item]:
        """Every term of an expression; what is not known is told with the whole of it."""
        items = []
        for at, term in enumerate(expression.terms):
            try:
                items.append(self.item(term, space))
            except UnknownWord as err:
                if len(expression.terms) > 1 and err.asked == replace(term, weight=1.0).written:
                    whole = (parse(one).terms[0] for one in err.instead)
                    err.offering(expression.text, (expression.with_term(at, one) for one in whole))
                raise
        return items

    def items_of_each(
        self, texts: Sequence[str], space: Space, skip: bool = False
    ) -> list[tuple[Expression, list[Item]] | None]:
        """Several expressions and their terms; what they name is looked up at once.

        One that cannot be read, or names nothing, is None where `skip` says so, and else an error.
        """
        read = [self._or_none(parse, text, skip) for text in texts]
        terms = [term for expression in read if expression for term in expression.terms]
        self.index.look_up([t.text for t in terms if t.kind in (Kind.WORD, Kind.TEXT)])
        self.prepare(terms, space)

        def resolved(expression: Expression) -> tuple[Expression, list[Item]]:
            return expression, self._each(expression, space)

        return [None if e is None else self._or_none(resolved, e, skip) for e in read]

    @staticmethod
    def _or_none(find: Callable[[_Asked], _Found], asked: _Asked, skip: bool) -> _Found | None:
        try:
            return find(asked)
        except (UnknownWord, BadExpression):
            if not skip:
                raise
            return None

    def prepare(self, terms: Sequence[Term], space: Space) -> None:
        """Run the model once for all that these terms will need it for; often that is nothing."""
        texts = [
            term.text
            for term in terms
            if term.kind in (Kind.WORD, Kind.TEXT)
            and self._home(term, space).entry.kind == "context"
            and term.text not in self._encoded
            and self.index.words.by_text(*spellings(term.text)) is None
            and (ids := self.index.vocabulary.word_ids(term.text))
            and self.index.words.by_tokens(ids) is None
        ]
        if texts:
            self._run_all(list(dict.fromkeys(texts)))

    def item(self, term: Term, space: Space) -> Item:
        """One term, asked of a space; its vector comes from that space unless it says otherwise."""
        if term.kind is Kind.NEURON:
            item = self._neuron(term)
        elif term.kind is Kind.HEAD:
            item = self._head(term)
        else:
            item = self._named(term, self._home(term, space), space)
        if item.weighted.home.entry.width != space.entry.width:
            raise QueryError(
                f"{term.name} is {item.weighted.home.entry.width} wide, space {space.name!r} is "
                f"{space.entry.width}: vectors of different widths cannot be compared"
            )
        return item

    def _home(self, term: Term, space: Space) -> Space:
        if term.space is not None:
            home = self.index.space(term.space)
            if not self.index.kind_of(home.entry).named_by_text:
                raise QueryError(
                    f"{term.name}@{term.space}: that space holds no words; "
                    "a neuron is written L29N112.out"
                )
            return home
        if space.entry.item == "label" and self._label_row(term, space) is not None:
            return space
        return space if self.index.kind_of(space.entry).is_text else self.index.embed

    def _named(self, term: Term, home: Space, space: Space) -> Item:
        """A word, token or label, its vector from `home`, asked of `space`."""
        if home.entry.item == "label":
            return self._label(term, home)
        try:
            if home.entry.item == "word":
                return self._in_words(term, home)
            return self._in_tokens(term, home)
        except UnknownWord as err:
            raise self._or_a_label(term, space, err) from None

    # -- spaces of tokens -------------------------------------------------------------------

    def _in_tokens(self, term: Term, home: Space) -> Item:
        if term.kind is Kind.TOKEN_ID:
            size = home.entry.rows
            if term.number >= size:
                raise UnknownWord(f"no token #{term.number}: ids run from 0 to {size - 1}")
            return self._token(term, home, self.index.tokens.by_id([term.number])[0])
        if term.kind is Kind.TOKEN:
            token = self.index.tokens.by_text(*spellings(term.text))
            if token is None:
                near = self._near(term.text)
                said = f"no token {term.text!r}{did_you_mean(term.text, near)}"
                raise self._unknown(term, said, near)
            return self._token(term, home, token)
        token = self.index.tokens.by_text(*_forms(term))
        if token is not None:
            return self._told_a_piece(term, self._token(term, home, token), token)
        word = self.index.words.by_text(*spellings(term.text))
        if word is not None:
            return self._parts(term, home, word.token_ids)
        ids = self._as_cut(term.text)
        if ids:
            return self._parts(term, home, ids)
        if " " in term.text and term.kind is Kind.WORD:
            return self._phrase(term, home)
        if term.kind is Kind.TEXT:
            return self._parts(term, home, self.index.vocabulary.word_ids(term.text))
        raise self._unknown_word(term, term.text)

    def _phrase(self, term: Term, home: Space) -> Item:
        """The mean of a bare phrase, each of whose words must be known, and is told as if alone."""
        said, whole = list[str](), dict[str, str]()
        for word in term.text.split():
            token = self.index.tokens.by_text(*_forms(replace(term, text=word)))
            indexed = self.index.words.by_text(*spellings(word)) is not None
            known = indexed or (token is not None and not self._only_a_piece(token))
            if not known and not self._as_cut(word):
                raise self._unknown_word(term, word)
            piece = None if indexed or token is None else self._piece(word, token)
            if piece is not None and word not in whole:
                said.append(f"{word}: {piece.said}")
                whole[word] = piece.whole
        item = self._parts(term, home, self.index.vocabulary.word_ids(term.text))
        if not said:
            return item
        instead = (_in_its_space(term, _respelled(term.text, whole)),)
        note = "; ".join([item.resolved.note, *said])
        return replace(item, resolved=replace(item.resolved, note=note, instead=instead))

    def _unknown_word(self, term: Term, word: str) -> UnknownWord:
        """The error of a word that is no token and not indexed: a term's, or one of its phrase."""
        near = self._near(word)
        phrase = "" if word == term.text else f" in {term.text!r}"
        quoted = "it" if not phrase else "the phrase"
        said = (
            f"no token {' ' + word!r} and no indexed word {word!r}{phrase}"
            f"{did_you_mean(word, near)}; "
        )
        if re.search(r"\w[-+*\u2212\u2013\u2014]\w", word):
            said += "a sum has blanks around its operators"
        else:
            said += f"in double quotes {quoted} is taken as the mean of its parts"
        texts = [_respelled(term.text, {word: one.strip()}) if phrase else one for one in near]
        return self._unknown(term, said, [*texts, Term(Kind.TEXT, text=term.text).name])

    @staticmethod
    def _unknown(term: Term, said: str, instead: Iterable[str]) -> UnknownWord:
        """An error of a term, with the words, or texts in quotes, that may be asked instead."""
        wanted = []
        for one in instead:
            name = one if one.startswith('"') else word_written(one.strip())
            wanted.append(f"{name}@{term.space}" if term.space else name)
        return UnknownWord(said).offering(replace(term, weight=1.0).written, wanted)

    def _only_a_piece(self, token: Token) -> bool:
        """Whether a token stands inside words alone, in a vocabulary that marks where they begin.

        Scripts without capitals are passed over: many of them are written without blanks.
        """
        text = token.text
        letters = text.isalpha() and text.lower() != text.upper()
        return letters and len(self.index.tokens.word_like) > 0

    @cached_property
    def _words_are_many(self) -> bool:
        """Whether so many of the word-like tokens are indexed that others are rare as words."""
        counted = self.index.sql("SELECT count(*) FROM word WHERE n_tokens = 1")
        return bool(counted[0][0] >= _MANY * len(self.index.tokens.word_like) > 0)

    def _piece(self, word: str, token: Token) -> _Piece | None:
        """What is to be told of a token that may be a piece of longer words alone, or None."""
        if self._only_a_piece(token):
            said = "no word of this vocabulary, only a piece of longer ones"
        elif is_word_like(token.text) and self._words_are_many:
            said = "none of the indexed words; as a token mostly a piece of longer ones"
        else:
            return None
        whole = self.index.words.containing(word)
        # One that is in no longer word is a rare word, for all that the index knows.
        return None if whole is None else _Piece(f"{said}, such as {whole!r}", whole)

    def _told_a_piece(self, term: Term, item: Item, token: Token) -> Item:
        """The item of a bare word; one that may be a piece of longer words alone says so."""
        piece = None
        if term.kind is Kind.WORD and not item.words:
            piece = self._piece(term.text, token)
        if piece is None:
            return item
        instead = (_in_its_space(term, piece.whole),)
        return replace(item, resolved=replace(item.resolved, note=piece.said, instead=instead))

    def _as_cut(self, text: str) -> tuple[int, ...]:
        """The tokens of a token or an indexed word that the tokenizer makes another spelling of.

        `Tuesday` is that of ` tuesday` to a tokenizer that tells no capitals. None for what is no
        such spelling, which is not cut: the tokenizer takes a while to load.
        """
        if text.isascii() and text == text.lower():
            return ()
        vocabulary = self.index.vocabulary
        ids = vocabulary.word_ids(text) if vocabulary.normalised(text) != text else ()
        return ids if len(ids) == 1 or self.index.words.by_tokens(ids) else ()

    def _token(self, term: Term, home: Space, token: Token) -> Item:
        word = self.index.words.by_text(token.text.strip())
        resolved = Resolved(
            _asked(term), token.display, (token.display,), (token.id,), home.name, term.weight
        )
        return Item(
            Weighted(home.vector(token.id), term.weight, home),
            resolved,
            tokens=frozenset([token.id]),
            words=frozenset([word.id] if word else []),
            texts=frozenset([folded(token.text)]),
        )

    def _parts(self, term: Term, home: Space, ids: tuple[int, ...]) -> Item:
        self._require(ids, term.text)
        tokens = self.index.tokens.by_id(ids)
        if len(tokens) == 1:
            return self._token(term, home, tokens[0])
        vector = np.mean([home.vector(i) for i in ids], axis=0)
        word = self.index.words.by_text(*spellings(term.text))
        resolved = Resolved(
            _asked(term),
            term.text,
            tuple(token.display for token in tokens),
            ids,
            home.name,
            term.weight,
            f"the mean of its {len(ids)} parts",
        )
        return Item(
            Weighted(vector, term.weight, home),
            resolved,
            tokens=frozenset(ids),
            words=frozenset([word.id] if word else []),
            texts=frozenset([folded(term.text), *(folded(token.text) for token in tokens)]),
        )

    def _near(self, text: str) -> list[str]:
        """Tokens and indexed words that are written most like a text."""
        tokens = [token.text for token in self.index.tokens.like(text, _LOOKED_AT)]
        words = self.index.words.like(text.strip(), _LOOKED_AT)
        near = list(dict.fromkeys(tokens + [w for w in words if f" {w}" not in tokens]))
        rows = self.index.sql(_BY_LIKENESS, [near, text.strip()])
        return self._alike(text, [one for (one,) in rows[:3]])

    @staticmethod
    def _alike(text: str, names: Sequence[str]) -> list[str]:
        """Those of some names that a text may have been meant as."""
        import difflib

        asked = difflib.SequenceMatcher(b=text.strip().casefold(), autojunk=False)
        found = []
        for name in names:
            asked.set_seq1(name.strip().casefold())
            if asked.ratio() >= _ALIKE:
                found.append(name)
        return found

    def _near_words(self, text: str, limit: int = 3) -> list[str]:
        """Indexed words that a text may have been meant as."""
        return self._alike(text, self.index.words.like(text.strip(), limit))

    def _near_labels(self, space: Space, text: str) -> list[str]:
        """Labels of an imported space that a text may have been meant as."""
        return self._alike(text, self.index.labels.like(space.name, text))

    # -- spaces of labels -------------------------------------------------------------------

    def _label_row(self, term: Term, home: Space) -> tuple[int, str] | None:
        """Row and text of the label that a term names in an imported space, or None."""
        if term.kind is Kind.TOKEN_ID:
            return None
        return self.index.labels.by_text(home.name, *_forms(term))

    def _label(self, term: Term, home: Space) -> Item:
        found = self._label_row(term, home)
        if found is None:
            asked = term.text or term.name
            near = self._near_labels(home, asked)
            said = f"no label {asked!r} in {home.name}{did_you_mean(asked, near)}"
            raise self._unknown(term, said, near)
        row, text = found
        note = f"a label there; the word is {term.name}@embed" if self._is_word(term) else ""
        resolved = Resolved(_asked(term), display_name(text), (), (), home.name, term.weight, note)
        return Item(
            Weighted(home.vector(row), term.weight, home), resolved, labels=frozenset([row])
        )

    def _is_word(self, term: Term) -> bool:
        """Whether what was found among labels, no space being named, is a word as well."""
        if term.space is not None or term.kind not in (Kind.WORD, Kind.TEXT):
            return False
        forms = _forms(term)
        known = self.index.tokens.by_text(*forms) or self.index.words.by_text(*forms)
        return known is not None

    def _or_a_label(self, term: Term, space: Space, unknown: UnknownWord) -> UnknownWord:
        """The error of a word that is not known: it may be a label here, or in another space."""
        if term.kind not in (Kind.WORD, Kind.TEXT) or term.space is not None:
            return unknown
        if space.entry.item == "label":
            labels = self._near_labels(space, term.text)
            near = f" (nearest: {', '.join(map(repr, labels))})" if labels else ""
            said = f"no label {term.text!r} in {space.name}{near}, and {unknown}"
            return self._unknown(term, said, [*labels, *unknown.instead])
        for name in self.index.labels.spaces:
            if self.index.labels.by_text(name, *_forms(term)) is not None:
                there = f"{term.name}@{name}"
                said = f"{term.name} is no word, but a label of {name}: write {there}"
                return UnknownWord(said).offering(replace(term, weight=1.0).written, [there])
        return unknown

    # -- spaces of words --------------------------------------------------------------------

    def _imported_word(self, term: Term, home: Space) -> Item:
        """A word of an index of imported vectors, where there are no tokens to make one of."""
        if term.kind is Kind.TOKEN_ID:
            raise QueryError(
                f"{term.name}: index {self.index.name!r} has words and no tokens; name a word"
            )
        word = self.index.words.by_text(*_forms(term))
        if word is None:
            raise self.unknown_word(term.text, term)
        shown = display_name(word.text)
        resolved = Resolved(_asked(term), shown, (), (), home.name, term.weight)
        return Item(
            Weighted(home.vector(word.id), term.weight, home),
            resolved,
            words=frozenset([word.id]),
            texts=frozenset([folded(word.text)]),
        )

    def unknown_word(self, text: str, term: Term | None = None) -> UnknownWord:
        """The error of a text that an index of imported vectors has no word for."""
        near = self._near_words(text)
        said = (
            f"{text!r} is none of the {self.index.manifest.words:,} words of index "
            f"{self.index.name!r}, and no model is behind it that could be run on others"
            f"{did_you_mean(text, near)}"
        )
        return self._unknown(term or Term(Kind.WORD, text=text), said, near)

    def _in_words(self, term: Term, home: Space) -> Item:
        if not self.index.manifest.has_model:
            return self._imported_word(term, home)
        text = term.text
        if term.kind in (Kind.TOKEN_ID, Kind.TOKEN):
            token = self._in_tokens(term, self.index.embed)
            text = self.index.tokens.by_id(token.resolved.token_ids)[0].text
            if not text.startswith(" "):
                raise QueryError(
                    f"{term.name} has no leading space: space {home.name!r} holds words that "
                    f"follow other text; ask for {text!r} as a word, or take {term.name}@embed"
                )
            text = text[1:]
        word = self.index.words.by_text(*spellings(text))
        ids = word.token_ids if word else self.index.vocabulary.word_ids(text)
        self._require(ids, text)
        word = word or self.index.words.by_tokens(ids)
        tokens = tuple(token.display for token in self.index.tokens.by_id(ids))
        layer = self.index.depth_of(home.entry)
        assert layer is not None, "words of a model are in context spaces alone"
        if word is not None:
            vector = home.vector(word.id)
            sink = bool(word.sink[layer])
            note = f"an attention sink in {home.name}: its vector says little" if sink else ""
            if word.text != text and not note:
                note = f"the same tokens as {word.text!r}"
        else:
            vector = self._run(text)[layer].astype(np.float64)
            note = "not indexed: the model was run on it"
        resolved = Resolved(_asked(term), text, tokens, ids, home.name, term.weight, note)
        return Item(
            Weighted(vector, term.weight, home),
            resolved,
            tokens=frozenset(ids),
            words=frozenset([word.id] if word else []),
            texts=frozenset([folded(text)]),
        )

    def indexed(self, term: Term) -> tuple[Word, Resolved]:
        """The indexed word that a term names, for what is known of indexed words alone.

        Raises:
            UnknownWord: there is no such word; names the nearest.
            QueryError: the term is of another kind.
        """
        if term.kind not in (Kind.WORD, Kind.TEXT, Kind.TOKEN) or term.space is not None:
            raise QueryError(f"{_asked(term)}: name a word that is indexed, such as large")
        # Words are run with a space before them: a token without one is no word.
        bare = term.kind is Kind.TOKEN and not term.text.startswith(" ")
        text = term.text[1:] if term.kind is Kind.TOKEN and not bare else term.text
        word = self.index.words.by_text(*spellings(text))
        if word is None and not bare and self.index.manifest.has_model:
            word = self.index.words.by_tokens(self.index.vocabulary.word_ids(text))
        if word is not None and bare:
            raise UnknownWord(
                f"{term.name} has no leading space, and indexed words follow other text: ask for "
                f"{word.text!r} as a word"
            )
        if word is None:
            near = self._near_words(text, 2)
            hint = f" (the nearest: {', '.join(map(repr, near))})" if near else ""
            said = (
                f"{term.name} is not among the {self.index.manifest.words:,} indexed words; "
                f"of others no activations are recorded{hint}"
            )
            raise self._unknown(term, said, near)
        tokens = tuple(token.display for token in self.index.tokens.by_id(word.token_ids))
        return word, Resolved(term.name, text, tokens, word.token_ids, "the indexed words")

    def _require(self, ids: tuple[int, ...], text: str) -> None:
        if not ids:
            near = self._near(text)
            said = f"{self.index.vocabulary.lacking(text)}{did_you_mean(text, near)}"
            raise self._unknown(Term(Kind.WORD, text=text), said, near)

    def _run(self, text: str) -> NDArray[np.float32]:
        if text not in self._encoded:
            self._run_all([text])
        return self._encoded[text]

    def _run_all(self, texts: Sequence[str]) -> None:
        """Have the model run on those of some texts that it was not yet run on.

        Whoever asks for a text that another thread has it run on waits, and finds it there; where
        that thread failed, it tries for itself.
        """
        while True:
            with self._looking:
                new = [text for text in texts if text not in self._encoded]
                others = [self._under_way[text] for text in new if text in self._under_way]
                if not others:
                    done = threading.Event()
                    self._under_way |= dict.fromkeys(new, done)
                    break
            others[0].wait()
        try:
            if new:
                self._encoded |= zip(new, self._run_now(new), strict=True)
        finally:
            with self._looking:
                for text in new:
                    del self._under_way[text]
            done.set()

    def _run_now(self, texts: Sequence[str]) -> NDArray[np.float32]:
        near = {text: self._near_words(text, 2) for text in texts}
        for text in texts:
            hint = f" (the nearest indexed: {', '.join(near[text])})" if near[text] else ""
            self.announce(f"{text!r} is not indexed{hint}; running the model on it")
        try:
            states = self.encode(self.index.folder, texts)
        except NotIndexed as err:
            hints = [word for text in err.texts for word in near.get(text, ())]
            raise NotIndexed(err.texts, err.near or tuple(dict.fromkeys(hints))) from None
        shape = (len(texts), len(self.index.context_spaces), self.index.manifest.model.d_model)
        if states.shape != shape or not np.isfinite(states).all():
            raise ValueError(f"encode gave {states.shape} numbers, not {shape} finite ones")
        return states

    # -- neurons ----------------------------------------------------------------------------

    def _neuron(self, term: Term) -> Item:
        self._no_space(term, "a neuron's")
        self.index.neurons.require()
        side = self.index.side_named(term.side)
        if side not in self.index.sides:
            have = ", ".join(self.index.sides)
            raise QueryError(
                f"{term.name}: neurons of this model have no side {term.side!r} (there are: {have})"
            )
        neuron = self.index.neurons.at(term.layer, term.unit, term.expert)
        home = self.index.neuron_space(side)
        resolved = Resolved(_asked(term), f"{neuron.name}.{side}", (), (), home.name, term.weight)
        return Item(
            Weighted(home.vector(neuron.id), term.weight, home),
            resolved,
            neurons=frozenset([neuron.id]),
        )

    def _head(self, term: Term) -> Item:
        self._no_space(term, "a head dimension's")
        row = self.index.heads.at(term.layer, term.head, term.unit)
        home = self.index.head_space(term.side)
        resolved = Resolved(_asked(term), term.name, (), (), home.name, term.weight)
        return Item(Weighted(home.vector(row), term.weight, home), resolved, heads=frozenset([row]))

    @staticmethod
    def _no_space(term: Term, whose: str) -> None:
        if term.space is not None:
            raise QueryError(
                f"{term.name}@{term.space}: {whose} side is its own space; leave out @{term.space}"
            )


def folded(text: str) -> str:
    """What forms that differ only in case or leading space have in common."""
    return text.strip().casefold()


def _respelled(phrase: str, words: Mapping[str, str]) -> str:
    """A phrase with other words in the place of some."""
    return " ".join(words.get(word, word) for word in phrase.split())


def _in_its_space(term: Term, word: str) -> str:
    """How a word is asked for in the place of a term, of the space that the term names."""
    return f"{word_written(word)}@{term.space}" if term.space else word_written(word)


def _forms(term: Term) -> tuple[str, ...]:
    """What a term may be written as, the first that is there: a bare word, with a space first."""
    texts = spellings(term.text)
    return texts if term.kind is Kind.TOKEN else (*(f" {text}" for text in texts), *texts)


def _asked(term: Term) -> str:
    return f"{term.name}@{term.space}" if term.space else term.name
