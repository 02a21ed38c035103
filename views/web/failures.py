"""What comes before any answer to an error: roll back, know the request by an id, write the log.

Nothing here, and nothing an error page is made of, asks the database: it may be what failed.
"""

import logging
import secrets
import traceback
from typing import Any

import sqlalchemy as sa
from flask import current_app, g, has_request_context, request
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from models.core.base import db
from services.core.engine import set_writing

LOG = logging.getLogger("tcos")
LONGEST_PATH = 200
KEYS = frozenset({("feed.feed", "key")})  # secrets in an address, beside those called token


def roll_back() -> None:
    """Undo what was half written, and let nothing that follows load the person again.

    The library that keeps who is logged in hands the person to every template: one that is not
    loaded by now would be read from a database that may be locked, for the same wait once more.
    """
    set_writing(on=False)
    try:
        db.session.rollback()
    except SQLAlchemyError:  # the connection is gone: so is what it had begun
        db.session.remove()
    g.setdefault("_login_user", current_app.login_manager.anonymous_user())  # type: ignore[attr-defined] # Flask-Login's


def request_id() -> str:
    """Return the id under which this request stands in the log."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(6)
    return str(g.request_id)


def said_path() -> str:
    """Return the path as a line may tell it: short, and without what opens a door by itself."""
    path = request.path
    for name, value in (request.view_args or {}).items():
        if name == "token" or (request.endpoint, name) in KEYS:
            path = path.replace(str(value), "…")
    return path.encode("unicode_escape").decode()[:LONGEST_PATH]


def note(status: int, problem: BaseException) -> None:
    """Write one line of who met what where; of our own faults the way there too.

    The query string stays out, as do the values of a statement: both name people.
    """
    actor = g.get("actor")
    user = getattr(actor, "id", None) or "-"
    what = type(problem).__name__
    line = (
        f"request {request_id()}: {request.method} {said_path()} user={user} status={status} {what}"
    )
    if status >= 500:  # noqa: PLR2004 # HTTP's own border
        LOG.error("%s\n%s", line, told(problem))
    else:
        LOG.info("%s", line)


def told(problem: BaseException) -> str:
    """Return the traceback; what a database says of itself only without the rows it quotes."""
    chain = list(chain_of(problem))
    if not any(isinstance(one, SQLAlchemyError) for one in chain):
        return "".join(traceback.format_exception(problem)).rstrip()
    frames = "".join(traceback.format_tb(problem.__traceback__))
    return frames + "\n".join(_said(one) for one in chain if isinstance(one, SQLAlchemyError))


def chain_of(problem: BaseException | None) -> Any:
    """Yield a problem and what led to it."""
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def _said(problem: SQLAlchemyError) -> str:
    """Return a database's own sentence: PostgreSQL's DETAIL and CONTEXT quote whole rows."""
    name = type(problem).__name__
    if not isinstance(problem, DBAPIError):
        return name
    report = getattr(problem.orig, "diag", None)
    first = str(problem.orig).partition("\n")[0] if report is None else report.message_primary
    return f"{name}: {type(problem.orig).__name__}: {first} [SQL: {problem.statement}]"


@sa.event.listens_for(Engine, "handle_error")
def _remember(context: ExceptionContext) -> None:
    """Keep what the database said first: a session that goes on says only that it cannot."""
    if has_request_context():
        g.database_problem = context.sqlalchemy_exception
