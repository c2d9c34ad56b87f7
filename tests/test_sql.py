"""SQL over a real index: what it answers, against the questions themselves and plain DuckDB."""

from __future__ import annotations

import decimal
import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest

import explorer
from conftest import BIN, ROOT, Run
from explorer.errors import Cancelled, QueryError
from explorer.questions import SqlRows
from explorer.questions.sql import page
from explorer.show.text import to_text
from explorer.sql.functions import functions
from explorer.sql.session import Session, bytes_of
from indexer.store.errors import SemanticError
from processes import PATIENCE, children, ended, until, works

# A statement is asked in a process of its own.
pytestmark = [pytest.mark.native, pytest.mark.slow]

EXAMPLES = re.findall(r"```sql\n(.*?)```", (ROOT / "docs/sql.md").read_text("utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def words_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user's own list of words."""
    path = tmp_path_factory.mktemp("mine") / "words.csv"
    path.write_text("word,rating\nlarge,3.5\ntall,2\ndog,1\n")
    return path


def rows(answer: SqlRows) -> list[tuple[Any, ...]]:
    """The rows as tuples, as a DuckDB connection gives them."""
    return [tuple(row.values()) for row in answer.rows]


# -- the catalog ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*), sum(id), min(norm) FROM token",
        "SELECT name, item, layer, rows FROM space ORDER BY name",
        "FROM word_group ORDER BY name, word",
        "SELECT text, token_ids, zipf FROM word WHERE n_tokens > 1 ORDER BY id LIMIT 20",
        "SELECT layer, avg(norm_out) FROM neuron GROUP BY ALL ORDER BY layer",
        "WITH top AS (SELECT * FROM neuron_token WHERE rank = 1) SELECT side, count(*) FROM top "
        "GROUP BY side ORDER BY side",
        "SELECT NULL, 1.5::DOUBLE, 'a''b', true, [1, 2], {'a': 1}, DATE '2020-01-02', 'x'::BLOB",
        "SELECT range AS n FROM range(10000) ORDER BY n DESC",
        "VALUES (1, 'a'), (2, 'b')",
        "SELECT 1 WHERE false",
    ],
)
def test_a_statement_answers_as_plain_duckdb_does(
    real: Any, real_indexes: Path, statement: str
) -> None:
    with duckdb.connect(str(real_indexes / "smollm2/catalog.duckdb"), read_only=True) as plain:
        expected = plain.execute(statement).fetchall()
        described = plain.execute(statement).description
    answer = real.sql(statement)
    assert rows(answer) == expected
    assert [column.name for column in answer.meta.columns] == [column[0] for column in described]
    assert [column.type for column in answer.meta.columns] == [str(c[1]) for c in described]


def test_values_are_given_by_place_or_by_name(real: Any) -> None:
    assert rows(real.sql("SELECT ? + ?, ?", [1, 2, "a'b"])) == [(3, "a'b")]
    assert rows(real.sql("SELECT $b || $a", {"a": "x", "b": "y"})) == [("yx",)]
    near = real.sql("SELECT item FROM neighbors(?, k := ?)", ["large", 3])
    assert [row["item"] for row in near.rows] == [r.item for r in real.neighbors("large", k=3).rows]
    many = real.sql("SELECT neuron FROM middleman($words, k := 2)", {"words": ["large", "tall"]})
    assert [r["neuron"] for r in many.rows] == [
        r.neuron for r in real.middleman("large", "tall", k=2).rows
    ]


def test_kinds_of_values_survive_the_way(real: Any) -> None:
    answer = real.sql(
        "SELECT sum(id) AS big, 1.50::DECIMAL(5, 2) AS money, 'nan'::DOUBLE AS nan, "
        "MAP {'a': 1.5} AS map, {'x': [1, NULL]} AS record, TIMESTAMP '2020-01-02 03:04:05' AS at, "
        "'\\xAB'::BLOB AS bytes, 1 AS a, 2 AS a, {'side': ['gate'::side]} AS sides FROM token"
    )
    (row,) = answer.rows
    assert row["big"] == sum(range(real.manifest.model.vocabulary))
    assert isinstance(row["big"], int)
    assert row["money"] == decimal.Decimal("1.50")
    assert row["map"] == {"a": 1.5}
    assert row["record"] == {"x": [1, None]}
    assert (row["bytes"], row["a"], row["a_1"]) == (b"\xab", 1, 2)
    assert row["sides"] == {"side": ["gate"]}
    plain = json.loads(json.dumps(answer.to_dict(), allow_nan=False))["rows"][0]
    assert (plain["money"], plain["nan"], plain["at"]) == ("1.50", "nan", "2020-01-02T03:04:05")


