"""Whose customer it is: 公海, claims with limits, assignment, automatic return.

Stages, links and history stay as they are; stamps of who did what are never rewritten.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerStatus, Level
from models.deals.contract import Contract, ContractState
from models.delivery.notification import NoticeKind
from models.ownership.ownership import MoveKind, OwnershipMove
from models.people.user import User
from models.sales.follow_up import FollowUp, Origin
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.stage import StageKind
from services.core.days import day_bounds, today
from services.core.errors import Forbidden, Invalid, Locked, Stale
from services.core.settings import all_settings
from services.delivery.notices import Notice, tell
from services.ownership.open_work import RULE, move_open_work, note_change
from services.rights import gate
from services.rights.actor import Actor, demand, may
from services.rights.call import Call

PART = 500  # keys a statement
KEPT = (CustomerStatus.won, CustomerStatus.invalid)  # never returned by the clock


@dataclasses.dataclass(frozen=True, slots=True)
class Idle:
    """A customer nobody followed up; `returns_on` is the day it goes back to the pool."""

    customer_id: int
    owner_id: int
    title: str
    returns_on: dt.date


def claim(call: Call, customer: Customer) -> None:
    """Take a customer out of the pool. Raises Forbidden or Locked with what stands against it.

    One compare-and-set statement: of two who claim at once one wins.
    """
    demand(call.by, "customer:claim")
    if customer.owner_id is not None or customer.approval is not Approval.approved:
        raise Locked(_("客户不在公海，或已被他人领取"))
    settings = all_settings(call.session)
    move = OwnershipMove.__table__
    rest = call.now - dt.timedelta(days=settings["pool.cooldown_days"])
    gave = sa.select(move.c.id).where(
        move.c.customer_id == customer.id, move.c.from_id == call.by.id, move.c.at > rest
    )
    if call.session.execute(gave.limit(1)).first() is not None:
        days = settings["pool.cooldown_days"]
        raise Locked(_("您退回的客户 %(n)s 天内不能再领取", n=days), code="COOLDOWN")
    start, end = day_bounds(today(call.now))
    claims = sa.select(sa.func.count(move.c.id)).where(
        move.c.to_id == call.by.id,
        move.c.kind == MoveKind.claim,
        move.c.at >= start,
        move.c.at < end,
    )
    claimed = call.session.execute(claims).scalar_one()
    if claimed >= settings["pool.claims_a_day"]:
        raise Locked(_("今天已领取 %(n)s 家，请明天再试", n=claimed), code="LIMIT")
    table = Customer.__table__
    owned = sa.select(sa.func.count(table.c.id)).where(
        table.c.owner_id == call.by.id, table.c.deleted_at.is_(None)
    )
    if call.session.execute(owned).scalar_one() >= settings["pool.max_owned"]:
        raise Locked(_("您的客户数已达上限，请先退回不再跟进的客户"), code="LIMIT")
    moved = _move(
        call.session, [customer.id], None, call.by.id, MoveKind.claim, _Why(call.by, call.now)
    )
    if not moved:
        raise Locked(_("客户不在公海，或已被他人领取"))


def release(call: Call, customer: Customer, *, note: str | None) -> None:
    """Give a customer back to the pool. Raises Forbidden, Locked while a deal is open."""
    mine = customer.owner_id == call.by.id and may(call.by, "customer:claim")
    if customer.owner_id is None or not (mine or may(call.by, "customer:assign")):
        raise Forbidden
    if customer.approval is not Approval.approved:
        raise Locked(_("客户尚未通过审批"))
    change(call, customer, None, note=note)


HELD = _("还有进行中商机，不能退回公海")


def has_open_deal(session: Session, customer: Customer) -> bool:
    """Tell whether a deal that is open keeps a customer out of the pool."""
    deal = Opportunity.__table__
    running = sa.select(deal.c.id).where(
        deal.c.customer_id == customer.id,
        deal.c.state == StageKind.open,
        deal.c.deleted_at.is_(None),
    )
    return session.execute(running.limit(1)).first() is not None


def assign(call: Call, customer: Customer, to_id: int | None, *, note: str | None) -> None:
    """Give a customer with its open work to somebody. Raises Forbidden, Invalid, Locked."""
    demand(call.by, "customer:assign")
    target = active_user(call.session, to_id)
    if customer.owner_id == target:
        raise Invalid({"to_id": _("已经是这位销售员的客户")})
    if customer.approval is Approval.pending:
        raise Locked(_("审批中的记录不能修改，请先撤回"))
    change(call, customer, target, note=note)


def change(call: Call, customer: Customer, to_id: int | None, *, note: str | None) -> None:
    """Change the owner of a stored customer, None: to the pool; with open work, move and notice.

    Every door ends here (assign, release, form, inline and bulk edit, merge) and has asked for
    the right itself: the write gate refuses an owner that is written any other way. Raises Locked
    while an open deal keeps it out of the pool, Stale when somebody else was quicker.
    """
    before, why = customer.owner_id, _Why(call.by, call.now, note)
    if to_id is None and has_open_deal(call.session, customer):
        raise Locked(HELD)
    kind = MoveKind.release if to_id is None else MoveKind.assign
    if not _move(call.session, [customer.id], before, to_id, kind, why):
        raise Stale
    if to_id is None:
        return
    if before is not None:
        move_open_work(call.session, before, to_id, customer_id=customer.id)
    if to_id != call.by.id:
        tell(
            call.session,
            Notice(
                user_id=to_id,
                kind=NoticeKind.assigned,
                title=str(customer),
                url=f"/admin/customer/360/?id={customer.id}",
                dedupe_key=f"assigned:{customer.id}:{call.now:%Y%m%d%H%M%S}",
            ),
            now=call.now,
        )


def active_user(session: Session, user_id: int | None) -> int:
    """Return the key of a person who can be given something. Raises Invalid on `to_id`."""
    user = User.__table__
    query = sa.select(*user.c["id", "name", "active"]).where(user.c.id == user_id)
    found = session.execute(query).first()
    if found is None:
        raise Invalid({"to_id": _("请选择一位在职人员")})
    if not found.active:
        raise Invalid({"to_id": _("%(who)s 已停用，请选择一位在职人员", who=found.name)})
    return int(found.id)


@dataclasses.dataclass(frozen=True, slots=True)
class _Why:
    by: Actor
    now: dt.datetime
    note: str | None = None


def _move(  # what, from whom, to whom, why
    session: Session,
    keys: Iterable[int],
    source: int | None,
    target: int | None,
    kind: MoveKind,
    why: _Why,
) -> list[int]:
    """Move customers that are still the source's; return the keys of those that were."""
    table = Customer.__table__
    owner = table.c.owner_id.is_(None) if source is None else table.c.owner_id == source
    moved: list[int] = []
    every = list(keys)
    for start in range(0, len(every), PART):
        statement = (
            sa.update(table)
            .where(table.c.id.in_(every[start : start + PART]), owner)
            .values(owner_id=target, row_version=table.c.row_version + 1, updated_at=why.now)
            .returning(table.c.id)
        )
        moved += session.execute(statement, execution_options=RULE).scalars()
    with gate.rule(session, "ownership"):
        session.add_all(
            OwnershipMove(
                customer_id=key,
                kind=kind,
                from_id=source,
                to_id=target,
                at=why.now,
                by_id=why.by.id,
                note=(why.note or "").strip()[:300] or None,
            )
            for key in moved
        )
    note_change(session, "customer", moved, source, target)
    if source is None:
        _hand_plans(session, moved, target, sa.true())
    elif target is None:
        _hand_plans(session, moved, None, FollowUpPlan.__table__.c.owner_id == source)
    session.expire_all()
    return moved


