"""How a statement of SQL may go on, where its errors stand, and which ran, without a screen."""

from __future__ import annotations

from typing import Any

import pytest

from explorer.errors import QueryError
from explorer.views.history import LARGEST_KEPT, MOST_KEPT, AnswerCache, History
from explorer.views.statements import Begun, Misplaced, begun, completions, misplaced, whole


@pytest.fixture(scope="module")
def schema(real: Any) -> Any:
    return real.schema().rows


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        ("sel", "", "select"),
        ("SEL", "", "SELECT"),
        ("SELECT * FROM ne", "", "neuron"),
        ("SELECT * FROM token JOIN wo", "", "word"),
        ("SELECT * FROM token, wo", "", "word"),
        # Columns of the tables that the statement names stand before all others.
        ("SELECT no", " FROM token", "norm"),
        ("SELECT no", " FROM neuron n", "norm_gate"),
        ("SELECT * FROM token WHERE wor", "", "word_like"),
        ("SELECT * FROM word ORDER BY z", "", "zipf"),
        ("SELECT * FROM (SELECT te", ") , token", "text"),
        # After a table or an alias, its columns alone.
        ("SELECT t.di", " FROM token AS t", "display"),
        ("SELECT token.di", "", "display"),
        ("SELECT n.sc", " FROM neighbors('large', k := 3) n", "score"),
        ("SELECT * FROM word w, neighbors(w.te", "", "text"),
        ("FROM word w JOIN word_neuron wn ON wn.ac", "", "activation"),
        ('SELECT "t".di', ' FROM token "t"', "display"),
        # Between the parentheses of a function, its parameters.
        ("SELECT * FROM neighbors('large', d", "", '"distinct"'),
        ("SELECT * FROM neighbors('it''s (', mea", "", "measure"),
        ("SELECT simi", "", "similarity"),
        ("SELECT 1; -- from\nSELECT * FROM hea", "", "head"),
    ],
)
def test_what_is_written_goes_on_with_the_likeliest(
    schema: Any, before: str, after: str, first: str
) -> None:
    assert completions(schema, before, after)[0] == first


def test_after_a_table_there_are_its_columns_and_no_others(real: Any, schema: Any) -> None:
    found = completions(schema, "SELECT * FROM neuron_word AS x WHERE x.")
    assert found == tuple(real.sql("DESCRIBE neuron_word").to_arrow()["column_name"].to_pylist())
    found = completions(schema, "SELECT a.", " FROM analogy('dog + small', 'cat') a")
    assert found == tuple(c.name for c in real.sql(
        "FROM analogy('dog + small', 'cat')"
    ).meta.columns)  # fmt: skip


@pytest.mark.parametrize(
    "before",
    ["", "SELECT ", "SELECT 'fr", "SELECT 1 -- fr", "SELECT /* fr", "SELECT 1e", "xqzw", "nope.x"],
)
def test_nothing_goes_on_where_nothing_is_named(schema: Any, before: str) -> None:
    assert completions(schema, before) == ()


def test_nothing_goes_on_within_a_word(schema: Any) -> None:
    assert completions(schema, "SELECT * FROM to", "ken") == ()


def test_every_name_completes_itself_from_its_first_letters(schema: Any) -> None:
    for row in schema:
        if row.kind == "column":
            assert row.name in completions(schema, f"SELECT {row.of}.{row.name[:-1]}")
        elif row.kind in ("table", "function"):
            assert row.of == "z" or row.of in completions(schema, f"SELECT {row.of[:-1]}")
            assert whole(schema, row.of.upper())


def test_what_is_begun_is_a_name_or_one_of_a_table() -> None:
    assert begun("SELECT t.na") == Begun("t", "na")
    assert begun("SELECT na") == Begun("", "na")
    assert begun("SELECT t.") == Begun("t", "")
    assert begun("SELECT (") == Begun("", "")


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("SELECT * FROM neuro", "neuro"),
        ("SELECT 1,\n  nope\nFROM token", "nope"),
        ("SELECT 'ß', nope FROM token", "nope"),
        ("SELECT * FROM neighbors('lrage')", "neighbors"),
        ("SELEC 1", "SELEC"),
    ],
)
def test_an_error_stands_where_it_says(real: Any, statement: str, wrong: str) -> None:
    with pytest.raises(QueryError) as caught:
        real.sql(statement)
    found = misplaced(str(caught.value), statement)
    assert found is not None
    assert statement.split("\n")[found.row][found.column :][: found.length] == wrong


def test_an_error_without_a_place_stands_nowhere() -> None:
    assert misplaced("the query needs more than it may hold", "SELECT 1") is None
    assert misplaced("line 1, column 9: nothing follows", "SELECT 1") == Misplaced(0, 8, 1)
    assert misplaced("line 7, column 99: beyond", "a\nb") == Misplaced(1, 1, 1)


def test_statements_that_ran_are_leafed_through() -> None:
    kept = ["a"]
    history = History(kept)
    for statement in ("b", "c", "a ", " "):
        history.add(statement)
    assert kept == ["b", "c", "a"]  # each once, where it ran last
    assert history.newer("draft") is None
    assert [history.older(shown) for shown in ("draft", "a", "c", "b")] == ["a", "c", "b", None]
    assert [history.newer(shown) for shown in ("b", "c", "a", "draft")] == ["c", "a", "draft", None]
    assert history.older("a") == "c"  # what is shown is not shown again
    assert history.older("changed") == "a"
    assert history.newer("a") == "changed"
    assert History([]).older("") is None


def test_small_answers_are_gone_back_to_and_of_large_ones_the_last(real: Any) -> None:
    answers = AnswerCache()
    large = real.sql(f"SELECT repeat('a', {LARGEST_KEPT + 1})")
    answers.keep(large)
    assert answers.get(large.query.sql) is large
    asked = [f"SELECT {number}" for number in range(MOST_KEPT + 2)]
    for statement in asked:
        answers.keep(real.sql(statement))
    assert [one for one in asked if answers.get(one)] == asked[2:]
    assert answers.get(large.query.sql) is None
    answers.clear()
    assert answers.get(asked[-1]) is None
