"""A contract that ends: its owner is told some days before, and what its renewal begins with."""

import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import orm
from sqlalchemy.orm import Session, selectinload

from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract, ContractState
from models.delivery.notification import NoticeKind
from services.core.days import today
from services.core.errors import Forbidden, Locked, NotVisible
from services.core.settings import get_setting
from services.deals.lifecycle.origin import PARTS
from services.deals.lifecycle.terms import months_after
from services.delivery.notices import Notice, key_of, tell_many, untold
from services.records.records import Said, Values, given
from services.rights import gate
from services.rights.actor import may
from services.rights.call import Call

DISTANCES = ("contract.renew_days", "contract.renew_again_days")
NAMED = 3  # of the renewals there are already
MOST = 5000  # at once; what is told is left out, so that the next run goes on
CARRIED = ("customer_id", "type", "amount", "pay_term_id", "terms", "customer_signer", "owner_id")


def offered(call: Call, contract: Contract) -> bool:
    """Tell whether this person may make the renewal of a contract as it stands."""
    sound = contract.state in IN_FORCE and contract.approval is Approval.approved
    return sound and may(call.by, "contract:create") and gate.may_write(call.by, "edit", contract)


def begun(call: Call, key: int) -> Values:
    """Return what the form of a renewal starts with: the same goods, the next term.

    It starts the day after the other ends and lasts as long; the plan follows the payment terms.
    Raises NotVisible, Forbidden where the contract is somebody else's, Locked where it is not in
    force.
    """
    old = call.session.scalar(sa.select(Contract).where(Contract.id == key))
    if old is None:
        raise NotVisible
    if not gate.may_write(call.by, "edit", old):
        raise Forbidden(_("只能续签自己负责或录入的合同"))
    if not offered(call, old):
        raise Locked(_("合同「%(name)s」不在履行中，不能续签", name=str(old)))
    day = today(call.now)
    start, end = day, None
    if old.end_on is not None:
        start = old.end_on + dt.timedelta(days=1)
        if old.start_on is not None:
            end = _as_long(old.start_on, start)
    return {part: getattr(old, part) for part in CARRIED} | {
        "name": gettext("%(name)s（续签）", name=old.name or ""),
        "renews_id": old.id,
        "lines": [{part: getattr(line, part) for part in PARTS} for line in old.lines],
        "signed_on": day,
        "start_on": start,
        "end_on": end,
        "signer_id": old.owner_id,
    }


def _as_long(before: dt.date, start: dt.date) -> dt.date:
    """Return the last day of a term from `start` that lasts as long as from `before` until then.

    One of whole months lasts as many: a year stays a year when it has a day more.
    """
    months = (start.year - before.year) * 12 + start.month - before.month
    if months > 0 and months_after(before, months) == start:
        return months_after(start, months) - dt.timedelta(days=1)
    return start + (start - before) - dt.timedelta(days=1)


def again(call: Call, record: Any, values: Values) -> list[Said]:
    """Say that the contract to be renewed has a renewal already, drafts included."""
    key = values.get("renews_id")
    if key is None:
        return []
    query = sa.select(Contract).where(
        Contract.renews_id == key,
        Contract.id != (record.id or 0),
        Contract.state != ContractState.void,
    )
    others = call.session.scalars(query.order_by(Contract.id).limit(NAMED)).all()
    names = "、".join(f"{one}（{one.approval}）" for one in others)
    told = _("这份合同已有续签合同：%(names)s", names=names)
    return [Said("renews_id", "RENEWED", told, names)] if others else []


def against(call: Call, record: Any, values: Values) -> dict[str, Any]:
    """Return the complaint that a contract cannot renew the one it names, if so.

    It renews one of the same customer that was in force, and none that renews it in turn.
    """
    key = given(record, values, "renews_id")
    if key is None or not values.keys() & {"renews_id", "customer_id"}:
        return {}
    old = call.session.get(Contract, key)
    if old is None or old.customer_id != given(record, values, "customer_id"):
        return {"renews_id": _("只能续签同一客户的合同")}
    if old.state not in IN_FORCE and key != record.renews_id:
        return {"renews_id": _("合同「%(name)s」不在履行中，不能续签", name=str(old))}
    if record.id is not None and record.id in _line_of(call.session, key):
        return {"renews_id": _("合同不能续签自己或自己的续签合同")}
    return {}


def _line_of(session: Session, key: int) -> set[int]:
    """Return a contract and all that it renews, one after the other, whoever sees them."""
    row = Contract.__table__
    line = sa.select(row.c.id, row.c.renews_id).where(row.c.id == key).cte("line", recursive=True)
    line = line.union(sa.select(row.c.id, row.c.renews_id).where(row.c.id == line.c.renews_id))
    return set(session.scalars(sa.select(line.c.id)))


def _unrenewed() -> sa.ColumnElement[bool]:
    """Select contracts whose renewal nobody has submitted yet."""
    other = orm.aliased(Contract)
    asked = other.approval.in_((Approval.pending, Approval.approved))
    mine = sa.and_(other.renews_id == Contract.id, asked, other.state != ContractState.void)
    return ~sa.exists(sa.select(1).where(mine, other.deleted_at.is_(None)))


def remind(session: Session, *, now: dt.datetime) -> int:
    """Tell owners of running contracts that end soon, unless renewed. Returns how many were told.

    Each is told once per end date and distance; the nearest distance alone where a worker was away.
    """
    day = today(now)
    ahead = sorted({get_setting(session, key) for key in DISTANCES} - {0})
    if not ahead:
        return 0
    ends = Contract.end_on
    near = sa.case(*((ends <= day + dt.timedelta(days=days), days) for days in ahead))
    key = key_of("renew", Contract.id, ends, near)
    query = (
        sa.select(Contract, key)
        .where(
            Contract.state == ContractState.active,
            Contract.approval == Approval.approved,
            Contract.deleted_at.is_(None),
            Contract.owner_id.is_not(None),
            ends.between(day, day + dt.timedelta(days=ahead[-1])),
            untold(Contract.owner_id, key),
            _unrenewed(),
        )
        .options(selectinload(Contract.customer))
        .order_by(ends, Contract.id)
        .limit(MOST)
    )
    found = [_notice(one, told_by) for one, told_by in session.execute(query)]
    return tell_many(session, found, now=now)


def _notice(contract: Contract, key: str) -> Notice:
    return Notice(
        contract.owner_id or 0,
        NoticeKind.renewal,
        f"{contract.customer} · {contract} · {contract.end_on}",
        f"/admin/contract/details/?id={contract.id}",
        key,
    )