def test_frames_are_made_of_what_duckdb_gives(real: Any) -> None:
    answer = real.sql("SELECT id, text, norm FROM token ORDER BY id LIMIT 5000")
    table = answer.to_arrow()
    assert table.schema.types == [pyarrow.int32(), pyarrow.string(), pyarrow.float32()]
    assert answer.to_pandas().to_dict("records") == list(answer.rows)
    assert answer.to_polars().to_dicts() == list(answer.rows)
    assert len(answer) == 5000
    nothing = real.sql("SELECT id, text FROM token WHERE false")
    assert list(nothing.to_pandas().columns) == ["id", "text"]
    assert nothing.to_polars().columns == ["id", "text"]


# -- the functions ----------------------------------------------------------------------------


def test_every_function_has_the_columns_of_its_question() -> None:
    """What Python calls a field, SQL calls a column."""
    from dataclasses import fields

    from explorer.questions import MiddleMan, Neighbor, Target

    columns = {one.name: [c.name for c in one.columns] for one in functions()}
    assert columns["neighbors"] == [field.name for field in fields(Neighbor)]
    assert columns["middleman"] == [field.name for field in fields(MiddleMan)]
    standing = [field.name for field in fields(Target) if field.name != "against"]
    assert columns["analogy"] == [*standing, "nearest"]


def test_columns_of_other_tables_are_asked_row_by_row(real: Any) -> None:
    answer = real.sql(
        "SELECT g.word, n.rank, n.item, n.score, n.z FROM word_group g, "
        "neighbors(g.word, 'context.12', k := 2) n WHERE g.name = 'size' ORDER BY g.word, n.rank"
    )
    words = sorted(r["word"] for r in real.sql("FROM word_group WHERE name = 'size'").rows)
    expected = [
        (word, row.rank, row.item, row.score, pytest.approx(row.z, abs=1e-5))
        for word in words
        for row in real.neighbors(word, "context.12", k=2).rows
    ]
    assert rows(answer) == expected


def test_every_word_of_the_index_may_be_asked(real: Any) -> None:
    """No word is read as anything else: each is nearest to itself."""
    answer = real.sql(
        "SELECT w.text, n.item, n.score FROM word w, "
        "neighbors(w.text, 'context.7', k := 1, include_inputs := true) n WHERE n.item <> w.text"
    )
    twins = [row for row in answer.rows if row["score"] < 1 - 1e-6]
    assert twins == []
    assert len(answer) < 10
    assert real.sql("SELECT count(*) AS n FROM word").rows[0]["n"] > 1000


def test_correlated_subqueries_and_joins(real: Any) -> None:
    scalar = real.sql(
        "SELECT text, (SELECT item FROM neighbors(w.text, k := 1)) AS near FROM word w "
        "WHERE text IN ('large', 'dog') ORDER BY text"
    )
    assert [r["near"] for r in scalar.rows] == [
        real.neighbors(word, k=1).rows[0].item for word in ("dog", "large")
    ]
    joined = real.sql(
        "SELECT n.item, t.id, t.norm FROM neighbors('large', k := 3) n "
        "JOIN token t ON t.display = n.item ORDER BY n.rank"
    )
    expected = [real.index.tokens.by_text(r.text).id for r in real.neighbors("large", k=3).rows]
    assert [r["id"] for r in joined.rows] == expected


def test_questions_of_questions(real: Any) -> None:
    answer = real.sql("FROM neighbors('large', k := 2) a, neighbors(a.item, k := 1) b")
    first = [row.item for row in real.neighbors("large", k=2).rows]
    expected = [real.neighbors(item, k=1).rows[0].item for item in first]
    assert list(answer.to_pandas()["item_1"]) == expected


def test_null_asks_nothing(real: Any) -> None:
    assert real.sql("FROM neighbors(NULL)").rows == ()
    assert real.sql("FROM middleman(NULL)").rows == ()
    assert real.sql("FROM middleman(['large', NULL])").rows == ()
    assert real.sql("FROM analogy('dog', NULL)").rows == ()
    answer = real.sql("SELECT similarity(NULL, 'a') s, z(NULL, 'a') z1, z('L0N0', NULL) z2")
    assert rows(answer) == [(None, None, None)]


