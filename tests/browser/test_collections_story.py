"""Money as finance sees it come: a bank's own file, what its lines pay, who is told of the rest."""

import datetime as dt

import pytest
import sqlalchemy as sa

from jobs import deliver
from jobs.queue import GIVEN_UP, KNOWN
from models.customers.contact import Contact
from models.deals.bank_line import BankLine, BankLineState
from models.deals.contract import Contract
from models.deals.payment import Payment, PaymentState
from tests.browser.test_records_story import enter, imported, uploaded
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support.browser import calm
from tests.support.imports import sheet
from tests.support.stage import ONCE, staged
from tests.support.world import World

pytestmark = pytest.mark.browser
PAYER = "武汉甲泵业有限公司"
DUE = dt.date(2026, 11, 10)
# As a bank's own programme writes it: a title, what was paid out too, a sum at the end.
STATEMENT = sheet(
    ("账户交易明细",),
    ("账号：6222", "", "币种：人民币"),
    *[("交易日期", "借方发生额（支出）", "贷方发生额（收入）", "对方户名", "摘要", "交易流水号")],
    ("20261120", "", "250.00", "武汉甲泵业 有限公司", "货款", "A001"),
    ("20261121", "30.00", "", "电力公司", "电费", "A002"),
    ("20261122", "0.00", "1,100.00", "某人", "", "A003"),
    ("合计", "30.00", "1,350.00"),
)


@pytest.fixture(params=ONCE)
def stage(request, databases):
    yield from staged(request, databases)


def owed(app):
    """Return a customer who is to pay two instalments, both late."""
    with World(app) as world:
        plan = [{"amount": 250_00, "due_on": DUE}, {"amount": 100_00, "due_on": DUE}]
        customer = world.approved("sales", company=PAYER)
        key = world.contract(customer, amount=350_00, plan=plan)
        world.approved(model=Contract, key=key)
        with world.acting("admin"):
            one = world.session.scalars(sa.select(Contact)).one()
            one.email = "wang@jia.example"
        return customer


def booked(stage, page):
    """Bring the statement in and book its first line; the payment is confirmed."""
    uploaded(stage, page, "bankline", "流水.xlsx", STATEMENT)
    page.locator("#mapping .foot button.p").click()
    imported(stage, page)
    stage.keep(page, "money-1-statement")
    stage.go(page, "/admin/bankline/")
    stage.go(page, page.locator("a.open", has_text="A001").get_attribute("href"))
    stage.keep(page, "money-2-line")
    with page.expect_response(lambda answer: "/bankline/details/" in answer.url):
        page.get_by_role("button", name=stage.say("入账到这一期")).first.click()
    with World(stage.app) as world:
        world.be("finance")
        states = dict(world.session.execute(sa.select(BankLine.reference, BankLine.state)).all())
        made = world.session.scalars(sa.select(Payment)).one()
        assert states == {"A001": BankLineState.booked, "A003": BankLineState.waiting}
        assert (made.amount, made.state) == (250_00, PaymentState.confirmed)


def reminded(stage, page):
    """Remind of what is still late, from the grid of instalments."""
    stage.go(page, "/admin/paymentplan/?tab=overdue")
    stage.keep(page, "money-3-late")
    rows = page.locator("tbody input[type=checkbox]")
    assert rows.count() == 1
    rows.check()
    page.get_by_role("button", name=stage.say("催收提醒")).click()
    page.locator("form:has([name=sure]) button.p").click()
    calm(page)
    stage.keep(page, "money-4-reminded")


def test_a_bank_s_file_is_booked_what_is_late_is_asked_for_and_the_customer_told(stage, mailbox):  # noqa: F811
    customer = owed(stage.app)
    page = enter(stage, "finance")
    booked(stage, page)
    reminded(stage, page)
    stage.go(page, f"/admin/paper/mail/?id={customer}")
    page.locator("main .foot button.p").click()
    calm(page)
    stage.app.config["TCOS_SMTP_URL"] = mailbox.url
    deliver.tasks(stage.app, KNOWN, GIVEN_UP)
    deliver.mails(stage.app)
    assert "wang@jia.example" in {to for to, _text in mailbox.letters}
    assert "sales@demo.tcos.cn" in {to for to, _text in mailbox.letters}
