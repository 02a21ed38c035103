"""Every figure people read of one customer's contracts, beside what a plain ledger says."""

import sqlalchemy as sa

from dashboards.pages import SUMMARIES
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.payment import Payment
from services.deals.contract import open_amount
from services.deals.order import punctuality
from services.deals.progress import figures
from services.portrait.now import portrait
from services.query.beside import Question, of
from services.receivables import measures
from services.receivables.measures import OF_CONTRACT, OF_ORDER
from services.rights.actor import SYSTEM
from tests.support.ledger import totals
from tests.support.ledger_orders import share

STILL = {"opportunities": ("count", "amount"), "visits": ("visits",), "followups": ("records",)}


def compare(world, customer, deals, day, *, whole):
    """Compare contracts and plans; on the `whole` the customer, the filters and six summaries."""
    contracts = [world.get(Contract, deal.key) for deal in deals]
    found = figures(world.session, contracts, day=day)
    for deal, contract in zip(deals, contracts, strict=True):
        _contract(world, deal, contract, found[deal.key], day)
    if whole:
        _filters(world, deals, day)
        _grids(world, deals, day)
        _customer(world, customer, deals, day)
        _summaries(world, customer, deals, day)


def _contract(world, deal, contract, one, day):
    got = deal.settled()
    assert contract.amount == deal.amount == one.amount
    assert [line.line.id for line in one.plan] == [line.key for line in deal.lines]
    assert [line.line.amount for line in one.plan] == [line.amount for line in deal.lines]
    assert sum(line.line.amount for line in one.plan) == deal.amount
    assert [line.settled for line in one.plan] == [got[line.key] for line in deal.lines]
    assert (one.paid, one.invoiced) == (deal.paid, deal.issued)
    late = deal.late(day)
    assert sorted(line.days for line in one.overdue) == sorted(days for _rest, days in late)
    assert sum(line.open for line in one.overdue) == sum(rest for rest, _days in late)
    done = [line for line in deal.lines if got[line.key] >= line.amount]
    assert one.settled == (0 if deal.void else len(done))
    assert one.unallocated == max(deal.paid - sum(got.values()), 0)
    assert one.beyond == max(deal.paid - deal.amount, 0)
    open_ = sum(line.amount - min(got[line.key], line.amount) for line in deal.lines)
    assert sum(amount for _caption, amount in one.ages) == (0 if deal.void else open_)
    assert open_amount(world.session, deal.key) == deal.amount - deal.paid
    _site(world, deal, contract, one, day)


def _site(world, deal, contract, one, day):
    """The orders of a contract, their steps, the three axes and what of each is overdue."""
    assert contract.state.name == deal.state
    orders = world.session.scalars(sa.select(Order).where(Order.contract_id == deal.key)).all()
    assert {order.id: order.state.name for order in orders} == {
        job.key: job.state for job in deal.jobs.values()
    }
    told = {
        step.id: (step.state.name, step.planned_on, step.done_on, step.agreed_on)
        for order in orders
        for step in order.milestones
    }
    assert told == {
        s.key: (s.state, s.planned, s.done, s.agreed) for j in deal.jobs.values() for s in j.steps
    }
    axes = (deal.delivery, share(deal.issued, deal.amount), share(deal.paid, deal.amount))
    assert (one.delivery, one.invoicing, one.collection) == axes
    late = deal.late_steps(day)
    assert (one.late_delivery.count, one.late_delivery.days) == (len(late), max(late, default=0))
    bare = deal.unbilled(day)
    late_bills = one.late_invoicing
    assert (late_bills.count, late_bills.amount) == (len(bare), sum(rest for rest, _days in bare))
    assert late_bills.days == max((days for _rest, days in bare), default=0)


def _filters(world, deals, day):
    """What a grid of contracts is filtered by beside its fields."""
    asked = of(Contract)
    for deal in deals:
        got = deal.settled()
        done = sum(got[line.key] >= line.amount for line in deal.lines)
        wanted = {"plans": 0 if deal.void else done, "late": len(deal.late(day))}
        for key, value in wanted.items():
            clause = asked[key].clause(Question(world.session, "eq", value, world.now))
            query = sa.select(Contract.id).where(Contract.id == deal.key, clause)
            assert world.session.scalar(query) == deal.key, (key, value)


