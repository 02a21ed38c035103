"""Providers that speak OAuth their own way (企业微信, 钉钉, 飞书): requests told by a file."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from views.setup.providers import Provider, ProviderStep, filled

PATIENCE = 10  # seconds for a provider's answer


class ProviderFailed(Exception):  # noqa: N818 # told to people as a page
    """A provider was away, or did not answer what its file says."""


def address_of(provider: Provider, known: Mapping[str, str]) -> str:
    """Return where a person is sent to say who he is."""
    return filled(provider.authorize, known, lambda text: quote(text, safe=""))


def claims_of(provider: Provider, known: Mapping[str, str]) -> dict[str, str]:
    """Return what the provider's answers say: `subject`, perhaps `email`. Raises ProviderFailed."""
    found = dict(known)
    for step in provider.steps:
        found |= _taken(step, _asked(step, found))
    return {name: text for name, text in found.items() if name not in known}


def _asked(step: ProviderStep, known: Mapping[str, str]) -> Any:
    def all_of(texts: Mapping[str, str] | None) -> dict[str, str] | None:
        return None if texts is None else {k: filled(v, known) for k, v in texts.items()}

    try:
        answer = requests.request(
            step.method,
            filled(step.url, known, lambda text: quote(text, safe="")),
            params=all_of(step.query),
            json=all_of(step.json),
            data=all_of(step.form),
            headers=all_of(step.headers),
            timeout=PATIENCE,
            allow_redirects=False,
        )
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError, LookupError) as problem:
        raise ProviderFailed(type(problem).__name__) from None  # its words hold codes and secrets


def _taken(step: ProviderStep, answer: Any) -> dict[str, str]:
    found = {}
    for name, path in step.take.items():
        value = answer
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, str | int) and value != "":
            found[name] = str(value)
        elif name != "email":
            raise ProviderFailed(name)
    return found
