"""A number opens exactly its rows: cells, totals and tiles of every summary, and every bar."""

import random
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.core.columns import derive, missing
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.people.department import Department
from tests.support.page import tight
from views.cockpit import table

WHO = ("analyst", "sales", "sales2", "manager")
PERIODS = ({}, {"preset": "month"}, {"from_": "2026-02-10", "to": "2026-06-20"},
           {"from_": "1990-01-01", "to": "2099-12-31"})  # fmt: skip
FILTERS = ({}, {}, {"level": "a,0"}, {"q": "公司"}, {"department": "1"}, {"owner": "3,4"},
           {"customer": "1,2"}, {"date": "closed"}, {"only": "unpaid"}, {"contract": "1,2"},
           {"undealt": "1"})  # fmt: skip
SPLIT = {"amount", "weighted", "won_amount"}  # by product an opportunity's value is split


def opened(cockpit, who, url):
    """Return the page that an address of the cockpit opens, read as this person."""
    parts = urlsplit(url)
    key = parts.path.strip("/").split("/")[-1]
    params = {f"{name}_": values[0] for name, values in parse_qs(parts.query).items()}
    return cockpit.read(key, who, **params)


def check(cockpit, who, column, value, url):
    found = opened(cockpit, who, url)
    totals = derive(found.totals, (column,)) if column.of else found.totals
    there = totals.get(column.key, found.count)
    assert there == value, (column.key, value, there, who, url)


def numbers(cockpit, key, found):
    """Yield (column, value, address) of every number of a page that opens something."""
    query = found.query
    for record in found.records:
        for column in found.columns:
            url = table._opens(record, column, query)
            if url.startswith("/admin/cockpit/") and not column.link:
                yield column, record[column.key], url
    for column in (*found.columns, *SUMMARIES[key].tiles):
        value = found.totals.get(column.key)
        if column.drill and ":" not in column.drill and not missing(value) and value:
            url = table.drilled(column, query, {})
            if url:
                yield column, value, url


def asked(chance, key, by):
    accepted = {*SUMMARIES[key].accepted, "q", "date"}
    params = chance.choice(PERIODS) | chance.choice(FILTERS)
    if not SUMMARIES[key].choices.dates:
        params.pop("date", None)
    if "only" in params and params["only"] not in SUMMARIES[key].choices.only:
        params.pop("only")
    wanted = {*accepted, "preset", "from", "to"}
    return {k: v for k, v in params.items() if k.rstrip("_") in wanted} | {"by": by}


