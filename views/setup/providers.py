"""Who else may say who somebody is: the providers of single sign-on, from the file TCOS_SSO."""

import dataclasses
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from views.setup.misconfigured import Misconfigured

KEY = re.compile(r"[a-z][a-z0-9-]{0,39}")
NAMED = re.compile(r"\{(\w+)\}")
EMAILS = ("verified", "trusted", "none")
FACTORS = ("ours", "provider")
STEP = {"method", "url", "query", "json", "form", "headers", "take"}


@dataclasses.dataclass(frozen=True, slots=True)
class ProviderStep:
    """One request of a provider that speaks no OpenID: what is sent, what is taken of the answer.

    `take` says name → where it stands (`data.open_id`); texts name what is known as `{name}`.
    """

    url: str
    method: str = "GET"
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    json: Mapping[str, str] | None = None
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    take: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Provider:
    """One provider: OpenID Connect by its `issuer`, else `authorize` and `steps`.

    `emails`: an address opens an account when the provider says that it is verified, always
    (`trusted`: the provider is the company's own directory), or never (`none`: people link their
    accounts themselves). `second_factor`: asked here (`ours`), or vouched for by the provider.
    """

    key: str
    caption: str
    client_id: str
    secret: str
    issuer: str = ""
    scope: str = "openid email profile"
    caption_en: str = ""
    emails: str = "verified"
    second_factor: str = "ours"
    authorize: str = ""
    steps: tuple[ProviderStep, ...] = ()


def load_providers(given: str, kind: str) -> dict[str, Provider]:
    """Return the providers by key, {} where no file is named. Raises Misconfigured."""
    if not given:
        return {}
    try:
        told = tomllib.loads(Path(given).read_text(encoding="utf-8"))
    except OSError as problem:
        raise Misconfigured(f"TCOS_SSO: {given} cannot be read: {problem.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise Misconfigured(f"TCOS_SSO: {given} is not TOML: {problem}") from None
    rows = told.get("provider")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Misconfigured(f"TCOS_SSO: {given} has no [[provider]]")
    found = [_provider(row, kind) for row in rows]
    if len({one.key for one in found}) < len(found):
        raise Misconfigured("TCOS_SSO: two providers have the same key")
    return {one.key: one for one in found}


def _provider(row: Mapping[str, Any], kind: str) -> Provider:
    name = str(row.get("key", ""))
    if not KEY.fullmatch(name):
        raise Misconfigured(f"TCOS_SSO: key {name!r}: use small letters, digits and hyphens")
    known = {one.name for one in dataclasses.fields(Provider)} | {"secret_env"}
    for word in sorted(row.keys() - (known - {"secret"})):
        hint = ": name its variable as secret_env" if word == "secret" else ""
        raise Misconfigured(f"TCOS_SSO: {name} has an unknown or forbidden {word}{hint}")
    for word in ("caption", "client_id", "secret_env"):
        if not isinstance(row.get(word), str) or not row[word]:
            raise Misconfigured(f"TCOS_SSO: {name} lacks {word}")
    secret = os.environ.get(row["secret_env"], "")
    if not secret:
        raise Misconfigured(f"TCOS_SSO: {name}: the variable {row['secret_env']} is not set")
    steps = tuple(_step(name, step) for step in row.get("steps", ()))
    words = {key: value for key, value in row.items() if key not in {"secret_env", "steps"}}
    if not all(isinstance(value, str) for value in words.values()):
        raise Misconfigured(f"TCOS_SSO: {name}: all but steps are texts")
    return _checked(Provider(secret=secret, steps=steps, **words), kind)


def _step(name: str, row: Any) -> ProviderStep:
    if not isinstance(row, dict) or "url" not in row or row.keys() - STEP:
        raise Misconfigured(f"TCOS_SSO: {name}: a step takes {', '.join(sorted(STEP))}")
    return ProviderStep(**row)


def _checked(one: Provider, kind: str) -> Provider:
    for word, choices in (("emails", EMAILS), ("second_factor", FACTORS)):
        if getattr(one, word) not in choices:
            raise Misconfigured(f"TCOS_SSO: {one.key}: {word} is one of {', '.join(choices)}")
    if bool(one.issuer) == bool(one.authorize and one.steps):
        raise Misconfigured(f"TCOS_SSO: {one.key} needs an issuer, or authorize and steps")
    if one.authorize and not any("subject" in step.take for step in one.steps):
        raise Misconfigured(f"TCOS_SSO: {one.key}: no step takes subject")
    if one.authorize and one.second_factor == "provider":
        raise Misconfigured(f"TCOS_SSO: {one.key}: without OpenID nothing tells a second factor")
    addresses = [one.issuer or one.authorize, *(step.url for step in one.steps)]
    for address in addresses:
        plain = kind != "production" and urlsplit(address).scheme == "http"
        if not (plain or urlsplit(address).scheme == "https") or not urlsplit(address).hostname:
            raise Misconfigured(f"TCOS_SSO: {one.key}: {address!r} is no https address")
    return one


def filled(text: str, known: Mapping[str, str], quote: Any = str) -> str:
    """Return a text with what is known in the place of `{name}`. Raises LookupError."""
    return NAMED.sub(lambda found: quote(known[found[1]]), text)
