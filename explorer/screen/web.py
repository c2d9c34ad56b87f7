"""The terminal UI in a browser: `explorer tui --web`, through textual-serve.

Whoever is let in can do what the terminal UI can, but for writing files: what is exported goes to
the browser. `explorer.screen.web_access` says who is; here every request passes it.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import secrets
import shlex
import shutil
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TextIO

from explorer.errors import QueryError
from explorer.screen.web_access import WILDCARDS, WebAccess
from explorer.worker import command
from indexer.store.errors import MachineError
from indexer.store.shown import lines, one_line

HOST = "127.0.0.1"
_NONCE = "nonce"
LAST = 1.0
"""Seconds that pages have to end in, once the server is to."""

_LISTEN = """<script>
new MutationObserver((_, observer) => {
  const keys = document.querySelector(".xterm-helper-textarea");
  if (keys && document.body.classList.contains("-first-byte")) {
    keys.focus();
    observer.disconnect();
  }
}).observe(document.body, { attributes: true });
for (const button of document.querySelectorAll("button[data-refresh]")) {
  button.addEventListener("click", refresh);
}
</script>
"""
"""Has the terminal hear keys as soon as it stands there: who opens the page may type at once.

Buttons of the page are heard too: what a tag itself says is to be run has no nonce.
"""

_BUTTON = ' onClick="refresh()"'

_ENTERED = (
    '<!doctype html><meta charset="utf-8"><title>semantic-explorer</title>'
    '<meta http-equiv="refresh" content="0;url=/">'
)
"""Goes on to the page by itself: so its cookie is sent, from wherever the address was opened."""


def serve(index: str | None, indexes: str | None, port: int, host: str = HOST) -> None:
    """Serve until interrupted; each page that is opened has a process of its own.

    Raises:
        QueryError: textual-serve is not installed, or the host is none that a browser can open.
        MachineError: the port is taken, or the host is not of this machine.
    """
    try:
        from textual_serve.server import Server
    except ImportError:
        raise QueryError(
            "--web needs textual-serve: pip install 'semantic-explorer[web]'"
        ) from None
    import aiohttp_jinja2
    import jinja2
    from aiohttp import web

    if host in WILDCARDS:
        raise QueryError(f"--host {host!r}: give the one name or address that browsers will open")
    listening = _listening(host, port)
    access = WebAccess(host, port)

    @web.middleware  # type: ignore[untyped-decorator]
    async def guarded(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Let in a browser that has the cookie, or a token for one."""
        if access.foreign(request.headers, socket=request.path == "/ws"):
            raise web.HTTPForbidden(text="this page belongs to another site\n")
        known = access.knows(request.cookies.get(access.cookie, ""))
        token = request.query.get("token") if request.path == "/" else None
        if token is not None:
            return entered(token, known)
        if not known:
            raise web.HTTPForbidden(
                text="open the whole address that `explorer tui --web` printed\n"
            )
        return await handler(request)

    def entered(token: str, known: bool) -> web.Response:
        """A cookie for a token; a browser that has one already just goes on."""
        key = access.spend(token)
        if key is None and not known:
            raise web.HTTPForbidden(
                text="this address was used already, or isn't whole: the terminal shows a new one\n"
            )
        response = web.Response(text=_ENTERED, content_type="text/html")
        if key is not None:
            response.set_cookie(access.cookie, key, path="/", httponly=True, samesite="Strict")
            print(f"explorer: opened; {access.address} is for another browser", flush=True)
        return response

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(access.rules(request.get(_NONCE, "")))

    class Guarded(Server):  # type: ignore[misc]  # it has no types
        """Answers those who were let in, says one line, and fetches nothing from elsewhere."""

        def initialize_logging(self) -> None:
            logging.getLogger("textual-serve").setLevel(logging.ERROR)

        async def _make_app(self) -> web.Application:
            app = web.Application(middlewares=[guarded])
            aiohttp_jinja2.setup(app, loader=jinja2.FileSystemLoader(self.templates_path))
            app.add_routes(
                [
                    web.get("/", self.handle_index),
                    web.get("/ws", self.handle_websocket),
                    web.get("/download/{key}", self.handle_download),
                    web.static("/static", self.statics_path),
                ]
            )
            app.on_response_prepare.append(add_headers)
            return app

        @aiohttp_jinja2.template("app_index.html")
        async def handle_index(self, request: web.Request) -> dict[str, Any]:
            """What the page is made of, at the name that the browser knows us by."""
            request[_NONCE] = secrets.token_urlsafe()
            return {
                _NONCE: request[_NONCE],
                "font_size": 16,
                "app_websocket_url": f"ws://{request.host}/ws",
                "config": {"static": {"url": "/static/"}},
                "application": {"name": self.title},
            }

    asked = ["--index", index] if index is not None else []
    asked += ["--indexes", indexes] if indexes is not None else []
    with tempfile.TemporaryDirectory() as folder:
        server = Guarded(
            shlex.join(command("explorer.screen.served", *asked)),
            host=host,
            port=port,
            title="semantic-explorer",
            templates_path=folder,
        )
        _own_templates(Path(Server.__init__.__code__.co_filename).parent / "templates", folder)
        server.initialize_logging()
        with contextlib.redirect_stdout(_Shown(sys.stdout)):
            web.run_app(
                server._make_app(),
                sock=listening,
                shutdown_timeout=LAST,
                access_log=None,  # no address is written down: the token stands in one
                print=lambda *_: print(
                    f"explorer: open {access.address} in a browser; ctrl+c ends it", flush=True
                ),
            )


class _Shown(io.TextIOBase):
    """Stdout for what textual-serve writes there: whatever a page's program said as it ended."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(lines(text))
        return len(text)

    def flush(self) -> None:
        self._stream.flush()


def _own_templates(installed: Path, folder: str) -> None:
    """The pages of textual-serve: scripts known by a nonce, no font from elsewhere, keys heard."""
    shutil.copytree(installed, folder, dirs_exist_ok=True)
    for page in Path(folder).glob("*.html"):
        text = page.read_text("utf-8")
        text = re.sub(r'<link[^>]*href="https://[^>]*>', "", text)
        text = text.replace(_BUTTON, " data-refresh")
        text = text.replace("</body>", f"{_LISTEN}</body>")
        page.write_text(text.replace("<script>", f'<script nonce="{{{{ {_NONCE} }}}}">'), "utf-8")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that browsers can connect to."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(place)
            made.listen()
        except OSError:
            made.close()
            raise
    except (OSError, UnicodeError) as err:
        why = getattr(err, "strerror", None) or str(err)
        said = f"port {port} of {one_line(host)}: {why}; try --port"
        raise MachineError(said if host == HOST else f"{said} or --host") from None
    return made
