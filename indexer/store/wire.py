"""How a process and one that works for it talk: a line of JSON, then as many bytes as it says.

Knows pipes and frames; nothing of what is asked.
"""

from __future__ import annotations

import json
import threading
from typing import IO, Any


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


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next frame's head and body; None where the other side has ended."""
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    head = json.loads(line)
    body = pipe.read(head["bytes"])
    return (head, body) if len(body) == head["bytes"] else None
