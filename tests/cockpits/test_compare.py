"""环比 and 同比: what a period is compared with, and what the tiles say."""

import pytest

from dashboards import compare
from dashboards.pages import SUMMARIES
from tests.support.world import NOW

# state → (环比, 同比) as first and last days, on 2026-11-23
BASES = [
    ({"preset": "year"}, "2025-01-01 2025-11-23", "2025-01-01 2025-11-23"),
    ({"preset": "month"}, "2026-10-01 2026-10-23", "2025-11-01 2025-11-23"),
    ({"preset": "quarter"}, "2026-07-01 2026-08-23", "2025-10-01 2025-11-23"),
    ({"preset": "week"}, "2026-11-16 2026-11-16", "2025-11-23 2025-11-23"),
    ({"preset": "last_month"}, "2026-09-01 2026-09-30", "2025-10-01 2025-10-31"),
    ({"preset": "last_quarter"}, "2026-04-01 2026-06-30", "2025-07-01 2025-09-30"),
    ({"preset": "last_year"}, "2024-01-01 2024-12-31", "2024-01-01 2024-12-31"),
    ({"preset": "today"}, "2026-11-22 2026-11-22", "2025-11-23 2025-11-23"),
    ({"preset": "30d"}, "2026-09-25 2026-10-24", "2025-10-25 2025-11-23"),
    ({"from": "2026-03-01", "to": "2026-03-10"}, "2026-02-19 2026-02-28", "2025-03-01 2025-03-10"),
    ({"from": "2024-02-29", "to": "2024-02-29"}, "2024-02-28 2024-02-28", "2023-02-28 2023-02-28"),
]


def told(period):
    return f"{period.start} {period.last}"


@pytest.mark.parametrize(("state", "before", "year"), BASES)
def test_a_period_is_compared_with_the_unit_before_and_the_year_before(state, before, year):
    given = {name: [value] for name, value in state.items()}
    found = compare.bases(SUMMARIES["performance"].query(given, now=NOW))

    assert {name: told(period) for name, period in found.items()} == {
        "before": before,
        "year": year,
    }


def changes(cockpit, key, who="analyst", **params):
    cockpit.world.be(who)
    query = cockpit.query(key, **params)
    found = compare.changes(cockpit.world.session, cockpit.world.actor, SUMMARIES[key], query)
    return {name: [(one["text"], one["title"]) for one in both] for name, both in found.items()}


def test_tiles_tell_the_change_in_words_and_a_ratio_in_points(cockpit):
    spring = {"from_": "2026-04-01", "to": "2026-06-30"}
    money = changes(cockpit, "performance", **spring)
    deals = changes(cockpit, "opportunities", date="closed", **spring)

    assert money["amount"] == [
        ("环比 ↓ 53.27%", "2025-12-31 – 2026-03-31：107,000.00"),
        ("同比 —", "2025-04-01 – 2025-06-30：0.00"),
    ]
    assert money["cash"][0] == ("环比 ↑ 94.67%", "2025-12-31 – 2026-03-31：37,500.00")
    assert money["rate"][0][0] == "环比 +72.80 个百分点"
    assert deals["win_rate"][0] == ("环比 —", "2025-12-31 – 2026-03-31：—")


# Periods after which there is nothing, and before which there is something of every summary.
AFTER = {
    "performance": {"from_": "2026-07-01", "to": "2026-11-20"},
    "collections": {"from_": "2026-07-01", "to": "2026-11-20"},
    "opportunities": {"from_": "2026-07-01", "to": "2026-11-20"},
    "followups": {"from_": "2026-11-16", "to": "2026-11-22"},
    "visits": {"from_": "2026-10-20", "to": "2026-11-10"},
}


@pytest.mark.parametrize("key", AFTER)
@pytest.mark.parametrize("who", ["analyst", "sales"])
def test_a_base_is_what_the_summary_itself_tells_of_it(cockpit, key, who):
    found = changes(cockpit, key, who, **AFTER[key], level="a")

    assert AFTER.keys() == SUMMARIES.keys() - {"tracking"}
    assert found.keys() == {c.key for c in SUMMARIES[key].tiles}
    told_of = set()
    for name, both in found.items():
        for _change, title in both:
            days, _colon, value = title.partition("：")
            start, _dash, end = days.split(" ")
            totals = cockpit.totals(key, who, level="a", from_=start, to=end)
            assert value == totals[name], (name, title)
            told_of |= {name} if value.strip("0.%—") else set()
    assert len(told_of) > 1, found  # something was compared


def test_what_lies_in_days_to_come_is_compared_with_nothing(cockpit):
    tiles = {c.key for c in SUMMARIES["opportunities"].tiles}
    for period in ({"preset": "year"}, {"from_": "2026-11-01", "to": "2026-12-31"}):
        assert changes(cockpit, "collections", **period).keys() == {"cash"}
        assert changes(cockpit, "opportunities", date="expected", **period) == {}
        for date in ("created", "closed"):
            assert changes(cockpit, "opportunities", date=date, **period).keys() == tiles
        past = {"from_": "2026-11-01", "to": "2026-11-23"}  # today is no day to come
        assert changes(cockpit, "opportunities", date="expected", **past).keys() == tiles
    assert len(changes(cockpit, "collections", preset="last_month")) > 4
    assert changes(cockpit, "opportunities", date="expected", preset="last_month").keys() == tiles


@pytest.mark.parametrize("key", sorted(SUMMARIES))
def test_a_period_that_is_still_to_come_is_compared_with_nothing(cockpit, key):
    for date in SUMMARIES[key].choices.dates or ("",):
        for start, end in (("2026-11-24", "2026-11-30"), ("2027-01-01", "2027-12-31")):
            asked = {"from_": start, "to": end} | ({"date": date} if date else {})
            assert changes(cockpit, key, **asked) == {}, (date, start)


def test_what_has_no_period_has_no_change(cockpit):
    assert SUMMARIES["tracking"].timeless
    assert changes(cockpit, "tracking", preset="year") == {}


def test_the_page_asks_for_its_changes(visitors):
    page = visitors.get("analyst", "/admin/cockpit/performance/?preset=month").text
    answer = visitors.get("sales", "/admin/cockpit/performance/change.json?preset=month")

    assert 'data-changes="/admin/cockpit/performance/change.json?preset=month' in page
    assert answer.json["amount"][0]["text"].startswith("环比")
    assert visitors.get("analyst", "/admin/cockpit/visits/change.json?ownr=1").status_code == 400
