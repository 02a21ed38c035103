"""Scripts, styles and pictures: named by their content, kept for ever, packed once a process.

Pages are not packed: they hold a token beside words of the address, and the length of a packed
page tells a listener about both (BREACH). What is packed holds no secret.
"""

import hashlib
import os
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, current_app, g, has_request_context, request, url_for
from flask_compress import Compress
from flask_compress.flask_compress import DictCache

from models.core.cached import cached

FOR_EVER = "public, max-age=31536000, immutable"
NAME = "v"
PACKED = ("text/css", "text/javascript", "application/javascript", "image/svg+xml")
DATA = frozenset({"cockpit.data", "region_tree"})  # JSON without a token in it
BUNDLE = "cockpit.script"


def init_statics(app: Flask) -> None:
    """Give every static address its digest, and pack what is asked for packed."""
    app.config.update(
        COMPRESS_REGISTER=False,  # `_finish` says what is packed
        COMPRESS_MIMETYPES=[*PACKED, "application/json"],
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=5,
        COMPRESS_STREAMS=False,
        COMPRESS_CACHE_BACKEND=DictCache,
        COMPRESS_CACHE_KEY=_key,
    )
    kept = Compress(app)
    passing = Compress(app)
    passing.cache = None
    app.extensions["packers"] = (kept, passing)
    app.url_defaults(_name)
    app.jinja_env.globals["url_for"] = address
    app.after_request(_finish)


def address(endpoint: str, **values: Any) -> str:
    """Return what `url_for` does; of a file, which a page names by the dozen, kept by its content.

    It stands in place of Flask's own in templates.
    """
    if endpoint != "static" or values.keys() != {"filename"} or not has_request_context():
        return url_for(endpoint, **values)
    known, name = g.setdefault("files", {}), values["filename"]  # one has the icons 60 times
    if name not in known:
        digest = digest_of(current_app.static_folder, name)
        known[name] = _file(request.script_root, name, digest)
    return str(known[name])


@cached
def _file(_root: str, name: str, _digest: str) -> str:
    return url_for("static", filename=name)


def digest_of(folder: str | None, name: str) -> str:
    """Return what names a file's content, '' for a file that is not there."""
    path = f"{folder or ''}/{name}"
    try:
        at = os.stat(path)  # noqa: PTH116 # a Path takes four times as long as the answer
    except OSError:
        return ""
    return _digest(path, at.st_mtime_ns, at.st_size)


@cached
def _digest(path: str, _changed: int, _size: int) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:12]


def _is_static(endpoint: str | None) -> bool:
    return endpoint == "static" or (endpoint or "").endswith(".static")


def _folder(endpoint: str) -> str | None:
    name = endpoint.rpartition(".")[0]
    return current_app.blueprints[name].static_folder if name else current_app.static_folder


def _name(endpoint: str, values: dict[str, Any]) -> None:
    if _is_static(endpoint) and NAME not in values and "filename" in values:
        found = digest_of(_folder(endpoint), values["filename"])
        if found:
            values[NAME] = found


def _key(asked: Request) -> str:
    return f"{asked.path}?{asked.args.get(NAME, '')}"


def _finish(response: Response) -> Response:
    endpoint = request.endpoint
    kept, passing = current_app.extensions["packers"]
    if endpoint in DATA:
        return _packed(passing, response)
    if endpoint == BUNDLE:
        return _packed(kept, response)
    if not _is_static(endpoint) or response.status_code != 200:  # noqa: PLR2004 # a file, whole
        return response
    name = request.args.get(NAME)
    own = digest_of(_folder(str(endpoint)), (request.view_args or {}).get("filename", ""))
    if name != own:
        return response  # an older page asks for a newer file: the hour of the configuration
    response.headers["Cache-Control"] = FOR_EVER
    if response.mimetype not in PACKED:
        return response
    response.direct_passthrough = False
    response.set_data(response.get_data())
    return _packed(kept, response)


def _packed(packer: Compress, response: Response) -> Response:
    answer: Response = packer.after_request(response)
    return answer
