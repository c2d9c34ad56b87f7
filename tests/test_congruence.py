"""Groups against chance: every number by plain loops, the null right, planted groups found."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom, kstest

import explorer
from conftest import BIN, Run
from explorer.chance.controls import forms_of
from explorer.chance.members import Group
from explorer.chance.strata import strata
from explorer.compute.congruence import apart, in_space, rows_of
from explorer.compute.control_groups import ControlGroups, Drawn, distinct
from explorer.errors import QueryError
from explorer.expressions import Kind, Term
from explorer.measures import MEASURES
from explorer.measures.registry import checked_measure
from explorer.show.formats import render
from explorer.words import Words
from indexer.store.errors import SemanticError
from processes import PATIENCE, reads
from test_groups import by_hand, score
from test_planted import planted

SIZE = ("large", "huge", "Chihuahua", "tiny", "small", "enormous", "Big")


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


# -- every number by hand -------------------------------------------------------------------


@pytest.mark.parametrize("control", ["matched", "random"])
@pytest.mark.parametrize("measure", [None, "dot", "euclidean", "whitened"])
def test_every_number_is_what_loops_over_pairs_give(
    measure: str | None, control: str, real: Any
) -> None:
    words, index = Words(real.index), real.index
    texts = sorted(SIZE)
    ids = [words.ids[text] for text in texts]
    assert words.n_tokens[ids].max() > 1
    traits = [words.trait(at, "embed") for at in ids]
    pools = strata(words, traits, control, "embed", forms_of(words, texts), ids)
    drawn = pools.draw(120, np.random.default_rng(4))
    found = real.congruence(*SIZE, measure=measure, control=control, permutations=120, seed=4)
    assert [row.space for row in found.rows] == ["embed", *index.context_names]
    nulls, effects = {}, {}
    for row in found.rows[::10]:
        space = index.space(row.space)
        sign = -1 if measure == "euclidean" else 1
        assert row.measure == (measure or space.entry.measure)
        own = by_hand(words, space, ids, row.measure)
        null = np.array([by_hand(words, space, group, row.measure) for group in drawn.tolist()])
        assert row.score == pytest.approx(own)
        assert row.controls == pytest.approx(null.mean())
        assert row.std == pytest.approx(null.std())
        effects[row.space] = sign * (own - null.mean()) / null.std()
        nulls[row.space] = sign * (null - null.mean()) / null.std()
        assert row.effect == pytest.approx(effects[row.space])
        assert row.p == pytest.approx((1 + sum(sign * null >= sign * own)) / 121)
        vectors = words.vectors(row.space, np.array(ids))
        assert row.norm == pytest.approx(np.mean([np.linalg.norm(v) for v in vectors]))
        theirs = words.norms(row.space)[drawn]
        assert row.controls_norm == pytest.approx(theirs.mean())
    every = real.index.space("embed"), *(index.space(n) for n in index.context_names)
    if control == "matched" and measure is None:
        z = []
        for space, row in zip(every, found.rows, strict=True):
            null = [by_hand(words, space, group, row.measure) for group in [ids, *drawn.tolist()]]
            z.append((np.array(null) - np.mean(null)) / np.std(null))
        greatest = np.max(z, axis=0)
        for row, each in zip(found.rows, z, strict=True):
            # What was asked is the first of its own chances.
            assert row.p_corrected == pytest.approx(sum(greatest >= each[0]) / 121)


def test_one_space_is_asked_with_the_same_groups_as_all(real: Any) -> None:
    every = {row.space: row for row in real.congruence(*SIZE, permutations=300).rows}
    alone = real.congruence(*SIZE, space="context.7", permutations=300).rows
    assert len(alone) == 1
    assert alone[0].p_corrected == alone[0].p
    other = every["context.7"]
    for name in ("score", "controls", "std", "effect", "low", "high", "p"):
        assert getattr(alone[0], name) == pytest.approx(getattr(other, name))
    assert other.p_corrected >= other.p


def test_the_interval_is_of_the_effect_and_over_words(real: Any) -> None:
    from explorer.chance.significance import interval, resamples

    words = Words(real.index)
    texts = sorted(SIZE)
    ids = [words.ids[text] for text in texts]
    traits = [words.trait(at, "embed") for at in ids]
    pools = strata(words, traits, "matched", "embed", forms_of(words, texts), ids)
    rng = np.random.default_rng(0)
    pools.draw(200, rng)
    space = real.index.space("context.9")
    row = real.congruence(*SIZE, space="context.9", permutations=200).rows[0]
    values = []
    for counts in resamples(len(ids), rng):
        drawn = np.repeat(ids, counts.astype(int)).tolist()
        vectors = words.vectors("context.9", np.array(drawn))
        scores = [
            score(vectors[i], vectors[j], words, space.name, "centered")
            for i in range(len(ids))
            for j in range(i + 1, len(ids))
            if drawn[i] != drawn[j]
        ]
        values.append(np.mean(scores))
        if len(values) == 400:
            break
    some = interval((np.array(values) - row.controls) / row.std, len(ids))
    assert row.low == pytest.approx(some[0], abs=0.15 * (row.high - row.low))
    assert row.high == pytest.approx(some[1], abs=0.15 * (row.high - row.low))
    assert row.low < row.effect < row.high


def test_the_order_of_words_is_nothing_and_a_seed_is_everything(real: Any) -> None:
    one = real.congruence(*SIZE, permutations=200, seed=3)
    same = real.congruence(*SIZE[::-1], permutations=200, seed=3)
    other = real.congruence(*SIZE, permutations=200, seed=4)
    assert one.rows == same.rows
    assert one == real.congruence(*list(SIZE), permutations=200, seed=3)
    assert one.rows[0].controls != other.rows[0].controls
    assert one.rows[0].score == other.rows[0].score


def test_the_answer_says_how_well_the_controls_match(real: Any) -> None:
    words = Words(real.index)
    matched = {m.trait: m for m in real.congruence(*SIZE, permutations=500).meta.drawn[0].match}
    any_ = {
        m.trait: m
        for m in real.congruence(*SIZE, control="random", permutations=500).meta.drawn[0].match
    }
    ids = [words.ids[text] for text in SIZE]
    assert matched["zipf"].words == pytest.approx(words.zipf[ids].mean())
    assert matched["tokens"].words == pytest.approx(words.n_tokens[ids].mean())
    assert matched["capital"].words == pytest.approx(2 / 7)
    assert matched["norm"].words == pytest.approx(words.norms("embed")[ids].mean())
    for trait in ("zipf", "capital"):
        gap = abs(matched[trait].words - matched[trait].controls)
        assert gap < abs(any_[trait].words - any_[trait].controls)
    assert any_["zipf"].controls == pytest.approx(words.zipf.mean(), abs=0.1)


def test_the_histogram_holds_every_pair_once(real: Any) -> None:
    found = real.congruence(*SIZE, space="context.5", permutations=300)
    shown = found.meta.drawn[0].histogram
    assert (shown.space, shown.n_words, shown.n_controls) == ("context.5", 21, 300 * 21)
    assert sum(shown.words) == pytest.approx(1)
    assert sum(shown.controls) == pytest.approx(1)
    words, space = Words(real.index), real.index.space("context.5")
    vectors = words.vectors("context.5", np.array([words.ids[text] for text in SIZE]))
    pairs = [
        score(vectors[i], vectors[j], words, space.name, "centered")
        for i in range(7)
        for j in range(i)
    ]
    expected = np.histogram(pairs, shown.edges)[0] / 21
    assert shown.words == pytest.approx(expected.tolist())
    every = real.congruence(*SIZE, permutations=300)
    least = min(every.rows, key=lambda row: (row.p_corrected, -row.effect))
    assert every.meta.drawn[0].histogram.space == least.space


# -- against both kinds of control ----------------------------------------------------------


def test_both_kinds_of_control_stand_side_by_side_as_each_is_by_itself(real: Any) -> None:
    ask: dict[str, Any] = {"permutations": 300, "seed": 2}
    both = real.congruence(*SIZE, control="both", **ask)
    alone = [real.congruence(*SIZE, control=how, **ask) for how in ("matched", "random")]
    assert [row.control for row in both.rows] == ["matched", "random"] * len(alone[0].rows)
    for at, one in enumerate(alone):
        assert both.rows[at::2] == one.rows
        (drawn,) = one.meta.drawn
        assert replace(both.meta.drawn[at], histogram=None) == replace(drawn, histogram=None)
    shown = [drawn.histogram for drawn in both.meta.drawn]
    assert shown[0] == alone[0].meta.drawn[0].histogram
    assert shown[1].space == shown[0].space
    frame = both.to_pandas()
    assert frame["control"].tolist() == [row.control for row in both.rows]
    assert set(frame.groupby("space", sort=False).size()) == {2}
    lines = render(both, "csv").splitlines()
    assert len(lines) == 1 + len(both.rows)
    pictures = both.pictures()
    assert [type(one).__name__ for one in pictures] == ["Lines", "Lines", "Histogram", "Histogram"]


def test_a_table_of_both_has_a_line_a_space(real: Any) -> None:
    both = real.congruence(*SIZE, control="both", permutations=300)
    text = str(both).splitlines()
    head = next(line for line in text if line.startswith("space"))
    assert re.split(r"  +", head) == [
        "space", "score", "effect matched", "p matched", "effect random", "p random",
    ]  # fmt: skip
    matched, random = both.rows[:2]
    line = next(line for line in text if line.startswith("embed "))
    assert line.split()[2::2] == [f"{matched.effect:.2f}", f"{random.effect:.2f}"]
    assert sum(line.startswith("context.") for line in text) == 31
    assert text[0].startswith("7 words: closer to each other than matched random words, and than")


def test_where_the_kinds_of_control_disagree_it_is_said(clustered: Any) -> None:
    """Words that lie where all words like them do are close by chance of no other kind."""
    ask: dict[str, Any] = {"space": "embed", "measure": "cosine", "permutations": 2000}
    both = clustered.congruence(*CLUSTER, control="both", **ask)
    alone = [clustered.congruence(*CLUSTER, control=how, **ask) for how in ("matched", "random")]
    below = [one.rows[0].p <= 0.05 for one in alone]
    told = [note for note in both.meta.notes if "it depends on the controls" in note]
    assert len(told) == (below[0] != below[1])
    made = [
        [replace(one.rows[0], p_corrected=p) for one, p in zip(alone, ps, strict=True)]
        for ps in ((0.001, 0.6), (0.6, 0.001), (0.001, 0.002))
    ]
    for rows, said in zip(made, (True, True, False), strict=True):
        assert bool(list(apart([[row] for row in rows]))) == said
    assert not list(apart([made[0][:1]]))


@pytest.mark.parametrize("control", ["matched", "random", "both"])
def test_every_answer_says_what_was_matched(tiny: Any, control: str) -> None:
    ask: dict[str, Any] = {"control": control, "permutations": 100}
    for answer in (
        tiny.congruence("large", "huge", "tiny", **ask),
        tiny.anchored("huge", "tiny", anchor="large", **ask),
    ):
        said = " ".join(str(answer).split())
        matched = "matched: the" in said and "number of tokens, by capital, then by frequency and"
        assert bool(matched) == (control != "random")
        assert ("random: any of the" in said and "nothing is matched" in said) == (
            control != "matched"
        )


def test_words_are_read_against_both_kinds_of_control(real: Any) -> None:
    ask: dict[str, Any] = {"anchor": "large", "space": "context.8", "permutations": 200}
    both = real.anchored(*LIST, control="both", **ask)
    alone = [real.anchored(*LIST, control=how, **ask) for how in ("matched", "random")]
    for at, one in enumerate(alone):
        assert both.rows[at::2] == one.rows
        assert both.meta.whole[at] == one.meta.whole[0]
        assert both.meta.drawn[at] == one.meta.drawn[0]
    text = str(both)
    assert "z matched" in text
    assert text.count("all together: mean") == 2


# -- against an anchor ----------------------------------------------------------------------

LIST = ("huge", "Chihuahua", "tiny", "small", "enormous", "dog")


@pytest.mark.parametrize("control", ["matched", "random"])
@pytest.mark.parametrize("measure", [None, "dot", "euclidean", "whitened"])
@pytest.mark.parametrize("name", ["embed", "context.8"])
def test_scores_with_an_anchor_are_what_loops_give(
    name: str, measure: str | None, control: str, real: Any
) -> None:
    words = Words(real.index)
    texts = sorted(LIST)
    ids = [words.ids[text] for text in texts]
    traits = [words.trait(at, "embed") for at in ids]
    found = strata(words, traits, control, "embed", forms_of(words, [*LIST, "large"]), ids)
    drawn = found.draw(150, np.random.default_rng(2))
    ask = {"anchor": "large", "space": name, "measure": measure, "control": control}
    answer = real.anchored(*LIST, **ask, permutations=150, seed=2)
    whole = real.congruence(*LIST, **ask, permutations=150, seed=2).rows[0]
    assert answer.meta.whole == (whole,)
    assert [row.word for row in answer.rows] == list(LIST)
    sign = -1 if measure == "euclidean" else 1
    anchor = words.vectors(name, np.array([words.ids["large"]]))[0]
    vectors = words.vectors(name, np.arange(len(words)))
    by = answer.query.measure
    scores = np.array([score(x, anchor, words, name, by) for x in vectors])
    z_drawn = []
    rows = {row.word: row for row in answer.rows}
    for text, at, pool, place in zip(texts, ids, found.pools, drawn.T, strict=True):
        row, theirs = rows[text], scores[np.setdiff1d(pool, ids)]
        assert row.n == len(theirs)
        assert row.score == pytest.approx(scores[at])
        assert row.controls == pytest.approx(theirs.mean())
        assert row.std == pytest.approx(theirs.std())
        assert row.z == pytest.approx(sign * (scores[at] - theirs.mean()) / theirs.std())
        assert row.p == pytest.approx((1 + sum(sign * theirs >= sign * scores[at])) / (1 + row.n))
        both = scores[[at, *place]]
        z_drawn.append(sign * (both - scores[pool].mean()) / scores[pool].std())
    greatest = np.max(z_drawn, axis=0)[1:]
    for text, (own_z, *_) in zip(texts, z_drawn, strict=True):
        row, over_all = rows[text], (1 + sum(greatest >= own_z - 1e-9)) / 151
        assert row.p_corrected == pytest.approx(max(row.p, over_all))
    null = scores[drawn].mean(axis=1)
    own = scores[ids].mean()
    assert whole.score == pytest.approx(own)
    assert whole.controls == pytest.approx(null.mean())
    assert whole.effect == pytest.approx(sign * (own - null.mean()) / null.std())
    assert whole.p == pytest.approx((1 + sum(sign * null >= sign * own)) / 151)
    assert whole.low < whole.effect < whole.high


def test_an_anchor_is_asked_in_every_space_or_word_by_word(
    tiny: Any, tiny_indexes: Any, run: Run
) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama", "--permutations", "300"]
    ask = ["congruence", "--anchor", "large", "huge", "tiny", "dog", *args]
    by_space = run("explorer", *ask, "--format", "json").json()
    words = ("huge", "tiny", "dog")
    assert by_space == tiny.congruence(*words, anchor="large", permutations=300).to_dict()
    by_word = run("explorer", *ask, "--space", "embed", "--format", "json").json()
    assert by_word == tiny.anchored(*words, anchor="large", permutations=300).to_dict()
    table = run("explorer", *ask, "--space", "embed").out
    assert table.startswith("3 words: closer to large than matched random words?")
    assert "all together: mean" in table


@pytest.mark.parametrize(
    ("words", "ask", "message"),
    [
        (("large", "tall"), {"anchor": "large"}, "'large' is the anchor: leave it out"),
        (("tall",), {"anchor": "dog + cat"}, "is a sum"),
        (("tall",), {"anchor": "lagre"}, "did you mean"),
        (("tall",), {"anchor": None}, "name one"),
        ((), {"anchor": "large"}, "name words, or one of"),
    ],
)
def test_what_cannot_be_asked_of_an_anchor_is_one_line(
    words: Any, ask: dict[str, Any], message: str, real: Any
) -> None:
    with pytest.raises((QueryError, SemanticError), match=message):
        real.anchored(*words, **ask)


# -- the null -------------------------------------------------------------------------------

GROUPS, DRAWN, LEVEL = 300, 199, 0.05
NULL_SPACES = ("embed", "context.3", "context.12", "context.29")


@pytest.fixture(scope="module", params=["random", "matched"])
def null(request: pytest.FixtureRequest, real: Any) -> tuple[np.ndarray, np.ndarray]:
    """p and corrected p of random groups of 6 words: each (groups, spaces)."""
    words, index = Words(real.index), real.index
    spaces = [index.space(name) for name in NULL_SPACES]
    rng = np.random.default_rng(11)
    found = []
    for _ in range(GROUPS):
        ids = rng.choice(len(words), 6, replace=False)
        terms = [Term(Kind.WORD, text=words.texts[at]) for at in ids]
        group = Group(real._work.resolver, words, terms)
        out = forms_of(words, group.texts)
        pools = strata(words, group.traits(spaces[0]), request.param, "embed", out, group.ids)
        drawn = Drawn(words, group, None, pools.draw(DRAWN, rng), None)
        groups = ControlGroups(request.param, drawn, pools, (), ())
        rows = rows_of(
            index,
            groups,
            [in_space(drawn, checked_measure(None, index, space)) for space in spaces],
        )
        found.append([(row.p, row.p_corrected) for row in rows])
    p = np.array(found)
    return p[:, :, 0], p[:, :, 1]


def within(count: int, share: float) -> bool:
    low, high = binom.interval(0.99, GROUPS, share)
    return bool(low <= count <= high)


@pytest.mark.slow
def test_p_of_random_groups_is_uniform(null: tuple[np.ndarray, np.ndarray]) -> None:
    # p takes steps of 1 / (1 + N); spread over its step it is uniform where the test is exact.
    spread = np.random.default_rng(0).random(null[0].shape) / (1 + DRAWN)
    for p, over in zip(null[0].T, spread.T, strict=True):
        assert kstest(p - over, "uniform").pvalue > 0.01
        assert within(int((p <= LEVEL).sum()), LEVEL)


@pytest.mark.slow
def test_some_space_is_below_the_level_as_often_as_the_level_says(
    null: tuple[np.ndarray, np.ndarray],
) -> None:
    raw, corrected = (int((p.min(axis=1) <= LEVEL).sum()) for p in null)
    assert within(corrected, LEVEL)
    assert raw > binom.interval(0.99, GROUPS, LEVEL)[1]  # what the correction is for


@pytest.mark.native
def test_p_is_uniform_of_groups_that_take_up_much_of_their_part(tiny: Any) -> None:
    rng, texts = np.random.default_rng(3), Words(tiny.index).texts
    anchor = "dog"
    rest = [text for text in texts if text.casefold() != anchor]
    ask = {"space": "context.1", "control": "random", "permutations": DRAWN}
    p, groups = [], 160
    for at in range(groups):
        words = rng.choice(rest, len(rest) // 3, replace=False).tolist()
        found = tiny.congruence(*words, anchor=anchor, **ask, seed=at)
        p.append(found.rows[0].p)
    assert kstest(np.array(p) - rng.random(groups) / (1 + DRAWN), "uniform").pvalue > 0.01


@pytest.mark.native
def test_some_word_of_many_is_below_a_level_no_more_often_than_the_level_says(tiny: Any) -> None:
    rng, texts = np.random.default_rng(4), Words(tiny.index).texts
    rest = [text for text in texts if text.casefold() != "dog"]
    ask = {"anchor": "dog", "space": "context.1", "control": "random", "permutations": 999}
    least, groups = [], 200
    for at in range(groups):
        words = rng.choice(rest, 20, replace=False).tolist()
        rows = tiny.anchored(*words, **ask, seed=at).rows
        least.append(min(row.p_corrected for row in rows))
    # 20 of 186 words hold the nearest of all in one of 9 groups: p takes few, wide steps.
    for level in (0.02, LEVEL, 0.15, 0.3):
        assert (np.array(least) <= level).sum() <= binom.ppf(0.995, groups, level)
    assert min(least) < 0.15


def test_a_list_of_one_word_has_the_p_of_that_word(real: Any) -> None:
    for word in ("huge", "Chihuahua", "dog"):
        ask = {"anchor": "large", "space": "context.8"}
        row = real.anchored(word, **ask).rows[0]
        assert real.congruence(word, **ask).rows[0].p == pytest.approx(row.p, rel=0.2, abs=0.01)
        assert row.p_corrected == pytest.approx(row.p, rel=0.2, abs=0.01)
    assert real.congruence("huge", **ask).rows[0].p > 0.5 / (1 + row.n)


def test_no_p_of_few_words_is_below_what_few_groups_can_tell(tiny: Any) -> None:
    texts = Words(tiny.index).texts
    ask = {"space": "context.1", "control": "random"}
    least = 1.0
    for at in range(0, len(texts) - 1, 2):
        row = tiny.anchored(texts[at], anchor=texts[at + 1], **ask).meta.whole[0]
        least = min(least, row.p)
    assert least > 0.5 / len(texts)


CLUSTER = ("dog", "cat", "puppy", "house", "river", "mountain")


@pytest.fixture(scope="module")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tiny model in whose embeddings some unlike words lie together."""

    def plant(model: Any, tokens: dict[str, int]) -> None:
        import torch

        embedding = model.model.embed_tokens.weight
        embedding.copy_(torch.randn(embedding.shape, generator=torch.Generator().manual_seed(5)))
        middle = 1.5 * torch.randn(24, generator=torch.Generator().manual_seed(6))
        for word in CLUSTER:
            embedding[tokens[word]] = middle + 0.3 * embedding[tokens[word]]

    folder: Path = tmp_path_factory.mktemp("clustered")
    file = folder / "words.txt"
    from families import VOCABULARY_WORDS

    file.write_text("\n".join(VOCABULARY_WORDS))
    root = planted(folder, "clustered", plant, words=file)
    with explorer.open("clustered", root) as ix:
        yield ix


