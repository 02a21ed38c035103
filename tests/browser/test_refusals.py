"""A refusal is told on the page one is on: an ended log-in, every error status, every button."""

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer
from models.deals.payment import Payment
from models.people.role import Role
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage
from tests.records.test_money_forms import in_force
from tests.support.browser import browsing, settled
from tests.support.world import PASSWORD, World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "/admin/customer/new/"
COMPANY = "宜昌三峡水泵有限公司"


def enter(site, who="sales", **how):
    found = site.visit(who, **how)
    found.on("dialog", lambda dialog: dialog.accept())
    return found


def log_out_in_another_tab(site, page):
    other = site.go(page.context.new_page(), "/admin/")
    other.click(".person > summary")
    other.click(".person form button")
    other.wait_for_url("**/login**")
    other.close()


def log_in_over(page, who, password=PASSWORD):
    page.locator("#log-in").wait_for()
    page.fill("#again-email", f"{who}@demo.tcos.cn")
    page.fill("#again-password", password)
    page.click("#log-in button.p")


def count(app, model=Customer):
    with app.app_context(), db.engine.connect() as connection:
        table = model.__table__
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def told(page):
    page.locator("[data-refusal]").last.wait_for()
    return page.locator("[data-refusal]").last.inner_text()


@pytest.mark.parametrize(("size", "language"), [("wide", "zh"), ("phone", "en")])
def test_a_log_in_that_ended_is_renewed_over_the_form_and_the_save_goes_on(
    app, site, size, language, monkeypatch
):
    page = enter(site, size=size)
    site.go(page, f"/lang/{language}?next=/admin/")
    site.go(page, NEW)
    page.fill("[name=company]", COMPANY)
    page.check("[name='primary.gender'] >> nth=0")
    page.fill("[name='primary.mobile']", "13912345678")
    log_out_in_another_tab(site, page)
    page.click("button[name=_save]")
    page.locator("#log-in").wait_for()
    assert page.input_value("#again-email") == "sales@demo.tcos.cn"
    site.keep(page, f"log-in-over-{size}")
    log_in_over(page, "sales", "Wrong-pass-1")
    wrong = {"zh": "账号或密码不正确", "en": "account or the password"}[language]
    page.locator("#log-in [role=alert]").get_by_text(wrong).wait_for()
    with monkeypatch.context() as strict:
        strict.setattr("services.rights.throttle.MOST", 0)
        log_in_over(page, "sales")
        often = {"zh": "操作过于频繁", "en": "Too many attempts"}[language]
        page.locator("#log-in [role=alert]").get_by_text(often).wait_for()
    log_in_over(page, "sales")
    page.wait_for_url("**/details/**")

    with World(app) as world, world.acting("admin"):
        saved = world.session.scalars(sa.select(Customer)).one()
        assert saved.company == COMPANY
    assert page.evaluate("Object.keys(localStorage).some((k) => k.startsWith('draft:'))") is False


def test_who_logs_in_instead_sees_nothing_of_it(app, site):
    page = site.go(enter(site), NEW)
    page.fill("[name='primary.mobile']", "13912345678")
    log_out_in_another_tab(site, page)
    page.click("button[name=_save]")
    with page.expect_navigation():
        log_in_over(page, "sales2")
    page.wait_for_load_state("networkidle")
    assert page.get_attribute("body", "data-person")
    assert not page.is_visible("[data-restore]")
    assert page.input_value("[name='primary.mobile']") == ""
    assert count(app) == 0
    page.click(".person > summary")
    page.click(".person form button")
    page.wait_for_url("**/login**")
    page.fill("#email", "sales@demo.tcos.cn")
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")
    page.wait_for_url("**/admin/")
    site.go(page, NEW)
    page.click("[data-use]")
    assert page.input_value("[name='primary.mobile']") == "13912345678"


