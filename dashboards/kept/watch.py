"""Limits of numbers: read as people write them, and looked at with the rights of who set them."""

import datetime as dt
from decimal import Decimal
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards import marks
from dashboards.core.columns import TableColumn, missing, shown
from dashboards.kept import measures, states
from models.delivery.notification import NoticeKind
from models.people.user import User
from models.query.saved_view import SavedView
from models.query.view_alert import ViewAlert
from services.core.errors import Forbidden, Invalid, NotVisible, Refused
from services.delivery.notices import Notice, tell
from services.query import alerts
from services.rights.access import act
from services.rights.actor import load_actor, may

SCALE = {"ratio": 10_000, "mean": 10}  # smallest units in one; money is in 分 already


def read(text: str, column: TableColumn) -> int:
    """Return a limit as a whole number: `20%`, `100万`, `12,800.50`. Raises Invalid."""
    try:
        return round(marks.limit(text, column) * SCALE.get(column.type, 1))
    except ValueError as problem:
        raise Invalid({"limit": problem.args[0]}) from problem


def written(value: int | None, column: TableColumn) -> str:
    """Return a limit or a value as it is shown."""
    if value is None or column.type not in SCALE:
        return shown(value, column)
    scale = SCALE[column.type]
    return shown(Decimal(value) / scale, column)


def _whole(value: Any, column: TableColumn) -> int | None:
    return None if missing(value) else round(Decimal(value) * SCALE.get(column.type, 1))


def look(session: Session, row: ViewAlert, *, now: dt.datetime) -> int | None:
    """Return the number of a limit as its owner would see it now.

    Raises Refused where he may not (any more), or his view asks what is no more.
    """
    by = load_actor(session, row.user_id)
    if by is None or not may(by, "cockpit:read"):
        raise Forbidden(_("没有查看汇总表的权限"))
    key, measure = row.view_id, row.measure
    act(session, by)
    view = session.get(SavedView, key)
    if view is None:
        raise NotVisible(_("这个视图已不再共享给您"))
    found = measures.measure(session, by, view, measure, now=now)
    return _whole(found.value, found.column)


def keep(session: Session, row: ViewAlert, value: int | None, *, now: dt.datetime) -> bool:
    """Keep a value that was looked at; tell the owner where it has just crossed the limit."""
    if not alerts.note(session, row, value, now=now):
        return False
    user, view = session.get_one(User, row.user_id), row.view
    with force_locale(user.language.locale):
        column = measures.demanded(view, row.measure, now=now)
        title = f"{view.name} · {column.label} {said(row, value, column)}"
    key = states.summary_of(view).key
    url = f"/admin/cockpit/{key}/view/?id={view.id}&open=1"
    once = f"alert:{row.id}:{now:%Y%m%d%H%M%S}"
    return tell(session, Notice(user.id, NoticeKind.alert, title, url, once), now=now)


def said(row: ViewAlert, value: int | None, column: TableColumn) -> str:
    """Return how a value stands to its limit, in words."""
    limit = written(row.limit_value, column)
    return f"{written(value, column)} {row.condition} {limit}"


def column_of(row: ViewAlert, *, now: dt.datetime) -> TableColumn | None:
    """Return the column of a limit, None where the view has it no more."""
    try:
        return measures.demanded(row.view, row.measure, now=now)
    except Refused:
        return None
