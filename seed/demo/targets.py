"""What the manager has set for the last months: near what was signed, as good plans are."""

import datetime as dt

import sqlalchemy as sa

from dashboards.core.period import month_start
from models.core.mixins import Approval
from models.deals.contract import IN_FORCE, Contract
from models.people.user import User
from models.sales.target import SalesTarget
from seed.demo.people import SELLERS
from seed.demo.teller import Teller
from services.records import records
from services.rights.call import Call

MONTHS = 14  # the running one among them
FROM, TO = 70, 120  # percent of a target that is signed
ROUND = 1_000_00
SHARE = 105  # percent of its people's targets that the department with one of its own sets
OWN = "sales4"  # whose department it is


def tell_targets(teller: Teller) -> None:
    """Set the targets of everybody who sells, and of one department beside."""
    months = [month_start(teller.today, -back) for back in range(MONTHS - 1, -1, -1)]
    signed = _signed(teller, months[0])
    with teller.by("manager", teller.now) as actor:
        call = Call(teller.session, actor, teller.now)
        place, peers = _peers(teller)
        for month in months:
            ours = 0
            for key in (teller.people[account] for account in SELLERS):
                amount = signed.get((key, month), 0)
                if not amount:
                    continue  # nobody is shown at 0 %
                amount = _round(amount * 100 // teller.draw.randint(FROM, TO))
                ours += amount * (key in peers)
                values = {"month": month, "owner_id": key, "amount": amount}
                records.create(call, SalesTarget, values)
            if ours:
                values = {"month": month, "department_id": place}
                values["amount"] = _round(ours * SHARE // 100)
                records.create(call, SalesTarget, values)


def _round(amount: int) -> int:
    return max((amount + ROUND // 2) // ROUND * ROUND, ROUND)


def _peers(teller: Teller) -> tuple[int | None, set[int]]:
    """Return the department with targets of its own, and its people."""
    place = teller.session.get_one(User, teller.people[OWN]).department_id
    query = sa.select(User.id).where(User.department_id == place)
    return place, set(teller.session.scalars(query))


def _signed(teller: Teller, since: dt.date) -> dict[tuple[int, dt.date], int]:
    """Return (person, first day of the month) → contracts in force that were signed, in 分."""
    found: dict[tuple[int, dt.date], int] = {}
    query = sa.select(Contract.signer_id, Contract.signed_on, Contract.amount).where(
        Contract.state.in_(IN_FORCE),
        Contract.approval == Approval.approved,
        Contract.deleted_at.is_(None),
        Contract.signed_on >= since,
    )
    for who, day, amount in teller.session.execute(query):
        if who and day and amount:
            place = (who, day.replace(day=1))
            found[place] = found.get(place, 0) + amount
    return found
