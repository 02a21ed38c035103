"""An administrator goes from a number of the overview to its requests and gives them to another."""

import pytest
import sqlalchemy as sa

from models.people.user import Language, User
from tests.approval.flows import flow, turn
from tests.support import clock
from tests.support.browser import browsing, overflow
from tests.support.world import World

pytestmark = pytest.mark.browser


@pytest.fixture(params=["sqlite", "postgres"])
def company(request, databases):
    """Three requests with the reviewer, one with somebody else; the manager reads English."""
    with databases.lent(request.param) as app:
        with World(app) as world:
            world.now = clock.now()
            flow(world, {"people": ["reviewer2"]})
            world.submitted()
            flow(world, {"people": ["reviewer"]})
            keys = [world.submitted()[1] for _n in range(3)]
            with world.acting("admin"):
                rows = sa.select(User).where(User.name == "manager")
                world.session.scalars(rows).one().language = Language.en
        with browsing(app) as site:
            yield app, site, keys
            assert site.faults == []


@pytest.mark.parametrize("size", ["wide", "phone"])
def test_from_a_number_to_its_requests_and_on_to_somebody_else(company, size):
    app, site, keys = company
    page = site.visit("admin", size=size)
    site.go(page, "/admin/overview/")
    assert overflow(page) == 0

    page.locator("tr", has_text="reviewer").filter(has_not_text="reviewer2").locator(
        "a"
    ).first.click()
    page.wait_for_selector(".grid table.cards")
    assert page.locator("tbody tr").count() == 3
    assert overflow(page) == 0
    page.locator("[data-rows] input[name=rowid]").nth(0).check()
    page.locator("[data-rows] input[name=rowid]").nth(1).check()
    page.click("button[value=reassign]")
    page.wait_for_selector("#give-to")
    assert overflow(page) == 0
    page.select_option("#give-to", label="reviewer2")
    page.fill("#comment", "王强休假")
    page.click(".acts .btn.p")
    page.wait_for_selector(".toast")

    page.wait_for_selector(".grid table.cards")
    assert page.locator("tbody tr").count() == 1
    with World(app) as world:
        assert sorted(turn(world, key)[0] for key in keys) == ["reviewer", *["reviewer2"] * 2]


def test_the_figures_are_drawn_and_their_page_fits(company):
    app, site, keys = company
    with World(app) as world:
        world.now = clock.now()
        world.decided(keys[0], "reviewer", "reject", "资料不全")
    for size in ("wide", "phone"):
        page = site.visit("admin", size=size)
        site.go(page, "/admin/overview/figures/")
        page.wait_for_selector(".chart .main-svg")
        assert page.locator(".chart").count() == 2
        assert overflow(page) == 0
