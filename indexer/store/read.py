"""A sealed index, opened for questions: its spaces by name, its items by name and text.

Knows the tables of the catalog; knows no measure and no question. Positions are only ever a
matter between an array that a space returned and the names given for them here; outside, items
have names. Everything is opened when first needed.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.store.catalog_file import ALIAS, damaged, opened_locked
from indexer.store.errors import (
    ClosedIndex,
    DamagedIndex,
    NoLogits,
    NoModel,
    UnknownSpace,
    did_you_mean,
    nearest,
)
from indexer.store.files import opened
from indexer.store.grid import HeadGrid, NeuronGrid, neuron_name
from indexer.store.layout import CATALOG, TOKENIZER, UNEMBEDDING, Manifest
from indexer.store.places import find_index
from indexer.store.signs import signs_of
from indexer.store.space import Space
from indexer.store.spaces import SpaceEntry, SpaceKind, head_space, neuron_space
from indexer.store.unembedding import Unembedding, read_unembedding
from indexer.store.vocabulary import Vocabulary, display

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Token:
    """One entry of the vocabulary.

    Attributes:
        id: its row in spaces of tokens.
        text: what it says, its leading space written out.
        special: whether it is a control token.
    """

    id: int
    text: str
    special: bool = False

    @property
    def display(self) -> str:
        """The text with its spaces visible."""
        return display(self.text)


@dataclass(frozen=True)
class Word:
    """One indexed word.

    Attributes:
        id: its row in spaces of words.
        text: as written, without a leading space.
        token_ids: its tokens.
        sink: by context space in order of depth, whether it is an attention sink there.
        also: other spellings of the same tokens.
    """

    id: int
    text: str
    token_ids: tuple[int, ...]
    sink: tuple[bool, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Neuron:
    """One unit of one layer's MLP; sides that the model lacks are None.

    Attributes:
        id: its row in spaces of neurons.
        layer: block, from 0.
        expert: which of the block's experts, from 0; None in a block without.
        unit: from 0.
        norm_in: Euclidean norm of the reading side, under the index's convention.
        norm_up: of the second reading direction.
        norm_out: of the writing side.
        cosine_in_out: cosine between reading and writing side.
        cosine_in_up: between the two reading directions.
        cosine_up_out: between the second reading direction and the writing side.
        activation_mean: over the indexed words' last tokens; None where not recorded.
        activation_deviation: their standard deviation, divided by n; None where not
            recorded.
    """

    id: int
    layer: int
    expert: int | None
    unit: int
    norm_in: float
    norm_up: float | None
    norm_out: float
    cosine_in_out: float
    cosine_in_up: float | None
    cosine_up_out: float | None
    activation_mean: float | None
    activation_deviation: float | None

    @property
    def name(self) -> str:
        """`L29N112`, or `L3E5N112` of a layer with experts."""
        return neuron_name(self.layer, self.unit, self.expert)


@dataclass(frozen=True)
class NeuronToken:
    """One of a neuron's nearest tokens.

    Attributes:
        neuron: id of the neuron.
        side: `in`, `up` or `out`.
        rank: from 1 at the top, from -1 at the bottom.
        token: which token.
        score: z of the token among what the neuron gives word-like tokens.
    """

    neuron: int
    side: str
    rank: int
    token: Token
    score: float


@dataclass(frozen=True)
class Fires:
    """A neuron at a word's last token.

    Attributes:
        neuron: id of the neuron.
        word: id of the word.
        rank: from 1 at the high end of a list, from -1 at the low.
        activation: what the neuron's column of the output matrix is multiplied by there.
        z: deviations above the neuron's mean over the indexed words.
    """

    neuron: int
    word: int
    rank: int
    activation: float
    z: float


class Index:
    """A sealed index. Safe to use from several threads; close it, or use it in a `with`.

    Pickled, it is which index and where: what is unpickled is that index opened anew, in whatever
    process. A process that was forked opens the catalog for itself at its first question.

    Args:
        folder: where the index lies.

    Raises:
        ForeignIndex: there is no index, or one of another format.
        DamagedIndex: its manifest was changed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = Manifest.load(folder)
        self.name = self.manifest.name
        self._spaces: dict[str, Space] = {}
        self._tokens: dict[int, Token] = {}
        self._words: dict[int, Word] = {}
        self._token_saying: dict[str, Token | None] = {}
        self._word_saying: dict[str, Word | None] = {}
        self._local = threading.local()
        self._opening = threading.Lock()
        self._connection: Any = None
        self._closed = False
        _OPEN.add(self)

    def __reduce__(self) -> tuple[type[Index], tuple[Path]]:
        return Index, (self.folder.absolute(),)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog and let go of the mapped files; what is asked later is refused."""
        with self._opening:
            self._closed = True
            self._spaces.clear()
            self._local = threading.local()
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

    def require_open(self) -> None:
        """Raise `ClosedIndex` where the index was closed."""
        if self._closed:
            raise ClosedIndex(
                f"index {self.name!r} was closed; open it again to ask more of it: "
                f"explorer.open({self.name!r})"
            )

    def _after_fork(self) -> None:
        """In a forked process: leave what belongs to the parent, and open it here when needed.

        The parent's connection is kept, unused: to close it would wait for threads that are not
        here. Files that were read through a shared position are opened anew with their spaces.
        """
        _LEFT.append(self._connection)
        _LEFT.append(self._local)
        self._connection, self._local = None, threading.local()
        self._opening = threading.Lock()
        self._spaces = {}

    @property
    def space_names(self) -> list[str]:
        """Names of all spaces, in the order they were built."""
        return [entry.name for entry in self.manifest.spaces]

    @cached_property
    def context_spaces(self) -> tuple[SpaceEntry, ...]:
        """What the context spaces are, by layer."""
        return self.manifest.contexts

    @property
    def context_names(self) -> list[str]:
        """Their names."""
        return [entry.name for entry in self.context_spaces]

    @cached_property
    def depths(self) -> tuple[SpaceEntry, ...]:
        """The spaces that a word passes, in order: `embed`, then the context spaces."""
        return self.manifest.depths

    @property
    def embed(self) -> Space:
        """The space of tokens' embeddings, or of imported words'."""
        return self.space(self.manifest.embed.name)

    def neuron_space(self, side: str) -> Space:
        """The space of one side of the neurons.

        Raises:
            UnknownSpace: there is none.
        """
        return self._of_kind("neuron", side, neuron_space(side))

    def head_space(self, side: str) -> Space:
        """The space of one side of the heads' dimensions.

        Raises:
            UnknownSpace: there is none.
        """
        return self._of_kind("head", side, head_space(side))

    def _of_kind(self, kind: SpaceKind, side: str, usual: str) -> Space:
        entry = self.manifest.of_kind(kind, side=side)
        if entry is None:
            raise UnknownSpace(self._no_space(usual))
        return self.space(entry.name)

    def depth_of(self, space: SpaceEntry) -> int | None:
        """Which of the context spaces, in order of depth, a space is; None for one that is none."""
        return self.context_spaces.index(space) if space.kind == "context" else None

    def space(self, name: str) -> Space:
        """One space by name.

        Raises:
            UnknownSpace: there is none of that name; the message lists what there is.
            ClosedIndex: the index was closed.
        """
        found = self._spaces.get(name)
        if found is None:
            entry = self.manifest.space(name)
            if entry is None:
                raise UnknownSpace(self._no_space(name))
            with self._opening:
                self.require_open()
                found = self._spaces.setdefault(
                    name, Space(self.folder, entry, self.manifest.files)
                )
        return found

    def _no_space(self, name: str) -> str:
        contexts = self.context_names
        listed = [n for n in self.space_names if n not in contexts]
        if contexts:
            span = contexts if len(contexts) < 3 else [f"{contexts[0]} to {contexts[-1]}"]
            listed[1:1] = span
        hint = did_you_mean(name, nearest(name, self.space_names, limit=1))
        return f"no space {name!r} in index {self.name!r}{hint} (there are: {', '.join(listed)})"

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The tokenizer, loaded when a text must be cut into tokens.

        Raises:
            NoModel: the index was made of imported vectors.
        """
        if not self.manifest.has_model:
            raise NoModel(
                f"index {self.name!r} is of imported vectors, with no model or tokenizer behind "
                f"it: only its {self.manifest.words:,} words can be asked"
            )
        opened(self.folder, TOKENIZER, self.manifest.files.get(TOKENIZER)).close()
        return Vocabulary(self.folder / TOKENIZER, self.manifest.model.vocabulary)

    @cached_property
    def unembedding(self) -> Unembedding:
        """What makes logits of the stream that leaves the last block, read when first asked for.

        Raises:
            NoLogits: the index is of imported vectors, or of an encoder.
            DamagedIndex: its file is missing, or holds something else than it should.
        """
        model = self.manifest.model
        if model.unembedding is None:
            why = (
                "is of an encoder, which is read without its head"
                if self.manifest.has_model
                else "is of imported vectors, with no model behind them"
            )
            raise NoLogits(f"index {self.name!r} has no logits: it {why}")
        self.require_open()
        space = self.manifest.read_off.name
        return read_unembedding(
            self.folder,
            model.unembedding,
            self.manifest.files.get(UNEMBEDDING),
            space,
            (model.vocabulary, model.d_model),
            # By name, so that a closed index is asked no more.
            lambda first, count: self.space(space).vectors(first, count),
        )

    def _lacks(self, what: str, spaces: str) -> UnknownSpace:
        """The error of an index that was made without something."""
        if not self.manifest.has_model:
            why = "its vectors were imported, and no model is behind them"
        else:
            why = f"build one with them: --spaces {spaces}"
        return UnknownSpace(f"index {self.name!r} holds no {what}; {why}")

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a read-only query over the catalog, on this thread's own cursor.

        Raises:
            DamagedIndex: the catalog cannot be read.
            ClosedIndex: the index was closed.
        """
        cursor = self._cursor()
        import duckdb

        try:
            rows: list[tuple[Any, ...]] = cursor.execute(query, list(parameters)).fetchall()
        except duckdb.Error as err:
            self.require_open()  # or it was closed by another thread meanwhile
            if isinstance(err, duckdb.ProgrammingError):
                raise
            # Damage is found block by block, so here as much as at opening.
            raise damaged(self.folder, err) from None
        except RuntimeError as err:
            if "interrupted" in str(err):  # what DuckDB makes of ctrl+c while it runs a query
                raise KeyboardInterrupt from None
            raise
        return rows

    def _cursor(self) -> Any:
        cursor = getattr(self._local, "cursor", None)
        if cursor is None:
            with self._opening:
                self.require_open()
                if self._connection is None:
                    self._connection = opened_locked(self.folder, self.manifest)
                cursor = self._connection.cursor()
                cursor.execute(f"USE {ALIAS}").fetchall()
                self._local.cursor = cursor
        return cursor

    # -- tokens -----------------------------------------------------------------------------

    def tokens(self, ids: Iterable[int]) -> list[Token]:
        """Tokens by id, in the order asked."""
        wanted = [int(i) for i in ids]
        new = [i for i in set(wanted) if i not in self._tokens]
        if new:
            rows = self.sql(
                "SELECT id, text, special FROM token WHERE id IN (SELECT unnest(?))", [new]
            )
            self._tokens.update((row[0], Token(*row)) for row in rows)
        return self._found("token", self._tokens, wanted)

    def _found(self, table: str, known: Mapping[int, _Item], wanted: list[int]) -> list[_Item]:
        """The items of some ids.

        Raises:
            DamagedIndex: there is none of an id that something else in the index refers to.
        """
        try:
            return [known[i] for i in wanted]
        except KeyError as err:
            raise DamagedIndex(
                f"index {self.name!r}: {CATALOG}: there is no {table} {err}, which something else "
                "refers to: `indexer verify` says what is damaged"
            ) from None

    @cached_property
    def word_like_ids(self) -> NDArray[np.int64]:
        """Ids of the word-like tokens, in order."""
        rows = self.sql("SELECT id FROM token WHERE word_like ORDER BY id")
        return np.array([row[0] for row in rows], np.int64)

    def look_up(self, texts: Iterable[str]) -> None:
        """Find the tokens and words that some texts name at once, before they are asked for."""
        words = list(texts)
        self._find_tokens([form for text in words for form in (f" {text}", text)])
        self._find_words(words)
        if not self.manifest.has_model:
            self._find_words([f" {text}" for text in words])
        found = [word for text in words if (word := self._word_saying[text]) is not None]
        self.tokens({i for word in found for i in word.token_ids})

    def token_by_text(self, *texts: str) -> Token | None:
        """The token that says exactly the first of some texts that any token says."""
        self._find_tokens(texts)
        return next((t for text in texts if (t := self._token_saying[text]) is not None), None)

    def _find_tokens(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._token_saying]
        if not new:
            return
        found: dict[str, Token | None] = dict.fromkeys(new)
        rows = self.sql(
            f"SELECT id, text, special FROM token WHERE {_one_of('text', new)} "
            "ORDER BY byte DESC, id DESC",
            _given(new),
        )
        # Of several the lowest id, come last, and of those a byte only where there is no other.
        found.update((row[1], Token(*row)) for row in rows)
        self._token_saying.update(found)

    def tokens_like(self, text: str, limit: int = 3) -> list[Token]:
        """The word-like tokens and indexed words spelled most like `text`, best first."""
        rows = self.sql(
            """
            SELECT id, text, special FROM token WHERE word_like
            ORDER BY damerau_levenshtein(lower(trim(text)), lower(?)),
                     jaro_winkler_similarity(trim(text), ?) DESC, id
            LIMIT ?
            """,
            [text.strip(), text.strip(), limit],
        )
        return [Token(*row) for row in rows]

    # -- words ------------------------------------------------------------------------------

    _WORD = "id, text, token_ids, sink, also"

    def words(self, ids: Iterable[int]) -> list[Word]:
        """Words by id, in the order asked."""
        wanted = [int(i) for i in ids]
        new = [i for i in set(wanted) if i not in self._words]
        if new:
            rows = self.sql(f"SELECT {self._WORD} FROM word WHERE id IN (SELECT unnest(?))", [new])
            self._words.update((row[0], _word(row)) for row in rows)
        return self._found("word", self._words, wanted)

    def word_by_text(self, *texts: str) -> Word | None:
        """The indexed word written exactly as the first of some texts that any is, or None.

        A word of which several spellings are the same tokens is found by each of them.
        """
        self._find_words(texts)
        return next((w for text in texts if (w := self._word_saying[text]) is not None), None)

    def _find_words(self, texts: Sequence[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._word_saying]
        if not new:
            return
        found: dict[str, Word | None] = dict.fromkeys(new)
        rows = self.sql(f"SELECT {self._WORD} FROM word WHERE {_one_of('text', new)}", _given(new))
        found.update((row[1], _word(row)) for row in rows)
        missing = [text for text in new if found[text] is None]
        if missing and self.manifest.has_model:
            for word in map(
                _word, self.sql(f"SELECT {self._WORD} FROM word WHERE {_SPELLED}", [missing])
            ):
                found.update((text, word) for text in missing if text in word.also)
        self._word_saying.update(found)

    def word_by_tokens(self, ids: Sequence[int]) -> Word | None:
        """The indexed word that is made of some tokens, whatever its spelling, or None."""
        rows = self.sql(f"SELECT {self._WORD} FROM word WHERE token_ids = ?", [list(ids)])
        return _word(rows[0]) if ids and rows else None

    def words_like(self, text: str, limit: int = 3) -> list[str]:
        """The indexed words spelled most like `text`, best first."""
        rows = self.sql(
            """
            SELECT text FROM word
            ORDER BY damerau_levenshtein(lower(text), lower(?)),
                     jaro_winkler_similarity(text, ?) DESC, zipf DESC, id
            LIMIT ?
            """,
            [text, text, limit],
        )
        return [row[0] for row in rows]

    # -- labels -----------------------------------------------------------------------------

    @cached_property
    def label_spaces(self) -> list[str]:
        """Names of the spaces whose items are labels; only these have rows in the table of them."""
        return [entry.name for entry in self.manifest.spaces if entry.kind == "imported"]

    def labels(self, space: str, ids: Iterable[int]) -> list[str]:
        """The labels of some rows of an imported space, in the order asked."""
        wanted = [int(i) for i in ids]
        known = dict(
            self.sql(
                "SELECT id, text FROM label WHERE space = ? AND id IN (SELECT unnest(?))",
                [space, wanted],
            )
        )
        return self._found("label", known, wanted)

    def label_by_text(self, space: str, *texts: str) -> tuple[int, str] | None:
        """Row and label of the first of some texts that a label of the space is, or None."""
        found = self.sql(
            "SELECT id, text FROM label "
            f"WHERE text IN ({', '.join('?' * len(texts))}) AND space = ?",
            [*texts, space],
        )
        rows = [(int(row), str(text)) for row, text in found]
        return min(rows, key=lambda row: texts.index(row[1]), default=None)

    def labels_like(self, space: str, text: str, limit: int = 3) -> list[str]:
        """The labels of a space spelled most like `text`, best first."""
        rows = self.sql(
            """
            SELECT text FROM label WHERE space = ?
            ORDER BY damerau_levenshtein(lower(text), lower(?)),
                     jaro_winkler_similarity(text, ?) DESC, id
            LIMIT ?
            """,
            [space, text, text, limit],
        )
        return [row[0] for row in rows]

    # -- neurons ----------------------------------------------------------------------------

    _NEURON = (
        "id, layer, expert, unit, norm_in, norm_up, norm_out, "
        "cosine_in_out, cosine_in_up, cosine_up_out, activation_mean, activation_deviation"
    )

    @property
    def sides(self) -> tuple[str, ...]:
        """The sides neurons have here: `in`, `up` where the MLP is gated, `out`."""
        return self.manifest.sides

    def neurons(self, ids: Iterable[int]) -> list[Neuron]:
        """Neurons by id, in the order asked."""
        wanted = [int(i) for i in ids]
        rows = self.sql(
            f"SELECT {self._NEURON} FROM neuron WHERE id IN (SELECT unnest(?))", [wanted]
        )
        return self._found("neuron", {row[0]: Neuron(*row) for row in rows}, wanted)

    def neuron(self, layer: int, unit: int, expert: int | None = None) -> Neuron:
        """One neuron by layer, unit, and expert where the layer has experts.

        Raises:
            UnknownName: there is none such in this index.
        """
        self.require_neurons()
        row = self.neuron_grid.row(layer, unit, expert, f"index {self.name!r}")
        return self.neurons([row])[0]

    @cached_property
    def neuron_grid(self) -> NeuronGrid:
        """Which neuron is which row of the neuron spaces."""
        return self.manifest.neuron_grid

    def require_neurons(self) -> None:
        """Raise `UnknownSpace` where the index was built without neurons."""
        if not self.sides:
            raise self._lacks("neurons", "embed,neuron")

    # -- activations ------------------------------------------------------------------------

    def strongest_words(self, neuron: int) -> list[Fires]:
        """The words at whose last token a neuron fires most strongly; none where not recorded.

        From the highest down, then from the lowest up.
        """
        rows = self.sql(
            "SELECT neuron, word, rank, activation, z FROM neuron_word WHERE neuron = ? "
            "ORDER BY rank < 0, abs(rank)",
            [neuron],
        )
        return [Fires(*row) for row in rows]

    def strongest_neurons(self, word: int) -> list[Fires]:
        """The neurons that fire most strongly at a word's last token, by z.

        From the highest down, then from the lowest up.

        Raises:
            UnknownSpace: no activations were recorded.
        """
        if not self.manifest.firing:
            raise self._lacks("activations", "embed,context,neuron")
        rows = self.sql(
            "SELECT neuron, word, rank, activation, z FROM word_neuron WHERE word = ? "
            "ORDER BY rank < 0, abs(rank)",
            [word],
        )
        return [Fires(*row) for row in rows]

    def signs_at(
        self, word: int, neurons: NDArray[np.int64] | None = None
    ) -> NDArray[np.int8] | None:
        """Which way neurons acted at a word's last token: (n,) int8, 1, -1, or 0.

        All neurons unless some are given, by id. None where it was not recorded, or no neuron has a
        gate.
        """
        self.require_open()
        if not self.manifest.signed:
            return None
        return signs_of(self.folder, self.manifest.files, self.neuron_grid.rows, word, neurons)

    def groups_of(self, word: str) -> list[str]:
        """The example groups that a word is in."""
        rows = self.sql("SELECT name FROM word_group WHERE word = ? ORDER BY name", [word])
        return [row[0] for row in rows]

    # -- heads ------------------------------------------------------------------------------

    @cached_property
    def head_grid(self) -> HeadGrid:
        """Which head dimension is which row of the head spaces."""
        return self.manifest.head_grid

    def head(self, layer: int, head: int, dimension: int) -> int:
        """The id of a head dimension.

        Raises:
            UnknownName: there is none such in this index.
            UnknownSpace: the index was built without heads.
        """
        self.require_heads()
        return self.head_grid.row(layer, head, dimension, f"index {self.name!r}")

    def require_heads(self) -> None:
        """Raise `UnknownSpace` where the index was built without attention heads."""
        if self.manifest.of_kind("head", side="value") is None:
            raise self._lacks("heads", "embed,head")

    # -- neurons' tokens --------------------------------------------------------------------

    def nearest_tokens(
        self, ids: Sequence[int], *sides: str
    ) -> tuple[list[tuple[Token, ...]], ...]:
        """For each side, of some neurons the few tokens that stand beside an answer, best first."""
        near = [self.neuron_space(s).nearest_tokens[list(ids)].tolist() for s in sides]
        ids_there = {i for rows in near for row in rows for i in row if i >= 0}
        known = {token.id: token for token in self.tokens(ids_there)}
        return tuple([tuple(known[i] for i in row if i >= 0) for row in rows] for rows in near)

    def neuron_tokens(self, ids: Iterable[int], ranks: Sequence[int]) -> list[NeuronToken]:
        """The stored nearest tokens of some neurons at some ranks, in the table's order."""
        numbers = ", ".join(str(int(rank)) for rank in ranks)
        # One equality a neuron: the table is in their order, so each reads one stretch of it.
        query = " UNION ALL ".join(
            "SELECT neuron, side::VARCHAR, rank, token, score FROM neuron_token "
            f"WHERE neuron = {int(i)} AND rank IN ({numbers})"
            for i in ids
        )
        rows = self.sql(query)
        tokens = {token.id: token for token in self.tokens({row[3] for row in rows})}
        return [NeuronToken(row[0], row[1], row[2], tokens[row[3]], row[4]) for row in rows]


_OPEN: weakref.WeakSet[Index] = weakref.WeakSet()
"""Every index of this process, for what must be opened anew in one that is forked."""

_LEFT: list[Any] = []
"""In a forked process: what is the parent's, kept from being closed here."""


def _forked() -> None:
    for index in list(_OPEN):
        index._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def open_index(name: str | Path | None = None, root: str | Path | None = None) -> Index:
    """Open an index by name or path, by `EXPLORER_INDEX`, or the only one there.

    Raises:
        IndexNotFound, ForeignIndex, DamagedIndex: with one line that says which and why.
    """
    return Index(find_index(name, root))


def _word(row: tuple[Any, ...]) -> Word:
    return Word(row[0], row[1], tuple(row[2]), tuple(row[3]), tuple(row[4]))


_SPELLED = "list_has_any(also, ?::VARCHAR[])"


def _one_of(column: str, values: Sequence[Any]) -> str:
    """A condition that the index on a column serves where the values are few."""
    if len(values) > 2:
        return f"{column} IN (SELECT unnest(?))"
    return f"{column} IN ({', '.join('?' * len(values))})"


def _given(values: Sequence[Any]) -> list[Any]:
    """The parameters of that condition."""
    return [list(values)] if len(values) > 2 else list(values)