@pytest.mark.parametrize("measure", MEASURES)
def test_a_planted_cluster_is_found_and_others_are_not(measure: str, clustered: Any) -> None:
    ask = {"space": "embed", "measure": measure, "permutations": 999}
    row = clustered.congruence(*CLUSTER, **ask).rows[0]
    assert row.p == 1 / 1000
    assert row.effect > row.low > 2
    other = clustered.congruence("red", "tiny", "king", "Paris", "Great", "man", **ask).rows[0]
    assert other.p > 0.05


# -- what a reader is told ------------------------------------------------------------------


def test_a_group_of_the_index_is_asked_by_name(real: Any) -> None:
    found = real.congruence(group="months", space="context.10", permutations=200)
    assert found.query.group == "months"
    assert found.meta.words == 12
    assert found.rows[0].p == 1 / 201
    assert (
        found.rows == real.congruence(*found.query.words, space="context.10", permutations=200).rows
    )


def test_a_group_too_small_says_so(real: Any, tiny: Any) -> None:
    few = real.congruence("large", "huge", space="embed", permutations=500)
    assert (few.rows[0].low, few.rows[0].high) == (None, None)
    assert any("no interval" in note for note in few.meta.notes)
    assert not any("different control" in note for note in few.meta.notes)
    json.dumps(few.to_dict(), allow_nan=False)
    assert few.meta.drawn[0].distinct > 400


