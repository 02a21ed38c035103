"""Partial deliveries by quantity: never more than is sold, the last ticks the delivering step."""

import datetime as dt
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.bulk.batch import ItemState
from models.core.base import db
from models.deals.contract import Contract, ContractLine
from models.deals.delivery_note import DeliveryLine, DeliveryNote
from models.deals.order import MilestoneState, Order, OrderMilestone
from models.sales.product import Product
from services import approval
from services.bulk import jobs, record_verbs, runner
from services.core.errors import Forbidden, Invalid, Refused
from services.deals.order import goods, opening
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
    return [goods.plain(one.open) for one in goods.standings(world.session, contract)]


def shipped(world, order):
    """Return the day the delivering step of an order was done, None while it is planned."""
    world.be("admin")
    (step,) = [one for one in world.get(Order, order).milestones if one.delivers]
    assert (step.state is MilestoneState.done) == (step.done_on is not None)
    return step.done_on


def rub_out(world, note):
    with world.acting("office"):
        records.remove(world.call, world.get(DeliveryNote, note), seen=None)


def put_back(world, note):
    """Take a note out of the recycle bin; return the code and the words of what became of it."""
    with world.acting("admin"):
        job = jobs.open_job(world.call, record_verbs.restoring("deliverynote", by=world.call.by))
        jobs.add(world.session, job, [(note, None)])
        runner.run(world.call, job)
        (item,) = job.items
        return item.state, item.message


def asked(world, contract, rows):
    """Ask for other lines of a contract; return the request."""
    with world.acting("sales"):
        row = world.get(Contract, contract)
        lines = [
            {"product_id": key, "quantity": Decimal(n), "price": 1_00, "discount_bp": 10_000}
            for key, n in rows
        ]
        records.update(world.call, row, {"lines": lines}, seen=row.row_version)
        return approval.changes_asked(world.session)[0]


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
    assert shipped(world, order) == DAY  # when the last goods went out, in whatever order entered
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


def test_a_deleted_note_comes_back_only_while_there_is_room(world):
    order, pump, _pipe = sold(world)
    first = send(world, order, (pump, "3"))
    rub_out(world, first)
    second = send(world, order, (pump, "4"))

    state, why = put_back(world, first)

    assert state is ItemState.failed
    assert "最多还能发 0" in why
    assert open_of(world, order) == ["0", "2.5"]
    rub_out(world, second)
    assert put_back(world, first)[0] is ItemState.done
    assert open_of(world, order) == ["1", "2.5"]


def test_no_change_of_a_contract_sells_less_than_went_out(world):
    order, pump, pipe = sold(world)
    world.be("admin")
    contract = world.get(Order, order).contract_id
    request = asked(world, contract, [(pump, "2"), (pipe, "2.5")])
    send(world, order, (pump, "3"))

    with pytest.raises(Refused, match="已发 3") as late:
        world.decided(request)
    assert late.value.code == "NO_LONGER_WHOLE"
    world.decided(request, verb="reject", comment="已发货")
    for rows in ([(pump, "2"), (pipe, "9")], [(pipe, "2.5")], []):
        with pytest.raises(Invalid) as refusal:
            asked(world, contract, rows)
        assert "lines" in refusal.value.errors
    world.decided(asked(world, contract, [(pump, "3"), (pipe, "1")]))
    assert open_of(world, order) == ["0", "1"]


def test_no_statement_sends_more_than_is_sold(world):
    order, pump, pipe = sold(world)
    note, gone = (send(world, order, (pump, n)) for n in ("3", "1"))
    rub_out(world, gone)
    send(world, order, (pump, "1"), (pipe, "1"))
    world.session.rollback()
    line, sent, notes = ContractLine.__table__, DeliveryLine.__table__, DeliveryNote.__table__
    more = {"deliverynote_id": note, "ordinal": 2, "product_id": pump, "quantity": Decimal(1)}

    for statement in (
        sa.update(line).where(line.c.product_id == pump).values(quantity=Decimal(1)),
        sa.update(line).where(line.c.product_id == pump).values(product_id=pipe),
        sa.delete(line).where(line.c.product_id == pump),
        sa.insert(sent).values(more),
        sa.update(sent).where(sent.c.deliverynote_id == note).values(quantity=Decimal(9)),
        sa.update(notes).where(notes.c.id == gone).values(deleted_at=None),
    ):
        with pytest.raises(sa.exc.IntegrityError), db.engine.begin() as connection:
            connection.execute(statement)
    assert open_of(world, order) == ["0", "1.5"]


def test_the_delivering_step_follows_every_door(world):
    order, pump, pipe = sold(world)
    contract = world.get(Order, order).contract_id
    first = send(world, order, (pump, "4"), delivered_on=DAY - dt.timedelta(days=5))
    last = send(world, order, (pipe, "2.5"))
    assert shipped(world, order) == DAY

    with world.acting("office"):
        row = world.get(DeliveryNote, last)
        earlier = {"delivered_on": DAY - dt.timedelta(days=2)}
        records.update(world.call, row, earlier, seen=row.row_version)
    assert shipped(world, order) == DAY - dt.timedelta(days=2)
    rub_out(world, first)
    assert shipped(world, order) is None
    put_back(world, first)
    assert shipped(world, order) == DAY - dt.timedelta(days=2)
    with world.acting("office"):
        row = world.get(DeliveryNote, last)
        fewer = {"lines": [{"product_id": pipe, "quantity": Decimal(1)}]}
        records.update(world.call, row, fewer, seen=row.row_version)
    assert shipped(world, order) is None
    world.decided(asked(world, contract, [(pump, "4"), (pipe, "1")]))
    assert shipped(world, order) == DAY - dt.timedelta(days=2)
    world.decided(asked(world, contract, [(pump, "5"), (pipe, "1")]))
    assert shipped(world, order) is None


def test_all_orders_of_a_contract_are_shipped_when_nothing_is_left(world):
    order, pump, pipe = sold(world)
    with world.acting("office"):
        contract = world.get(Contract, world.get(Order, order).contract_id)
        second = opening.add(world.call, contract, None).id
    before = DAY - dt.timedelta(days=3)
    send(world, order, (pump, "4"), delivered_on=before)
    assert [shipped(world, one) for one in (order, second)] == [None, None]

    note = send(world, second, (pipe, "2.5"))

    assert [shipped(world, one) for one in (order, second)] == [before, DAY]
    rub_out(world, note)
    assert [shipped(world, one) for one in (order, second)] == [None, None]


def test_a_step_that_a_person_ticked_is_not_opened_by_deliveries(world):
    order, pump, pipe = sold(world)
    with world.acting("office"):
        mine = sa.select(OrderMilestone).filter_by(order_id=order, delivers=True)
        step = world.session.scalars(mine).one()
        records.update(world.call, step, {"done_on": DAY - dt.timedelta(days=1)}, seen=None)
    note = send(world, order, (pump, "4"), (pipe, "2.5"))
    assert shipped(world, order) == DAY - dt.timedelta(days=1)

    rub_out(world, note)

    assert shipped(world, order) == DAY - dt.timedelta(days=1)
