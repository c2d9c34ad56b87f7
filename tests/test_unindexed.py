"""The model on words that are not indexed: who has it run, how far it is, and that it ends."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import explorer
from explorer.api import Explorer
from explorer.errors import Cancelled, ModelFailed, NotIndexed, QueryError
from explorer.unindexed import encode, refuse, release
from indexer.store.errors import at_the_edge
from indexer.store.read import open_index
from processes import PATIENCE, children, ended, killed_at, running

TEXT = "green mountain river"


@pytest.fixture(scope="module")
def states(tiny_indexes: Path) -> NDArray[np.float32]:
    """What the model makes of `TEXT` and another: (2, context spaces, d_model)."""
    return encode(tiny_indexes / "llama", [TEXT, "mountain dog"])


@pytest.fixture(autouse=True)
def _no_model_is_ready() -> Iterator[None]:
    """Each test begins and ends without a process that holds a model."""
    release()
    yield
    release()


class Counting:
    """An `encode` that knows its texts by heart, and what it was asked."""

    def __init__(self, states: NDArray[np.float32]) -> None:
        self.known = dict(zip([TEXT, "mountain dog"], states, strict=True))
        self.asked: list[tuple[Path, tuple[str, ...]]] = []

    def __call__(self, folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked.append((folder, tuple(texts)))
        return np.stack([self.known[text] for text in texts])


# -- who runs the model ---------------------------------------------------------------------


@pytest.mark.native
def test_one_who_refuses_is_told_the_texts_and_what_is_near(tiny_indexes: Path) -> None:
    with Explorer(open_index("llama", tiny_indexes), encode=refuse) as ix:
        with pytest.raises(NotIndexed) as caught:
            ix.neighbors(f'"{TEXT}" + "dogs"', "context.2")
        err = caught.value
        assert isinstance(err, QueryError)
        assert err.texts == (TEXT, "dogs")
        assert "dog" in err.near
        assert at_the_edge(err) == (2, str(err))
        assert f"{TEXT!r}, 'dogs' are not indexed" in str(err)
        assert "the nearest indexed: " in str(err)
        again = pickle.loads(pickle.dumps(err))
        assert (again.texts, again.near, str(again)) == (err.texts, err.near, str(err))
        with pytest.raises(NotIndexed):  # nothing was kept of it
            ix.layers(f'"{TEXT}"')
        assert ix.neighbors(f'"{TEXT}"', "embed").rows
        assert ix.neighbors("dog", "context.2").rows


def test_what_runs_the_model_can_be_given(tiny_indexes: Path, states: NDArray[np.float32]) -> None:
    given = Counting(states)
    with (
        Explorer(open_index("llama", tiny_indexes), encode=given) as ix,
        explorer.open("llama", tiny_indexes) as plain,
    ):
        answer = ix.analogy(TEXT, target="mountain dog", space="context.2", k=3)
        assert ix.vector(TEXT, "context.1").tolist() == states[0, 1].tolist()
        assert given.asked == [(tiny_indexes / "llama", (TEXT, "mountain dog"))]
        assert answer == plain.analogy(TEXT, target="mountain dog", space="context.2", k=3)


@pytest.mark.native
def test_a_pickled_explorer_runs_the_model_as_every_other(tiny_indexes: Path) -> None:
    with (
        Explorer(open_index("llama", tiny_indexes), encode=refuse) as ix,
        pickle.loads(pickle.dumps(ix)) as again,
    ):
        assert again._work.resolver.encode is encode


@pytest.mark.parametrize("wrong", ["shape", "nan"])
def test_what_is_no_stream_of_this_index_is_not_kept(
    wrong: str, tiny_indexes: Path, states: NDArray[np.float32]
) -> None:
    bad = states[:1, 1:] if wrong == "shape" else states[:1] * np.nan
    answers = [bad, states[:1]]
    with Explorer(open_index("llama", tiny_indexes), encode=lambda *_: answers.pop(0)) as ix:
        with pytest.raises(ValueError, match="encode gave"):
            ix.neighbors(TEXT, "context.2")
        assert ix.neighbors(TEXT, "context.2").rows


@pytest.mark.native
def test_a_refusal_waits_for_no_other_text(tiny_indexes: Path, states: NDArray[np.float32]) -> None:
    under_way, enough = threading.Event(), threading.Event()

    def slow(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
        if TEXT not in texts:
            raise NotIndexed(texts)
        under_way.set()
        assert enough.wait(60)
        return states[:1]

    with (
        Explorer(open_index("llama", tiny_indexes), encode=slow) as ix,
        ThreadPoolExecutor(1) as pool,
    ):
        running = pool.submit(ix.neighbors, TEXT, "context.2")
        assert under_way.wait(60)
        with pytest.raises(NotIndexed):
            ix.neighbors("mountain dog", "context.2")
        assert not running.done()
        enough.set()
        assert running.result(60).rows


@pytest.mark.native
def test_who_waits_for_one_that_is_cancelled_asks_for_itself(
    tiny_indexes: Path, states: NDArray[np.float32]
) -> None:
    calls: list[int] = []
    asked, enough = threading.Event(), threading.Event()

    def first_cancelled(folder: Path, texts: Sequence[str]) -> NDArray[np.float32]:
        calls.append(threading.get_ident())
        if len(calls) > 1:
            return states[:1]
        asked.set()
        assert enough.wait(60)
        raise Cancelled("enough")

    with (
        Explorer(open_index("llama", tiny_indexes), encode=first_cancelled) as ix,
        ThreadPoolExecutor(2) as pool,
    ):
        one = pool.submit(ix.neighbors, TEXT, "context.2")
        assert asked.wait(60)
        other = pool.submit(ix.neighbors, TEXT, "context.2")
        enough.set()
        with pytest.raises(Cancelled):
            one.result(60)
        assert other.result(60).rows
    assert len(calls) == 2


# -- how far it is --------------------------------------------------------------------------


def test_every_step_is_told_in_order(tiny_indexes: Path, states: NDArray[np.float32]) -> None:
    told: list[tuple[str, int, int]] = []
    found = encode(tiny_indexes / "llama", [TEXT, "mountain dog"], lambda *step: told.append(step))
    assert found.dtype == np.float32
    assert np.array_equal(found, states)
    assert told[:4] == [
        ("starting the model's process", 0, 4),
        ("checking the model's weights", 0, 4),
        ("loading the model", 1, 4),
        ("running the model", 2, 4),
    ]
    assert told[-1] == ("running the model", 4, 4)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


@pytest.mark.native
def test_cancelled_while_it_loads_it_ends_at_once(tiny_indexes: Path) -> None:
    cancelled, left, heard = threading.Event(), set[int](), []

    def progress(what: str, done: int, total: int) -> None:
        heard.append(what)
        if what == "loading the model":
            left.update(children() - before)
            cancelled.set()

    before = children()
    with pytest.raises(Cancelled) as caught:
        encode(tiny_indexes / "llama", [TEXT], progress, cancelled)
    assert heard[-1] == "loading the model"  # and nothing more
    assert at_the_edge(caught.value) == (2, f"running the model on {TEXT!r} was cancelled")
    assert len(left) == 1
    assert not left & children()  # not even waiting to be reaped
    assert not any(map(running, left))
    with pytest.raises(Cancelled):  # set beforehand
        encode(tiny_indexes / "llama", [TEXT], cancelled=cancelled)
    assert children() == before


@pytest.mark.native
def test_what_progress_raises_ends_the_process(tiny_indexes: Path) -> None:
    def progress(what: str, done: int, total: int) -> None:
        if what == "checking the model's weights":
            raise KeyboardInterrupt

    before = children()
    with pytest.raises(KeyboardInterrupt):
        encode(tiny_indexes / "llama", [TEXT], progress)
    assert children() == before


@pytest.mark.native
def test_one_that_waits_for_another_can_be_cancelled(tiny_indexes: Path) -> None:
    first, second, started = threading.Event(), threading.Event(), threading.Event()
    folder = tiny_indexes / "llama"

    def progress(what: str, done: int, total: int) -> None:
        started.set()

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(encode, folder, [TEXT], progress, first)
        assert started.wait(60)
        other = pool.submit(encode, folder, ["mountain dog"], cancelled=second)
        second.set()
        with pytest.raises(Cancelled):
            other.result(PATIENCE)
        first.set()
        with pytest.raises(Cancelled):
            one.result(PATIENCE)


@pytest.mark.native
def test_a_process_that_dies_is_told_of(tiny_indexes: Path) -> None:
    def progress(what: str, done: int, total: int) -> None:
        if what == "loading the model":
            for pid in children() - before:
                os.kill(pid, signal.SIGKILL)

    before = children()
    with pytest.raises(ModelFailed, match="its process ended with signal 9") as caught:
        encode(tiny_indexes / "llama", [TEXT], progress)
    assert at_the_edge(caught.value) == (1, str(caught.value))


# -- a model that is ready ------------------------------------------------------------------


def test_the_next_text_finds_the_model_loaded(
    tiny_indexes: Path, states: NDArray[np.float32]
) -> None:
    folder, before = tiny_indexes / "llama", children()
    encode(folder, [TEXT])
    (pid,) = children() - before
    told: list[tuple[str, int, int]] = []
    again = encode(folder, ["mountain dog", TEXT], lambda *step: told.append(step))
    assert children() - before == {pid}
    assert np.array_equal(again, states[::-1])
    assert told[0] == told[1] == ("running the model", 2, 4)
    assert told[-1] == ("running the model", 4, 4)


@pytest.mark.native
def test_a_program_has_one_model_at_a_time(tiny_indexes: Path, states: NDArray[np.float32]) -> None:
    before = children()
    with explorer.open("llama", tiny_indexes) as one, explorer.open("gpt2", tiny_indexes) as other:
        assert one.neighbors(TEXT, "context.2").rows
        (first,) = children() - before
        assert other.neighbors(TEXT, "context.2").rows
        (second,) = children() - before
        assert ended(first)
    assert ended(second)  # the index it is of was closed
    assert children() == before


@pytest.mark.native
def test_one_that_has_ended_meanwhile_is_started_anew(
    tiny_indexes: Path, states: NDArray[np.float32]
) -> None:
    folder, before = tiny_indexes / "llama", children()
    for _ in range(2):
        assert np.array_equal(encode(folder, [TEXT]), states[:1])
        (pid,) = children() - before
        os.kill(pid, signal.SIGKILL)
    assert np.array_equal(encode(folder, [TEXT]), states[:1])


@pytest.mark.native
def test_an_index_that_was_built_again_is_asked_of_its_own_model(
    tiny_indexes: Path, tmp_path: Path, states: NDArray[np.float32]
) -> None:
    folder, before = tmp_path / "llama", children()
    shutil.copytree(tiny_indexes / "llama", folder)
    encode(folder, [TEXT])
    (first,) = children() - before
    manifest = folder / "manifest.json"
    (tmp_path / "new").write_bytes(manifest.read_bytes())
    (tmp_path / "new").replace(manifest)
    assert np.array_equal(encode(folder, [TEXT]), states[:1])
    assert first not in children()


@pytest.mark.native
def test_after_a_failure_nothing_is_left(tiny_indexes: Path, tmp_path: Path) -> None:
    folder, before = tmp_path / "llama", children()
    shutil.copytree(tiny_indexes / "llama", folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelFailed, match="tokenizer"):
        encode(folder, [TEXT])
    assert children() == before


@pytest.mark.native
def test_an_index_that_is_gone_is_told_of(tiny_indexes: Path, tmp_path: Path) -> None:
    folder, before = tmp_path / "llama", children()
    shutil.copytree(tiny_indexes / "llama", folder)
    with explorer.open("llama", tmp_path) as ix:
        assert ix.neighbors(TEXT, "context.2").rows
        shutil.rmtree(folder)
        with pytest.raises(ModelFailed, match="is not an index"):
            ix.neighbors("mountain dog dog", "context.2")
    assert children() == before


@pytest.mark.native
def test_a_forked_process_asks_for_a_model_of_its_own(
    tiny_indexes: Path, states: NDArray[np.float32]
) -> None:
    folder = tiny_indexes / "llama"
    encode(folder, [TEXT])
    with multiprocessing.get_context("fork").Pool(1) as pool:
        there = pool.apply_async(encode, (folder, [TEXT])).get(PATIENCE)
    assert np.array_equal(there, states[:1])
    assert np.array_equal(encode(folder, [TEXT]), states[:1])


@pytest.mark.native
def test_a_model_that_nobody_asks_for_goes(tiny_indexes: Path) -> None:
    script = "import indexer.worker as one; one.IDLE = 0.01; one.main()"
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tiny_indexes / "llama")], stdin=subprocess.PIPE
    ) as child:
        assert child.wait(PATIENCE) == 0


PARENT = """
import sys
from pathlib import Path
from explorer.unindexed import encode
from processes import children

def progress(what, done, total):
    print(*children(), what, flush=True)

encode(Path(sys.argv[1]), ["green mountain river"], progress)
"""


@pytest.mark.native
@pytest.mark.parametrize("moment", ["checking", "loading"])
def test_no_orphan_is_left_where_who_asked_is_killed(
    moment: str, tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    assert ended(killed_at(PARENT, moment, str(tiny_indexes / "llama")))
