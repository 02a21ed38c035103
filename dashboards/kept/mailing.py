"""A saved view as a mail: made with the rights that its receiver has when it is made."""

import dataclasses
import datetime as dt
import io

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards import segments
from dashboards.core import choices
from dashboards.files import lines, paper, words
from dashboards.files.lines import Content
from dashboards.kept import states
from models.people.user import User
from models.query.saved_view import SavedView
from models.query.view_subscription import FileForm, ViewSubscription
from services.core.errors import Forbidden, NotVisible, Refused
from services.deals.papers.making import MIME
from services.delivery import workbook
from services.query import subscriptions
from services.rights.access import act
from services.rights.actor import Actor, load_actor, may

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclasses.dataclass(frozen=True, slots=True)
class MailLinks:
    """What a letter's links are made of: the secret of the installation, the product's address."""

    secret: str
    base: str

    def stop(self, row: ViewSubscription) -> str:
        """Return the address at which a reader ends the mails."""
        return f"{self.base}/mail/stop/{subscriptions.token(self.secret, row)}"


@dataclasses.dataclass(frozen=True, slots=True)
class ViewMail:
    """A mail that was made, and of what: it is an export of its receiver."""

    user_id: int
    address: str
    name: str
    subject: str
    text: str
    stop: str
    file: tuple[str, str, bytes]  # name, MIME type, content
    noun: str
    state: str


def make(session: Session, key: int, sender: MailLinks, *, now: dt.datetime) -> ViewMail | None:
    """Return the mail of a subscription; None where it was stopped or the person has left.

    The session is of its own and reads one moment. Raises Refused where the person may not (any
    more), or the view asks what is no more.
    """
    row = session.get(ViewSubscription, key)
    by = load_actor(session, row.user_id) if row is not None and not row.stopped_at else None
    if row is None or by is None:
        return None
    user = session.get_one(User, row.user_id)
    if not may(by, "cockpit:read") or not may(by, subscriptions.GRANT):
        raise Forbidden(_("没有导出汇总表的权限"))
    if not user.email:
        raise Refused(_("没有邮箱"), code="NO_MAILBOX")
    mailed = ViewSubscription(id=row.id, user_id=row.user_id, view_id=row.view_id, form=row.form)
    address, name, language = user.email, user.name, user.language
    act(session, by)
    with force_locale(language.locale):
        view = _view(session, mailed.view_id)
        content = _content(session, by, view, now)
        file, note = _file(session, content, mailed.form, view)
        text = _text(content, view, sender, mailed, note)
    subject = f"{content.summary.caption}{_('：')}{view.name} {content.moment}"
    return ViewMail(
        mailed.user_id,
        address,
        name,
        subject,
        text,
        sender.stop(mailed),
        file,
        view.noun,
        view.query,
    )


def _view(session: Session, key: int) -> SavedView:
    found = session.scalar(sa.select(SavedView).where(SavedView.id == key))
    if found is None:
        raise NotVisible(_("这个视图已不再共享给您"))
    return found


def _content(session: Session, by: Actor, view: SavedView, now: dt.datetime) -> Content:
    summary = states.summary_of(view)
    query = segments.kept_to(session, states.query_of(summary, view.query, now=now))
    offers = choices.read(session, by)
    choices.check(query, offers)
    reader = words.FilterReader(session, by, offers)
    return Content(summary, by, query, words.asked(reader, summary, query))


def _file(
    session: Session, content: Content, form: FileForm, view: SavedView
) -> tuple[tuple[str, str, bytes], str]:
    """Return the file and what is to be said of it: a long table is no paper."""
    if form is FileForm.pdf:
        try:
            body = paper.make(session, content, view.name, paper.MOST)
            return (f"{content.name}.pdf", MIME["pdf"], body), ""
        except Refused as problem:
            if problem.code != "TOO_MANY":
                raise
            note = str(problem)
    else:
        note = ""
    buffer = io.BytesIO()
    workbook.write(buffer, lines.sheets(content), lines.lines(session, content))
    return (f"{content.name}.xlsx", XLSX, buffer.getvalue()), note


def _text(
    content: Content, view: SavedView, sender: MailLinks, row: ViewSubscription, note: str
) -> str:
    page = f"{sender.base}/admin/cockpit/{content.summary.key}/view/?id={view.id}&open=1"
    parts = [
        f"{content.summary.caption}{_('：')}{view.name}",
        *([view.note] if view.note else []),
        " · ".join(content.asked),
        _("数据截至 %(at)s", at=content.moment),
        *([note] if note else []),
        _("打开：%(url)s", url=page),
        _("不想再收到：%(url)s", url=sender.stop(row)),
    ]
    return "\n\n".join(str(part) for part in parts)
