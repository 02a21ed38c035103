"""plotly's script, served from the installed package: named by its content, kept for ever."""

import gzip
import hashlib
from pathlib import Path

import plotly
from flask import Response, request

from models.core.cached import cached
from services.core.errors import NotVisible

BUNDLE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@cached
def digest() -> str:
    """Return what names this version of the bundle in its address."""
    return hashlib.sha256(BUNDLE.read_bytes()).hexdigest()[:16]


@cached
def _packed() -> bytes:
    """Return the bundle compressed, once a process: 4.9 MB become 1.4 MB."""
    return gzip.compress(BUNDLE.read_bytes(), mtime=0)


def bundle(asked: str) -> Response:
    """Return the script; raises NotVisible for the address of another version."""
    if asked != digest():
        raise NotVisible
    packs = request.accept_encodings.quality("gzip") > 0
    response = Response(_packed() if packs else BUNDLE.read_bytes(), mimetype="text/javascript")
    if packs:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
