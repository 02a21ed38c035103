"""A company whose six summaries were worked out by hand, written straight into the tables.

Everything here is approved unless said otherwise. Amounts in 分. `sales2` signed the first
contract of 甲公司 and handed the customer over to `sales`, who signed the second one.
"""

import datetime as dt

import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerClass, CustomerStatus, Level
from models.deals.contract import Contract, ContractState, ContractType
from models.deals.payment import Payment, PaymentAllocation, PaymentMethod, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.people.user import User
from models.sales.follow_up import FollowUp, FollowUpKind, Origin
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from models.sales.stage import Stage, StageHistory, StageKind
from tests.support.apps import behind
from tests.support.world import NOW, World, seed_people

AT = dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC)


def day(text):
    return dt.date.fromisoformat(text)


def moment(text):
    """Return a Shanghai time as an instant."""
    return dt.datetime.fromisoformat(f"{text}+08:00")


class Books:
    """Short ways to write rows with the stamps that a test wants."""

    def __init__(self, connection):
        self.connection = connection
        user = User.__table__
        rows = connection.execute(sa.select(user.c.name, user.c.id, user.c.department_id))
        self.people = {name: (key, place) for name, key, place in rows}
        stage = Stage.__table__
        self.stages = dict(connection.execute(sa.select(stage.c.code, stage.c.id)).all())
        self.n = 0

    def add(self, model, **values):
        table = model.__table__
        stamp = {"created_at": AT, "updated_at": AT, "row_version": 1}
        row = {k: v for k, v in (stamp | values).items() if k in table.c}
        return self.connection.execute(sa.insert(table).values(**row)).inserted_primary_key[0]

    def number(self, prefix):
        self.n += 1
        return f"{prefix}-{self.n:04}"

    def reviewed(self, prefix, approval=Approval.approved):
        decided = AT if approval is Approval.approved else None
        return {"code": self.number(prefix), "approval": approval, "decided_at": decided}

    def customer(self, company, owner="sales", **values):
        key, place = self.people[owner]
        known = {"owner_id": key, "created_owner_id": key, "created_department_id": place}
        defaults = {"customer_class": CustomerClass.high_value, "status": CustomerStatus.contacting}
        return self.add(
            Customer, company=company, **(self.reviewed("KH") | known | defaults | values)
        )

    def contract(self, customer, signer, amount, signed, lines=(), **values):
        """Write a contract; `lines` are (amount, due, owner)."""
        key, place = self.people[signer]
        found = self.add(
            Contract,
            **(
                self.reviewed("HT")
                | {
                    "name": f"供货合同{self.n}",
                    "customer_id": customer,
                    "signer_id": key,
                    "signer_department_id": place,
                    "owner_id": key,
                    "amount": amount,
                    "signed_on": day(signed),
                    "state": ContractState.active,
                    "type": ContractType.sale,
                }
                | values
            ),
        )
        plan = [
            self.add(
                PaymentPlan,
                contract_id=found,
                ordinal=n,
                amount=part,
                due_on=day(due),
                owner_id=self.people[owner][0],
                owner_department_id=self.people[owner][1],
            )
            for n, (part, due, owner) in enumerate(lines, 1)
        ]
        return found, plan

    def payment(self, customer, contract, amount, paid, owner, parts=(), **values):
        """Write a confirmed payment; `parts` are (plan line, amount)."""
        key, place = self.people[owner]
        found = self.add(
            Payment,
            **(
                {
                    "code": self.number("HK"),
                    "customer_id": customer,
                    "contract_id": contract,
                    "amount": amount,
                    "paid_on": day(paid),
                    "owner_id": key,
                    "owner_department_id": place,
                    "method": PaymentMethod.wire,
                    "state": PaymentState.confirmed,
                    "confirmed_at": AT,
                }
                | values
            ),
        )
        for line, part in parts:
            self.add(PaymentAllocation, payment_id=found, plan_id=line, amount=part)
        return found

    def opportunity(self, customer, owner, created, amount, stage, **values):
        """Write an opportunity; `closed` and `closer` say when and for whom it was closed."""
        key, place = self.people[owner]
        closed, closer = values.pop("closed", None), self.people[values.pop("closer", owner)]
        state = {"won": StageKind.won, "lost": StageKind.lost}.get(stage, StageKind.open)
        closing = {
            "closed_on": day(closed) if closed else None,
            "closing_owner_id": closer[0] if closed else None,
            "closing_department_id": closer[1] if closed else None,
        }
        return self.add(
            Opportunity,
            **(
                self.reviewed("SJ")
                | {
                    "name": f"商机{self.n}",
                    "customer_id": customer,
                    "owner_id": key,
                    "created_owner_id": key,
                    "created_department_id": place,
                    "created_at": moment(created),
                    "stage_since": moment(created),
                    "amount": amount,
                    "stage_id": self.stages[stage],
                    "state": state,
                }
                | closing
                | values
            ),
        )

    def line(self, opportunity, product, subtotal):
        return self.add(
            OpportunityLine,
            opportunity_id=opportunity,
            product_id=product,
            ordinal=product,
            quantity=1,
            price=subtotal,
            discount_bp=10_000,
            subtotal=subtotal,
        )

    def follow_up(self, customer, owner, at, kind, then=None, **values):
        """Write a follow-up; `then` is the next date it plans."""
        key, place = self.people[owner]
        found = self.add(
            FollowUp,
            **(
                {
                    "customer_id": customer,
                    "owner_id": key,
                    "owner_department_id": place,
                    "at": moment(at),
                    "kind": FollowUpKind[kind],
                    "content": "沟通需求",
                    "origin": Origin.manual,
                }
                | values
            ),
        )
        if then:
            self.add(
                FollowUpPlan,
                customer_id=customer,
                owner_id=key,
                due_at=moment(then),
                kind=FollowUpKind.call,
                made_by_id=found,
            )
        return found


