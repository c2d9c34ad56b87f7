"""Who may open the page of `explorer tui --web`: a browser that was told the address.

The address that is printed holds a token, which is good for one browser: it gets a cookie for it,
and the next address another token. What a browser says of itself (Host, Origin) must be ours, so
that no page of another site gets in, whatever name it gives this address.

Knows tokens, names of hosts and headers; knows no page.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping

LENGTH = 32
"""Bytes of a token and of a cookie, drawn by the system."""

WILDCARDS = ("", "0.0.0.0", "::")

_CSP = (
    "default-src 'none'; script-src 'self'{inline}; style-src 'self' 'unsafe-inline'; "
    "img-src 'self'; font-src 'self'; connect-src 'self' {sockets}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class WebAccess:
    """Holds what was printed and what was given out.

    Args:
        host: where the page is served: a name or an address.
        port: of it.

    Attributes:
        cookie: the name of the cookie; of the port, since browsers keep cookies by host alone.
        hosts: what a browser may call us, as it writes it in Host.
    """

    def __init__(self, host: str, port: int) -> None:
        self.cookie = f"explorer-{port}"
        names = dict.fromkeys([_in_an_address(host).lower(), "127.0.0.1", "localhost"])
        at = "" if port == 80 else f":{port}"
        self.hosts = tuple(f"{name}{at}" for name in names)
        self._token = secrets.token_urlsafe(LENGTH)
        self._keys: list[str] = []

    @property
    def address(self) -> str:
        """To be opened, by one browser."""
        return f"http://{self.hosts[0]}/?token={self._token}"

    def spend(self, token: str) -> str | None:
        """The value of a cookie for a token, which is good no longer; None for any other text."""
        if not _same(token, self._token):
            return None
        self._token = secrets.token_urlsafe(LENGTH)
        self._keys.append(secrets.token_urlsafe(LENGTH))
        return self._keys[-1]

    def knows(self, key: str) -> bool:
        """Whether a cookie was given out here."""
        return any(_same(key, one) for one in self._keys)

    def foreign(self, headers: Mapping[str, str], socket: bool) -> bool:
        """Whether a request is made of another name or from another site's page.

        Args:
            headers: of the request.
            socket: whether it asks for a websocket, for which browsers say always where from.
        """
        host = headers.get("Host", "").lower()
        if host not in self.hosts:
            return True
        origin = headers.get("Origin")
        return socket if origin is None else origin.lower() != f"http://{host}"

    def rules(self, nonce: str = "") -> dict[str, str]:
        """What a browser is told with every answer.

        Args:
            nonce: the number used once that a page's own scripts carry; no other is run from its
                text.
        """
        return {
            "Content-Security-Policy": _CSP.format(
                sockets=" ".join(f"ws://{host}" for host in self.hosts),
                inline=f" 'nonce-{nonce}'" if nonce else "",
            ),
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "no-store",
        }


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that says nothing of where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode())


def _in_an_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
