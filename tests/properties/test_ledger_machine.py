"""Contracts, changes, money and invoices in any order: every figure is that of a plain ledger."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from models.approval.request import ApprovalRequest
from models.bulk.batch import ItemState
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentAllocation
from models.deals.payment_plan import PaymentPlan
from services import approval
from services.bulk import jobs, runner
from services.core.errors import Refused
from services.deals import payment
from services.receivables import hand, money_bulk
from services.records import records
from tests.support.forms import Forms
from tests.support.ledger import Deal, Line, Money
from tests.support.ledger_bench import (
    AMOUNTS,
    DAYS,
    DOOR,
    DUES,
    RATIOS,
    SHARED,
    SUMS,
    TODAY,
    N,
    some,
    yuan,
)
from tests.support.ledger_figures import compare
from tests.support.ledger_papers import Papers
from tests.support.ledger_works import Site
from tests.support.visitors import Doors
from tests.support.world import World, seed_people


class Books(Papers, Site):
    """Contracts, their changes and their money; invoices and deliveries come from below."""

    # -- contracts and their changes ---------------------------------------------------------

    @initialize(
        amount=AMOUNTS.filter(bool),
        ratios=st.sampled_from(RATIOS),
        dues=st.lists(DUES, min_size=4, max_size=4),
    )
    def begin(self, amount, ratios, dues):
        self.customer = self.world.approved()
        self.sign(amount, ratios, dues)

    @precondition(lambda self: len(self.deals) < 2)
    @rule(
        amount=AMOUNTS.filter(bool),
        ratios=st.sampled_from(RATIOS),
        dues=st.lists(DUES, min_size=4, max_size=4),
    )
    def sign(self, amount, ratios, dues):
        signed = min(*dues, TODAY)
        rows = [{"ratio_bp": r, "due_on": d} for r, d in zip(ratios, dues, strict=False)]
        key = self.world.contract(self.customer, amount=amount, signed_on=signed, plan=rows)
        self.world.approved(model=Contract, key=key)
        deal = Deal(key, amount, signed, [])
        self.deals.append(deal)
        self.planned(deal, amount, None, rows=rows)
        self.opened(deal)

    def planned(self, deal, amount, plan, rows=None):
        """Take a plan into the ledger; instalments keep their place, and their keys with it."""
        self.world.be("finance")
        query = sa.select(PaymentPlan.id).where(PaymentPlan.contract_id == deal.key)
        keys = list(self.world.session.scalars(query.order_by(PaymentPlan.ordinal)))
        if rows is not None:
            ratios = [row["ratio_bp"] for row in rows]
            amounts = deal.spread(ratios, amount) if None not in ratios else plan
            told = [
                (a, row["due_on"], row["ratio_bp"]) for a, row in zip(amounts, rows, strict=True)
            ]
        else:
            told = [(a, line.due, line.ratio) for a, line in zip(plan, deal.lines, strict=True)]
        assert len(keys) == len(told)
        deal.amount = amount
        deal.lines = [Line(key, *row) for key, row in zip(keys, told, strict=True)]
        deal.lay()

    @rule(n=N, amount=AMOUNTS)
    def ask_amount(self, n, amount):
        """Another amount: the plan follows it where it can."""
        deal = self.deal(n)
        plan = deal.follows(amount)
        fine = plan is not None and deal.stands(amount, plan) and amount != deal.amount
        self.ask(deal, {"amount": amount}, amount, plan, fine=fine)

    @rule(
        n=N,
        amount=AMOUNTS,
        cuts=st.lists(st.integers(0, 4000), min_size=1, max_size=3),
        dues=st.lists(DUES, min_size=4, max_size=4),
        off=st.sampled_from((0, 0, 0, 1)),
    )
    def ask_plan(self, n, amount, cuts, dues, off):
        """Another plan by amounts, with another amount or the same; some do not sum."""
        deal = self.deal(n)
        first = [amount * cut // 10_000 for cut in cuts]
        plan = [*first, amount - sum(first)]
        plan[-1] += off
        rows = [
            {"ratio_bp": None, "amount": a, "due_on": d, "note": None}
            for a, d in zip(plan, dues, strict=False)
        ]
        fine = deal.stands(amount, plan)
        self.ask(deal, {"amount": amount, "plan": rows}, amount, plan, rows=rows, fine=fine)

    def ask(self, deal, values, amount, plan, *, fine, rows=None):
        fine = fine and not deal.void and deal.waiting is None

        def do():
            record = self.get(Contract, deal.key)
            records.update(self.world.call, record, values, seen=None)
            return approval.changes_asked(self.world.session)

        asked = self.try_("sales", do)
        if asked is True:  # nothing differs
            return
        assert (asked is not None) == fine, (values, asked)
        if asked:
            deal.waiting = (asked[0], amount, plan, rows)

    @precondition(lambda self: any(deal.waiting for deal in self.deals))
    @rule(yes=st.sampled_from((True, True, False)), door=DOOR)
    def decide(self, yes, door):
        deal = next(deal for deal in self.deals if deal.waiting)
        request, amount, plan, rows = deal.waiting
        verb = "approve" if yes else "reject"
        done = self.say(request, verb, door)
        assert done == (not yes or deal.stands(amount, plan)), (amount, plan)
        if done:
            deal.waiting = None
            if yes:
                if amount != deal.amount:
                    deal.touched()
                self.planned(deal, amount, plan, rows=rows)

    def say(self, request, verb, door):
        """Decide as the reviewer; tell whether it was done."""
        if door == "service":
            try:
                self.world.decided(request, verb=verb, comment="意见")
            except Refused:
                return False
            return True
        page = self.doors.get("reviewer", f"/admin/request/?id={request}").get_data(as_text=True)
        form = Forms(page).with_field("seen", id=str(request))
        form |= {"verb": verb, "comment": "意见"}
        return self.post("reviewer", "/admin/inbox/decide/", form)

    @rule(n=N, door=DOOR)
    def void(self, n, door):
        deal = self.deal(n)
        if n % 4 or deal.waiting is not None:
            return
        if door == "page":
            path = f"/admin/contract/void/?id={deal.key}"
            made = self.fill("sales", path, {"comment": "终止"})
            made = made and self.pending(deal)
        else:
            made = self.try_(
                "sales",
                lambda: (
                    approval.ask_void(
                        self.world.call, self.get(Contract, deal.key), reason="终止"
                    ).id
                ),
            )
        assert bool(made) == (not deal.void)
        if made:
            assert self.say(made, "approve", door)
            deal.end()

    def pending(self, deal):
        """Return the key of what is asked for of a contract."""
        self.world.be("reviewer")
        mine = sa.select(sa.func.max(ApprovalRequest.id)).where(
            ApprovalRequest.noun == "contract", ApprovalRequest.record_id == deal.key
        )
        return self.world.session.scalar(mine)

    # -- money -------------------------------------------------------------------------------

    @rule(n=N, amount=SUMS, day=DAYS, door=DOOR)
    def register(self, n, amount, day, door):
        deal = self.deal(n)
        fine = deal.takes(amount) and (amount > 0 or -amount <= deal.paid)
        if door == "service":
            values = {"contract_id": deal.key, "amount": amount, "paid_on": day}
            done = self.try_("finance", lambda: self.world.create(Payment, **values).id)
        else:
            form = {"contract_id": deal.key, "contract_id__id": deal.key, "method": "bank"}
            form |= {"amount": yuan(amount), "paid_on": day}
            done = self.post("finance", "/admin/payment/new/", form)
        assert bool(done) == fine
        if done:
            key = self.last(Payment, deal)
            deal.money[key] = Money(key, amount, day)
            deal.touched()
            deal.lay()

    @some("money")
    @rule(n=N, amount=SUMS, day=DAYS, door=DOOR)
    def mend(self, n, amount, day, door):
        deal, money = self.one("money", n)
        if (money.amount, money.day) == (amount, day):
            return
        fine = money.state == "registered" and (
            amount > 0 or amount == money.amount or -amount <= deal.paid
        )
        values = {"amount": amount, "paid_on": day}
        done = self.write("finance", Payment, money.key, values, door)
        assert bool(done) == fine
        if done:
            if amount != money.amount:
                deal.touched()
            if (amount > 0) != (money.amount > 0):
                money.hand = set()
            money.amount, money.day = amount, day
            deal.lay()

    @some("money")
    @rule(n=N, door=st.sampled_from(("service", "page", "bulk")))
    def confirm(self, n, door):
        deal, money = self.one("money", n)
        fine = money.state == "registered" and deal.takes(money.amount)
        fine = fine and (money.amount > 0 or -money.amount <= deal.paid)
        over = money.amount > 0 and deal.paid + money.amount > deal.amount
        if door == "bulk":
            done = self.in_bulk(money.key)
            fine = fine and not over
        elif door == "page":
            done = self.post("finance", "/admin/payment/confirm/", {"id": money.key})
        else:
            done = self.move(payment.confirm, money.key)
        assert bool(done) == fine, (money, deal.paid)
        if done:
            money.state = "confirmed"
            deal.touched()
            deal.lay(money.key)

    def in_bulk(self, key):
        with self.world.acting("finance"):
            job = jobs.open_job(self.world.call, money_bulk.confirming(self.world.actor))
            jobs.add(self.world.session, job, [(key, None)])
            runner.run(self.world.call, job)
            return job.items[0].state is ItemState.done

    def move(self, verb, key):
        return self.try_("finance", lambda: verb(self.world.call, self.get(Payment, key)))

    @some("money")
    @rule(n=N, door=DOOR)
    def reverse(self, n, door):
        deal, money = self.one("money", n)
        fine = money.confirmed and (money.amount < 0 or deal.paid >= money.amount)
        if door == "page":
            done = self.post("finance", "/admin/payment/reverse/", {"id": money.key})
        else:
            done = self.move(payment.reverse, money.key)
        assert bool(done) == fine, money
        if done:
            money.state = "reversed"
            deal.touched()
            deal.lay()

    @some("money")
    @rule(n=N, shares=st.lists(st.sampled_from((0, 1, 50, 100, 101)), max_size=3), door=DOOR)
    def lay(self, n, shares, door):
        """By hand: hundredths of what each instalment can take; none: first in, first out."""
        deal, money = self.one("money", n)
        sign = -1 if money.amount < 0 else 1
        room = {}
        for line in deal.lines:
            others = deal.others(line, money)
            room[line.key] = max(others if sign < 0 else line.amount - others, 0)
        typed = {
            line.key: room[line.key] * share // 100 + (share > 100)
            for line, share in zip(deal.lines, shares, strict=False)
        }
        typed = {key: amount for key, amount in typed.items() if amount}
        least = sign < 0 or all(
            deal.others(line, money) + typed.get(line.key, 0) >= 0 for line in deal.lines
        )
        fine = money.state != "reversed" and least and sum(typed.values()) <= abs(money.amount)
        fine = fine and all(amount <= room[key] for key, amount in typed.items())
        if door == "page":
            self.world.be("finance")
            version = self.get(Payment, money.key).row_version
            form = {f"part-{key}": yuan(amount) for key, amount in typed.items()}
            form |= {"id": money.key, "row_version": version}
            done = self.post("finance", "/admin/payment/allocate/", form)
        else:
            done = self.try_(
                "finance",
                lambda: hand.allocate(
                    self.world.call, self.get(Payment, money.key), typed, seen=None
                ),
            )
        assert bool(done) == fine, (money, typed, room)
        if done:
            money.parts = {key: sign * amount for key, amount in typed.items()}
            money.hand = set(money.parts)
            deal.lay()

    # -- the law -----------------------------------------------------------------------------

    @invariant()
    def every_figure_is_the_ledgers(self):
        if not self.deals:
            return
        self.steps += 1
        self.world.be("finance")
        for deal in self.deals:
            self.rows(deal)
        compare(self.world, self.customer, self.deals, TODAY, whole=self.steps % 8 == 1)

    def rows(self, deal):
        session = self.world.session
        part, paid = PaymentAllocation.__table__, Payment.__table__
        shares = sa.select(part.c.payment_id, part.c.plan_id, part.c.amount).where(
            part.c.payment_id.in_(sa.select(paid.c.id).where(paid.c.contract_id == deal.key))
        )
        found = {}
        for key, line, amount in session.execute(shares):
            found.setdefault(key, {})[line] = amount
        for money in deal.money.values():
            if money.state != "reversed":
                assert found.get(money.key, {}) == money.parts, money
        query = sa.select(paid.c.id, paid.c.amount, paid.c.state).where(
            paid.c.contract_id == deal.key
        )
        told = {(row.id, row.amount, row.state.name) for row in session.execute(query)}
        assert told == {(m.key, m.amount, m.state) for m in deal.money.values()}


def run(databases, kind, examples, steps):
    with databases.lent(kind, seed_people) as app, World(app) as world:
        SHARED.update(world=world, doors=Doors(world))
        run_state_machine_as_test(
            Books,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_figure_is_that_of_a_plain_ledger(databases, kind):
    run(databases, kind, examples=4, steps=20)


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_every_figure_is_that_of_a_plain_ledger_a_thousand_times(databases, kind):
    run(databases, kind, examples=1000, steps=40)
