"""Standard test sets: against gensim on the same vectors, and against each question asked alone."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from gensim.models import KeyedVectors
from gensim.test.utils import datapath
from hypothesis import given, settings
from hypothesis import strategies as st

import explorer
from conftest import BIN, ROOT, Run
from explorer.compute.evaluate_analogies import _Covered, _right
from explorer.errors import QueryError
from explorer.measures import MEASURES
from explorer.measures.cosine import Cosine
from explorer.measures.registry import checked_measure
from explorer.questions.choices import Case
from explorer.resolve import folded
from explorer.show.formats import render
from explorer.testsets import offsets
from explorer.testsets.files import read_questions
from explorer.testsets.lexicon import Lexicon, lexicon
from explorer.testsets.offsets import best_answers
from indexer.store.errors import SemanticError
from processes import PATIENCE, reads, shown_in
from whitening import whitener

QUESTIONS = datapath("questions-words.txt")
PAIRS = [datapath("wordsim353.tsv"), datapath("simlex999.txt")]


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Path) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


@pytest.fixture(scope="module")
def gensim(real: Any) -> KeyedVectors:
    """The word-like tokens of `embed`, at their own length, as gensim holds vectors."""
    space, ids = real.index.space("embed"), real.index.tokens.word_like
    rows = space.rows.take(ids) * space.norms[ids, None]
    vectors = KeyedVectors(rows.shape[1])
    vectors.add_vectors([token.text[1:] for token in real.index.tokens.by_id(ids)], rows)
    assert vectors.vectors.dtype == np.float32
    return vectors


@pytest.fixture(scope="module")
def some_questions(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Every 30th question of the file: gensim takes 10 ms a question."""
    path = tmp_path_factory.mktemp("questions") / "some.txt"
    lines = Path(QUESTIONS).read_text().splitlines()
    path.write_text("\n".join(x for at, x in enumerate(lines) if x.startswith(":") or at % 30 == 0))
    return str(path)


def counts(sections: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(len(one["correct"]), len(one["incorrect"])) for one in sections]


# -- against gensim -------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("case_insensitive", "case"), [(True, "fold"), (False, "exact")])
def test_analogies_count_as_gensim_counts_them(
    real: Any, gensim: KeyedVectors, some_questions: str, case_insensitive: bool, case: str
) -> None:
    score, sections = gensim.evaluate_word_analogies(
        some_questions, case_insensitive=case_insensitive
    )
    rows = real.evaluate_analogies(some_questions, case=case, depth=5, sections=True).rows
    assert [row.section for row in rows[:-1]] == [one["section"] for one in sections[:-1]]
    assert [(row.correct, row.covered - row.correct) for row in rows] == counts(sections)
    assert rows[-1].section == "total"
    assert rows[-1].accuracy == score
    assert rows[-1].covered > 300


def test_restricted_analogies_count_as_gensim_counts_them(real: Any, gensim: KeyedVectors) -> None:
    """All of the standard questions that the first 3,000 words can answer."""
    _, sections = gensim.evaluate_word_analogies(QUESTIONS, restrict_vocab=3000)
    _, dummies = gensim.evaluate_word_analogies(QUESTIONS, restrict_vocab=3000, dummy4unknown=True)
    rows = real.evaluate_analogies(
        QUESTIONS, case="fold", depth=5, restrict=3000, sections=True
    ).rows
    assert [(row.correct, row.covered - row.correct) for row in rows] == counts(sections)
    assert [(row.correct, row.asked - row.correct) for row in rows] == counts(dummies)
    assert rows[-1].of_asked == rows[-1].correct / 19_544


