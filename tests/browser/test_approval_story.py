"""The approval centre in a real Chromium: three rounds, a stand-in, a bulk, a change, an undo."""

import datetime as dt
import time

import pytest
import sqlalchemy as sa

from models.approval.flow import FlowAction
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from services import approval
from services.records import records
from services.rights.actor import SYSTEM
from tests.approval.flows import act, flow
from tests.support import clock
from tests.support.browser import browsing, overflow
from tests.support.world import World

pytestmark = pytest.mark.browser
MANY, BAD = 100, 4


@pytest.fixture
def told(app):
    """Return a way to prepare through the services, outside of the browser's requests."""

    def prepare(work):
        with World(app) as world:
            world.now = clock.now()
            return work(world)

    return prepare


def approval_of(app, key):
    with app.app_context(), db.engine.connect() as connection:
        table = Customer.__table__
        return connection.execute(sa.select(table.c.approval).where(table.c.id == key)).scalar_one()


def becomes(app, key, state):
    """Wait for a state: what a left page sends arrives a moment later."""
    until = time.monotonic() + 10
    while approval_of(app, key) is not state and time.monotonic() < until:
        time.sleep(0.05)
    return approval_of(app, key) is state


def decide(site, page, button, comment=""):
    """Decide the chosen request; leaving the page sends what is held back."""
    page.fill("#comment", comment)
    page.click(f"[data-decide] button[value={button}]")
    page.wait_for_selector(".toast")
    site.go(page, "/admin/created/")


def beside(page, key, text):
    """Write a remark beside a field of the chosen request."""
    field = page.locator(f"[name='note-{key}']")
    page.locator("details.noting", has=field).locator("summary").click()
    field.fill(text)


def stood_in(world):
    """Let finance stand in for the manager in the second step; submit a customer."""
    flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
    with world.acting("manager"):
        approval.delegate(
            world.call,
            to=world.id_of("finance"),
            from_on=world.now.date(),
            to_on=world.now.date() + dt.timedelta(days=2),
            reason=None,
        )
    return world.submitted(company="黄石东贝")[0]


def test_three_rounds_with_remarks_a_return_and_a_stand_in(app, site, told):
    key = told(stood_in)
    reviewer, sales = site.visit("reviewer"), site.visit("sales")
    site.go(reviewer, "/admin/inbox/")
    beside(reviewer, "company", "请写全称")
    site.keep(reviewer, "queue-wide")
    decide(site, reviewer, "reject", "缺营业执照")
    assert becomes(app, key, Approval.rejected)

    site.go(sales, f"/admin/customer/edit/?id={key}")
    field = sales.locator(".field", has=sales.locator("[name=company]"))
    assert "请写全称" in field.text_content()
    site.keep(sales, "mending-wide")
    sales.fill("[name=company]", "黄石东贝机电集团有限责任公司")
    sales.click("button[name=_submit]")
    sales.wait_for_selector(".toast")
    site.go(reviewer, "/admin/inbox/")
    reviewer.click("text=打开全页")
    reviewer.fill("#comment", "请核对手机")
    reviewer.click("button[value=give_back]")
    reviewer.wait_for_selector("text=已退回")
    assert becomes(app, key, Approval.rejected)

    site.go(sales, f"/admin/customer/edit/?id={key}")
    assert "请写全称" not in sales.content()
    sales.fill("[name='primary.mobile']", "13907230001")
    sales.click("button[name=_submit]")
    sales.wait_for_selector(".toast")
    site.go(reviewer, "/admin/inbox/")
    decide(site, reviewer, "approve", "资料完整，同意")
    finance = site.visit("finance")
    site.go(finance, "/admin/inbox/")
    assert finance.is_visible("text=代 manager")
    decide(site, finance, "approve")
    assert becomes(app, key, Approval.approved)
    site.go(sales, f"/admin/customer/details/?id={key}")
    rounds = sales.locator(".rounds").text_content()
    assert all(
        text in rounds
        for text in ("第 3 轮", "第 2 轮", "第 1 轮", "缺营业执照", "请写全称", "请核对手机")
    )
    assert "finance（代 manager） 同意" in rounds
    assert shown_of(site, sales, "第 1 轮") == "黄石东贝"
    site.go(sales, f"/admin/customer/details/?id={key}")
    assert shown_of(site, sales, "第 3 轮") == "黄石东贝机电集团有限责任公司"


