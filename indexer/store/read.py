"""A sealed index, opened for questions: its spaces by name and kind, its catalog, its items.

Knows what lies open, and closes it; what can be asked of items is in `items`, a file a kind. Knows
no measure and no question. Positions are only ever a matter between an array that a space returned
and the names that `items` gives for them; outside, items have names. Everything is opened when
first needed.
"""

from __future__ import annotations

import os
import re
import threading
import weakref
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from indexer.store.activations import Activations
from indexer.store.catalog import Catalog
from indexer.store.errors import NoLogits, NoModel, UnknownSpace, did_you_mean, nearest
from indexer.store.files import opened
from indexer.store.grid import HeadGrid, NeuronGrid
from indexer.store.items.head import Heads
from indexer.store.items.kind import Kind
from indexer.store.items.label import Labels
from indexer.store.items.neuron import Neurons
from indexer.store.items.token import Token, Tokens
from indexer.store.items.word import Words
from indexer.store.layout import TOKENIZER, UNEMBEDDING, Manifest
from indexer.store.places import find_index
from indexer.store.space import Space
from indexer.store.spaces import (
    ItemName,
    NeuronSide,
    SpaceEntry,
    SpaceKind,
    head_space,
    neuron_space,
    side_named,
)
from indexer.store.unembedding import Unembedding, read_unembedding
from indexer.store.vocabulary import Vocabulary


class Index:
    """A sealed index. Safe to use from several threads; close it, or use it in a `with`.

    Pickled, it is which index and where: what is unpickled is that index opened anew, in whatever
    process. A process that was forked opens the catalog for itself at its first question.

    Args:
        folder: where the index lies.
        catalog: that of the folder; opened here unless given.

    Raises:
        ForeignIndex: there is no index, or one of another format.
        DamagedIndex: its manifest was changed.
    """

    def __init__(self, folder: Path, catalog: Catalog | None = None) -> None:
        self.folder = folder
        self.catalog = catalog or Catalog(folder, Manifest.load(folder))
        self.manifest = self.catalog.manifest
        self.name = self.manifest.name
        # Items know the catalog, not the index: one that nobody holds any more is let go at once.
        self.tokens, self.words = Tokens(self.catalog), Words(self.catalog)
        self.labels, self.heads = Labels(self.catalog), Heads(self.catalog)
        self.neurons = Neurons(self.catalog, self.tokens)
        self._kinds: dict[ItemName, Kind] = {
            kind.name: kind
            for kind in (self.tokens, self.words, self.neurons, self.heads, self.labels)
        }
        self.activations = Activations(self.catalog)
        self._spaces: dict[str, Space] = {}
        self._opening = threading.Lock()
        _OPEN.add(self)

    def __reduce__(self) -> tuple[type[Index], tuple[Path]]:
        return Index, (self.folder.absolute(),)

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalog and let go of the mapped files; what is asked later is refused."""
        self.catalog.close()
        with self._opening:
            self._spaces.clear()

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self.catalog.closed

    def require_open(self) -> None:
        """Raise `ClosedIndex` where the index was closed."""
        self.catalog.require_open()

    def _after_fork(self) -> None:
        """In a forked process: leave what belongs to the parent, and open it here when needed.

        Files that were read through a shared position are opened anew with their spaces.
        """
        _LEFT.extend(self.catalog.after_fork())
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
        """The space of one side of the neurons; `in` is the reading side of gated ones too.

        Raises:
            UnknownSpace: there is none.
        """
        return self._of_kind("neuron", self.side_named(side), neuron_space(side))

    def head_space(self, side: str) -> Space:
        """The space of one side of the heads' dimensions.

        Raises:
            UnknownSpace: there is none.
        """
        return self._of_kind("head", side, head_space(side))

    def _of_kind(self, kind: SpaceKind, side: str, usual: str) -> Space:
        entry = self.manifest.of_kind(kind, side=side)
        if entry is None:
            raise self._no_space(usual)
        return self.space(entry.name)

    @property
    def sides(self) -> tuple[NeuronSide, ...]:
        """The sides neurons have here, the reading side first: see `indexer.store.spaces`."""
        return self.manifest.sides

    def side_named(self, asked: str | None) -> str:
        """The side that is asked for, be it there or not; the reading side where none is named."""
        return side_named("in" if asked is None else asked, self.sides)

    def depth_of(self, space: SpaceEntry) -> int | None:
        """Which of the context spaces, in order of depth, a space is; None for one that is none."""
        return self.context_spaces.index(space) if space.kind == "context" else None

    def space(self, name: str) -> Space:
        """One space by name; `neuron.in` is the reading side of gated neurons too.

        Raises:
            UnknownSpace: there is none of that name; the message lists what there is.
            ClosedIndex: the index was closed.
        """
        found = self._spaces.get(name)
        if found is None:
            entry = self.manifest.space(name)
            if entry is None:
                raise self._no_space(name)
            with self._opening:
                self.require_open()
                found = self._spaces.setdefault(
                    entry.name, Space(self.folder, entry, self.manifest.files)
                )
        return found

    def _no_space(self, name: str) -> UnknownSpace:
        contexts = self.context_names
        listed = [n for n in self.space_names if n not in contexts]
        if contexts:
            span = contexts if len(contexts) < 3 else [f"{contexts[0]} to {contexts[-1]}"]
            listed[1:1] = span
        number = re.search(r"\d+$", name)
        same = [one for one in contexts if number and one.endswith(f".{number[0]}")]
        others = [one for one in self.space_names if one not in contexts]
        asked = same or (contexts if number else contexts[:1])
        near = nearest(name, [*others, *asked], limit=1) or same
        said = f"no space {name!r} in index {self.name!r}{did_you_mean(name, near)}"
        there = ", ".join(listed)
        return UnknownSpace(f"{said} (there are: {there})").offering(name, near)

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

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a read-only query over the catalog, on this thread's own cursor.

        Raises:
            DamagedIndex: the catalog cannot be read.
            ClosedIndex: the index was closed.
        """
        return self.catalog.sql(query, parameters)

    # -- items ------------------------------------------------------------------------------

    def kind_of(self, space: SpaceEntry) -> Kind:
        """The items of the kind that a space holds."""
        return self._kinds[space.item]

    def names(self, space: Space, rows: Sequence[int]) -> list[str]:
        """What some rows of a space are called, in the order asked: texts of tokens and words."""
        return self.kind_of(space.entry).names(space.entry, rows)

    def look_up(self, texts: Iterable[str]) -> None:
        """Find the tokens and words that some texts name at once, before they are asked for."""
        asked = list(texts)
        self.tokens.look_up([form for text in asked for form in (f" {text}", text)])
        self.tokens.by_id({i for word in self.words.look_up(asked) for i in word.token_ids})

    @property
    def neuron_grid(self) -> NeuronGrid:
        """Which neuron is which row of the neuron spaces."""
        return self.catalog.neuron_grid

    @property
    def head_grid(self) -> HeadGrid:
        """Which head dimension is which row of the head spaces."""
        return self.catalog.head_grid

    def nearest_tokens(
        self, neurons: Sequence[int], *sides: str
    ) -> tuple[list[tuple[Token, ...]], ...]:
        """For each side, of some neurons the few tokens that stand beside an answer, best first."""
        spaces = [self.neuron_space(side) for side in sides]
        near = [space.nearest_tokens[list(neurons)].tolist() for space in spaces]
        there = {i for rows in near for row in rows for i in row if i >= 0}
        known = {token.id: token for token in self.tokens.by_id(there)}
        return tuple([tuple(known[i] for i in row if i >= 0) for row in rows] for rows in near)


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
