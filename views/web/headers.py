"""Security headers on every answer, a nonce a request, and no way off the host."""

import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, abort, g, redirect, request
from werkzeug.wrappers import Response as Answer

# plotly's style elements: an empty one, and the one of its maps, which the bundle always adds.
PLOTLY = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='"
)
IN_PLACE = "X-In-Place"  # of a form that a script sends: the page it stands on stays
RETURNS = ("url", "next")  # the parameters Flask-Admin and Flask-Security redirect to


def init_headers(app: Flask) -> None:
    """Check return addresses before a view runs and the answer's headers after it."""
    app.before_request(_check_returns)
    app.after_request(_finish)


def csp_nonce() -> str:
    """Return the nonce of this request; templates put it on their script and style elements."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def is_local(address: str) -> bool:
    """Tell whether an address is a plain path on this host, also as browsers read it."""
    if not address.startswith("/") or address.startswith(("//", "/\\")):
        return False
    if "\\" in address or any(ord(c) < 33 or ord(c) == 127 for c in address):  # noqa: PLR2004
        return False
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def leave_for(address: str) -> Answer:
    """Lead off this host: to an address that the operator's settings name, nobody else's."""
    g.leads_off = address
    return redirect(address)


def came_from() -> str:
    """Return the page that led to this one, '' where that is not known."""
    parts = urlsplit(request.referrer or "")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    other = path != request.full_path.rstrip("?")
    known = other and parts.netloc == request.host and is_local(path)
    return path if known else ""


def wants_json() -> bool:
    """Tell whether the caller is a script: XHR, a `.json` path, or JSON preferred to HTML."""
    accept = request.accept_mimetypes
    return (
        request.headers.get("X-Requested-With") == "XMLHttpRequest"
        or request.path.endswith(".json")
        or "/ajax/" in request.path
        or accept.best_match(["text/html", "application/json"]) == "application/json"
    )


def wants_words() -> bool:
    """Tell whether a refusal is told on the page one is on: no page of its own takes its place."""
    return IN_PLACE in request.headers or wants_json()


def _check_returns() -> None:
    for name in RETURNS:
        for value in (*request.args.getlist(name), *_form(name)):
            own = value.startswith(request.host_url)  # redirects lose the host again
            path = value.removeprefix(request.host_url.rstrip("/")) if own else value
            if path and not is_local(path):
                abort(400)


def _form(name: str) -> list[str]:
    is_form = (request.mimetype or "").startswith(("application/x-www", "multipart/"))
    return request.form.getlist(name) if is_form else []


def _finish(response: Response) -> Response:
    target = response.headers.get("Location")
    if target is not None and not is_local(target) and target != g.get("leads_off"):
        own = urlsplit(target)
        path = own.path + (f"?{own.query}" if own.query else "")
        response.headers["Location"] = path if is_local(path) else "/"
    nonce = f"'nonce-{csp_nonce()}'"
    response.headers.setdefault(
        "Content-Security-Policy",
        f"default-src 'self'; script-src 'self' {nonce}; style-src 'self' {nonce} {PLOTLY}; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    )
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    response.headers.setdefault(
        "Permissions-Policy", "geolocation=(self), camera=(), microphone=(), payment=()"
    )
    if _is_personal(response):
        response.headers["Cache-Control"] = "no-store"
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response


def keep_out(pages: Blueprint, *, referrer: str = "") -> None:
    """Keep a public blueprint's pages out of search engines and of the caches on the way.

    `referrer`: the policy of pages whose address is a secret, so that none learns of it.
    """

    @pages.after_request
    def closed(response: Response) -> Response:
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Cache-Control"] = "no-store"
        if referrer:
            response.headers["Referrer-Policy"] = referrer
        return response


def _is_personal(response: Response) -> bool:
    """Tell whether an answer must not be kept: pages, data and files that say nothing else."""
    kept = response.headers.get("Cache-Control")
    if kept is not None:
        return "=True" in kept  # Flask-Security's words, which no cache knows
    written = response.mimetype in {"text/html", "application/json"}
    return written or "attachment" in response.headers.get("Content-Disposition", "")
