"""One line an event, JSON in production and words elsewhere, each with its time and level.

What happens in a request also tells its id, the person's number, method and path, whoever writes
the line. Query strings and values of statements are in no line: they name people.
"""

import logging
import os
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from gunicorn.glogging import Logger

from views.setup.misconfigured import Misconfigured
from views.web.failures import request_id, said_path

ACCESS = logging.getLogger("tcos.access")
KINDS = ("json", "text")
LEVELS = ("debug", "info", "warning", "error")


def init_logs(app: Flask) -> None:
    """Bind what a request's lines share, and write one when it is answered. Register it first."""
    _set_up(app.config["TCOS_ENV"])
    app.before_request(_begin)
    app.after_request(_end)


class GunicornLines(Logger):
    """Gunicorn's own lines in the same form; `gunicorn.conf.py` names this class."""

    def setup(self, cfg: Any) -> None:
        """Set gunicorn's handlers up, then give them our form."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(formatter(_kind(os.environ.get("TCOS_ENV", "demo"))))


def formatter(kind: str) -> logging.Formatter:
    """Return what makes a line of a record: `json` or `text`."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: Any = structlog.processors.KeyValueRenderer(
        key_order=["timestamp", "level", "logger", "event"]
    )
    if kind == "json":
        last = structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
    )


def _set_up(environment: str) -> None:
    """Set logging up, unless the process that started us has done so."""
    root, kind, level = logging.getLogger(), _kind(environment), _level(environment)
    if root.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(kind))
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("tcos").setLevel(level.upper())


def _kind(environment: str) -> str:
    return _chosen("TCOS_LOG", KINDS, "json" if environment == "production" else "text")


def _level(environment: str) -> str:
    usual = "info" if environment == "production" else "warning"
    return _chosen("TCOS_LOG_LEVEL", LEVELS, usual)


def _chosen(name: str, known: tuple[str, ...], usual: str) -> str:
    found = os.environ.get(name) or usual
    if found not in known:
        raise Misconfigured(f"{name} is one of {', '.join(known)}, not {found!r}")
    return found


def _begin() -> None:
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        request_id=request_id(), user=None, method=request.method, path=said_path()
    )


def _end(response: Response) -> Response:
    """Write the line of an answer; a file of ours is not worth one."""
    took = milliseconds()
    response.headers.setdefault("X-Request-Id", request_id())
    quiet = request.endpoint is not None and request.endpoint.endswith("static")
    level = logging.DEBUG if quiet else logging.INFO
    ACCESS.log(level, "answered", extra={"status": response.status_code, "ms": took})
    return response


def milliseconds() -> float:
    """Return how long this request has taken so far."""
    began: float = g.get("began", time.perf_counter())
    return round((time.perf_counter() - began) * 1000, 1)
