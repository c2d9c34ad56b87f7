"""Who is let in to `explorer tui --web`; its pages in a real browser are in `tests/e2e`."""

from __future__ import annotations

import pytest

from conftest import Run
from explorer.screen.web_access import WebAccess


def token_of(access: WebAccess) -> str:
    return access.address.split("?token=")[1]


def test_a_token_is_good_once_and_its_cookie_from_then_on() -> None:
    access = WebAccess("127.0.0.1", 8000)
    first = token_of(access)
    for wrong in ("", first[:-1], first + "x", "é", "\udc80"):
        assert access.spend(wrong) is None
        assert not access.knows(wrong)
    key = access.spend(first)
    assert key is not None
    assert access.knows(key)
    assert not access.knows(first)
    assert access.spend(first) is None
    second = access.spend(token_of(access))
    assert second not in (None, key)
    assert access.knows(key), "another browser takes the place of none"


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {token_of(WebAccess("127.0.0.1", 8000)) for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 43  # 256 bits, 6 a letter


@pytest.mark.parametrize(
    ("host", "port", "hosts"),
    [
        ("127.0.0.1", 8000, ("127.0.0.1:8000", "localhost:8000")),
        ("localhost", 80, ("localhost", "127.0.0.1")),
        ("Lab.example", 8000, ("lab.example:8000", "127.0.0.1:8000", "localhost:8000")),
        ("::1", 8000, ("[::1]:8000", "127.0.0.1:8000", "localhost:8000")),
    ],
)
def test_what_a_browser_may_call_it(host: str, port: int, hosts: tuple[str, ...]) -> None:
    access = WebAccess(host, port)
    assert access.hosts == hosts
    assert access.address.startswith(f"http://{hosts[0]}/?token=")
    for name in hosts:
        ours = {"Host": name, "Origin": f"http://{name}"}
        assert not access.foreign({"Host": name}, socket=False)
        assert not access.foreign(ours, socket=True)
        assert access.foreign({"Host": name}, socket=True), "a websocket says where it is from"
        for origin in ("null", f"https://{name}", f"http://{name}1", "http://example.org", ""):
            assert access.foreign({"Host": name, "Origin": origin}, socket=False)
    for name in ("example.org", f"example.org:{port}", "", f"{hosts[0]}.example.org"):
        assert access.foreign({"Host": name}, socket=False)
    assert access.foreign({}, socket=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_a_host_that_no_browser_can_open_is_refused(host: str, run: Run) -> None:
    pytest.importorskip("textual_serve")
    done = run("explorer", "tui", "--web", "--host", host)
    assert done.code == 2
    assert "browsers will open" in done.err.splitlines()[-1]


def test_a_host_of_another_machine_is_told_and_warned_of(run: Run) -> None:
    pytest.importorskip("textual_serve")
    done = run("explorer", "tui", "--web", "--host", "192.0.2.1")
    assert done.code == 1
    warning, fault = done.err.splitlines()
    assert "can be read on the way" in warning
    assert "192.0.2.1" in fault
