"""From the won deal to the last instalment, as sales, office, finance and the customer do it.

Played in Chinese on a wide screen and in English on a phone; each on one database by day, on the
other at night.
"""

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.deals.contract import Contract
from models.deals.order import Order
from tests.rules.test_contract_origin import deal
from tests.support.stage import ONCE, staged
from tests.support.world import World

pytestmark = pytest.mark.browser
BUTTON = "button"  # the context of a text that is a state elsewhere


@pytest.fixture(params=ONCE)
def stage(request, databases):
    yield from staged(request, databases)


def saved(page, name="_save"):
    """Save a form and wait for the record's page; return its key."""
    page.click(f"button[name={name}]")
    page.wait_for_url("**/details/**")
    return re.search(r"id=(\d+)", page.url)[1]


def approved(app):
    """Let the reviewer approve what waits; return the only contract's and its order's keys."""
    with World(app) as world:
        world.now = app.config["TCOS_CLOCK"]()
        world.be("admin")
        pending = sa.select(ApprovalRequest.id).where(ApprovalRequest.state == Approval.pending)
        for key in world.session.scalars(pending).all():
            world.decided(key)
        world.be("admin")
        contract = world.session.scalars(sa.select(Contract)).one()
        order = world.session.scalars(sa.select(Order)).one()
        return contract.id, order.id


def paid(site, page, contract, amount, *, warned=False):
    """Register a payment and confirm it."""
    site.go(page, f"/admin/payment/new/?contract_id={contract}")
    page.fill("[name=amount]", amount)
    page.click("button[name=_save]")
    if warned:
        page.check("[name=_known]")
        page.click("button[name=_save]")
    page.wait_for_url("**/details/**")
    if page.locator("[name=_known]").count():
        page.check("[name=_known]")
    page.click("form[action*='/payment/confirm/'] button")
    if page.locator("#confirm[open] [data-yes]").count():
        page.click("#confirm[open] [data-yes]")
    page.wait_for_selector(f"dd >> text={site.say('已确认')}")


def issued(site, page, key, number):
    site.go(page, f"/admin/invoice/edit/?id={key}")
    page.fill("[name=number]", number)
    page.fill("[name=issued_on]", "2026-11-28")
    saved(page)


def ticked(page):
    """Tick every step that is still planned and stands on the line."""
    while page.locator("form[data-tick] button").count():
        left = page.locator("form[data-tick] button").count()
        page.locator("form[data-tick] button").first.click()
        expect(page.locator("form[data-tick] button")).to_have_count(left - 1)


def state_of(app, contract):
    with World(app) as world:
        world.be("admin")
        return world.get(Contract, contract).state.name


def signed(site, sales, deal_key):
    """Make the contract of a deal in one click, by a payment term, and have it approved."""
    site.go(sales, f"/admin/opportunity/details/?id={deal_key}")
    sales.click(f"a:has-text('{site.say('生成合同')}')")
    assert sales.input_value("[name=amount]") == "2280.00"
    sales.fill("[name=terms]", "3-7")
    sales.fill("[name=deliver_on]", "2026-12-20")
    sales.click(f"text={site.say('按条款排期')}")
    sales.wait_for_selector(f"text={site.say('与金额一致')}")
    saved(sales, "_submit")
    contract, order = approved(site.app)
    site.go(sales, f"/admin/contract/details/?id={contract}")
    assert site.say("与合同一致") in sales.content()
    site.keep(sales, "cash-1-contract")
    papers = sales.locator("a[href*='/admin/paper/']").evaluate_all("all => all.map(a => a.href)")
    words = next(one for one in papers if "docx" in one)
    assert sales.request.get(words).body()[:2] == b"PK"
    return contract, order


def moved_and_sent_in_part(site, office, order):
    """Let a step be late with its reason, and send one of three pieces."""
    site.go(office, f"/admin/order/details/?id={order}")
    step = office.locator("#steps li:has(form[data-tick])").first
    step.locator("summary").click()
    step.locator("[name=planned_on]").fill("2026-11-20")
    step.locator("[name=moved_because]").fill("等图纸")
    step.locator("button[value=save]").first.click()
    office.wait_for_selector("#steps li.late")
    site.keep(office, "cash-2-late")
    sent(site, office, order, "3", "1")
    site.go(office, f"/admin/order/details/?id={order}")
    assert site.say("未发数量") in office.content()


def sent(site, office, order, left, quantity):
    site.go(office, f"/admin/deliverynote/new/?order_id={order}")
    assert office.input_value("[name$=-quantity] >> nth=0") == left
    office.fill("[name$=-quantity] >> nth=0", quantity)
    saved(office)


def billed(site, sales, finance, contract, amount, number):
    """Ask for an invoice and issue it; return its key."""
    site.go(sales, f"/admin/invoice/new/?contract_id={contract}")
    sales.fill("[name=amount]", amount)
    key = saved(sales)
    issued(site, finance, key, number)
    return key


def taken_back(site, finance, bill, amount, number):
    site.go(finance, f"/admin/invoice/details/?id={bill}")
    finance.click(f"a:has-text('{site.say('红冲', BUTTON)}')")
    finance.fill("[name=amount]", amount)
    issued(site, finance, saved(finance), number)


def followed(site, office, order):
    """Give the customer a link and return what he sees on his telephone."""
    site.go(office, f"/admin/order/details/?id={order}")
    office.click("#links form[action*='/link/new/'] button")
    address = office.locator("#links input[readonly]").input_value()
    phone = site.site.browser.new_context(viewport={"width": 390, "height": 844})
    site.site.contexts.append(phone)
    path = re.search(r"/progress/[^?#]*", address)[0]
    page = site.go(phone.new_page(), f"{path}?lang={site.lang}")
    site.keep(page, "cash-4-customer")
    return page.content()


def test_a_won_deal_is_signed_delivered_invoiced_and_paid(stage):
    app, site = stage.app, stage
    with World(app) as world:
        key = deal(world)
    sales, office, finance = (site.visit(who) for who in ("sales", "office", "finance"))
    contract, order = signed(site, sales, key)
    assert state_of(app, contract) == "active"
    moved_and_sent_in_part(site, office, order)

    paid(site, finance, contract, "684")
    paid(site, finance, contract, "2000", warned=True)
    site.go(finance, f"/admin/contract/details/?id={contract}")
    assert "404.00" in finance.content()
    paid(site, finance, contract, "-404")
    bill = billed(site, sales, finance, contract, "2280", "11111111")
    taken_back(site, finance, bill, "-1000", "11111112")
    billed(site, sales, finance, contract, "1000", "11111113")
    assert state_of(app, contract) == "active"

    sent(site, office, order, "2", "2")
    site.go(office, f"/admin/order/details/?id={order}")
    ticked(office)
    assert state_of(app, contract) == "done"
    site.go(sales, f"/admin/contract/details/?id={contract}")
    site.keep(sales, "cash-3-done")
    assert site.say("履行完毕") in sales.content()
    shown = followed(site, office, order)
    assert f'aria-label="{site.say("交付")}"' in shown
    assert f'aria-label="{site.say("回款")}"' not in shown
