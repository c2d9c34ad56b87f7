"""The model, run on words that are not indexed and are asked of a context space.

Knows how to ask a worker, which keeps the model ready, and how to say no instead; imports no model
library, so the process that answers questions never holds one.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from explorer.errors import Cancelled, ModelFailed, ModelUnavailable, NotIndexed
from explorer.progress import Progress, no_progress
from explorer.worker import LOOK, Worker, WorkerFailed
from indexer.store.arrays import whole
from indexer.store.places import Print, print_of

Encode = Callable[[Path, Sequence[str]], NDArray[np.float32]]
"""What runs the model on texts: the folder of the index and the texts, each different -> their
residual streams at the last token, (texts, context spaces, d_model) float32, spaces in the order of
the index, at their own length. It may refuse with a `SemanticError`."""

_BEFORE = 2
"""Steps before the first text: the weights are checked, and the model is loaded."""

_alone = threading.Lock()


@dataclass
class _Model:
    """A model that is ready in its process."""

    of: tuple[Path, Print | None]
    worker: Worker


_ready: _Model | None = None


def encode(
    folder: Path,
    words: Sequence[str],
    progress: Progress = no_progress,
    cancelled: threading.Event | None = None,
) -> NDArray[np.float32]:
    """Run the index's own model, prefix and dtype on some words, in a process of its own.

    The process stays, with the model loaded, for the words that are asked next; `release` ends it,
    the end of this program does, and it ends by itself when nothing is asked for ten minutes. A
    program has one such process, as it holds a model: another index's ends it, and threads wait for
    each other.

    Args:
        folder: of the index.
        words: any texts.
        progress: told what is being done, and how many steps of it are done. What it raises ends
            the process.
        cancelled: ends the process once it is set, from whatever thread.

    Returns:
        (words, context spaces, d_model) float32, spaces in the order of the index.

    Raises:
        ModelUnavailable: the libraries of the `[index]` extra are not installed here.
        ModelFailed: the process failed; the message says why.
        Cancelled: `cancelled` was set.
    """
    said = ", ".join(map(repr, words))
    missing = [n for n in ("torch", "transformers") if importlib.util.find_spec(n) is None]
    if missing:
        raise ModelUnavailable(
            f"{said} is not indexed, and running the model on it needs {' and '.join(missing)}: "
            "install `pip install 'semantic-explorer[index]'`, or rebuild with it in --words FILE"
        )
    what = f"running the model on {said}"
    steps = _BEFORE + len(words)
    before = -1

    def tell(head: dict[str, Any]) -> None:
        nonlocal before
        if head["kind"] == "say":
            before = min(before + 1, _BEFORE)
            progress(head["text"], before, steps)
        else:
            progress(head["label"], _BEFORE + head["done"], steps)

    try:
        with _one_at_a_time(what, cancelled):
            file = _file(folder, words, what, tell, progress, steps, cancelled)
    except WorkerFailed as err:
        raise ModelFailed(f"the model could not be run on {said}: {err}") from None
    try:
        states: NDArray[np.float32] = whole(lambda: np.load(io.BytesIO(file), allow_pickle=False))
    except (ValueError, EOFError) as err:
        raise ModelFailed(
            f"the model was run on {said}, but what it gave is no array: {err}"
        ) from None
    return states.swapaxes(0, 1)


def _file(
    folder: Path,
    words: Sequence[str],
    what: str,
    tell: Callable[[dict[str, Any]], None],
    progress: Progress,
    steps: int,
    cancelled: threading.Event | None,
) -> bytes:
    """The NumPy file that the worker which is ready gives, or one that is started now."""
    global _ready
    if cancelled is not None and cancelled.is_set():
        raise Cancelled(f"{what} was cancelled")
    of = folder.resolve(), print_of(folder)
    if _ready is not None and (_ready.of != of or not _ready.worker.running):
        _end()
    while True:
        kept = _ready is not None
        if _ready is None:
            progress("starting the model's process", 0, steps)
            _ready = _Model(of, Worker("indexer.worker"))
        else:
            progress("running the model", _BEFORE, steps)
        asked = {"kind": "run", "folder": str(folder), "words": list(words)}
        try:
            with _ready.worker.request(asked, what, tell, cancelled) as frames:
                return next(frames)[1]
        except BaseException as err:
            _ready = None
            if kept and isinstance(err, WorkerFailed) and err.silent:
                continue  # it ended by itself as it was asked: its time was over
            raise


def release(folder: Path | None = None) -> None:
    """End the process that holds a model, if one is there and not at work.

    Args:
        folder: only where it is that of this index.
    """
    if not _alone.acquire(blocking=False):
        return  # it is at work for somebody
    try:
        if _ready is not None and (folder is None or _ready.of[0] == folder.resolve()):
            _end()
    finally:
        _alone.release()


def _end() -> None:
    global _ready
    model, _ready = _ready, None
    if model is not None:
        model.worker.close()


def refuse(folder: Path, words: Sequence[str]) -> NoReturn:
    """Run no model: `Explorer(index, encode=refuse)` raises `NotIndexed` where one is needed."""
    raise NotIndexed(words)


@contextlib.contextmanager
def _one_at_a_time(what: str, cancelled: threading.Event | None) -> Iterator[None]:
    while not _alone.acquire(timeout=LOOK):
        if cancelled is not None and cancelled.is_set():
            raise Cancelled(f"{what} was cancelled")
    try:
        yield
    finally:
        _alone.release()


def _forked() -> None:
    """A forked process has the lock and not the thread that would let go of it; nor the model."""
    global _alone, _ready
    _alone = threading.Lock()
    model, _ready = _ready, None
    if model is not None:
        _left.append(model)
        model.worker.let_go()


_left: list[_Model] = []
"""In a forked process: the parent's, kept from being waited for here."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
atexit.register(_end)
