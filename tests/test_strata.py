"""Parts of the words: each word in one, alike where it counts, and none of the group's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.chance.controls import forms_of
from explorer.chance.strata import PART, strata
from explorer.errors import QueryError
from explorer.words import Words

GROUP = ("large", "tall", "huge", "Germany", "Paris")


@pytest.fixture(scope="module")
def words(real: Any) -> Words:
    return Words(real.index)


@pytest.mark.slow
def test_every_word_lies_in_one_part_and_parts_do_not_overlap(words: Words) -> None:
    part_of = {}
    for at in range(len(words)):
        pool = strata(words, [words.trait(at, "embed")], "matched", "embed", ()).pools[0]
        part_of[at] = tuple(pool.tolist())
    parts = set(part_of.values())
    assert all(at in part for at, part in part_of.items())
    assert sorted(at for part in parts for at in part) == list(range(len(words)))
    assert min(map(len, parts)) >= PART
    assert len(parts) > 10


def test_parts_are_alike_in_tokens_then_capital_then_frequency_and_norm(
    words: Words,
) -> None:
    found = strata(
        words, [words.trait(words.ids[text], "embed") for text in GROUP], "matched", "embed", ()
    )
    for text, pool in zip(GROUP, found.pools, strict=True):
        own = words.trait(words.ids[text], "embed")
        # Too few words here have several tokens for a part of their own.
        assert (words.n_tokens[pool] == own.n_tokens).mean() > 0.8
        assert (words.capital[pool] == own.capital).all()
    for trait in (words.zipf, np.log(words.norms("embed"))):
        assert np.mean([trait[pool].std() for pool in found.pools]) < 0.8 * trait.std()


def test_the_words_of_the_group_may_be_drawn_where_they_are_said(words: Words) -> None:
    own = [words.ids[text] for text in GROUP]
    traits = [words.trait(at, "embed") for at in own]
    for how in ("matched", "random"):
        found = strata(words, traits, how, "embed", forms_of(words, GROUP), own)
        without = strata(words, traits, how, "embed", forms_of(words, GROUP))
        for at, pool, other in zip(own, found.pools, without.pools, strict=True):
            assert at in pool
            assert set(pool) - set(other) <= set(own)
            assert set(other) <= set(pool)


def test_neither_the_group_nor_a_form_of_it_stands_in(words: Words) -> None:
    traits = [words.trait(words.ids[text], "embed") for text in GROUP]
    out = forms_of(words, GROUP)
    assert len(out) > len(GROUP)
    for how in ("matched", "random"):
        found = strata(words, traits, how, "embed", out)
        assert found.how == how
        assert not out & set(found.words.tolist())


def test_too_few_words_are_refused(words: Words) -> None:
    group = [words.trait(0, "embed")] * 3
    with pytest.raises(QueryError, match="3 words need 6 others"):
        strata(words, group, "matched", "embed", range(len(words) - 5))