def test_what_names_nothing_ends_the_query_or_is_passed_over(real: Any) -> None:
    table = [{"word": word} for word in ("large", "zzxqy", "a +", "tall")]
    with pytest.raises(QueryError, match=r"line 1, column 21 \(neighbors\): 'a \+' ends with"):
        real.sql("SELECT * FROM mine, neighbors(mine.word)", attach={"mine": table})
    asked = "FROM mine LEFT JOIN neighbors(mine.word, k := 1, missing := 'skip') ON true ORDER BY 1"
    answer = real.sql(f"SELECT word, item {asked}", attach={"mine": table})
    big, tall = (real.neighbors(word, k=1).rows[0].item for word in ("large", "tall"))
    assert rows(answer) == [("a +", None), ("large", big), ("tall", tall), ("zzxqy", None)]
    scores = real.sql(
        "SELECT similarity(word, 'dog', missing := 'skip') s, "
        "z('L29N112', word, missing := 'skip') z, "
        "(SELECT rank FROM analogy(word, 'dog', missing := 'skip')) r FROM mine ORDER BY word",
        attach={"mine": table},
    )
    assert [[value is None for value in row] for row in rows(scores)] == [
        [True] * 3, [False] * 3, [False] * 3, [True] * 3
    ]  # fmt: skip
    with pytest.raises(QueryError, match="found 'skp'; did you mean 'skip'"):
        real.sql("FROM neighbors('dog', missing := 'skp')")


def test_a_neurons_side_may_stand_in_its_name_and_one_of_many_may_name_nothing(real: Any) -> None:
    asked = "SELECT z('L29N112.out', 'large') a, z('L29N112', 'large', 'out') b"
    (row,) = real.sql(asked).rows
    assert row["a"] == row["b"]
    names = "FROM (VALUES ('dog'), ('L1N2'), ('L99N1'), (NULL)) t(n)"
    found = real.sql(f"SELECT z(n, 'large', missing := 'skip') z {names}").rows
    (alone,) = real.sql("SELECT z('L1N2', 'large') z").rows
    assert [row["z"] for row in found] == [None, alone["z"], None, None]
    some = real.sql(f"SELECT DISTINCT n {names}, logits(n, 1, missing := 'skip')").rows
    assert [row["n"] for row in some] == ["L1N2"]
    assert len(real.sql("FROM neighbors('dog', missing := NULL, k := NULL)").rows) == 10


