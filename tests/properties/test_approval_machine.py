"""Whatever people do with submissions, in any order: the invariants of the approval law hold."""

import dataclasses
import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import models as m
from jobs.schedules import tell_overdue
from services import records
from services.actor import SYSTEM
from services.approval import decide, digest, submit, withdraw
from services.errors import Refused
from tests.support.world import World, seed_people

AUTHORS = ("sales", "sales2", "office", "admin")
DECIDERS = ("reviewer", "reviewer2", "admin", "manager")
EVERYBODY = tuple(dict.fromkeys((*AUTHORS, *DECIDERS, "analyst")))
OVER = {m.Approval.approved, m.Approval.rejected, m.Approval.withdrawn}
TOLD = {m.Decision.remind, m.Decision.escalate}
DATABASES = {}


@dataclasses.dataclass
class Known:
    """What the model remembers of a record: its number, its rounds, what was last seen."""

    key: int
    code: str | None = None
    hashes: dict = dataclasses.field(default_factory=dict)


class Approvals(RuleBasedStateMachine):
    """Several people with a handful of customers."""

    def __init__(self):
        super().__init__()
        self.fresh = DATABASES["found"].lent("sqlite", seed_people)
        self.world = World(self.fresh.__enter__())
        self.world.__enter__()
        self.known, self.minute = [], 0

    def teardown(self):
        self.world.__exit__()
        self.fresh.__exit__(None, None, None)

    def do(self, who, verb):
        """Act as somebody at the next minute; return what was done, None when it was refused."""
        self.minute += 1
        self.world.now = dt.datetime(2026, 11, 23, 2, tzinfo=dt.UTC) + dt.timedelta(
            minutes=self.minute
        )
        try:
            with self.world.acting(who):
                return verb()
        except Refused:
            return None

    def find(self, model, key):
        return self.world.session.scalar(sa.select(model).where(model.id == key))

    def pick(self, n):
        return self.known[n % len(self.known)]

    def request_of(self, record):
        table = m.ApprovalRequest.__table__
        query = sa.select(table).where(table.c.noun == "customer", table.c.record_id == record.key)
        with m.db.engine.connect() as connection:
            return connection.execute(query.order_by(table.c.round.desc()).limit(1)).first()

    @initialize(who=st.sampled_from(AUTHORS))
    def begin(self, who):
        self.draft(who)

    @rule(who=st.sampled_from(AUTHORS))
    def draft(self, who):
        if len(self.known) < 4:
            world = self.world
            values = world.customer_values()
            key = self.do(
                who, lambda: world.create(m.Customer, **values, owner_id=world.actor.id).id
            )
            self.known.append(Known(key))

    @rule(n=st.integers(0, 3), who=st.sampled_from(EVERYBODY))
    def submit(self, n, who):
        record, world = self.pick(n), self.world

        def verb():
            found = self.find(m.Customer, record.key)
            if found is not None:
                request = submit(world.session, found, by=world.actor, now=world.now)
                record.hashes[request.round] = request.payload_hash

        self.do(who, verb)

    @rule(
        n=st.integers(0, 3),
        who=st.sampled_from(EVERYBODY),
        verb=st.sampled_from(["approve", "reject"]),
        age=st.sampled_from([0, 0, 0, 1]),
    )
    def decide(self, n, who, verb, age):
        record, world = self.pick(n), self.world
        before = self.request_of(record)
        if before is None:
            return
        done = self.do(
            who,
            lambda: (
                decide(
                    world.session,
                    before.id,
                    seen=before.seen_version - age,
                    verb=verb,
                    comment="意见",
                    by=world.actor,
                    now=world.now,
                ).state
            ),
        )
        if done is not None:
            with world.app.app_context():
                me = world.id_of(who)
            assert age == 0, "a version that was not seen was decided"
            assert before.state is m.Approval.pending, "a closed request was decided"
            assert me not in {before.submitted_by_id, before.last_editor_id}, "self-approval"

    @rule(n=st.integers(0, 3), who=st.sampled_from(EVERYBODY))
    def withdraw(self, n, who):
        record, world = self.pick(n), self.world
        before = self.request_of(record)
        if before is not None:
            self.do(
                who, lambda: withdraw(world.session, before.id, by=world.actor, now=world.now).id
            )

    @rule(days=st.integers(1, 9))
    def wait(self, days):
        """The worker looks at the clock, twice: what is late is told and handed up once."""
        later = self.world.now + dt.timedelta(days=days)
        told = [
            self.do(SYSTEM, lambda: tell_overdue(self.world.session, now=later)) for _n in range(2)
        ]
        assert told[1] == 0

    @rule(
        n=st.integers(0, 3),
        who=st.sampled_from(EVERYBODY),
        change=st.sampled_from(
            [{"company": "改名公司"}, {"remark": "备注"}, {"primary.mobile": "13900139000"}]
        ),
    )
    def edit(self, n, who, change):
        record, world = self.pick(n), self.world
        pending = self.state_of(record) is m.Approval.pending

        def verb():
            found = self.find(m.Customer, record.key)
            if found is None:
                return None
            values = {**change, "remark": f"{world.now}"}
            return records.update(
                world.session, found, values, seen=None, by=world.actor, now=world.now
            ).id

        assert not (self.do(who, verb) and pending), "a pending record was edited"

    @rule(n=st.integers(0, 3), change=st.sampled_from(["company", "approval", "code", "delete"]))
    def attack(self, n, change):
        """Raw SQL past every service: the database guards a pending row itself."""
        record, table = self.pick(n), m.Customer.__table__
        if self.state_of(record) is not m.Approval.pending:
            return
        mine = table.c.id == record.key
        statement = (
            sa.delete(table).where(mine)
            if change == "delete"
            else sa.update(table).where(mine).values({change: "draft"})
        )
        with pytest.raises(sa.exc.IntegrityError), m.db.engine.begin() as connection:
            connection.execute(statement)

    def state_of(self, record):
        table = m.Customer.__table__
        with m.db.engine.connect() as connection:
            return connection.execute(
                sa.select(table.c.approval).where(table.c.id == record.key)
            ).scalar_one()

    @invariant()
    def the_law_holds(self):
        self.world.session.rollback()
        tables = m.Customer, m.ApprovalRequest, m.ApprovalTask, m.ApprovalEvent, m.FollowUp
        with m.db.engine.connect() as connection:
            customers, requests, tasks, events, follow_ups = (
                connection.execute(sa.select(one.__table__)).all() for one in tables
            )
        self.numbers(customers)
        for request in requests:
            mine = [task for task in tasks if task.request_id == request.id]
            said = [event.decision for event in events if event.request_id == request.id]
            self.one_decision(request, mine, said)
            synced = [row for row in follow_ups if row.request_id == request.id]
            assert len(synced) == (request.state is m.Approval.approved)
            assert request.payload_hash == digest(request.payload)
        by_key = {customer.id: customer for customer in customers}
        for record in self.known:
            rounds = [one for one in requests if one.record_id == record.key]
            assert [one.round for one in rounds] == list(range(1, len(rounds) + 1))
            assert {one.round: one.payload_hash for one in rounds} == record.hashes
            self.agrees(by_key[record.key], rounds)

    def numbers(self, customers):
        """Numbers never change, and count from 1 without a gap."""
        codes = {customer.id: customer.code for customer in customers}
        for record in self.known:
            assert record.code in {None, codes[record.key]}
            record.code = codes[record.key]
        given = sorted(int(code.rsplit("G", 1)[1]) for code in codes.values() if code)
        assert given == list(range(1, len(given) + 1))

    def one_decision(self, request, tasks, said):
        """At most one task of a step is decided, and every transition has its event."""
        decided = [task for task in tasks if task.state is m.TaskState.done]
        assert len(decided) <= request.steps
        assert len({task.step for task in decided}) == len(decided)
        assert said[0] is m.Decision.submit
        verbs = {
            m.Approval.pending: [],
            m.Approval.approved: [m.Decision.approve] * request.steps,
            m.Approval.rejected: [m.Decision.reject],
            m.Approval.withdrawn: [m.Decision.withdraw],
        }
        assert [one for one in said[1:] if one not in TOLD] == verbs[request.state]
        assert said.count(m.Decision.remind) == sum(t.reminded_at is not None for t in tasks)
        assert any(task.state is m.TaskState.open for task in tasks) is (
            request.state is m.Approval.pending
        )
        for task in tasks:
            assert task.assignee_id not in {request.submitted_by_id, request.last_editor_id}

    def agrees(self, customer, rounds):
        """The record stands where its last round stands; what was approved is what was seen."""
        last = rounds[-1] if rounds else None
        expected = last.state if last else m.Approval.draft
        assert customer.approval is expected
        if customer.approval is m.Approval.pending:
            assert last.seen_version == customer.row_version
            assert last.payload["values"]["company"] == customer.company
        if customer.approval is m.Approval.approved:
            assert last.payload["values"]["company"] == customer.company


def run(databases, examples, steps):
    DATABASES["found"] = databases
    machine = Approvals.TestCase
    machine.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    machine("runTest").runTest()


def test_the_approval_law_holds_in_any_order(databases):
    run(databases, examples=12, steps=25)


@pytest.mark.soak
def test_the_approval_law_holds_in_any_order_a_thousand_times(databases):
    run(databases, examples=1000, steps=50)
