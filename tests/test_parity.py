"""The command line, Python and SQL answer the same questions with the same rows."""

from __future__ import annotations

import ast
import json
import math
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from everyquestion import QUESTIONS
from explorer.questions import AnalogyQuery, FindingsQuery
from explorer.questions.written import as_command, as_python, words_of
from explorer.sql.functions import functions
from explorer.sql.written import as_sql

NEIGHBORS = [
    ("large", "embed", None, 10),
    ("king - man + woman", "embed", None, 5),
    ("dog + small", "context.12", None, 7),
    ("dog", "context.29", "cosine", 3),
    ("large", "embed", "dot", 4),
    ("0.5*dog + cat", "embed", "euclidean", 4),
    ("L29N112.out", "embed", None, 6),
    ("large", "neuron.out", None, 5),
    ("large@context.12", "context.20", "centered", 3),
    ("king - man + woman", "embed", "whitened", 5),
    ("dog + L29N112.out", "context.12", "whitened", 5),
    ("L3H5D7.output", "head.value", None, 3),
    ('token:" large" - #100', "embed", "centered", 3),
]
MIDDLEMEN = [
    (("large", "tall"), None, "z", 10),
    (("large", "tall"), "out", "z", 5),
    (("dog", "cat"), "gate", "cosine", 3),
    (("red",), "up", "dot", 4),
]
ANALOGIES = [
    ("dog + small", "Chihuahua", "embed"),
    ("dog + small", "puppy", "context.12"),
    ("king - man + woman", "queen", "embed"),
]


