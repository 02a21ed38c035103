"""Whoever leaves, returns, stands in or loses a grant, in any order: every task has its person."""

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from jobs.schedules import tell_overdue
from models.approval.flow import Placement, StepMode
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.people.role import Role
from models.people.user import User
from services import approval
from services.approval.flow.approvers import deciders
from services.approval.flow.forks import block
from services.approval.oversight import oversight
from services.core.errors import Refused
from services.people import people
from services.records import records
from services.rights.actor import SYSTEM
from tests.approval.flows import flow
from tests.support.world import World, seed_people

AUTHORS = ("sales", "manager", "admin")
SIGNERS = ("reviewer", "reviewer2", "manager", "finance")
WHO = st.sampled_from(SIGNERS)
LIVE = {TaskState.open, TaskState.waiting}
DATABASES = {}


LEVELS = {key: {"field": "level", "op": "in", "value": [key]} for key in "ab"}
CHOICE, PARALLEL = Placement.choice, Placement.parallel


def fork(kind, number, people, **rest):
    return {"placement": kind, "split": 1, "branch": number, "people": people, **rest}


FLOWS = {
    "steps": (
        {"people": ["reviewer", "manager"], "mode": StepMode.any},
        {"people": ["reviewer2", "manager", "finance"], "mode": StepMode.turn},
        {"people": ["reviewer", "finance"], "mode": StepMode.all},
    ),
    "at once": (
        fork(PARALLEL, 1, ["reviewer", "manager"], mode=StepMode.all, resume=True),
        fork(PARALLEL, 1, ["finance", "manager"], mode=StepMode.turn),
        fork(
            PARALLEL,
            2,
            ["reviewer", "reviewer2"],
            mode=StepMode.share,
            share=60,
            fills=["level", "remark"],
        ),
        fork(PARALLEL, 3, ["manager"], condition=LEVELS["a"]),
        {"people": ["finance", "reviewer"], "collapse": True},
    ),
    "choice": (
        fork(CHOICE, 1, ["manager"], condition=LEVELS["a"]),
        fork(CHOICE, 1, ["finance", "reviewer2"], mode=StepMode.turn),
        fork(CHOICE, 2, ["reviewer", "manager"], mode=StepMode.all, resume=True, fills=["remark"]),
        {"people": ["reviewer2", "manager"], "collapse": True},
    ),
}


