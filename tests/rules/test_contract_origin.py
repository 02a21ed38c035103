"""A contract comes from its opportunity in one click, says how they differ, and wins it."""

import datetime as dt
from decimal import Decimal

import pytest

from models.deals.contract import Contract
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from models.sales.stage import Stage, StageHistory, StageKind
from services.core.errors import Forbidden, Invalid, Locked, NotVisible
from services.deals.lifecycle import origin
from services.records import records
from tests.support.visitors import Doors, Visitors
from tests.support.world import World


def deal(world, **values):
    """Return the key of an approved opportunity of sales@ with two lines, 2,280.00 together."""
    with world.acting("admin"):
        product = world.create(Product, code="P1", name="泵", price=100_00).id
    lines = [
        {"product_id": product, "quantity": Decimal(n), "price": 1_000_00, "discount_bp": part}
        for n, part in ((1, 10_000), (2, 6_400))
    ]
    key = world.opportunity(world.approved(), lines=lines, **values)
    return world.approved(model=Opportunity, key=key)


def begun(world, key, who="sales"):
    world.be(who)
    return origin.begun(world.call, key)


def contract_of(world, key, **changes):
    """Return the key of an approved contract made of what its form began with."""
    values = begun(world, key) | changes
    with world.acting("sales"):
        made = records.create(world.call, Contract, values).id
    return world.approved(model=Contract, key=made)


def stands(world, key):
    world.be("admin")
    found = world.get(Opportunity, key)
    return found.state, found.stage.code, found.closed_on


def test_a_contract_of_an_opportunity_wins_it_and_a_second_one_changes_nothing(world):
    key = deal(world)

    contract = contract_of(world, key)
    second = contract_of(world, key, name="增补合同")

    assert stands(world, key) == (StageKind.won, "won", dt.date(2026, 11, 23))
    moves = world.session.query(StageHistory).filter_by(opportunity_id=key)
    assert [one.to_stage.code for one in moves.order_by(StageHistory.id)] == ["contact", "won"]
    found = origin.kin(world.session, world.get(Contract, contract))[0]
    assert (found.contracts, found.signed, found.gap) == (2, 4_560_00, 2_280_00)
    assert world.get(Contract, second).opportunity_id == key
    assert world.get(Opportunity, key).closing_owner_id == world.id_of("sales")


def test_what_its_stage_or_the_won_stage_says_against_leaves_the_opportunity_open(world):
    kept, asked = (
        deal(world),
        world.approved(model=Opportunity, key=world.opportunity(world.approved())),
    )
    with world.acting("admin"):
        world.session.query(Stage).filter_by(code="contact").one().contract_wins = False
    contract_of(world, kept)
    assert stands(world, kept)[0] is StageKind.open

    with world.acting("admin"):
        world.session.query(Stage).filter_by(code="contact").one().contract_wins = True
        world.session.query(Stage).filter_by(code="won").one().requires = "竞争对手"
    contract_of(world, asked)

    assert stands(world, asked)[0] is StageKind.open
    world.be("sales")
    against = origin.why_not_won(
        world.call, world.get(Opportunity, asked), origin.won_stage(world.session)
    )
    assert "竞争对手" in against[0]


def test_nobody_begins_a_contract_of_what_is_not_his_not_approved_or_lost(world):
    key = deal(world)
    draft = world.opportunity(world.approved())

    for who, refusal in (("sales2", NotVisible), ("reviewer", Forbidden)):
        with pytest.raises(refusal):
            begun(world, key, who)
    with pytest.raises(Locked, match="审批"):
        begun(world, draft)
    customer = world.get(Opportunity, key).customer_id
    with world.acting("admin"):
        found = world.get(Opportunity, key)
        found.stage_id, found.state = world.stage("lost"), StageKind.lost
        found.closed_on = dt.date(2026, 11, 20)
    with pytest.raises(Locked, match="输单"):
        begun(world, key)
    with pytest.raises(Invalid) as refused:
        world.contract(customer, opportunity_id=key)
    assert "opportunity_id" in refused.value.errors


def test_one_click_leads_to_the_filled_form_and_the_difference_is_told(lite):
    with World(lite) as world:
        key = deal(world, name="产线改造")
        contract = contract_of(world, key, lines=[], amount=2_000_00)
    who = Visitors(lite)
    address = f"/admin/contract/new/?opportunity_id={key}"

    offered = who.get("sales", f"/admin/opportunity/details/?id={key}").get_data(as_text=True)
    page = who.get("sales", address).get_data(as_text=True)
    told = who.get("sales", f"/admin/contract/details/?id={contract}").get_data(as_text=True)
    english = {"signed_on": "2026-01-31", "terms": "30/60/10"}
    rows = who.get("sales", "/admin/contract/terms/", query_string=english).get_json()["rows"]
    refused = who.get("sales", "/admin/contract/terms/?terms=x&signed_on=2026-01-31")

    assert address in offered
    assert 'value="产线改造合同"' in page
    assert 'value="2280.00"' in page
    assert 'name="lines-1-product_id"' in page
    assert "王伟" in page
    assert 'data-deal="228000"' in page
    assert "相差 -280.00 元" in " ".join(told.split())
    assert [row["ratio_bp"] for row in rows] == ["30", "60", "10"]
    assert refused.status_code == 422
    assert who.get("sales2", address).status_code == 404
    assert who.get("reviewer", address).status_code == 403


def test_only_what_is_approved_or_in_approval_is_held_against_the_opportunity(world):
    key = deal(world)
    first = contract_of(world, key)
    with world.acting("sales"):
        values = begun(world, key) | {"name": "草稿", "lines": [], "amount": 1_00}
        draft = records.create(world.call, Contract, values).id
    with world.acting("sales"):
        values = begun(world, key) | {"name": "待审", "lines": [], "amount": 10_00}
        waiting = records.create(world.call, Contract, values).id
    world.submitted(model=Contract, key=waiting)
    again = world.contract(world.get(Contract, first).customer_id, opportunity_id=key)
    world.decided(world.submitted(model=Contract, key=again)[1], verb="reject", comment="不签")

    def compared(one):
        world.be("admin")
        found = origin.kin(world.session, world.get(Contract, one))[0]
        return found.contracts, found.pending, found.signed, found.pending_sum, found.gap

    assert compared(first) == compared(waiting) == (2, 1, 2_290_00, 10_00, 10_00)
    assert compared(draft) == (2, 1, 2_290_00, 10_00, 11_00)
    page = Doors(world).get("sales", f"/admin/contract/details/?id={draft}").get_data(as_text=True)
    told = "".join(page.split())
    assert "共2份合同，合计2290.00元" in told.replace("2,290", "2290")
    assert "已通过1份，审批中1份" in told
    assert "本合同草稿，未计入" in told