def shown_of(site, page, name):
    """Open the snapshot of a round, which is as it was; return the company it shows."""
    page.locator(".rounds li", has_text=name).locator("text=查看提交内容").click()
    page.wait_for_selector("text=与提交时一致")
    return page.locator("dt:has-text('客户单位') + dd .pre").text_content()


def test_a_decision_is_undone_within_eight_seconds_and_keys_move(app, site, told):
    def prepare(world):
        return [world.submitted(**{"primary.mobile": f"1381111000{n}"})[0] for n in range(2)]

    told(prepare)
    page = site.visit("reviewer")
    site.go(page, "/admin/inbox/")
    first = page.locator("#panel h2").first.text_content()

    page.keyboard.press("j")
    page.wait_for_function("t => document.querySelector('#panel h2').textContent !== t", arg=first)
    page.keyboard.press("k")
    page.wait_for_function("t => document.querySelector('#panel h2').textContent === t", arg=first)
    page.keyboard.press("a")
    page.wait_for_function("t => document.querySelector('#panel h2').textContent !== t", arg=first)
    page.keyboard.press("u")
    page.wait_for_function("t => document.querySelector('#panel h2').textContent === t", arg=first)
    site.go(page, "/admin/created/")

    with app.app_context(), db.engine.connect() as connection:
        task = ApprovalTask.__table__
        done = sa.select(sa.func.count()).where(task.c.state == TaskState.done)
        assert connection.execute(done).scalar_one() == 0


def test_every_key_does_its_part_and_they_can_be_switched_off(lite):
    with World(lite) as world:
        world.now = clock.now()
        for n in range(2):
            world.submitted(**{"primary.mobile": f"1381111000{n}"})
    with browsing(lite) as site:
        page = site.visit("reviewer")
        site.go(page, "/admin/inbox/")
        first = page.locator("#panel h2").first.text_content()

        page.keyboard.press("x")
        assert page.locator("[data-ticked]").text_content() == "1"
        page.keyboard.press("r")
        assert page.evaluate("document.activeElement.id") == "comment"
        page.keyboard.press("j")  # typed, not obeyed
        assert page.input_value("#comment") == "j"
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        page.wait_for_selector(".toast:has-text('上下移动')")
        page.click("[data-keys-switch]")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("j")
        page.wait_for_timeout(300)
        assert page.locator("#panel h2").first.text_content() == first
        page.click("[data-keys-switch]")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("t")
        page.wait_for_url("**/admin/request/**#more")
        assert site.faults == []


def test_an_undone_no_gives_back_what_was_typed(lite):
    with World(lite) as world:
        world.now = clock.now()
        world.submitted()
    with browsing(lite) as site:
        page = site.visit("reviewer")
        site.go(page, "/admin/inbox/")
        beside(page, "company", "请写全称")
        page.fill("#comment", "资料不全")
        page.click("[data-decide] button[value=reject]")
        page.wait_for_selector(".toast button")
        page.click(".toast button")

        page.wait_for_function("() => document.querySelector('#comment')?.value === '资料不全'")
        assert page.input_value("[name='note-company']") == "请写全称"
        assert site.faults == []


def test_without_a_script_the_queue_is_plain_forms(lite):
    with World(lite) as world:
        world.now = clock.now()
        keys = [world.submitted(**{"primary.mobile": f"1381111000{n}"})[0] for n in range(2)]
    with browsing(lite) as site:
        known = site.visit("reviewer").context
        context = site.browser.new_context(
            java_script_enabled=False, storage_state=known.storage_state()
        )
        site.contexts.append(context)
        page = context.new_page()
        site.go(page, "/admin/inbox/")
        page.locator("tbody tr a").nth(1).click()
        page.locator("details.noting summary").first.click()
        page.locator("details.noting input").first.fill("请核对")
        page.click("[data-decide] button[value=reject]")
        page.locator(".toast, .flash").first.wait_for()
        site.go(page, "/admin/inbox/")
        page.click("[data-decide] button[value=approve]")
        page.locator(".toast, .flash").first.wait_for()

    states = {approval_of(lite, key) for key in keys}
    assert states == {Approval.rejected, Approval.approved}


