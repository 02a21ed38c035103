"""What hangs on a contract is found by its number, its name and its customer, in every grid."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.deals.contract import Contract
from models.deals.delivery_note import DeliveryNote
from models.deals.invoice import Invoice
from models.deals.order import Order
from models.deals.payment import Payment
from tests.support import kept
from tests.support.visitors import Doors, Visitors

DAY = dt.date(2026, 11, 23)
GRIDS = ("paymentplan", "order", "payment", "invoice", "deliverynote", "milestone")
NAMES = ("能耗监测项目合同", "视觉质检项目合同")
FIRMS = ("武汉长江机械有限公司", "上海光谷仪表厂")
OTHER = {"primary.mobile": "13900001111"}


@kept.step
def hung(world):
    """Make two contracts with everything that hangs on them; return their numbers."""
    numbers = []
    for name, firm, more in zip(NAMES, FIRMS, ({}, OTHER), strict=True):
        plan = [{"amount": 100_00, "due_on": DAY}]
        owner = world.approved(company=firm, **more)
        made = world.contract(owner, name=name, plan=plan, amount=100_00)
        key = world.approved(model=Contract, key=made)
        with world.acting("finance"):
            world.create(Payment, contract_id=key, amount=10_00, paid_on=DAY)
            world.create(Invoice, contract_id=key, amount=10_00)
        world.be("admin")
        order = world.session.scalar(sa.select(Order.id).where(Order.contract_id == key))
        with world.acting("sales"):
            world.create(DeliveryNote, order_id=order)
        world.be("admin")
        numbers.append(world.get(Contract, key).code)
    return numbers


def found(doors, noun, words):
    """Return which of the two contracts' rows a grid shows for words, by their customers."""
    page = doors.get("admin", f"/admin/{noun}/?search={words}").text
    return page.count("<tr data-id")


@pytest.mark.parametrize("noun", GRIDS)
def test_it_is_found_by_number_name_and_customer(world, noun):
    numbers = hung(world)
    doors = Doors(world)
    every = found(doors, noun, "")
    assert every >= 2

    for n, number in enumerate(numbers):
        for words in (number, NAMES[n], NAMES[n][:4], FIRMS[n], f"{number} {FIRMS[n][:4]}"):
            assert 0 < found(doors, noun, words) < every, words
    assert found(doors, noun, f"{numbers[0]} {FIRMS[1]}") == 0
    assert found(doors, noun, "没有这份合同") == 0


@pytest.mark.parametrize("noun", GRIDS)
def test_who_does_not_see_the_contract_finds_nothing_by_it(world, noun):
    numbers = hung(world)
    doors = Doors(world)

    answer = doors.get("sales2", f"/admin/{noun}/?search={numbers[0]}")

    assert answer.status_code in {200, 403}
    assert "<tr data-id" not in answer.text


@pytest.mark.parametrize("noun", ["paymentplan", "order", "payment", "invoice"])
def test_the_box_says_what_it_looks_at(lite, noun):
    page = Visitors(lite).get("admin", f"/admin/{noun}/").text

    assert "合同、客户" in page.split('name="search"', 1)[1].split(">", 1)[0]
