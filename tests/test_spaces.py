"""What a space is stands in its entry: an index whose spaces have other names answers the same.

Every space of a tiny index is given a name that says something else, in its files, its manifest and
its catalog. Each question is asked of both, by the names that each has.
"""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

import explorer
from everyquestion import QUESTIONS
from explorer.about import index as table_of_spaces
from explorer.questions import Result
from explorer.views import VIEWS, detail, links
from explorer.views.view import Choice
from indexer.exporting import ExportRequest, export
from indexer.progress import Narrator
from indexer.store.layout import Manifest
from indexer.store.verify import verify
from sealing import resealed

MISLEADING = {"embed": "head", "unembed": "context", "context": "neuron", "neuron": "context"}
"""By kind, what the name of a space of it begins with instead; of heads `embed`."""


def misnamed(name: str) -> str:
    """A name that says something else of a space, and stands nowhere else in an answer."""
    return f"{MISLEADING.get(name.split('.')[0], 'embed')}.q-{name.replace('.', '-')}-q"


def under_its_own_names(text: str) -> str:
    """What was said of the index of other names, as it is said of the first."""
    return re.sub(
        r"\w+\.q-(\w+)(?:-(\w+))?-q", lambda m: m[1] if m[2] is None else f"{m[1]}.{m[2]}", text
    )


class Renaming:
    """An Explorer asked by the names that the spaces of the first index have."""

    def __init__(self, ix: Any, names: dict[str, str]) -> None:
        self._ix, self._names = ix, names

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._ix, name)
        if not inspect.ismethod(asked):
            return asked

        def ask(*args: Any, **options: Any) -> Any:
            bound = inspect.signature(asked).bind(*args, **options)
            bound.apply_defaults()
            for key, value in bound.arguments.items():
                bound.arguments[key] = self._renamed(value)
            return asked(*bound.args, **bound.kwargs)

        return ask

    def _renamed(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return self._names.get(value) or re.sub(
            r"@([\w.]+)", lambda m: f"@{self._names[m[1]]}", value
        )


@pytest.fixture(scope="module")
def renamed(tiny_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with index `llama`, none of whose spaces is called what it is."""
    root = tmp_path_factory.mktemp("renamed")
    folder = root / "llama"
    shutil.copytree(tiny_indexes / "llama", folder)
    names = {space.name: misnamed(space.name) for space in Manifest.load(folder).spaces}
    for old, new in names.items():
        for end in ("faiss", "npz"):
            (folder / "spaces" / f"{old}.{end}").rename(folder / "spaces" / f"{new}.{end}")
    with duckdb.connect(str(folder / "catalog.duckdb")) as con:
        for old, new in names.items():
            con.execute("UPDATE space SET name = ? WHERE name = ?", [new, old])
        con.execute("CHECKPOINT")

    def rename(body: dict[str, Any]) -> None:
        for space in body["spaces"]:
            space["name"] = names[space["name"]]
        for part in (body["conventions"], body["prefix"]["sink_share"]):
            for name in list(part):
                part[names[name]] = part.pop(name)
        for old, new in names.items():
            for end in ("faiss", "npz"):
                entry = body["files"].pop(f"spaces/{old}.{end}")
                body["files"][f"spaces/{new}.{end}"] = entry

    resealed(folder, rename)
    assert verify(folder) == []
    return root


@pytest.fixture(scope="module")
def both(tiny_indexes: Path, renamed: Path) -> Iterator[tuple[Any, Any]]:
    """The index as it was built, and that of other names."""
    with explorer.open("llama", tiny_indexes) as ix, explorer.open("llama", renamed) as other:
        yield ix, Renaming(other, {name: misnamed(name) for name in ix.spaces})


MORE: dict[str, Callable[[Any], Any]] = {
    "a word of a space": lambda ix: ix.neighbors("dog@context.1 - 2*cat@embed", "context.3"),
    "a token in context": lambda ix: ix.neighbors('token:" dog"', "context.2"),
    "a neuron": lambda ix: ix.neighbors("L1N7.out", "neuron.gate"),
    "a head": lambda ix: ix.neighbors("L1H1D2.value", "head.output"),
    "unembed": lambda ix: ix.neighbors("dog", "unembed", distinct=True),
    "items": lambda ix: [ix.items(name) for name in ("unembed", "context.0", "head.value")],
    "baseline of all": lambda ix: ix.baseline(pairs=200),
    "compared without control pairs": lambda ix: ix.compare("large", "tall", "dog", pairs=0),
}


def whole(answer: Any) -> str:
    """All of an answer as text: its own `repr` is its beginning."""
    return repr(answer.to_dict() if isinstance(answer, Result) else answer)


BY_NAME = {"compare", "findings", "sql"}
"""Questions in which a name itself counts: stand-ins are drawn by it, for what there is to see too,
and functions of SQL ask the space that is called `embed`."""


@pytest.mark.parametrize("name", [name for name in (*QUESTIONS, *MORE) if name not in BY_NAME])
def test_every_question_is_answered_alike_under_other_names(name: str, both: Any) -> None:
    ask = {**QUESTIONS, **MORE}[name]
    first, other = (whole(ask(ix)) for ix in both)
    assert under_its_own_names(other) == first


def test_views_offer_and_lead_to_the_same(both: Any) -> None:
    said = []
    for ix in both:
        near = ix.neighbors("dog", "context.2", k=3)
        through = ix.layers("dog")
        told = detail.row_detail(near, near.layout(), near.rows[0], ix.manifest)
        said.append(
            [
                [links.links(answer, answer.rows[-1], ix.manifest) for answer in (near, through)],
                detail.full_detail(ix, near, told),
                [
                    list(one.values(ix))
                    for view in ("middleman", "analogy", "congruence")
                    for one in VIEWS[view].options
                    if isinstance(one, Choice)
                ],
                [list(map(str, row)) for row in _cells(table_of_spaces(ix.manifest))],
            ]
        )
    first, other = map(repr, said)
    assert under_its_own_names(other) == first


def _cells(layout: Any) -> list[list[str]]:
    return [[column.cell(row) for column in layout.columns] for row in layout.rows]


def test_a_space_is_exported_by_what_it_holds(
    tiny_indexes: Path, renamed: Path, tmp_path: Path
) -> None:
    written = []
    for root, name in ((tiny_indexes, "neuron.gate"), (renamed, misnamed("neuron.gate"))):
        target = tmp_path / f"{len(written)}.txt"
        request = ExportRequest("llama", str(root), name, "word2vec", target, layers="1")
        export(request, Narrator(quiet=True))
        written.append(target.read_bytes())
    assert written[0] == written[1]


def test_spaces_are_in_order_whatever_they_are_called(both: Any) -> None:
    for ix in both:
        assert [entry.kind for entry in ix.manifest.depths] == ["embed", *["context"] * 4]
        assert [entry.layer for entry in ix.manifest.contexts] == [0, 1, 2, 3]
        assert ix.manifest.sides == ("gate", "up", "out")
