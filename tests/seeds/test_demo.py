"""The demo company keeps every law a company of real people keeps, on both databases."""

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.base import Model
from models.core.mixins import Approval
from models.core.number import NumberCounter
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.order import Order
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.deals.payment_plan import PaymentPlan
from models.ownership.ownership import MoveKind, OwnershipMove
from models.people.user import User
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.stage import StageKind
from services.approval import REVIEWED, digest
from tests.support.told import NOW, demo

SEALS = {"salt", "seal"}  # of the audit log
PRIVATE = {"user_account"}  # password salts differ from run to run
pytestmark = pytest.mark.xdist_group("demo")  # told once a worker


def demo_again(engine):
    """Tell it a second time."""
    demo(engine)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def told(request, databases):
    with databases.fresh(request.param, demo) as url:
        engine = sa.create_engine(url)
        with engine.connect() as connection:
            yield connection
        engine.dispose()


def rows(connection, query):
    return connection.execute(query).all()


@pytest.mark.parametrize("noun", list(REVIEWED))
def test_what_is_approved_has_its_request_and_one_synced_follow_up(told, noun):
    record, request = REVIEWED[noun].__table__, ApprovalRequest.__table__
    follow_up = FollowUp.__table__
    approved = sa.select(record.c.id).where(record.c.approval == Approval.approved)
    asked = (
        sa.select(request.c.record_id)
        .select_from(request.join(follow_up, follow_up.c.request_id == request.c.id))
        .where(request.c.noun == noun, request.c.state == Approval.approved)
    )

    assert sorted(rows(told, approved)) == sorted(rows(told, asked)) != []


def test_requests_agree_with_records_events_and_frozen_payloads(told):
    request, event = ApprovalRequest.__table__, ApprovalEvent.__table__
    task = ApprovalTask.__table__
    for row in rows(told, sa.select(request)):
        assert row.payload_hash == digest(row.payload)
        record = REVIEWED[row.noun].__table__
        found = rows(told, sa.select(record).where(record.c.id == row.record_id))[0]
        if row.round == found.approval_round:
            assert found.approval == row.state
        said = rows(told, sa.select(event.c.decision).where(event.c.request_id == row.id))
        assert (Decision.submit,) in said
        mine = sa.select(task).where(task.c.request_id == row.id, task.c.state == TaskState.open)
        assert bool(rows(told, mine)) == (row.state is Approval.pending)


def test_every_state_of_a_customer_and_of_money_occurs(told):
    states = rows(told, sa.select(Customer.__table__.c.approval).distinct())
    kinds = rows(told, sa.select(Opportunity.__table__.c.state).distinct())

    assert {state for (state,) in states} == set(Approval)
    assert {kind for (kind,) in kinds} == set(StageKind)


def test_refunds_are_told_one_of_them_reversed_and_none_exceeds_what_came_in(told):
    payment = Payment.__table__
    back = sa.select(payment.c.state, sa.func.count()).where(payment.c.amount < 0)
    states = dict(rows(told, back.group_by(payment.c.state)))
    counted = payment.c.state == PaymentState.confirmed
    net = sa.select(payment.c.contract_id).where(counted).group_by(payment.c.contract_id)

    assert states[PaymentState.confirmed] >= 3
    assert states[PaymentState.reversed] == 1
    assert not rows(told, net.having(sa.func.sum(payment.c.amount) < 0))


def test_numbers_have_no_gaps_and_counters_stand_where_they_ended(told):
    nouns = {"order": Order, "payment": Payment, "invoice": Invoice, **REVIEWED}
    counted = sum(n for (n,) in rows(told, sa.select(NumberCounter.__table__.c.n)))
    codes = [
        code
        for model in nouns.values()
        for (code,) in rows(told, sa.select(model.__table__.c.code))
        if code
    ]

    assert len(codes) == len(set(codes)) == counted