@pytest.mark.slow
@settings(max_examples=60)
@given(data=st.data(), case_insensitive=st.booleans())
def test_of_many_forms_of_a_word_gensim_looks_at_five(
    real: Any, tmp_path_factory: Any, data: Any, case_insensitive: bool
) -> None:
    """Few words in many forms, so that forms of a, b and c take the first five places."""
    texts = data.draw(
        st.lists(st.sampled_from(FORMS), min_size=12, max_size=len(FORMS), unique=True)
    )
    space, near, taken = real.index.space("embed"), {}, set()
    for word, middle in zip(("dog", "cat", "sun"), data.draw(IDS), strict=True):
        # Forms of a word are near each other, so that they compete for the first places.
        order = np.argsort(-space.scan(space.rows.row(middle)), kind="stable").tolist()
        near[word] = [at for at in order if at not in taken][:8]
        taken |= set(near[word])
    positions = np.array([near[text.lower()].pop() for text in texts])
    known = Lexicon(positions, tuple(texts), "word", "fold" if case_insensitive else "exact", "")
    asked = [
        question
        for question in data.draw(
            st.lists(st.tuples(*[st.sampled_from(texts)] * 4), min_size=1, max_size=20)
        )
        if folded(question[3]) not in {folded(word) for word in question[:3]}
    ]
    if not asked:
        return
    vectors = KeyedVectors(space.entry.width)
    vectors.add_vectors(texts, space.rows.take(positions) * space.norms[positions, None])
    path = tmp_path_factory.mktemp("forms") / "q.txt"
    path.write_text("\n".join([": s", *map(" ".join, asked)]))
    _, sections = vectors.evaluate_word_analogies(str(path), case_insensitive=case_insensitive)
    places = np.array([[known.find(word) for word in question] for question in asked])
    these = _Covered(places, np.zeros(len(asked), np.int64))
    right = _right(Cosine(space), known, these, "add", 5, lambda: None)
    assert int(right.left_out.sum()) == len(sections[0]["correct"])


FORMS = [
    "".join(letters)
    for word in ("dog", "cat", "sun")
    for letters in np.stack(
        np.meshgrid(*[[c, c.upper()] for c in word], indexing="ij"), axis=-1
    ).reshape(-1, 3)
]


IDS = st.lists(st.integers(300, 49_000), min_size=3, max_size=3, unique=True)


