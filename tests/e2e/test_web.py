"""A person at a browser: Chromium opens `explorer tui --web`, types, and closes the page."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.conftest import EXPLORER, program

PATIENCE = 60.0
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--window-size=1100,700",
)


@pytest.fixture
def address(real_indexes: Path, environment: dict[str, str]) -> Iterator[str]:
    """The page, served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [EXPLORER, "tui", "--web", "--port", str(port), "--indexes", str(real_indexes)],
        env=environment,
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert b"in a browser" in server.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    server.send_signal(signal.SIGINT)
    assert server.wait(20) == 0


class Page:
    """A page of Chromium, through its DevTools protocol."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0
        self.asked: list[str] = []

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json()
            if told.get("method") == "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])
            if told.get("id") == self._number:
                assert "error" not in told, told
                return dict(told["result"])

    async def value(self, script: str) -> Any:
        return (await self.do("Runtime.evaluate", expression=script))["result"].get("value")

    async def until(self, script: str) -> None:
        end = time.monotonic() + PATIENCE
        while not await self.value(script):
            assert time.monotonic() < end, script
            await asyncio.sleep(0.1)

    async def type(self, text: str) -> None:
        for char in text:
            await self.do("Input.dispatchKeyEvent", type="keyDown", text=char, key=char)
            await self.do("Input.dispatchKeyEvent", type="keyUp", key=char)

    async def click(self, x: int, y: int) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            await self.do(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    async def picture(self) -> bytes:
        return base64.b64decode((await self.do("Page.captureScreenshot"))["data"])


@asynccontextmanager
async def opened(address: str, folder: Path) -> AsyncIterator[Page]:
    chromium = subprocess.Popen(
        [
            program("chromium", "chromium-browser", "google-chrome"),
            *QUIET,
            "--remote-debugging-port=0",
            f"--user-data-dir={folder}",
            "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = folder / "DevToolsActivePort"
        end = time.monotonic() + PATIENCE
        while not told.exists() or len(told.read_text().split()) < 2:
            assert time.monotonic() < end, "the browser did not start"
            await asyncio.sleep(0.1)
        port = told.read_text().split()[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as pages:
                found = await pages.json()
            where = next(one for one in found if one["type"] == "page")["webSocketDebuggerUrl"]
            async with session.ws_connect(where, max_msg_size=0) as connected:
                page = Page(connected)
                await page.do("Network.enable")
                await page.do("Page.navigate", url=address)
                yield page
    finally:
        chromium.terminate()
        chromium.wait(20)


def test_it_is_used_in_a_browser(address: str, tmp_path: Path, environment: dict[str, str]) -> None:
    state = Path(environment["EXPLORER_STATE"])
    pictures = Path(os.environ.get("PICTURES", str(tmp_path)))

    async def use() -> None:
        async with opened(address, tmp_path / "chromium") as page:
            await page.until("document.body.classList.contains('-first-byte')")
            await settled(page)
            before = await page.picture()
            await page.click(200, 65)  # the query bar
            await page.type("large")
            await settled(page)
            after = await page.picture()
            (pictures / "web.png").write_bytes(after)
            assert after != before
            elsewhere = [url for url in page.asked if "127.0.0.1" not in url]
            assert elsewhere == [], "nothing is fetched from elsewhere"

    asyncio.run(use())
    # The page is closed, so the program behind it ends, and remembers.
    until(lambda: state.exists() and _text(state) == "large")


async def settled(page: Page) -> None:
    """Wait until two pictures a second apart are the same."""
    end, last = time.monotonic() + PATIENCE, b""
    while (now := await page.picture()) != last:
        assert time.monotonic() < end, "the page never came to rest"
        last = now
        await asyncio.sleep(1.2)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def _text(state: Path) -> str:
    kept = json.loads(state.read_text())
    return str(kept["trail"][kept["at"]]["text"])


def test_pages_of_other_sites_are_refused(address: str) -> None:
    async def ask() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(address) as own:
                assert own.status == 200
                assert "https://" not in (await own.text()).replace("https://www.w3.org", "")
            for headers in ({"Origin": "http://example.org"}, {"Host": "example.org"}):
                async with session.get(address, headers=headers) as other:
                    assert other.status == 403, headers
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(f"{address}/ws", headers=headers)
                assert refused.value.status == 403

    asyncio.run(ask())


def test_a_port_that_is_taken_is_told(address: str, environment: dict[str, str]) -> None:
    port = address.rsplit(":", 1)[1]
    done = subprocess.run(
        [EXPLORER, "tui", "--web", "--port", port],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
