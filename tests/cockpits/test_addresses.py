"""Addresses of the cockpit: what any of them may carry, and every link that a page shows."""

import datetime as dt
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboards.pages import SUMMARIES
from tests.support import clock

COMMON = {
    "from": "2026-01-01", "to": "2026-11-23", "preset": "year", "owner": "3", "department": "1",
    "level": "a", "industry": "0", "source": "0", "province": "420000", "stage": "won",
    "kind": "visit", "q": "公司", "page": "2", "size": "20", "page_size": "50", "unit": "wan",
    "density": "compact", "lang": "en", "freeze": "2",
}  # fmt: skip
DOORS = ("", "data.json", "charts.json", "change.json", "export.csv", "export.xlsx")


@pytest.mark.parametrize("key", SUMMARIES)
def test_what_is_common_may_stand_in_every_address(visitors, key):
    for name, value in COMMON.items():
        asked = {name: value}
        for door in DOORS[: 2 if name != "stage" else None]:
            path = f"/admin/cockpit/{key}/{door}"
            assert visitors.get("analyst", path, query_string=asked).status_code == 200, (
                name,
                door,
            )
    both = visitors.get("analyst", f"/admin/cockpit/{key}/data.json", query_string=COMMON)
    assert both.status_code == 200
    for bad in ({"density": "huge"}, {"lang": "fr"}, {"page_size": "7"}, {"kind": "fax"}):
        answer = visitors.get("analyst", f"/admin/cockpit/{key}/", query_string=bad)
        assert answer.status_code == 400, bad


def test_a_filter_that_a_summary_has_not_is_told_and_opens_no_other_rows(visitors):
    plain = visitors.get("analyst", "/admin/cockpit/performance/data.json").json
    asked = visitors.get("analyst", "/admin/cockpit/performance/data.json?stage=lost").json
    page = visitors.get("analyst", "/admin/cockpit/performance/?stage=lost&by=owner").text
    file = visitors.get("analyst", "/admin/cockpit/performance/export.xlsx?kind=visit")
    drills = re.findall(r'href="(/admin/cockpit/opportunities/\?[^"]*)"', page)

    assert (plain["idle"], asked["idle"]) == ([], ["stage"])
    assert asked["totals"] == plain["totals"]
    assert "阶段：此表没有这一项，未按此筛选" in page
    assert file.status_code == 200
    assert drills
    assert [url for url in drills if "stage" in parse_qs(urlsplit(unescape(url)).query)] == []
    lost = visitors.get("analyst", "/admin/cockpit/opportunities/data.json?stage=lost").json
    assert (lost["idle"], lost["count"]) == ([], 1)
    assert visitors.get("analyst", "/admin/cockpit/visits/?stage=won&ownr=1").status_code == 400


@pytest.mark.parametrize("door", DOORS)
def test_an_address_of_long_ago_leads_to_that_of_now(visitors, door):
    for age in (dt.timedelta(hours=1, minutes=5), dt.timedelta(days=90)):
        asked = {"as_of": (clock.now() - age).isoformat(), "preset": "month", "level": "a,b"}
        path = f"/admin/cockpit/performance/{door}"
        answer = visitors.get("analyst", path, query_string=asked)

        assert answer.status_code == 302
        parts = urlsplit(answer.location)
        assert (parts.path, parse_qs(parts.query)) == (
            path,
            {"preset": ["month"], "level": ["a,b"]},
        )
        assert visitors.get("analyst", answer.location).status_code == 200
    ahead = {"as_of": (clock.now() + dt.timedelta(hours=1)).isoformat()}
    assert visitors.get("analyst", path, query_string=ahead).status_code == 400


def test_the_language_of_an_address_goes_for_its_page_until_it_is_switched(visitors):
    page = visitors.get("analyst", "/admin/cockpit/visits/?lang=en&preset=month").text
    switch = unescape(re.search(r'href="(/lang/zh\?next=[^"]*)"', page)[1])

    assert "Average minutes" in page
    english = visitors.get("analyst", "/admin/cockpit/visits/?lang=en&level=b").text
    assert "Level: B" in english
    assert not re.search(r'class="chip on"[^>]*>[^<]*：', english)
    assert "change.json?preset=month&amp;lang=en" in page
    assert "平均时长" in visitors.get("analyst", "/admin/cockpit/visits/").text
    assert visitors.get("analyst", switch).location == "/admin/cockpit/visits/?preset=month"