def _hand_plans(session: Session, customers: list[int], target: int | None, of: Any) -> None:
    """What was planned with a customer goes to the pool with it, and to whoever takes it there."""
    plan = FollowUpPlan.__table__
    for start in range(0, len(customers), PART):
        part = customers[start : start + PART]
        session.execute(
            sa.update(plan)
            .where(plan.c.customer_id.in_(part), plan.c.done_at.is_(None), of)
            .values(owner_id=target, row_version=plan.c.row_version + 1),
            execution_options=RULE,
        )


def idle(session: Session, *, now: dt.datetime, ahead: int = 0) -> list[Idle]:
    """Return the customers that go back to the pool today, or within `ahead` days.

    Counted from the last follow-up by a person, the last change of owner or the approval; a
    customer with an open deal or a contract in force stays, whatever its level's days are.
    """
    settings, found = all_settings(session), []
    for level in Level:
        days = settings[f"pool.days_{level.name}"]
        if days:
            found += _idle_of(session, level, days, now, ahead)
    return found


def _idle_of(session: Session, level: Level, days: int, now: dt.datetime, ahead: int) -> list[Idle]:
    customer = Customer.__table__
    born = sa.func.coalesce(customer.c.decided_at, customer.c.created_at)
    met, moved = _last_touches(customer)
    cut = now - dt.timedelta(days=days - ahead)
    rows = session.execute(
        sa.select(*customer.c["id", "owner_id", "company"], met, moved, born.label("born")).where(
            customer.c.level == level,
            customer.c.approval == Approval.approved,
            customer.c.owner_id.is_not(None),
            customer.c.deleted_at.is_(None),
            customer.c.status.not_in(KEPT),
            born <= cut,
            *(sa.or_(at.element.is_(None), at.element <= cut) for at in (met, moved)),
            *_nothing_runs(customer),
        )
    )
    found = []
    for row in rows:
        touched = max(at for at in (row.met, row.moved, row.born) if at is not None)
        day = today(touched + dt.timedelta(days=days))
        found.append(Idle(row.id, row.owner_id, row.company or "", max(day, today(now))))
    return found


