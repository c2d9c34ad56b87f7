"""A person at a browser: Chromium opens `explorer tui --web`, types, and closes the page."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.browser import opened, settled
from e2e.conftest import EXPLORER, PATIENCE


def test_it_is_used_in_a_browser(
    address: str, tmp_path: Path, environment: dict[str, str], real: Any
) -> None:
    state = Path(environment["EXPLORER_STATE"])
    pictures = Path(os.environ.get("PICTURES", str(tmp_path)))
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    file = downloads / "neighbors-large.csv"

    async def use() -> None:
        async with opened(address, tmp_path / "chromium") as page:
            await page.do(
                "Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads)
            )
            await page.until("document.body.classList.contains('-first-byte')")
            assert await page.value("location.search") == "", "the token is gone from the address"
            assert await page.value("document.cookie") == "", "no script sees the cookie"
            await settled(page)
            before = await page.picture()
            await page.type("large")
            await settled(page)
            after = await page.picture()
            (pictures / "web.png").write_bytes(after)
            assert after != before

            await page.press("s", 83, control=True)
            await settled(page)
            (pictures / "web-export.png").write_bytes(await page.picture())
            await page.press("Enter", 13)
            while not file.exists():
                await asyncio.sleep(0.1)
                await page.value("1")  # a page that is gone ends the test
            elsewhere = [url for url in page.asked if "127.0.0.1" not in url]
            assert elsewhere == [], "nothing is fetched from elsewhere"
            await page.value("window.before = 1")
            await page.value("document.querySelector('.closed-dialog button').click()")
            await page.until("!window.before && document.body.classList.contains('-first-byte')")
            assert page.complaints == [], "the page breaks no rule that it was given"

    asyncio.run(asyncio.wait_for(use(), 3 * PATIENCE))
    rows = list(csv.DictReader(file.read_text("utf-8").splitlines()))
    expected = real.neighbors("large", k=20, distinct=True)
    assert [row["item"] for row in rows] == [row.item for row in expected.rows]
    assert list(tmp_path.glob("*.csv")) == [], "nothing is written where the server runs"
    # The page is closed, so the program behind it ends, and remembers.
    until(lambda: state.exists() and _text(state) == "large")


def test_an_address_is_good_for_one_browser(address: str) -> None:
    place, token = address.split("/?token=")

    async def ask() -> None:
        for wrong in (
            "",
            "/",
            "/ws",
            "/static/js/textual.js",
            "/download/x",
            "/?token=",
            "/nothing",
        ):
            async with aiohttp.ClientSession() as nobody, nobody.get(place + wrong) as answer:
                said = await answer.text()
                assert (answer.status, said.count("\n")) == (403, 1), wrong
                assert_guarded(answer)
        jar = aiohttp.CookieJar(unsafe=True)  # of an address, not a name
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            async with session.get(address) as answer:
                assert answer.status == 200
                assert token not in await answer.text()
                assert_guarded(answer)
                kept = answer.headers["Set-Cookie"]
                assert {"HttpOnly", "SameSite=Strict"} <= set(kept.split("; "))
                assert token not in kept
            for path, status in (
                ("/", 200), ("/static/js/textual.js", 200), (address[len(place) :], 200),
                ("/static/", 403), ("/static", 403), ("/static/js/", 403), ("/app.py", 404),
                ("/nothing", 404), ("/download/nothing", 404), ("/ws", 403),
            ):  # fmt: skip
                async with session.get(place + path) as answer:
                    assert answer.status == status, path
                    assert "Index of" not in await answer.text()
                    assert_guarded(answer)
            async with session.ws_connect(f"{place}/ws", headers={"Origin": place}) as connected:
                assert (await connected.receive()).type == aiohttp.WSMsgType.BINARY
        async with aiohttp.ClientSession() as another, another.get(address) as answer:
            assert answer.status == 403
            assert "used already" in await answer.text()

    asyncio.run(ask())


def assert_guarded(answer: aiohttp.ClientResponse) -> None:
    """A browser is told to run no text as a script, show it in no frame, and say nothing of it."""
    rules = answer.headers["Content-Security-Policy"].split("; ")
    assert "frame-ancestors 'none'" in rules
    (scripts,) = [rule for rule in rules if rule.startswith("script-src ")]
    assert "unsafe" not in scripts
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def _text(state: Path) -> str:
    kept = json.loads(state.read_text())
    return str(kept["trail"][kept["at"]]["text"])


def test_pages_of_other_sites_are_refused(address: str) -> None:
    place = address.split("/?")[0]
    port = place.rsplit(":", 1)[1]
    foreign = (
        {"Origin": "http://example.org"},
        {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{int(port) + 1}"},
        {"Origin": f"https://127.0.0.1:{port}"},
        {"Origin": f"http://localhost:{port}"},  # of the other name, so not what was opened
        {"Host": "example.org"},
        {"Host": f"example.org:{port}", "Origin": f"http://example.org:{port}"},
        {"Host": "127.0.0.1"},
    )

    async def ask() -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            for headers in foreign:  # the token alone opens nothing
                async with session.get(address, headers=headers) as other:
                    assert other.status == 403, headers
            async with session.get(address) as own:
                assert own.status == 200
            async with session.get(place) as page:
                assert "https://" not in (await page.text()).replace("https://www.w3.org", "")
            for headers in (*foreign, {}):  # nor does the cookie
                for path in ("/", "/static/js/textual.js", "/download/x") if headers else ():
                    async with session.get(place + path, headers=headers) as other:
                        assert other.status == 403, headers
                with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                    await session.ws_connect(f"{place}/ws", headers=headers)
                assert refused.value.status == 403, headers

    asyncio.run(ask())


def test_a_port_that_is_taken_is_told(address: str, environment: dict[str, str]) -> None:
    port = address.split("/?")[0].rsplit(":", 1)[1]
    done = subprocess.run(
        [EXPLORER, "tui", "--web", "--port", port],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert f"port {port}" in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1
