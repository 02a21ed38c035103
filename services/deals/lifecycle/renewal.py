"""Reminders that a contract ends: some days before, once for each of two distances."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState
from models.delivery.notification import NoticeKind
from services.core.days import today
from services.core.settings import get_setting
from services.delivery.notices import Notice, key_of, tell_many, untold

DISTANCES = ("contract.renew_days", "contract.renew_again_days")
MOST = 5000  # at once; what is told is left out, so that the next run goes on


def remind(session: Session, *, now: dt.datetime) -> int:
    """Tell owners of running contracts that end soon. Returns how many were told.

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
