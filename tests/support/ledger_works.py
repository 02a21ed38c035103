"""Deliveries of the ledger machine: steps ticked, skipped and moved, further orders, closing."""

import datetime as dt

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import rule

from models.deals.contract import Contract
from models.deals.order import MilestoneState, Order, OrderMilestone
from services.deals.lifecycle import states
from services.deals.order import milestones, opening
from tests.support.ledger_bench import DAYS, DOOR, TODAY, Bench, N, some
from tests.support.ledger_orders import Job, Step

VERBS = {
    "done": {"state": MilestoneState.done},
    "undo": {"state": MilestoneState.planned, "done_on": None},
    "skip": {"state": MilestoneState.skipped, "done_on": None},
}
STATE = {"done": "done", "undo": "planned", "skip": "skipped"}
MOVES = st.integers(-60, 60).map(lambda n: TODAY + dt.timedelta(days=n))


class Site(Bench):
    """The rules of orders and steps."""

    def opened(self, deal):
        """Take orders that are new into the ledger, with the steps of their template."""
        self.world.be("finance")
        mine = sa.select(Order).where(Order.contract_id == deal.key).order_by(Order.id)
        for order in self.world.session.scalars(mine):
            if order.id not in deal.jobs:
                steps = [
                    Step(s.id, s.weight, s.planned_on, s.state.name, s.done_on)
                    for s in order.milestones
                ]
                deal.jobs[order.id] = Job(order.id, steps)
        deal.touched()

    def step(self, n):
        """Return (deal, order, step) by number."""
        deal, job = self.one("jobs", n)
        return deal, job, job.steps[n % len(job.steps)]

    @some("jobs")
    @rule(n=N, verb=st.sampled_from(("done", "done", "undo", "skip")), day=DAYS, door=DOOR)
    def tick(self, n, verb, day, door):
        deal, job, step = self.step(n)
        if door == "page":
            form = {"id": step.key, "verb": verb} | self.version(step)
            form |= {"done_on": day.isoformat()} if verb == "done" else {}
            done = self.post("sales", "/admin/milestone/step/", form)
        else:
            values = VERBS[verb] | ({"done_on": day} if verb == "done" else {})
            done = self.moved(step, values)
        assert bool(done) == (not deal.void), (step, job)
        if done:
            back = step.state == "done" and verb != "done"
            touched = step.state != STATE[verb]
            step.state, step.done = STATE[verb], day if verb == "done" else None
            if touched:
                job.judge(back=back)
                deal.touched()

    @some("jobs")
    @rule(n=N)
    def finish_all(self, n):
        """Everything of an order is done, step after step."""
        deal, job = self.one("jobs", n)
        if deal.void:
            return
        for step in job.steps:
            if step.state == "planned":
                assert self.moved(step, VERBS["done"] | {"done_on": TODAY})
                step.state, step.done = "done", TODAY
                job.judge(back=False)
                deal.touched()

    def version(self, step):
        self.world.be("sales")
        return {"row_version": self.get(OrderMilestone, step.key).row_version}

    def moved(self, step, values, *, along=False):
        def do():
            row = self.get(OrderMilestone, step.key)
            milestones.move(self.world.call, row, values, seen=None, along=along)

        return self.try_("sales", do)

    @some("jobs")
    @rule(n=N, day=MOVES, along=st.booleans(), door=DOOR)
    def shift(self, n, day, along, door):
        """Another date for a step, the open ones after it moved along or not."""
        deal, job, step = self.step(n)
        if door == "page":
            form = {"id": step.key, "planned_on": day.isoformat(), "moved_because": "客户延期"}
            form |= self.version(step)
            form |= {"along": "1"} if along else {}
            done = self.post("sales", "/admin/milestone/step/", form)
        else:
            values = {"planned_on": day, "moved_because": "客户延期"}
            done = self.moved(step, values, along=along)
        assert bool(done) == (not deal.void), step
        if not done:
            return
        before = step.planned
        step.shift(day)
        if along and before is not None and before != day:
            for one in job.steps[job.steps.index(step) + 1 :]:
                if one.state == "planned" and one.planned is not None:
                    one.shift(one.planned + (day - before))

    @rule(n=N, door=DOOR)
    def further(self, n, door):
        deal = self.deal(n)
        if len(deal.jobs) > 1:
            return
        if door == "page":
            done = self.post("sales", "/admin/contract/order/", {"id": deal.key})
        else:
            done = self.try_(
                "sales", lambda: opening.add(self.world.call, self.get(Contract, deal.key), None).id
            )
        assert bool(done) == (not deal.void), deal.state
        if done:
            self.opened(deal)

    @rule(n=N, door=DOOR)
    def close(self, n, door):
        """By hand, with a reason; what is closed by hand stays closed."""
        deal = self.deal(n)
        if n % 3:
            return
        if door == "page":
            form = {"id": deal.key, "reason": "尾款不再追讨"}
            done = self.post("manager", "/admin/contract/finish/", form)
        else:
            done = self.by_hand(
                deal, lambda call, contract: states.finish(call, contract, "尾款不再追讨")
            )
        assert bool(done) == (deal.state == "active"), deal.state
        if done:
            deal.closed = True

    @rule(n=N, door=DOOR)
    def reopen(self, n, door):
        """Back in force; it closes again by the next thing that happens to it."""
        deal = self.deal(n)
        if door == "page":
            done = self.post("manager", "/admin/contract/reopen/", {"id": deal.key})
        else:
            done = self.by_hand(deal, states.reopen)
        assert bool(done) == (deal.state == "done"), deal.state
        if done:
            deal.closed, deal.reopened = False, True

    def by_hand(self, deal, verb):
        return self.try_("manager", lambda: verb(self.world.call, self.get(Contract, deal.key)))
