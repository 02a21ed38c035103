"""A flow in one line, as people say it: 金额 ≥ 50 万 → 主管 → 财务."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import conditions
from services.approval.snapshot import REVIEWED
from services.contract import yuan
from services.fields import Input

WAN = 1_000_000  # 分 in 万元


def preview(session: Session, flow: m.ApprovalFlow) -> str:
    """Return the steps of a flow with their conditions, in the reader's language."""
    people = {p for step in flow.steps for p in step.people}
    names: dict[int, str] = (
        dict(session.execute(sa.select(m.User.id, m.User.name).where(m.User.id.in_(people))).all())
        if people
        else {}
    )
    model = REVIEWED.get(flow.noun)
    return " → ".join([_("提交"), *(_step(model, step, names) for step in flow.steps)])


def _step(model: type[Any] | None, step: m.ApprovalStep, names: dict[int, str]) -> str:
    who = _who(step, names)
    if step.mode is not m.StepMode.any:
        who = f"{who}（{step.mode}）"
    if model is None or not step.condition:
        return who
    return f"[{conditions.describe(conditions.parse(model, step.condition), _text)}] {who}"


def _who(step: m.ApprovalStep, names: dict[int, str]) -> str:
    if step.approver_kind is m.ApproverKind.role:
        return str(step.role or step.name)
    if step.approver_kind is m.ApproverKind.person:
        return "、".join(names.get(p, f"#{p}") for p in step.people)
    if step.approver_kind is m.ApproverKind.superior:
        return _("提交人第 %(n)s 级上级", n=step.level)
    return str(step.approver_kind)


def _text(one: Input, value: Any) -> str:
    if one.kind == "money":
        return f"{value / WAN:g} {_('万')}" if abs(value) >= WAN else f"{yuan(value)} {_('元')}"
    return str(value)