def test_a_fault_of_ours_is_not_the_statements(
    tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from explorer.compute import word
    from explorer.sql.database import Database
    from indexer.store.errors import MachineError
    from indexer.store.read import Index

    def broken(*_: Any) -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(word, "answer", broken)
    database = Database(Index(tiny_indexes / "llama"), {}, 1 << 30, 1)
    with pytest.raises(MachineError, match="word failed: ZeroDivisionError"):
        list(database.ask("FROM word('dog')")[2])
    database.close()


def test_z_of_every_neuron_is_that_of_the_formula(real: Any) -> None:
    """n.(w - mu) / sqrt(n' Sigma n), from the files of the index with NumPy alone."""
    embed, side = real.index.space("embed"), real.index.space("neuron.gate")
    word = embed.vector(real.index.tokens.by_text(" large").id)
    mu, sigma = embed.mean, embed.covariance
    neurons = side.rows.block(0, 200).astype(np.float64) * side.norms[:200, None]
    expected = neurons @ (word - mu) / np.sqrt(np.einsum("ij,jk,ik->i", neurons, sigma, neurons))
    answer = real.sql("SELECT z(name, 'large') AS z FROM neuron WHERE id < 200 ORDER BY id")
    np.testing.assert_allclose([r["z"] for r in answer.rows], expected, rtol=1e-4, atol=1e-5)


def test_text_that_is_not_indexed_is_run_through_the_model(real: Any) -> None:
    asked = "SELECT * FROM neighbors('quuxish thing', 'context.12', k := 2)"
    answer = real.sql(asked, timeout=PATIENCE)
    assert [r["item"] for r in answer.rows] == [
        r.item for r in real.neighbors("quuxish thing", "context.12", k=2).rows
    ]


def test_where_there_is_no_room_names_stay_before_what_is_long(real: Any) -> None:
    compared = real.sql("FROM compare(['large', 'tall'], pairs := 0)")
    between = real.sql("FROM middleman(['large', 'tall'], k := 2)")
    for width in (160, 100, 80):
        assert {"first", "second"} <= set(to_text(compared.layout(), width).split())
        assert "neuron" in to_text(between.layout(), width).split("─")[0]
    nested = real.sql("SELECT {'a': 1.5} AS s, MAP {'x': 2} AS m, [1] AS l, 1.5 AS d, 3 AS i")
    assert [one.right for one in nested.layout().columns] == [False, False, False, True, True]


# -- the examples of the docs -----------------------------------------------------------------


def test_the_page_has_the_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("statement", EXAMPLES, ids=lambda text: text.split("\n")[0])
def test_an_example_of_the_page_answers(real: Any, words_file: Path, statement: str) -> None:
    answer = real.sql(statement, attach={"mine": words_file}, timeout=PATIENCE)
    assert len(answer) > 0, statement


def test_neurons_per_layer_are_counted_as_by_hand(real: Any) -> None:
    found = {row["layer"]: row["neurons"] for row in real.sql(EXAMPLES[0]).rows}
    asked = real.middleman("large", k=500).rows
    layers = [row.layer for row in asked]
    assert found == {layer: layers.count(layer) for layer in set(layers)}


def test_neighbours_that_differ_between_depths_are_those_asked_one_by_one(real: Any) -> None:
    found = {row["text"]: (row["early"], row["late"]) for row in real.sql(EXAMPLES[1]).rows}
    frequent = real.sql("SELECT text FROM word ORDER BY zipf DESC, id LIMIT 500").rows
    for word in [row["text"] for row in frequent][::10]:
        pair = tuple(
            real.neighbors(word, space, k=1).rows[0].item for space in ("context.5", "context.25")
        )
        assert found.get(word) == (pair if pair[0] != pair[1] else None)


def test_the_neuron_of_larger_and_smaller_is_found(real: Any) -> None:
    found = real.sql(EXAMPLES[2]).rows
    assert found[0]["name"] == "L29N112"
    for row in found:
        report = real.neuron(row["name"])
        tokens = {r.item for r in report.rows if (r.side, r.kind) == ("out", "token")}
        assert {"␣larger", "␣smaller"} <= tokens


def test_neurons_that_fire_for_both_are_the_middle_men_by_activations(real: Any) -> None:
    found = [row["name"] for row in real.sql(EXAMPLES[3]).rows]
    asked = real.middleman("large", "tall", by="activations", k=len(found))
    assert found == [row.neuron for row in asked.rows]


# -- tables of one's own ----------------------------------------------------------------------


def test_tables_of_every_kind_are_read(real: Any, words_file: Path, tmp_path: Path) -> None:
    table = pyarrow.table({"word": ["large", "tall", "dog"], "rating": [3.5, 2.0, 1.0]})
    pyarrow.parquet.write_table(table, tmp_path / "words.dat")
    sources = [
        words_file,
        str(words_file),
        tmp_path / "words.dat",
        table,
        table.to_pandas(),
        polars.from_arrow(table),
        table.to_pylist(),
    ]
    for source in sources:
        answer = real.sql("SELECT word, rating FROM mine ORDER BY rating", attach={"mine": source})
        assert rows(answer) == [("dog", 1.0), ("tall", 2.0), ("large", 3.5)], type(source)
    both = real.sql(
        "SELECT count(*) AS n FROM a, b",
        attach={"a": words_file, "b": pandas.DataFrame({"x": [1]})},
    )
    assert both.rows[0]["n"] == 3


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("word", "a\n1\n", "there is a table of that name already"),
        ("2nd", "a\n1\n", "letters, digits and underscores"),
        ('x"; DROP TABLE word; --', "a\n1\n", "letters, digits and underscores"),
    ],
)
def test_a_name_that_cannot_be_is_told(
    real: Any, tmp_path: Path, name: str, text: str, said: str
) -> None:
    (tmp_path / "f.csv").write_text(text)
    with pytest.raises(QueryError, match=said):
        real.sql("SELECT 1", attach={name: tmp_path / "f.csv"})


