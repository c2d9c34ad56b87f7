"""A browser that a person types at: Chromium without a window, a folder of its own each."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from e2e.conftest import PATIENCE, program
from e2e.terminal import Terminal, Watched

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
T = TypeVar("T")
BINARY = 2
"""The kind of a frame that holds bytes."""
KEYS = {
    "Enter": ("Enter", 13), "Tab": ("Tab", 9), "Escape": ("Escape", 27), "BSpace": ("Backspace", 8),
    "Down": ("ArrowDown", 40), "F5": ("F5", 116), "F8": ("F8", 119),
}  # fmt: skip
"""By the name that a terminal multiplexer has for it, a key as a browser names it, and its code."""


class Page:
    """A page of Chromium, through its DevTools protocol.

    Attributes:
        asked: the addresses that it fetched.
        complaints: what it was kept from by the rules that it was given.
        sent: what the program behind it wrote, as to a terminal.
        size: columns and lines of its terminal.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._number = socket, 0
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.sent = bytearray()
        self.size = (80, 24)

    async def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            told = await self._socket.receive_json()
            if told.get("method") == "Network.requestWillBeSent":
                self.asked.append(told["params"]["request"]["url"])
            if told.get("method") == "Log.entryAdded":
                text = told["params"]["entry"]["text"]
                self.complaints += [text] * ("Content Security Policy" in text)
            if told.get("method") == "Network.webSocketFrameReceived":
                self._hear(told["params"]["response"])
            if told.get("method") == "Network.webSocketFrameSent":
                self._say(told["params"]["response"])
            if told.get("id") == self._number:
                assert "error" not in told, told
                return dict(told["result"])

    def _hear(self, frame: dict[str, Any]) -> None:
        """What a program sends to a terminal."""
        if frame["opcode"] == BINARY:
            self.sent += base64.b64decode(frame["payloadData"])

    def _say(self, frame: dict[str, Any]) -> None:
        """What the page says of itself: how large its terminal is."""
        kind, *told = json.loads(frame["payloadData"])
        if kind == "resize":
            self.size = told[0]["width"], told[0]["height"]

    async def value(self, script: str) -> Any:
        """What a script, or the promise that it makes, comes to."""
        done = await self.do("Runtime.evaluate", expression=script, awaitPromise=True)
        return done["result"].get("value")

    async def until(self, script: str) -> None:
        end = time.monotonic() + PATIENCE
        while not await self.value(script):
            assert time.monotonic() < end, script
            await asyncio.sleep(0.1)

    async def type(self, text: str) -> None:
        for char in text:
            await self.do("Input.dispatchKeyEvent", type="keyDown", text=char, key=char)
            await self.do("Input.dispatchKeyEvent", type="keyUp", key=char)

    async def press(self, key: str, code: int, control: bool = False, alt: bool = False) -> None:
        held: dict[str, Any] = {"text": "\r"} if key == "Enter" else {}
        held |= {"modifiers": alt + 2 * control} if alt or control else {}
        for kind in ("keyDown", "keyUp"):
            await self.do(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **held
            )

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
                await page.do("Log.enable")
                await page.do("Page.navigate", url=address)
                yield page
    finally:
        chromium.terminate()
        chromium.wait(PATIENCE)


async def settled(page: Page) -> None:
    """Wait until two pictures a second apart are the same."""
    end, last = time.monotonic() + PATIENCE, b""
    while (now := await page.picture()) != last:
        assert time.monotonic() < end, "the page never came to rest"
        last = now
        await asyncio.sleep(1.2)


class BrowserTerminal(Watched):
    """A page as a terminal: keys go to the page, and tmux shows what the program sends to it."""

    def __init__(self, address: str, folder: Path, environment: dict[str, str]) -> None:
        self._address = address
        self._loop = asyncio.new_event_loop()
        self._opened = opened(address, folder / "chromium")
        self._page = self._run(self._opened.__aenter__())
        self._do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
        rights = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        self._do("Browser.grantPermissions", permissions=rights)
        self._shown, self._size = Terminal(folder, environment, self._page.size), self._page.size
        pipe = folder / "sent"
        os.mkfifo(pipe)
        self._shown.type(f"stty raw -echo; clear; exec cat {pipe}")
        self._shown.press("Enter")
        self._pipe = open(pipe, "wb", buffering=0)  # noqa: SIM115  # closed with the rest

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(asyncio.wait_for(coroutine, PATIENCE))

    def _do(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._run(self._page.do(method, **parameters))

    def keys(self, *keys: str) -> None:
        """Keys by name, and texts that begin with a blank, which is left out, one after another."""
        for key in keys:
            if key.startswith(" "):
                self._run(self._page.type(key[1:]))
            elif key in KEYS:
                self._run(self._page.press(*KEYS[key]))
            else:
                held, letter = key.split("-")
                code = ord(letter.upper())
                self._run(self._page.press(letter, code, control=held == "C", alt=held == "M"))

    @property
    def screen(self) -> str:
        self._run(self._page.value("1"))  # hear what was sent meanwhile
        sent = bytes(self._page.sent)
        self._page.sent.clear()
        if self._page.size != self._size:
            self._size = self._page.size
            self._shown.resize(*self._size)
        self._pipe.write(sent)
        return self._shown.screen

    @property
    def copied(self) -> str:
        """What can be pasted elsewhere."""
        return str(self._run(self._page.value("navigator.clipboard.readText()")))

    def open_again(self) -> None:
        """Open the page anew, as its own cookie allows; nothing stands there until it is sent."""
        self._page.sent[:] = b"\x1b[2J"
        self._do("Page.navigate", url=self._address.split("?")[0])

    def picture(self, path: Path) -> None:
        path.write_bytes(self._run(self._page.picture()))

    def close(self) -> None:
        self._pipe.close()
        self._shown.close()
        self._run(self._opened.__aexit__(None, None, None))
        self._loop.close()
