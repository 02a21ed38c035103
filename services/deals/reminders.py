"""Reminders of instalments: some days before they are due, and when they are 1, 7 and 30 days late.

Each is told once, to whoever answers for the contract, as long as the money is not there.
"""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract
from models.deals.payment_plan import PaymentPlan
from models.delivery.notification import NoticeKind
from services.core.days import today
from services.core.settings import get_setting
from services.core.texts import yuan
from services.delivery.notices import Notice, key_of, tell_many, untold
from services.records.settlement import is_open, rest_of

LATE = (1, 7, 30)  # days after the due date
LATEST = 7  # days a reminder may come after its day: a worker may have been away
MOST = 5000  # at once; what is told is left out, so that the next run goes on


def remind(session: Session, *, now: dt.datetime) -> int:
    """Tell owners of instalments whose day of a reminder has come. Returns how many were told."""
    line = PaymentPlan
    known = windows(today(now), get_setting(session, "collection.remind_days"))
    mark = sa.case(*((line.due_on.between(*days), which) for which, days in known.items()))
    who = sa.func.coalesce(line.owner_id, Contract.owner_id)
    key = key_of("due", line.id, line.due_on, mark)
    rows = session.execute(
        sa.select(line, who, key)
        .join(Contract, Contract.id == line.contract_id)
        .where(
            is_open(line),
            mark.is_not(None),
            line.due_on.between(
                min(first for first, _last in known.values()),
                max(last for _first, last in known.values()),
            ),
            Contract.state.in_(IN_FORCE),
            Contract.approval == Approval.approved,
            Contract.deleted_at.is_(None),
            who.is_not(None),
            untold(who, key),
        )
        .options(selectinload(line.contract), selectinload(line.customer))
        .order_by(line.due_on, line.id)
        .limit(MOST)
    )
    return tell_many(session, [notice_of(one, person, text) for one, person, text in rows], now=now)


def windows(day: dt.date, before: int) -> dict[int, tuple[dt.date, dt.date]]:
    """Return reminder → first and last due date of the instalments it is sent for on a day.

    A reminder is -before, 1, 7 or 30; `before` of 0 switches the first one off.
    """
    later = (*LATE[1:], LATE[-1] + LATEST)
    found = {
        late: (
            day - dt.timedelta(days=min(late + LATEST, following) - 1),
            day - dt.timedelta(days=late),
        )
        for late, following in zip(LATE, later, strict=True)
    }
    return found | ({-before: (day, day + dt.timedelta(days=before))} if before else {})


def notice_of(line: PaymentPlan, person: int, key: str) -> Notice:
    """Return what somebody is told of an instalment that is open, whoever or whatever asks."""
    rest = yuan(rest_of(line))
    title = f"{line.customer} · {line.contract} · {line} · ¥{rest}"
    url = f"/admin/paymentplan/details/?id={line.id}"
    return Notice(person, NoticeKind.instalment, title, url, key)