def test_a_file_that_cannot_be_read_is_told(real: Any, tmp_path: Path, words_file: Path) -> None:
    with pytest.raises(QueryError, match=r"cannot read .*word\.csv.*did you mean .*words\.csv"):
        real.sql("SELECT 1", attach={"mine": words_file.with_name("word.csv")})
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(QueryError, match="attach=mine="):
        real.sql("SELECT 1", attach={"mine": tmp_path / "bad.parquet"})
    with pytest.raises(QueryError, match="object is no table"):
        real.sql("SELECT 1", attach={"mine": object()})
    assert rows(real.sql("SELECT 1")) == [(1,)]


# -- what is told of errors -------------------------------------------------------------------


def test_quotes_within_a_text_are_what_was_meant(real: Any) -> None:
    assert rows(real.sql("SELECT '“large”' AS a")) == [("“large”",)]
    with pytest.raises(SemanticError, match=r"column 19 .*Referenced column"):
        real.sql("SELECT '“large”', wrd FROM word")


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("", "no SQL was given"),
        ("-- nothing", "no SQL was given"),
        ("SELEC 1", r"line 1, column 1 \(SELEC\): syntax error"),
        ("SELECT 1; SELECT 2", "2 statements where one is asked"),
        ("SELECT\n  'é',\n  colum\nFROM word", r"line 3, column 3 \(colum\): Referenced column"),
        ("SELECT * FROM tokens", r"line 1, column 15 \(tokens\): .*Did you mean \"token\""),
        ("SELECT 'a'::INT", r"line 1, column 11 \(::INT\)|line 1, column 11"),
        (
            "SELECT similarity(\"large\", 'tall')",
            r"column 19 .*a text stands in single quotes: 'large'",
        ),
        ("FROM neighbors(“king - man”)", r"in plain ones: 'king - man'$"),
        ("SELECT 1 FROM token WHERE text = ‘large’", r"column 34 .*in plain ones: 'large'$"),
        ("FROM neighbors(large, k := 2)", r"column 6 .*stands in single quotes: 'large'"),
        ("FROM neighbors('large', k=2)", r"column 6 .*is named with :=, as in k := 2"),
        ("FROM neighbors('large', space=\"embed\")", r"column 6 .*:=, as in space := 'embed'"),
        ('FROM token WHERE text = "it\'s"', r"column 25 .*single quotes: 'it''s'"),
        (".tables", r"'\.tables' is a command of a shell.*SHOW TABLES"),
        (" .schema token", r"`explorer schema token`, or DESCRIBE token"),
        ("\\d", r"is a command of a shell, and SQL is asked here"),
        ("exit;", r"'exit;' is a command of a shell"),
        ("neighbors('large')", r"column 1 .*SELECT \* FROM neighbors\(\.\.\.\)"),
        ("similarity('a', 'b')", r"column 1 .*in a statement: SELECT similarity\(\.\.\.\)"),
        ("SELECT wrd FROM word", r"column 8 \(wrd\): Referenced column"),
        ("SELECT nope(1)", r"line 1, column 8 \(nope\(1\)\): Scalar Function with name nope"),
        ("SELECT * FROM neighbor('x')", r"line 1, column 15: .*did you mean neighbors\?"),
        ("SELECT * FROM neighbors('larg3')", r"line 1, column 15 \(neighbors\): no token ' larg3'"),
        (
            "FROM neighbors('a', kk := 3)",
            r"line 1, column 6 .*write neighbors\(expression, space := ",
        ),
        ("FROM neighbors('a', k := 0)", r"line 1, column 6 \(neighbors\): k := 0: ask for 1 row"),
        ("FROM neighbors('a', 'context.99')", r"column 6 .*no space 'context.99'.*'context.9'"),
        ("FROM neighbors('a', measure := 'cos')", r"column 6 .*no measure 'cos'; did you mean"),
        ("FROM middleman(['a', 'b'], 'inn')", r"column 6 \(middleman\): no side 'inn'"),
        ("FROM analogy('dog', 'a + b')", r"column 6 \(analogy\): .*is a sum; name one word"),
        ("SELECT z('L99N0', 'dog')", r"column 8 \(z\): no neuron 'L99N0'.*did you mean 'L29N0'"),
        ("SELECT z('dog', 'dog')", r"column 8 \(z\): 'dog' names no neuron"),
        ("SELECT z('L29N112.out', 'a', 'gate')", r"column 8 \(z\): .*another side than 'gate'"),
        ("FROM logits('L29N112.gate')", r"column 6 \(logits\): .*leave out \.gate"),
        ("FROM neighbors('dog', distinct := true)", r'it is quoted: "distinct" := '),
        ("FROM neighbors('large', distinct := true)", r'it is quoted: "distinct" := '),
        ("FROM compare(['a', 'b'], measure := ['dot', NULL])", "a list may not hold NULL"),
        ("FROM similarity('a', 'b')", r"gives a number, and no table: SELECT similarity"),
        ("SELECT similarity('dog')", r"do not fit; write similarity\(first, second, "),
        ("SELECT similarity('dog', 'zzxqy')", r"column 8 \(similarity\): no token ' zzxqy'"),
        ("SELECT error('boo')", "boo"),
        ("SELECT ?", "parameter"),
        ("SELECT $word", "word"),
        ("SELECT '\0'", "not text|no SQL|unterminated"),
    ],
)
def test_an_error_names_the_place(real: Any, statement: str, said: str) -> None:
    with pytest.raises(SemanticError, match=said) as caught:
        real.sql(statement)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert rows(real.sql("SELECT 1")) == [(1,)]


