"""A process that works for this program: a module of ours, in a Python with the same paths.

Knows how it is started, asked over `indexer.store.wire`, and ended; knows nothing of what it does.
`python -m` would look for modules in the current folder first, where somebody's `queue.py` may lie.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from explorer.errors import Cancelled
from indexer.store.wire import Frame, Writer, receive

LOOK = 0.02
"""Seconds between two looks at whether an answer is still wanted."""

_RUN = (
    "import json, runpy, sys\n"
    "sys.path[:] = json.loads(sys.argv.pop(1))\n"
    "runpy.run_module(sys.argv.pop(1), run_name='__main__', alter_sys=True)"
)


def command(module: str, *arguments: str) -> list[str]:
    """What to start for a module: `command("explorer.screen.served", "--index", name)`."""
    return [sys.executable, "-P", "-c", _RUN, json.dumps(sys.path), module, *arguments]


class WorkerFailed(Exception):
    """A worker told of an error, in one line, or ended without a word.

    Attributes:
        code: the exit code that the error stands for: 1 where the machine failed.
        last: whether the worker is gone; another can be asked again.
        silent: whether it ended without telling why.
        asked: what was asked in vain, where it told what may be asked instead.
        instead: that, the likeliest first.
    """

    asked = ""
    instead: tuple[str, ...] = ()

    def __init__(self, line: str, code: int = 1, last: bool = True, silent: bool = False) -> None:
        super().__init__(line)
        self.code, self.last, self.silent = code, last, silent


class Worker:
    """A process that answers one request after another, until it is closed.

    Its stdin stays open, and no program but this one has the other end of its pipes: so it can tell
    when this process is gone.

    Args:
        module: what it runs; it answers with `indexer.store.wire.Client`.
        stderr: where its stderr goes; piped, its last line says why it ended silently.
    """

    def __init__(self, module: str, stderr: int | None = subprocess.PIPE) -> None:
        self._child = subprocess.Popen(
            command(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,  # an interrupt from the terminal is ours to answer
        )
        assert self._child.stdin is not None
        self._writer = Writer(self._child.stdin)
        self._last = ""
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it can be asked: it may have ended by itself."""
        return self._child.poll() is None

    @contextlib.contextmanager
    def request(
        self,
        head: Mapping[str, Any],
        what: str,
        tell: Callable[[dict[str, Any]], object],
        cancelled: threading.Event | None = None,
        seconds: float | None = None,
    ) -> Iterator[Iterator[Frame]]:
        """Send a frame, and give the frames that answer it.

        Whatever is raised in the `with` closes the worker, but for an error that it told of and
        can be asked again after.

        Args:
            head: of the frame, `kind` among it.
            what: is being done, for the error.
            tell: is given the head of each frame `say` and `bar`, in the thread that asks.
            cancelled: ends the worker once it is set, from whatever thread.
            seconds: end it after so long.

        Raises:
            Cancelled: `cancelled` was set.
            WorkerFailed: it told of an error, or ended.
        """
        over = threading.Event()
        watch = threading.Thread(target=self._watch, args=(over, cancelled, seconds), daemon=True)
        watch.start()
        try:
            self.send(**head)
            yield self._frames(what, tell, cancelled)
        except BaseException as err:
            if not isinstance(err, WorkerFailed) or err.last:
                self.close()
            raise
        finally:
            over.set()
            watch.join()  # it must not end the worker at the next request

    def send(self, kind: str, body: bytes = b"", **head: Any) -> None:
        """Send one more frame of a request."""
        with contextlib.suppress(BrokenPipeError):  # it has ended, as its last frame will tell
            self._writer.send(kind, body, **head)

    def close(self) -> None:
        """End it and what it has started, at once, from whatever thread."""
        self._kill()
        self._reader.join()
        for pipe in self._pipes:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def let_go(self) -> None:
        """Hold its pipes no longer, in a process that was forked from the one that started it."""
        nothing = os.open(os.devnull, os.O_RDWR)
        for pipe in self._pipes:  # not closed: a thread that is not here may have locked them
            os.dup2(nothing, pipe.fileno(), inheritable=False)
        os.close(nothing)

    @property
    def _pipes(self) -> list[IO[bytes]]:
        pipes = (self._child.stdin, self._child.stdout, self._child.stderr)
        return [pipe for pipe in pipes if pipe is not None]

    def _frames(
        self,
        what: str,
        tell: Callable[[dict[str, Any]], object],
        cancelled: threading.Event | None,
    ) -> Iterator[Frame]:
        assert self._child.stdout is not None
        while True:
            frame = None
            with contextlib.suppress(ValueError):  # what is no frame, or a pipe that was closed
                frame = receive(self._child.stdout)
            # Whatever a worker that was ended so left behind is no fault of its own.
            if cancelled is not None and cancelled.is_set():
                raise Cancelled(f"{what} was cancelled")
            if frame is None:
                raise self._silent()
            head, _ = frame
            if head["kind"] == "error":
                failed = WorkerFailed(head["text"], head["code"], head["last"])
                failed.asked, failed.instead = head.get("asked", ""), tuple(head.get("instead", ()))
                raise failed
            if head["kind"] in ("say", "bar"):
                tell(head)
            else:
                yield frame

    def _silent(self) -> WorkerFailed:
        """That it ended without a frame, and why, as far as is known."""
        self.close()
        code = self._child.returncode
        how = f"exit code {code}" if code >= 0 else f"signal {-code}"
        return WorkerFailed(self._last or f"its process ended with {how}", silent=True)

    def _watch(
        self, over: threading.Event, cancelled: threading.Event | None, seconds: float | None
    ) -> None:
        """End the worker once its answer is no longer wanted."""
        end = None if seconds is None else time.monotonic() + seconds
        while not over.wait(LOOK):
            late = end is not None and time.monotonic() > end
            if late or (cancelled is not None and cancelled.is_set()):
                self._kill()
                return

    def _kill(self) -> None:
        if self._child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if hasattr(os, "killpg"):
                    os.killpg(self._child.pid, signal.SIGKILL)  # it leads a session of its own
                else:
                    self._child.kill()
        self._child.wait()

    def _read_stderr(self) -> None:
        for line in self._child.stderr or ():
            self._last = line.decode(errors="replace").strip() or self._last
