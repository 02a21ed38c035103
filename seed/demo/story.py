"""The order of the story: who is there, what became of each customer, what waits today."""

import datetime as dt

from sqlalchemy.orm import Session

from seed.demo import approvals, customers, money, targets, views
from seed.demo.companies import companies
from seed.demo.papers import seed_papers
from seed.demo.people import seed_people
from seed.demo.products import seed_products
from seed.demo.teller import Teller
from seed.demo.today import tell_today
from services.rights.access import act
from services.rights.actor import SYSTEM

CUSTOMERS = 300
DAYS = 730
# The last ones have just been entered: what state each of them is in today.
LATEST = {"again": 2, "double": 1, "pending": 11, "rejected": 5, "withdrawn": 3, "draft": 6}
POOL = 12  # approved customers that nobody owns
AGAIN = 6  # days ago: time enough for two rounds that were rejected


def seed_demo(session: Session, *, now: dt.datetime, count: int = CUSTOMERS) -> int:
    """Fill an empty database that has roles and reference data; return how many customers.

    Nothing is committed here.
    """
    act(session, SYSTEM)
    session.info["now"] = now - dt.timedelta(days=DAYS + 30)  # the company is older than its data
    people = seed_people(session, now)
    seed_products(session)
    seed_papers(session)
    teller = Teller(session, now, people)
    approvals.add_second_step(teller)
    session.info["now"] = now
    fates = [name for name, n in LATEST.items() for _n in range(n)]
    teller.draw.shuffle(fates)
    plain = count - len(fates)
    fates = ["pool"] * POOL + ["approved"] * (plain - POOL) + fates
    for n, (fate, company) in enumerate(zip(fates, companies(teller.draw), strict=False)):
        ago = _days_ago(n, plain, teller) if n < plain else teller.draw.randint(0, 2)
        ago = AGAIN if fate == "again" else ago
        customers.tell(teller, fate, company, teller.workday(teller.today - dt.timedelta(ago)))
        session.expunge_all()
    money.tell_refunds(teller)
    money.tell_waiting(teller)
    tell_today(teller)
    approvals.mark_read(teller)
    views.tell_views(teller)
    targets.tell_targets(teller)
    session.flush()
    session.info.pop("now")
    return count


def _days_ago(n: int, plain: int, teller: Teller) -> int:
    """Return when a customer came: the company grows, so the later months hold more."""
    share: float = (n + teller.draw.random()) / plain
    ago: float = DAYS * (1 - share**0.8)
    return round(ago) + 3
