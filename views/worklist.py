"""今天要做 as lines of the home page: when, what, and the verb that does it."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext, pgettext

from dashboards.home import Tile
from models.core.mixins import Approval
from services.core.days import ZONE
from services.core.texts import yuan
from services.sales.agenda_item import AgendaItem
from views.approval.flow_trial import caption


def line_of(item: AgendaItem, day: dt.date) -> dict[str, Any]:
    """Return when, tone, title, detail, url and verb of a line."""
    when, tone = _when(item, day)
    url, verb = _deed(item)
    told = [_detail(item), item.owner]
    return {
        "when": when,
        "tone": tone,
        "title": _title(item),
        "detail": " · ".join(filter(None, told)),
        "url": url,
        "verb": verb,
    }


def _when(item: AgendaItem, day: dt.date) -> tuple[str, str]:
    late = (day - item.due_on).days
    if item.kind == "payment":
        return _("待确认"), "warn"
    if item.kind == "invoice":
        return _("待开票"), "warn"
    if late > 0:
        return ngettext("逾期 %(n)s 天", "逾期 %(n)s 天", late, n=late), "bad"
    if item.due_at is not None:
        return f"{item.due_at.astimezone(ZONE):%H:%M}", "warn"
    return _("今天"), "info"


def _title(item: AgendaItem) -> str:
    amount = yuan(item.amount or 0)
    if item.kind == "instalment":
        return _("第 %(n)s 期应收 %(amount)s 元", n=item.detail, amount=amount)
    if item.kind == "late":
        return ngettext(
            "%(n)s 期逾期未回款 %(amount)s 元",
            "%(n)s 期逾期未回款 %(amount)s 元",
            item.count, n=item.count, amount=amount,
        )  # fmt: skip
    if item.kind in {"payment", "invoice"}:
        return _("%(code)s · %(amount)s 元", code=item.detail, amount=amount)
    return item.title


def _detail(item: AgendaItem) -> str:
    return item.detail if item.kind in {"plan", "visit", "milestone"} else item.title


def _deed(item: AgendaItem) -> tuple[str, str]:
    """Return where a line leads and the verb that waits there."""
    match item.kind:
        case "plan":
            return url_for("followup.create_view", customer_id=item.customer_id), _("写跟进")
        case "visit" if item.owner:  # who was not there cannot check in
            here = url_for("followup.create_view", customer_id=item.customer_id, kind="visit")
            return here, _("写拜访")
        case "visit":
            return url_for("plan.calendar_view", _anchor=f"plan-{item.record_id}"), pgettext(
                "button", "签到"
            )
        case "milestone":
            return url_for("milestone.edit_view", id=item.record_id), _("勾选节点")
        case "payment":
            return url_for("payment.details_view", id=item.record_id), _("确认")
        case "invoice":
            return url_for("invoice.edit_view", id=item.record_id), _("开票")
        case "late":
            place = url_for("customer.whole_view", id=item.customer_id, tab="contracts")
            return place, _("查看回款")
    return url_for("payment.create_view", contract_id=item.record_id), _("登记回款")


def unfinished_line(model: type[Any], record: Any) -> dict[str, Any]:
    """Return the line of an entry that was sent back or never sent."""
    sent_back = record.approval is Approval.rejected
    return {
        "when": str(record.standing),
        "tone": "bad" if sent_back else "info",
        "title": str(record),
        "detail": str(model.__caption__),
        "url": url_for(f"{model.__noun__}.edit_view", id=record.id),
        "verb": _("修改后重提") if sent_back else _("继续填写"),
    }


def late_line(tile: Tile, url: str) -> dict[str, Any]:
    """Return the line of everybody's late money, in the words and number of its tile."""
    return {
        "when": _("逾期"),
        "tone": "bad",
        "title": f"{tile.label} {tile.value} {tile.unit}",
        "detail": tile.note,
        "url": url,
        "verb": _("查看明细"),
    }


def attention_lines(stuck: dict[str, int], steps: list[Any]) -> list[dict[str, Any]]:
    """Return what waits for an administrator: each number opens its rows."""
    outbox, user, idle = "outbox.index_view", "user.index_view", {"f.active": "in:1"}
    jobs, mails = ({"f.state": "in:parked", "f.channel": f"in:{way}"} for way in ("job", "mail"))
    told = {
        "worker": (_("后台服务没有运行"), outbox, {"f.state": "in:waiting"}),
        "jobs": (_("后台任务失败"), outbox, jobs),
        "mails": (_("邮件发送失败"), outbox, mails),
        "unsent": (_("邮件未配置，没有发出"), outbox, {"f.state": "in:unconfigured"}),
        "calendar": (_("工作日历即将到期"), "calendarday.index_view", {"sort": "-day"}),
        "homeless": (_("人员没有部门"), user, {"f.department_id": "empty"} | idle),
        "idle": (_("人员没有角色，什么也做不了"), user, idle),
    }
    hints = {
        "worker": _("邮件、提醒和后台任务都停着，请启动 worker"),
        "calendar": _("60 天内到期：请补录或导入下一年的节假日和调休，审批时限才算得准"),
    }
    found = [
        _attention(
            title, hints.get(key) or _("%(n)s 项", n=n), f"{url_for(view)}?{urlencode(asked)}"
        )
        for key, n in stuck.items()
        for title, view, asked in [told[key]]
    ]
    return found + [
        _attention(
            _("审批步骤没有可用的审批人"),
            _(
                "%(flow)s，第 %(n)s 步",
                flow=caption(step.flow.noun, step.flow.action),
                n=step.ordinal,
            ),
            url_for("flow.details_view", id=step.flow_id),
        )
        for step in steps
    ]


def _attention(title: str, detail: str, url: str) -> dict[str, Any]:
    said = {"when": _("待修复"), "tone": "bad", "title": title, "detail": detail}
    return said | {"url": url, "verb": _("查看")}
