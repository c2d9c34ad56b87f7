"""An open index as a thing to hold: asked from many threads, sent to processes, closed."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import pickle
import random
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import explorer
from everyquestion import QUESTIONS
from explorer import Explorer
from explorer.unindexed import encode
from indexer.store import catalog
from indexer.store.ahead import opened_ahead
from indexer.store.arrays import whole
from indexer.store.catalog_file import opened_locked
from indexer.store.errors import ClosedIndex, DamagedIndex, SemanticError
from indexer.store.read import open_index

pytestmark = pytest.mark.native

THREADS = 8


# -- opened ahead ---------------------------------------------------------------------------


def test_an_index_that_is_opened_ahead_is_the_same(tiny_indexes: Path) -> None:
    asked = "SELECT text FROM token ORDER BY id"
    with opened_ahead("llama", tiny_indexes) as ahead, open_index("llama", tiny_indexes) as plain:
        assert ahead.sql(asked) == plain.sql(asked)
        assert ahead.manifest == plain.manifest


def test_what_is_wrong_with_a_catalog_is_told_to_who_asks(
    tiny_indexes: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "llama"
    shutil.copytree(tiny_indexes / "llama", folder)
    path = folder / "catalog.duckdb"
    sound = path.read_bytes()  # its ends stay, which are looked at
    path.write_bytes(sound[:4096] + b"\xff" * (len(sound) - 8192) + sound[-4096:])
    said = []
    for opening in (open_index, opened_ahead):
        with opening(folder) as index, pytest.raises(DamagedIndex) as told:
            index.sql("SELECT count(*) FROM token")
        said.append(str(told.value))
    assert said[0] == said[1]


def test_a_catalog_that_is_opened_ahead_can_be_closed_at_once(
    tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, connections = threading.Event(), []

    def slowly(*given: Any) -> Any:
        begun.set()
        connections.append(opened_locked(*given))
        return connections[-1]

    monkeypatch.setattr(catalog, "opened_locked", slowly)
    index = opened_ahead("llama", tiny_indexes)
    assert begun.wait(10)
    index.close()  # waits for what is under way, and closes it
    with pytest.raises(ClosedIndex):
        index.sql("SELECT 1")
    with pytest.raises(duckdb.ConnectionException):
        connections[0].execute("SELECT 1")


# -- threads --------------------------------------------------------------------------------


@pytest.mark.slow
def test_many_threads_get_the_answers_of_one(real_indexes: Path, answers: dict[str, Any]) -> None:
    mixed = [name for name in QUESTIONS for _ in range(3)]
    random.Random(0).shuffle(mixed)
    with explorer.open("smollm2", real_indexes) as ix:  # nothing read yet: all of it is raced for
        ready = threading.Barrier(THREADS, timeout=60)

        def ask(name: str) -> Any:
            return QUESTIONS[name](ix)

        with ThreadPoolExecutor(THREADS, initializer=ready.wait) as pool:
            found = list(pool.map(ask, mixed))
    for name, answer in zip(mixed, found, strict=True):
        assert answer == answers[name], name


def test_one_question_first_asked_by_all_at_once(real_indexes: Path) -> None:
    for _ in range(5):
        with explorer.open("smollm2", real_indexes) as ix:
            ready = threading.Barrier(THREADS, timeout=60)

            def ask(at: int, ix: Any = ix, ready: Any = ready) -> Any:
                ready.wait()
                return ix.middleman("large", "tall", side="out", k=3), ix.vectors("context.7")

            with ThreadPoolExecutor(THREADS) as pool:
                answers = list(pool.map(ask, range(THREADS)))
            assert len({answer.rows[0].score for answer, _ in answers}) == 1
            assert all(np.array_equal(array, answers[0][1]) for _, array in answers)
            assert ix.index.space("context.7") is ix.index.space("context.7")


def test_arrays_are_read_by_many_threads_at_once() -> None:
    """NumPy parses a header with `ast`, whose depth CPython 3.11 counts per process."""

    class Cycle:  # its end lets another thread run in the middle of what `ast` builds
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            for _ in range(20):
                pass

    buffer = io.BytesIO()
    np.save(buffer, np.arange(5))

    def load() -> Any:
        return np.load(io.BytesIO(buffer.getvalue()))

    def failures(_: int) -> int:
        failed = 0
        for _ in range(100):
            Cycle()
            try:
                assert whole(load).tolist() == [0, 1, 2, 3, 4]
            except SystemError:
                failed += 1
        return failed

    every, often = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(1e-6)
    gc.set_threshold(10)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            failed = sum(pool.map(failures, range(THREADS)))
    finally:
        sys.setswitchinterval(every)
        gc.set_threshold(*often)
    assert failed == 0


def test_one_reads_at_a_time_and_again_where_another_disturbed_it() -> None:
    inside = threading.Lock()
    disturbed = [2] * THREADS  # times that a thread's reading still fails

    def read(at: int) -> int:
        assert inside.acquire(blocking=False), "two read at once"
        try:
            if disturbed[at]:
                disturbed[at] -= 1
                raise SystemError("AST constructor recursion depth mismatch")
            return at
        finally:
            inside.release()

    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda at: whole(lambda: read(at)), range(THREADS)))
    assert found == list(range(THREADS))

    def damaged() -> None:
        raise SystemError("this file does it every time")

    with pytest.raises(SystemError, match="every time"):
        whole(damaged)


def test_text_that_is_not_indexed_is_run_once_however_many_ask(
    tiny_indexes: Path,
) -> None:
    runs: list[tuple[str, ...]] = []
    said: list[str] = []

    def counted(folder: Path, words: Any) -> Any:
        runs.append(tuple(words))
        return encode(folder, words)

    with (
        Explorer(open_index("llama", tiny_indexes), said.append, counted) as ix,
        ThreadPoolExecutor(4) as pool,
    ):
        answers = list(pool.map(lambda _: ix.neighbors("zebra crossing", "context.1"), range(4)))
    assert len({answer.rows for answer in answers}) == 1
    assert runs == [("zebra crossing",)]
    assert len(said) == 1


# -- processes ------------------------------------------------------------------------------


def first(ix: Any, word: str) -> tuple[int, Any]:
    return os.getpid(), ix.neighbors(word, "context.3", k=3)


def test_a_pickle_is_which_index_and_where(real: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = pickle.dumps(real)
    assert len(sent) < 500
    monkeypatch.chdir("/")
    with pickle.loads(sent) as again:
        assert again.name == real.name
        assert again.manifest == real.manifest
        assert again.index is not real.index
        assert again.neighbors("dog") == real.neighbors("dog")
    assert real.neighbors("dog").rows


def test_an_index_opened_by_a_relative_path_is_found_from_elsewhere(
    tiny_indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_indexes.parent)
    with explorer.open("llama", tiny_indexes.name) as ix:
        sent = pickle.dumps(ix)
    monkeypatch.chdir("/")
    with pickle.loads(sent) as again:
        assert again.neighbors("dog").rows


@pytest.mark.parametrize("start", ["spawn", "fork", "forkserver"])
def test_other_processes_get_the_same_answers(real: Any, start: str) -> None:
    words = ["dog", "large", "king", "red"]
    here = [real.neighbors(word, "context.3", k=3) for word in words]
    context = multiprocessing.get_context(start)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        there = list(pool.map(first, [real] * len(words), words, timeout=120))
    assert [answer for _, answer in there] == here
    assert os.getpid() not in {process for process, _ in there}


FORKED = """
import os, sys, explorer
ix = explorer.open("llama", sys.argv[1])
before = ix.neighbors("dog", "neuron.in"), ix.word("dog"), ix.middleman("dog", "cat")
child = os.fork()
if child == 0:  # what is the parent's, files with a position in them among it, is not used here
    assert ix.index.catalog._connection is None and not ix.index._spaces