def test_what_is_to_be_known_of_an_item_is_told_below_the_rows(
    real: Any, real_indexes: Path, run: Run
) -> None:
    asked = "FROM neighbors('large elephant', k := 2)"
    answer = real.sql(asked)
    assert answer.told() == real.neighbors("large elephant", k=2).told() != ()
    assert answer.meta.notes == answer.told()
    assert answer.to_dict()["meta"]["notes"] == list(answer.told())
    assert page(answer, 0, 1).foot[-1] == answer.told()[-1]
    args = ("explorer", "sql", asked, "--indexes", str(real_indexes))
    assert "large elephant = ␣large" in run(*args).out
    assert "(the mean of its 2 parts)" in run(*args, "--format", "csv").err
    assert real.sql("FROM neighbors('large', k := 2)").told() == ()
    (two,) = real.sql("FROM middleman(['large elephant', 'small'])").told()
    assert "two words? `large, elephant`" in two
    (z,) = real.sql("SELECT z('L29N112', 'large elephant')").told()
    (similar,) = real.sql("SELECT similarity('dog', 'large elephant')").told()
    assert z == similar == answer.told()[0]


def test_what_is_to_be_known_of_many_items_is_told_in_few_lines(real: Any) -> None:
    asked = (
        "SELECT similarity('dog', a.text || ' ' || b.text) FROM word a, word b "
        "WHERE a.id < 30 AND b.id < 30 AND a.n_tokens = 1 AND b.n_tokens = 1"
    )
    told = real.sql(asked).told()
    assert 0 < len(told) <= 11
    assert any(re.search(r" and [\d,]+ more: the mean of its 2 parts", line) for line in told)


# -- limits -----------------------------------------------------------------------------------

UNENDING = [
    "SELECT count(*) FROM range(100000000000)",
    "SELECT count(*) FROM token a, token b, token c WHERE a.text || b.text = c.text",
    "WITH RECURSIVE t AS (SELECT 1 a UNION ALL SELECT a + 1 FROM t) SELECT max(a) FROM t",
    # One call of a function, which nothing interrupts.
    "SELECT max(levenshtein(repeat('ab', 20000), repeat('ba', 20000) || range::VARCHAR)) "
    "FROM range(1000)",
    "SELECT pg_sleep(60)",
    "SELECT * FROM word w, neighbors(w.text, k := 5) a, neighbors(a.item, k := 5) b",
    "SELECT count(*) FROM word, middleman(['large', word.text], k := 1)",
]


@pytest.mark.parametrize("statement", UNENDING, ids=lambda text: text[:40])
def test_a_query_ends_when_its_time_is_over(real_indexes: Path, statement: str) -> None:
    with Session(real_indexes / "smollm2", timeout=PATIENCE) as session:
        session.ask("SELECT 1")
        session.timeout = 1.5
        with pytest.raises(QueryError, match=r"stopped after 1\.5 s"):
            session.ask(statement)
        session.timeout = PATIENCE  # that the next one is answered is no matter of time
        assert session.ask("SELECT 1")[1].to_pylist() == [{"1": 1}]


