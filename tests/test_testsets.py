"""Files of test sets: what is read of them, and which line is named where there is a fault."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from gensim.test.utils import datapath
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import QueryError
from explorer.testsets.files import read_pairs, read_questions
from explorer.testsets.named import NamedSet, named_sets, path_of

WORD = st.text("abcXYZ'é-", min_size=1, max_size=6)


def test_the_standard_questions_are_read_whole() -> None:
    found = read_questions(datapath("questions-words.txt"))
    assert (found.name, len(found.words), len(found.sections)) == (
        "questions-words.txt",
        19_544,
        14,
    )
    assert found.words[0] == ("Athens", "Greece", "Baghdad", "Iraq")
    assert found.sections[found.section_of[0]] == "capital-common-countries"
    assert found.sections[found.section_of[-1]] == "gram9-plural-verbs"
    assert found.section_of.count(found.sections.index("family")) == 506


@pytest.mark.parametrize(
    ("file", "count", "first"),
    [
        ("wordsim353.tsv", 353, (("love", "sex"), 6.77)),
        ("simlex999.txt", 999, (("old", "new"), 1.58)),
    ],
)
def test_the_standard_pairs_are_read_whole(
    file: str, count: int, first: tuple[tuple[str, str], float]
) -> None:
    found = read_pairs(datapath(file))
    assert (len(found.words), len(found.ratings)) == (count, count)
    assert (found.words[0], found.ratings[0]) == first
    by_name = read_pairs(datapath(file), "Human (mean)")
    assert (by_name.words, by_name.ratings) == (found.words, found.ratings)


@given(st.lists(st.lists(st.tuples(WORD, WORD, WORD, WORD), max_size=3), min_size=1, max_size=3))
def test_questions_are_read_back_as_they_were_written(
    sections: list[list[tuple[str, str, str, str]]],
) -> None:
    lines = [line for at, s in enumerate(sections) for line in (f": s{at}", *map(" ".join, s), "")]
    if not any(sections):
        with pytest.raises(QueryError, match="lines holds no questions"):
            read_questions(lines)
        return
    found = read_questions(lines)
    assert found.words == tuple(question for section in sections for question in section)
    assert found.sections == tuple(f"s{at}" for at in range(len(sections)))
    assert list(found.section_of) == [at for at, s in enumerate(sections) for _ in s]


SIMLEX = ["word1\tword2\tPOS\tSimLex999", "old\tnew\tA\t1.58", "smart\tbright\tA\t9.2"]


def test_a_column_is_chosen_by_number_or_name() -> None:
    for column in (4, "4", "SimLex999"):
        found = read_pairs(SIMLEX, column)
        assert found.ratings == (1.58, 9.2)
        assert found.words == (("old", "new"), ("smart", "bright"))
        assert found.header == SIMLEX[0]
    assert read_pairs([line.replace("\t", ";") for line in SIMLEX], 4).ratings == (1.58, 9.2)
    assert read_pairs([line.replace("\t", "  ") for line in SIMLEX], 4).ratings == (1.58, 9.2)
    assert read_pairs([line.replace("\t", "|") for line in SIMLEX], 4, "|").ratings == (1.58, 9.2)
    assert read_pairs(["a,b,1", "# no pair", "", "c,d,2"]).ratings == (1, 2)


def test_a_mark_of_byte_order_and_foreign_line_ends_are_no_part_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "bom.txt"
    path.write_bytes(b"\xef\xbb\xbf: s\r\na b c d\r\n")
    found = read_questions(path)
    assert (found.sections, found.words) == (("s",), (("a", "b", "c", "d"),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (": s\na b c d\na b c\n", "f.txt, line 3: 'a b c' has 3 words; a question has four"),
        (": s\na b c d e\n", "line 2: 'a b c d e' has 5 words"),
        (": s\nking\n", "has 1 word;"),
        ("\na b c d\n", "line 2: 'a b c d' stands before the first section"),
        ("", "f.txt holds no questions"),
        (": s\n\n: t\n", "f.txt holds no questions"),
    ],
)
def test_what_is_no_question_is_named_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text(text)
    with pytest.raises(QueryError) as caught:
        read_questions(path)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("a\tb\t1\nc\td\n", 3, "f.txt, line 2: 'c d' has no two words and a number in column 3"),
        ("a\tb\t1\nc\td\tx\n", 3, "line 2: 'c d x'"),
        ("a\tb\t1\nc\td\tnan\n", 3, "line 2: 'c d nan'"),
        ("a\tb\t1\n\td\t2\n", 3, "line 2"),
        (
            "\n".join(SIMLEX),
            3,
            "line 2: 'old new A 1.58' has no two words and a number in column 3",
        ),
        ("\n".join(SIMLEX), "SimLex", "no column 'SimLex'; did you mean 'SimLex999'?"),
        ("a\tb\t1\n", 2, "column=2: columns 1 and 2 hold the words"),
        ("a\tb\t1\n", "0", "column=0"),
        ("word1\tword2\tscore\n", 3, "f.txt holds no pairs"),
        ("# a comment\n", 3, "f.txt holds no pairs"),
    ],
)
def test_what_is_no_pair_is_named_with_its_line(
    text: str, column: str | int, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "f.txt"
    path.write_text(text)
    with pytest.raises(QueryError) as caught:
        read_pairs(path, column)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "questions.txt").write_text(": s\na b c d\n")
    with pytest.raises(QueryError, match=r"no such file.*did you mean .*questions\.txt"):
        read_questions(tmp_path / "question.txt")
    with pytest.raises(QueryError, match="is a directory"):
        read_questions(tmp_path)
    with pytest.raises(QueryError, match="no name of a file"):
        read_pairs("a\0b")
    (tmp_path / "latin.txt").write_bytes(": s\nhaß b c d\n".encode("latin-1"))
    with pytest.raises(QueryError, match=r"latin\.txt is not UTF-8: line 2"):
        read_questions(tmp_path / "latin.txt")
    with pytest.raises(QueryError, match="delimiter is empty"):
        read_pairs(["a b 1"], delimiter="")


# -- test sets by name ------------------------------------------------------------------------


def test_our_own_sets_are_whole() -> None:
    questions = read_questions("everyday-analogies")
    assert (questions.name, len(questions.words)) == ("everyday-analogies", 336)
    assert [questions.section_of.count(at) for at in range(6)] == [56] * 6
    assert len(set(questions.words)) == 336
    pairs = read_pairs("everyday-pairs")
    assert len(set(map(frozenset, pairs.words))) == len(pairs.words) == 60
    assert {0.0, 10.0} <= set(pairs.ratings) <= set(map(float, range(11)))


@pytest.mark.parametrize("one", named_sets(), ids=lambda one: one.name)
def test_every_set_that_has_a_name_can_be_read(one: NamedSet) -> None:
    assert path_of(one.name, one.kind) == str(one.path)
    if one.kind == "analogies":
        assert read_questions(one.name).words
        assert path_of(one.name, "similarity") is None
    else:
        assert read_pairs(one.name).words
        assert path_of(one.name, "analogies") is None


def test_a_name_that_is_misspelt_is_named_with_those_there_are() -> None:
    with pytest.raises(QueryError, match=r"no file or test set 'everyday-pair'; did you mean "):
        read_pairs("everyday-pair")
    with pytest.raises(QueryError, match=r"\(by name: everyday-analogies"):
        read_questions("everyday-pairs")


def test_a_file_of_that_name_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "everyday-pairs").write_text("one two 3\n")
    assert read_pairs("everyday-pairs").words == (("one", "two"),)
    (tmp_path / "mine").write_text("one two 3\n")
    with pytest.raises(QueryError, match="did you mean 'mine'"):
        read_pairs("mines")


def test_without_gensim_there_are_ours_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    named_sets.cache_clear()
    try:
        assert [one.name for one in named_sets()] == ["everyday-analogies", "everyday-pairs"]
    finally:
        named_sets.cache_clear()