def test_a_bulk_of_a_hundred_names_the_four_bad_ones_and_retries_only_those(app, site, told):
    asked = told(a_hundred)
    page = site.visit("admin")
    site.go(page, "/admin/inbox/")
    page.check("[data-scope]")
    page.click("button[value=approve][data-needs-tick]")
    page.wait_for_selector(f"text=共 {MANY} 项，尚未执行")
    told(lambda world: meanwhile(world, asked))
    page.click("form button.ok")

    page.wait_for_selector(f"text=成功 {MANY - BAD} · 失败 {BAD}")
    failed = page.locator("tr[data-code]")  # people read the reason, codes are for programs
    codes = failed.evaluate_all("rows => rows.map((row) => row.dataset.code)")
    assert len(set(failed.locator("td[data-label='原因']").all_inner_texts())) == BAD
    assert sorted(codes) == ["ALREADY_HANDLED", "CONTENT_CHANGED", "OWN_RECORD", "WITHDRAWN"]
    site.keep(page, "batch-wide")
    page.click("button.p")
    page.wait_for_selector(f"text=成功 0 · 失败 {BAD}")
    site.go(page, "/admin/inbox/")
    assert f"上一批：成功 0 · 失败 {BAD}" in page.content()


def a_hundred(world):
    """Give the admin 100 open tasks, one of them on what he submitted himself; return some."""
    changed = world.approved(company="旧名有限公司", **{"primary.mobile": "13766660000"})
    people = {"people": ["admin", "reviewer2"]}
    flow(world, people)
    flow(world, people, action=FlowAction.change)
    with world.acting("sales"):
        record = world.get(Customer, changed)
        values = {"level": Level.c}
        records.update(world.call, record, values, seen=None)
    requests = []
    with world.acting("sales"):
        for n in range(MANY - 2):
            number = {"primary.mobile": f"139{n:08}"}
            values = world.customer_values(company=f"武汉第{n}机械有限公司", **number)
            made = world.create(Customer, **values)
            requests.append(approval.submit(world.call, made).id)
    flow(world, {"people": ["admin"]})
    world.submitted("admin", company="管理员自录有限公司", **{"primary.mobile": "13655550000"})
    return {"changed": changed, "requests": requests}


def meanwhile(world, asked):
    """Let one be withdrawn, one be handled by somebody else, and one record move."""
    act(world, "sales", "withdraw", asked["requests"][0])
    world.decided(asked["requests"][1], who="reviewer2", verb="reject", comment="不要")
    customer = Customer.__table__
    world.be(SYSTEM)
    moved = sa.update(customer).where(customer.c.id == asked["changed"]).values(street="别处")
    world.session.execute(moved)
    world.session.commit()


def test_a_change_is_applied_and_one_whose_record_moved_is_refused(app, site, told):
    def prepare(world):
        keys = [
            world.approved(company=f"旧名{n}有限公司", **{"primary.mobile": f"1377777000{n}"})
            for n in range(2)
        ]
        for key in keys:
            with world.acting("sales"):
                record = world.get(Customer, key)
                changes = {"level": Level.c, "street": "铁山区武黄路 5 号"}
                records.update(world.call, record, changes, seen=None)
        return keys

    keys = told(prepare)
    customer = Customer.__table__
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(
            sa.update(customer).where(customer.c.id == keys[1]).values(street="别处")
        )
    page = site.visit("reviewer")
    site.go(page, "/admin/inbox/")
    site.keep(page, "change-wide")
    for end in ("**/admin/inbox/", "**/admin/request/?id=*"):
        site.go(page, "/admin/inbox/")
        page.click("text=打开全页")
        with page.expect_response("**/decide/"):
            page.click("button[value=approve]")
        page.wait_for_url(end, wait_until="load")

    page.locator("[data-refusal]", has_text="原记录已变化").wait_for()
    with app.app_context(), db.engine.connect() as connection:
        rows = connection.execute(
            sa.select(customer.c.level, customer.c.street).where(customer.c.id.in_(keys))
        ).all()
    assert sorted(str(r.street) for r in rows) == sorted(["铁山区武黄路 5 号", "别处"])


@pytest.mark.parametrize("path", ["inbox/", "created/", "cc/", "inbox/delegation/"])
def test_the_approval_pages_fit_a_phone(lite, path):
    """One column at 390 px."""
    with World(lite) as world:
        world.submitted(company="黄石东贝机电集团有限责任公司")
    with browsing(lite) as site:
        page = site.visit("reviewer", size="phone")
        site.go(page, f"/admin/{path}")
        site.keep(page, f"phone-{path.replace('/', '')}")
        assert overflow(page) <= 0
