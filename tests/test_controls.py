"""Words to compare with: alike in what they should be, drawn without repeats, never the group's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from explorer.chance.controls import POOL, Controls, controls, forms_of
from explorer.errors import QueryError
from explorer.words import Words, capital_of

GROUP = ("large", "tall", "huge", "Germany", "Chihuahua")


@pytest.fixture(scope="module")
def words(real: Any) -> Words:
    return Words(real.index)


def test_a_word_is_the_mean_of_its_tokens_in_embed_and_a_row_of_its_own_in_context(
    real: Any, words: Words
) -> None:
    ids = np.array([words.ids[text] for text in GROUP])
    assert words.n_tokens[ids].max() > 1
    for space in ("embed", "context.12"):
        home = real.index.space(space)
        found = words.vectors(space, ids)
        for text, vector in zip(GROUP, found, strict=True):
            word = real.index.words.by_text(text)
            own = (
                home.vector(word.id)
                if space != "embed"
                else np.mean([home.vector(i) for i in word.token_ids], axis=0)
            )
            np.testing.assert_allclose(vector, own, rtol=1e-12)
    for space in ("embed", "context.12"):
        every = words.vectors(space, np.arange(len(words)))
        np.testing.assert_allclose(words.norms(space), np.linalg.norm(every, axis=1), rtol=1e-6)


def test_the_table_is_read_in_the_order_of_ids(real: Any, words: Words) -> None:
    for at in (0, 7, len(words) - 1):
        word = real.index.words.by_text(words.texts[at])
        assert word.id == at
        assert len(word.token_ids) == words.n_tokens[at]


@pytest.mark.parametrize(
    ("text", "capital"),
    [("dog", 0), ("Great", 1), ("NASA", 2), ("iPhone", 2), ("大", 0), ("I", 1), ("Great Dane", 2)],
)
def test_capitals(text: str, capital: int) -> None:
    assert capital_of(text) == capital


def test_matched_words_are_the_nearest_by_brute_force(words: Words) -> None:
    group = [words.trait(words.ids[text], "embed") for text in GROUP]
    own = {words.ids[text] for text in GROUP}
    found = controls(words, group, "matched", "embed", own)
    log_norm = np.log(words.norms("embed"))
    for one, pool in zip(group, found.pools, strict=True):
        keys = []
        for at in range(len(words)):
            if at in own:
                continue
            alike = abs(words.zipf[at] - one.zipf) / words.zipf.std()
            alike += abs(log_norm[at] - np.log(one.norm)) / log_norm.std()
            tokens = abs(words.n_tokens[at] - one.n_tokens)
            keys.append((tokens + (words.capital[at] != one.capital), alike, at))
        assert [at for _, _, at in sorted(keys)[:POOL]] == pool.tolist()


def test_a_drawn_group_holds_no_word_twice_and_each_from_its_own_pool() -> None:
    pools = (np.arange(5), np.arange(3, 8), np.arange(5), np.arange(5))
    drawn = Controls("matched", pools, np.arange(8)).draw(4000, np.random.default_rng(0))
    assert all(len(set(row)) == 4 for row in drawn.tolist())
    for place, pool in enumerate(pools):
        assert set(drawn[:, place].tolist()) == set(pool.tolist())


def test_from_one_pool_every_group_is_drawn_equally_often() -> None:
    pools = (np.arange(5),) * 2
    drawn = Controls("random", pools, np.arange(5)).draw(20_000, np.random.default_rng(1))
    counts = np.zeros((5, 5))
    np.add.at(counts, (drawn[:, 0], drawn[:, 1]), 1)
    assert (np.diag(counts) == 0).all()
    # 20 ordered pairs, 1,000 expected of each, deviation 31.
    assert np.abs(counts[~np.eye(5, dtype=bool)] - 1000).max() < 5 * 31


def test_two_spellings_of_the_same_tokens_are_drawn_as_one_word() -> None:
    point = np.array([0, 0, 2, 3, 3, 3, 6])
    drawn = Controls("random", (np.arange(7),) * 3, point).draw(2000, np.random.default_rng(2))
    assert all(len(set(row)) == 3 for row in point[drawn].tolist())
    assert set(drawn.ravel().tolist()) == set(range(7))


def test_neither_the_group_nor_a_form_of_it_stands_in(words: Words) -> None:
    left_out = forms_of(words, ["LARGE", "tall"])
    assert {words.texts[at].casefold() for at in left_out} == {"large", "tall"}
    group = [words.trait(words.ids[text], "embed") for text in ("large", "tall")]
    for how in ("matched", "random"):
        assert not left_out & set(controls(words, group, how, "embed", left_out).words.tolist())


def test_too_few_words_are_refused(words: Words) -> None:
    group = [words.trait(0, "embed")] * 3
    with pytest.raises(QueryError, match="3 words need 6 others"):
        controls(words, group, "random", "embed", range(len(words) - 5))
