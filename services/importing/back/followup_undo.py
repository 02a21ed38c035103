"""What a follow-up of an import moved goes back with it, unless somebody else came by since."""

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.customers.customer import Customer, CustomerStatus
from models.importing.import_job import ImportRow
from models.sales.follow_up import FollowUp, Origin
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.importing.check.finding import chunks
from services.sales.follow_up import ENTERED, status_after

RULE = {"rule": "import"}
FOLLOW: Any = FollowUp.__table__
PLAN: Any = FollowUpPlan.__table__
CUSTOMER: Any = Customer.__table__
DEAL: Any = Opportunity.__table__
AGAIN = {"row_version": PLAN.c.row_version + 1}
OPEN = {"done_at": None, "done_by_id": None}


@contextlib.contextmanager
def watching(session: Session, record: Any) -> Iterator[dict[str, Any]]:
    """Yield a dict that afterwards tells what a change of a follow-up moved, as JSON can hold it.

    {"status": [before, after], "stage": [before, after], "closed": [plan …], "made": [plan …]}
    """
    found: dict[str, Any] = {}
    if not isinstance(record, FollowUp):
        yield found
        return
    before = _standing(session, record)
    yield found
    session.flush()
    for key, value in _standing(session, record).items():
        was = before[key]
        if isinstance(value, set):
            found |= {key: sorted(value - was)} if value - was else {}
        elif value != was:
            found[key] = [was, value]


def _standing(session: Session, record: FollowUp) -> dict[str, Any]:
    """Return what a follow-up may move, as it stands."""
    closed = sa.select(PLAN.c.id).where(PLAN.c.done_by_id == record.id)
    made = sa.select(PLAN.c.id).where(PLAN.c.made_by_id == record.id)
    status = sa.select(CUSTOMER.c.status).where(CUSTOMER.c.id == record.customer_id)
    stage = sa.select(DEAL.c.stage_id).where(DEAL.c.id == record.opportunity_id)
    return {
        "status": session.execute(status).scalar_one().name,
        "stage": session.execute(stage).scalar(),
        "closed": set(session.execute(closed).scalars()),
        "made": set(session.execute(made).scalars()),
    }


def put_back(session: Session, row: ImportRow, now: dt.datetime) -> dict[str, Any]:
    """Let what the change of a follow-up moved stand as before; return what is its own."""
    told = row.before
    _drop(session, PLAN.c.id.in_(told.get("made", [])), now)
    _open(session, PLAN.c.id.in_(told.get("closed", [])), {row.record_id})
    _move_back(session, [row], set())
    return {key: value for key, value in told.items() if key in FOLLOW.c}


def take(session: Session, rows: Collection[ImportRow], now: dt.datetime) -> None:
    """Drop the open plans that follow-ups made, open those they closed, put statuses back."""
    keys = {row.record_id for row in rows}
    for part in chunks(sorted(keys)):
        _drop(session, PLAN.c.made_by_id.in_(part), now)
        _open(session, PLAN.c.done_by_id.in_(part), keys)
    session.expire_all()
    _move_back(session, rows, keys)


def _drop(session: Session, which: Any, now: dt.datetime) -> None:
    mine = sa.update(PLAN).where(which, PLAN.c.done_at.is_(None))
    session.execute(mine.values(deleted_at=now, **AGAIN), execution_options=RULE)


def _open(session: Session, which: Any, going: Collection[int]) -> None:
    """Open plans again; what a follow-up written since fulfils is done by that one."""
    later = _fulfilling(session, which, going)
    session.execute(sa.update(PLAN).where(which).values(**OPEN, **AGAIN), execution_options=RULE)
    for plan, by, at in later:
        done = sa.update(PLAN).where(PLAN.c.id == plan).values(done_by_id=by, done_at=at)
        session.execute(done, execution_options=RULE)


def _fulfilling(session: Session, which: Any, going: Collection[int]) -> list[tuple[int, int, Any]]:
    """Return (plan, follow-up, when) of what somebody wrote since, the first of each plan."""
    same = sa.or_(
        FOLLOW.c.opportunity_id.is_(None),
        PLAN.c.opportunity_id.is_(None),
        FOLLOW.c.opportunity_id == PLAN.c.opportunity_id,
    )
    since = sa.and_(
        FOLLOW.c.customer_id == PLAN.c.customer_id,
        FOLLOW.c.owner_id == PLAN.c.owner_id,
        FOLLOW.c.id > PLAN.c.done_by_id,
        FOLLOW.c.deleted_at.is_(None),
        FOLLOW.c.origin != Origin.approval,
    )
    query = sa.select(PLAN.c.id, PLAN.c.created_at, FOLLOW.c["id", "at", "created_at"])
    query = query.join(FOLLOW, sa.and_(since, same)).where(which).order_by(FOLLOW.c.id)
    found: dict[int, tuple[int, int, Any]] = {}
    for plan, made, key, at, entered in session.execute(query):
        if key not in going and made <= at + ENTERED:
            found.setdefault(plan, (plan, key, entered))
    return list(found.values())


def _move_back(session: Session, rows: Iterable[ImportRow], going: Collection[int]) -> None:
    """Put statuses back, the last first; whom somebody else contacted is not new again."""
    moved: set[int] = set()
    for row in sorted(rows, key=lambda row: -row.id):
        if "status" not in row.before:
            continue
        was, became = (CustomerStatus[name] for name in row.before["status"])
        customer_id = session.get_one(FollowUp, row.record_id).customer_id
        _set(session, customer_id, became, was)
        moved.add(customer_id)
    new = CustomerStatus.new
    for customer_id in sorted(_contacted(session, moved, going)):
        _set(session, customer_id, new, status_after(new, None))


def _set(session: Session, customer_id: int, old: CustomerStatus, new: CustomerStatus) -> None:
    mine = sa.update(CUSTOMER).where(CUSTOMER.c.id == customer_id, CUSTOMER.c.status == old)
    values = {"status": new, "row_version": CUSTOMER.c.row_version + 1}
    session.execute(mine.values(values), execution_options=RULE)


def _contacted(session: Session, customers: set[int], going: Collection[int]) -> set[int]:
    """Return the customers who are new by now though somebody wrote of them."""
    found: set[int] = set()
    query = sa.select(FOLLOW.c["id", "customer_id"]).join(
        CUSTOMER, CUSTOMER.c.id == FOLLOW.c.customer_id
    )
    query = query.where(
        CUSTOMER.c.status == CustomerStatus.new,
        FOLLOW.c.deleted_at.is_(None),
        FOLLOW.c.origin != Origin.approval,
    )
    for part in chunks(sorted(customers)):
        for key, customer_id in session.execute(query.where(FOLLOW.c.customer_id.in_(part))):
            if key not in going:
                found.add(customer_id)
    return found
