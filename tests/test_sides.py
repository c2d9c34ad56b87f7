"""Sides of neurons: `gate`, `up` and `out` of a gated MLP, `in` and `out` of one without a gate.

Of a gated MLP `in` is taken for the reading side wherever a person names a side, and the answer
says `gate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import explorer
from conftest import Run
from explorer.errors import QueryError, SemanticError
from explorer.expressions import _SIDES
from indexer.exporting import ExportRequest, export
from indexer.progress import Narrator
from indexer.store.errors import UnknownSpace
from indexer.store.spaces import GATED_SIDES, NEURON_SIDES, UNGATED_SIDES, side_named, space_named


@pytest.fixture(scope="module")
def gated(tiny_indexes: Path) -> Iterator[Any]:
    with explorer.open("llama", tiny_indexes) as ix:
        yield ix


@pytest.fixture(scope="module")
def ungated(tiny_indexes: Path) -> Iterator[Any]:
    with explorer.open("gpt2", tiny_indexes) as ix:
        yield ix


def test_every_side_has_a_name_and_each_kind_of_mlp_its_own() -> None:
    assert set(GATED_SIDES) | set(UNGATED_SIDES) == set(NEURON_SIDES) == set(_SIDES)
    assert [side_named(asked, GATED_SIDES) for asked in ("in", "gate", "up", "out", "x")] == [
        *("gate", "gate", "up", "out", "x")
    ]
    assert [side_named(asked, UNGATED_SIDES) for asked in ("in", "gate", "out")] == [
        *("in", "gate", "out")
    ]
    assert side_named("in", ()) == "in"
    assert space_named("neuron.in", GATED_SIDES) == "neuron.gate"
    assert space_named("neuron.in", UNGATED_SIDES) == "neuron.in"
    assert space_named("neuron.in", ()) == "neuron.in"
    assert space_named("embed", GATED_SIDES) == "embed"


def test_an_index_says_which_sides_it_has(gated: Any, ungated: Any) -> None:
    assert gated.manifest.sides == GATED_SIDES
    assert ungated.manifest.sides == UNGATED_SIDES
    assert [name for name in gated.spaces if name.startswith("neuron.")] == [
        *("neuron.gate", "neuron.up", "neuron.out")
    ]
    assert [name for name in ungated.spaces if name.startswith("neuron.")] == [
        *("neuron.in", "neuron.out")
    ]
    columns = "norm_gate, norm_up, norm_in, cosine_gate_up, cosine_gate_out, cosine_up_out"
    ((*of_gate, norm_in, gate_up, gate_out, up_out, in_out),) = gated.index.sql(
        f"SELECT {columns}, cosine_in_out FROM neuron WHERE id = 3"
    )
    assert None not in (*of_gate, gate_up, gate_out, up_out)
    assert (norm_in, in_out) == (None, None)
    ((*of_gate, norm_in, gate_up, gate_out, up_out, in_out),) = ungated.index.sql(
        f"SELECT {columns}, cosine_in_out FROM neuron WHERE id = 3"
    )
    assert {*of_gate, gate_up, gate_out, up_out} == {None}
    assert None not in (norm_in, in_out)


def by_dict(answer: Any) -> Any:
    return answer.to_dict()


ASKED: dict[str, Callable[[Any, str], Any]] = {
    "neighbors in the space": lambda ix, side: by_dict(ix.neighbors("dog", f"neuron.{side}", k=3)),
    "middleman": lambda ix, side: by_dict(ix.middleman("dog", "cat", side=side, k=3)),
    "compare": lambda ix, side: by_dict(ix.compare("dog", "cat", side=side, pairs=0)),
    "baseline": lambda ix, side: by_dict(ix.baseline(f"neuron.{side}", pairs=100)),
    "vectors": lambda ix, side: ix.vectors(space=f"neuron.{side}").tolist(),
    "items": lambda ix, side: ix.items(f"neuron.{side}"),
    "similarity": lambda ix, side: ix.similarity(
        "L1N2.out", "L0N3.up" if side != "up" else "L0N3.out", space=f"neuron.{side}"
    ),
    "search": lambda ix, side: by_dict(
        ix.search(f"neuron.{side}", ix.vector(f"L1N2.{side}", f"neuron.{side}"), k=3)
    ),
    "middleman of SQL": lambda ix, side: by_dict(
        ix.sql("FROM middleman(['dog', 'cat'], side := $1, k := 3)", [side])
    )["rows"],
    "z of SQL": lambda ix, side: by_dict(
        ix.sql("SELECT z('L1N2', 'dog', side := $1) AS z", [side])
    )["rows"],
    "neighbors of SQL": lambda ix, side: by_dict(
        ix.sql("FROM neighbors('dog', space := $1, k := 3)", [f"neuron.{side}"])
    )["rows"],
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=list(ASKED))
def test_in_is_the_gate_of_a_gated_mlp_and_the_answer_says_gate(
    ask: Callable[[Any, str], Any], gated: Any
) -> None:
    assert ask(gated, "in") == ask(gated, "gate")


def test_each_side_has_an_answer_of_its_own(gated: Any) -> None:
    for name, ask in ASKED.items():
        assert (ask(gated, "gate") == ask(gated, "up")) == (name == "items")


def test_an_answer_names_the_gate_where_in_was_asked(gated: Any) -> None:
    assert gated.neighbors("dog", "neuron.in", k=1).query.space == "neuron.gate"
    assert gated.neighbors("dog", "neuron.in", k=1).meta.space == "neuron.gate"
    assert gated.middleman("dog", side="in", k=1).query.side == "gate"
    assert gated.compare("dog", "cat", side="in", pairs=0).query.side == "gate"
    assert gated.baseline("neuron.in", pairs=100).query.space == "neuron.gate"


def test_a_neurons_side_may_be_written_in_and_is_told_as_gate(gated: Any, ungated: Any) -> None:
    asked, own = (gated.neighbors(f"L1N2.{side}", k=3) for side in ("in", "gate"))
    assert asked.rows == own.rows
    assert [one.item for one in asked.meta.resolved] == ["L1N2.gate"]
    assert [one.space for one in asked.meta.resolved] == ["neuron.gate"]
    (one,) = ungated.neighbors("L1N2.in", k=3).meta.resolved
    assert (one.item, one.space) == ("L1N2.in", "neuron.in")


def test_the_reading_side_is_asked_where_none_is_named(gated: Any, ungated: Any) -> None:
    for ix, side in ((gated, "gate"), (ungated, "in")):
        assert ix.middleman("dog", k=2) == ix.middleman("dog", side=side, k=2)
        assert ix.middleman("dog", k=2).query.side == side
        assert ix.compare("dog", "cat", pairs=0) == ix.compare("dog", "cat", side=side, pairs=0)
        assert ix.compare("dog", "cat", pairs=0).query.side == side
        unnamed, named = (
            ix.sql(f"SELECT z('L1N2', 'dog'{how}) AS z").rows for how in ("", f", side := '{side}'")
        )
        assert unnamed == named
        ranked = ix.sql("SELECT neuron FROM middleman(['dog'], side := NULL, k := 2)").rows
        assert [row["neuron"] for row in ranked] == [
            r.neuron for r in ix.middleman("dog", k=2).rows
        ]


@pytest.mark.parametrize("side", ["gate", "up"])
def test_a_side_that_neurons_without_a_gate_lack_is_refused(ungated: Any, side: str) -> None:
    for ask in (
        lambda: ungated.middleman("dog", side=side),
        lambda: ungated.compare("dog", "cat", side=side),
        lambda: ungated.sql("FROM middleman(['dog'], side := $1)", [side]),
        lambda: ungated.sql("SELECT z('L1N2', 'dog', side := $1)", [side]),
    ):
        with pytest.raises(QueryError, match=rf"no side '{side}'.*\(there are: in, out\)"):
            ask()
    with pytest.raises(UnknownSpace, match=rf"no space 'neuron\.{side}'.*neuron\.in, neuron\.out"):
        ungated.neighbors("dog", f"neuron.{side}")
    with pytest.raises(SemanticError, match=rf"have no side '{side}' \(there are: in, out\)"):
        ungated.neighbors(f"L1N2.{side}")


def test_a_command_line_takes_in_for_the_gate(run: Run, tiny_indexes: Path) -> None:
    where = {"EXPLORER_INDEXES": str(tiny_indexes), "EXPLORER_INDEX": "llama"}
    for asked, own in (
        (["middleman", "dog", "--side", "in"], ["middleman", "dog", "--side", "gate"]),
        (
            ["neighbors", "dog", "--space", "neuron.in"],
            ["neighbors", "dog", "--space", "neuron.gate"],
        ),
    ):
        found, expected = (run("explorer", *args, **where) for args in (asked, own))
        assert found.code == 0, found.err
        assert found.out == expected.out
        assert "gate" in found.out


def test_a_space_is_exported_under_the_name_it_has(tiny_indexes: Path, tmp_path: Path) -> None:
    written = []
    for name in ("neuron.in", "neuron.gate"):
        target = tmp_path / f"{len(written)}.safetensors"
        request = ExportRequest("llama", str(tiny_indexes), name, "safetensors", target)
        export(request, Narrator(quiet=True))
        written.append(target.read_bytes())
    assert written[0] == written[1]
    assert b"neuron.gate" in written[0]
    assert b"neuron.in" not in written[0]