def seed_books(engine):
    """Fill a database with the company that tests/cockpits counts."""
    seed_people(engine)
    with behind(engine) as app, World(app) as world:
        world.approved("sales", company="丙公司")  # by the real service: leaves a row of approval
    with engine.begin() as connection:
        write(Books(connection))


def write(books):
    """Write the company; the comments are what tests/cockpits adds up."""
    first = books.customer("甲公司", level=Level.a, region_code="420111")
    second = books.customer("乙公司", "sales2", level=Level.b, region_code="310101")
    old = books.customer("丁公司", level=Level.d, status=CustomerStatus.lost)
    quiet = books.customer("戊公司", level=Level.a)
    books.customer("草稿公司", approval=Approval.draft, decided_at=None)
    _money(books, first, second)
    _deals(books, first, second)
    books.follow_up(
        first, "sales", "2026-10-10T10:00", "visit",
        started_at=moment("2026-10-10T10:00"), ended_at=moment("2026-10-10T10:30"),
    )  # fmt: skip
    books.follow_up(first, "sales", "2026-11-01T10:00", "call", then="2026-11-10T10:00")
    books.follow_up(
        first, "sales", "2026-11-20T09:00", "visit", then="2026-11-22T18:00",
        started_at=moment("2026-11-20T09:00"), ended_at=moment("2026-11-20T10:30"),
    )  # fmt: skip
    books.follow_up(second, "sales2", "2026-11-15T14:00", "reception", then="2026-11-23T12:00")
    books.follow_up(quiet, "sales", "2026-11-15T10:00", "call")
    books.follow_up(old, "sales", "2026-01-01T10:00", "call")


def _money(books, first, second):
    mine = books.people["sales"][0]
    k1, (l1, _l2) = books.contract(
        first, "sales2", 100_000_00, "2026-03-10",
        [(40_000_00, "2026-03-10", "sales2"), (60_000_00, "2026-11-22", "sales")], owner_id=mine,
    )  # fmt: skip
    k2, _none = books.contract(first, "sales", 50_000_00, "2026-05-20")
    books.contract(
        second, "sales2", 30_000_01, "2026-11-23",
        [(10_000_00, "2026-11-23", "sales2"), (20_000_01, "2026-12-23", "sales2")],
    )  # fmt: skip
    void, _none = books.contract(second, "sales2", 999_00, "2026-06-01", state=ContractState.void)
    k5, (l5,) = books.contract(
        first, "sales2", 7_000_00, "2025-12-31", [(7_000_00, "2026-01-15", "sales2")],
        owner_id=mine, state=ContractState.done,
    )  # fmt: skip
    draft = {"approval": Approval.draft, "decided_at": None, "state": ContractState.to_sign}
    books.contract(second, "sales2", 1_000_00, "2026-06-02", **draft)
    books.payment(first, k1, 30_000_00, "2026-03-20", "sales2", [(l1, 30_000_00)])
    books.payment(first, k1, 15_000_00, "2026-04-09", "sales2")
    books.payment(first, k2, 60_000_00, "2026-05-20", "sales")
    books.payment(first, k1, -2_000_00, "2026-06-01", "sales2")
    books.payment(
        first, k1, 1_000_00, "2026-06-02", "sales2",
        state=PaymentState.registered, confirmed_at=None,
    )  # fmt: skip
    books.payment(first, k5, 7_500_00, "2026-01-05", "sales2", [(l5, 7_000_00)])
    books.payment(second, void, 500_00, "2026-06-03", "sales2")


def _deals(books, first, second):
    pump, valve = (
        books.add(Product, code=code, name=name, price=100, unit="台", active=True)
        for code, name in (("P1", "水泵"), ("P2", "阀门"))
    )
    won = books.opportunity(
        first, "sales2", "2026-02-01T10:00", 100_000_00, "won", closed="2026-04-15", closer="sales"
    )
    books.line(won, pump, 60_000_00)
    books.line(won, valve, 40_000_00)
    lost = books.opportunity(
        first, "sales", "2026-03-01T10:00", 20_000_00, "lost", closed="2026-05-05"
    )
    books.line(lost, pump, 20_000_00)
    books.add(
        StageHistory,
        opportunity_id=lost,
        from_stage_id=books.stages["quote"],
        to_stage_id=books.stages["lost"],
        at=AT,
    )
    books.opportunity(
        second, "sales2", "2026-06-01T10:00", 333_33, "need",
        probability=30, expected_on=day("2026-11-22"),
    )  # fmt: skip
    books.opportunity(second, "sales2", "2026-11-23T00:30", None, "contact")
    draft = {"approval": Approval.draft, "decided_at": None}
    books.opportunity(first, "sales", "2026-06-01T10:00", 5_000_00, "contact", **draft)


__all__ = ["NOW", "Books", "day", "moment", "seed_books"]
