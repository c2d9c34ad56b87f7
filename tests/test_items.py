"""Kinds of items: what each says of itself holds of the catalog, and of the items of an index."""

from __future__ import annotations

import gc
import re
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from indexer.store import catalog_file
from indexer.store.errors import DamagedIndex
from indexer.store.items import ITEMS
from indexer.store.read import Index
from indexer.store.spaces import KINDS, ItemName

SPACES = {"token": "embed", "word": "context.1", "neuron": "neuron.out", "head": "head.value"}


@pytest.fixture
def index(tiny_indexes: Path) -> Iterator[Index]:
    with Index(tiny_indexes / "llama") as opened:
        yield opened


def test_every_item_that_a_space_may_hold_has_a_kind() -> None:
    assert set(ITEMS) == set(get_args(ItemName))
    assert {item for kind in KINDS.values() for item in kind.items} == set(ITEMS)
    assert all(kind.name == name for name, kind in ITEMS.items())


def test_the_table_of_a_kind_has_the_columns_that_it_names() -> None:
    declared = catalog_file.declared()
    for kind in ITEMS.values():
        for column in ("id", *kind.columns):
            assert re.search(rf"[(,]{column} ", declared[kind.table]), (kind, column)


@pytest.mark.parametrize("item", SPACES)
def test_items_are_as_many_as_rows_and_each_has_a_name_of_its_own(item: str, index: Index) -> None:
    space = index.space(SPACES[item])
    kind = index.kind_of(space.entry)
    assert type(kind) is ITEMS[space.entry.item]
    assert index.manifest.counts[space.entry.item] == space.entry.rows
    assert len(kind.table_rows(space.entry, "id")) == space.entry.rows
    names = index.names(space, range(space.entry.rows))
    assert len(set(names)) == space.entry.rows or item == "token"  # two bytes may read alike
    assert index.names(space, [5, 2]) == [names[5], names[2]]
    column = "text" if kind.named_by_text else "name"
    assert [name for (name,) in kind.table_rows(space.entry, column)] == names


@pytest.mark.parametrize("item", SPACES)
def test_moments_are_of_as_many_rows_as_the_entry_says(item: str, index: Index) -> None:
    space = index.space(SPACES[item])
    rows = index.kind_of(space.entry).reference(space.entry)
    assert len(rows) == space.entry.population_rows
    vectors = np.array([space.vector(int(row)) for row in rows])
    np.testing.assert_allclose(vectors.mean(axis=0), space.mean, atol=1e-6)


def test_layers_are_those_that_names_say(index: Index) -> None:
    for item in ("neuron", "head"):
        space = index.space(SPACES[item])
        found = index.kind_of(space.entry).layers()
        assert found is not None
        names = index.names(space, range(space.entry.rows))
        assert [int(name[1 : name.index("NH"[item == "head"])]) for name in names] == found.tolist()
    assert index.tokens.layers() is None
    assert index.words.layers() is None


def test_an_id_that_nothing_has_is_damage(index: Index) -> None:
    for kind in (index.tokens, index.words, index.neurons):
        with pytest.raises(DamagedIndex, match=rf"there is no {kind.name} 1000000, .*verify"):
            kind.by_id([0, 1_000_000])


def test_what_is_looked_up_at_once_is_what_is_found_one_by_one(index: Index) -> None:
    texts = ["large", "dog", "no such word", "Chihuahua"]
    index.look_up(texts)
    with Index(index.folder) as other:
        for text in texts:
            assert index.words.by_text(text) == other.words.by_text(text)
            assert index.tokens.by_text(f" {text}", text) == other.tokens.by_text(f" {text}", text)
    lowest = index.tokens.first_ids(index.manifest.embed, [" dog", "no such token"])
    dog = index.tokens.by_text(" dog")
    assert dog is not None
    assert lowest == {" dog": dog.id}


def test_an_index_that_nobody_holds_is_let_go_at_once(tiny_indexes: Path) -> None:
    """Its files are mapped and its catalog is open: neither waits for the garbage collector."""
    gc.disable()
    try:
        index = Index(tiny_indexes / "llama")
        index.look_up(["dog"])
        index.embed.scan(index.embed.vector(3))
        gone = weakref.ref(index)
        del index
        assert gone() is None
    finally:
        gc.enable()


def test_the_word_that_a_piece_is_of_is_that_of_the_database_and_of_memory(real: Any) -> None:
    words = real.index.words
    pieces = ["larg", "ing", "a", "e", "zzxq", "tall", "é", "o b"]
    before = [words.containing(piece) for piece in pieces]
    for _ in range(words._whole.OFTEN):
        words._whole.columns()
    assert [words.containing(piece) for piece in pieces] == before
    assert before[0] == "large"
    assert before[4] is None
