"""One request as people see it: content or diff, steps, warnings, rounds."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

import models as m
from services import approval, duplicates
from services.actor import Actor
from services.approval import inbox
from services.approval.approvers import RIGHT
from services.approval.snapshot import REVIEWED, differences, shown, shown_lines
from services.contract import yuan

CAPTIONS = {noun: model.__caption__ for noun, model in REVIEWED.items()}
WAN = 1_000_000  # 分 in 万元


def caption_of(key: str) -> str:
    """Return the caption of a type chip: `noun` or `noun:action`."""
    noun, _colon, action = key.partition(":")
    name = str(CAPTIONS.get(noun, noun))
    if not action:
        return _("新%(what)s", what=name)
    return f"{name}{m.FlowAction[action]}"


def kind_of(request: m.ApprovalRequest) -> str:
    """Return what a request is, in a few words: 新客户, 变更 3 处, 新商机 86.00 万."""
    name = str(CAPTIONS.get(request.noun, request.noun))
    if request.action is m.FlowAction.change:
        return _("%(what)s变更 %(n)s 处", what=name, n=len(request.payload["values"]))
    if request.action is m.FlowAction.void:
        return _("%(what)s作废", what=name)
    amount = request.payload.get("values", {}).get("amount")
    if amount is None:
        return _("新%(what)s", what=name)
    money = f"{amount / WAN:.2f} {_('万')}" if amount >= WAN else f"{yuan(amount)} {_('元')}"
    return f"{_('新%(what)s', what=name)} {money}"


def level_of(request: m.ApprovalRequest) -> str:
    """Return the customer's level as a letter, or how it changes."""
    new = request.payload.get("values", {}).get("level")
    old = request.payload.get("old", {}).get("level")
    return "→".join(x.upper() for x in (old, new) if x)


def left_text(hours: float | None) -> tuple[str, str]:
    """Return the time left in words and the style of its tag."""
    if hours is None:
        return "", ""
    size, day = abs(hours), 8
    n = max(round(size / day if size >= day else size), 0)
    unit = (
        _("%(n)s 工作日", n=n) if size >= day else _("%(n)s 小时", n=n) if n else _("不到 1 小时")
    )
    if hours <= 0:
        return _("超时 %(time)s", time=unit), "bad"
    return _("剩 %(time)s", time=unit), "warn" if size < day / 2 else ""


def panel_of(session: Session, chosen: m.ApprovalRequest) -> dict[str, Any]:
    """Return what a request shows; four statements, more where a duplicate is suspected."""
    known = chosen.noun in REVIEWED and "values" in chosen.payload
    changing = known and "old" in chosen.payload
    rounds = _rounds(session, chosen) if known else []
    own = next((r["events"] for r in rounds if r["id"] == chosen.id), [])
    return {
        "submitter": next((e.actor for e in own if e.decision is m.Decision.submit), ""),
        "sections": shown(chosen.payload) if known and not changing else [],
        "lines": shown_lines(chosen.payload) if known and not changing else [],
        "changes": differences(chosen.payload) if changing else [],
        "rounds": rounds,
        "waiting": approval.waiting_for(session, [chosen.id]).get(chosen.id, []),
        "steps": inbox.steps(session, chosen),
        "caption": kind_of(chosen) if known else chosen.noun,
        "doubles": [],
    }


def doubles_of(session: Session, chosen: m.ApprovalRequest, actor: Actor) -> list[Any]:
    """Return the customers a submitted one may be the same as."""
    if chosen.noun != "customer" or chosen.state is not m.Approval.pending:
        return []
    values = {**chosen.payload["values"], "id": chosen.record_id}
    return duplicates.candidates(session, values, by=actor)


def _rounds(session: Session, chosen: m.ApprovalRequest) -> list[dict[str, Any]]:
    """Return the rounds newest first, each with its events as plain rows; one statement."""
    request, event = m.ApprovalRequest, m.ApprovalEvent
    user = m.User.__table__
    behalf, target = user.alias(), user.alias()
    rows = session.execute(
        sa.select(
            request.id,
            request.round,
            request.state,
            request.action,
            event.decision,
            event.comment,
            event.at,
            user.c.name.label("actor"),
            behalf.c.name.label("on_behalf_of"),
            target.c.name.label("target"),
        )
        .outerjoin(event, event.request_id == request.id)
        .outerjoin(user, user.c.id == event.actor_id)
        .outerjoin(behalf, behalf.c.id == event.on_behalf_of_id)
        .outerjoin(target, target.c.id == event.target_id)
        .where(request.noun == chosen.noun, request.record_id == chosen.record_id)
        .order_by(request.round.desc(), event.id)
    ).all()
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        one = {"id": row.id, "round": row.round, "state": row.state, "action": row.action}
        events = found.setdefault(row.id, {**one, "events": []})["events"]
        if row.decision is not None:
            events.append(row)
    return list(found.values())


def people_to_ask(session: Session, chosen: m.ApprovalRequest, actor: Actor) -> list[Any]:
    """Return (id, name) of everybody a task of the request could go to; one statement."""
    user, role, link = m.User.__table__, m.Role.__table__, m.user_role
    rows = session.execute(
        sa.select(user.c.id, user.c.name, role.c.permissions)
        .select_from(
            sa.join(user, link, link.c.user_id == user.c.id).join(role, role.c.id == link.c.role_id)
        )
        .where(user.c.active)
        .order_by(user.c.name, user.c.id)
    )
    barred = {chosen.submitted_by_id, chosen.last_editor_id, actor.id}
    able = {key: name for key, name, granted in rows if RIGHT in granted and key not in barred}
    return list(able.items())