class Holders(RuleBasedStateMachine):
    """A few requests in steps of every mode and in branches, and people who come and go."""

    def __init__(self):
        super().__init__()
        self.fresh = DATABASES["found"].lent("sqlite", seed_people)
        self.world = World(self.fresh.__enter__())
        self.world.__enter__()
        self.requests, self.minute = [], 0

    def teardown(self):
        self.world.__exit__()
        self.fresh.__exit__(None, None, None)

    def do(self, who, verb):
        """Act as somebody at the next minute; what is refused leaves nothing."""
        self.minute += 1
        self.world.now = dt.datetime(2026, 11, 23, 2, self.minute % 60, tzinfo=dt.UTC)
        self.world.be(who)
        if self.world.actor is None:  # somebody disabled does nothing
            return None
        try:
            with self.world.acting(who):
                return verb()
        except Refused:
            return None

    @initialize(kind=st.sampled_from(sorted(FLOWS)))
    def begin(self, kind):
        self.change_flow(kind)
        self.enter("sales", "a")

    @rule(kind=st.sampled_from(sorted(FLOWS)))
    def change_flow(self, kind):
        """A new version; what runs keeps its own."""
        flow(self.world, *FLOWS[kind])

    @rule(who=st.sampled_from(AUTHORS), level=st.sampled_from("ab"))
    def enter(self, who, level):
        if len(self.requests) < 4:
            made = self.do(who, lambda: self.world.submitted(who, level=level)[1])
            self.requests += [] if made is None else [made]

    @rule(n=st.integers(0, 3))
    def enter_again(self, n):
        """Submit what came back once more; the new round takes the place of the old one."""
        world, at = self.world, n % len(self.requests)
        request = ApprovalRequest.__table__
        with db.engine.connect() as connection:
            query = sa.select(request).where(request.c.id == self.requests[at])
            row = connection.execute(query).one()
            person = sa.select(User.__table__.c.email).where(
                User.__table__.c.id == row.submitted_by_id
            )
            who = connection.execute(person).scalar_one().partition("@")[0]
        made = self.do(who, lambda: world.submitted(who, key=row.record_id)[1])
        if made is not None:
            self.requests[at] = made

    def on(self, n, by, verb, /, **options):
        world, key = self.world, self.requests[n % len(self.requests)]

        def act():
            if verb == "decide":
                table = ApprovalRequest.__table__  # also of what he may not see: it is refused
                seen = sa.select(table.c.seen_version).where(table.c.id == key)
                options["seen"] = world.session.execute(seen).scalar_one()
            getattr(approval, verb)(world.call, key, **options)

        self.do(by, act)

    @rule(n=st.integers(0, 3), who=st.sampled_from((*SIGNERS, "admin")))
    def approve(self, n, who):
        self.on(n, who, "decide", verb="approve", comment=None)

    @rule(n=st.integers(0, 3), who=st.sampled_from(SIGNERS), level=st.sampled_from(["", "c", "z"]))
    def approve_and_fill(self, n, who, level):
        filled = {"remark": f"第 {self.minute} 分"} | ({"level": level} if level else {})
        beside = approval.Beside(filled=filled)
        self.on(n, who, "decide", verb="approve", comment=None, beside=beside)

    @rule(n=st.integers(0, 3), who=st.sampled_from((*SIGNERS, "admin")))
    def reject(self, n, who):
        self.on(n, who, "decide", verb="reject", comment="不合适")

    @rule(n=st.integers(0, 3), who=st.sampled_from(AUTHORS))
    def withdraw(self, n, who):
        self.on(n, who, "withdraw")

    @rule(n=st.integers(0, 3), who=WHO, to=WHO)
    def reassign(self, n, who, to):
        world, key = self.world, self.requests[n % len(self.requests)]
        move = oversight.Move(world.id_of(who), world.id_of(to))
        self.do("admin", lambda: oversight.give(world.call, key, move, "改派").id)

    @rule(n=st.integers(0, 3))
    def terminate(self, n):
        world, key = self.world, self.requests[n % len(self.requests)]
        self.do("admin", lambda: oversight.end(world.call, key, "终止").id)

    @rule(n=st.integers(0, 3), who=st.sampled_from(AUTHORS))
    def urge(self, n, who):
        self.on(n, who, "urge")

    @rule(n=st.integers(0, 3), who=WHO, step=st.integers(1, 4))
    def give_back(self, n, who, step):
        self.on(
            n, who, "decide", verb="give_back", comment="再看", beside=approval.Beside(to_step=step)
        )

    @rule(n=st.integers(0, 3), who=st.sampled_from((*SIGNERS, "admin")))
    def take_back(self, n, who):
        self.on(n, who, "take_back")

    @rule(n=st.integers(0, 3), who=WHO, to=WHO)
    def transfer(self, n, who, to):
        self.on(n, who, "transfer", to=self.world.id_of(to), comment=None)

    @rule(n=st.integers(0, 3), who=WHO, to=WHO, before=st.booleans())
    def add_sign(self, n, who, to, before):
        self.on(n, who, "add_sign", who=self.world.id_of(to), before=before, comment=None)

    @rule(who=WHO, to=WHO, days=st.integers(0, 3))
    def stand_in(self, who, to, days):
        world, day = self.world, dt.date(2026, 11, 23)
        until = day + dt.timedelta(days=days)
        key = world.id_of(to)
        self.do(
            who,
            lambda: approval.delegate(world.call, to=key, from_on=day, to_on=until, reason=None).id,
        )  # fmt: skip

    def user(self, who):
        return self.world.session.get_one(User, self.world.id_of(who))

    @rule(who=WHO, active=st.booleans())
    def switch(self, who, active):
        world = self.world
        self.do(
            "admin",
            lambda: records.update(world.call, self.user(who), {"active": active}, seen=None).id,
        )  # fmt: skip

    @rule(who=WHO, role=st.sampled_from(["analyst", "reviewer", "finance"]))
    def role(self, who, role):
        world = self.world
        self.do(
            "admin", lambda: people.set_roles(world.session, self.user(who), [role], by=world.actor)
        )

    @rule(role=st.sampled_from(["reviewer", "manager", "finance"]), given=st.booleans())
    def grant(self, role, given):
        world = self.world

        def verb():
            found = world.session.scalars(sa.select(Role).where(Role.name == role)).one()
            kept = sorted(
                {*found.permissions} - {"task:decide"} | ({"task:decide"} if given else set())
            )
            values = {"permissions": kept}
            records.update(world.call, found, values, seen=None)

        self.do("admin", verb)

    @rule(who=WHO, above=st.sampled_from((*SIGNERS, None)))
    def superior(self, who, above):
        world = self.world
        key = None if above is None else world.id_of(above)
        self.do(
            "admin",
            lambda: records.update(world.call, self.user(who), {"manager_id": key}, seen=None).id,
        )  # fmt: skip

    @rule()
    def look_at_the_clock(self):
        later = self.world.now + dt.timedelta(days=4)
        self.do(SYSTEM, lambda: tell_overdue(self.world.session, now=later))

    @invariant()
    def every_task_has_its_person(self):
        self.world.session.rollback()
        able = deciders(self.world.session)
        self.world.session.rollback()  # it holds the database
        with db.engine.connect() as connection:
            requests = connection.execute(sa.select(ApprovalRequest.__table__)).all()
            tasks = connection.execute(sa.select(ApprovalTask.__table__)).all()
            customers = connection.execute(sa.select(Customer.__table__)).all()
        records_by_key = {row.id: row for row in customers}
        for request in requests:
            self.holds_what_was_approved(request, records_by_key[request.record_id], requests)
            live = [t for t in tasks if t.request_id == request.id and t.state in LIVE]
            open_ones = [t for t in live if t.state is TaskState.open]
            assert bool(open_ones) is (request.state is Approval.pending), "stuck, or left over"
            assert len({(t.step, t.assignee_id) for t in live}) == len(live)
            if live:
                here = block(request.lanes, request.step)
                assert {t.step for t in live} <= set(here), "asked in a step that is not its turn"
            for task in live:
                assert task.assignee_id in able, "a task of somebody who cannot decide it"
                barred = task.assignee_id in {request.submitted_by_id, request.last_editor_id}
                assert not barred or task.needs_second
                self.comes_to_its_turn(task, {t.id: t for t in live})

    def holds_what_was_approved(self, request, customer, requests):
        """The hash is of what stands there; an approved record has what approvers filled."""
        assert request.payload_hash == approval.digest(request.payload)
        newest = max(r.round for r in requests if r.record_id == request.record_id)
        if request.state is Approval.approved and request.round == newest:
            for key in request.payload.get("filled", {}):
                value = getattr(customer, key)
                assert getattr(value, "name", value) == request.payload["values"][key]

    def comes_to_its_turn(self, task, live):
        """What waits waits for a live task, and in the end for an open one."""
        seen = set()
        while task.state is TaskState.waiting:
            assert task.id not in seen, "a circle"
            assert task.after_id in live, "waits for what is over"
            seen.add(task.id)
            task = live[task.after_id]


def run(databases, examples, steps, phases):
    DATABASES["found"] = databases
    machine = Holders.TestCase
    machine.settings = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=phases,
    )
    machine("runTest").runTest()


def test_no_open_task_belongs_to_somebody_who_cannot_decide_it(databases):
    run(databases, examples=12, steps=20, phases=[Phase.generate])  # a find is not shrunk by day


@pytest.mark.soak
def test_no_open_task_belongs_to_somebody_who_cannot_decide_it_at_length(databases):
    run(databases, examples=1000, steps=50, phases=list(Phase))
