"""Behind proxies: whose word is taken for the visitor's address and for https.

A list of networks and no number of hops: who reaches this process past the proxy is believed
nothing. X-Forwarded-For is read from the right, as far as the hops are ours; what a visitor wrote
into it himself stands left of what our own proxy saw.
"""

import ipaddress
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

from views.setup.environment import UNIX, Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def init_proxies(app: Flask) -> None:
    """Wrap the application; TCOS_PROXIES of the configuration says whom to believe."""
    app.wsgi_app = Proxies(app.wsgi_app, app.config["TCOS_PROXIES"])  # type: ignore[method-assign, assignment]


class Proxies:
    """WSGI middleware: REMOTE_ADDR and the scheme as the trusted proxies saw them."""

    def __init__(self, inner: Any, trusted: Iterable[Network | str]) -> None:
        """Keep the networks, and whether a socket of this host is among them."""
        known = tuple(trusted)
        self.inner = inner
        self.networks = tuple(one for one in known if not isinstance(one, str))
        self.sockets = UNIX in known

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        """Correct the environment, and let no cookie of an https page travel by http."""
        peer = environ.get("REMOTE_ADDR", "")
        if self._trusts(peer):
            environ["REMOTE_ADDR"] = self._visitor(peer, environ.get("HTTP_X_FORWARDED_FOR", ""))
            scheme = environ.get("HTTP_X_FORWARDED_PROTO", "").rpartition(",")[2].strip().lower()
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        elif "gunicorn.socket" in environ:  # gunicorn believes whoever comes from this host
            secure = isinstance(environ["gunicorn.socket"], ssl.SSLSocket)
            environ["wsgi.url_scheme"] = "https" if secure else "http"
        return self.inner(environ, _secured(start) if _is_secure(environ) else start)

    def _trusts(self, text: str) -> bool:
        address = _address(text)
        if address is None:
            return self.sockets and not text
        return any(address in network for network in self.networks)

    def _visitor(self, peer: str, forwarded: str) -> str:
        """Return the last address on the way in that is none of our proxies."""
        found = peer
        for hop in reversed(forwarded.split(",")):
            address = _address(hop.strip())
            if address is None:
                break
            found = str(address)
            if not self._trusts(found):
                break
        return found


def _address(text: str) -> Address | None:
    """Return an address, with or without a port; None for what is none."""
    host = text
    if text.startswith("["):
        host = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        host = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _is_secure(environ: dict[str, Any]) -> bool:
    return bool(environ.get("wsgi.url_scheme") == "https")


def _secured(start: Callable[..., Any]) -> Callable[..., Any]:
    def started(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        return start(status, [_closed(*pair) for pair in headers], *rest)

    return started


def _closed(name: str, value: str) -> tuple[str, str]:
    parts = {part.strip().lower() for part in value.split(";")}
    if name.lower() == "set-cookie" and "secure" not in parts:
        return name, f"{value}; Secure"
    return name, value
