"""plotly's script, served from the installed package: named by its content, kept for ever.

`views/setup/statics.py` packs it, once a process.
"""

import hashlib
from pathlib import Path

import plotly
from flask import Response

from models.core.cached import cached
from services.core.errors import NotVisible

BUNDLE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"


@cached
def digest() -> str:
    """Return what names this version of the bundle in its address."""
    return hashlib.sha256(BUNDLE.read_bytes()).hexdigest()[:16]


def bundle(asked: str) -> Response:
    """Return the script; raises NotVisible for the address of another version."""
    if asked != digest():
        raise NotVisible
    response = Response(BUNDLE.read_bytes(), mimetype="text/javascript")
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