def test_plans_sum_to_contracts_and_allocations_stay_within_lines(told):
    contract, plan = Contract.__table__, PaymentPlan.__table__
    part, payment = PaymentAllocation.__table__, Payment.__table__
    planned = sa.select(sa.func.sum(plan.c.amount)).where(plan.c.contract_id == contract.c.id)
    settled = (
        sa.select(sa.func.coalesce(sa.func.sum(part.c.amount), 0))
        .select_from(part.join(payment))
        .where(part.c.plan_id == plan.c.id, payment.c.state != PaymentState.reversed)
        .scalar_subquery()
    )

    assert not rows(
        told, sa.select(contract.c.id).where(contract.c.amount != planned.scalar_subquery())
    )
    assert not rows(told, sa.select(plan.c.id).where(settled > plan.c.amount))
    assert not rows(told, sa.select(plan.c.id).where(settled < 0))


def test_something_waits_for_reviewers_and_manager_and_something_was_rejected_before(told):
    task, user = ApprovalTask.__table__, User.__table__
    request, copy = ApprovalRequest.__table__, ApprovalCopy.__table__
    waiting = sa.select(user.c.email).select_from(user.join(task, task.c.assignee_id == user.c.id))
    names = {
        mail.split("@")[0] for (mail,) in rows(told, waiting.where(task.c.state == TaskState.open))
    }
    third = sa.select(request.c.id).where(request.c.state == Approval.pending, request.c.round == 3)
    unread = sa.select(sa.func.count()).select_from(copy.join(user, user.c.id == copy.c.user_id))

    assert {"reviewer", "reviewer2", "manager"} <= names
    assert rows(told, third)
    (number,) = rows(told, unread.where(user.c.email.like("sales@%"), copy.c.read_at.is_(None)))[0]
    assert number == 5


def test_a_suspected_duplicate_waits_with_its_reason(told):
    customer, mine, other = Customer.__table__, Contact.__table__, Contact.__table__.alias()
    query = (
        sa.select(customer.c.duplicate_note)
        .join(mine, mine.c.customer_id == customer.c.id)
        .join(other, other.c.mobile_key == mine.c.mobile_key)
        .where(customer.c.approval == Approval.pending, other.c.customer_id != customer.c.id)
    )

    ((reason,),) = rows(told, query)
    assert reason


def test_nothing_lies_ahead_of_the_end_of_the_story(told):
    for column in (
        FollowUp.__table__.c.at,
        ApprovalEvent.__table__.c.at,
        Customer.__table__.c.created_at,
    ):
        assert rows(told, sa.select(sa.func.max(column)))[0][0] <= NOW


def test_the_same_day_tells_the_same_story(databases):
    with databases.fresh("sqlite", demo) as one, databases.fresh("sqlite", demo_again) as two:
        first, second = (dict(tables(url)) for url in (one, two))

    assert first.keys() == second.keys()
    for name in first.keys() - PRIVATE:
        assert first[name] == second[name], name


def tables(url):
    """Yield every table with its rows, but for what is drawn by lot for each database."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        for name, table in Model.metadata.tables.items():
            columns = [one for one in table.c if one.name not in SEALS]
            yield name, sorted(map(repr, connection.execute(sa.select(*columns))))
    engine.dispose()


def test_nothing_is_decided_before_it_was_asked(told):
    task = ApprovalTask.__table__
    query = sa.select(sa.func.count()).where(task.c.decided_at < task.c.created_at)

    assert told.execute(query).scalar() == 0


def test_who_has_no_owner_was_given_back_by_the_last_one(told):
    customer, move = Customer.__table__, OwnershipMove.__table__
    nobody = sa.select(customer.c.id, customer.c.created_owner_id).where(
        customer.c.owner_id.is_(None), customer.c.approval == Approval.approved
    )
    gave = sa.select(move.c.customer_id, move.c.from_id).where(move.c.kind == MoveKind.release)

    assert sorted(rows(told, nobody)) == sorted(rows(told, gave)) != []
