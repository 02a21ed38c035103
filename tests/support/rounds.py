"""Watching the approvals of some records: what each verb left in the database."""

import dataclasses
import datetime as dt

import sqlalchemy as sa

from models.approval.request import ApprovalEvent, ApprovalRequest
from models.approval.task import ApprovalTask
from models.core.base import db
from models.customers.customer import Customer
from models.sales.follow_up import FollowUp
from services.core.errors import Refused

START = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC)


@dataclasses.dataclass
class Known:
    """A record, its number once it has one, and what its approved content was."""

    key: int
    code: str | None = None
    frozen: dict = dataclasses.field(default_factory=dict)  # request id → hash


@dataclasses.dataclass(frozen=True)
class Rows:
    """Everything the database holds of one record's approvals, as it is now."""

    record: object
    requests: tuple
    tasks: tuple
    events: tuple
    follow_ups: tuple

    def of(self, request):
        """Return (tasks, events) of one request."""
        return (
            [row for row in self.tasks if row.request_id == request.id],
            [row for row in self.events if row.request_id == request.id],
        )


class Rounds:
    """A world with a handful of records, acted in one verb after another."""

    def watch(self, world, people):
        self.world, self.people = world, people
        self.known, self.minute = [], 0

    def rows(self, record):
        request, task = ApprovalRequest.__table__, ApprovalTask.__table__
        event, follow_up = ApprovalEvent.__table__, FollowUp.__table__
        mine = sa.and_(request.c.noun == "customer", request.c.record_id == record.key)
        ids = sa.select(request.c.id).where(mine)
        customer = Customer.__table__
        with db.engine.connect() as connection:
            found = [
                tuple(connection.execute(query).all())
                for query in (
                    sa.select(customer).where(customer.c.id == record.key),
                    sa.select(request).where(mine).order_by(request.c.id),
                    sa.select(task).where(task.c.request_id.in_(ids)).order_by(task.c.id),
                    sa.select(event).where(event.c.request_id.in_(ids)).order_by(event.c.id),
                    sa.select(follow_up).where(follow_up.c.request_id.in_(ids)),
                )
            ]
        return Rows(found[0][0], *found[1:])

    def try_(self, who, verb):
        """Act as somebody two minutes later; return whether it was done."""
        self.minute += 2
        self.world.now = START + dt.timedelta(minutes=self.minute)
        try:
            with self.world.acting(who):
                return verb() is not False
        except Refused:
            return False

    def verb(self, n, who, decision, call):
        """Do a verb on a record's last request: one event when it was done, else no change."""
        record = self.known[n]
        before = self.rows(record)
        if not before.requests:
            return None
        last = before.requests[-1]
        done = self.try_(who, lambda: call(last))
        after = self.rows(record)
        if not done:
            assert after == before, "a refused verb left something behind"
            return None
        fresh = [row for row in after.events if row.id > max(e.id for e in before.events)]
        assert [row.decision for row in fresh] == [decision], fresh
        assert fresh[0].actor_id == self.people[who]
        assert after.events[: len(before.events)] == before.events, "an old event was changed"
        return last, fresh[0], after
