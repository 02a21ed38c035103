"""What the environment says, judged before anything starts: a refusal is one sentence."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import sqlalchemy as sa

from services.delivery.filestore import Bucket
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


def bucket_of(given: str, kind: str) -> Bucket | None:
    """Return the bucket of attachments, None where they lie in a folder. Raises Misconfigured."""
    if not given:
        return None
    parts = urlsplit(given)
    told = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.hostname or told.keys() - {"endpoint", "region"}:
        raise Misconfigured(
            "TCOS_S3_URL is no bucket: s3://bucket/prefix?endpoint=https://host&region=name"
        )
    endpoint = told.get("endpoint", "")
    if endpoint and not endpoint.startswith(("https://", "http://")):
        raise Misconfigured("TCOS_S3_URL: the endpoint begins with https://")
    if kind == "production" and endpoint.startswith("http://") and not _is_near(endpoint):
        raise Misconfigured("TCOS_S3_URL: the endpoint of another host is reached by https://")
    key, secret = (os.environ.get(f"TCOS_S3_{name}", "") for name in ("KEY", "SECRET"))
    if not (key and secret):
        raise Misconfigured("TCOS_S3_URL needs TCOS_S3_KEY and TCOS_S3_SECRET")
    prefix = parts.path.strip("/")
    region = told.get("region", "us-east-1")
    return Bucket(parts.netloc, f"{prefix}/" if prefix else "", endpoint, region, key, secret)


def _is_near(endpoint: str) -> bool:
    """Tell whether an address is of this host or its own network, by a name or number of it."""
    host = urlsplit(endpoint).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


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
