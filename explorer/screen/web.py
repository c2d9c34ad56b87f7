"""The terminal UI in a browser of this machine: `explorer tui --web`, through textual-serve.

Whoever reaches the page can do what the terminal UI can, writing a file among it. So it listens on
127.0.0.1 alone, and answers pages of its own alone: a site that is open beside it in the same
browser is refused, whatever name it gives this address.
"""

from __future__ import annotations

import logging
import re
import shlex
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from explorer.child import command
from explorer.errors import QueryError
from indexer.store.errors import MachineError

HOST = "127.0.0.1"


def serve(index: str | None, indexes: str | None, port: int) -> None:
    """Serve until interrupted; each page that is opened has a process of its own.

    Raises:
        QueryError: textual-serve is not installed.
        MachineError: the port is taken.
    """
    try:
        from textual_serve.server import Server
    except ImportError:
        raise QueryError(
            "--web needs textual-serve: pip install 'semantic-explorer[web]'"
        ) from None
    from aiohttp import web

    _require_free(port)
    hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    class Local(Server):  # type: ignore[misc]  # it has no types
        """Answers this machine alone, says one line, and fetches nothing from elsewhere."""

        def initialize_logging(self) -> None:
            logging.getLogger("textual_serve").setLevel(logging.ERROR)

        async def on_startup(self, _: web.Application) -> None:
            print(f"explorer: open {self.public_url} in a browser; ctrl+c ends it", flush=True)

        async def handle_index(self, request: web.Request) -> Any:
            _check(request)
            return await super().handle_index(request)

        async def handle_websocket(self, request: web.Request) -> Any:
            _check(request)
            return await super().handle_websocket(request)

    def _check(request: web.Request) -> None:
        origin = request.headers.get("Origin")
        allowed = origin is None or origin in {f"http://{host}" for host in hosts}
        if request.host not in hosts or not allowed:
            raise web.HTTPForbidden(text="this page belongs to another site")

    asked = ["tui"]
    asked += ["--index", index] if index is not None else []
    asked += ["--indexes", indexes] if indexes is not None else []
    with tempfile.TemporaryDirectory() as folder:
        server = Local(
            shlex.join(command("explorer", *asked)),
            host=HOST,
            port=port,
            title="semantic-explorer",
            templates_path=folder,
        )
        _own_templates(Path(Server.__init__.__code__.co_filename).parent / "templates", folder)
        server.serve()


def _own_templates(installed: Path, folder: str) -> None:
    """The pages of textual-serve without what they fetch from elsewhere: a font."""
    shutil.copytree(installed, folder, dirs_exist_ok=True)
    for page in Path(folder).glob("*.html"):
        text = page.read_text("utf-8")
        page.write_text(re.sub(r'<link[^>]*href="https://[^>]*>', "", text), "utf-8")


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as err:
            raise MachineError(f"port {port} of {HOST}: {err.strerror}; try --port") from None