def test_too_few_different_control_groups_are_told_of(real: Any) -> None:
    few = real.congruence("large", "huge", "tiny", space="embed", permutations=15)
    note = "only 15 different control groups were drawn: no p can be much below 0.062"
    assert any(note in one for one in few.meta.notes)
    enough = real.congruence("large", "huge", "tiny", space="embed", permutations=20)
    assert not any("different control groups" in one for one in enough.meta.notes)


def test_groups_are_told_apart_by_their_words_and_not_by_their_order() -> None:
    drawn = np.random.default_rng(0).integers(0, 6, (3000, 3))
    assert distinct(drawn) == len({tuple(sorted(row)) for row in drawn.tolist()})


def test_forms_of_one_word_are_told_of(real: Any) -> None:
    found = real.congruence("large", "Large", "tall", space="embed", permutations=200)
    assert "Large, large: forms of one word, which bring any group closer" in found.meta.notes


def test_sinks_are_named_where_they_are(real: Any) -> None:
    rows = real.index.sql("SELECT text, sink FROM word")
    sinks = {text: sink for text, sink in rows if any(sink)}
    texts = [*list(sinks)[:2], "large", "huge"]
    for row in real.congruence(*texts, permutations=100).rows[1:]:
        layer = real.index.context_names.index(row.space)
        assert set(row.sinks) == {t for t in texts if t in sinks and sinks[t][layer]}