def same(one: Any, other: Any) -> bool:
    """Equal, figures to the last digits: `z` is read against scores of a float32 scan."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def printed(run: Run, indexes: Path, question: str) -> dict[str, Any]:
    """What the program writes as JSON."""
    done = run("explorer", *shlex.split(question), "--indexes", str(indexes), "--format", "json")
    assert done.code == 0, done.err
    answer: dict[str, Any] = done.json()
    return answer


@pytest.mark.parametrize(("expression", "space", "measure", "k"), NEIGHBORS)
def test_neighbors(
    real: Any,
    real_indexes: Path,
    run: Run,
    expression: str,
    space: str,
    measure: str | None,
    k: int,
) -> None:
    python = real.neighbors(expression, space, measure=measure, k=k).to_dicts()
    asked = f"neighbors {shlex.quote(expression)} --space {space} -k {k}"
    program = printed(run, real_indexes, asked + (f" --measure {measure}" if measure else ""))
    sql = real.sql("FROM neighbors($1, $2, $3, $4)", [expression, space, measure, k]).to_dicts()
    (batched, _) = real.neighbors([expression, "dog"], space, measure=measure, k=k)
    assert program["rows"] == python
    assert same(sql, python)
    assert same(batched.to_dicts(), python)
    # Items and scores are not only near, but the same.
    assert [(r["item"], r["score"]) for r in sql] == [(r["item"], r["score"]) for r in python]


@pytest.mark.parametrize(("words", "side", "score", "k"), MIDDLEMEN)
def test_middleman(
    real: Any,
    real_indexes: Path,
    run: Run,
    words: tuple[str, ...],
    side: str | None,
    score: str,
    k: int,
) -> None:
    python = real.middleman(*words, side=side, score=score, k=k).to_dicts()
    asked = f"middleman {shlex.join(words)} --score {score} -k {k}"
    program = printed(run, real_indexes, asked + (f" --side {side}" if side else ""))
    sql = real.sql("FROM middleman($1, $2, $3, $4)", [list(words), side, score, k]).to_dicts()
    assert program["rows"] == python
    assert sql == python


@pytest.mark.parametrize("words", [("large", "tall"), ("dog", "cat")])
def test_middleman_by_activations_and_avoiding(real: Any, words: tuple[str, ...]) -> None:
    fires = real.middleman(*words, by="activations", k=5).to_dicts()
    asked = real.sql("FROM middleman($1, by := 'activations', k := 5)", [list(words)]).to_dicts()
    assert asked == fires
    others = real.middleman(*words, avoid=["red"], layers="3-9", per_layer=1).to_dicts()
    asked = real.sql(
        "FROM middleman($1, avoid := ['red'], layers := '3-9', per_layer := 1)", [list(words)]
    ).to_dicts()
    assert asked == others


@pytest.mark.parametrize(("words", "side", "score", "k"), MIDDLEMEN[:2])
def test_z_is_what_a_middle_man_scores(
    real: Any, words: tuple[str, ...], side: str | None, score: str, k: int
) -> None:
    for row in real.middleman(*words, side=side, score=score, k=k).rows:
        for word, expected in row.scores.items():
            found = real.sql("SELECT z($1, $2, $3) AS z", [row.neuron, word, side or "gate"]).rows[
                0
            ]
            assert math.isclose(found["z"], expected, rel_tol=1e-12)


@pytest.mark.parametrize(("expression", "target", "space"), ANALOGIES)
def test_analogy(
    real: Any, real_indexes: Path, run: Run, expression: str, target: str, space: str
) -> None:
    python = real.analogy(expression, target, space=space)
    asked = f"analogy {shlex.quote(expression)} --target {target} --space {space} --all-forms"
    program = printed(run, real_indexes, asked)
    (sql,) = real.sql("FROM analogy($1, $2, $3)", [expression, target, space]).to_dicts()
    standing = python.to_dict()["meta"]["target"]
    assert program["meta"]["target"] == standing
    assert program["rows"] == python.to_dicts()
    assert sql.pop("nearest") == [row.item for row in python.rows]
    assert sql == {name: value for name, value in standing.items() if name != "against"}


@pytest.mark.parametrize("space", ["embed", "context.12"])
@pytest.mark.parametrize("measure", ["dot", "cosine", "centered", "euclidean"])
def test_similarity_is_the_score_of_an_analogys_target(real: Any, space: str, measure: str) -> None:
    found = real.sql(
        "SELECT similarity('dog', 'cat', $space, $measure) AS s",
        {"space": space, "measure": measure},
    ).rows[0]["s"]
    target = real.analogy("dog", "cat", space=space, measure=measure).meta.target
    assert math.isclose(found, target.score, rel_tol=1e-12)
    assert math.isclose(
        found, real.similarity("dog", "cat", space=space, measure=measure), rel_tol=1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", QUESTIONS)
def test_every_face_gives_the_rows_of_every_question(
    real: Any, real_indexes: Path, run: Run, name: str
) -> None:
    """A query is written out for Python, SQL and the command line by its fields alone."""
    answer = QUESTIONS[name](real)
    kind = type(answer.query)
    if kind not in {one.query for one in functions()} or "file" in vars(answer.query):
        pytest.skip("a statement, a table of names, or lines that no argument can be")
    if getattr(answer.query, "expression", "") == "vector":
        pytest.skip("a vector that was brought along")
    if getattr(answer.query, "group", None):  # its words are spelled out; either names them
        answer = real.ask(replace(answer.query, words=()))
        asked = replace(answer.query, words=())
    else:
        asked = answer.query
    again = eval(as_python(asked), {"ix": real})
    assert again.to_dicts() == answer.to_dicts()
    if kind is not AnalogyQuery:  # SQL has the target's one row, tested above
        statement = as_sql(asked)
        assert statement is not None
        rows = real.sql(statement, timeout=300).to_dicts()
        if kind is FindingsQuery:  # an object of any fields has no type in SQL: it is its text
            rows = [row | {"fields": json.loads(row["fields"])} for row in rows]
        assert same(rows, answer.to_dicts())
    words = words_of(asked)
    done = run("explorer", *words, "--indexes", str(real_indexes), "--format", "json")
    assert done.code == 0, done.err
    assert done.json()["rows"] == json.loads(json.dumps(answer.to_dicts()))


def test_a_question_is_written_as_short_as_it_can_be_and_quoted(real: Any) -> None:
    query = real.neighbors("king - man + woman", k=4, distinct=True).query
    query = replace(query, measure=None)
    assert as_command(query) == "explorer neighbors 'king - man + woman' -k 4 --distinct"
    assert as_command(query, "my index").endswith(" --index 'my index'")
    assert as_python(query) == 'ix.neighbors("king - man + woman", k=4, distinct=True)'
    assert as_sql(query) == """FROM neighbors('king - man + woman', k := 4, "distinct" := true)"""
    nasty = replace(query, expression="""it's "a\\b"; $(rm) `x` -- \n""")
    assert shlex.split(as_command(nasty))[2] == nasty.expression
    assert ast.literal_eval(as_python(nasty)[len("ix.neighbors(") :].split(", k=")[0]) == (
        nasty.expression
    )
    found = real.sql("SELECT " + (as_sql(nasty) or "").split("(", 1)[1].split(", k :=")[0] + " t")
    assert found.rows[0]["t"] == nasty.expression
    assert "--layers 3-5" in as_command(real.middleman("large", "tall", layers="3-5").query)
    grouped = real.congruence(group="size", space="embed", permutations=200).query
    assert as_command(grouped).startswith("explorer congruence --group size --space embed")
    assert as_sql(replace(real.analogy("dog + small").query, target=None)) is None


def test_schema(real: Any, real_indexes: Path, run: Run) -> None:
    assert printed(run, real_indexes, "schema") == real.schema().to_dict()
    tables = {row.of for row in real.schema().rows if row.kind == "table"}
    asked = real.sql("SELECT DISTINCT table_name FROM duckdb_tables() WHERE NOT internal").rows
    assert tables == {row["table_name"] for row in asked}


def test_stdin_answers_as_one_by_one(real: Any, real_indexes: Path, tmp_path: Path) -> None:
    import subprocess

    from conftest import BIN

    words = [row["text"] for row in real.sql("SELECT text FROM word ORDER BY id LIMIT 700").rows]
    asked = [*words, "king - man + woman", "zzxqy", "", "dog +"]
    done = subprocess.run(
        [BIN / "explorer", "neighbors", "--stdin", "--space", "context.9", "-k", "3",
         "--indexes", real_indexes],
        input="\n".join(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["expression"] for line in lines] == [text for text in asked if text]
    for line in lines[::37] + lines[-3:-2]:
        expected = real.neighbors(line["expression"], "context.9", k=3).to_dicts()
        assert same(line["rows"], expected)
        assert line["notes"] == list(real.neighbors(line["expression"], "context.9", k=3).told())
        assert [row["item"] for row in line["rows"]] == [row["item"] for row in expected]
    assert "ends with an operator" in lines[-1]["error"]
    assert done.returncode == 2
    assert "could not be asked" in done.stderr