@pytest.mark.parametrize("file", PAIRS, ids=["wordsim353", "simlex999"])
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({}, {"case": "fold"}),
        ({"case_insensitive": False}, {"case": "exact"}),
        ({"restrict_vocab": 4000}, {"case": "fold", "restrict": 4000}),
        ({"dummy4unknown": True}, {"case": "fold", "missing_as_zero": True}),
    ],
)
def test_similarity_correlates_as_in_gensim(
    real: Any, gensim: KeyedVectors, file: str, theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    pearson, spearman, missing = gensim.evaluate_word_pairs(file, **theirs)
    row = real.evaluate_similarity(file, measure="cosine", **ours).rows[0]
    assert row.spearman == pytest.approx(spearman.statistic, abs=1e-12)
    assert row.spearman_p == pytest.approx(spearman.pvalue, rel=1e-9)
    # gensim's cosines are float32.
    assert row.pearson == pytest.approx(pearson.statistic, abs=1e-7)
    assert row.pearson_p == pytest.approx(pearson.pvalue, rel=1e-4)
    assert row.missing == pytest.approx(missing / 100)


# -- against each question asked alone ------------------------------------------------------

RUNS = [
    ("embed", "cosine", "add"),
    ("embed", "dot", "add"),
    ("embed", "centered", "add"),
    ("embed", "euclidean", "add"),
    ("embed", "cosine", "mul"),
    ("embed", "centered", "mul"),
    ("context.9", "centered", "add"),
    ("context.30", "cosine", "mul"),
    ("context.20", "euclidean", "add"),
    ("embed", "whitened", "add"),
    ("context.12", "whitened", "mul"),
]


def covered(ix: Any, known: Lexicon, count: int) -> list[list[int]]:
    """Places of the words of so many covered questions, spread over the file."""
    found = []
    for words in read_questions(QUESTIONS).words:
        places = [known.find(word) for word in words]
        if None not in places:
            found.append(places)
    return found[:: max(1, len(found) // count)]


@pytest.mark.slow
@pytest.mark.parametrize(("space", "measure", "method"), RUNS)
@pytest.mark.parametrize("case", ["exact", "written"])
def test_each_answer_is_what_the_question_alone_gets(
    real: Any, space: str, measure: str, method: str, case: str
) -> None:
    home = real.index.space(space)
    known = lexicon(real.index, home, "all", case, None)
    questions = np.array(covered(real, known, 12))[:, :3]
    assert len(questions) >= 12
    by = checked_measure(measure, real.index, home)
    found = best_answers(by, known, questions, method)
    options: dict[str, Any] = {"space": space, "measure": measure, "k": 1}
    for at, places in enumerate(questions.tolist()):
        a, b, c = (f'"{known.texts[place].strip()}"' for place in places)
        asked = f"{b} - {a} + {c}"
        alone = real.analogy(asked, method=method, distinct=case != "exact", **options).rows[0]
        assert known.texts[found.left_out[at]] == alone.text
        kept = real.analogy(asked, method=method, include_inputs=True, **options).rows[0]
        assert known.texts[found.kept_in[at]] == kept.text
        near = real.neighbors(c, **{**options, "k": 40}).rows
        own = {known.texts[form] for place in places for form in known.same(place)}
        assert known.texts[found.alone[at]] == next(r.text for r in near if r.text not in own)


def test_answers_do_not_depend_on_how_many_are_found_at_once(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = real.index.space("embed")
    known = lexicon(real.index, home, "word-like", "fold", 5000)
    questions = np.array(covered(real, known, 100))[:, :3]

    def all_of(measure: str, method: str) -> list[list[int]]:
        by = checked_measure(measure, real.index, home)
        found = best_answers(by, known, questions, method)
        return [
            getattr(found, name).tolist() for name in ("left_out", "kept_in", "alone", "before")
        ]

    runs = [("cosine", "add"), ("euclidean", "add"), ("centered", "mul"), ("whitened", "add")]
    whole = [all_of(*run) for run in runs]
    monkeypatch.setattr(offsets, "CANDIDATES_AT_ONCE", 333)
    monkeypatch.setattr(offsets, "_QUESTIONS_AT_ONCE", 7)
    assert [all_of(*run) for run in runs] == whole
    assert offsets.steps(known, 10) == 16
    assert len({tuple(answers[0]) for answers in whole}) == 4


def test_among_equals_the_first_candidate_is_the_answer(
    real: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offsets, "CANDIDATES_AT_ONCE", 2)
    king, man, woman, queen = (
        real.index.tokens.by_text(f" {word}").id for word in ("king", "man", "woman", "queen")
    )
    rows = np.array([man, king, woman, 40, queen, 50, queen, queen])
    known = Lexicon(rows, tuple("abcdefgh"), "word", "exact", "")
    found = best_answers(Cosine(real.index.space("embed")), known, np.array([[0, 1, 2]]), "add")
    assert (found.left_out.tolist(), found.alone.tolist()) == ([4], [4])


def test_counts_are_those_of_questions_asked_one_by_one(real: Any) -> None:
    """The whole way from a file, in a space of words, every token of it by hand."""
    words = read_questions(QUESTIONS).words
    indexed = {word for (word,) in real.index.sql("SELECT text FROM word")}
    asked = [q for q in words if set(q) <= indexed][::24]
    assert len(asked) > 10
    lines = [": s", *map(" ".join, asked)]
    row = real.evaluate_analogies(lines, space="context.6", measure="cosine", sections=False).rows[
        0
    ]
    assert (row.asked, row.covered) == (len(asked), len(asked))
    options: dict[str, Any] = {"space": "context.6", "measure": "cosine", "k": 1}

    def right(text: str, d: str, **more: Any) -> bool:
        return bool(folded(real.analogy(text, **options, **more).rows[0].text) == folded(d))

    assert row.correct == sum(right(f"{b} - {a} + {c}", d, distinct=True) for a, b, c, d in asked)
    assert row.correct_kept_in == sum(
        right(f"{b} - {a} + {c}", d, include_inputs=True) for a, b, c, d in asked
    )
    assert row.accuracy == row.correct / row.covered


def test_similarity_in_a_context_space_is_that_of_the_formula(real: Any) -> None:
    index, space = real.index, real.index.space("context.12")
    rows = space.rows.block(0, space.entry.rows).astype(np.float64) * space.norms[:, None]
    ids = dict(index.sql("SELECT text, id FROM word"))
    lines = [line for line in Path(PAIRS[1]).read_text().splitlines() if not line.startswith("#")]
    pairs = [(a, b, float(s)) for a, b, s in (line.split("\t") for line in lines)]
    kept = [(ids[a], ids[b], s) for a, b, s in pairs if a in ids and b in ids]
    found = {
        row.measure: row
        for row in real.evaluate_similarity(
            PAIRS[1], space="context.12", measure="all", case="exact"
        ).rows
    }
    ratings = np.array([s for _, _, s in kept])
    x, y = rows[[a for a, _, _ in kept]], rows[[b for _, b, _ in kept]]
    mean, matrix = rows.mean(axis=0), whitener(rows)

    def cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.vecdot(x, y) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)

    scores = {
        "dot": np.vecdot(x, y),
        "cosine": cosine(x, y),
        "centered": cosine(x - mean, y - mean),
        "euclidean": np.linalg.norm(x - y, axis=1),
        "whitened": cosine((x - mean) @ matrix, (y - mean) @ matrix),
    }
    assert list(found) == list(scores)
    for measure, values in scores.items():
        row = found[measure]
        assert (row.pairs, row.covered, row.n) == (999, len(kept), len(kept))
        assert row.pearson == pytest.approx(np.corrcoef(ratings, values)[0, 1], abs=1e-5)
        ranks = [
            np.array([(v < one).sum() + (v <= one).sum() for one in v]) for v in (ratings, values)
        ]
        assert row.spearman == pytest.approx(np.corrcoef(*ranks)[0, 1], abs=1e-5)


# -- words and candidates -------------------------------------------------------------------


def test_a_word_is_found_as_it_is_written_or_as_gensim_finds_it(real: Any) -> None:
    index = real.index
    embed = index.space("embed")
    found = {case: lexicon(index, embed, "word-like", case, None) for case in get_args(Case)}

    def text(case: str, word: str) -> str | None:
        place = found[case].find(word)
        return None if place is None else found[case].texts[place]

    assert text("written", "Turkey") == " Turkey"
    assert text("written", "turkey") == " turkey"
    first = min(found["exact"].find("Turkey"), found["exact"].find("turkey"))
    assert text("fold", "TURKEY") == found["exact"].texts[first]
    assert text("written", "TURKEY") is None
    assert text("exact", "TURKEY") is None
    assert text("exact", "turkey") == " turkey"
    assert found["fold"].same(first) == sorted(
        at for at, t in enumerate(found["fold"].texts) if t.strip().casefold() == "turkey"
    )
    assert found["exact"].same(first) == [first]
    assert [token.text for token in index.tokens.by_id(found["fold"].positions[:50])] == list(
        found["fold"].texts[:50]
    )


def test_candidates_are_the_most_frequent_first(real: Any) -> None:
    index = real.index
    words = lexicon(index, index.space("context.3"), "word-like", "written", 200)
    zipf = dict(index.sql("SELECT text, zipf FROM word"))
    assert len(words) == 200
    assert [zipf[t] for t in words.texts] == sorted(zipf.values(), reverse=True)[:200]
    assert [w.text for w in index.words.by_id(words.positions)] == list(words.texts)
    assert words.population == "200 most frequent of 1,500 indexed words"
    tokens = lexicon(index, index.space("embed"), "all", "written", None)
    assert (len(tokens), tokens.population) == (49_152, "49,152 tokens")


def test_candidates_that_are_no_words_take_answers_away(real: Any) -> None:
    lines = Path(QUESTIONS).read_text().splitlines()
    some = [line for at, line in enumerate(lines) if line.startswith(":") or at % 40 == 0]
    words, every = (
        real.evaluate_analogies(some, tokens=tokens, sections=False).rows[0]
        for tokens in ("word-like", "all")
    )
    assert every.covered >= words.covered
    assert real.evaluate_analogies(some, restrict=2000, sections=False).rows[0].covered < (
        words.covered
    )


def test_coverage_says_which_words_are_not_there(tiny: Any) -> None:
    lines = [": s", "dog cat red blue", "dog cat red Zanzibar", ": t", "Zanzibar cat king queen"]
    found = tiny.evaluate_analogies(lines, space=["embed", "context.1", "context.2"], sections=True)
    total = [row for row in found.rows if row.section == "total"]
    assert [(r.space, r.asked, r.covered) for r in total] == [
        ("embed", 3, 1), ("context.1", 3, 1), ("context.2", 3, 1),
    ]  # fmt: skip
    empty = next(row for row in found.rows if row.section == "t")
    assert (empty.asked, empty.covered, empty.accuracy, empty.of_asked) == (1, 0, None, 0.0)
    tokens, words = found.meta.coverage
    assert (tokens.spaces, words.spaces) == (("embed",), ("context.1", "context.2"))
    assert (tokens.words, tokens.missing) == (7, ("Zanzibar",))
    assert "embed: 6 of 7 words are among 43 word-like tokens; not there: Zanzibar" in str(found)
    assert "compare rows of one kind" in str(found)


def test_a_pair_that_is_not_there_is_left_out_or_scored_zero(tiny: Any) -> None:
    lines = ["dog cat 7", "red blue 6", "dog red 2", "Zanzibar dog 1"]
    row = tiny.evaluate_similarity(lines).rows[0]
    assert (row.pairs, row.covered, row.n, row.missing) == (4, 3, 3, 0.25)
    zero = tiny.evaluate_similarity(lines, missing_as_zero=True).rows[0]
    assert (zero.pairs, zero.covered, zero.n) == (4, 3, 4)
    scores = [tiny.analogy(*line.split()[:2]).meta.target.score for line in lines[:3]]
    expected = np.corrcoef([7, 6, 2, 1], [*scores, 0])[0, 1]
    assert zero.pearson == pytest.approx(expected, abs=1e-6)
    for measure in ("euclidean", "all"):
        with pytest.raises(QueryError, match="0 is the nearest there is"):
            tiny.evaluate_similarity(lines, measure=measure, missing_as_zero=True)


def test_too_few_pairs_or_equal_ones_have_no_correlation(tiny: Any) -> None:
    for lines in (["dog cat 7", "red blue 6"], ["dog cat 5", "red blue 5", "dog red 5"]):
        found = tiny.evaluate_similarity(lines)
        row = found.rows[0]
        assert (row.spearman, row.spearman_p, row.pearson, row.pearson_p) == (None,) * 4
        assert "NaN" not in json.dumps(found.to_dict(), allow_nan=False)


# -- as a person asks -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        ({"space": "embd"}, "did you mean 'embed'"),
        ({"space": "neuron.gate"}, "holds neurons and no words"),
        ({"measure": "cosin"}, "did you mean 'cosine'"),
        ({"measure": ["all", "dott"]}, "no measure 'dott'; did you mean 'dot'"),
        ({"method": "mull"}, "did you mean 'mul'"),
        ({"method": "mul", "measure": "dot"}, "needs measure=cosine, centered or whitened"),
        ({"tokens": "al"}, "did you mean 'all'"),
        ({"case": "folded"}, "did you mean 'fold'"),
        ({"restrict": 0}, "restrict=0"),
        ({"depth": 0}, "depth=0"),
        ({"space": "embed", "all_layers": True}, "leave out space"),
        ({"file": [": s", "xq yq zq wq"]}, "no question has all its words among 43 word-like"),
    ],
)
def test_what_cannot_be_asked_is_one_line(ask: dict[str, Any], said: str, tiny: Any) -> None:
    asked = {"file": [": s", "dog cat red blue"], **ask}
    with pytest.raises(SemanticError) as caught:
        tiny.evaluate_analogies(**asked)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_no_covered_pair_is_one_line(tiny: Any) -> None:
    with pytest.raises(QueryError, match="no pair has all its words among 43 word-like"):
        tiny.evaluate_similarity(["Zanzibar dog 3"])


def test_the_product_is_asked_by_cosines_alone(tiny: Any) -> None:
    found = tiny.evaluate_analogies(
        [": s", "dog cat red blue"], measure="all", method=["add", "mul"]
    )
    assert [(row.measure, row.method) for row in found.rows] == [
        ("dot", "add"), ("cosine", "add"), ("cosine", "mul"), ("centered", "add"),
        ("centered", "mul"), ("euclidean", "add"), ("whitened", "add"), ("whitened", "mul"),
    ]  # fmt: skip
    assert "it was asked by cosine, centered and whitened alone" in str(found)


def test_the_program_answers_as_python_does(
    tiny: Any, tiny_indexes: Path, tmp_path: Path, run: Run
) -> None:
    place = ["--indexes", str(tiny_indexes), "--index", "llama"]
    (tmp_path / "q.txt").write_text(": s\ndog cat red blue\nking queen Paris Zanzibar\n")
    (tmp_path / "p.txt").write_text("dog\tcat\t7\nred\tblue\t6\ndog\tred\t2\n")
    asked = ["explorer", "evaluate", "analogies", str(tmp_path / "q.txt"), *place, "--format"]
    more = ["--space", "embed", "--space", "context.1", "--measure", "dot", "--sections"]
    analogies = tiny.evaluate_analogies(
        tmp_path / "q.txt", space=["embed", "context.1"], measure="dot", sections=True
    )
    assert run(*asked, "json", *more).json() == json.loads(json.dumps(analogies.to_dict()))
    done = run(*asked, "csv", "--all-layers")
    layers = tiny.evaluate_analogies(tmp_path / "q.txt", all_layers=True).rows
    assert [(r["space"], int(r["correct"])) for r in csv.DictReader(io.StringIO(done.out))] == [
        (row.space, row.correct) for row in layers
    ]
    assert len(layers) == 5
    table = run(*asked, "table")
    assert (table.code, table.err) == (0, "")
    assert table.out.splitlines()[0] == "analogies of q.txt  by 3CosAdd"
    assert table.out.splitlines()[5].split()[:5] == ["embed", "cosine", "total", "2", "1"]
    page = run(*asked, "markdown").out.splitlines()
    assert page[2] == (
        "| space | measure | section | asked | covered | correct | accuracy | kept in | c alone "
        "| of asked |"
    )
    assert page[3].split(" | ")[3:] == ["---:"] * 6 + ["---: |"]
    similarity = ["explorer", "evaluate", "similarity", str(tmp_path / "p.txt"), *place]
    similarity += ["--measure", "all"]
    pairs = tiny.evaluate_similarity(tmp_path / "p.txt", measure="all")
    assert run(*similarity, "--format", "json").json() == pairs.to_dict()
    shown = run(*similarity)
    assert (shown.code, shown.err) == (0, "")
    assert f"{pairs.rows[1].spearman:+.4f}" in shown.out
    assert "euclidean is a distance" in shown.out


@pytest.mark.parametrize("kind", ["analogies", "similarity"])
def test_a_file_that_is_none_is_refused_in_one_line(
    kind: str, tiny_indexes: Path, tmp_path: Path, run: Run
) -> None:
    place = ["--indexes", str(tiny_indexes), "--index", "llama"]
    (tmp_path / "bytes.txt").write_bytes(b": s\n\xff\xfe\n")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "three.txt").write_text(": s\ndog cat red blue\ndog cat red\n")
    for file in ("bytes.txt", "empty.txt", "three.txt", "none.txt", "."):
        done = run("explorer", "evaluate", kind, file, *place)
        assert (done.code, done.out) == (2, "")
        assert len(done.err.splitlines()) == 1
        assert done.err.startswith("explorer: ")
        assert file in done.err


