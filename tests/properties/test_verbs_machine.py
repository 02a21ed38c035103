"""All verbs of the approval centre in any order: each leaves one event or nothing at all."""

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from models.approval.flow import Delegation, FlowAction, StepMode
from models.approval.request import Decision
from models.approval.task import TaskState
from models.bulk.batch import ItemState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer
from services import approval
from services.records import records
from tests.approval.flows import flow
from tests.support.rounds import START, Known, Rounds
from tests.support.world import World, seed_people

AUTHORS = ("sales", "sales2", "admin")
DECIDERS = ("reviewer", "reviewer2", "manager", "admin")
PEOPLE = (*DECIDERS, "sales", "sales2", "finance")
SAID = {"approve": "approve", "reject": "reject", "give_back": "give_back"}
ENDS = {
    Approval.approved: {Decision.approve},
    Approval.rejected: {Decision.reject, Decision.give_back},
    Approval.withdrawn: {Decision.withdraw},
}
QUIET = {Decision.comment, Decision.urge, Decision.add_sign, Decision.transfer}
SHARED = {}


class Verbs(Rounds, RuleBasedStateMachine):
    """Two customers, a flow of two steps for new ones and one step for changes."""

    def __init__(self):
        super().__init__()
        self.watch(SHARED["world"], SHARED["people"])

    def teardown(self):
        table = Delegation.__table__
        with db.engine.begin() as connection:
            connection.execute(sa.delete(table))

    @initialize(who=st.sampled_from(AUTHORS), other=st.sampled_from(AUTHORS))
    def begin(self, who, other):
        for author in (who, other):
            self.known.append(Known(self.world.customer(author, owner_id=self.people[author])))
            self.try_(author, self.submission(self.known[-1]))

    def submission(self, record):
        def call():
            world = self.world
            found = world.get(Customer, record.key)
            if found is None:
                return False
            return approval.submit(world.call, found).id

        return call

    @rule(n=st.integers(0, 1), who=st.sampled_from(AUTHORS))
    def submit(self, n, who):
        self.try_(who, self.submission(self.known[n]))

    @rule(
        n=st.integers(0, 1),
        who=st.sampled_from(DECIDERS),
        verb=st.sampled_from(["approve", "approve", "approve", "reject", "give_back"]),
        age=st.sampled_from([0, 0, 0, 0, 1]),
        to_step=st.sampled_from([None, None, 1, 2]),
    )
    def decide(self, n, who, verb, age, to_step):
        world = self.world
        to_step = to_step if verb == "give_back" else None
        done = self.verb(
            n,
            who,
            Decision[SAID[verb]],
            lambda last: approval.decide(
                world.call,
                last.id,
                seen=last.seen_version - age,
                verb=verb,
                comment="意见",
                beside=approval.Beside(to_step=to_step),
            ),
        )
        if done is not None:
            before, event, _rows = done
            assert age == 0, "a version that was not seen was decided"
            self.not_own(before, event)

    def not_own(self, request, event):
        barred = {request.submitted_by_id, request.last_editor_id} - {None}
        assert request.state is Approval.pending, "a closed request was decided"
        assert not barred & {event.actor_id, event.on_behalf_of_id}, "self-approval"

    @rule(
        who=st.sampled_from(DECIDERS),
        verb=st.sampled_from(["approve", "reject"]),
        age=st.sampled_from([0, 0, 1]),
    )
    def decide_in_bulk(self, who, verb, age):
        """Both at once: every item is decided with its one event, or named and untouched."""
        world = self.world
        before = [self.rows(record) for record in self.known]
        last = [rows.requests[-1] for rows in before if rows.requests]
        items = [(row.id, row.seen_version - age * (n % 2)) for n, row in enumerate(last)]
        results = {}

        def call():
            job = approval.decide_many(world.call, items, verb=verb, comment="批量")
            world.session.flush()
            results.update({item.target_id: item.state for item in job.items})

        if not items or not self.try_(who, call):
            return
        for record, old in zip(self.known, before, strict=True):
            new = self.rows(record)
            added = new.events[len(old.events) :]
            if old.requests and results[old.requests[-1].id] is ItemState.done:
                assert [event.decision for event in added] == [Decision[verb]]
                self.not_own(old.requests[-1], added[0])
                assert dict(items)[old.requests[-1].id] == old.requests[-1].seen_version
            else:
                assert new == old, "a failed item left something behind"

    @rule(n=st.integers(0, 1), who=st.sampled_from(PEOPLE))
    def withdraw(self, n, who):
        world = self.world
        self.verb(n, who, Decision.withdraw, lambda last: approval.withdraw(world.call, last.id))

    @rule(n=st.integers(0, 1), who=st.sampled_from(DECIDERS))
    def take_back(self, n, who):
        world = self.world
        self.verb(n, who, Decision.take_back, lambda last: approval.take_back(world.call, last.id))

    @rule(n=st.integers(0, 1), who=st.sampled_from(PEOPLE), to=st.sampled_from(PEOPLE))
    def transfer(self, n, who, to):
        world = self.world
        self.verb(
            n,
            who,
            Decision.transfer,
            lambda last: approval.transfer(world.call, last.id, to=self.people[to], comment=None),
        )

    @rule(
        n=st.integers(0, 1),
        who=st.sampled_from(DECIDERS),
        to=st.sampled_from(PEOPLE),
        before=st.booleans(),
    )
    def add_sign(self, n, who, to, before):
        world = self.world
        self.verb(
            n,
            who,
            Decision.add_sign,
            lambda last: approval.add_sign(
                world.call, last.id, who=self.people[to], before=before, comment=None
            ),
        )

    @rule(n=st.integers(0, 1), who=st.sampled_from(AUTHORS))
    def urge(self, n, who):
        world = self.world
        self.verb(n, who, Decision.urge, lambda last: approval.urge(world.call, last.id))

    @rule(n=st.integers(0, 1), who=st.sampled_from(PEOPLE))
    def comment(self, n, who):
        world = self.world
        self.verb(
            n,
            who,
            Decision.comment,
            lambda last: approval.comment(world.call, last.id, text="说明"),
        )

    @rule(who=st.sampled_from(DECIDERS), to=st.sampled_from(PEOPLE), days=st.integers(0, 3))
    def delegate(self, who, to, days):
        world = self.world
        first = START.date()
        self.try_(
            who,
            lambda: approval.delegate(
                world.call,
                to=self.people[to],
                from_on=first,
                to_on=first + dt.timedelta(days=days),
                reason=None,
            ),
        )

    @rule(
        n=st.integers(0, 1),
        who=st.sampled_from(AUTHORS),
        change=st.sampled_from([{"company": "改名"}, {"remark": "备注"}]),
    )
    def edit(self, n, who, change):
        """A pending row is closed; of an approved one, what is controlled goes by a request."""
        record, world = self.known[n], self.world
        before = self.rows(record)
        values = {key: f"{value}{self.minute}" for key, value in change.items()}

        def call():
            found = world.get(Customer, record.key)
            if found is None:
                return False
            return records.update(world.call, found, values, seen=None).id

        done = self.try_(who, call)
        after = self.rows(record)
        state = before.record.approval
        if not done:
            assert after == before, "a refused edit left something behind"
        assert not (done and state is Approval.pending), "a pending record was edited"
        if done and state is Approval.approved and "company" in change:
            assert after.record == before.record, "the live row moved before the approval"
            assert len(after.requests) == len(before.requests) + 1

    @rule(n=st.integers(0, 1), change=st.sampled_from(["company", "approval", "code", "delete"]))
    def attack(self, n, change):
        """Raw SQL past every service: the database guards a pending row itself."""
        record, table = self.known[n], Customer.__table__
        if self.rows(record).record.approval is not Approval.pending:
            return
        mine = table.c.id == record.key
        statement = (
            sa.delete(table).where(mine)
            if change == "delete"
            else sa.update(table).where(mine).values({change: "draft"})
        )
        with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
            connection.execute(statement)

    @invariant()
    def the_law_holds(self):
        self.world.session.rollback()
        for record in self.known:
            rows = self.rows(record)
            assert record.code in {None, rows.record.code}, "a number changed"
            record.code = rows.record.code
            for request in rows.requests:
                assert record.frozen.setdefault(request.id, request.payload_hash) == (
                    request.payload_hash
                ), "a snapshot changed"
                self.counted(request, *rows.of(request))
                synced = [row for row in rows.follow_ups if row.request_id == request.id]
                assert len(synced) == (request.state is Approval.approved)
            self.agrees(rows)

    def counted(self, request, tasks, events):
        """As many decided tasks as decisions that were not taken back; an open one while pending.

        A task that was transferred is done by that; who decided, decided each task once.
        """
        said = [event.decision for event in events]
        done = [task.decision for task in tasks if task.state is TaskState.done]
        for decision in (Decision.reject, Decision.give_back, Decision.transfer):
            assert done.count(decision) == said.count(decision)
        taken = said.count(Decision.take_back)
        assert done.count(Decision.approve) == said.count(Decision.approve) - taken
        waits = any(task.state is TaskState.open for task in tasks)
        assert waits is (request.state is Approval.pending)
        loud = [decision for decision in said if decision not in QUIET]
        if request.state is not Approval.pending:
            assert loud[-1] in ENDS[request.state]

    def agrees(self, rows):
        """The record stands where its last creation stands and says what was approved last."""
        created = [r for r in rows.requests if r.action is FlowAction.create]
        expected = created[-1].state if created else Approval.draft
        assert rows.record.approval is expected
        if expected is Approval.pending:
            assert created[-1].seen_version == rows.record.row_version
        named = [
            r.payload["values"]["company"]
            for r in rows.requests
            if r.state is Approval.approved and "company" in r.payload["values"]
        ]
        if expected is Approval.approved:
            assert rows.record.company == named[-1]


def run(databases, kind, examples, steps):
    with databases.lent(kind, seed_people) as app, World(app) as world:
        anyone = {"people": ("reviewer", "reviewer2"), "mode": StepMode.any}
        flow(world, anyone, {"people": ("manager", "admin"), "mode": StepMode.all})
        flow(world, anyone, action=FlowAction.change)
        SHARED.update(world=world, people={who: world.id_of(who) for who in PEOPLE})
        machine = Verbs.TestCase
        machine.settings = settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        machine("runTest").runTest()
        world.session.rollback()
        with world.app.app_context():
            db.engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_verb_leaves_one_event_or_nothing(databases, kind):
    run(databases, kind, examples=8, steps=30)


@pytest.mark.soak
def test_every_verb_leaves_one_event_or_nothing_a_thousand_times(databases):
    run(databases, "sqlite", examples=1000, steps=50)
