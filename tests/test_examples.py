"""The example notebooks: run anew, they show what is stored below their cells."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from conftest import REAL_WORDS, ROOT

NOTEBOOK = ROOT / "examples" / "size_congruence.ipynb"
NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?")


def executed(indexes: Path, folder: Path) -> list[Any]:
    """The notebook's cells, run in a folder that lies beside some indexes as `examples` does."""
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (folder / "examples").mkdir()
    (folder / "indexes").symlink_to(indexes.resolve())
    return list(module.executed(NOTEBOOK, folder / "examples").cells)


def texts(cell: Any) -> list[str]:
    """What a cell shows where there is no HTML."""
    return [
        output.text if output.output_type == "stream" else output.data["text/plain"]
        for output in cell.get("outputs", [])
    ]


def kinds(cell: Any) -> list[tuple[str, list[str]]]:
    return [(o.output_type, sorted(o.get("data", []))) for o in cell.get("outputs", [])]


def same_in_substance(stored: str, shown: str) -> None:
    """The same words in the same places, and numbers that differ by no more than rounding may."""
    assert NUMBER.sub("#", " ".join(stored.split())) == NUMBER.sub("#", " ".join(shown.split()))
    for one, other in zip(NUMBER.findall(stored), NUMBER.findall(shown), strict=True):
        before, now = (float(text.replace(",", "")) for text in (one, other))
        assert now == pytest.approx(before, rel=0.02, abs=0.011), (one, other)


@pytest.fixture(scope="module")
def stored() -> list[Any]:
    return list(nbformat.read(NOTEBOOK, as_version=4).cells)


@pytest.fixture(scope="module")
def anew(real_indexes: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return executed(real_indexes, tmp_path_factory.mktemp("notebook"))


def test_a_notebook_is_short_and_every_cell_of_code_has_shown_something(stored: list[Any]) -> None:
    assert len(stored) < 20
    code = [cell for cell in stored if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert all(cell.outputs for cell in code)
    assert not any(o.output_type == "error" for cell in code for o in cell.outputs)
    source = "".join(cell.source for cell in code)
    assert ".to_pandas()" in source
    assert ".plot()" in source
    assert str(ROOT) not in NOTEBOOK.read_text("utf-8")


@pytest.mark.slow
def test_every_cell_runs_and_shows_the_same_kind_of_thing(
    stored: list[Any], anew: list[Any]
) -> None:
    assert [kinds(cell) for cell in anew] == [kinds(cell) for cell in stored]


@pytest.mark.slow
def test_what_does_not_follow_from_the_words_indexed_is_the_same(
    stored: list[Any], anew: list[Any]
) -> None:
    compared = 0
    for before, now in zip(stored, anew, strict=True):
        if "words" not in before.metadata.get("tags", []):
            for one, other in zip(texts(before), texts(now), strict=True):
                same_in_substance(one, other)
                compared += 1
    assert compared >= 5


@pytest.mark.slow
def test_on_the_index_that_it_was_stored_with_everything_is_the_same(
    stored: list[Any], tmp_path: Path
) -> None:
    manifest = ROOT / "indexes" / "smollm2" / "manifest.json"
    words = json.loads(manifest.read_text())["words"] if manifest.exists() else 0
    if words != 20_000:
        pytest.skip(f"indexes/smollm2 of 20,000 words is not here; of {REAL_WORDS:,} it was run")
    for before, now in zip(stored, executed(ROOT / "indexes", tmp_path), strict=True):
        assert kinds(now) == kinds(before)
        for one, other in zip(texts(before), texts(now), strict=True):
            same_in_substance(one, other)


def test_numbers_and_words_that_differ_are_told_apart() -> None:
    same_in_substance("rank 66 of 49,151, z 4.72", "rank 66 of 49,151, z  4.73")
    for other in ("rank 67 of 49,151, z 5.4", "rang 66 of 49,151, z 4.72"):
        with pytest.raises(AssertionError):
            same_in_substance("rank 66 of 49,151, z 4.72", other)
