"""What is typed stays: lines and amounts, an ended log-in, another person at the same machine."""

import json

import pytest
import sqlalchemy as sa

import models as m
from tests.support.browser import browsing, chromium
from tests.support.uploads import PDF
from tests.support.world import PASSWORD, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "/admin/customer/new/"


@pytest.fixture
def site(app):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with browsing(app) as found:
        yield found
        assert found.faults == []


@pytest.fixture
def page(site):
    """Return the salesperson's page; leaving a form is always allowed."""
    found = site.visit("sales")
    found.on("dialog", lambda dialog: dialog.accept())
    return found


def log_in(page, who):
    page.fill("#email", f"{who}@demo.tcos.cn")
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")


def log_out_in_another_tab(site, page):
    other = site.go(page.context.new_page(), "/admin/")
    other.click(".person > summary")
    other.click("text=退出登录")
    other.wait_for_url("**/login**")
    other.close()


def drafts(page):
    return page.evaluate(
        "Object.keys(localStorage).filter((key) => key.startsWith('draft:')).length"
    )


def count(app, model):
    with World(app) as world:
        return world.session.scalar(sa.select(sa.func.count()).select_from(model))


def test_a_restored_opportunity_has_all_its_lines_and_its_amount(app, site, page):
    with World(app) as world:
        customer = world.approved("sales", company="武汉楚江机电有限公司")
        with world.acting("admin"):
            for n, price in ((1, 136_000), (2, 268_000)):
                world.create(m.Product, code=f"CP-{n}", name=f"相机{n}", price=price)
    site.go(page, "/admin/opportunity/new/")
    page.fill("[name=name]", "产线视觉")
    page.locator("#f-customer_id").press_sequentially("楚江")
    page.keyboard.press("Enter")
    page.locator(f"[name=customer_id__id][value='{customer}']").wait_for(state="attached")
    page.fill("[name=expected_on]", "2026-12-31")
    for n in (1, 2):
        page.click("[data-add]")
        row = page.locator("#f-lines tbody tr").last
        row.locator("select").select_option(index=n)
        row.locator("[name$=-quantity]").fill(str(n * 2))
    assert page.input_value("[name=amount]") == "13440.00"
    page.locator("#f-lines tbody tr").first.locator("[data-drop]").click()
    rows = page.locator("#f-lines tbody tr").count()

    site.go(page, "/admin/")
    site.go(page, "/admin/opportunity/new/")
    page.click("[data-use]")
    assert page.locator("#f-lines tbody tr").count() == rows
    assert page.input_value("[name=amount]") == "13440.00"
    assert page.input_value("[name=customer_id__id]") == str(customer)
    page.click("button[name=_save]")
    page.wait_for_url("**/details/**")

    assert drafts(page) == 0
    with World(app) as world:
        deal = world.session.scalars(sa.select(m.Opportunity)).one()
        assert deal.amount == 1_344_000
        assert [(one.quantity, one.price) for one in deal.lines] == [(2, 136_000), (4, 268_000)]


def test_a_restored_contract_has_its_plan(app, site, page):
    site.go(page, "/admin/contract/new/")
    page.fill("[name=name]", "供货合同")
    page.fill("[name=amount]", "1000.10")
    page.locator("textarea").first.fill("两行\n备注")
    page.fill("[name=plan-new0-amount]", "400.05")
    for amount in ("300.03", "300.02"):
        page.click("#f-plan [data-add]")
        page.locator("#f-plan tbody tr").last.locator("[name$=-amount]").fill(amount)

    page.reload()
    page.click("[data-use]")
    amounts = "all => all.map((one) => one.value).filter(Boolean)"
    assert page.eval_on_selector_all("#f-plan [name$=-amount]", amounts) == [
        "400.05", "300.03", "300.02"
    ]  # fmt: skip
    assert "与金额一致" in page.inner_text("#f-plan [data-sum]")
    assert page.locator("textarea").first.input_value() == "两行\n备注"
    page.click("#f-plan [data-add]")
    names = page.eval_on_selector_all(
        "#f-plan [name$=-amount]", "all => all.map((one) => one.name)"
    )
    assert len(names) == len(set(names))