def test_a_form_that_somebody_else_s_log_in_would_send_is_refused_in_place(app, site):
    page = site.go(enter(site), NEW)
    page.fill("[name=company]", COMPANY)
    log_out_in_another_tab(site, page)
    other = site.go(page.context.new_page(), "/login")
    other.fill("#email", "sales2@demo.tcos.cn")
    other.fill("#password", PASSWORD)
    other.click("button[name=submit]")
    other.wait_for_url("**/admin/")
    page.click("button[name=_save]")
    assert "另一个账号" in told(page)
    assert page.input_value("[name=company]") == COMPANY
    assert count(app) == 0


def test_an_outdated_token_is_renewed_and_every_error_leaves_the_form_filled(
    app, site, monkeypatch
):
    page = site.go(enter(site), NEW)
    page.fill("[name=company]", COMPANY)
    saves = page.locator("button[name=_save]")

    def refused(status):
        page.evaluate("document.querySelectorAll('[data-refusal]').forEach((e) => e.remove())")
        with page.expect_response(lambda one: one.url.endswith(NEW)) as got:
            saves.click()
        assert got.value.status == status
        text = told(page)
        assert page.url.endswith(NEW)
        assert page.input_value("[name=company]") == COMPANY
        return text

    with World(app) as world, world.acting("admin"):
        role = world.session.scalars(sa.select(Role).where(Role.name == "sales")).one()
        before = list(role.permissions)
        role.permissions = [one for one in before if one != "customer:create"]
    assert "没有执行此操作的权限" in refused(403)
    with World(app) as world, world.acting("admin"):
        world.session.scalars(
            sa.select(Role).where(Role.name == "sales")
        ).one().permissions = before
    with monkeypatch.context() as small:
        small.setitem(app.config, "MAX_CONTENT_LENGTH", 10)
        small.setattr("views.web.edge.ATTACHING_MOST", 10)
        assert "太大" in refused(413)
    with monkeypatch.context() as broken:
        broken.setattr("services.records.records.create", None)
        assert "系统出错" in refused(500)
    with monkeypatch.context() as slow:
        slow.setattr("views.web.edge.WEB_PATIENCE", 300)
        with app.app_context(), db.engine.connect() as lock:
            postgres = lock.dialect.name == "postgresql"
            lock.exec_driver_sql(
                "LOCK TABLE customer IN EXCLUSIVE MODE" if postgres
                else "UPDATE user_account SET name = name"
            )  # fmt: skip
            assert "繁忙" in refused(503)
            lock.rollback()
    page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach((f) => f.value = 'x')")
    saves.click()
    page.wait_for_url("**/details/**")
    assert count(app) == 1


def test_a_change_made_meanwhile_is_told_beside_what_was_typed(app, site):
    with World(app) as world:
        key = world.customer("sales", company=COMPANY)
    page = site.go(enter(site), f"/admin/customer/edit/?id={key}")
    page.fill("[name=remark]", "我的备注")
    with World(app) as world, world.acting("sales"):
        world.session.get_one(Customer, key).street = "别人改的"
    page.click("button[name=_save]")
    page.locator("[data-focus-error]").wait_for()
    assert page.input_value("[name=remark]") == "我的备注"
    page.click("button[name=_save]")  # he was told
    page.wait_for_url("**/details/**")
    with World(app) as world, world.acting("admin"):
        assert world.session.get_one(Customer, key).remark == "我的备注"


def test_a_payment_is_asked_about_in_place_and_made_once_by_clicks_and_back(app, site):
    key = in_force(app, amount=100_00)
    page = site.go(enter(site, "finance"), f"/admin/payment/new/?contract_id={key}")
    page.fill("[name=paid_on]", "2026-11-20")
    page.fill("[name=amount]", "150")
    save = page.locator("button[name=_save]")
    save.click()
    page.locator("[name=_known]").wait_for()
    assert page.input_value("[name=amount]") == "150"
    page.check("[name=_known]")
    save.click(click_count=3, delay=30)
    page.wait_for_url("**/details/**")
    assert count(app, Payment) == 1

    settled(page, page.go_back)
    page.wait_for_url("**/new/**")
    page.fill("[name=paid_on]", "2026-11-20")
    page.fill("[name=amount]", "20")
    save.click()
    assert "已经保存过" in told(page)
    assert (count(app, Payment), page.input_value("[name=amount]")) == (1, "20")
    page.click("[data-refusal] button")
    page.locator("[name=_known]").wait_for()
    page.check("[name=_known]")
    save.click()
    page.wait_for_url("**/details/**")
    assert count(app, Payment) == 2


