"""A change that came back is taken up again where it was, not typed anew."""

import datetime as dt
import re

import pytest

from models.approval.request import ApprovalRequest
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from services.records import records
from tests.approval.flows import act
from tests.support.visitors import Visitors
from tests.support.world import World


@pytest.fixture
def back(lite):
    """Return an approved opportunity with a line, and the rejected change of its lines."""
    with World(lite) as world:
        key = world.approved()
        with world.acting("admin"):
            goods = world.create(Product, name="伺服电机", code="P-1", price=100_00).id
        lines = [{"product_id": goods, "quantity": 1, "price": 100_00, "discount_bp": 10_000}]
        deal = world.approved(
            model=Opportunity, key=world.opportunity(key, amount=100_00, lines=lines)
        )
        with world.acting("sales"):
            record = world.get(Opportunity, deal)
            more = [{**lines[0], "quantity": 7}]
            values = {"lines": more, "amount": 700_00}
            records.update(world.call, record, values, seen=None)
        world.be("sales")
        request = max(world.session.scalars(ApprovalRequest.__table__.select().with_only_columns(
            ApprovalRequest.__table__.c.id
        )))  # fmt: skip
        world.decided(request, verb="reject", comment="数量不对")
        world.now += dt.timedelta(days=1)
    return deal, request


def value_of(page, name):
    found = re.search(rf'name="{re.escape(name)}"[^>]*value="([^"]*)"', page)
    return found.group(1) if found else None


def test_a_rejected_change_is_in_the_form_again(lite, back):
    deal, request = back
    visitors = Visitors(lite)

    link = f"/admin/opportunity/edit/?id={deal}&amp;again={request}"
    assert link in visitors.get("sales", "/admin/created/").text
    assert link in visitors.get("sales", f"/admin/request/?id={request}").text
    plain = visitors.get("sales", f"/admin/opportunity/edit/?id={deal}").text
    again = visitors.get("sales", link.replace("&amp;", "&")).text

    assert value_of(plain, "amount") == "100.00"
    assert value_of(again, "amount") == "700.00"
    assert value_of(again, "lines-0-quantity") == "7"
    assert "数量不对" in again


@pytest.mark.parametrize("key", ["1", "0", "x", "99999999999"])
def test_anything_else_leaves_the_form_as_the_record_is(lite, back, key):
    page = Visitors(lite).get("sales", f"/admin/opportunity/edit/?id={back[0]}&again={key}")

    assert page.status_code == 200
    assert value_of(page.text, "amount") == "100.00"


def test_an_open_change_is_not_offered_again(lite, back):
    deal, _request = back
    with World(lite) as world:
        with world.acting("sales"):
            record = world.get(Opportunity, deal)
            records.update(world.call, record, {"amount": 100_00, "lines": record.lines and [
                    {"product_id": record.lines[0].product_id, "quantity": 2, "price": 50_00,
                     "discount_bp": 10_000}
                ]}, seen=None)  # fmt: skip
        world.be("sales")
        requests = world.session.scalars(
            ApprovalRequest.__table__.select().with_only_columns(ApprovalRequest.__table__.c.id)
        ).all()
        act(world, "sales", "comment", max(requests), text="请尽快")

    page = Visitors(lite).get("sales", f"/admin/opportunity/edit/?id={deal}&again={max(requests)}")

    assert page.status_code == 200
    assert value_of(page.text, "amount") == "100.00"
