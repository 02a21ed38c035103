"""The timeline of a request: events are only added."""

import datetime as dt
from typing import Any, TypedDict, Unpack

from flask_babel import force_locale
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.core.cached import cached

# What a rule says in nobody's name: kept in Chinese, told in the reader's language.
AGREED_BEFORE = _("前面步骤已同意，按流程规则不再重复审批")
DEACTIVATED = _("原审批人已停用")
NO_GRANT = _("原审批人不再有审批权限")


@cached
def _by_rule() -> dict[str, Any]:
    with force_locale("zh_Hans_CN"):
        return {str(text): text for text in (AGREED_BEFORE, DEACTIVATED, NO_GRANT)}


def kept(text: Any) -> str:
    """Return the words of a rule as an event keeps them."""
    return next(said for said, lazy in _by_rule().items() if lazy is text)


def told(comment: str | None) -> str | None:
    """Return a comment for its reader: a person's word for word."""
    return comment and str(_by_rule().get(comment, comment))


class Who(TypedDict, total=False):
    """Who did it, for whom, to whom, with which words; all by key, none is a must."""

    by: int | None
    behalf: int | None
    target: int | None
    comment: str | None


def note(
    session: Session,
    request: ApprovalRequest,
    decision: Decision,
    *,
    step: int,
    now: dt.datetime,
    **who: Unpack[Who],
) -> ApprovalEvent:
    """Add the event of a verb and return it."""
    event = ApprovalEvent(
        request_id=request.id,
        step=step,
        decision=decision,
        actor_id=who.get("by"),
        on_behalf_of_id=who.get("behalf"),
        target_id=who.get("target"),
        comment=who.get("comment"),
        at=now,
    )
    session.add(event)
    return event
