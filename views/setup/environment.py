"""What the environment says, judged before anything starts: a refusal is one sentence."""

import ipaddress
import os
from pathlib import Path

import sqlalchemy as sa

from views.setup.misconfigured import Misconfigured

KINDS = ("demo", "production", "test")
UNIX = "unix"  # a proxy that comes through a socket of this host

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def kind_of(given: str) -> str:
    """Return the kind of installation. Raises Misconfigured: a typo must not become a demo."""
    if given not in KINDS:
        raise Misconfigured(
            f"TCOS_ENV is {given!r}: set it to {', '.join(KINDS[:-1])} or {KINDS[-1]}"
        )
    return given


def hosts_of(given: str | None, kind: str) -> list[str] | None:
    """Return the trusted host names, None for all. Raises Misconfigured: production needs some."""
    found = [host.strip() for host in (given or "").split(",") if host.strip()]
    bad = [host for host in found if any(sign in host for sign in "*/ ")]
    if bad:
        raise Misconfigured(
            f"TCOS_TRUSTED_HOSTS holds {bad[0]!r}: name hosts, like crm.example.com or .example.com"
        )
    if not found and kind == "production":
        raise Misconfigured(
            "set TCOS_TRUSTED_HOSTS to the host names people use, like crm.example.com"
        )
    return found or None


def proxies_of(given: str) -> tuple[Network | str, ...]:
    """Return the networks whose forwarded headers are believed. Raises Misconfigured."""
    return tuple(_proxy(one.strip()) for one in given.split(",") if one.strip())


def _proxy(text: str) -> Network | str:
    if text == UNIX:
        return UNIX
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Misconfigured(
            f"TCOS_PROXIES holds {text!r}: give addresses or networks, like 10.0.0.5 or 10.0.0.0/24"
        ) from None
    if found.prefixlen == 0:
        raise Misconfigured(f"TCOS_PROXIES holds {text!r}: everybody could say who he is")
    return found


def number(name: str, default: int) -> int:
    """Return a whole number from 1. Raises Misconfigured."""
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise Misconfigured(f"{name} is {text!r}: set it to a whole number")
    return int(text)


def known_url(url: str) -> str:
    """Return a readable address of a database. Raises Misconfigured, without the password."""
    try:
        sa.make_url(url)
    except sa.exc.ArgumentError:
        raise Misconfigured(
            "TCOS_DATABASE_URL is no address of a database: sqlite:///file.db or "
            "postgresql+psycopg://user:password@host/name"
        ) from None
    return url


def writable(folder: Path) -> Path:
    """Return a folder that is there and open for us. Raises Misconfigured."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise Misconfigured(f"{folder} cannot be made: {problem.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise Misconfigured(
            f"{folder} cannot be written: give the user of this process the right to"
        )
    return folder
