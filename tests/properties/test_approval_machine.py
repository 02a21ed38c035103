"""Whatever people do with submissions, in any order: the invariants of the approval law hold."""

import dataclasses
import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jobs.schedules import tell_overdue
from models.approval.request import ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.sales.follow_up import FollowUp
from services.approval import decide, digest, submit, withdraw
from services.core.errors import Refused
from services.records import records
from services.rights.actor import SYSTEM
from tests.support.world import World, seed_people

AUTHORS = ("sales", "sales2", "office", "admin")
DECIDERS = ("reviewer", "reviewer2", "admin", "manager")
EVERYBODY = tuple(dict.fromkeys((*AUTHORS, *DECIDERS, "analyst")))
OVER = {Approval.approved, Approval.rejected, Approval.withdrawn}
CONTROLLED = records.controlled(Customer)
TOLD = {Decision.remind, Decision.escalate}
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
        table = ApprovalRequest.__table__
        query = sa.select(table).where(table.c.noun == "customer", table.c.record_id == record.key)
        with db.engine.connect() as connection:
            return connection.execute(query.order_by(table.c.round.desc()).limit(1)).first()

    @initialize(who=st.sampled_from(AUTHORS))
    def begin(self, who):
        self.draft(who)

    @rule(who=st.sampled_from(AUTHORS))
    def draft(self, who):
        if len(self.known) < 4:
            world = self.world
            values = world.customer_values()
            key = self.do(who, lambda: world.create(Customer, **values, owner_id=world.actor.id).id)
            self.known.append(Known(key))

    @rule(n=st.integers(0, 3), who=st.sampled_from(EVERYBODY))
    def submit(self, n, who):
        record, world = self.pick(n), self.world

        def verb():
            found = self.find(Customer, record.key)
            if found is not None:
                request = submit(world.call, found)
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
                    world.call, before.id, seen=before.seen_version - age, verb=verb, comment="意见"
                ).state
            ),
        )
        if done is not None:
            with world.app.app_context():
                me = world.id_of(who)
            assert age == 0, "a version that was not seen was decided"
            assert before.state is Approval.pending, "a closed request was decided"
            assert me not in {before.submitted_by_id, before.last_editor_id}, "self-approval"

    @rule(n=st.integers(0, 3), who=st.sampled_from(EVERYBODY))
    def withdraw(self, n, who):
        record, world = self.pick(n), self.world
        before = self.request_of(record)
        if before is not None:
            self.do(who, lambda: withdraw(world.call, before.id).id)

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
        state = self.state_of(record)
        pending = state is Approval.pending
        if state is Approval.approved:  # the rest opens a change (test_verbs_machine)
            change = {key: value for key, value in change.items() if key not in CONTROLLED}

        def verb():
            found = self.find(Customer, record.key)
            if found is None:
                return None
            values = {**change, "remark": f"{world.now}"}
            return records.update(world.call, found, values, seen=None).id

        assert not (self.do(who, verb) and pending), "a pending record was edited"

    @rule(n=st.integers(0, 3), change=st.sampled_from(["company", "approval", "code", "delete"]))
    def attack(self, n, change):
        """Raw SQL past every service: the database guards a pending row itself."""
        record, table = self.pick(n), Customer.__table__
        if self.state_of(record) is not Approval.pending:
            return
        mine = table.c.id == record.key
        statement = (
            sa.delete(table).where(mine)
            if change == "delete"
            else sa.update(table).where(mine).values({change: "draft"})
        )
        with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
            connection.execute(statement)

    def state_of(self, record):
        table = Customer.__table__
        with db.engine.connect() as connection:
            return connection.execute(
                sa.select(table.c.approval).where(table.c.id == record.key)
            ).scalar_one()

    @invariant()
    def the_law_holds(self):
        self.world.session.rollback()
        tables = Customer, ApprovalRequest, ApprovalTask, ApprovalEvent, FollowUp
        with db.engine.connect() as connection:
            customers, requests, tasks, events, follow_ups = (
                connection.execute(sa.select(one.__table__)).all() for one in tables
            )
        self.numbers(customers)
        for request in requests:
            mine = [task for task in tasks if task.request_id == request.id]
            said = [event.decision for event in events if event.request_id == request.id]
            self.one_decision(request, mine, said)
            synced = [row for row in follow_ups if row.request_id == request.id]
            assert len(synced) == (request.state is Approval.approved)
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
        decided = [task for task in tasks if task.state is TaskState.done]
        assert len(decided) <= request.steps
        assert len({task.step for task in decided}) == len(decided)
        assert said[0] is Decision.submit
        verbs = {
            Approval.pending: [],
            Approval.approved: [Decision.approve] * request.steps,
            Approval.rejected: [Decision.reject],
            Approval.withdrawn: [Decision.withdraw],
        }
        assert [one for one in said[1:] if one not in TOLD] == verbs[request.state]
        assert said.count(Decision.remind) == sum(t.reminded_at is not None for t in tasks)
        assert any(task.state is TaskState.open for task in tasks) is (
            request.state is Approval.pending
        )
        for task in tasks:
            assert task.assignee_id not in {request.submitted_by_id, request.last_editor_id}

    def agrees(self, customer, rounds):
        """The record stands where its last round stands; what was approved is what was seen."""
        last = rounds[-1] if rounds else None
        expected = last.state if last else Approval.draft
        assert customer.approval is expected
        if customer.approval is Approval.pending:
            assert last.seen_version == customer.row_version
            assert last.payload["values"]["company"] == customer.company
        if customer.approval is Approval.approved:
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


def test_an_order_that_was_found_once(databases):
    DATABASES["found"] = databases
    state = Approvals()
    try:
        for act in (
            lambda: state.begin(who="sales2"),
            lambda: state.submit(n=0, who="sales2"),
            lambda: state.decide(age=0, n=0, verb="approve", who="reviewer2"),
            lambda: state.edit(change={"company": "改名公司"}, n=0, who="office"),
        ):
            act()
            state.the_law_holds()
        assert state.state_of(state.known[0]) is Approval.approved
    finally:
        state.teardown()
