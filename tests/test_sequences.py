"""An answer is the sequence of its rows, short at a prompt; several answers are a tuple."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from rich.cells import cell_len

import explorer
from everyquestion import QUESTIONS
from explorer.errors import QueryError, SemanticError
from explorer.questions import NeighborsQuery, NeuronQuery, Result
from explorer.questions.answer import SHOWN_OF_EACH, SHOWN_TOGETHER, Answers
from explorer.show.text import PROMPT

pytestmark = pytest.mark.native


# -- sequences ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_is_the_sequence_of_its_rows(name: str, answers: dict[str, Any]) -> None:
    answer = answers[name]
    rows = answer.rows
    assert isinstance(answer, Sequence)
    assert len(answer) == len(rows) > 0
    assert tuple(answer) == rows
    assert tuple(reversed(answer)) == rows[::-1]
    assert answer[0] == rows[0]
    assert answer[-1] == rows[-1]
    for part in (
        slice(3),
        slice(1, None),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(9, 2),
    ):
        assert answer[part] == rows[part]
    assert rows[-1] in answer
    assert "no row" not in answer
    assert answer.index(rows[0]) == 0
    for beyond in (len(rows), -len(rows) - 1):
        with pytest.raises(IndexError):
            answer[beyond]


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_compares_and_pickles_as_it_did(name: str, answers: dict[str, Any]) -> None:
    answer = answers[name]
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer
    assert copy.deepcopy(answer) == answer
    assert answer != answer.rows
    assert set(answer.to_dict()) == {"query", "rows", "meta"}


def test_one_without_rows_is_empty(real: Any) -> None:
    none = real.sql("SELECT 1 AS one WHERE false")
    assert (len(none), list(none), none[:3], bool(none)) == (0, [], (), False)
    assert repr(none).startswith("SqlRows, 0 rows: SQL over index smollm2")


def test_every_answer_says_what_its_rows_are() -> None:
    for kind in Result.__subclasses__():
        assert "row" in (kind.__doc__ or ""), kind.__name__


# -- at a prompt ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_prompt_shows_what_was_asked_and_the_first_rows(
    name: str, answers: dict[str, Any]
) -> None:
    answer = answers[name]
    lines = repr(answer).splitlines()
    title = answer.layout().head[0]
    assert lines[0].startswith(f"{type(answer).__name__}, {len(answer):,} row")
    assert lines[0].endswith("…") or lines[0].endswith(title)
    assert max(map(cell_len, lines)) <= PROMPT
    told = " ".join(answer.told()).split()
    assert told == " ".join(lines).split()[-len(told) :] or not told
    while told:  # what is not quite as it was asked stands below, folded
        del told[-len(lines.pop().split()) :]
    if answer.layout().sections:
        assert all(any(one.title in line for line in lines) for one in answer.layout().sections)
        assert len(lines) <= 1 + len(answer.layout().sections) * (1 + 2 + 3 + 1)
    else:
        assert len(lines) <= 1 + 2 + SHOWN_OF_EACH + 1
        assert (lines[-1] == "…") == (len(answer.layout().rows) > SHOWN_OF_EACH)
    assert str(answer).startswith(title.split()[0])  # print still shows all of it


def test_nothing_reaches_a_prompt_raw(real: Any) -> None:
    answer = real.sql("SELECT chr(27) || '[31m' || chr(10) || 'red' AS \"\x1b[2J\"")
    assert repr(answer).isprintable() or "\x1b" not in repr(answer)
    assert r"\x1b[31m\nred" in repr(answer)
    wide = real.sql("SELECT repeat('広', 300) AS a, 'x' AS b")
    assert max(map(cell_len, repr(wide).splitlines())) <= PROMPT
    many = real.sql("SELECT " + ", ".join(f"{n} AS column_{n}" for n in range(200)))
    assert max(map(cell_len, repr(many).splitlines())) <= PROMPT


# -- several --------------------------------------------------------------------------------


def test_several_answers_are_a_tuple_of_few_lines(real: Any) -> None:
    words = ["dog", "cat", "large"]
    several = real.neighbors(words, k=3)
    assert several == tuple(real.neighbors(word, k=3) for word in words)
    assert isinstance(several, tuple)
    assert pickle.loads(pickle.dumps(several)) == several
    assert isinstance(pickle.loads(pickle.dumps(several)), Answers)
    assert repr(several).splitlines() == [
        "3 answers",
        "  Neighbors, dog  in embed by cosine",
        "  Neighbors, cat  in embed by cosine",
        "  Neighbors, large  in embed by cosine",
    ]
    assert str(several).count("rank") == len(words)
    page = several._repr_html_()
    assert page.count("<table") == len(words)
    many = real.ask_each([NeighborsQuery("dog", k=1)] * 30)
    assert len(repr(many).splitlines()) == 1 + SHOWN_TOGETHER + 1
    assert many._repr_html_().count("<table") == SHOWN_TOGETHER
    assert "and 20 more answers" in many._repr_html_()
    assert isinstance(real.search("embed", real.vectors("embed", words)), Answers)


# -- arguments ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda ix, *words: ix.middleman(*words, k=2),
        lambda ix, *words: ix.compare(*words, pairs=0),
        lambda ix, *words: ix.congruence(*words, space="embed", permutations=50),
        lambda ix, *words: ix.anchored(*words, anchor="small", permutations=50),
    ],
    ids=["middleman", "compare", "congruence", "anchored"],
)
def test_words_are_arguments_or_one_list(real: Any, ask: Any) -> None:
    one_by_one = ask(real, "large", "tall")
    for together in (["large", "tall"], ("large", "tall"), iter(["large", "tall"])):
        assert ask(real, together) == one_by_one
    with pytest.raises(QueryError, match="all are in one list"):
        ask(real, ["large"], "tall")
    with pytest.raises(QueryError, match="5 is no text"):
        ask(real, 5)


def test_a_neuron_is_named_or_numbered(real: Any) -> None:
    assert real.neuron(29, 112, k=2) == real.neuron("L29N112", k=2)
    assert real.logits(29, 112, k=2) == real.logits("L29N112", k=2)
    for wrong, said in (
        (lambda: real.neuron(29), "name layer and unit"),
        (lambda: real.neuron("L29N112", 5), "is a whole name"),
        (lambda: real.logits("L29N112", expert=5), "is a whole name"),
        (lambda: real.neuron(29.0, 112), "are whole numbers"),
        (lambda: real.neuron(99, 112), "no neuron 'L99N112'"),
        (lambda: real.neuron(29, 112, expert=1), "L29E1N112"),
    ):
        with pytest.raises(SemanticError, match=said):
            wrong()


def test_an_expert_is_a_number_of_its_own(monkeypatch: pytest.MonkeyPatch, real: Any) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(type(real), "ask", lambda _, query: asked.append(query))
    real.neuron(3, 112, expert=5)
    assert asked == [NeuronQuery("L3E5N112")]


def test_most_similar_is_what_is_near(real: Any) -> None:
    def near(expression: str, **how: Any) -> list[tuple[str, float]]:
        return [(row.item, row.score) for row in real.neighbors(expression, **how)]

    assert real.most_similar("king") == near("king")
    assert real.most_similar(["king", "woman"], ["man"], 3) == near("king + woman - man", k=3)
    assert real.most_similar(positive=["king", "woman"], negative="man") == near(
        "king + woman - man"
    )
    assert real.most_similar([("king", 0.5), ("dog", -2)], topn=2) == near("0.5*king - 2*dog", k=2)
    assert real.most_similar(("king", 2)) == near("2*king")
    assert real.most_similar(negative=["king"], topn=2) == near("- king", k=2)
    assert real.most_similar("Bernese Mountain Dog", space="context.3", measure="cosine") == near(
        "Bernese Mountain Dog", space="context.3", measure="cosine"
    )
    (first, _) = real.most_similar("king", topn=1)[0]
    assert real.most_similar(first, topn=1) == near(first, k=1)
    for wrong, said in (
        (lambda: real.most_similar(), "needs an item"),
        (lambda: real.most_similar("a + b"), "no single item"),
        (lambda: real.most_similar(5), "5 is no item"),
        (lambda: real.most_similar(["king", 3]), "3 is no item"),
    ):
        with pytest.raises(QueryError, match=said):
            wrong()


def test_what_is_no_text_is_told(real: Any) -> None:
    with pytest.raises(QueryError, match="a text is needed"):
        real.neighbors(5)


# -- names ----------------------------------------------------------------------------------


def test_errors_are_there_and_nothing_is_read_for_them() -> None:
    script = """
import sys, explorer
assert issubclass(explorer.errors.UnknownWord, explorer.errors.SemanticError)
assert "errors" in dir(explorer) and "open" in dir(explorer)
assert not {"numpy", "duckdb", "rich", "explorer.api"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_error_that_a_question_raises_is_exported() -> None:
    from indexer.store import errors as of_the_store

    every = {
        name
        for module in (explorer.errors, of_the_store)
        for name, kind in vars(module).items()
        if isinstance(kind, type) and issubclass(kind, SemanticError)
    }
    assert set(explorer.errors.__all__) == every


def test_signatures_read_well() -> None:
    names = list(vars(explorer.Explorer))
    public = [explorer.open, *(getattr(explorer.Explorer, name) for name in names)]
    functions = [one for one in public if inspect.isfunction(one)]
    assert len(functions) > 30
    for function in functions:
        said = str(inspect.signature(function))
        assert "0x" not in said, said
        assert "<" not in said, said
