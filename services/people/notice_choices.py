"""A person's own choice of how he is told."""

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.delivery.notice_choice import MailPace, NoticeChoice
from services.core.errors import Invalid
from services.rights import gate
from services.rights.call import Call

GROUPS = {
    "tasks": _("待审批、转交、催办、超时"),
    "results": _("审批结果、退回、撤回、评论"),
    "others": _("其他：跟进、回款、分配、批量任务等"),
}


def mine(call: Call) -> NoticeChoice:
    """Return the actor's choice, the default one where he made none."""
    query = sa.select(NoticeChoice).where(NoticeChoice.user_id == call.by.id)
    paces = dict.fromkeys(GROUPS, MailPace.at_once)
    return call.session.scalar(query) or NoticeChoice(user_id=call.by.id, **paces)


def choose(call: Call, form: Mapping[str, str]) -> None:
    """Keep what a form says. Raises Invalid by input."""
    row = mine(call)
    errors: dict[str, object] = {}
    times: dict[str, int | None] = {}
    for key in ("quiet_from", "quiet_to"):
        try:
            times[key] = _minute(form.get(key, "").strip())
        except ValueError:
            errors[key] = _("请输入时间，例如 22:00")
    if not errors and (times["quiet_from"] is None) is not (times["quiet_to"] is None):
        errors["quiet_to"] = _("请填写开始和结束时间，或都留空")
    if any(form.get(key) not in MailPace.__members__ for key in GROUPS):
        errors["tasks"] = _("链接已失效，请从菜单重新进入")
    if errors:
        raise Invalid(errors)
    with gate.rule(call.session, "profile"):
        for key in GROUPS:
            setattr(row, key, MailPace[form[key]])
        row.quiet_from, row.quiet_to = times["quiet_from"], times["quiet_to"]
        call.session.add(row)
        call.session.flush()


def _minute(text: str) -> int | None:
    """Return the minute of the day a clock shows, None for none. Raises ValueError."""
    if not text:
        return None
    time = dt.time.fromisoformat(text)
    return time.hour * 60 + time.minute
