"""客户分层 and 自定义客群 as filters: of every summary, at every door, and only of who is seen."""

import datetime as dt
import io
import random
import re
from html import unescape

import openpyxl
import pytest
import sqlalchemy as sa

from dashboards import segments
from dashboards.kept import mailing, watch
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.customers.customer import Customer
from models.portrait.customer_portrait import CustomerPortrait
from models.portrait.segment_rule import SegmentRule
from models.query.view_alert import ViewAlert
from models.query.view_subscription import FileForm, Rhythm, ViewSubscription
from models.registry import entity_of
from services.portrait import own_segments
from services.portrait.segments import default_rows
from services.query import conditions, saved_views
from tests.cockpits.test_drill import check, numbers
from tests.cockpits.test_views import live, pin, save
from tests.support.books import AT
from tests.support.world import World

EVER = {"from_": "1990-01-01", "to": "2099-12-31"}
LONG = "from=2025-01-01&to=2026-12-31"
PATHS = tuple(f"{key}/{path}" for key in SUMMARIES for path in ("", "data.json", "change.json"))


def write_portraits(connection):
    """Put 甲公司 into the first segment and 乙公司 into the second. Returns the two keys."""
    connection.execute(sa.insert(SegmentRule.__table__), [
        row | {"created_at": AT, "updated_at": AT, "row_version": 1} for row in default_rows()
    ])  # fmt: skip
    rule, customer = SegmentRule.__table__, Customer.__table__
    keys = connection.scalars(sa.select(rule.c.id).order_by(rule.c.ordinal)).all()
    for name, key in (("甲公司", keys[0]), ("乙公司", keys[1])):
        mine = connection.scalar(sa.select(customer.c.id).where(customer.c.company == name))
        row = {"customer_id": mine, "as_of": dt.date(2026, 11, 1), "segment_id": key,
               "frequency": 1, "monetary": 1, "orders": 1, "months_active": 1,
               "strip": [], "ailments": [], "causes": []}  # fmt: skip
        connection.execute(sa.insert(CustomerPortrait.__table__).values(**row))
    return keys[:2]


@pytest.fixture
def named(books):
    """Return the keys of the segments of 甲公司 and of 乙公司."""
    with books.app_context(), db.engine.begin() as connection:
        return write_portraits(connection)


def own(world, who, name, query):
    world.be(who)
    form = {"name": name, "query": query}
    view = saved_views.save(world.session, "customer", form, by=world.actor)
    world.session.commit()
    return view.id


def subscribe(world, view, who):
    row = {"id": 1, "view_id": view, "user_id": who, "rhythm": Rhythm.daily, "hour": 8, "day": 1,
           "form": FileForm.xlsx, "last_on": world.now.date()}  # fmt: skip
    world.session.connection().execute(sa.insert(ViewSubscription.__table__).values(**row))


def key_of(cockpit, company):
    found = sa.select(Customer.__table__.c.id).where(Customer.__table__.c.company == company)
    return cockpit.world.session.connection().scalar(found)


@pytest.mark.parametrize("key", SUMMARIES)
def test_a_segment_keeps_a_summary_to_its_customers_at_every_grain(named, cockpit, key):
    first, second = key_of(cockpit, "甲公司"), key_of(cockpit, "乙公司")
    group = own(cockpit.world, "analyst", "重点", "f.level=in:a")
    for by in SUMMARIES[key].choices.grains:
        one, other, a = (
            cockpit.read(key, by=by, **EVER, **asked)
            for asked in ({"segment": named[0]}, {"customer": first}, {"level": "a"})
        )
        assert (one.count, one.totals) == (other.count, other.totals), by
        mine = cockpit.read(key, by=by, group=group, **EVER)
        assert (mine.count, mine.totals) == (a.count, a.totals), by
        two = cockpit.read(key, by=by, segment=f"{named[0]},{named[1]}", **EVER)
        both = cockpit.read(key, by=by, customer=f"{first},{second}", **EVER)
        assert (two.count, two.totals) == (both.count, both.totals), by
        assert two.count > 0
        none = cockpit.read(key, by=by, segment=named[1], group=group, **EVER)
        assert none.count == 0, by


def test_a_customer_that_cannot_be_opened_is_told_by_no_segment(named, cockpit):
    """What sales2 signed with 甲公司 is his; which segment the customer is in is not."""
    group = own(cockpit.world, "sales2", "重点", "f.level=in:a,b")
    whole = cockpit.read("performance", "sales2", **EVER)
    masked = cockpit.read("performance", "sales2", segment=named[0], **EVER)
    seen = cockpit.read("performance", "sales2", segment=named[1], **EVER)
    mine = cockpit.read("performance", "sales2", group=group, **EVER)

    assert masked.count == 0
    assert masked.totals["amount"] == 0
    assert whole.totals["amount"] > seen.totals["amount"] == mine.totals["amount"] > 0