@pytest.mark.parametrize("rounds", [2, pytest.param(6, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("key", SUMMARIES)
def test_every_number_opens_the_rows_it_was_made_of(cockpit, key, rounds):
    chance, tried = random.Random(f"{key}{rounds}"), 0
    for by in SUMMARIES[key].choices.grains:
        for _n in range(rounds):
            who, params = chance.choice(WHO), asked(chance, key, by)
            every = list(numbers(cockpit, key, cockpit.read(key, who, **params)))
            for column, value, url in chance.sample(every, min(len(every), 8)):
                if column.key != "share" and (by != "product" or column.key not in SPLIT):
                    check(cockpit, who, column, value, url)
                    tried += 1
    assert tried


def test_whatever_can_be_opened_is(cockpit):
    for key in ("performance", "collections", "opportunities"):
        for by in SUMMARIES[key].choices.grains:
            if by not in {"row", "plan", "contract", "payment"}:
                found = cockpit.read(key, by=by)
                dark = {c.key for c in found.columns if c.numeric and not c.drill}
                assert dark <= ({"surplus"} if by == "month" else set()), (key, by)
    assert {c.key for c in SUMMARIES["performance"].tiles if not c.drill} == set()


GROUPED = {"performance", "collections", "opportunities"}
BARS = (
    ("performance", "customer", 0, "amount"), ("performance", "contract", 0, "amount"),
    ("performance", "level", 0, "amount"), ("performance", "department", 0, "amount"),
    ("performance", "month", 0, "amount"), ("performance", "customer", 1, "amount"),
    ("collections", "month", 0, "due"), ("collections", "contract", 0, "due"),
    ("collections", "customer", 0, "due"), ("collections", "payment", 0, "cash"),
    ("collections", "plan", 1, "open"),
    ("opportunities", "row", 0, "amount"), ("opportunities", "quarter", 0, "won_amount"),
    ("opportunities", "department", 0, "won_amount"), ("opportunities", "product", 1, "count"),
    ("followups", "row", 0, "records"), ("followups", "row", 1, "records"),
    ("visits", "row", 0, "visits"), ("visits", "row", 2, "visits"),
    ("tracking", "row", 0, "count"),
)  # fmt: skip


@pytest.mark.parametrize(("key", "by", "place", "measure"), BARS)
def test_every_bar_sets_the_filter_of_its_own_rows(cockpit, key, by, place, measure):
    params = {"by": by, "from_": "2026-01-15", "to": "2026-11-30"}
    if SUMMARIES[key].timeless:
        params = {}
    trace_of = cockpit.figures(key, **params)[place]
    tried = 0
    for number, trace in enumerate(trace_of.data):
        if number and not trace.marker.color.startswith("rgba") and key in GROUPED:
            continue  # the second measure of the same row
        values = trace.x if trace.orientation == "h" else trace.y
        for value, pick in zip(values, trace.customdata or (), strict=False):
            if not pick or not value:
                continue
            state = dict(zip(pick[::2], pick[1::2], strict=True))
            own = {f"{k.rstrip('_')}_": v for k, v in (params | state).items()}
            money = measure in {"amount", "due", "cash", "open", "won_amount"}
            whole = cockpit.read(key, **own).totals[measure]
            assert whole == (round(value * 1_000_000) if money else value), (pick, value)
            tried += 1
    assert tried


def test_a_stage_of_the_funnel_and_a_field_of_the_heat_map_open_theirs(cockpit):
    funnel = cockpit.figures("opportunities")[1].data[0]
    for (_name, stage), n in zip(funnel.customdata, funnel.x, strict=True):
        assert cockpit.read("opportunities", reached=stage).totals["opportunities"] == n, stage
    heat = cockpit.figures("visits")[1].data[0]
    fields = [
        (pick[1], n)
        for picks, row in zip(heat.customdata, heat.z, strict=True)
        for pick, n in zip(picks, row, strict=True)
        if n
    ]
    assert len(fields) == 3
    for hour, n in fields:
        assert cockpit.read("visits", hour=hour).totals["visits"] == n, hour


def test_a_cell_of_tracking_opens_the_grid_of_what_it_counted(visitors):
    for who in ("analyst", "sales"):
        page = tight(visitors.get(who, "/admin/cockpit/tracking/").get_data(as_text=True))
        links = re.findall(
            r'<a href="(/admin/(?:followup|opportunity|contract)/\?[^"]*)">([\d,.]+)</a>', page
        )
        assert links
        for url, number in links:
            grid = visitors.get(who, url.replace("&amp;", "&"))
            text = tight(grid.get_data(as_text=True))
            assert grid.status_code == 200
            assert "条件" not in re.findall(r'class="complaint[^"]*">([^<]*)', text)
            if "." not in number:
                assert int(re.search(r"共 ([\d,]+)", text)[1].replace(",", "")) == int(number), url


def test_a_department_takes_those_below_it_and_its_row_does_not(cockpit):
    cockpit.world.session.rollback()
    place = Department.__table__
    with db.engine.begin() as connection:
        connection.execute(place.update().where(place.c.id.in_([2, 3])).values(parent_id=1))
    for key in SUMMARIES:
        whole = cockpit.read(key)
        below = cockpit.read(key, department=1)
        assert (below.count, below.totals) == (whole.count, whole.totals), key
        assert cockpit.read(key, department_only=1).count == 0
    parts = [cockpit.read("performance", department=n).totals["amount"] for n in (2, 3)]
    assert sum(parts) == cockpit.read("performance").totals["amount"] > max(parts) > 0


def test_a_page_opened_from_a_number_leads_back_to_where_it_was(visitors):
    start = "/admin/cockpit/performance/?level=a&by=owner&sort=label"
    page = tight(visitors.get("analyst", start).get_data(as_text=True))
    url = re.search(r'href="(/admin/cockpit/collections/\?[^"]*by=payment[^"]*)"', page)[1]
    opened_page = tight(visitors.get("analyst", url.replace("&amp;", "&")).get_data(as_text=True))
    back = re.search(r'<nav class="back"[^>]*><a href="([^"]*)"', opened_page)[1]

    assert back.replace("&amp;", "&") == start
    for bad in ("https://example.com/", "elsewhere?x=1", "performance?" + "x" * 2000):
        assert (
            visitors.get("analyst", "/admin/cockpit/visits/", query_string={"via": bad}).status_code
            == 400
        )


def test_switching_the_language_keeps_the_filters(visitors):
    page = visitors.get("analyst", "/admin/cockpit/visits/?level=a&preset=month").text
    url = re.search(r'href="(/lang/en\?next=[^"]*)"', page)[1].replace("&amp;", "&")

    answer = visitors.get("analyst", url)
    assert answer.location == "/admin/cockpit/visits/?level=a&preset=month"
