"""An expression layer by layer: each row is what the single-space questions answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import explorer
from conftest import Run
from explorer.compute.layers import DEPTH
from explorer.errors import QueryError
from explorer.show.text import to_text
from indexer.store.errors import SemanticError


@pytest.fixture(scope="module")
def tiny(tiny_indexes: Any) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


def test_a_row_says_what_the_single_space_is_asked(real: Any) -> None:
    found = real.layers("dog + small", "puppy", k=4)
    assert [row.space for row in found.rows] == ["embed", *real.index.context_names]
    for row in found.rows[::6]:
        near = real.neighbors("dog + small", space=row.space, k=4)
        assert row.nearest == tuple(one.item for one in near.rows)
        assert row.measure == near.query.measure
        assert row.target == real.analogy("dog + small", "puppy", space=row.space).meta.target


def test_change_is_the_share_of_neighbours_that_are_new(real: Any) -> None:
    rows = real.layers("dog + small").rows
    sets = [
        {one.item for one in real.neighbors("dog + small", space=row.space, k=DEPTH).rows}
        for row in rows
    ]
    assert rows[0].change is None
    assert rows[1].change is None  # words after tokens
    for at in range(2, len(rows)):
        new = len(sets[at] - sets[at - 1])
        assert rows[at].change == pytest.approx(new / DEPTH)
    most = max(range(2, len(rows)), key=lambda at: rows[at].change)
    said = f"most from {rows[most - 1].space} to {rows[most].space} ({rows[most].change:.0%})"
    assert said in " ".join(str(real.layers("dog + small")).split())


def test_sinks_are_the_share_the_index_records(real: Any) -> None:
    shares = real.manifest.prefix.sink_share
    for row in real.layers("dog").rows[1:]:
        assert row.sinks == shares[row.space]
    assert real.layers("dog").rows[0].sinks is None


def test_neighbours_are_compared_among_as_many_as_there_are(tiny: Any) -> None:
    rows = tiny.layers("dog", k=2).rows
    assert all(0 <= row.change <= 1 for row in rows[2:])


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        ({"expression": "dog", "target": "cat + dog"}, "is a sum; name one word"),
        ({"expression": "dog", "target": " "}, "target is empty"),
        ({"expression": "dog", "measure": "cosin"}, "did you mean 'cosine'"),
        ({"expression": "dogg"}, "did you mean"),
        ({"expression": "dog", "k": 0}, "ask for 1 row or more"),
    ],
)
def test_what_cannot_be_asked_is_one_line(ask: dict[str, Any], message: str, tiny: Any) -> None:
    with pytest.raises((QueryError, SemanticError), match=message):
        tiny.layers(**ask)


def test_the_program_answers_as_python_does(tiny: Any, tiny_indexes: Any, run: Run) -> None:
    args = ["--indexes", str(tiny_indexes), "--index", "llama"]
    done = run("explorer", "layers", "dog + small", "puppy", "--format", "json", *args)
    assert done.json() == tiny.layers("dog + small", "puppy").to_dict()
    table = run("explorer", "layers", "dog", *args)
    assert (table.code, table.err) == (0, "")
    assert table.out.startswith("dog  layer by layer")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_lines_around_a_table_are_broken_at_blanks_and_lose_nothing(real: Any, width: int) -> None:
    answer = real.layers("dog + small", "Chihuahua")
    whole, narrow = to_text(answer.layout(), 1000), to_text(answer.layout(), width)
    assert max(map(len, narrow.splitlines())) <= width
    foot = whole[whole.rindex("\n\n") :]
    assert max(map(len, foot.splitlines())) > 120
    said = narrow[narrow.rindex("\n\n") :].split()  # after which columns there is no room for
    assert said[-len(foot.split()) :] == foot.split()