@pytest.mark.parametrize("key", SUMMARIES)
def test_numbers_of_a_page_of_a_segment_open_their_rows(named, cockpit, key):
    chance, tried = random.Random(key), 0
    group = own(cockpit.world, "analyst", "重点", "f.level=in:a")
    for params in ({"segment": named[0]}, {"group": group}):
        for by in SUMMARIES[key].choices.grains:
            if by == "product":
                continue
            found = cockpit.read(key, by=by, **EVER, **params)
            every = [one for one in numbers(cockpit, key, found) if one[0].key != "share"]
            for column, value, url in chance.sample(every, min(len(every), 6)):
                name, wanted = next(iter(params.items()))
                assert f"{name}={wanted}" in url
                check(cockpit, "analyst", column, value, url)
                tried += 1
    assert tried


@pytest.mark.parametrize("kind", ["segment", "group"])
def test_every_door_knows_segments(named, books, visitors, kind):
    with World(books) as world:
        group = own(world, "analyst", "重点客群", "f.company=eq:甲公司")
    state = f"{LONG}&{kind}={group if kind == 'group' else named[0]}"
    for path in PATHS:
        answer = visitors.get("analyst", f"/admin/cockpit/{path}?{state}")
        assert answer.status_code == 200, path
    page = visitors.get("analyst", f"/admin/cockpit/performance/?{state}").text
    data = visitors.get("analyst", f"/admin/cockpit/performance/data.json?{state}").json
    export = visitors.get("analyst", f"/admin/cockpit/performance/export.csv?{state}").text
    book = visitors.get("analyst", f"/admin/cockpit/performance/export.xlsx?{state}")
    paper = visitors.get("analyst", f"/admin/cockpit/performance/export.pdf?{state}")
    words = {"group": "自定义客群：重点客群", "segment": "客户分层：流失"}[kind]

    assert words in page
    assert data["count"] == 1
    assert data["totals"]["amount"] == "157000.00"
    assert "157000.00" in export
    assert book.status_code == paper.status_code == 200
    pivot = f"/admin/cockpit/pivot/{{}}?rows=customer&cols=none&{state}"
    assert words in visitors.get("analyst", pivot.format("")).text
    rows = visitors.get("analyst", pivot.format("data.json")).json["rows"]
    assert [row["label"] for row in rows][:1] == ["甲公司"]
    assert "157000.00" in str(rows[0]["values"])
    assert "157000" in visitors.get("analyst", pivot.format("export.csv")).text


def test_what_is_kept_of_a_segment_tells_its_numbers(named, books, visitors):
    key = save(visitors, "analyst", state=f"{LONG}&segment={named[0]}")
    pin(visitors, "analyst", key)
    with World(books) as world:
        who = world.id_of("analyst")
        alert = ViewAlert(view_id=key, user_id=who, measure="amount")
        assert watch.look(world.session, alert, now=world.now) == 157_000_00
        subscribe(world, key, who)
        mail = mailing.make(world.session, 1, mailing.MailLinks("x", "http://crm"), now=world.now)
        book = openpyxl.load_workbook(io.BytesIO(mail.file[2]))
        assert 157_000 in [cell.value for row in book.worksheets[0].rows for cell in row]
        assert "客户分层：流失" in mail.text
    (shown,) = live(visitors, "analyst").values()
    assert shown.startswith("15.7")


def test_who_may_not_ask_is_told(named, books, visitors):
    with World(books) as world:
        foreign = own(world, "sales", "我的", "f.level=in:a")
        secret = own(world, "analyst", "手机", "f.mobile=starts:138&f.level=in:a")
        listed = own(world, "analyst", "名单", "f.level=in:a&search=甲")
        gone = own(world, "analyst", "旧", "f.level=in:a")
        stale = own(world, "analyst", "基于旧客群", f"f.group_id=in:{gone}")
        outside = own(world, "analyst", "其余", f"f.group_id=not_in:{stale}")
        view = saved_views.get(world.session, "customer", gone)
        saved_views.remove(world.session, view, by=world.actor)
        world.session.commit()
    for key, why in ((foreign, "没有这个客群"), (secret, "含您不能筛选的字段"),
                     (listed, "视图「名单」含搜索或页签"), (999, "没有这个客群：已删除"),
                     (stale, "含您不能筛选的字段"), (outside, "含您不能筛选的字段")):  # fmt: skip
        answer = visitors.get("analyst", f"/admin/cockpit/performance/?group={key}")
        assert answer.status_code == 400
        assert why in answer.text
        for words in ("自定义客群", "去掉这一项再打开"):
            assert words in answer.text
    assert visitors.get("analyst", "/admin/cockpit/visits/?segment=0").status_code == 400


