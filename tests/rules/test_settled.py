"""Whether an instalment is paid is said once: page, grid, filter and sorting agree, void too."""

import datetime as dt

import sqlalchemy as sa

from models.deals.contract import Contract
from models.deals.payment import Payment
from services import approval
from services.deals import payment
from services.deals.progress import figures
from services.receivables import measures
from tests.support.visitors import Doors

DAY = dt.date(2026, 11, 23)
DUES = (dt.date(2026, 10, 1), dt.date(2026, 11, 1))


def paid_in(world, contract):
    """Return how many instalments are paid as the page and as the sorting of the grid say."""
    world.be("finance")
    record = world.get(Contract, contract)
    shown = figures(world.session, [record], day=DAY)[contract].settled
    asked = measures.sorts(Contract, DAY)["plans"].where(Contract.__table__.c.id == contract)
    return shown, world.session.execute(asked).one().value


def test_what_is_paid_of_a_contract_in_force_and_of_a_void_one_is_said_once(world):
    plan = [{"amount": 100_00, "due_on": day} for day in DUES]
    key = world.contract(world.approved(), amount=200_00, plan=plan)
    contract = world.approved(model=Contract, key=key)
    with world.acting("finance"):
        made = world.create(Payment, contract_id=contract, amount=150_00, paid_on=DAY)
        payment.confirm(world.call, made)
    assert paid_in(world, contract) == (1, 1)
    assert found(world, "f.plans=1")
    assert found(world, "f.late=1")

    with world.acting("sales"):
        asked = approval.ask_void(world.call, world.get(Contract, contract), reason="终止").id
    world.decided(asked)
    assert paid_in(world, contract) == (0, 0)
    assert found(world, "f.plans=0")
    assert found(world, "f.late=0")


def test_a_confirmation_that_moves_nothing_is_read_at_once(world):
    """What was laid stays where it is, yet now it settles: rows in memory must not hide it."""
    key = world.contract(world.approved(), amount=100_00)
    contract = world.approved(model=Contract, key=key)
    with world.acting("finance"):
        made = world.create(Payment, contract_id=contract, amount=100_00, paid_on=DAY).id
    with world.acting("finance"):
        record = world.get(Contract, contract)
        assert [line.settled for line in record.plan] == [0]
        payment.confirm(world.call, world.get(Payment, made))
        assert figures(world.session, [record], day=DAY)[contract].settled == 1


def found(world, query):
    """Tell whether the grid of contracts finds the only contract there is."""
    page = Doors(world).get("finance", f"/admin/contract/?{query}").get_data(as_text=True)
    world.be("finance")
    code = world.session.scalars(sa.select(Contract.code)).one()
    return code in page
