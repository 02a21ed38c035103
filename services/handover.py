"""移交: everything open of somebody who leaves, in one step (law 14 of product.md)."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate, open_work, ownership, shares
from services.actor import Actor, demand
from services.errors import Forbidden, Invalid, Locked, NotVisible, Stale
from services.handover_tasks import give_back, give_on
from services.notices import tell
from services.shares import KINDS, Allotment, Shares

UNDO_DAYS = 30
PART = 500  # keys a statement


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """How much open work somebody has, or moved."""

    customers: int
    opportunities: int
    instalments: int
    plans: int
    tasks: int


def load_of(session: Session, user_id: int, *, by: Actor) -> Load:
    """Return what a hand-over would move. Raises Forbidden."""
    _allowed(session, user_id, by)
    work = shares.work_of(session, user_id)
    return Load(**{kind: len(items) for kind, items in work.items()})


def preview(
    session: Session, leaver_id: int, how: Shares, *, by: Actor
) -> dict[int, dict[str, int]]:
    """Return receiver → kind → how many a hand-over would give. Raises Forbidden, Invalid."""
    _allowed(session, leaver_id, by)
    _check(session, leaver_id, how)
    return shares.counts(shares.allot(session, leaver_id, how))


def hand_over(  # noqa: PLR0913 # from whom, to whom, why, and what was seen
    session: Session,
    leaver_id: int,
    to: int | Shares,
    *,
    note: str | None,
    by: Actor,
    now: dt.datetime,
    seen: dict[int, dict[str, int]] | None = None,
) -> Load:
    """Move customers, open opportunities, open plan lines, follow-up plans and open tasks.

    Stages, links and history stay. `seen` is the preview: other counts by now are refused.
    Raises Forbidden, Invalid on `leaver_id` or on who receives, Stale.
    """
    _allowed(session, leaver_id, by)
    how = shares.one(to) if isinstance(to, int) else to
    _check(session, leaver_id, how)
    given = shares.allot(session, leaver_id, how)
    if seen is not None and seen != shares.counts(given):
        raise Stale(_("工作量在预览后有变化，请重新预览"))
    moved = _move(session, leaver_id, given, _Why(by, now, note))
    with gate.rule(session, "ownership"):
        session.add(
            m.Handover(leaver_id=leaver_id, at=now, by_id=by.id, note=_short(note), moved=moved)
        )
    _tell(session, leaver_id, set(shares.counts(given)), f"{now:%Y%m%d%H%M%S}", now)
    return Load(**{kind: len(pairs) for kind, pairs in moved.items()})


def hand_chosen(  # noqa: PLR0913 # whose, to whom, why, in which job
    session: Session,
    giver_id: int,
    to: Mapping[int, int],
    *,
    batch_id: int,
    note: str | None,
    by: Actor,
    now: dt.datetime,
) -> None:
    """Move chosen customers (key → receiver) with the giver's open work on them, within a job.

    The caller has asked whether the person may. One job and giver leave one record to undo.
    """
    moved = _move(session, giver_id, shares.along(session, giver_id, to), _Why(by, now, note))
    query = sa.select(m.Handover).where(
        m.Handover.batch_id == batch_id, m.Handover.leaver_id == giver_id
    )
    known = session.scalar(query)
    with gate.rule(session, "ownership"):
        if known is None:
            made = {"at": now, "by_id": by.id, "note": note, "batch_id": batch_id}
            session.add(m.Handover(leaver_id=giver_id, moved=moved, **made))
        else:
            known.moved = {kind: known.moved.get(kind, []) + moved[kind] for kind in KINDS}
    _tell(session, giver_id, set(to.values()), f"batch{batch_id}", now)


def undo(
    session: Session, handover_id: int | None, *, by: Actor, now: dt.datetime
) -> tuple[Load, list[str]]:
    """Give everything back that its receiver still has. Raises Forbidden, NotVisible, Locked.

    What moved on, was finished or decided meanwhile stays where it is: the names of customers and
    deals that do come second.
    """
    found = session.scalar(sa.select(m.Handover).where(m.Handover.id == handover_id))
    if found is None:
        raise NotVisible
    _allowed(session, found.leaver_id, by)
    if found.undone_at is not None or now - found.at > dt.timedelta(days=UNDO_DAYS):
        raise Locked(_("这次移交已撤销，或已超过 %(n)s 天", n=UNDO_DAYS))
    why = _Why(by, now, str(_("撤销移交")))
    back = dict.fromkeys(KINDS, 0)
    left: list[str] = []
    for kind in KINDS:
        pairs = found.moved.get(kind, [])
        if kind == "tasks":
            back[kind] = give_back(session, pairs, now)
            continue
        for receiver in sorted({to for _key, to in pairs}):
            keys = [key for key, to in pairs if to == receiver]
            given = _give(session, kind, keys, (receiver, found.leaver_id), why)
            back[kind] += len(given)
            left += _names(session, kind, set(keys) - set(given))
    with gate.rule(session, "ownership"):
        found.undone_at = now
    session.expire_all()
    return Load(**back), left


def _names(session: Session, kind: str, keys: set[int]) -> list[str]:
    """Return the names of customers and deals; what else stays is done or goes with them."""
    model: Any = {"customers": m.Customer, "opportunities": m.Opportunity}.get(kind)
    if model is None or not keys:
        return []
    return [str(one) for one in session.scalars(sa.select(model).where(model.id.in_(keys)))]


def past(session: Session, *, by: Actor, limit: int = 20) -> list[m.Handover]:
    """Return the last hand-overs of whom this person may hand over."""
    mine = [user.id for user in people(session, by=by)]
    query = sa.select(m.Handover).where(m.Handover.leaver_id.in_(mine))
    return list(session.scalars(query.order_by(m.Handover.id.desc()).limit(limit)))


def people(session: Session, *, by: Actor) -> list[m.User]:
    """Return whose work this person may hand over: everybody, or those of his departments."""
    demand(by, "customer:handover")
    query = sa.select(m.User).order_by(m.User.active.desc(), m.User.id)
    if by.scope is not m.Scope.all:
        mine = sa.or_(m.User.department_id.in_(by.departments), m.User.id.in_(by.team))
        query = query.where(mine)
    return list(session.scalars(query))


@dataclasses.dataclass(frozen=True, slots=True)
class _Why:
    by: Actor
    now: dt.datetime
    note: str | None


def _move(session: Session, leaver: int, given: Allotment, why: _Why) -> dict[str, list[Any]]:
    moved: dict[str, list[Any]] = {kind: [] for kind in KINDS}
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
    session: Session, kind: str, keys: list[int], way: tuple[int, int], why: _Why
) -> list[int]:
    """Move records that are still the giver's and still open; return the keys of those."""
    source, target = way
    if kind == "customers":
        return ownership.hand_customers(
            session, source, target, note=why.note, by=why.by, now=why.now, keys=keys
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
    if how.way not in shares.WAYS:
        raise Invalid({"way": _("不支持的操作")})


def _tell(
    session: Session, leaver_id: int, receivers: set[int], once: str, now: dt.datetime
) -> None:
    leaver = session.scalars(sa.select(m.User).where(m.User.id == leaver_id)).one()
    for receiver in sorted(receivers):
        tell(
            session,
            user_id=receiver,
            kind=m.NoticeKind.handover,
            title=leaver.name,
            url="/admin/customer/",
            dedupe_key=f"handover:{leaver_id}:{receiver}:{once}",
            now=now,
        )


def _short(note: str | None) -> str | None:
    return (note or "").strip()[:300] or None


def _allowed(session: Session, leaver_id: int, by: Actor) -> None:
    if leaver_id not in {user.id for user in people(session, by=by)}:
        raise Forbidden(_("只能移交自己部门人员的工作"), field="leaver_id")