def test_a_segment_that_is_not_there_is_refused_at_every_door_and_the_way_on_is_offered(
    named, visitors
):
    for path in (*PATHS, "pivot/", "pivot/data.json"):
        answer = visitors.get("analyst", f"/admin/cockpit/{path}?segment={named[0]},99999")
        assert answer.status_code == 400, path
        assert "没有这个分层" in (answer.json["error"] if answer.is_json else answer.text)
    page = visitors.get("analyst", f"/admin/cockpit/performance/?{LONG}&segment=99999").text
    assert 'data-field="segment"' in page
    way = re.search(r'href="([^"]+)">去掉这一项再打开', page)[1]
    assert "segment" not in way
    assert visitors.get("analyst", unescape(way)).status_code == 200


def test_a_segment_whose_rule_is_switched_off_keeps_its_name(named, books, visitors):
    with World(books) as world, world.acting("admin"):
        world.session.get_one(SegmentRule, named[0]).active = False
    address = f"/admin/cockpit/performance/?{LONG}&segment={named[0]}"
    page = visitors.get("analyst", address).text

    chip = re.search(r'<a class="chip on"[^>]*title="移除此筛选">\s*(客户分层：[^<]*?)\s*<', page)[
        1
    ]
    assert chip == "客户分层：流失（已停用）"
    assert f'value="{named[0]}" selected>流失（已停用）</option>' in page
    other = visitors.get("analyst", f"/admin/cockpit/performance/?{LONG}").text
    assert "已停用）" not in other
    two = visitors.get("analyst", f"{address},{named[1]}").text
    assert "客户分层：流失（已停用）" in two
    visitors.get("analyst", "/lang/en")
    assert "Lost (switched off)" in visitors.get("analyst", address).text
    visitors.get("analyst", "/lang/zh")


def test_a_default_view_of_a_segment_that_is_gone_does_not_shut_the_summary(named, books, visitors):
    page = "/admin/cockpit/performance/"
    with World(books) as world:
        group = own(world, "analyst", "重点", "f.level=in:a")
    save(visitors, "analyst", state=f"{LONG}&group={group}", default="1")
    assert visitors.get("analyst", page).status_code == 302
    with World(books) as world:
        world.be("analyst")
        view = saved_views.get(world.session, "customer", group)
        saved_views.remove(world.session, view, by=world.actor)
        world.session.commit()

    assert visitors.get("analyst", page).status_code == 200


def test_segments_on_segments_are_asked_to_a_depth_that_databases_take(named, books, visitors):
    chain = []
    with World(books) as world:
        for n in range(own_segments.DEEPEST + 2):
            asked = f"f.group_id=in:{chain[-1]}" if chain else "f.company=eq:甲公司"
            chain.append(own(world, "analyst", f"第 {n} 层", asked))
    deepest = own_segments.DEEPEST - 1
    for path in (*PATHS, "pivot/"):
        door = f"/admin/cockpit/{path}?{LONG}&group="
        assert visitors.get("analyst", f"{door}{chain[deepest]}").status_code == 200, path
    door = f"/admin/cockpit/performance/data.json?{LONG}&group="
    assert visitors.get("analyst", f"{door}{chain[deepest]}").json["count"] == 1
    for key in chain[deepest + 1 :]:
        assert visitors.get("analyst", f"{door}{key}").status_code == 400
        assert visitors.get("analyst", f"/admin/customer/?f.group_id=in:{key}").status_code == 200


def test_a_door_that_forgets_the_segments_shows_nothing(cockpit):
    summary = SUMMARIES["performance"]
    query = summary.query({"segment": ["1"]}, now=cockpit.world.now)
    cockpit.world.be("analyst")

    with pytest.raises(AssertionError):
        summary.read(cockpit.world.session, cockpit.world.actor, query)
    assert segments.bare(query).keys == {}


def test_what_a_segment_asks_beyond_the_customer_is_seen_by_everybody():
    """Within a summary no read gate is put on what a condition reaches by a reference."""
    relations = sa.inspect(Customer).relationships
    hops = {key.partition(".")[0] for key in conditions.fields(Customer) if "." in key}

    assert hops
    for hop in hops:
        assert entity_of(relations[hop].mapper.class_).sight == "everybody", hop
