"""Saved views of a summary: a stored address, own and shared, opened by default, pinned to home."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from dashboards.kept import measures
from dashboards.pages import SUMMARIES
from models.people.role import Role
from models.query.saved_view import SavedView
from models.query.view_pin import ViewPin
from services.core.errors import Invalid
from tests.support.page import tight
from tests.support.world import World, count_queries

PAGE = "/admin/cockpit/performance/"
VIEWS, VIEW = f"{PAGE}views/", f"{PAGE}view/"
STATE = "preset=year&level=a"


def save(visitors, who, name="重点", state=STATE, **more):
    form = {"verb": "save", "name": name, "state": state, **more}
    answer = visitors.post(who, VIEWS, form)
    assert answer.status_code == 303, answer.text
    with World(visitors.app) as world:
        query = sa.select(SavedView.id).where(
            SavedView.name == name, SavedView.owner_id == world.id_of(who)
        )
        return world.session.scalar(query)


def share(visitors, who, key, role):
    with World(visitors.app) as world:
        role = world.session.scalar(sa.select(Role.id).where(Role.name == role))
    assert (
        visitors.post(who, VIEWS, {"verb": "change", "id": key, "role_id": role}).status_code == 303
    )


def pin(visitors, who, key, measure="amount"):
    return visitors.post(who, VIEW, {"verb": "pin", "id": key, "measure": measure})


def live(visitors, who):
    """Return label → value of the tiles that a person has pinned, as the home page loads them."""
    home = tight(visitors.get(who, "/admin/").text)
    found = re.findall(r'data-live="([^"]+)"[^>]*><div class="l">([^<]*)<', home)
    return {label: visitors.get(who, address).json["value"] for address, label in found}


def test_a_view_keeps_its_state_in_canonical_order_and_opens_with_it(visitors):
    key = save(
        visitors,
        "analyst",
        state="level=a&preset=year&page=3&view=9&as_of=2020-01-01T00:00:00Z&lang=en&via=visits",
    )

    with World(visitors.app) as world:
        assert world.get(SavedView, key).query == STATE
    page = tight(visitors.get("analyst", f"{PAGE}?{STATE}&view={key}").text)
    assert f'href="{PAGE}?preset=year&amp;level=a&amp;view={key}" aria-current="true"' in page
    assert "重点 *" not in page
    changed = tight(visitors.get("analyst", f"{PAGE}?preset=year&view={key}").text)
    assert "重点 *" in changed
    assert "更新「重点」" in changed


def test_a_state_that_the_summary_refuses_is_not_saved(visitors):
    form = {"verb": "save", "name": "x", "state": "level=z"}

    assert visitors.post("analyst", VIEWS, form).status_code == 400
    assert visitors.post("analyst", VIEWS, form | {"state": "ownr=1"}).status_code == 400


def test_the_default_opens_the_bare_summary_and_clearing_leads_past_it(visitors):
    key = save(visitors, "analyst", default="1")

    opened = visitors.get("analyst", PAGE)
    assert parse_qs(urlsplit(opened.location).query) == {
        "preset": ["year"],
        "level": ["a"],
        "view": [str(key)],
    }
    page = visitors.get("analyst", opened.location).text
    assert 'href="?view=0">清除筛选' in page
    assert visitors.get("analyst", f"{PAGE}?view=0").status_code == 200
    assert visitors.get("manager", PAGE).status_code == 200
    assert visitors.get("analyst", "/admin/cockpit/visits/").status_code == 200
    visitors.post("analyst", VIEWS, {"verb": "prefer", "id": ""})
    assert visitors.get("analyst", PAGE).status_code == 200


def test_a_default_that_asks_what_is_no_more_does_not_shut_the_summary(visitors):
    key = save(visitors, "analyst", default="1")
    with World(visitors.app) as world:
        table = SavedView.__table__
        world.session.connection().execute(
            sa.update(table).where(table.c.id == key).values(query="sort=vanished")
        )
        world.session.commit()

    assert visitors.get("analyst", PAGE).status_code == 200


def test_a_shared_view_shows_everybody_his_own_scope_and_is_changed_by_its_owner_alone(visitors):
    key = save(visitors, "manager", state="preset=year")
    assert visitors.get("sales", f"{VIEW}?id={key}").status_code == 404
    share(visitors, "manager", key, "sales")

    assert "重点" in visitors.get("sales", f"{PAGE}?view=0").text
    assert "重点" not in visitors.get("finance", f"{PAGE}?view=0").text
    assert visitors.post("sales", VIEWS, {"verb": "delete", "id": key}).status_code == 403
    for who in ("sales", "manager"):
        assert pin(visitors, who, key).status_code == 303
        shown = visitors.get(who, f"{PAGE}data.json?preset=year").json["totals"]["amount"]
        (tile,) = live(visitors, who).values()
        assert {tile.replace(",", ""), f"{float(tile) * 10000:.2f}"} & {shown}, (who, tile, shown)


def test_a_note_stands_over_the_summary_and_a_too_long_one_is_refused(visitors):
    key = save(visitors, "analyst")
    change = {"verb": "change", "id": key, "note": "三月下降：春节"}
    assert visitors.post("analyst", VIEWS, change).status_code == 303

    assert "三月下降：春节" in visitors.get("analyst", f"{PAGE}?{STATE}&view={key}").text
    refused = visitors.post("analyst", VIEWS, change | {"note": "长" * 501})
    assert (refused.status_code, "备注最多 500 个字符" in refused.text) == (422, True)


def test_a_pin_is_live_goes_with_its_view_and_is_nobody_elses(visitors):
    key = save(visitors, "analyst", state="preset=year")
    assert pin(visitors, "analyst", key).status_code == 303
    assert pin(visitors, "analyst", key).status_code == 303  # a second time changes nothing
    with World(visitors.app) as world:
        number = world.session.scalars(sa.select(ViewPin.id)).one()

    assert list(live(visitors, "analyst")) == ["合同额"]
    assert visitors.get("manager", f"/admin/cockpit/pin.json?id={number}").status_code == 404
    assert (
        visitors.post("manager", VIEW, {"verb": "unpin", "id": key, "pin": number}).status_code
        == 404
    )
    assert pin(visitors, "analyst", key, "nonsense").status_code == 422
    assert visitors.post("analyst", VIEWS, {"verb": "delete", "id": key}).status_code == 303
    assert live(visitors, "analyst") == {}
    with World(visitors.app) as world:
        assert world.session.scalars(sa.select(ViewPin.id)).all() == []


def test_the_home_page_takes_no_statement_more_for_eight_pins_than_for_one(visitors):
    key = save(visitors, "analyst", state="preset=year")
    counts = []
    for measure in (
        "amount",
        "collected",
        "unpaid",
        "rate",
        "cash",
        "contracts",
        "average",
        "win_rate",
    ):
        assert pin(visitors, "analyst", key, measure).status_code == 303
        visitors.get("analyst", "/admin/")
        with count_queries(visitors.app) as statements:
            visitors.get("analyst", "/admin/")
        counts.append(len(statements))
    refused = pin(visitors, "analyst", key, "won")

    assert len(set(counts)) == 1
    assert counts[0] <= 15
    assert refused.status_code == 422


@pytest.mark.parametrize("key", SUMMARIES)
def test_every_number_offered_is_in_the_totals_of_its_grain(cockpit, key):
    for by in SUMMARIES[key].choices.grains:
        found = cockpit.read(key, by=by, from_="2025-01-01", to="2026-12-31")
        offered = measures.offered(SUMMARIES[key], found.query)
        assert set(offered) <= set(found.totals), by
        assert offered


def test_a_number_of_a_view_is_that_of_the_page_and_one_of_another_grain_is_refused(cockpit):
    world = cockpit.world
    world.be("analyst")
    view = SavedView(noun="cockpit:collections", query="by=owner&preset=year", name="x")

    told = measures.measure(world.session, world.actor, view, "overdue_rate", now=world.now)

    assert (
        told.value == cockpit.read("collections", by="owner", preset="year").totals["overdue_rate"]
    )
    with pytest.raises(Invalid):
        measures.measure(world.session, world.actor, view, "paid_on", now=world.now)


def test_chosen_columns_stand_in_their_order_on_the_page_in_files_and_in_a_view(visitors):
    state = "by=owner&columns=amount,label,rate&bars=amount"
    page = tight(visitors.get("analyst", f"{PAGE}?preset=year&{state}").text)
    book = visitors.get("analyst", f"{PAGE}export.csv?preset=year&{state}").get_data(as_text=True)

    heads = re.findall(r'<th scope="col"[^>]*>(?:<a [^>]*>)?([^<▾▴]+)', page)
    assert [head.strip() for head in heads] == ["合同额", "销售员", "回款率"]
    assert book.lstrip("\ufeff").splitlines()[0] == "合同额,销售员,回款率"
    assert 'data-share="100"' in page
    key = save(visitors, "analyst", state=f"preset=year&{state}")
    with World(visitors.app) as world:
        assert "columns=amount%2Clabel%2Crate&bars=amount" in world.get(SavedView, key).query
    assert visitors.get("analyst", f"{PAGE}?columns=nothing").status_code == 400
    other = tight(visitors.get("analyst", f"{PAGE}?by=month&columns=code").text)  # of another grain
    assert "合同额" in other
