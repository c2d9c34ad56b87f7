"""How a program and a process that works for it talk: a line of JSON, then the bytes it counts.

Knows pipes and frames, and how the process listens and ends; nothing of what is asked.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import threading
import traceback
from collections.abc import Iterator
from typing import IO, Any, NoReturn

from indexer.store.errors import Spelling, at_the_edge, in_python
from indexer.store.shown import one_line

Frame = tuple[dict[str, Any], bytes]
"""What a line says, `kind` and `bytes` among it, and the bytes after it."""


class Writer:
    """Writes frames whole, whichever thread they come from."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(
        self, kind: str, body: bytes | memoryview = b"", wait: float = -1, **head: Any
    ) -> bool:
        """Write a frame; False where another has held the pipe for `wait` seconds."""
        if not self._lock.acquire(timeout=wait):
            return False
        try:
            line = json.dumps({"kind": kind, "bytes": len(body), **head})
            self._pipe.write(line.encode() + b"\n")
            self._pipe.write(body)
            self._pipe.flush()
        finally:
            self._lock.release()
        return True


class Client(Writer):
    """The program that started this process: asks on stdin, and is answered on stdout.

    Stdout is for frames alone: what a library prints there goes to stderr. This process ends as
    soon as stdin does, since nobody is there any more who wants to know.
    """

    def __init__(self) -> None:
        super().__init__(os.fdopen(os.dup(1), "wb"))
        with contextlib.suppress(OSError):  # a program may have no stderr
            os.dup2(2, 1)
        self._requests: queue.Queue[Frame] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def requests(self, wait: float | None = None) -> Iterator[Frame]:
        """What is asked, in turn; no more once nothing is for `wait` seconds."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._requests.get(timeout=wait)

    def fail(
        self,
        error: BaseException,
        wait: float = -1,
        last: bool = True,
        spelling: Spelling = in_python,
    ) -> None:
        """Send a frame `error` with a line for a person; a fault of ours is traced on stderr too.

        Args:
            error: what went wrong.
            wait: as for `send`.
            last: whether this process ends with it.
            spelling: how options stand in the line.
        """
        edge = at_the_edge(error, spelling)
        if edge is None:
            traceback.print_exception(error)
            edge = 1, f"{type(error).__name__}: {error}"
        text = one_line(" ".join(edge[1].splitlines()))
        asked, instead = getattr(error, "asked", ""), list(getattr(error, "instead", ()))
        self.send(
            "error",
            wait=wait,
            code=edge[0],
            text=text,
            last=last,
            asked=asked,
            instead=instead,
        )

    def _listen(self) -> None:
        # Not sys.stdin: a thread that waits there holds a lock that Python needs at its end.
        with os.fdopen(os.dup(0), "rb") as pipe:
            while (frame := receive(pipe)) is not None:
                self._requests.put(frame)
        end_process()


def receive(pipe: IO[bytes]) -> Frame | None:
    """The next frame's head and body; None where the other side has ended."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    body = pipe.read(head["bytes"])
    return (head, body) if len(body) == head["bytes"] else None


def end_process() -> NoReturn:
    """End this process and what it has started, at once."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)