def pressed(page, locator, count):
    """Press where a control stands, as the count-th click of one series."""
    box = locator.bounding_box()
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    tab = page.context.new_cdp_session(page)
    for kind in ("mousePressed", "mouseReleased"):
        tab.send(
            "Input.dispatchMouseEvent", {"type": kind, "button": "left", "clickCount": count, **at}
        )


def test_the_rest_of_a_double_click_presses_nothing_on_the_next_page(lite):
    key = in_force(lite, amount=100_00)
    with browsing(lite) as site:
        page = site.go(enter(site, "finance"), f"/admin/payment/new/?contract_id={key}")
        save = page.locator("button[name=_save]")
        pressed(page, save, 2)
        page.wait_for_timeout(300)  # nothing is to come
        assert page.locator(".err").count() == 0
        pressed(page, save, 1)
        page.locator(".err").first.wait_for()


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_buttons_tell_their_refusal_where_one_is(app, site, size):
    with World(app) as world:
        key = world.approved("sales")
        world.approved("sales", Opportunity, world.opportunity(key))
        lost = world.session.scalar(sa.select(Stage.id).where(Stage.code == "lost"))
    page = enter(site, size=size)
    whole = f"/admin/customer/360/?id={key}"
    site.go(page, whole)
    page.evaluate("document.querySelector('form[action*=\"/release/\"] button').dataset.sure = '1'")
    page.locator("form[action*='/release/'] button").dispatch_event("click")
    assert told(page)
    assert page.url.endswith(whole)
    site.keep(page, f"refusal-{size}")

    board = site.go(page, "/admin/opportunity/board/")
    board.locator("article details > summary").first.click()
    board.locator("article [name=stage_id]").first.select_option(str(lost))
    board.locator("article form button").first.click()
    field = board.locator("article [name=lost_reason_id][aria-invalid=true]")
    field.wait_for()
    assert "/board/" in board.url


def test_an_inline_change_without_a_log_in_goes_on_after_it(app, site):
    with World(app) as world:
        key = world.customer("sales")
    page = site.go(enter(site), "/admin/customer/?q=")
    cell = page.locator("td[data-inline=status]").first
    cell.dblclick()
    cell.locator("select").wait_for()
    page.context.clear_cookies()
    cell.locator("select").select_option("won")
    page.keyboard.press("Enter")
    log_in_over(page, "sales")
    page.locator(".toast", has_text="已保存").wait_for()
    with World(app) as world, world.acting("admin"):
        assert world.session.get_one(Customer, key).status.name == "won"


def test_a_choice_of_rows_survives_the_end_of_the_log_in(app, site):
    with World(app) as world:
        for _n in range(2):
            world.customer("sales")
    page = site.go(enter(site), "/admin/customer/?q=")
    page.check("[data-all]")
    page.context.clear_cookies()
    page.click("[data-bulk] button[value=delete]")
    log_in_over(page, "sales")
    page.locator("main h1", has_text="删除").wait_for()
    assert "2 条" in page.inner_text("main")

    page.go_back()  # what asks once more stands in the place of the grid
    page.locator("[data-all]").wait_for()
    page.check("[data-all]")
    page.click("[data-bulk] summary")
    page.click("[data-bulk] button[value=edit]")  # no field: refused beside it, the ticks stay
    page.locator("#bulk-field[aria-invalid=true]").wait_for()
    assert "请选择要修改的字段" in page.inner_text("[data-bulk]")
    assert page.locator("[name=rowid]:checked").count() == 2
    page.select_option("#bulk-field", "status")
    page.locator("#bulk-choice option", has_text="已成交").wait_for(state="attached")
    page.select_option("#bulk-choice", label="已成交")
    page.click("[data-bulk] button[value=edit]")
    page.click("main form button.p")
    page.locator(".toast", has_text="成功 2 条").wait_for()
    assert page.url.endswith("/admin/customer/?q=")
