"""What is typed stays: lines and amounts, files, in another window and at another machine."""

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.records.form_draft import FormDraft
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from tests.support.browser import browsing, settled
from tests.support.uploads import PDF
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "/admin/customer/new/"
COMPANY = "宜昌三峡水泵有限公司"


def enter(site, who="sales", **how):
    """Return somebody's page; leaving a form is always allowed."""
    found = site.visit(who, **how)
    found.on("dialog", lambda dialog: dialog.accept())
    return found


def on_server(app):
    with app.app_context(), db.engine.connect() as connection:
        table = FormDraft.__table__
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def in_browser(page):
    return page.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('draft:')).length")


def until(page, expression):
    """Wait until a page's expression is true; the policy of the pages allows no eval in them."""
    for _step in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(expression)


def kept(page):
    """Wait until the server has all that was typed."""
    until(page, "!Object.keys(localStorage).some((key) => key.startsWith('draft:'))")


def test_an_opportunity_typed_here_is_gone_on_with_elsewhere_lines_and_amount(app, site):
    with World(app) as world:
        customer = world.approved("sales", company="武汉楚江机电有限公司")
        with world.acting("admin"):
            for n, price in ((1, 136_000), (2, 268_000)):
                world.create(Product, code=f"CP-{n}", name=f"相机{n}", price=price)
    page = site.go(enter(site), "/admin/opportunity/new/")
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
    kept(page)

    other = site.go(enter(site, size="phone"), "/admin/opportunity/new/")
    other.click("[data-use]")
    assert other.locator("#f-lines tbody tr").count() == rows
    assert other.input_value("[name=amount]") == "13440.00"
    assert other.input_value("[name=customer_id__id]") == str(customer)
    other.click("button[name=_save]")
    other.wait_for_url("**/details/**")

    assert on_server(app) == in_browser(other) == 0
    with World(app) as world:
        deal = world.session.scalars(sa.select(Opportunity)).one()
        assert deal.amount == 1_344_000
        assert [(one.quantity, one.price) for one in deal.lines] == [(2, 136_000), (4, 268_000)]
    site.go(other, "/admin/opportunity/new/")
    other.wait_for_load_state("networkidle")
    assert not other.is_visible("[data-restore]")


def test_a_restored_contract_has_its_plan_and_what_is_discarded_is_gone(app, site):
    page = site.go(enter(site), "/admin/contract/new/")
    page.fill("[name=name]", "供货合同")
    page.fill("[name=amount]", "1000.10")
    page.locator("textarea").first.fill("两行\n备注")
    page.fill("[name=plan-new0-amount]", "400.05")
    for amount in ("300.03", "300.02"):
        page.click("#f-plan [data-add]")
        page.locator("#f-plan tbody tr").last.locator("[name$=-amount]").fill(amount)

    settled(page, page.reload)
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
    kept(page)
    assert on_server(app) == 1
    settled(page, page.reload)
    page.fill("[name=name]", "另一份合同")  # what is offered and not taken stays
    kept(page)
    settled(page, page.reload)
    for _draft in range(2):
        page.locator("[data-forget]").click()
    until(page, "document.querySelector('[data-restore]').hidden")
    for _step in range(50):
        if not on_server(app):
            return
        page.wait_for_timeout(100)
    raise AssertionError(on_server(app))


def test_a_chosen_file_comes_back_on_another_machine(app, site, tmp_path):
    app.config["TCOS_ATTACHMENT_DIR"] = str(tmp_path)
    chosen = "document.querySelector('[name=files]').files[0]?.name"
    page = site.go(enter(site), NEW)
    page.fill("[name=company]", COMPANY)
    with page.expect_response("**/admin/draft/files/") as sent:
        file = {"name": "合同.pdf", "mimeType": "application/pdf", "buffer": PDF}
        page.set_input_files("[name=files]", file)
    assert sent.value.ok
    kept(page)

    other = site.go(enter(site), NEW)
    other.click("[data-use]")
    until(other, chosen)
    assert other.evaluate(chosen) == "合同.pdf"
    other.click("button[name=_submit]")  # refused for what is missing: text and file stay
    other.wait_for_selector("[data-focus-error]")
    assert other.url.endswith(NEW)
    assert other.get_attribute("[name='primary.mobile']", "aria-invalid") == "true"
    assert other.evaluate(chosen) == "合同.pdf"
    other.click("button[name=_save]")
    other.wait_for_url("**/details/**")
    assert other.locator("#files a").inner_text() == "合同.pdf"
    assert on_server(app) == 0


