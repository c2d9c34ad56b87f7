"""A worker asked over the wire: what it answers, tells, prints, fails with, and that it ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explorer.errors import Cancelled
from explorer.worker import Worker, WorkerFailed
from processes import children

MODULE = """
import os, sys, time
from indexer.store.errors import SemanticError
from indexer.store.wire import Client

client = Client()
for head, body in client.requests():
    print("a library prints this", flush=True)
    os.system("echo and a program that it starts this")
    client.send("say", text="at work")
    if head["kind"] == "echo":
        client.send("echoed", body or b"nothing", n=head["n"])
    elif head["kind"] == "refuse":
        client.fail(SemanticError("no such thing"), last=False)
    elif head["kind"] == "break":
        client.fail(KeyError("oh"))
    elif head["kind"] == "leave":
        sys.exit("it leaves")
    else:
        time.sleep(1000)
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    (tmp_path / "answering.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    before, found = children(), Worker("answering")
    yield found
    found.close()
    assert children() == before


def asked(worker: Worker, kind: str, *told: Any, **head: Any) -> tuple[dict[str, Any], bytes]:
    """The first frame that answers."""
    with worker.request({"kind": kind, **head}, "it", lambda _: None, *told) as frames:
        return next(frames)


def test_what_is_printed_stands_between_no_frames(worker: Worker) -> None:
    told: list[str] = []
    for n in range(3):
        request = {"kind": "echo", "n": n}
        with worker.request(request, "it", lambda head: told.append(head["text"])) as frames:
            head, body = next(frames)
        assert (head["n"], body) == (n, b"nothing")
    assert told == ["at work"] * 3


def test_after_an_error_it_is_asked_again_unless_that_is_its_last(worker: Worker) -> None:
    with pytest.raises(WorkerFailed, match="no such thing") as refused:
        asked(worker, "refuse")
    assert (refused.value.code, refused.value.last, refused.value.silent) == (2, False, False)
    assert asked(worker, "echo", n=7)[0]["n"] == 7
    with pytest.raises(WorkerFailed, match="KeyError: 'oh'") as broken:
        asked(worker, "break")
    assert (broken.value.code, broken.value.last, broken.value.silent) == (1, True, False)
    assert not worker.running


def test_one_that_leaves_is_known_by_its_last_words(worker: Worker) -> None:
    with pytest.raises(WorkerFailed, match="it leaves") as left:
        asked(worker, "leave")
    assert left.value.silent
    assert not worker.running


@pytest.mark.parametrize("how", ["cancelled", "time", "closed"])
def test_one_that_never_answers_is_ended_from_any_thread(how: str, worker: Worker) -> None:
    cancelled = threading.Event()
    stop = {"cancelled": cancelled.set, "closed": worker.close, "time": lambda: None}[how]
    timer = threading.Timer(0.3, stop)
    timer.start()
    expected = Cancelled if how == "cancelled" else WorkerFailed
    with pytest.raises(expected, match=r"it was cancelled|signal 9|this"):
        asked(worker, "sleep", cancelled, 0.3 if how == "time" else None)
    timer.join()
    assert not worker.running
