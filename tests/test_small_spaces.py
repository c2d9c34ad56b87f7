"""A space with fewer items than an answer usually has rows: there are as many as there are.

A number that was given, and is too large, is refused, or told of; and where what was asked for is
left out, so that there are fewer rows, every face says so.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import explorer
from conftest import Run
from explorer.errors import QueryError, TooFewRows
from explorer.progress import no_progress
from explorer.questions import QUERIES
from explorer.questions.query import parameters
from explorer.views import VIEWS
from explorer.views.place import Place
from indexer.importing import ImportRequest, import_vectors
from indexer.portable.vectors import VectorSource
from indexer.progress import Narrator

EIGHT = ["king", "queen", "man", "woman", "dog", "cat", "small", "large"]
LABELS = ["gender", "size", "sentiment", "age"]


def imported(root: Path, name: str, labels: list[str], width: int, space: str = "embed") -> None:
    file = root.parent / f"{name}.{space}.npy"
    np.save(file, np.random.default_rng(0).standard_normal((len(labels), width)))
    file.with_suffix(".labels.txt").write_text("\n".join(labels) + "\n", "utf-8")
    import_vectors(ImportRequest(VectorSource(file), root, name, space), Narrator(quiet=True))


@pytest.fixture(scope="module")
def root(tiny_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index `eight`, of eight words; `llama`, with a further space `dirs` of four labels."""
    root = tmp_path_factory.mktemp("small") / "indexes"
    shutil.copytree(tiny_indexes / "llama", root / "llama")
    imported(root, "eight", EIGHT, 8)
    imported(root, "llama", LABELS, 24, "dirs")
    return root


@pytest.fixture(scope="module")
def eight(root: Path) -> Iterator[Any]:
    with explorer.open("eight", root) as ix:
        yield ix


@pytest.fixture(scope="module")
def llama(root: Path) -> Iterator[Any]:
    with explorer.open("llama", root) as ix:
        yield ix


def test_in_python_there_are_as_many_rows_as_there_are(eight: Any, llama: Any) -> None:
    assert len(eight.neighbors("king").rows) == 7
    assert len(eight.neighbors("king", include_inputs=True).rows) == 8
    assert len(eight.analogy("king - man + woman").rows) == 5
    assert len(eight.search("embed", np.ones(8)).rows) == 8
    assert [len(found.rows) for found in eight.neighbors(["king", "dog"])] == [7, 7]
    assert len(llama.neighbors("gender", "dirs").rows) == 3
    # Each space has its own number of items.
    nearest = [row.nearest for row in eight.layers("king").rows]
    assert [len(items) for items in nearest] == [5]


def test_what_was_answered_can_be_asked_again(eight: Any) -> None:
    for answer in (eight.neighbors("king"), eight.analogy("king - man"), eight.layers("king")):
        assert answer.query.k in (5, 8)
        assert eight.ask(answer.query) == answer


def test_why_there_are_fewer_rows_is_told(eight: Any, llama: Any) -> None:
    own = "the query's own items are left out"
    for answer, said in (
        (eight.neighbors("king", k=8), f"7 rows, not 8: {own}"),
        (eight.analogy("king - man", k=8), f"6 rows, not 8: {own}"),
        (eight.layers("king", k=8), f"7 items in embed, not 8: {own}"),
        (eight.analogy_layers("king", k=8), f"7 items in embed, not 8: {own}"),
        (llama.neighbors("gender", "dirs", k=4), f"3 rows, not 4: {own}"),
    ):
        assert answer.told() == (said,)
        assert said in str(answer)
        assert said in repr(answer)
    for enough in (
        eight.neighbors("king", k=7),
        eight.neighbors("king", include_inputs=True, k=8),
        eight.search("embed", np.ones(8), k=8),
        eight.layers("king", k=7),
    ):
        assert enough.told() == ()


def test_where_words_were_imported_more_are_to_be_imported(eight: Any) -> None:
    for how in ("matched", "random"):
        with pytest.raises(QueryError, match="import more words") as caught:
            eight.congruence("king", "queen", "man", control=how, permutations=50)
        assert "--words" not in str(caught.value)