def _last_touches(customer: Any) -> tuple[Any, Any]:
    """Return when a person last followed up, and when the owner last changed, as columns."""
    follow, move = FollowUp.__table__, OwnershipMove.__table__
    met = sa.select(sa.func.max(follow.c.at)).where(
        follow.c.customer_id == customer.c.id,
        follow.c.origin == Origin.manual,
        follow.c.deleted_at.is_(None),
    )
    moved = sa.select(sa.func.max(move.c.at)).where(move.c.customer_id == customer.c.id)
    return (
        met.correlate(customer).scalar_subquery().label("met"),
        moved.correlate(customer).scalar_subquery().label("moved"),
    )


def _nothing_runs(customer: Any) -> list[Any]:
    deal, contract = Opportunity.__table__, Contract.__table__
    return [
        ~sa.exists().where(
            table.c.customer_id == customer.c.id,
            table.c.state == state,
            table.c.deleted_at.is_(None),
        )
        for table, state in ((deal, StageKind.open), (contract, ContractState.active))
    ]


def warnings(session: Session, *, now: dt.datetime) -> list[Idle]:
    """Return the customers whose owners must be told that they go back within `pool.warn_days`."""
    due = {one.customer_id for one in idle(session, now=now)}
    soon = idle(session, now=now, ahead=all_settings(session)["pool.warn_days"])
    return [one for one in soon if one.customer_id not in due]


def return_idle(call: Call) -> list[Idle]:
    """Put what is due back into the pool; for the worker, which acts as the system."""
    if not call.by.system:
        raise Forbidden
    due = idle(call.session, now=call.now)
    for owner in sorted({one.owner_id for one in due}):
        keys = [one.customer_id for one in due if one.owner_id == owner]
        _move(call.session, keys, owner, None, MoveKind.expire, _Why(call.by, call.now))
    return due


def hand_customers(
    call: Call, leaver: int, target: int, *, keys: list[int], note: str | None
) -> list[int]:
    """Move customers that are still the leaver's, drafts and those in review too."""
    return _move(
        call.session, keys, leaver, target, MoveKind.handover, _Why(call.by, call.now, note)
    )
