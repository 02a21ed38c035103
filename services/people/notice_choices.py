"""A person's own choice of how he is told."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.delivery.notice_choice import MailPace, NoticeChoice
from services.core.errors import Invalid
from services.delivery import robots
from services.rights import gate
from services.rights.call import Call

LONGEST_URL, LONGEST_SECRET = 300, 100
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


def choose(call: Call, form: Mapping[str, str], hosts: Collection[str] = ()) -> None:
    """Keep what a form says; `hosts`: whose robots beside the known ones. Raises Invalid."""
    row, times = mine(call), _times(form)
    url, secret = (form.get(key, "").strip() for key in ("robot_url", "robot_secret"))
    errors = {key: text for key, text in times.items() if not isinstance(text, int | None)}
    if any(form.get(key) not in MailPace.__members__ for key in GROUPS):
        errors["tasks"] = _("链接已失效，请从菜单重新进入")
    wanted = any(form.get(key) == MailPace.robot.name for key in GROUPS)
    if problem := _wrong_robot(url, secret, hosts, wanted=wanted):
        errors["robot_url"] = problem
    if errors:
        raise Invalid(errors)
    with gate.rule(call.session, "profile"):
        for key in GROUPS:
            setattr(row, key, MailPace[form[key]])
        for key, minute in times.items():
            setattr(row, key, minute)
        row.robot_url, row.robot_secret = url or None, secret or None
        call.session.add(row)
        call.session.flush()


def _times(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the quiet hours in minutes of a day, or by input what is wrong with them."""
    times: dict[str, Any] = {}
    for key in ("quiet_from", "quiet_to"):
        try:
            times[key] = _minute(form.get(key, "").strip())
        except ValueError:
            times[key] = _("请输入时间，例如 22:00")
    if (times["quiet_from"] is None) is not (times["quiet_to"] is None):
        times["quiet_to"] = _("请填写开始和结束时间，或都留空")
    return times


def _wrong_robot(url: str, secret: str, hosts: Collection[str], *, wanted: bool) -> object:
    """Return what is wrong with a robot, nothing where it is right or not wanted."""
    if len(url) > LONGEST_URL or len(secret) > LONGEST_SECRET:
        return _("地址或密钥过长")
    if not url:
        return _("请填写机器人的地址") if wanted else ""
    try:
        robots.robot(url, secret, hosts)
    except ValueError as problem:
        return problem.args[0]
    return ""


def _minute(text: str) -> int | None:
    """Return the minute of the day a clock shows, None for none. Raises ValueError."""
    if not text:
        return None
    time = dt.time.fromisoformat(text)
    return time.hour * 60 + time.minute
