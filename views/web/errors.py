"""Errors as answers: a status, a sentence that helps, a request id; never SQL text."""

import logging
import secrets
from typing import Any

import sqlalchemy.exc
from flask import Flask, abort, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, SecurityError

from models import db
from services.errors import Invalid, Locked, Refused, Stale

LOG = logging.getLogger("tcos")
PENDING_TRIGGER = "record_is_pending"


def init_errors(app: Flask) -> None:
    """Register a handler for each family of problems."""
    app.register_error_handler(Refused, refused)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(StaleDataError, lambda _e: refused(Stale()))
    app.register_error_handler(sqlalchemy.exc.IntegrityError, integrity)
    app.register_error_handler(sqlalchemy.exc.DataError, lambda e: _own(422, e, _bad_data()))
    app.register_error_handler(sqlalchemy.exc.OperationalError, unavailable)
    app.register_error_handler(sqlalchemy.exc.InterfaceError, unavailable)
    app.register_error_handler(sqlalchemy.exc.TimeoutError, unavailable)
    app.register_error_handler(Exception, unexpected)


def wants_json() -> bool:
    """Tell whether the caller is a script: XHR, a `.json` path, or JSON preferred to HTML."""
    accept = request.accept_mimetypes
    return (
        request.headers.get("X-Requested-With") == "XMLHttpRequest"
        or request.path.endswith(".json")
        or "/ajax/" in request.path
        or accept.best_match(["text/html", "application/json"]) == "application/json"
    )


def log_in_first() -> Any:
    """Send a visitor to the log-in and back; a script gets 401: it would take a 302 for success."""
    if wants_json():
        abort(401)
    return redirect(url_for("security.login", next=request.full_path.rstrip("?")))


def refused(problem: Refused) -> Any:
    """Answer a service's no with its status, message and field."""
    fields = problem.errors if isinstance(problem, Invalid) else {}
    extra = {
        "code": problem.code,
        "field": problem.field,
        "fields": {key: str(text) for key, text in fields.items()},
    }
    return _page(problem.status, str(problem), **extra)


def http_error(problem: HTTPException) -> Any:
    """Answer 4xx and 5xx of the framework in our words; redirects pass through."""
    if problem.code is None or problem.code < 400:  # noqa: PLR2004 # HTTP's own border
        return problem.get_response()
    if isinstance(problem, SecurityError):
        return problem.get_response()  # the host is not ours: no page can be drawn for it
    return _page(problem.code, _words(problem))


def integrity(problem: sqlalchemy.exc.IntegrityError) -> Any:
    """A constraint said no where no service did: tell what can be told without SQL."""
    if PENDING_TRIGGER in str(problem.orig):
        return refused(Locked(_("审批中的记录不能修改，请先撤回")))
    return _own(409, problem, _("数据与已有记录冲突，未作任何修改"))


def unavailable(problem: Exception) -> Any:
    """The database is locked, down or slow: 503, nothing was changed."""
    return _own(503, problem, _("系统暂时繁忙，未作任何修改，请稍后重试"))


def unexpected(problem: Exception) -> Any:
    """Everything else is our fault: log it with an id and show only the id."""
    return _own(500, problem, _("系统出现内部错误，未作任何修改"))


def _bad_data() -> str:
    return _("数值超出允许范围")


def _own(status: int, problem: Exception, message: str) -> Any:
    g.request_id = secrets.token_hex(6)
    if status >= 500:  # noqa: PLR2004 # HTTP's own border
        LOG.error("request %s failed", g.request_id, exc_info=problem)
    return _page(status, message, request_id=g.request_id)


def _page(status: int, message: str, **extra: Any) -> Any:
    db.session.rollback()  # whatever was half written goes, before anything is rendered
    if wants_json():
        return jsonify(error=message, **{k: v for k, v in extra.items() if v}), status
    return render_template("error.html", status=status, message=message, **extra), status


def _words(problem: HTTPException) -> str:
    known = {
        400: _("请求有误，未作任何修改"),
        401: _("请先登录"),
        403: _("您没有执行此操作的权限"),
        404: _("页面或记录不存在，或您无权查看"),
        405: _("不支持这种访问方式"),
        413: _("上传的内容太大"),
        429: _("操作过于频繁，请稍后再试"),
    }
    own = problem.description if getattr(problem, "ours", False) else None
    return str(own or known.get(problem.code or 500, _("请求未能完成")))
