"""One of several processes that race for the same records; run as a program, it prints JSON."""

import collections
import datetime as dt
import json
import os
import random
import sys
import warnings

import sqlalchemy as sa

from jobs.schedules import tell_overdue
from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer
from services.approval import decide, submit
from services.core.errors import Refused
from services.rights.actor import SYSTEM
from tests.support.world import World, make_app


def approve_all(world, who, seed):
    """Try to approve every pending request in an order of one's own; count what came of it."""
    table = ApprovalRequest.__table__
    with db.engine.connect() as connection:
        query = sa.select(table.c.id, table.c.seen_version)
        items = connection.execute(query.where(table.c.state == Approval.pending)).all()
    random.Random(seed).shuffle(items)
    return [_one(world, who, item) for item in items]


def _one(world, who, item):
    try:
        with world.acting(who):
            decide(world.call, item.id, seen=item.seen_version, verb="approve", comment=None)
    except Refused as refusal:
        return refusal.code
    except sa.exc.SQLAlchemyError as problem:
        return f"ERROR {problem}"
    return "won"


def submit_all(world, who, count):
    """Enter and submit customers; every third one is given up after its number was taken.

    Every process dials numbers of its own: the same number twice would need its reason.
    """
    found, area = [], f"139{os.getpid() % 10_000:04}"
    for n in range(count):
        try:
            with world.acting(who):
                record = world.create(
                    Customer, **world.customer_values(**{"primary.mobile": f"{area}{n:04}"})
                )
                submit(world.call, record)
                if n % 3 == 2:
                    give_up()
        except Refused as refusal:
            found.append(refusal.code)
        except sa.exc.SQLAlchemyError as problem:
            found.append(f"ERROR {problem}")
        else:
            found.append("won")
    return found


def hand_up(world, _who, times):
    """Be the worker whose clock says that everything is late."""
    found = []
    for _n in range(times):
        try:
            with world.acting(SYSTEM):
                tell_overdue(world.session, now=world.now + dt.timedelta(days=9))
        except sa.exc.SQLAlchemyError as problem:
            found.append(f"ERROR {problem}")
    return found


def give_up():
    """Roll back what was submitted, as a refusal further down would."""
    raise Refused(code="GIVEN_UP")


def main(url, job, who, number):
    """Do a job on the database and print how often each thing happened."""
    warnings.simplefilter("ignore")
    with World(make_app(url)) as world:
        print(json.dumps(collections.Counter(JOBS[job](world, who, int(number)))))


JOBS = {"approve": approve_all, "submit": submit_all, "hand_up": hand_up}


if __name__ == "__main__":
    main(*sys.argv[1:])