def test_without_the_network_the_browser_keeps_it_until_it_is_back(app, site):
    page = site.go(enter(site), NEW)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    page.fill("[name=company]", COMPANY)
    page.click("button[name=_save]")
    page.wait_for_selector("[data-refusal]")
    assert "没有应答" in page.inner_text("[data-refusal]")
    assert page.input_value("[name=company]") == COMPANY
    assert (on_server(app), in_browser(page)) == (0, 1)
    page.context.set_offline(False)
    kept(page)
    assert on_server(app) == 1
    page.click("button[name=_save]")
    page.wait_for_url("**/details/**")
    assert on_server(app) == in_browser(page) == 0


def test_what_a_second_tab_types_is_another_draft(app, site):
    page = site.go(enter(site), NEW)
    page.fill("[name=company]", "第一家")
    other = site.go(page.context.new_page(), NEW)
    other.on("dialog", lambda dialog: dialog.accept())
    other.fill("[name=company]", "第二家")
    kept(page)
    assert on_server(app) == 2
    other.click("button[name=_save]")
    other.wait_for_url("**/details/**")
    settled(page, page.reload)
    page.click("[data-use]")
    assert page.input_value("[name=company]") == "第一家"


def test_the_composer_asks_before_it_is_left_and_has_its_text_again(app, site):
    with World(app) as world:
        key = world.approved("sales")
    page, asked = site.visit("sales", size="phone"), []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    whole = f"/admin/customer/360/?id={key}"
    site.go(page, whole)
    page.locator("#c-content").press_sequentially("谈妥了价格，下周签")
    site.go(page, "/admin/")
    assert asked == ["beforeunload"]

    site.go(page, whole)
    page.locator("[data-restored]").wait_for()
    assert page.input_value("#c-content") == "谈妥了价格，下周签"
    page.click("form.composer button[name=_save]")
    page.locator(".toast.success").wait_for()
    assert page.url.endswith(whole)
    assert page.input_value("#c-content") == ""
    assert on_server(app) == in_browser(page) == 0


def test_what_is_written_beside_the_grid_is_kept_and_saved_there(app, site):
    with World(app) as world:
        world.approved("sales", Opportunity, world.opportunity(world.approved("sales")))
    page, grid = enter(site), "/admin/opportunity/?q="
    for text in ("", "抽屉里写的"):
        site.go(page, grid)
        page.locator("tbody a.open").first.click()
        page.locator("#pane #c-content").wait_for()
        if not text:
            page.fill("#pane #c-content", "抽屉里写的")
            kept(page)
    page.locator("#pane [data-restored]").wait_for()
    assert page.input_value("#pane #c-content") == "抽屉里写的"
    page.click("#pane form.composer button[name=_save]")
    page.locator(".toast.success").wait_for()
    assert page.url.endswith(grid)
    assert on_server(app) == 0


def test_a_decision_s_comment_is_kept_until_it_took_effect(app, site):
    with World(app) as world:
        _key, request = world.submitted()
    page = site.go(enter(site, "reviewer"), f"/admin/request/?id={request}")
    page.locator("#comment").fill("地址不对")
    site.go(page, "/admin/inbox/")
    page.wait_for_selector("#panel [data-restored]")

    assert page.input_value("#comment") == "地址不对"
    page.click("#panel button[value=reject]")
    with page.expect_response("**/decide/**", timeout=20_000) as sent:
        pass  # it is held for eight seconds
    assert sent.value.ok
    page.get_by_text("没有审批待办").wait_for()  # the page is worked off and made anew
    assert on_server(app) == in_browser(page) == 0


def test_a_merge_and_a_hand_over_are_gone_on_with(lite):
    with World(lite) as world:
        keys = [world.approved("sales", company=f"云梦{n}厂", remark=f"备注{n}") for n in (1, 2)]
        leaver, to = world.id_of("sales"), world.id_of("sales2")
    with browsing(lite) as site:
        page, pair = enter(site, "admin"), f"/admin/merge/pair/?id={keys[0]}&id={keys[1]}"
        other = "input[name=remark][value=dropped]"
        site.go(page, pair)
        page.check(other)
        kept(page)
        site.go(page, "/admin/")
        site.go(page, pair)
        page.locator("[data-restored]").wait_for()
        assert page.is_checked(other)
        page.click("button[name=_preview]")
        page.locator("button[name=_merge]").wait_for()
        assert page.is_checked(other)
        page.click("button[name=_merge]")
        page.click("#confirm [data-yes]")
        page.locator(".toast.success").wait_for()
        assert on_server(lite) == in_browser(page) == 0

        step = f"/admin/handover/?leaver_id={leaver}&way=one"
        site.go(page, step)
        page.select_option("#who select", str(to))
        kept(page)
        site.go(page, step)
        page.locator("[data-restored]").wait_for()
        assert page.input_value("#who select") == str(to)
        page.click("#who button[name=preview]")
        page.locator("#preview").wait_for()
        assert "draft=" not in page.url
        until(page, "!document.querySelector('[data-restored]')")
        assert on_server(lite) == in_browser(page) == 0
        assert site.faults == []
