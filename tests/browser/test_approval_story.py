"""The approval centre in a real Chromium: three rounds, a stand-in, a bulk, a change, an undo."""

import datetime as dt
import time

import pytest
import sqlalchemy as sa

import models as m
from services import approval, records
from services.approval import bulk
from tests.approval.flows import act, flow
from tests.support.browser import browsing, overflow
from tests.support.world import World

pytestmark = pytest.mark.browser
MANY, BAD = 12, 4


@pytest.fixture
def told(app):
    """Return a way to prepare through the services, outside of the browser's requests."""

    def prepare(work):
        with World(app) as world:
            world.now = dt.datetime.now(dt.UTC)
            return work(world)

    return prepare


def approval_of(app, key):
    with app.app_context(), m.db.engine.connect() as connection:
        table = m.Customer.__table__
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


def test_three_rounds_with_a_return_and_a_stand_in(app, site, told):
    def prepare(world):
        flow(world, {"people": ["reviewer"]}, {"people": ["manager"]})
        with world.acting("manager"):
            approval.delegate(
                world.session, to=world.id_of("finance"), from_on=world.now.date(),
                to_on=world.now.date() + dt.timedelta(days=2), reason=None, by=world.actor,
                now=world.now,
            )  # fmt: skip
        return world.submitted(company="黄石东贝机电集团有限责任公司")[0]

    key = told(prepare)
    reviewer, sales = site.visit("reviewer"), site.visit("sales")
    site.go(reviewer, "/admin/inbox/")
    site.keep(reviewer, "queue-wide")
    decide(site, reviewer, "reject", "缺营业执照")
    assert becomes(app, key, m.Approval.rejected)

    site.go(sales, f"/admin/customer/edit/?id={key}")
    sales.fill("[name=remark]", "已补执照")
    sales.click("button[name=_submit]")
    sales.wait_for_selector(".toast")
    site.go(reviewer, "/admin/inbox/")
    reviewer.click("text=打开全页")
    reviewer.fill("#comment", "请核对手机")
    reviewer.click("button[value=give_back]")
    reviewer.wait_for_selector("text=已退回")
    assert becomes(app, key, m.Approval.rejected)

    site.go(sales, f"/admin/customer/edit/?id={key}")
    sales.click("button[name=_submit]")
    sales.wait_for_selector(".toast")
    site.go(reviewer, "/admin/inbox/")
    decide(site, reviewer, "approve", "资料完整，同意")
    finance = site.visit("finance")
    site.go(finance, "/admin/inbox/")
    assert finance.is_visible("text=代 manager")
    decide(site, finance, "approve")
    assert becomes(app, key, m.Approval.approved)
    site.go(sales, f"/admin/customer/details/?id={key}")
    page = sales.content()
    assert all(text in page for text in ("第 3 轮", "缺营业执照", "请核对手机", "代 manager"))


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

    with app.app_context(), m.db.engine.connect() as connection:
        task = m.ApprovalTask.__table__
        done = sa.select(sa.func.count()).where(task.c.state == m.TaskState.done)
        assert connection.execute(done).scalar_one() == 0


def test_a_bulk_with_bad_ones_tells_each_and_retries_only_those(app, site, told):
    def prepare(world):
        keys = [
            world.submitted(company=f"武汉第{n}机械有限公司", **{"primary.mobile": f"139{n:08}"})[1]
            for n in range(MANY)
        ]
        with world.acting("reviewer"):
            job = bulk.prepare(
                world.session, "", verb="approve", comment=None, by=world.actor, now=world.now
            ).id
        for key in keys[:2]:
            act(world, "sales", "withdraw", key)
        for key in keys[2:BAD]:
            world.decided(key, who="reviewer2", verb="reject", comment="不要")
        return job

    job = told(prepare)
    page = site.visit("reviewer")
    site.go(page, f"/admin/batch/?id={job}")
    page.click("form button.ok")

    page.wait_for_selector(f"text=成功 {MANY - BAD} · 未处理 {BAD}")
    assert page.locator("td:has-text('WITHDRAWN')").count() == 2
    assert page.locator("td:has-text('ALREADY_HANDLED')").count() == 2
    site.keep(page, "batch-wide")
    page.click("button.p")
    page.wait_for_selector(f"text=成功 0 · 未处理 {BAD}")


def test_a_change_is_applied_and_one_whose_record_moved_is_refused(app, site, told):
    def prepare(world):
        keys = [
            world.approved(company=f"旧名{n}有限公司", **{"primary.mobile": f"1377777000{n}"})
            for n in range(2)
        ]
        for key in keys:
            with world.acting("sales"):
                record = world.get(m.Customer, key)
                changes = {"level": m.Level.c, "street": "铁山区武黄路 5 号"}
                records.update(
                    world.session, record, changes, seen=None, by=world.actor, now=world.now
                )
        return keys

    keys = told(prepare)
    customer = m.Customer.__table__
    with app.app_context(), m.db.engine.begin() as connection:
        connection.execute(
            sa.update(customer).where(customer.c.id == keys[1]).values(street="别处")
        )
    page = site.visit("reviewer")
    site.go(page, "/admin/inbox/")
    site.keep(page, "change-wide")
    for _n in keys:
        site.go(page, "/admin/inbox/")
        page.click("text=打开全页")
        page.click("button[value=approve]")
        page.wait_for_load_state()

    assert "原记录已变化" in page.content()
    with app.app_context(), m.db.engine.connect() as connection:
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
