"""A post that changes a row leaves one in the audit log: each post of the suite is held to it.

Routes and tables that need none stand in tests/safety/untraced.toml, each with its reason.
"""

import contextvars
import re
import tomllib
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from werkzeug.exceptions import HTTPException

LIST = Path(__file__).resolve().parents[1] / "safety" / "untraced.toml"
QUIET = tomllib.loads(LIST.read_text(encoding="utf-8"))
WRITES = re.compile(r'\s*(INSERT|UPDATE|DELETE)(?: INTO| FROM)? "?(\w+)', re.IGNORECASE)
TRACES = {"audit_log", "approval_event"}  # rows that are only added, with person and time
WRONG = 400  # what is refused is rolled back
_seen = contextvars.ContextVar("seen", default=None)


@sa.event.listens_for(Engine, "after_cursor_execute")
def _note(_connection, cursor, statement, *_rest):
    tables = _seen.get()
    found = WRITES.match(statement) if tables is not None else None
    if found and (found[1].upper() == "INSERT" or cursor.rowcount != 0):  # of RETURNING it is 0
        tables.add(found[2])


def watch(app):
    """Hold every post to this application to the law."""
    inner = app.wsgi_app

    def outer(environ, start):
        if environ["REQUEST_METHOD"] != "POST":
            return inner(environ, start)
        status = []

        def started(line, *more):
            status.append(int(line[:3]))
            return start(line, *more)

        token, tables = _seen.set(set()), set()
        try:
            answer = inner(environ, started)
            tables = _seen.get()
        finally:
            _seen.reset(token)
        if status and status[0] < WRONG:
            judge(rule_of(app, environ), tables)
        return answer

    app.wsgi_app = outer


def judge(rule, tables):
    """Raise AssertionError where something changed that nobody can trace."""
    left = tables - QUIET["tables"].keys()
    traced = TRACES & left or rule in QUIET["routes"]
    assert traced or not left, f"POST {rule} changed {left} without a trace"


def rule_of(app, environ):
    """Return the route a request leads to, its path where there is none."""
    try:
        found, _args = app.url_map.bind_to_environ(environ).match(return_rule=True)
    except HTTPException:
        return environ["PATH_INFO"]
    return found.rule
