"""The board: a move is shown where one stands and can be taken back; closing is asked about."""

import pytest

from models.sales.opportunity import Opportunity
from models.sales.stage import Stage, StageKind
from services.records import records
from tests.support.browser import browsing, chromium
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def asked_only(app, page, card, stage):
    """Drop a card on a stage that is entered by approval: it stands where it stood."""
    with World(app) as world, world.acting("admin"):
        records.update(world.call, world.get(Stage, stage), {"approved_entry": True}, seen=None)
    page.locator(".toast").first.wait_for(state="detached")
    lane = page.locator(f".lane[data-stage='{stage}']")
    card.drag_to(lane, target_position={"x": 60, "y": 100})
    page.locator(".toast", has_text="已提交变更申请").wait_for()
    assert page.locator(".toast button").count() == 0


def test_a_drop_keeps_the_place_can_be_undone_and_a_win_is_confirmed(lite):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with World(lite) as world:
        customer = world.approved("sales")
        keys = [
            world.approved("sales", Opportunity, world.opportunity(customer, name=f"产线{n}"))
            for n in range(8)
        ]
        first, quote, won = (world.stage(code) for code in ("contact", "quote", "won"))
    key = keys[-1]

    def deal():
        with World(lite) as world, world.acting("admin"):
            record = world.get(Opportunity, key)
            return record.stage_id, record.state

    with browsing(lite) as site:
        page = site.visit("sales")
        page.set_viewport_size({"width": 1440, "height": 500})
        site.go(page, "/admin/opportunity/board/")
        page.evaluate("window.same = true; document.querySelector('.lane').scrollTop = 150")
        card = page.locator(f"[data-deal='{key}']")
        lane = page.locator(f".lane[data-stage='{quote}']")
        card.drag_to(lane, target_position={"x": 60, "y": 100})
        lane.locator(f"[data-deal='{key}']").wait_for()
        assert "1" in lane.locator("header .tag").inner_text()
        place = "document.querySelector('.lane').scrollTop"
        assert page.evaluate(f"[window.same, {place} > 100]") == [True, True]
        assert deal() == (quote, StageKind.open)
        site.keep(page, "board-moved")
        page.click(".toast button")
        page.locator(f".lane[data-stage='{first}'] [data-deal='{key}']").wait_for()
        assert deal() == (first, StageKind.open)

        asked_only(lite, page, card, quote)
        assert deal() == (first, StageKind.open)

        end = page.locator(f".lane.end[data-stage='{won}']")
        card.drag_to(end)
        page.locator("#confirm").wait_for()
        assert "产线7" in page.inner_text("#confirm-text")
        page.click("#confirm [data-no]")
        assert deal() == (first, StageKind.open)
        card.drag_to(end)
        page.click("#confirm [data-yes]")
        card.wait_for(state="detached")
        assert deal() == (won, StageKind.won)
        assert page.evaluate("window.same")
        assert site.faults == []