@pytest.mark.parametrize("statement", [*UNENDING[::2], "FROM range(100_000_000)"])
def test_a_query_is_given_up_at_once(real_indexes: Path, statement: str) -> None:
    with Session(real_indexes / "smollm2") as session:
        session.ask("SELECT 1")
        cancelled = threading.Event()
        threading.Timer(0.3, cancelled.set).start()
        with pytest.raises(Cancelled, match="the statement was cancelled"):
            session.ask(statement, cancelled=cancelled)
        assert session.ask("SELECT 1")[1].to_pylist() == [{"1": 1}]


def test_a_query_may_be_given_up_before_it_is_asked_or_never(real_indexes: Path) -> None:
    with explorer.open("smollm2", real_indexes) as ix:
        cancelled = threading.Event()
        assert ix.sql("SELECT 1 AS n", cancelled=cancelled).rows == ({"n": 1},)
        cancelled.set()
        with pytest.raises(Cancelled):
            ix.sql("SELECT 1 AS n FROM range(100_000_000)", cancelled=cancelled)
        assert ix.sql("SELECT 1 AS n").rows == ({"n": 1},)


GREEDY = [
    "SELECT length(string_agg(repeat('x', 100000000), '')) FROM range(100)",
    "SELECT length(list(range)) FROM range(1000000000)",
    "SELECT count(*) FROM (SELECT DISTINCT range, repeat('x', 100) FROM range(100000000))",
    # Memory that DuckDB's own limit does not count.
    "SELECT list_sum(range(1000000000))",
    "SELECT max(len(repeat('x', 100000000) || range)) FROM range(2048)",
    "SELECT length(repeat('x', 3000000000))",
    # An answer that is larger than what may be held.
    "SELECT repeat('x', 10000) || range FROM range(10000000)",
    "SELECT n.* FROM word, neighbors(text, k := 49152) n",
]


@pytest.mark.parametrize("statement", GREEDY, ids=lambda text: text[:40])
def test_a_query_holds_no_more_than_it_may(real_indexes: Path, statement: str) -> None:
    with Session(real_indexes / "smollm2", timeout=60, memory="300MB") as session:
        session.ask("SELECT 1")
        with pytest.raises(QueryError, match=r"memory|too many at once"):
            session.ask(statement)
        assert _peak(session) < 1200 << 20
        assert session.ask("SELECT 1")[1].to_pylist() == [{"1": 1}]


def _peak(session: Session) -> int:
    """Peak memory of the worker in bytes; 0 where it was ended, and the system looked to that."""
    worker = session._worker
    if worker is None or not worker.running:
        return 0
    status = Path(f"/proc/{worker.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) << 10


def test_a_worker_ends_with_whoever_started_it(real_indexes: Path) -> None:
    """Even in the middle of what cannot be interrupted, and even if that was killed."""
    script = (
        "import sys; from pathlib import Path; from explorer.sql.session import Session\n"
        f"s = Session(Path({str(real_indexes / 'smollm2')!r})); s.ask('SELECT 1')\n"
        f"print(s._worker.pid, flush=True); s.ask({UNENDING[3]!r})"
    )
    python = subprocess.Popen([BIN / "python", "-c", script], stdout=subprocess.PIPE, text=True)
    assert python.stdout is not None
    worker = int(python.stdout.readline())
    works(worker)
    python.kill()
    python.wait()
    python.stdout.close()
    assert ended(worker)


@pytest.mark.parametrize("statement", [UNENDING[0], UNENDING[3]], ids=["query", "function"])
def test_ctrl_c_stops_a_query(real_indexes: Path, statement: str) -> None:
    command = [BIN / "explorer", "sql", statement, "--indexes", real_indexes]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until(lambda: children(child.pid), "the worker never came")
    (worker,) = children(child.pid)
    works(worker, 2)  # more than it takes to be ready, and the statement never ends
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=PATIENCE)
    assert (child.returncode, out, err.strip()) == (130, "", "explorer: interrupted")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1GB", 10**9), ("500 mb", 5 * 10**8), ("1.5GiB", 3 * 2**29), (10**8, 10**8)],
)
def test_amounts_of_memory(text: int | str, expected: int) -> None:
    assert bytes_of(text) == expected


