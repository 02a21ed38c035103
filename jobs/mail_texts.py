"""What a mail says of a notice: what happened, the key facts of its request, one link."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session, object_session

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.delivery.notification import TASKS, NoticeKind, Notification
from models.delivery.outbox import Outbox
from models.people.user import User
from services.approval.flow.naming import kind_of
from services.approval.inbox import task_links
from services.core.days import ZONE
from services.delivery import mail_times
from services.rights.pending_counts import unread

MOST = 30  # notices that the mail of a day names
LOOKED = dt.timedelta(days=1)


def is_over(row: Outbox) -> bool:
    """Tell whether the mail of a day has nothing left to tell."""
    session = object_session(row)
    return bool(row.payload.get("daily")) and session is not None and not _daily(session, row)


def told(row: Outbox, base: str, secret: str = "") -> tuple[str, list[str], str]:
    """Return what happened, the lines about it and the link, in the current language.

    `base` is the address of the site; with its `secret` a task has a link of its own.
    """
    session = object_session(row)
    if row.payload.get("daily") and session is not None:
        found = _daily(session, row)
        n = len(found)
        what = ngettext("%(n)s 条未读通知", "%(n)s 条未读通知", n, n=n)
        return what, [f"· {one}" for one in found[:MOST]], f"{base}/admin/notice/?unread=1"
    one = _notice(session, row)
    what = f"{NoticeKind[row.payload['kind']].caption}：{one.told if one else row.title}"
    lines = _facts(session, one) if one and session else []
    own = _task_link(session, one, base, secret) if one and session and secret else None
    return what, lines, own or f"{base}{one.url if one else row.payload['url']}"


def _task_link(session: Session, told: Notification, base: str, secret: str) -> str | None:
    """Return the signed link of the one task that a notice tells of."""
    if told.kind not in TASKS or told.request_id is None:
        return None
    since = told.created_at
    return task_links.link(session, secret, base, told.request_id, told.user_id, since=since)


def of(row: Outbox, user: User, base: str, *, secret: str) -> tuple[str, str]:
    """Return subject and text of a mail in the current language."""
    what, lines, url = told(row, base, secret)
    text = _(
        "%(name)s，您好：\n\n%(what)s\n%(facts)s\n打开：%(url)s\n\n"
        "此邮件由系统自动发送，请勿回复。\n在「个人设置」中可以选择接收哪些邮件。",
        name=user.name,
        what=what,
        facts="".join(f"{line}\n" for line in lines),
        url=url,
    )
    return f"[T-Cos CRM] {what}", text


def _notice(session: Session | None, row: Outbox) -> Notification | None:
    """Return the notice a mail was posted with, as it is now: one of a batch has grown."""
    key = row.dedupe_key.removeprefix(f"mail:{row.user_id}:")
    told = sa.and_(Notification.user_id == row.user_id, Notification.dedupe_key == key)
    return session.scalar(sa.select(Notification).where(told)) if session else None


def _daily(session: Session, row: Outbox) -> list[Notification]:
    """Return what its reader has not seen yet of the kinds he wants once a day, oldest first."""
    chosen = mail_times.chosen(session, [row.user_id or 0]).get(row.user_id or 0)
    told = Notification
    query = sa.select(told).where(told.user_id == row.user_id, unread(told))
    query = query.where(told.created_at >= row.created_at - LOOKED).order_by(told.id)
    rows = session.scalars(query)
    return [one for one in rows if chosen is None or mail_times.is_daily(chosen, one.kind)]


def _facts(session: Session, told: Notification) -> list[str]:
    """Return the lines about the request of a notice."""
    request = session.get(ApprovalRequest, told.request_id) if told.request_id else None
    if request is None:
        return []
    found: list[tuple[str, Any]] = [
        (_("类型"), kind_of(request)),
        (_("编号"), request.payload.get("code")),
        (_("客户"), request.customer),
        (_("提交人"), request.submitted_by),
    ]
    if told.kind in TASKS:
        found.append((_("时限"), _due(session, told)))
    elif told.kind is NoticeKind.decision:
        found.append((_("审批意见"), request.last_comment))
    return [f"{caption}：{value}" for caption, value in found if value]


def _due(session: Session, told: Notification) -> str:
    task = ApprovalTask
    mine = sa.and_(task.request_id == told.request_id, task.assignee_id == told.user_id)
    due = session.scalar(sa.select(task.due_at).where(mine, task.state == TaskState.open))
    return f"{due.astimezone(ZONE):%Y-%m-%d %H:%M}" if due else ""
