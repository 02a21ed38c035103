"""One request as people see it: content or diff, steps, warnings, rounds."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from models.people.role import Role
from models.people.user import User, user_role
from services.approval.flow.approvers import RIGHT
from services.approval.flow.barred import barred
from services.approval.flow.fills import FIELD, fillable, filled
from services.approval.flow.naming import flow_name, kind_of
from services.approval.inbox import inbox
from services.approval.inbox.timeline import rounds
from services.approval.inbox.unmasking import plainly
from services.approval.inbox.way import way_of
from services.approval.inbox.worded import worded
from services.approval.request import files
from services.customers import duplicates, history
from services.records.snapshot import REVIEWED, blank, differences, revive, shown, shown_lines
from services.rights.actor import Actor, may
from views.form.forms import Widget, build, texts_given
from views.web.traces import saw_request


def caption_of(key: str) -> str:
    """Return the caption of a type chip: `noun` or `noun:action`."""
    noun, _colon, action = key.partition(":")
    return flow_name(noun, FlowAction[action or "create"])


def level_of(request: ApprovalRequest) -> str:
    """Return the customer's level in short, or how it changes."""
    if request.noun != "customer":
        return ""
    new = request.payload.get("values", {}).get("level")
    old = request.payload.get("old", {}).get("level")
    return "→".join(Level[x].short for x in (old, new) if x)


def left_text(row: inbox.QueueRow) -> tuple[str, str]:
    """Return the time left in words and the style of its tag."""
    if row.left is None:
        return "", ""
    size, day = abs(row.left), row.day
    n = max(round(size / day if size >= day else size), 0)
    tone = "bad" if row.late else "warn" if size < day / 2 else ""
    if not n:
        return (_("超时不到 1 小时") if row.late else _("剩余不到 1 小时")), tone
    time = (
        ngettext("%(n)s 工作日", "%(n)s 工作日", n, n=n)
        if size >= day
        else ngettext("%(n)s 工作小时", "%(n)s 工作小时", n, n=n)
    )
    return (_("超时 %(time)s", time=time) if row.late else _("剩 %(time)s", time=time)), tone


def panel_of(session: Session, chosen: ApprovalRequest, actor: Actor) -> dict[str, Any]:
    """Return what a request shows a person; some seven statements, more with doubles."""
    known = chosen.noun in REVIEWED and "values" in chosen.payload
    changing = known and "old" in chosen.payload
    found = rounds(session, chosen.noun, chosen.record_id) if known else []
    own = next((r for r in found if r.id == chosen.id), None)
    events = own.events if own else []
    way = way_of(session, chosen)
    mine = actor.id in way.people
    masked = not plainly(session, chosen, by=actor, mine=mine)
    if not masked:
        saw_request(chosen)
    told = worded(session, chosen.payload) if known else chosen.payload
    attached, seen = files.submitted(session, chosen, mine=mine) if known else ([], False)
    return {
        "submitter": next((e.actor for e in events if e.decision is Decision.submit), ""),
        "sections": shown(told, masked=masked) if known and not changing else [],
        "lines": shown_lines(told) if known and not changing else [],
        "changes": differences(told, masked=masked) if changing else [],
        "blank": blank(chosen.payload) if known else [],
        "remarks": own.remarks if own else {},
        "rounds": found,
        "back": way.back,
        "steps": way.steps,
        "copied": way.copied,
        "picked": way.picked,
        "mine": mine,
        "filled": filled(told) if known else [],
        "fills": _fills(session, chosen, way.fills.get(actor.id or 0, {})) if known else [],
        "second": bool(way.second),
        "caption": kind_of(chosen) if known else chosen.noun,
        "doubles": [],
        "why_double": _explained(chosen) if known else "",
        "files": attached,
        "record": _link(chosen, actor) if seen else "",
        **_about(session, chosen, wanted=changing or chosen.noun != "customer"),
    }


def _fills(session: Session, chosen: ApprovalRequest, wanted: dict[str, bool]) -> list[Widget]:
    """Return the fields the reader may fill when he approves, as they stand now."""
    model = REVIEWED[chosen.noun]
    known = {key: one for key, one in fillable(model).items() if key in wanted}
    if not known or chosen.action is FlowAction.void:
        return []
    values = chosen.payload["values"]
    now = {key: revive(one, values[key]) for key, one in known.items() if key in values}
    widgets = list(
        build(session, model, texts_given(model, now), {}, only=set(known)).widgets.values()
    )
    for widget in widgets:
        facts = dataclasses.replace(widget.one.facts, required=wanted[widget.key])
        widget.one = dataclasses.replace(widget.one, facts=facts)
        widget.key = FIELD + widget.key
    return widgets


def _link(chosen: ApprovalRequest, actor: Actor) -> str:
    """Return the address of a record the reader sees, empty where he may open no such page."""
    if not may(actor, f"{chosen.noun}:read"):
        return ""
    return url_for(f"{chosen.noun}.details_view", id=chosen.record_id)


def _about(session: Session, chosen: ApprovalRequest, *, wanted: bool) -> dict[str, Any]:
    """Return the customer behind a request and its figures, where the reader may see it."""
    if not wanted:
        return {"about": None}
    customer, user = Customer, User.__table__
    row = session.execute(
        sa.select(customer, user.c.name)
        .outerjoin(user, user.c.id == customer.owner_id)
        .where(customer.id == chosen.customer_id)
    ).first()
    if row is None:
        return {"about": None}
    return {"about": row[0], "owner": row[1], "facts": history.facts(session, row[0])}


def _explained(chosen: ApprovalRequest) -> str:
    """Return the written reason for a customer that is like another, as it was submitted."""
    payload = chosen.payload
    return payload["values"].get("duplicate_note") or payload.get("duplicate_note") or ""


def doubles_of(session: Session, chosen: ApprovalRequest, actor: Actor) -> list[Any]:
    """Return the customers a submitted one may be the same as."""
    if chosen.noun != "customer" or chosen.state is not Approval.pending:
        return []
    if not chosen.payload["values"].keys() & duplicates.TYPED.keys():
        return []  # a change of something else
    values = {**chosen.payload["values"], "id": chosen.record_id}
    return duplicates.candidates(session, values, by=actor)


def people_to_ask(session: Session, chosen: ApprovalRequest, actor: Actor) -> list[Any]:
    """Return (id, name) of everybody a task of the request could go to; one statement."""
    user, role, link = User.__table__, Role.__table__, user_role
    task = ApprovalTask.__table__
    busy = sa.select(task.c.assignee_id).where(
        task.c.request_id == chosen.id, task.c.state.in_([TaskState.open, TaskState.waiting])
    )
    rows = session.execute(
        sa.select(user.c.id, user.c.name, role.c.permissions)
        .select_from(
            sa.join(user, link, link.c.user_id == user.c.id).join(role, role.c.id == link.c.role_id)
        )
        .where(user.c.active, user.c.id.not_in(busy))
        .order_by(user.c.name, user.c.id)
    )
    never = barred(chosen) | {actor.id}
    able = {key: name for key, name, granted in rows if RIGHT in granted and key not in never}
    return list(able.items())