@pytest.mark.parametrize("key", SUMMARIES)
def test_every_link_of_a_page_is_an_address_that_is_understood(visitors, cockpit, key):
    tried = 0
    for by in SUMMARIES[key].choices.grains:
        sort = [*SUMMARIES[key].choices.sorts(by)][-1]
        state = f"by={by}&sort=-{sort}&size=20&unit=wan&density=compact&q=公司"
        page = visitors.get("analyst", f"/admin/cockpit/{key}/?{state}").text
        for url in {*re.findall(r'href="((?:/admin/cockpit/|\?)[^"]*)"', page)}:
            parts = urlsplit(unescape(url))
            named = parts.path.removeprefix("/admin/cockpit/").partition("/")[0] or key
            if named in SUMMARIES:
                given = {**parse_qs(parts.query)}
                assert SUMMARIES[named].query(given, now=cockpit.world.now), url
                tried += 1
    assert tried > 20


def test_the_buttons_export_what_the_page_shows(visitors):
    state = "preset=year&level=a&by=contract&only=unpaid"
    page = visitors.get("analyst", f"/admin/cockpit/performance/?{state}").text
    for kind in ("csv", "xlsx"):
        url = unescape(re.search(rf'href="([^"]*export\.{kind}[^"]*)"', page)[1])
        found = parse_qs(urlsplit(url).query)
        assert found == parse_qs(state)
        assert visitors.get("analyst", url).status_code == 200


@pytest.mark.parametrize(
    "name", ["owner", "department", "customer", "contract", "product", "source"]
)
def test_a_key_that_nobody_was_offered_says_so_beside_its_filter(visitors, name):
    where = "opportunities" if name == "product" else "performance"
    address = f"/admin/cockpit/{where}/?{name}=987654"
    page = visitors.get("analyst", address).text

    assert "987654（不在可选范围内）" in page


@pytest.mark.parametrize("only", ["owing", "overdue", "surplus"])
def test_what_is_cut_down_to_instalments_counts_no_payment_and_says_so(cockpit, visitors, only):
    asked = {"from_": "2020-01-01", "to": "2026-12-31", "only": only}
    plain = cockpit.totals("collections", **(asked | {"only": "unpaid"}))
    for by in ("owner", "customer", "contract", "plan", "payment"):
        found = cockpit.read("collections", **asked, by=by)
        assert found.totals["cash"] == 0, by
        if by in {"owner", "customer", "contract"}:
            assert all(row["lines"] for row in found.records), by  # nobody is there for his cash
    assert cockpit.read("collections", **asked, by="payment").count == 0
    assert plain["cash"] != "0.00"
    page = visitors.get("analyst", f"/admin/cockpit/collections/?only={only}").text
    assert "（不计到账）" in page


def test_a_summary_without_a_period_says_that_it_was_not_asked(visitors):
    told = "时间段：此表没有这一项，未按此筛选"
    for asked in ("preset=month", "from=2026-11-01&to=2026-11-30"):
        assert told in visitors.get("analyst", f"/admin/cockpit/tracking/?{asked}").text
    assert told not in visitors.get("analyst", "/admin/cockpit/tracking/").text
    assert told not in visitors.get("analyst", "/admin/cockpit/visits/?preset=month").text


@pytest.mark.parametrize(("view", "gone"), [("99999", 1), ("x", 1), ("0", 0), ("", 0)])
def test_a_link_to_a_view_that_is_gone_says_so(visitors, view, gone):
    page = visitors.get("analyst", f"/admin/cockpit/performance/?preset=year&view={view}").text
    assert page.count("这个视图已删除，或没有共享给您") == gone


def test_the_language_of_a_page_that_was_posted_for_leads_to_the_page_before_it(visitors):
    before = "http://localhost/admin/customer/"
    page = visitors.post(
        "sales", "/admin/customer/new/", {"level": "zzz"}, headers={"Referer": before}
    ).text

    assert 'href="/lang/en?next=/admin/customer/"' in unescape(page)
    page = visitors.post("sales", "/admin/customer/new/", {"level": "zzz"}).text
    assert 'href="/lang/en?next=/admin/customer/new/"' in unescape(page)