@pytest.mark.slow
@pytest.mark.parametrize("page", ["analogies", "similarity"])
def test_the_page_of_results_shows_what_embed_answers(real: Any, page: str) -> None:
    """Tokens are the same whatever words are indexed; rows of words follow from the same code."""
    shown = (ROOT / "docs" / "results" / f"{page}.md").read_text("utf-8").splitlines()
    measures = ["dot", "cosine", "centered", "whitened"]
    found = (
        [real.evaluate_analogies(QUESTIONS, measure=measures)]
        if page == "analogies"
        else [real.evaluate_similarity(file, measure=measures) for file in PAIRS]
    )
    lines = [x for one in found for x in render(one, "markdown").splitlines() if "| embed" in x]
    assert len(lines) == 4 * len(found)
    assert set(lines) <= set(shown)


def test_without_a_test_set_it_is_said_which_there_are(run: Run) -> None:
    done = run("explorer", "evaluate")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "explorer: ask something: analogies, similarity "
        "(`explorer evaluate --help` says what each answers)\n"
    )


def test_only_correlations_load_scipy(tiny_indexes: Path, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text(": s\ndog cat red blue\n")
    code = (
        "import sys; from explorer.cli import cli\n"
        "cli.main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'scipy', 'torch', 'gensim', 'rich'} & set(sys.modules)"
    )
    args = ["evaluate", "analogies", str(tmp_path / "q.txt"), "--index", "llama"]
    command = [sys.executable, "-c", code, *args, "--indexes", tiny_indexes, "--format", "json"]
    subprocess.run(command, check=True, capture_output=True)


def test_progress_is_told_step_by_step(tiny: Any) -> None:
    told: list[tuple[str, int, int]] = []
    tiny.evaluate_analogies(
        [": s", "dog cat red blue"],
        all_layers=True,
        measure=["dot", "cosine"],
        progress=lambda *step: told.append(step),
    )
    assert [(done, total) for _, done, total in told] == [(at, 10) for at in range(1, 11)]
    assert told[0][0] == "embed by dot"
    assert told[-1][0] == "context.3 by cosine"


@pytest.mark.native
def test_a_bar_is_drawn_on_a_terminal_and_the_answer_stays_on_stdout(real_indexes: Path) -> None:
    terminal, end = os.openpty()
    command = [BIN / "explorer", "evaluate", "analogies", QUESTIONS, "--indexes", real_indexes]
    asked = [*command, "--measure", "all", "--format", "json"]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=end) as child:
        os.close(end)
        drawn = shown_in(terminal)
        assert child.stdout is not None
        answer = json.loads(child.stdout.read())
    assert child.returncode == 0
    assert len(answer["rows"]) == len(MEASURES)
    assert b"embed by euclidean" in drawn
    assert b"%" in drawn


def test_a_run_that_is_interrupted_ends_at_once(real_indexes: Path) -> None:
    command = [BIN / "explorer", "evaluate", "analogies", QUESTIONS, "--indexes", real_indexes]
    asked = [*command, "--all-layers", "--measure", "all", "--method", "add", "--method", "mul"]
    child = subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reads(child.pid, ".faiss")  # it has begun, and would take many times as long
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out) == (130, "")
    assert err.split("\n")[-2] == "explorer: interrupted"