def _customer(world, customer, deals, day):
    record = world.get(Customer, customer)
    late = [one for deal in deals for one in direct_late(deal, day)]
    assert portrait(world.session, record, now=world.now).overdue == sum(late)
    done = [days for d in deals if not d.void for job in d.running for days in job.judged(day)]
    found = punctuality.of_customer(world.session, customer, day)
    assert (found.judged, found.late, found.days) == (len(done), sum(map(bool, done)), sum(done))


def _grids(world, deals, day):
    """What the columns of the grids of contracts, orders and payments say."""
    told = measures.told(world.session, Contract, [d.key for d in deals], day, set(OF_CONTRACT))
    for deal in deals:
        late, got = deal.late(day), deal.settled()
        direct = [deal.direct(line) >= line.amount for line in deal.lines]
        wanted = {
            "plans": 0 if deal.void else sum(direct),
            "paid": share(deal.paid, deal.amount),
            "invoiced": share(deal.issued, deal.amount),
            "delivered": deal.delivery,
            "overdue": sum(direct_late(deal, day)),
            "days": max((days for _rest, days in late), default=0),
            "late_delivery": max(deal.late_steps(day), default=0),
            "late_invoicing": sum(rest for rest, _days in deal.unbilled(day)),
            "unbilled": max(deal.paid - deal.issued, 0),
            "uncollected": max(deal.issued - deal.paid, 0),
        }
        assert {key: told[key][deal.key].value for key in told} == wanted, got
        assert told["plans"][deal.key].whole == len(deal.lines)
    jobs = {job.key: (deal, job) for deal in deals for job in deal.jobs.values()}
    told = measures.told(world.session, Order, list(jobs), day, set(OF_ORDER))
    for key, (deal, job) in jobs.items():
        counted = [s for s in job.steps if s.state != "skipped"]
        done = sum(s.weight for s in counted if s.state == "done")
        wanted = {
            "steps": sum(s.state == "done" for s in job.steps),
            "progress": share(done, sum(s.weight for s in counted)),
            "days": max(job.late(day), default=0),
            "invoiced": share(deal.issued, deal.amount),
            "paid": share(deal.paid, deal.amount),
            "overdue": sum(direct_late(deal, day)),
        }
        assert {name: told[name][key].value for name in told} == wanted
    for deal in deals:
        for money in deal.money.values():
            rest = money.amount - sum(money.parts.values())
            clause = of(Payment)["rest"].clause(
                Question(world.session, "eq", 0 if money.state == "reversed" else rest, world.now)
            )
            query = sa.select(Payment.id).where(Payment.id == money.key, clause)
            assert world.session.scalar(query) == money.key, money


def direct_late(deal, day):
    """Return what is open of overdue instalments by allocations alone."""
    rest = [line.amount - deal.direct(line) for line in deal.lines if line.due < day]
    return [] if deal.void else [one for one in rest if one > 0]


def _summaries(world, customer, deals, day):
    world.be(SYSTEM)
    period = {"from": ["2026-01-01"], "to": ["2027-12-31"], "customer": [str(customer)]}
    wanted = totals(
        deals, day, (day.replace(month=1, day=1), day.replace(year=2027, month=12, day=31))
    )
    told = {}
    for key, summary in SUMMARIES.items():
        query = summary.query(period, now=world.now)
        told[key] = summary.read(world.session, world.actor, query).totals
    for name in ("due", "settled", "overdue", "overdue_lines", "surplus", "cash"):
        assert told["collections"][name] == wanted[name], name
    assert (
        told["collections"]["due"] == told["collections"]["settled"] + told["collections"]["open"]
    )
    for name in ("contracts", "amount", "collected", "unpaid", "cash"):
        assert told["performance"][name] == wanted[name], name
    force = [deal for deal in deals if not deal.void]
    assert told["tracking"]["contract_amount"] == sum(deal.amount for deal in force)
    assert told["tracking"]["unpaid"] == sum(max(d.amount - d.paid, 0) for d in force)
    for key, names in STILL.items():
        assert all(not told[key].get(name) for name in names), (key, told[key])
