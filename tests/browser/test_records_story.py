"""A clerk's day with records: typed and gone on with elsewhere, files loaded, taken out and back.

Points A1, A2, C7–C9 and D13 of nothing-is-lost, in both languages and at both widths.
"""

import io
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from tests.browser.test_drafts import kept
from tests.browser.test_mapping import checked, pick
from tests.browser.test_refusals import log_in_over, log_out_in_another_tab
from tests.imports.test_conversation import LINES
from tests.imports.test_table_choice import ledger
from tests.support.browser import calm
from tests.support.imports import table
from tests.support.stage import ONCE, staged
from tests.support.world import World

pytestmark = pytest.mark.browser
ORDERS = table(
    ("号", "客户", "类", "品", "量", "价"),
    ("K1", "武汉楚江机电有限公司", "sale", "泵", "2", "10"),
    ("K2", "宜昌三峡水泵有限公司", "sale", "泵", "1", "30"),
    ("K1", "武汉楚江机电有限公司", "sale", "阀", "1", "100"),
)


@pytest.fixture(params=ONCE)
def stage(request, databases):
    yield from staged(request, databases)


def enter(stage, who):
    """Return somebody's page; leaving a form is always allowed."""
    page = stage.visit(who)
    page.on("dialog", lambda dialog: dialog.accept())
    return page


def test_a_deal_typed_here_is_gone_on_with_there_and_outlives_its_log_in(stage):
    with World(stage.app) as world:
        customer = world.approved("sales", company="武汉楚江机电有限公司")
        with world.acting("admin"):
            for n, price in ((1, 136_000), (2, 268_000)):
                world.create(Product, code=f"CP-{n}", name=f"相机{n}", price=price)
    page = stage.go(enter(stage, "sales"), f"/admin/opportunity/new/?customer_id={customer}")
    page.fill("[name=name]", "产线视觉")
    page.fill("[name=expected_on]", "2026-12-31")
    for n in (1, 2):
        page.click("[data-add]")
        row = page.locator("#f-lines tbody tr").last
        row.locator("select").select_option(index=n)
        row.locator("[name$=-quantity]").fill(str(n * 2))
    kept(page)

    other = stage.go(enter(stage, "sales"), f"/admin/opportunity/new/?customer_id={customer}")
    other.click("[data-use]")
    assert other.input_value("[name=amount]") == "13440.00"
    stage.keep(other, "records-1-restored")
    log_out_in_another_tab(stage.site, other)
    other.click("button[name=_save]")
    log_in_over(other, "sales")
    other.wait_for_url("**/details/**")
    with World(stage.app) as world:
        found = world.session.scalars(sa.select(Opportunity)).one()
        assert (found.name, found.amount) == ("产线视觉", 1_344_000)
        assert sorted((one.quantity, one.price) for one in found.lines) == [
            (2, 136_000), (4, 268_000)
        ]  # fmt: skip


def uploaded(stage, page, noun, name, content):
    stage.go(page, f"/admin/import/?noun={noun}")
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": content})
    page.click("main form button.p")
    page.wait_for_url("**/admin/import/job/**")


def led_on(page, button):
    """Send a form of an import's page and wait for the page as it is afterwards."""
    with page.expect_response(lambda answer: "/import/job/" in answer.url):
        page.click(button)
    calm(page)


def imported(stage, page):
    page.get_by_role("button", name=stage.say("导入全部")).click()
    page.get_by_role("button", name=stage.say("撤销导入")).wait_for()


def test_a_ledger_comes_in_as_the_clerk_has_it(stage):
    page = enter(stage, "office")
    uploaded(stage, page, "customer", "台账.xlsx", ledger())
    assert page.locator("[name=head][value='2']").is_checked()  # under its title, second sheet
    page.locator("[name=fill]").check()
    led_on(page, f".acts button:has-text('{stage.say('重新读取')}')")
    assert page.locator("#column-0").input_value() == "company"
    checked(page)
    stage.keep(page, "records-2-ledger")
    imported(stage, page)

    with World(stage.app) as world:
        states = world.session.scalars(sa.select(Customer.approval)).all()
    assert states == [Approval.pending] * 2


def test_rows_become_contracts_with_their_lines(stage):
    page = enter(stage, "admin")
    uploaded(stage, page, "contract", "合同.csv", ORDERS)
    mapping = {"name": "a.toml", "mimeType": "text/plain", "buffer": LINES.encode()}
    page.locator("details:has(#mapping-file) summary").click()
    page.set_input_files("#mapping-file", mapping)
    led_on(page, "form:has(#mapping-file) button")
    assert "a.toml" in page.inner_text("main")
    checked(page)
    stage.keep(page, "records-3-lines")
    imported(stage, page)

    with World(stage.app) as world:
        world.be("admin")
        found = world.session.scalars(sa.select(Contract).order_by(Contract.external_ref)).all()
        amounts = [(one.external_ref, one.amount, len(one.lines)) for one in found]
    assert amounts == [("K1", 2 * 7100 + 71000, 2), ("K2", 21300, 1)]


def test_what_is_seen_leaves_is_changed_and_comes_back(stage):
    with World(stage.app) as world:
        key = world.approved("sales", company="武汉楚江机电有限公司")
    page = stage.go(enter(stage, "office"), "/admin/customer/")
    page.locator("details.drop summary", has_text=stage.say("导出")).click()
    with page.expect_download() as download:
        page.locator("a[href*='export/xlsx/'][href*='columns=']").click()
    book = openpyxl.load_workbook(io.BytesIO(Path(download.value.path()).read_bytes()))
    rows = book.active
    heads = [cell.value for cell in rows[1]]
    rows.cell(2, heads.index(stage.say("手机")) + 1).value = "13877776666"
    out = io.BytesIO()
    book.save(out)

    uploaded(stage, page, "customer", "改过.xlsx", out.getvalue())
    pick(page, stage.say("匹配列（相同则更新，否则新建）"), stage.say("客户编号"))
    checked(page)
    stage.keep(page, "records-4-back")
    imported(stage, page)
    with World(stage.app) as world:
        world.be("admin")
        for request in world.session.scalars(sa.select(ApprovalRequest.id)).all():
            if world.get(ApprovalRequest, request).state is Approval.pending:
                world.decided(request)
        mobile = sa.select(Contact.mobile).where(Contact.customer_id == key)
        assert world.session.scalars(mobile).all() == ["13877776666"]
