"""移交: everything open of somebody who leaves, in one step (law 14 of product.md)."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.customers.customer import Customer
from models.delivery.notification import NoticeKind
from models.ownership.handover import Handover
from models.people.role import Scope
from models.people.user import User
from models.sales.opportunity import Opportunity
from services.core.errors import Forbidden, Invalid, Locked, NotVisible, Stale
from services.delivery.notices import Notice, tell
from services.handover import allotment
from services.handover.allotment import Allotment, Shares, kinds
from services.handover.handover_tasks import give_back, give_on
from services.ownership import open_work, ownership
from services.rights import gate
from services.rights.actor import Actor, demand
from services.rights.call import Call

UNDO_DAYS = 30
PART = 500  # keys a statement


Workload = dict[str, int]  # kind of allotment.kinds() → how many somebody has, or moved


def load_of(session: Session, user_id: int, *, by: Actor) -> Workload:
    """Return what a hand-over would move. Raises Forbidden."""
    _allowed(session, user_id, by)
    work = allotment.work_of(session, user_id)
    return {kind: len(items) for kind, items in work.items()}


def preview(
    session: Session, leaver_id: int, how: Shares, *, by: Actor
) -> dict[int, dict[str, int]]:
    """Return receiver → kind → how many a hand-over would give. Raises Forbidden, Invalid."""
    _allowed(session, leaver_id, by)
    _check(session, leaver_id, how)
    return allotment.counts(allotment.allot(session, leaver_id, how))


def hand_over(
    call: Call,
    leaver_id: int,
    to: int | Shares,
    *,
    note: str | None,
    seen: dict[int, dict[str, int]] | None = None,
) -> Workload:
    """Move customers, open opportunities, plan lines, plans and tasks, and whatever `moves`.

    Stages, links and history stay. `seen` is the preview: other counts by now are refused.
    Raises Forbidden, Invalid on `leaver_id` or on who receives, Stale.
    """
    _allowed(call.session, leaver_id, call.by)
    how = allotment.one(to) if isinstance(to, int) else to
    _check(call.session, leaver_id, how)
    given = allotment.allot(call.session, leaver_id, how)
    if seen is not None and seen != allotment.counts(given):
        raise Stale(_("工作量在预览后有变化，请重新预览"))
    moved = _move(call.session, leaver_id, given, _Reason(call.by, call.now, note))
    with gate.rule(call.session, "ownership"):
        call.session.add(
            Handover(
                leaver_id=leaver_id, at=call.now, by_id=call.by.id, note=_short(note), moved=moved
            )
        )
    _tell(
        call.session, leaver_id, set(allotment.counts(given)), f"{call.now:%Y%m%d%H%M%S}", call.now
    )
    return {kind: len(pairs) for kind, pairs in moved.items()}


def hand_chosen(
    call: Call, giver_id: int, to: Mapping[int, int], *, batch_id: int, note: str | None
) -> None:
    """Move chosen customers (key → receiver) with the giver's open work on them, within a job.

    The caller has asked whether the person may. One job and giver leave one record to undo.
    """
    moved = _move(
        call.session,
        giver_id,
        allotment.along(call.session, giver_id, to),
        _Reason(call.by, call.now, note),
    )
    query = sa.select(Handover).where(Handover.batch_id == batch_id, Handover.leaver_id == giver_id)
    known = call.session.scalar(query)
    with gate.rule(call.session, "ownership"):
        if known is None:
            made = {"at": call.now, "by_id": call.by.id, "note": note, "batch_id": batch_id}
            call.session.add(Handover(leaver_id=giver_id, moved=moved, **made))
        else:
            known.moved = {kind: known.moved.get(kind, []) + moved[kind] for kind in kinds()}
    _tell(call.session, giver_id, set(to.values()), f"batch{batch_id}", call.now)


def undo(call: Call, handover_id: int | None) -> tuple[Workload, list[str]]:
    """Give everything back that its receiver still has. Raises Forbidden, NotVisible, Locked.

    What moved on, was finished or decided meanwhile stays where it is: the names of customers and
    deals that do come second.
    """
    found = call.session.scalar(sa.select(Handover).where(Handover.id == handover_id))
    if found is None:
        raise NotVisible
    _allowed(call.session, found.leaver_id, call.by)
    if found.undone_at is not None or call.now - found.at > dt.timedelta(days=UNDO_DAYS):
        raise Locked(_("这次移交已撤销，或已超过 %(n)s 天", n=UNDO_DAYS))
    why = _Reason(call.by, call.now, str(_("撤销移交")))
    back = dict.fromkeys(kinds(), 0)
    left: list[str] = []
    for kind in kinds():
        pairs = found.moved.get(kind, [])
        if kind == "tasks":
            back[kind] = give_back(call.session, pairs, call.now)
            continue
        for receiver in sorted({to for _key, to in pairs}):
            keys = [key for key, to in pairs if to == receiver]
            given = _give(call.session, kind, keys, (receiver, found.leaver_id), why)
            back[kind] += len(given)
            left += _names(call.session, kind, set(keys) - set(given))
    with gate.rule(call.session, "ownership"):
        found.undone_at = call.now
    call.session.expire_all()
    return back, left


def _names(session: Session, kind: str, keys: set[int]) -> list[str]:
    """Return the names of customers and deals; what else stays is done or goes with them."""
    model: Any = {"customers": Customer, "opportunities": Opportunity}.get(kind)
    if model is None or not keys:
        return []
    return [str(one) for one in session.scalars(sa.select(model).where(model.id.in_(keys)))]


def past(session: Session, *, by: Actor, limit: int = 20) -> list[Handover]:
    """Return the last hand-overs of whom this person may hand over."""
    mine = [user.id for user in people(session, by=by)]
    query = sa.select(Handover).where(Handover.leaver_id.in_(mine))
    return list(session.scalars(query.order_by(Handover.id.desc()).limit(limit)))


def people(session: Session, *, by: Actor) -> list[User]:
    """Return whose work this person may hand over: everybody, or those of his departments."""
    demand(by, "customer:handover")
    query = sa.select(User).order_by(User.active.desc(), User.id)
    if by.scope is not Scope.all:
        mine = sa.or_(User.department_id.in_(by.departments), User.id.in_(by.team))
        query = query.where(mine)
    return list(session.scalars(query))


@dataclasses.dataclass(frozen=True, slots=True)
class _Reason:
    by: Actor
    now: dt.datetime
    note: str | None


def _move(session: Session, leaver: int, given: Allotment, why: _Reason) -> dict[str, list[Any]]:
    moved: dict[str, list[Any]] = {kind: [] for kind in kinds()}
    for kind, pairs in given.items():
        for receiver in dict.fromkeys(pairs.values()):
            keys = [key for key, to in pairs.items() if to == receiver]
            if kind == "tasks":
                moved[kind] += give_on(session, keys, receiver, why.now)
            else:
                done = _give(session, kind, keys, (leaver, receiver), why)
                moved[kind] += [[key, receiver] for key in done]
    session.expire_all()
    return moved


def _give(
    session: Session, kind: str, keys: list[int], way: tuple[int, int], why: _Reason
) -> list[int]:
    """Move records that are still the giver's and still open; return the keys of those."""
    source, target = way
    if kind == "customers":
        return ownership.hand_customers(
            Call(session, why.by, why.now), source, target, note=why.note, keys=keys
        )
    moved: list[int] = []
    for start in range(0, len(keys), PART):
        part = keys[start : start + PART]
        moved += open_work.move_work(session, kind, part, source=source, target=target)
    return moved


def _check(session: Session, leaver: int, how: Shares) -> None:
    for receiver in sorted(how.receivers):
        ownership.active_user(session, receiver)
        if receiver == leaver:
            raise Invalid({"to_id": _("接收人不能是本人")})
    if how.way not in allotment.WAYS:
        raise Invalid({"way": _("链接已失效，请从菜单重新进入")})


def _tell(
    session: Session, leaver_id: int, receivers: set[int], once: str, now: dt.datetime
) -> None:
    leaver = session.scalars(sa.select(User).where(User.id == leaver_id)).one()
    for receiver in sorted(receivers):
        tell(
            session,
            Notice(
                user_id=receiver,
                kind=NoticeKind.handover,
                title=leaver.name,
                url="/admin/customer/",
                dedupe_key=f"handover:{leaver_id}:{receiver}:{once}",
            ),
            now=now,
        )


def _short(note: str | None) -> str | None:
    return (note or "").strip()[:300] or None


def _allowed(session: Session, leaver_id: int, by: Actor) -> None:
    if leaver_id not in {user.id for user in people(session, by=by)}:
        raise Forbidden(_("只能移交自己部门人员的工作"), field="leaver_id")