@pytest.mark.parametrize("amount", ["", "lots", "-1GB", "1PB", "10MB", 0])
def test_an_amount_that_is_none_is_told(real: Any, amount: int | str) -> None:
    with pytest.raises(QueryError, match="memory="):
        real.sql("SELECT 1", memory=amount)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), 1e9])
def test_a_time_that_is_none_is_told(real: Any, seconds: float) -> None:
    with pytest.raises(QueryError, match="timeout="):
        real.sql("SELECT 1", timeout=seconds)


# -- the program ------------------------------------------------------------------------------


def test_the_program_answers_in_every_format(run: Run, real_indexes: Path, real: Any) -> None:
    statement = "SELECT item, score, forms FROM neighbors('large', k := 2)"
    asked = ("explorer", "sql", statement, "--indexes", str(real_indexes))
    expected = real.sql(statement)
    assert run(*asked, "--format", "json").json() == expected.to_dict()
    lines = run(*asked, "--format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == expected.to_dicts()
    csv = run(*asked, "--format", "csv").out.splitlines()
    assert csv[0] == "item,score,forms"
    assert csv[1].startswith("␣big,0.70")
    table = run(*asked)
    assert (table.code, table.err) == (0, "")
    assert "2 rows" in table.out
    assert "| item" in run(*asked, "--format", "markdown").out


def test_a_statement_is_read_from_a_file_or_stdin(
    run: Run, real_indexes: Path, tmp_path: Path
) -> None:
    (tmp_path / "q.sql").write_text("-- how many\nSELECT count(*) AS n\nFROM word;\n")
    indexes = ("--indexes", str(real_indexes), "--format", "csv")
    from_file = run("explorer", "sql", "-f", "q.sql", *indexes)
    assert from_file.out.splitlines()[0] == "n"
    for dash in (["-"], ["-f", "-"]):
        with (tmp_path / "q.sql").open("rb") as stdin:
            done = subprocess.run(
                [BIN / "explorer", "sql", *dash, *indexes],
                stdin=stdin, capture_output=True, text=True, check=True,
            )  # fmt: skip
        assert done.stdout == from_file.out


def test_a_table_of_many_rows_shows_some(run: Run, real_indexes: Path) -> None:
    asked = (
        "explorer",
        "sql",
        "SELECT range AS n FROM range(2500)",
        "--indexes",
        str(real_indexes),
    )
    table = run(*asked)
    assert "2,500 rows, of which the first 100 are shown" in table.out
    assert len(table.out.splitlines()) < 110
    assert len(run(*asked, "--format", "csv").out.splitlines()) == 2501


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["SELECT 1", "-f", "x.sql"], "leave out one of them"),
        ([], "no SQL was given"),
        (["-f", "nothing.sql"], "cannot read 'nothing.sql'"),
        (["SELECT 1", "--attach", "words.csv"], "write NAME=VALUE"),
        (["SELECT 1", "--param", "x"], "write NAME=VALUE"),
        (["SELECT 1", "--memory", "much"], "--memory much"),
        (["SELECT 1", "--timeout", "0"], "--timeout 0"),
        (["SELECT 1", "--format", "xml"], "no format 'xml'"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    run: Run, real_indexes: Path, args: list[str], said: str
) -> None:
    done = run("explorer", "sql", *args, "--indexes", str(real_indexes))
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_files_of_the_current_folder_are_no_modules(
    run: Run, real_indexes: Path, tmp_path: Path
) -> None:
    for name in ("queue", "json", "duckdb", "indexer"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')")
    indexes = ("--indexes", str(real_indexes))
    assert run("explorer", "sql", "SELECT 1 AS one", *indexes, "--format", "csv").out == "one\n1\n"
    done = run("explorer", "neighbors", "quuxish thing", "--space", "context.3", *indexes)
    assert done.code == 0, done.err


def test_the_process_that_asks_imports_no_database(real_indexes: Path) -> None:
    """What SQL needs is in the worker; torch is nowhere."""
    script = (
        "import sys, explorer\n"
        f"ix = explorer.open('smollm2', {str(real_indexes)!r}); ix.sql('SELECT 1')\n"
        "print(sorted(m for m in ('torch', 'transformers', 'duckdb', 'faiss') if m in sys.modules))"
    )
    done = subprocess.run(
        [BIN / "python", "-c", script], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip() == "[]"
