"""Partial deliveries by quantity: never more than is sold, the last ticks the delivering step."""

import datetime as dt
from decimal import Decimal

import pytest

from models.deals.contract import Contract
from models.deals.delivery_note import DeliveryNote
from models.deals.order import MilestoneState, Order
from models.sales.product import Product
from services.core.errors import Forbidden, Invalid
from services.deals.order import deliveries
from services.deals.papers import making
from services.delivery.filestore import Store
from services.records import records
from tests.rules.test_papers import texts_of
from tests.support.visitors import Visitors
from tests.support.world import World

DAY = dt.date(2026, 11, 23)


def sold(world):
    """Return the keys of an order of 4 pumps and 2.5 m of pipe, and of both products."""
    with world.acting("admin"):
        goods = [
            world.create(Product, code=code, name=name, price=1_00).id
            for code, name in (("P1", "泵"), ("P2", "管"))
        ]
    amounts = zip(goods, ("4", "2.5"), strict=True)
    rows = [{"product_id": key, "quantity": Decimal(n), "price": 1_00} for key, n in amounts]
    world.approved(model=Contract, key=world.contract(world.approved(), lines=rows))
    world.be("admin")
    return world.session.query(Order).one().id, *goods


def send(world, order, *parts, who="sales", **values):
    rows = [{"product_id": key, "quantity": Decimal(n)} for key, n in parts]
    with world.acting(who):
        return world.create(DeliveryNote, order_id=order, lines=rows, **values).id


def refused(world, *told, **values):
    with pytest.raises(Invalid) as refusal:
        send(world, *told, **values)
    return refusal.value.errors


def open_of(world, order):
    world.be("admin")
    contract = world.get(Order, order).contract_id
    return [deliveries.plain(one.open) for one in deliveries.standings(world.session, contract)]


def test_what_is_left_goes_down_and_the_last_delivery_ticks_the_step(world):
    order, pump, pipe = sold(world)

    first = send(world, order, (pump, "3"))
    assert open_of(world, order) == ["1", "2.5"]
    assert "最多还能发 1" in str(refused(world, order, (pump, "1"), (pump, "0.5"))["lines"])
    with world.acting("sales"):
        row = world.get(DeliveryNote, first)
        lines = [{"product_id": pump, "quantity": Decimal(4)}]
        records.update(world.call, row, {"lines": lines}, seen=row.row_version)
    send(world, order, (pipe, "2.5"), delivered_on=DAY - dt.timedelta(days=1))

    assert open_of(world, order) == ["0", "0"]
    (step,) = [one for one in world.get(Order, order).milestones if one.delivers]
    assert (step.state, step.done_on) == (MilestoneState.done, DAY - dt.timedelta(days=1))
    codes = [one.code for one in world.session.query(DeliveryNote).order_by(DeliveryNote.id)]
    assert codes == ["YAV-FH-20261123-01", "YAV-FH-20261123-02"]


def test_nothing_else_goes_out_and_nobody_else_sends_it(world):
    order, pump, _pipe = sold(world)
    with world.acting("admin"):
        other = world.create(Product, code="P9", name="阀").id

    assert "没有这个产品" in str(refused(world, order, (other, "1"))["lines"])
    assert list(refused(world, order)) == ["lines"]
    later = DAY + dt.timedelta(days=1)
    assert list(refused(world, order, (pump, "1"), delivered_on=later)) == ["delivered_on"]
    for who in ("reviewer", "finance"):
        with pytest.raises(Forbidden):
            send(world, order, (pump, "1"), who=who)
    assert list(refused(world, order, (pump, "1"), who="sales2")) == ["order_id"]
    with world.acting("admin"):
        world.get(Order, order).state = "cancelled"
    assert list(refused(world, order, (pump, "1"))) == ["order_id"]
    assert open_of(world, order) == ["4", "2.5"]


def test_a_deleted_note_gives_back_what_it_sent(small):
    order, pump, _pipe = sold(small)
    key = send(small, order, (pump, "4"))
    with small.acting("office"):
        records.remove(small.call, small.get(DeliveryNote, key), seen=None)

    assert open_of(small, order) == ["4", "2.5"]


def test_the_form_begins_with_what_is_left_and_the_paper_names_no_price(lite, tmp_path):
    with World(lite) as world:
        order, pump, _pipe = sold(world)
        note = send(world, order, (pump, "3"), receiver="李丽")
        world.be("sales")
        paper = making.PaperOrder(making.PaperKind.delivery, note, "docx")
        text = texts_of(making.make(world.call, Store(tmp_path), paper))
    who = Visitors(lite)

    form = who.get("sales", f"/admin/deliverynote/new/?order_id={order}").get_data(as_text=True)
    page = who.get("sales", f"/admin/order/details/?id={order}").get_data(as_text=True)

    assert 'name="lines-0-quantity" id="f-lines-0-quantity" value="1"' in " ".join(form.split())
    assert "YAV-FH-" in page
    assert "未发数量" in page
    for one in ("送货单", "泵", "3", "李丽"):
        assert one in text
    assert "1.00" not in text


def test_a_contract_without_lines_bounds_nothing_and_ticks_nothing(small):
    _order, pump, _pipe = sold(small)
    contract = small.approved(model=Contract, key=small.contract(small.approved()))
    small.be("admin")
    order = small.session.query(Order).filter_by(contract_id=contract).one().id

    send(small, order, (pump, "99"))

    small.be("admin")
    steps = small.get(Order, order).milestones
    assert {one.state for one in steps if one.delivers} == {MilestoneState.planned}
