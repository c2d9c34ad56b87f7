"""The one door to the model: words that are not indexed, asked of a context space.

Knows how to run `python -m indexer.encode` and read what it prints, and how to say no instead;
imports no model library, so the process that answers questions never holds one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from explorer.child import LOOK, command, heard
from explorer.errors import Cancelled, ModelFailed, ModelUnavailable, NotIndexed
from explorer.progress import Progress, untold
from indexer.store.arrays import whole

Encode = Callable[[Path, Sequence[str]], NDArray[np.float32]]
"""What runs the model on texts: the folder of the index and the texts, each different -> their
residual streams at the last token, (texts, context spaces, d_model) float32, spaces in the order of
the index, at their own length. It may refuse with a `SemanticError`."""

_BEFORE = 2
"""Steps before the first text: the weights are checked, and the model is loaded."""

_alone = threading.Lock()


def encode(
    folder: Path,
    words: Sequence[str],
    progress: Progress = untold,
    cancelled: threading.Event | None = None,
) -> NDArray[np.float32]:
    """Run the index's own model, prefix and dtype on some words, in a process of its own.

    A program runs one such process at a time: from several threads they wait for each other, as
    each holds a model.

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
        ModelFailed: the process failed; the message is the last line it wrote.
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

    def told(line: dict[str, Any]) -> None:
        nonlocal before
        if line["kind"] == "say":
            before = min(before + 1, _BEFORE)
            progress(line["text"], before, steps)
        else:
            progress(line["label"], _BEFORE + line["done"], steps)

    with _one_at_a_time(what, cancelled):
        progress("starting the model's process", 0, steps)
        ended = heard(
            what,
            command("indexer.encode", str(folder)),
            told,
            sent=json.dumps(list(words)).encode() + b"\n",
            cancelled=cancelled,
        )
    if ended.code != 0:
        raise ModelFailed(f"the model could not be run on {said}: {ended.why}")
    try:
        states: NDArray[np.float32] = whole(
            lambda: np.load(io.BytesIO(ended.out), allow_pickle=False)
        )
    except (ValueError, EOFError) as err:
        raise ModelFailed(
            f"the model was run on {said}, but what it printed is no array: {err}"
        ) from None
    return states.swapaxes(0, 1)


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
    """A forked process has the lock and not the thread that would let go of it."""
    global _alone
    _alone = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