@pytest.mark.parametrize("k", [9, 0])
def test_a_number_that_was_given_is_told_of(eight: Any, k: int) -> None:
    message = "space 'embed' has 8 words" if k else "ask for 1 row or more"
    for ask in (
        lambda: eight.neighbors("king", k=k),
        lambda: eight.analogy("king", k=k),
        lambda: eight.layers("king", k=k),
        lambda: eight.search("embed", np.ones(8), k=k),
        lambda: eight.sql("FROM neighbors('king', k := $k)", {"k": k}),
    ):
        with pytest.raises(QueryError, match=message):
            ask()
    with pytest.raises(TooFewRows) as caught:
        eight.neighbors("king", k=9)
    assert caught.value.there == 8


@pytest.mark.slow
def test_on_the_command_line_and_in_sql(root: Path, run: Run) -> None:
    def rows(*args: str) -> int:
        done = run("explorer", *args, "--indexes", str(root), "--format", "json")
        assert done.code == 0, done.err
        return len(done.json()["rows"])

    assert rows("neighbors", "king", "--index", "eight") == 7
    assert rows("analogy", "king - man", "--index", "eight") == 6
    assert rows("neighbors", "size", "--space", "dirs", "--index", "llama") == 3
    assert rows("sql", "FROM neighbors('king')", "--index", "eight") == 7
    why = "7 rows, not 8: the query's own items are left out"
    for args in (["neighbors", "king", "-k", "8"], ["sql", "FROM neighbors('king', k := 8)"]):
        args = [*args, "--index", "eight", "--indexes", str(root)]
        assert why in run("explorer", *args).out
        assert why in run("explorer", *args, "--format", "csv").err
    lines = run("explorer", "sql", "FROM neighbors('king', k := 9)", "--indexes", str(root))
    assert lines.code == 2
    done = run("explorer", "neighbors", "king", "-k", "9", "--index", "eight", "--indexes", root)
    assert (done.code, done.err) == (2, "explorer: -k 9: space 'embed' has 8 words\n")
    assert json.loads(run("explorer", "neighbors", "king", "--index", "eight", "--indexes", root,
                          "--format", "json").out)["query"]["k"] == 8  # fmt: skip


def test_a_view_shows_what_there_is_and_tells_of_a_number_that_was_chosen(
    eight: Any, llama: Any
) -> None:
    for view in ("neighbors", "analogy"):
        found = VIEWS[view].ask(eight, Place(view, "king"), no_progress)
        assert len(found.rows) == 7
        chosen = Place(view, "king").choosing("k", "50", "20")
        told = VIEWS[view].ask(eight, chosen, no_progress)
        assert told.rows == found.rows
        assert any("has 8 words" in line for line in told.told())
    place = Place("neighbors", "size").choosing("space", "dirs", "embed")
    assert len(VIEWS["neighbors"].ask(llama, place, no_progress).rows) == 3
    everywhere = Place("analogy", "king").choosing("space", "every layer", "embed")
    (row,) = VIEWS["analogy"].ask(eight, everywhere, no_progress).rows
    assert len(row.nearest) == 3
    more = everywhere.choosing("k", "5", "20")
    assert len(VIEWS["analogy"].ask(eight, more, no_progress).rows[0].nearest) == 5


def test_no_question_has_a_number_of_rows_that_was_not_asked_for() -> None:
    """One that is added later gives what there is too."""
    for kind in QUERIES:
        for one in parameters(kind):
            if one.name == "k":
                assert one.default is None
                assert one.count > 0
                assert one.usual == f"{one.count}, or as many as there are"


def test_neurons_of_a_tiny_model_are_as_many_as_there_are(llama: Any) -> None:
    neurons = sum(len(llama.manifest.layers) * [38])
    middle = llama.middleman("a", layers="0")
    assert len(middle.rows) == min(10, middle.query.k, neurons)
    view = VIEWS["ov"].ask(llama, Place("ov", "a"), no_progress)
    assert len(view.rows) == len(llama.manifest.layers) * llama.manifest.model.n_heads
