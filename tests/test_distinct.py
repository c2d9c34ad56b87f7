"""Labels in columns: which is there twice, as a `dict` says it, where hashes collide too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.portable import distinct
from indexer.portable.distinct import Again, Distinct, kept_of_each
from indexer.portable.labels import Lines

labels = st.lists(st.text("aàb", min_size=1, max_size=3), max_size=40)
hashes = st.sampled_from([hash, len, lambda _: 0])


def parts(names: list[str], step: int) -> list[list[str]]:
    return [names[at : at + step] for at in range(0, len(names), step)]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(names=labels, step=st.integers(1, 9), hashed=hashes)
def test_the_first_that_was_there_is_the_one_a_dict_finds(
    names: list[str], step: int, hashed: Callable[[str], int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "hash", hashed, raising=False)
        rows, seen, found = np.arange(len(names)) * 3 + 1, dict[str, int](), Distinct()
        for first, some in zip(range(0, len(names), step), parts(names, step), strict=True):
            expected = None
            for at, name in enumerate(some):
                before = seen.setdefault(name, int(rows[first + at]))
                if before != rows[first + at]:
                    expected = Again(at, before)
                    break
            assert found.add(some, rows[first : first + len(some)]) == expected
            if expected is not None:
                return
        assert found.texts.to_pylist() == names
        assert len(found) == len(names)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(names=labels, step=st.integers(1, 9), last=st.booleans(), hashed=hashes)
def test_of_each_name_one_row_is_kept(
    names: list[str], step: int, last: bool, hashed: Callable[[str], int]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "hash", hashed, raising=False)
        kept = kept_of_each(iter(parts(names, step)), len(names), last)
    ordered = list(enumerate(names))
    expected = {name: row for row, name in (ordered if last else reversed(ordered))}
    assert sorted(expected.values()) == np.flatnonzero(kept).tolist()


def test_names_that_are_no_text_are_told_apart_too() -> None:
    names = ["a", "\ud800", "\udfff", "\ud800"]
    assert kept_of_each(iter([names]), 4, last=False).tolist() == [True, True, True, False]


def test_many_labels_lie_in_few_runs() -> None:
    found = Distinct()
    for first in range(0, 50_000, 500):
        assert found.add([f"f{at}" for at in range(first, first + 500)], np.arange(500)) is None
    assert len(found._runs) <= 7
    assert found.add(["new", "f31234", "f7"], np.arange(3)) == Again(1, 234)
    assert len(found) == 50_000


@settings(derandomize=True, deadline=None, max_examples=300)
@given(data=st.text("aé\n\r", max_size=30), first=st.integers(0, 9), count=st.integers(0, 9))
def test_lines_are_those_of_a_split(data: str, first: int, count: int) -> None:
    expected = data.removesuffix("\n").split("\n") if data else []
    lines = Lines(data.encode(), bytes.decode)
    assert len(lines) == len(expected)
    assert lines[0 : len(lines)] == [line.removesuffix("\r") for line in expected]
    assert lines[first : first + count] == lines[0 : len(lines)][first : first + count]
