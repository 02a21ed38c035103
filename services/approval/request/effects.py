"""What a decision brings about: the record's state, the follow-up row, the submitter's copy."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest, Decision
from models.core.mixins import Approval
from models.deals.contract import Contract
from models.delivery.notification import TASKS, NoticeKind
from models.people.user import User
from services.approval.flow import fills
from services.approval.request import change, set_effects
from services.deals import contract
from services.delivery import notices
from services.delivery.outcome import Verdict
from services.records.snapshot import differences, shown
from services.rights.access import unscoped
from services.rights.call import Call


def finish(session: Session, request: ApprovalRequest, record: Any, now: dt.datetime) -> None:
    """Do to the record what its request came to; an approved one lands in the follow-ups.

    A change or voiding that is not approved leaves the record as it is, to the byte.
    """
    if request.action is FlowAction.create:
        record.approval = request.state
        if request.state in {Approval.approved, Approval.rejected}:
            record.decided_at = now
    if request.state is not Approval.approved:
        return
    with unscoped(session, "approval"):
        change.check_files(session, request, record)
        _land(session, request, record, now)
        if request.summary is None:  # submitted before summaries were kept
            request.summary = summary(request.payload)
        session.flush()
        set_effects.follow_ups(session, set_effects.REQUEST.c.id == request.id, now=now)


def _land(session: Session, request: ApprovalRequest, record: Any, now: dt.datetime) -> None:
    """Do to the record what was asked for, and approved."""
    if request.action is FlowAction.change:
        change.apply(session, request, record, now=now)
    elif request.action is FlowAction.void:
        _give_back(session, request, record, now)
    else:
        fills.land(session, request, record, now=now)
        if isinstance(record, Contract):
            contract.on_approved(session, record, now=now)


def _give_back(session: Session, request: ApprovalRequest, record: Any, now: dt.datetime) -> None:
    if isinstance(record, Contract):
        contract.on_voided(session, record)
    else:
        change.revoke(session, request, record, now)


def announce(
    session: Session,
    request: ApprovalRequest,
    people: Iterable[int],
    *,
    now: dt.datetime,
    kind: NoticeKind = NoticeKind.task,
    said: Verdict | None = None,
) -> None:
    """Tell people that something about a request concerns them; `said`: who did it, his words."""
    page = "inbox" if kind in TASKS else "request"
    url = f"/admin/{page}/?id={request.id}"
    # The instant makes each event a new one.
    key = f"{kind.name}:{request.id}:{request.step}:{now:%Y%m%d%H%M%S%f}"
    titles = _titles(session, people := list(people), request.title, said)
    told = [
        notices.Notice(p, kind, titles.get(p, request.title), url, key, request.id) for p in people
    ]
    notices.tell_many(session, told, now=now)


def _titles(
    session: Session, people: list[int], title: str, said: Verdict | None
) -> dict[int, str]:
    """Return person → what he is told in his language; nothing where a title says it all."""
    if said is None or not people:
        return {}
    user = User.__table__
    query = sa.select(user.c.id, user.c.language).where(user.c.id.in_(people))
    return {key: said.told(title, language) for key, language in session.execute(query)}


def tell_submitter(
    call: Call, request: ApprovalRequest, decision: Decision, said: tuple[int, str | None]
) -> None:
    """Tell the submitter how a step or the whole request was decided; `said`: step, comment."""
    step, comment = said
    word: object = request.state.caption
    if back := decision is Decision.give_back:
        word = _("已退回")
    elif request.state is Approval.pending:
        word = _("第 %(n)s 步已通过", n=step)
    which, told = set_effects.REQUEST.c.id == request.id, Verdict(word, call.by.name, comment)
    set_effects.tell_submitters(call.session, which, told, by=call.by.id, now=call.now, back=back)


def summary(payload: dict[str, Any]) -> str:
    """Return what a follow-up will tell of a payload, in Chinese, personal data masked."""
    with force_locale("zh_Hans_CN"):
        return "；".join(_said(payload))


def _said(payload: dict[str, Any]) -> list[str]:
    if "old" in payload:
        return [
            f"{caption}：{'****' if hidden else old} → {'****' if hidden else new}"
            for caption, old, new, hidden, _key in differences(payload)
        ]
    return [
        f"{caption}：{text}"
        for _section, pairs in shown(payload, masked=True)
        for caption, text, _key in pairs
    ]