again = ix.neighbors("dog", "neuron.in"), ix.word("dog"), ix.middleman("dog", "cat")
assert again == before
if child == 0:
    ix.close()
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print(ix.neighbors("cat").rows[0].rank)
"""


def test_a_forked_process_asks_for_itself(tiny_indexes: Path, real_indexes: Path) -> None:
    for name, root in (("llama", tiny_indexes), ("smollm2", real_indexes)):
        # The real one has enough rows for its scans to be shared out among threads.
        done = subprocess.run(
            [sys.executable, "-c", FORKED.replace("llama", name), str(root)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_pickles_and_compares(name: str, answers: dict[str, Any]) -> None:
    answer = answers[name]
    again = pickle.loads(pickle.dumps(answer))
    assert again == answer
    assert again is not answer
    assert str(again) == str(answer)


def test_answers_without_dicts_can_be_in_sets(real: Any) -> None:
    one, other = real.neighbors("dog"), real.neighbors("cat")
    assert len({one, real.neighbors("dog"), other}) == 2
    assert len({real.ov("dog", k=2), real.ov("dog", k=2)}) == 1


def test_errors_pickle(real: Any) -> None:
    for ask in (lambda: real.neighbors("lagre"), lambda: real.neuron("L99N1")):
        with pytest.raises(SemanticError) as caught:
            ask()
        again = pickle.loads(pickle.dumps(caught.value))
        assert (type(again), str(again)) == (caught.type, str(caught.value))


# -- closed ---------------------------------------------------------------------------------


def test_what_is_closed_says_so(real_indexes: Path) -> None:
    with explorer.open("smollm2", real_indexes) as ix:
        QUESTIONS["neighbors"](ix)
        assert repr(ix) == "Explorer('smollm2')"
    assert repr(ix) == "Explorer('smollm2', closed)"
    said = "index 'smollm2' was closed; open it again to ask more of it: explorer.open('smollm2')"
    more = {
        "vector": lambda ix: ix.vector("dog"),
        "vectors": lambda ix: ix.vectors("embed", ["dog"]),
        "items": lambda ix: ix.items("context.3"),
        "search-array": lambda ix: ix.search("embed", np.ones(576)),
    }
    for name, ask in {**QUESTIONS, **more}.items():
        with pytest.raises(ClosedIndex) as caught:
            ask(ix)
        assert str(caught.value) == said, name
    ix.close()  # a second time is no harm
    assert ix.name == "smollm2"
    assert ix.manifest.words


@pytest.mark.slow
def test_what_was_asked_before_it_was_closed_is_closed_too(real_indexes: Path) -> None:
    ix = explorer.open("smollm2", real_indexes)
    for ask in QUESTIONS.values():
        ask(ix)
    ix.close()
    for name, ask in QUESTIONS.items():
        with pytest.raises(ClosedIndex):
            print(name, ask(ix))


def test_closing_while_others_ask_ends_their_questions_and_nothing_else(
    real_indexes: Path,
) -> None:
    for _ in range(3):
        ix = explorer.open("smollm2", real_indexes)
        asking = threading.Barrier(5, timeout=60)

        def ask(at: int, ix: Any = ix, asking: Any = asking) -> str:
            asking.wait()
            try:
                while True:
                    ix.neighbors("dog + small", "context.9", k=20, distinct=True)
                    ix.word("large")
            except ClosedIndex as error:
                return str(error)

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(ask, at) for at in range(4)]
            asking.wait()
            ix.close()
            assert all("was closed" in one.result(timeout=60) for one in running)


def test_an_index_that_is_gone_is_told_of_where_it_is_unpickled(
    tiny_indexes: Path, tmp_path: Path
) -> None:
    (tmp_path / "llama").symlink_to(tiny_indexes / "llama")
    with explorer.open("llama", tmp_path) as ix:
        sent = pickle.dumps(ix)
    (tmp_path / "llama").unlink()
    with pytest.raises((SemanticError, DamagedIndex), match="is not an index"):
        pickle.loads(sent)
