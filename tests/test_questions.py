"""A question is a value: every face follows from its fields, and an answer's query asks again."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
import re
from dataclasses import MISSING, dataclass
from importlib import import_module
from typing import Any, Literal

import click
import numpy as np
import pytest

import explorer
from everyquestion import QUESTIONS
from explorer import questions
from explorer.cli import cli
from explorer.cli.question import command
from explorer.errors import QueryError
from explorer.questions import QUERIES, NeighborsQuery, SchemaQuery, SqlQuery
from explorer.questions.choices import DISTANCES, MEASURES
from explorer.questions.query import Query, about, argument, option, parameters
from explorer.sql.functions import RESERVED, functions
from explorer.views import VIEWS
from explorer.views.view import view_of

pytestmark = pytest.mark.native

COMPUTED = [kind for kind in QUERIES if kind not in (SqlQuery, SchemaQuery)]


def named(kind: type) -> str:
    return kind.__name__


def test_every_query_that_is_exported_is_asked_somewhere() -> None:
    exported = [getattr(questions, name) for name in questions.__all__ if name.endswith("Query")]
    assert set(exported) - {Query} == set(QUERIES)
    assert len({kind.question for kind in QUERIES}) == len(QUERIES)


@pytest.mark.parametrize("kind", COMPUTED, ids=named)
def test_a_query_is_answered_by_the_module_of_its_name(kind: type[Query[Any]]) -> None:
    answer = import_module(f"explorer.compute.{kind.question}").answer
    assert list(inspect.signature(answer).parameters) == ["work", "query", "progress"]


@pytest.mark.parametrize("kind", [k for k in QUERIES if k is not SqlQuery], ids=named)
def test_the_method_takes_the_querys_fields_with_their_defaults(kind: type[Query[Any]]) -> None:
    method = getattr(explorer.Explorer, kind.question)
    taken = {
        name: one
        for name, one in inspect.signature(method).parameters.items()
        if name not in ("self", "progress")
    }
    fields = {one.name: one for one in parameters(kind)}
    numbers = {"unit", "expert"} if any(one.takes == "neuron" for one in fields.values()) else set()
    assert set(taken) == set(fields) | numbers
    for name, one in fields.items():
        default = MISSING if taken[name].default is inspect.Parameter.empty else taken[name].default
        if taken[name].kind is inspect.Parameter.VAR_POSITIONAL:
            assert one.several
            assert one.positional
        else:
            assert default == one.default, name
        assert f"\n    {'*' * one.several * one.positional}{name}: " in method.__doc__ + "\n"
    by_place = [n for n, one in taken.items() if one.kind is not inspect.Parameter.KEYWORD_ONLY]
    assert len(by_place) <= 2


def leaves(group: click.Group, before: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            found |= leaves(one, (*before, name))
        else:
            found[*before, name] = one
    return found


@pytest.mark.parametrize("kind", QUERIES, ids=named)
def test_the_command_takes_every_field_by_its_name(kind: type[Query[Any]]) -> None:
    part_of = {"analogy_layers": "analogy", "anchored": "congruence"}
    name = part_of.get(kind.question, kind.question)
    taken = leaves(cli)[kind.command or (name,)].params
    spelled = {one.name: one.opts + one.secondary_opts for one in taken}
    for one in parameters(kind):
        if kind is SqlQuery:  # a statement may come from a file too
            continue
        assert one.name in spelled
        if not one.positional:
            dashed = "-k" if one.name == "k" else f"--{one.name.replace('_', '-')}"
            assert dashed in spelled[one.name]


@pytest.mark.parametrize("kind", COMPUTED, ids=named)
def test_the_function_of_sql_takes_every_field_by_its_name(kind: type[Query[Any]]) -> None:
    (function,) = [one for one in functions() if one.name == kind.question]
    taken = [one.name for one in function.parameters]
    fields = [one.name for one in parameters(kind)]
    if kind is questions.AnalogyQuery:  # it gives the target's row, under one expression
        fields.remove("against")
    names = any(one.takes in ("expression", "word", "neuron") for one in parameters(kind))
    assert taken == [*fields, *["missing"] * names]


def test_every_parameter_that_sql_reserves_is_quoted(real: Any) -> None:
    names = {one.name for function in functions() for one in function.parameters}
    asked = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category = 'reserved'"
    reserved = {row["keyword_name"] for row in real.sql(asked).rows}
    assert names & reserved == RESERVED


def test_every_question_has_a_view_or_is_asked_in_that_of_another() -> None:
    without = {"analogy_layers", "anchored", "word", "baseline", "schema", "findings"}
    without |= {"evaluate_analogies", "evaluate_similarity"}
    assert {kind.question for kind in QUERIES} - set(VIEWS) == without
    letters = [view.letter for view in VIEWS.values()]
    assert "" not in letters
    assert len(set(letters)) == len(letters)


# -- values -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n in QUESTIONS if n not in ("search", "sql")])
def test_an_answers_own_query_asks_for_the_same_answer(real: Any, name: str) -> None:
    answer = QUESTIONS[name](real)
    if name in ("accuracy", "correlation", "correlation-none"):  # it says that they were lines
        assert answer.query.file == "lines"
        return
    again = real.ask(pickle.loads(pickle.dumps(answer.query)))
    assert again == answer
    assert hash(again.query) == hash(answer.query)


def test_several_are_answered_in_their_order_as_one_by_one(real: Any) -> None:
    asked = [
        NeighborsQuery("dog", k=3),
        NeighborsQuery("cat", "context.3", k=3),
        NeighborsQuery("cat", k=3),
        NeighborsQuery("dog", k=4),
    ]
    assert real.ask_each(asked) == tuple(real.ask(one) for one in asked)
    words = [questions.WordQuery("large", 2), questions.WordQuery("tall", 3)]
    assert real.ask_each(words) == (real.word("large", k=2), real.word("tall", k=3))
    assert real.ask_each([]) == ()
    mixed = [NeighborsQuery("dog"), questions.AnalogyQuery("dog"), SchemaQuery("z"), words[0]]
    assert real.ask_each(iter(mixed)) == tuple(real.ask(one) for one in mixed)
    with pytest.raises(QueryError, match="NeighborsQuery"):
        real.ask("dog")


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: NeighborsQuery("dog", measure="cosin"), "no measure 'cosin'; did you mean"),
        (lambda: questions.MiddlemanQuery(("a",), score="zz"), "no score 'zz'"),
        (lambda: questions.MiddlemanQuery(("a",), by="weight"), "no way to find a middle man"),
        (lambda: NeighborsQuery("dog", k="5"), "k '5': a whole number is needed"),
        (lambda: NeighborsQuery("dog", k=True), "k True: a whole number is needed"),
        (lambda: NeighborsQuery("dog", k=2.0), "k 2.0: a whole number is needed"),
        (lambda: questions.BaselineQuery(seed=None), "seed is None: a whole number is needed"),
        (lambda: NeighborsQuery("dog", distinct="no"), "distinct 'no': True or False is needed"),
        (lambda: NeighborsQuery(None), "expression is None: a text is needed"),
        (lambda: NeighborsQuery("dog", space=["embed"]), "a text is needed"),
        (
            lambda: questions.CongruenceQuery((1, 2)),
            "1 is no text; each word is an argument of its own",
        ),
        (lambda: questions.MiddlemanQuery(("a",), layers=3.5), "write numbers, or a text"),
        (lambda: questions.EvaluateAnalogiesQuery(None), "the path of a file is needed"),
        (lambda: questions.EvaluateAnalogiesQuery("f", method=()), "no method is named"),
        (
            lambda: questions.MiddlemanQuery(("a",), by="activations", side="out"),
            "leave out side",
        ),
        (lambda: questions.CompareQuery(("a", "b"), measure="pearsn"), "did you mean 'pearson'"),
        (lambda: questions.CompareQuery(("a", "b"), impact="norm"), "name top_neurons"),
        (lambda: questions.CongruenceQuery(("a",), control="none"), "no control 'none'"),
        (lambda: questions.AnalogyQuery("a", against="b"), "name target"),
        (lambda: questions.OvQuery("a", head=3), "Name it with layers"),
        (lambda: questions.AnchoredQuery(("a",)), "name one"),
    ],
)
def test_what_no_index_could_answer_is_refused_when_it_is_made(made: Any, said: str) -> None:
    with pytest.raises(QueryError, match=re.escape(said)):
        made()


def test_lists_become_tuples_and_all_is_every_choice() -> None:
    kind = questions.EvaluateAnalogiesQuery
    assert kind("f", measure=["dot", "cosine"]).measure == ("dot", "cosine")  # type: ignore[arg-type]
    assert kind("f", measure="dot, cosine").measure == ("dot", "cosine")  # type: ignore[arg-type]
    assert kind("f", measure=("all",)).measure == MEASURES  # type: ignore[arg-type]
    assert questions.CongruenceQuery(["a", "b"]).words == ("a", "b")  # type: ignore[arg-type]
    assert kind("f", measure=["all", "dot"]).measure == MEASURES  # type: ignore[list-item,arg-type]
    assert type(NeighborsQuery("dog", k=np.int64(3)).k) is int  # type: ignore[arg-type]
    assert questions.MiddlemanQuery(("a",), layers=range(2)).layers == (0, 1)  # type: ignore[arg-type]
    assert questions.MiddlemanQuery(("a",), avoid="small").avoid == ("small",)  # type: ignore[arg-type]


def test_less_is_nearer_by_the_measures_that_say_so() -> None:
    from explorer.measures.registry import KINDS

    assert {name for name, kind in KINDS.items() if kind.distance} == DISTANCES


# -- a question nobody has heard of -------------------------------------------------------------


@dataclass(frozen=True)
class ToyQuery(Query[Any]):
    """How many letters has a word?"""

    question = "toy"
    title = "Toy"
    letter = "y"
    example = "large"

    word: str = argument("a word", "word")
    how: Literal["all", "vowels"] = option("all", "which letters")
    least: int | None = option(None, "words that are longer alone", offered=("", "3"))
    twice: bool = option(False, "count each letter twice")


def test_a_new_query_has_its_command_and_view_without_a_word_elsewhere() -> None:
    made = command(ToyQuery)
    context = click.Context(made, info_name="toy")
    text = " ".join(made.get_help(context).split())
    assert "How many letters has a word?" in text
    assert "--how all|vowels Which letters. [default: all]" in text
    assert "--least N Words that are longer alone." in text
    assert "--twice Count each letter twice." in text
    view = view_of(ToyQuery)
    assert [one.name for one in view.options] == ["how", "least", "twice"]
    assert (view.title, view.about, view.letter) == ("Toy", "How many letters has a word?", "y")
    assert about(ToyQuery) == "How many letters has a word?"
    assert "    how: which letters." in (ToyQuery.__doc__ or "")
    assert dataclasses.asdict(ToyQuery("dog")) == {
        "word": "dog", "how": "all", "least": None, "twice": False
    }  # fmt: skip
