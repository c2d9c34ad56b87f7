"""The program behind a page: the terminal UI, which textual-serve starts, one for each page.

Its stdout is a stream of packets: what the screen shows, and pieces of what is downloaded. Two
threads write them, and the kernel takes a large one in parts; so each goes out alone, and whole.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from textual.drivers.web_driver import WebDriver

from explorer.screen.app import ExplorerApp
from indexer.store.errors import at_the_edge
from indexer.store.shown import escape_what_libraries_say, one_line


class Packets(WebDriver):
    """Textual's driver for pages, one packet after the other."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._writing = threading.Lock()
        self._write = self._whole  # type: ignore[assignment]

    def _whole(self, packet: bytes) -> int:
        with self._writing:
            left = memoryview(packet)
            while left:
                left = left[os.write(self.fileno, left) :]
        return len(packet)


def main() -> None:
    """Open the UI on `--index` and `--indexes`; a fault is a line on stderr."""
    escape_what_libraries_say()
    given = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    try:
        app = ExplorerApp(given.get("--index"), given.get("--indexes"))
        app.driver_class = Packets
        app.run()
    except BaseException as err:
        edge = at_the_edge(err)
        if edge is None:
            raise
        print(f"explorer: {one_line(edge[1])}", file=sys.stderr)
        sys.exit(edge[0])


if __name__ == "__main__":
    main()
