"""A ledger of another system is imported by pointing at what its columns and words mean."""

import pytest
import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.sales.opportunity import Opportunity
from tests.imports.test_cells import HEAD as CELL_HEAD
from tests.imports.test_cells import ROWS as CELL_ROWS
from tests.support.browser import browsing, chromium, overflow
from tests.support.imports import sheet, table
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
HEAD = (
    *("客户名称", "公司", "客户级别", "来源渠道", "省", "市", "区", "电话", "联系人2", "手机2"),
    *("项目名称", "预计金额", "预计成交日期", "内部备注"),
)
ROWS = [
    [
        *(f"张{'甲乙丙丁戊己'[n]}", f"武汉第{n}机械有限公司", "重要" if n % 2 else "普通", "百度"),
        *("湖北省", "武汉市", "洪山区", f"1390000000{n}"),
        *(("李丽", f"1380000000{n}") if n < 2 else ("", "")),
        *(
            (f"泵站{n}期", "12万元" if n == 0 else 50000, "2027/3/5 0:00")
            if n < 3
            else ("", "", "")
        ),
        "x",
    ]
    for n in range(6)
]


@pytest.fixture
def site(lite):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with browsing(lite) as found:
        yield found
        assert found.faults == []


def uploaded(site, page, name):
    """Upload the ledger and return its page."""
    site.go(page, "/admin/import/?noun=customer")
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": sheet(HEAD, *ROWS)}
    page.set_input_files("#file", file)
    page.click("main form button.p")
    page.wait_for_url("**/admin/import/job/**")


def pick(page, label, text):
    """Choose in a list that is searched, or in a plain one."""
    control = page.get_by_label(label).first
    if control.evaluate("e => e.tagName") == "SELECT":
        option = control.locator("option", has_text=text).first
        control.select_option(value=option.get_attribute("value"))
        return
    control.fill(text)
    page.locator(".hits:not([hidden]) [role=option]", has_text=text).first.click()


@pytest.mark.parametrize(("size", "language"), [("wide", "zh"), ("phone", "en")])
def test_words_and_fixed_values_are_chosen_once_and_the_next_file_knows_them(
    site, lite, size, language
):
    page = site.visit("office", size=size)
    site.go(page, f"/lang/{'zh_Hans_CN' if language == 'zh' else 'en'}?next=/admin/import/")
    uploaded(site, page, "台账.xlsx")
    site.keep(page, f"mapping-{size}-1")
    assert page.locator("#column-0").evaluate("e => (e.value)") == "primary.name"
    assert page.locator("#column-1").evaluate("e => (e.value)") == "company"
    assert overflow(page) == 0

    chinese = language == "zh"
    owner, source = ("亚为销售员", "搜索引擎") if chinese else ("Owner", "Search engine")
    level = "B级" if chinese else "B: "
    checked(page)
    main = page.locator("main").inner_text()
    for code in ("BAD_VALUE", "NOT_FOUND", "REQUIRED", "NOT_MAPPED", "owner_id", "region_code"):
        assert code not in main
    site.keep(page, f"mapping-{size}-2")
    pick(page, "「百度」", source)
    pick(page, "「重要」", level)
    pick(page, "「普通」", level.replace("B", "C"))
    page.get_by_label("「12万元」").fill("120000")
    pick(page, owner, "sales")
    checked(page)
    site.keep(page, f"mapping-{size}-3")
    assert overflow(page) == 0
    page.get_by_role("button", name="导入全部" if chinese else "Import all").click()
    page.get_by_role("button", name="撤销导入" if chinese else "Undo import").wait_for()

    with World(lite) as world:
        states = list(world.session.scalars(sa.select(Customer.approval)))
        amounts = sorted(world.session.scalars(sa.select(Opportunity.amount)))
    assert states == [Approval.pending] * 6
    assert amounts == [5_000_000, 5_000_000, 12_000_000]
    uploaded(site, page, "下月.xlsx")
    site.keep(page, f"mapping-{size}-4")
    assert page.locator("[name=fixed-owner_id]").input_value() == "sales@demo.tcos.cn"


def checked(page):
    """Ask for a dry run and wait for what it found."""
    with page.expect_response(lambda answer: "/admin/import/job/" in answer.url):
        page.click("#mapping .foot button.p")
    page.locator("section.card table.cards").first.wait_for()


@pytest.mark.parametrize(("size", "language"), [("wide", "zh"), ("phone", "en")])
def test_a_faulty_cell_is_mended_in_the_page(site, lite, size, language):
    page = site.visit("office", size=size)
    site.go(page, f"/lang/{'zh_Hans_CN' if language == 'zh' else 'en'}?next=/admin/import/")
    site.go(page, "/admin/import/?noun=customer")
    content = table(CELL_HEAD, *CELL_ROWS)
    page.set_input_files("#file", {"name": "a.csv", "mimeType": "text/csv", "buffer": content})
    page.click("main form button.p")
    page.wait_for_url("**/admin/import/job/**")
    checked(page)
    site.keep(page, f"cells-{size}")
    assert overflow(page) == 0
    assert page.locator("#cell-0-why").is_visible()

    page.fill("#cell-0", "赵六")
    page.fill("#cell-1", "13800138003")
    page.fill("#cell-2", "武汉丁公司")
    page.click("#mapping .foot button.p")
    page.get_by_role("button", name="导入全部" if language == "zh" else "Import all").click()
    page.get_by_role("button", name="撤销导入" if language == "zh" else "Undo import").wait_for()

    with World(lite) as world:
        names = set(world.session.scalars(sa.select(Customer.company)))
    assert names == {"武汉甲公司", "武汉乙公司", "武汉丙公司", "武汉丁公司"}
