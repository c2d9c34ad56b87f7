"""The two programs, run in this process: what they print and how they end.

A start of Python takes longer than most questions, and a start of a model's process longer still;
here each is paid once. What would be a traceback in a terminal is an exception here, which nothing
catches.
"""

from __future__ import annotations

import contextlib
import io
import logging
import signal
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conftest import verified
from explorer import api
from explorer.errors import ModelFailed
from indexer import build
from indexer.cli import findings
from indexer.encode import Encoder
from indexer.progress import Narrator
from indexer.store.errors import at_the_edge

EXIT_CODES = {0, 1, 2, 130}
"""Answered; the machine failed; it cannot be had; interrupted."""

PATIENCE = 300
"""Seconds after which a run counts as one that hangs."""


@dataclass(frozen=True)
class Ran:
    """How a run ended.

    Attributes:
        code: its exit code.
        out: what it wrote to stdout.
        err: what it wrote to stderr.
    """

    code: int
    out: str
    err: str


def ran(program: str, *arguments: str, stdin: bytes = b"") -> Ran:
    """Run `explorer` or `indexer` in this process, and look at how it ends.

    An exit code that is none of the documented ones, or a refusal that says nothing, is an error.
    """
    out, err = io.BytesIO(), io.BytesIO()
    streams = {
        "argv": [program, *arguments],
        "stdin": io.TextIOWrapper(io.BytesIO(stdin), "utf-8"),
        "stdout": io.TextIOWrapper(out, "utf-8"),
        "stderr": io.TextIOWrapper(err, "utf-8", errors="backslashreplace", line_buffering=True),
    }
    code: Any = "it returned"
    with _set(sys, **streams), _as_before(), _all_in_this_process(), _patience():
        try:
            _main(program)()
        except SystemExit as end:
            code = 0 if end.code is None else end.code
        sys.stdout.flush()
        sys.stderr.flush()
    found = Ran(code, out.getvalue().decode(), err.getvalue().decode())
    assert code in EXIT_CODES, found
    assert "Traceback (most recent call last)" not in found.err, found
    if code:
        assert found.err.strip(), "it failed, and did not say why"
    return found


def _main(program: str) -> Callable[[], None]:
    if program == "explorer":
        from explorer.cli import main
    else:
        from indexer.cli import main
    return main


@contextlib.contextmanager
def _set(module: Any, **values: Any) -> Iterator[None]:
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Put back what a program sets for good, since it ends soon after."""
    made = logging.getLogRecordFactory()
    with (
        _set(sys, excepthook=sys.excepthook),
        _set(warnings, formatwarning=warnings.formatwarning),
    ):
        try:
            yield
        finally:
            logging.setLogRecordFactory(made)


@contextlib.contextmanager
def _all_in_this_process() -> Iterator[None]:
    """Do here what a program has other processes do.

    Run the model where a text is not indexed, which test_unindexed.py is about; verify what was
    built; find what there is to see in what was made.
    """
    here = SimpleNamespace(**{**vars(subprocess), "run": _run})
    with _set(api, _encode=_encode), _set(build, subprocess=here), _set(findings, subprocess=here):
        yield


def _run(command: list[str], **how: Any) -> Any:
    """What `subprocess.run` gives of a command of ours: looks at how it ends, as `ran` does."""
    if command[1:3] == ["-m", "indexer.store.verify"]:
        return verified(command)
    assert command[1:4] == ["-P", "-m", "explorer"]
    ended = ran("explorer", *command[4:])
    return SimpleNamespace(returncode=ended.code, stderr=ended.err.encode())


def _encode(folder: Path, texts: Sequence[str], *_: Any) -> NDArray[np.float32]:
    try:
        return np.stack([_states(folder, text) for text in texts])
    except Exception as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        raise ModelFailed(edge[1]) from None


@cache
def _states(folder: Path, text: str) -> NDArray[np.float32]:
    return Encoder(folder, Narrator(quiet=True)).run([text])[:, 0]


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    def hangs(*_: object) -> None:
        raise AssertionError(f"it has not ended after {PATIENCE} s")

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[Path]:
    """Run in a folder: names that are made up lead nowhere else."""
    with contextlib.chdir(folder):
        yield folder
