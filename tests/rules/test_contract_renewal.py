"""A contract that ends is renewed: what its form begins with, what it may renew, who is told."""

import datetime as dt
from decimal import Decimal

import pytest

from models.deals.contract import Contract, ContractState
from models.sales.product import Product
from services.core.errors import Forbidden, Invalid, Locked, NotVisible
from services.deals.lifecycle import origin, renewal
from services.records import records
from tests.support.visitors import Visitors
from tests.support.world import World

START, END = dt.date(2025, 12, 21), dt.date(2026, 12, 20)


def ending(world, **changes):
    """Return the key of a contract in force with two lines that ends in 27 days."""
    dates = {"signed_on": START, "start_on": START, "end_on": END, "terms": "30/60/10"}
    customer = world.approved()
    with world.acting("admin"):
        product = world.create(Product, code=f"P{customer}", name="泵", price=100_00).id
    lines = [
        {"product_id": product, "quantity": Decimal(n), "price": 1_000_00, "discount_bp": part}
        for n, part in ((1, 10_000), (2, 6_400))
    ]
    with world.acting("sales"):
        made = world.contract(customer, lines=lines, amount=None, **(dates | changes))
    return world.approved(model=Contract, key=made)


def begun(world, key, who="sales"):
    world.be(who)
    return renewal.begun(world.call, key)


def renewed(world, key, **changes):
    values = begun(world, key) | changes
    with world.acting("sales"):
        return records.create(world.call, Contract, values).id


def test_it_carries_goods_and_terms_into_the_next_year(world):
    key = ending(world)

    made = world.approved(model=Contract, key=renewed(world, key))

    world.be("admin")
    new, old = world.get(Contract, made), world.get(Contract, key)
    assert (new.renews_id, new.customer_id, new.owner_id) == (key, old.customer_id, old.owner_id)
    assert (new.start_on, new.end_on) == (dt.date(2026, 12, 21), dt.date(2027, 12, 20))
    assert (new.amount, new.opportunity_id, new.state) == (
        old.amount, None, ContractState.active,
    )  # fmt: skip
    assert [(one.product_id, one.quantity, one.price, one.discount_bp) for one in new.lines] == [
        (one.product_id, one.quantity, one.price, one.discount_bp) for one in old.lines
    ]
    assert [one.ratio_bp for one in new.plan] == [3_000, 6_000, 1_000]
    assert origin.kin(world.session, old) == (None, new)


@pytest.mark.parametrize(("start", "end"), [(None, END), (None, None), (START, None)])
def test_dates_that_are_not_there_are_not_made_up(world, start, end):
    values = begun(world, ending(world, start_on=start, end_on=end))

    day = dt.date(2026, 11, 23)
    assert values["start_on"] == (END + dt.timedelta(days=1) if end else day)
    assert values["end_on"] is None


@pytest.mark.parametrize(
    ("start", "end", "last"),
    [
        ((2026, 12, 1), (2027, 11, 30), (2028, 11, 30)),  # a day more than the year before
        ((2027, 3, 1), (2028, 2, 29), (2029, 2, 28)),
        ((2027, 1, 1), (2027, 1, 31), (2027, 2, 28)),
        ((2027, 1, 1), (2027, 1, 10), (2027, 1, 20)),
    ],
)
def test_a_term_of_whole_months_lasts_as_many_again(world, start, end, last):
    values = begun(world, ending(world, start_on=dt.date(*start), end_on=dt.date(*end)))

    assert values["end_on"] == dt.date(*last)


def test_who_renews_once_more_is_told_of_the_renewal_there_is(world):
    key = ending(world)
    values = begun(world, key)

    def told(values, record=None):
        world.be("sales")
        mine = Contract() if record is None else world.get(Contract, record)
        said = records.warnings(world.call, mine, values)
        return [(one.code, "续签" in str(one.message)) for one in said if one.field == "renews_id"]

    assert told(values) == []
    first = renewed(world, key)
    assert told(values) == [("RENEWED", True)]
    assert told({"name": "改名"}, first) == []  # its own


def test_nobody_renews_what_is_not_his_or_not_in_force(world):
    key = ending(world)
    for who, refusal in (("sales2", NotVisible), ("reviewer", Forbidden)):
        with pytest.raises(refusal):
            begun(world, key, who)
    draft = renewed(world, key)
    with pytest.raises(Locked, match="不在履行中"):
        begun(world, draft)
    for wrong in (draft, ending(world, name="别家")):
        with pytest.raises(Invalid) as refused:
            renewed(world, key, renews_id=wrong)
        assert "renews_id" in refused.value.errors


def test_two_contracts_do_not_renew_each_other(world):
    key = ending(world)
    new = world.approved(model=Contract, key=renewed(world, key))
    newest = world.approved(model=Contract, key=renewed(world, new))

    for other in (key, new, newest):
        world.be("admin")
        old, changed = world.get(Contract, key), {"renews_id": other}
        with pytest.raises(Invalid) as refused:
            records.update(world.call, old, changed, seen=old.row_version)
        assert "renews_id" in refused.value.errors


def test_its_owner_is_told_until_the_renewal_is_submitted(world):
    def told(days):
        with world.acting("admin"):
            return renewal.remind(world.session, now=world.now + dt.timedelta(days=days))

    key = ending(world)
    assert told(0) == 1
    draft = renewed(world, key)
    assert told(21) == 1
    world.approved(model=Contract, key=draft)
    assert told(22) == 0

    other = ending(world)
    world.approved(model=Contract, key=renewed(world, other))
    assert told(0) == 0


def test_one_click_leads_to_the_filled_form_and_each_leads_to_the_other(lite):
    with World(lite) as world:
        key = ending(world)
        new = renewed(world, key)
    who = Visitors(lite)

    page = who.get("sales", f"/admin/contract/details/?id={key}").get_data(as_text=True)
    form = who.get("sales", f"/admin/contract/new/?renews_id={key}").get_data(as_text=True)
    back = who.get("sales", f"/admin/contract/details/?id={new}").get_data(as_text=True)

    assert f'href="/admin/contract/new/?renews_id={key}"' in page
    assert f'href="/admin/contract/details/?id={new}"' in page
    assert 'value="2027-12-20"' in form
    assert f'href="/admin/contract/details/?id={key}"' in back
    assert who.get("sales2", f"/admin/contract/new/?renews_id={key}").status_code == 404
    assert who.get("sales", "/admin/contract/new/?renews_id=999").status_code == 404
