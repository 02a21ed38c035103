"""Errors as answers: a status, a sentence that helps, a request id; never SQL text.

Every handler begins by rolling back; only then are words chosen, and without the database.
"""

import functools
from collections.abc import Callable
from typing import Any

import sqlalchemy.exc
from flask import Flask, current_app, g, jsonify, render_template
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, SecurityError

from services.core.errors import Invalid, Locked, Refused, Stale
from views.web import failures, reentry
from views.web.headers import wants_words

PENDING_TRIGGER = "record_is_pending"
RAISED = "P0001"  # a trigger's RAISE without a code of its own, on PostgreSQL
RETRY_AFTER = 5  # seconds


def init_errors(app: Flask) -> None:
    """Register a handler for each family of problems."""
    for family, handler in HANDLERS.items():
        app.register_error_handler(family, first_roll_back(handler))


def first_roll_back(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the handler with a clean session before its first word."""

    @functools.wraps(handler)
    def answer(problem: Any) -> Any:
        failures.roll_back()
        return handler(problem)

    return answer


def log_in_first() -> Any:
    """Send a visitor to the log-in and back, with what he typed; a script gets 401 and the way."""
    return reentry.log_in_first()


def refused(problem: Refused) -> Any:
    """Answer a service's no with its status, message and field."""
    fields = problem.errors if isinstance(problem, Invalid) else {}
    extra = {
        "code": problem.code,
        "field": problem.field,
        "fields": {key: str(text) for key, text in fields.items()},
    }
    return _own(problem.status, problem, str(problem), **extra)


def http_error(problem: HTTPException) -> Any:
    """Answer 4xx and 5xx of the framework in our words; redirects pass through."""
    if problem.code is None or problem.code < 400:  # noqa: PLR2004 # HTTP's own border
        return problem.get_response()
    if isinstance(problem, SecurityError):
        return problem.get_response()  # the host is not ours: no page can be drawn for it
    return _own(problem.code, problem, _words(problem))


def stale(_problem: StaleDataError) -> Any:
    """Somebody was faster between our reading and our writing."""
    return refused(Stale())


def integrity(problem: sqlalchemy.exc.DBAPIError) -> Any:
    """A constraint said no where no service did: tell what can be told without SQL."""
    if PENDING_TRIGGER in str(problem.orig):
        return refused(Locked(_("审批中的记录不能修改，请先撤回")))
    return _own(409, problem, _("数据与已有记录冲突，未作任何修改"))


def bad_data(problem: sqlalchemy.exc.DataError) -> Any:
    """A value the column cannot hold."""
    return _own(422, problem, _("数值过大，请检查后重新输入"))


def programming(problem: sqlalchemy.exc.ProgrammingError) -> Any:
    """A trigger that raises in plain words is a constraint; everything else is our fault."""
    raised = getattr(problem.orig, "sqlstate", None) == RAISED
    return integrity(problem) if raised else unexpected(problem)


def went_on(problem: sqlalchemy.exc.PendingRollbackError) -> Any:
    """The session was used after a failure: what counts is the failure."""
    known = (*failures.chain_of(problem), g.get("database_problem"))
    told = (Refused, sqlalchemy.exc.DBAPIError)
    first = next((one for one in known if isinstance(one, told)), None)
    return unexpected(problem) if first is None else current_app.handle_user_exception(first)


def unavailable(problem: Exception) -> Any:
    """The database is locked, down or slow: 503, nothing was changed."""
    return _own(503, problem, _("系统暂时繁忙，未作任何修改，请稍后重试"))


def unexpected(problem: Exception) -> Any:
    """Everything else is our fault: log it with an id and show only the id."""
    return _own(500, problem, _("系统出错，修改未保存。请稍后重试；仍失败请把错误编号告诉管理员"))


HANDLERS: dict[type[Exception], Callable[[Any], Any]] = {
    Refused: refused,
    HTTPException: http_error,
    StaleDataError: stale,
    sqlalchemy.exc.IntegrityError: integrity,
    sqlalchemy.exc.DataError: bad_data,
    sqlalchemy.exc.ProgrammingError: programming,
    sqlalchemy.exc.PendingRollbackError: went_on,
    sqlalchemy.exc.OperationalError: unavailable,
    sqlalchemy.exc.InterfaceError: unavailable,
    sqlalchemy.exc.TimeoutError: unavailable,
    Exception: unexpected,
}


def _own(status: int, problem: Exception, message: str, **extra: Any) -> Any:
    failures.note(status, problem)
    key = failures.request_id()
    headers = {"X-Request-Id": key}
    if status == 503:  # noqa: PLR2004 # service unavailable
        headers["Retry-After"] = str(RETRY_AFTER)
    if wants_words():
        told = {k: v for k, v in extra.items() if v}
        return jsonify(error=message, request_id=key, **told), status, headers
    page = render_template("error.html", status=status, message=message, request_id=key, **extra)
    return page, status, headers


def _words(problem: HTTPException) -> str:
    known = {
        400: _("提交内容有误，未保存，请返回检查"),
        401: _("请先登录"),
        403: _("您没有执行此操作的权限，如需使用请联系管理员"),
        404: _("页面或记录不存在，或您无权查看"),
        405: _("请从菜单重新进入此页面"),
        413: _("上传的内容太大"),
        429: _("操作过于频繁，请稍后再试"),
    }
    own = problem.description if getattr(problem, "ours", False) else None
    return str(own or known.get(problem.code or 500, _("操作未能完成，请稍后重试")))