def test_saving_after_a_log_out_elsewhere_leads_to_the_log_in_and_back_to_the_form(app, site, page):
    site.go(page, NEW)
    page.fill("[name=company]", "宜昌三峡水泵有限公司")
    page.check("[name='primary.gender'] >> nth=0")
    page.fill("[name='primary.mobile']", "13912345678")
    log_out_in_another_tab(site, page)
    page.click("button[name=_save]")
    page.wait_for_url("**/login?next=**")
    assert drafts(page) == 1
    log_in(page, "sales")
    page.wait_for_url(f"**{NEW}")

    assert page.input_value("[name=company]") == "宜昌三峡水泵有限公司"
    assert page.input_value("[name='primary.mobile']") == "13912345678"
    assert page.is_checked("[name='primary.gender'] >> nth=0")
    assert "还没有保存" in page.inner_text(".note.warn")
    assert drafts(page) == 1
    page.click("button[name=_save]")
    page.wait_for_url("**/details/**")
    assert drafts(page) == 0
    assert count(app, m.Customer) == 1


def test_a_chosen_file_comes_back_with_its_form(app, site, page, tmp_path):
    app.config["TCOS_ATTACHMENT_DIR"] = str(tmp_path)
    chosen = "document.querySelector('[name=files]').files[0]?.name"
    site.go(page, NEW)
    page.fill("[name=company]", "宜昌三峡水泵有限公司")
    file = {"name": "合同.pdf", "mimeType": "application/pdf", "buffer": PDF}
    page.set_input_files("[name=files]", file)
    page.wait_for_timeout(500)
    page.reload()
    page.click("[data-use]")
    page.wait_for_timeout(500)
    assert page.evaluate(chosen) == "合同.pdf"

    page.context.clear_cookies()
    page.click("button[name=_save]")
    page.wait_for_url("**/login?next=**")
    log_in(page, "sales")
    page.wait_for_url(f"**{NEW}")
    page.locator("[data-files-gone]").wait_for(state="detached")
    assert page.evaluate(chosen) == "合同.pdf"
    page.click("button[name=_save]")
    page.wait_for_url("**/details/**")
    assert page.locator("#files a").inner_text() == "合同.pdf"


def test_a_log_in_that_ended_while_reading_offers_the_draft_afterwards(site, page):
    site.go(page, NEW)
    page.fill("[name=company]", "宜昌三峡水泵有限公司")
    page.context.clear_cookies()
    site.go(page, NEW)
    page.wait_for_url("**/login?next=**")
    log_in(page, "sales")
    page.wait_for_url(f"**{NEW}")
    page.click("[data-use]")

    assert page.input_value("[name=company]") == "宜昌三峡水泵有限公司"


def test_an_error_page_keeps_the_draft_and_leads_back(site, page):
    site.go(page, NEW)
    page.fill("[name=company]", "宜昌三峡水泵有限公司")
    page.evaluate("document.querySelector('[name=csrf_token]').value = 'x'")
    page.evaluate("document.querySelector('[name=typed_by]').value = '999'")
    page.click("button[name=_save]")
    page.wait_for_selector("text=回到表单")
    assert drafts(page) == 1
    page.click("text=回到表单")
    page.click("[data-use]")

    assert page.input_value("[name=company]") == "宜昌三峡水泵有限公司"


