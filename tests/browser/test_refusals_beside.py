"""Errors of an answer stand beside their fields; none is dropped (static/beside.js)."""

import pytest
import sqlalchemy as sa

from models.deals.payment import Payment
from tests.records.test_money_forms import box, in_force, registered
from tests.support.browser import browsing, calm
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
NEW = "/admin/customer/new/"


def enter(site, who="sales", **how):
    found = site.visit(who, **how)
    found.on("dialog", lambda dialog: dialog.accept())
    return found


def over_contract(app):
    """Register what is more than its contract, as finance will have to confirm it; its address."""
    key = in_force(app, amount=100_00)
    registered(app, key, "150", _known=box(registered(app, key, "150")[1]))
    return f"/admin/payment/details/?id={payments(app)[-1]}"


def payments(app):
    with World(app) as world, world.acting("admin"):
        return world.session.scalars(sa.select(Payment.id).order_by(Payment.id)).all()


@pytest.mark.parametrize(("size", "language"), [("wide", "zh"), ("phone", "en")])
def test_a_payment_that_was_not_checked_is_refused_beside_its_tick(app, site, size, language):
    path = over_contract(app)
    page = enter(site, "finance", size=size)
    site.go(page, f"/lang/{language}?next=/admin/")
    form = site.go(page, path).locator("form[action*='/confirm/']")
    form.locator("button").click()
    form.locator(".err").wait_for()
    said = {"zh": "请先核对并勾选", "en": "Check"}[language]
    assert said in form.locator(".err").inner_text()
    assert form.locator("[name=_known]").get_attribute("aria-invalid") == "true"
    tick, err = (form.locator(one).bounding_box() for one in ("[name=_known]", ".err"))
    assert 0 < err["y"] - tick["y"] < 60
    site.keep(page, f"refused-tick-{size}")

    form.locator("button").click()  # once more: told once
    assert calm(page).locator("form .err").count() == 1
    form.locator("[name=_known]").check()
    form.locator("button").click()
    form.wait_for(state="detached")
    with World(app) as world:
        assert world.get(Payment, payments(app)[-1]).state.name == "confirmed"


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_parts_of_a_payment_are_refused_beside_their_line(lite, size):
    key = in_force(lite, amount=200_00)
    registered(lite, key, "150")
    with browsing(lite) as site:
        path = f"/admin/payment/details/?id={payments(lite)[-1]}"
        page = site.go(enter(site, "finance", size=size), path)
        part = page.locator("#hand [name^=part-]").first
        for typed in ("abc", "99999"):
            part.fill(typed)
            page.locator("#hand button.p").click()
            calm(page).locator("#hand td .err").wait_for()
            assert part.input_value() == typed
            assert part.get_attribute("aria-invalid") == "true"
        site.keep(page, f"refused-part-{size}")
        part.fill("10")
        page.locator("#hand button.p").click()
        page.locator(".toast", has_text="分摊").first.wait_for()


MISPLACED = """(markup) => {
  const form = document.querySelector('form[data-draft]');
  const twin = new DOMParser().parseFromString(`<form>${markup}</form>`, 'text/html').forms[0];
  const taken = window.tcosBeside.take(form, twin);
  return [taken, document.querySelector('.err')?.checkVisibility() ?? null,
    document.querySelector('.err')?.parentElement === form];
}"""


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ('<div class="err" id="nowhere-err">x</div>', [True, True, True]),  # no control
        ('<div class="err">x</div>', [True, True, True]),  # nothing to go by
        ('<input id="a" aria-describedby="a-err"><p class="err" id="a-err">x</p>', [True] * 3),
        (  # by the name of what it describes
            '<input name="company" aria-describedby="else-err"><p class="err" id="else-err">x</p>',
            [True, True, False],
        ),
        ('<p class="err" id="f-company-err">x</p>', [True, True, False]),
        ('<input name="company" aria-invalid="true">', [False, None, False]),  # a mark and no word
    ],
)
def test_no_message_of_an_answer_is_dropped(lite, markup, seen):
    with browsing(lite) as site:
        page = site.go(enter(site), NEW)
        assert page.evaluate(MISPLACED, markup) == seen


def test_the_error_of_a_field_that_is_hidden_stands_at_the_top(lite):
    with browsing(lite) as site:
        page = site.go(enter(site), NEW)
        page.evaluate("document.querySelector('[name=company]').closest('.field').hidden = true")
        assert page.evaluate(MISPLACED, '<p class="err" id="f-company-err">x</p>') == [True] * 3
