"""Opportunities: the board and the forecast add up, stages ask for what they need."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.records.dictionary import DictionaryOption
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage, StageKind
from services.core.errors import Invalid, Locked
from services.records import records
from services.sales import board
from services.sales.opportunity import move_stage
from tests.support.world import World, count_queries, login, token_of


def deals(world, *amounts, who="sales", **changes):
    customer = world.approved(who)
    keys = [world.opportunity(customer, who, amount=a, **changes) for a in amounts]
    return [world.approved(who, Opportunity, key) for key in keys]


def move(world, key, stage, **values):
    with world.acting("sales"):
        record = world.get(Opportunity, key)
        values = {"stage_id": world.stage(stage), **values}
        move_stage(world.call, record, values)


def require(world, stage, text):
    with world.acting("admin"):
        row = world.get(Stage, world.stage(stage))
        records.update(world.call, row, {"requires": text}, seen=None)


def test_lanes_hold_counts_sums_and_sums_weighted_by_probability(world):
    first, second, _third = deals(world, 100_00, 200_00, 50_00)
    move(world, second, "quote")
    world.opportunity(world.approved(), amount=999_00)  # a draft counts nowhere

    world.be("sales")
    lanes = board.lanes(world.session, owner=None, now=world.now + dt.timedelta(days=3))
    sums = {x.stage.code: (x.count, x.amount, x.weighted) for x in lanes}

    assert sums["contact"] == (2, 150_00, 15_00)
    assert sums["quote"] == (1, 200_00, 100_00)
    assert sums["deal"] == (0, 0, 0)
    assert "lost" not in sums
    assert next((r.id, days) for r, days in lanes[0].cards) == (first, 3)


def test_a_stage_that_is_switched_off_stays_while_it_holds_anything(small):
    deals(small, 100_00)
    with small.acting("admin"):
        for code in ("contact", "deal"):
            row = small.get(Stage, small.stage(code))
            records.update(small.call, row, {"active": False}, seen=None)

    small.be("sales")
    lanes = board.lanes(small.session, owner=None, now=small.now)
    sums = {lane.stage.code: (lane.count, lane.amount, len(lane.cards)) for lane in lanes}

    assert sums["contact"] == (1, 100_00, 1)
    assert "deal" not in sums
    (key,) = deals(small, 200_00, stage_id=small.stage("quote"))
    with pytest.raises(Invalid) as refusal:
        move(small, key, "contact")
    assert set(refusal.value.errors) == {"stage_id"}
    small.be("sales")
    record, off = small.get(Opportunity, key), {"stage_id": small.stage("deal")}
    with pytest.raises(Invalid):
        records.update(small.call, record, off, seen=None)


def test_the_board_shows_only_what_one_may_see_and_mine_only_mine(world):
    deals(world, 100_00)
    deals(world, 200_00, who="sales2")

    def total(who, owner=None):
        actor = world.be(who)
        lanes = board.lanes(world.session, owner=actor.id if owner else None, now=world.now)
        return sum(lane.amount for lane in lanes)

    assert total("sales") == 100_00
    assert total("office") == 300_00
    assert total("office", owner=True) == 0


def test_the_forecast_adds_up_by_month_and_names_what_is_late(world):
    deals(world, 100_00, expected_on=dt.date(2026, 12, 5))
    deals(world, 300_00, expected_on=dt.date(2027, 1, 31))
    deals(world, 40_00, expected_on=dt.date(2026, 9, 1))

    world.be("office")
    months = board.forecast(world.session, owner=None, now=world.now)
    found = {x.first: (x.count, x.amount, x.weighted) for x in months}

    assert found[None] == (1, 40_00, 4_00)
    assert found[dt.date(2026, 12, 1)] == (1, 100_00, 10_00)
    assert found[dt.date(2027, 1, 1)] == (1, 300_00, 30_00)
    assert len(months) == 1 + board.MONTHS


def test_a_loss_needs_its_reason_and_every_move_is_history(world):
    (key,) = deals(world, 100_00)
    reason = world.session.scalar(
        sa.select(DictionaryOption.id).where(DictionaryOption.code == "price")
    )

    with pytest.raises(Invalid) as refusal:
        move(world, key, "lost")
    assert set(refusal.value.errors) == {"lost_reason_id"}
    move(world, key, "quote")
    move(world, key, "lost", lost_reason_id=reason)

    world.be("sales")
    record = world.get(Opportunity, key)
    assert [h.to_stage.code for h in record.stage_history] == ["contact", "quote", "lost"]
    assert (record.state, record.closed_on) == (StageKind.lost, dt.date(2026, 11, 23))
    with pytest.raises((Invalid, Locked)):
        move(world, key, "quote")


def test_a_stage_asks_for_its_required_fields(world):
    (key,) = deals(world, 100_00)
    require(world, "quote", "需求描述，竞争对手")

    with pytest.raises(Invalid) as refusal:
        move(world, key, "quote")
    assert set(refusal.value.errors) == {"need", "competitor"}

    with world.acting("sales"):
        record = world.get(Opportunity, key)
        values = {"need": "换线", "competitor": "无"}
        records.update(world.call, record, values, seen=None)
    move(world, key, "quote")

    world.be("sales")
    assert world.get(Opportunity, key).stage.code == "quote"


def test_a_stage_cannot_ask_for_what_no_opportunity_has(world):
    with pytest.raises(Invalid) as refusal:
        require(world, "quote", "颜色")

    assert set(refusal.value.errors) == {"requires"}


def test_the_menu_moves_a_card_without_a_script_and_leads_back(lite):
    with World(lite) as world:
        (key,) = deals(world, 100_00)
        stage = world.stage("quote")
    client = lite.test_client()
    login(client, "sales")
    with count_queries(lite) as statements:
        page = client.get("/admin/opportunity/board/").get_data(as_text=True)
    data = {"csrf_token": token_of(page), "id": key, "stage_id": stage}

    answer = client.post(
        "/admin/opportunity/move/", data=data | {"next": "/admin/opportunity/board/"}
    )

    assert len(statements) <= 15
    assert "移到…" in page
    assert answer.location == "/admin/opportunity/board/"
    with World(lite) as world:
        world.be("sales")
        assert world.get(Opportunity, key).stage.code == "quote"


def test_the_board_is_searched_and_filtered_like_the_grid(lite):
    with World(lite) as world:
        _one, two = deals(world, 100_00, 200_00, name="云梦产线")
        deals(world, 400_00, name="汉川泵站")
        with world.acting("sales"):
            records.update(world.call, world.get(Opportunity, two), {"name": "云梦二期"}, seen=None)
    client = lite.test_client()
    login(client, "sales")

    def shown(query):
        answer = client.get(f"/admin/opportunity/board/?{query}")
        page = answer.get_data(as_text=True)
        return {n for n in ("云梦产线", "云梦二期", "汉川泵站") if f"<b>{n}</b>" in page}, page

    assert len(shown("")[0]) == 3
    assert shown("search=云梦")[0] == {"云梦产线", "云梦二期"}
    found, page = shown("search=云梦&f.amount=ge:150&owner=me")
    assert found == {"云梦二期"}
    assert "移除此筛选" in page
    assert page.count("合计 200.00 元") == 1  # sums and the forecast follow
    assert "金额" in shown("f.amount=ge:viel")[1]  # what could not be read is told
    typed = client.get("/admin/opportunity/board/?w.field=amount&w.op=lt&w.value=300&owner=me")
    assert typed.location == "/admin/opportunity/board/?owner=me&f.amount=lt:300"