def test_a_word_that_is_not_indexed_is_run_and_matched_as_the_rarest(
    real: Any, real_indexes: Path, run: Run
) -> None:
    assert real.index.words.by_text("zygote") is None
    words = ("large", "huge", '"zygote"')
    done = run(
        "explorer", "congruence", *words, "--space", "context.4", "--permutations", "200",
        "--format", "json", "--indexes", str(real_indexes),
    )  # fmt: skip
    assert done.code == 0, done.err
    assert "'zygote' is not indexed" in done.err
    answer = done.json()
    assert any(note.startswith("not indexed: zygote;") for note in answer["meta"]["notes"])
    matched = {m["trait"]: m for m in answer["meta"]["drawn"][0]["match"]}
    all_ = Words(real.index)
    zipf = [*(all_.zipf[all_.ids[text]] for text in words[:2]), all_.zipf.min()]
    assert matched["zipf"]["words"] == pytest.approx(np.mean(zipf))


@pytest.mark.parametrize(
    ("words", "ask", "message"),
    [
        (("large",), {}, "1 word: a word has no pairs; name two or more"),
        ((), {}, "name words, or one of the index's groups"),
        (("large", "tall"), {"group": "size"}, "one of the two"),
        (("large", "tall", "large"), {}, "'large' given twice"),
        (("large", '"large"'), {}, "'large' given twice"),
        ((), {"group": "siz"}, "no group 'siz'; did you mean 'size'.*colours"),
        (("large", "lagre"), {}, "did you mean"),
        (("large", "dog + cat"), {}, "is a sum; a group is of single words"),
        (("large", "L1N2.out"), {}, "is a neuron; a group is of words"),
        (("large", "#12"), {}, "is a token id; a group is of words"),
        (("large", "dog@context.1"), {}, "name the space"),
        (("large", ""), {}, "the expression is empty"),
        ([f"w{i}" for i in range(501)], {}, "501 words: ask for 500"),
        ((), {"group": "size", "space": "neuron.out"}, "holds neurons, and a group is of words"),
        ((), {"group": "size", "space": "contxt.1"}, "did you mean 'context.1'"),
        ((), {"group": "size", "measure": "cosin"}, "did you mean 'cosine'"),
        ((), {"group": "size", "control": "match"}, "did you mean 'matched'"),
        ((), {"group": "size", "control": "boht"}, "did you mean 'both'"),
        (("size",), {}, "1 word: a word has no pairs; name two or more, or ask .* group=size"),
        ((), {"group": "size", "permutations": 9}, "permutations=9: of 20 words ask for 10 to"),
        ((), {"group": "size", "permutations": 10**6}, "ask for 10 to 100,000"),
        ((), {"group": "size", "seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    words: Any, ask: dict[str, Any], message: str, real: Any
) -> None:
    with pytest.raises((QueryError, SemanticError), match=message):
        real.congruence(*words, **ask)


# -- the program ----------------------------------------------------------------------------


def test_the_program_answers_as_python_does(tiny: Any, tiny_indexes: Any, run: Run) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama", "--permutations", "300"]
    done = run("explorer", "congruence", "large", "huge", "tiny", "--format", "json", *args)
    assert (done.code, done.err) == (0, "")
    assert done.json() == tiny.congruence("large", "huge", "tiny", permutations=300).to_dict()
    table = run("explorer", "congruence", "--group", "size", *args)
    assert (table.code, table.err) == (0, "")
    assert table.out.startswith("group size: closer to each other than matched random words? by")
    lines = run("explorer", "congruence", "--group", "size", "--format", "csv", *args)
    assert len(lines.out.splitlines()) == 6


def test_words_come_from_a_file(tiny: Any, tiny_indexes: Any, run: Run, tmp_path: Path) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama", "--permutations", "300"]
    file = tmp_path / "words.txt"
    file.write_text("large\n\n  huge \nGreat Dane\n", "utf-8")
    done = run("explorer", "congruence", "--file", str(file), "--format", "json", *args)
    expected = tiny.congruence("large", "huge", "Great Dane", permutations=300)
    assert done.json() == expected.to_dict()
    file.write_bytes(b"\xff\xfe")
    for path, said in [(str(file), "is not UTF-8"), ("nowhere", "no such file")]:
        refused = run("explorer", "congruence", "--file", path, *args)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err
    both = run("explorer", "congruence", "large", "--file", str(file), *args)
    assert (both.code, "not both" in both.err) == (2, True)


def test_ctrl_c_stops_it_at_once(real_indexes: Path) -> None:
    command = [BIN / "explorer", "congruence", "--group", "countries", "--permutations", "100000"]
    child = subprocess.Popen(
        [*command, "--control", "random", "--measure", "euclidean", "--indexes", real_indexes],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    reads(child.pid, ".faiss")  # it has begun, and would take many times as long
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out, err.strip()) == (130, "", "explorer: interrupted")
