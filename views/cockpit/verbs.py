"""What can be done with one saved view: pin a number, get it by mail, watch a limit."""

from collections.abc import Callable
from typing import Any

from flask import request
from flask_babel import gettext as _

from dashboards.kept import measures, watch
from models.query.saved_view import SavedView
from services.core import texts
from services.core.errors import NotVisible
from services.delivery import outbox
from services.query import alerts, pins, subscriptions
from services.rights.actor import demand
from views.web.acting import Acting

Verb = Callable[[Acting, SavedView], str]


def _pin(doors: Acting, view: SavedView) -> str:
    column = measures.demanded(view, request.form.get("measure", ""), now=doors.now())
    pins.add(doors.call(), view, column.key)
    return _("已固定到首页")


def _unpin(doors: Acting, view: SavedView) -> str:
    del view
    pins.drop(doors.call(), texts.key(request.form.get("pin")))
    return _("已从首页取下")


def _subscribe(doors: Acting, view: SavedView) -> str:
    subscriptions.subscribe(doors.call(), view, request.form.to_dict())
    return _("已订阅，到时发到您的邮箱")


def _stop(doors: Acting, view: SavedView) -> str:
    subscriptions.stop(doors.call(), view)
    return _("已停止订阅")


def _send(doors: Acting, view: SavedView) -> str:
    """Mail it now, besides what comes by itself."""
    demand(doors.actor, subscriptions.GRANT)
    row = subscriptions.of(doors.session, doors.actor, view)
    if row is None or row.stopped_at:
        raise NotVisible
    on = f"now-{doors.now():%Y%m%d%H%M%S}"
    told = {"key": row.id, "on": on}
    outbox.enqueue(doors.session, subscriptions.TASK, told, title=view.name, now=doors.now())
    return _("正在发送，请稍后查收邮件")


def _watch(doors: Acting, view: SavedView) -> str:
    form = request.form
    column = measures.demanded(view, form.get("measure", ""), now=doors.now())
    limit = watch.read(form.get("limit", ""), column)
    row = alerts.add(doors.call(), view, alerts.Limit(column.key, form.get("condition", ""), limit))
    doors.session.flush()
    return _checked(doors, row)


def _check(doors: Acting, view: SavedView) -> str:
    del view
    row = alerts.get(doors.session, doors.actor, texts.key(request.form.get("alert")))
    return _checked(doors, row)


def _checked(doors: Acting, row: Any) -> str:
    """Look at a limit now; whoever set it is told as the worker would tell him."""
    value = watch.look(doors.session, row, now=doors.now())
    watch.keep(doors.session, row, value, now=doors.now())
    column = watch.column_of(row, now=doors.now())
    state = _("已越线") if row.crossed else _("未越线")
    return f"{watch.written(value, column)} · {state}" if column else state


def _unwatch(doors: Acting, view: SavedView) -> str:
    del view
    alerts.drop(doors.call(), texts.key(request.form.get("alert")))
    return _("已删除预警")


VERBS: dict[str, Verb] = {
    "pin": _pin,
    "unpin": _unpin,
    "subscribe": _subscribe,
    "stop": _stop,
    "send": _send,
    "watch": _watch,
    "check": _check,
    "unwatch": _unwatch,
}


def limits(doors: Acting, view: SavedView) -> list[dict[str, Any]]:
    """Return a person's limits of a view, in words."""
    found = []
    for row in alerts.of(doors.session, doors.actor, view):
        column = watch.column_of(row, now=doors.now())
        if column is None:
            found.append({"row": row, "label": row.measure, "limit": "", "last": ""})
            continue
        last = watch.written(row.last_value, column) if row.checked_at else ""
        limit = watch.written(row.limit_value, column)
        found.append({"row": row, "label": column.label, "limit": limit, "last": last})
    return found