def test_a_draft_is_offered_to_nobody_else_at_the_same_machine(site, page):
    site.go(page, NEW)
    page.evaluate("localStorage.setItem('draft:/admin/customer/new/', '[[\"company\",\"旧\"]]')")
    page.fill("[name='primary.mobile']", "13912345678")
    log_out_in_another_tab(site, page)
    page.click("button[name=_save]")
    page.wait_for_url("**/login?next=**")
    log_in(page, "sales2")
    page.wait_for_url(f"**{NEW}")

    assert not page.is_visible("[data-restore]")
    assert page.input_value("[name='primary.mobile']") == ""
    assert page.evaluate("localStorage.getItem('draft:/admin/customer/new/')") is None
    page.click(".person > summary")
    page.click("text=退出登录")
    log_in(page, "sales")
    page.wait_for_url("**/admin/")
    site.go(page, NEW)
    page.click("[data-use]")
    assert page.input_value("[name='primary.mobile']") == "13912345678"


def test_the_composer_asks_before_it_is_left_and_has_its_text_again(app, site):
    with World(app) as world:
        key = world.approved("sales")
    page, asked = site.visit("sales"), []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    whole = f"/admin/customer/360/?id={key}"
    site.go(page, whole)
    page.locator("#c-content").press_sequentially("谈妥了价格，下周签")
    page.click("nav.side a >> nth=1")
    page.wait_for_url(lambda url: "360" not in url)
    assert asked == ["beforeunload"]

    site.go(page, whole)
    assert page.input_value("#c-content") == "谈妥了价格，下周签"
    assert page.is_visible("[data-restored]")
    log_out_in_another_tab(site, page)
    page.click("button[name=_save] >> nth=0")
    page.wait_for_url("**/login?next=**")
    log_in(page, "sales")
    page.wait_for_url("**/followup/new/")
    assert page.input_value("[name=content]") == "谈妥了价格，下周签"
    page.click("button[name=_save]")
    page.wait_for_url(f"**{whole}*")
    assert page.input_value("#c-content") == ""
    assert drafts(page) == 0


def test_a_decision_s_comment_is_kept_until_it_took_effect(app, site):
    with World(app) as world:
        _key, request = world.submitted()
    page = site.visit("reviewer")
    page.on("dialog", lambda dialog: dialog.accept())
    site.go(page, f"/admin/request/?id={request}")
    page.locator("#comment").fill("地址不对")
    site.go(page, "/admin/inbox/")
    page.wait_for_selector("#panel #comment")

    assert page.input_value("#comment") == "地址不对"
    page.click("#panel button[value=reject]")
    with page.expect_response("**/decide/**", timeout=20_000) as sent:
        pass  # it is held for eight seconds
    assert sent.value.ok
    page.get_by_text("没有待处理的审批").wait_for()  # the page is worked off and made anew
    assert drafts(page) == 0


def test_an_inline_change_without_a_log_in_is_told_in_words(app, site, page):
    with World(app) as world:
        world.customer("sales")
    site.go(page, "/admin/customer/?q=")
    cell = page.locator("td[data-inline=status]").first
    cell.dblclick()
    cell.locator("select").wait_for()
    page.context.clear_cookies()
    cell.locator("select").select_option("won")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-outside]")

    assert "登录已失效" in page.inner_text("[data-outside]")
    page.click("[data-outside] a")
    log_in(page, "sales")
    page.wait_for_url("**/admin/customer/?q=")


def test_what_a_second_tab_types_is_another_draft(site, page):
    site.go(page, NEW)
    page.fill("[name=company]", "第一家")
    other = site.go(page.context.new_page(), NEW)
    other.on("dialog", lambda dialog: dialog.accept())
    other.fill("[name=company]", "第二家")

    kept = page.evaluate("({...localStorage})")
    found = [json.loads(text) for key, text in kept.items() if key.startswith("draft:")]
    names = [dict(one["data"])["company"] for one in found]
    assert sorted(names) == ["第一家", "第二家"]
    other.click("button[name=_save]")
    other.wait_for_url("**/details/**")
    page.reload()
    page.click("[data-use]")
    assert page.input_value("[name=company]") == "第一家"
