"""环比 and 同比 as columns: the base is what the same page says of that period."""

import random

import pytest

from dashboards.core import drills, money
from dashboards.core.columns import derive, missing
from dashboards.core.query import BadParameter
from dashboards.measures.bases import base_of
from dashboards.pages import SUMMARIES
from tests.cockpits.test_drill import opened
from views.cockpit import table

WHO = ("analyst", "sales", "sales2", "manager")
PERIODS = ({"from_": "2026-02-01", "to": "2026-06-30"}, {"preset": "last_month"},
           {"preset": "year"}, {"from_": "2027-01-01", "to": "2027-12-31"})  # fmt: skip
FILTERS = ({}, {"level": "a"}, {"owner": "3,4"}, {"department": "2"}, {"q": "公司"})
GRAINS = [
    (key, by)
    for key, summary in SUMMARIES.items()
    for by in summary.choices.grains
    if summary.choices.compared and summary.choices.compared(by)
]


def asked(chance):
    return chance.choice(WHO), chance.choice(PERIODS) | chance.choice(FILTERS)


def pairs(found):
    columns = {c.key: c for c in found.columns}
    return [(c, columns[f"{c.key}_base"]) for c in found.columns if f"{c.key}_base" in columns]


@pytest.mark.parametrize("compare", ["previous", "year"])
@pytest.mark.parametrize(("key", "by"), GRAINS)
def test_a_base_is_what_the_page_says_of_that_period(cockpit, key, by, compare):
    chance, told = random.Random(f"{key}{by}{compare}"), 0
    for _n in range(3):
        who, params = asked(chance)
        found = cockpit.read(key, who, by=by, compare=compare, **params)
        base = base_of(found.query)
        days = {"from_": base.period.start, "to": base.period.last}
        own = {k: v for k, v in params.items() if k not in {"preset", "from_", "to"}}
        then = cockpit.read(key, who, by=by, **own, **days)
        for column, value in pairs(found):
            known = found.totals.get(value.key)
            if f"{column.key}_base" in found.totals and not missing(known):
                assert known == then.totals[column.key], (column.key, who, params)
                told += 1
        now = cockpit.read(key, who, by=by, **params)
        assert {k: found.totals[k] for k in now.totals if k != "count"} == {
            k: v for k, v in now.totals.items() if k != "count"
        }
    assert told


@pytest.mark.parametrize(("key", "by"), [one for one in GRAINS if one[1] != "customer"])
def test_each_row_has_the_base_of_its_key(cockpit, key, by):
    period = {"from_": "2026-04-01", "to": "2026-08-31"}
    found = cockpit.every(key, by=by, compare="year", **period)
    then = cockpit.every(key, by=by, from_="2025-04-01", to="2025-08-31")
    columns = cockpit.read(key, by=by, compare="year", **period).columns

    def months_later(row):
        return str(row["id"]).replace("2025-", "2026-")

    bases = {months_later(row): row for row in then}
    assert {str(row["id"]) for row in found} >= bases.keys()
    for row in found:
        base = bases.get(str(row["id"]), {})
        for column in columns:
            if column.key.endswith("_base"):
                name = column.key.removesuffix("_base")
                if column.of is None:
                    assert row[column.key] == base.get(name, 0), (name, row["id"])
                elif base:
                    assert row[column.key] == base.get(name) or name == "share"


def test_the_change_is_that_of_the_two_and_sorts(cockpit):
    spring = {"from_": "2026-04-01", "to": "2026-06-30", "by": "owner", "compare": "previous"}
    rows = cockpit.rows("performance", "label", "amount", "amount_base", "amount_change",
                        "rate_change", sort="-amount_change", **spring)  # fmt: skip

    assert (
        rows
        == [
            ("sales", "50,000.00", "0.00", "—", "—"),
            ("sales2", "0.00", "107,000.00", "↓ 100.00%", "—"),
        ]
        or rows[::-1][0][3] == "—"
    )
    found = cockpit.read("performance", **spring)
    assert found.totals["amount_change"] == money.growth(50_000_00, 107_000_00)
    assert [row["label"] for row in found.records] == ["sales", "sales2"]
    labels = [str(c.label) for c in found.columns]
    place = labels.index("合同额")
    assert labels[place : place + 3] == ["合同额", "上期合同额", "合同额环比"]


def test_a_base_opens_its_rows(cockpit):
    chance, tried = random.Random(13), 0
    for key, by in GRAINS:
        for compare in ("previous", "year"):
            period = {"from_": "2026-03-01", "to": "2026-11-30"}
            found = cockpit.read(key, by=by, compare=compare, **period)
            cells = [
                (column, row[column.key], table._opens(row, column, found.query))
                for row in found.records
                for column in found.columns
                if column.over and column.type != "ratio" and row.get(column.key)
            ]
            for c in found.columns:
                if c.over and c.drill and found.totals.get(c.key) and c.type != "ratio":
                    url = table.drilled(c, found.query, drills.total_filter(c))
                    cells.append((c, found.totals[c.key], url))
            for column, value, url in chance.sample(cells, min(6, len(cells))):
                if not url or (by == "product" and column.type == "money"):
                    continue
                page = opened(cockpit, "analyst", url)
                name = column.key.removesuffix("_base")
                own = next(c for c in SUMMARIES[key].columns(by) if c.key == name)
                assert derive(page.totals, (own,)).get(name, page.count) == value, (name, url)
                tried += 1
    assert tried


def test_a_grain_that_has_no_before_says_so_and_a_wrong_word_is_refused(cockpit):
    found = cockpit.read("performance", by="contract", compare="year")
    assert found.query.idle == {"compare"}
    assert not [c for c in found.columns if c.over]
    for key, params in (("performance", {"compare": "month"}), ("visits", {"compare": "year"}),
                        ("performance", {"sort": "amount_base"}),
                        ("performance", {"compare": "year", "sort": "code_base"})):  # fmt: skip
        with pytest.raises(BadParameter):
            cockpit.query(key, **params)


def test_what_is_due_in_days_to_come_has_no_base(cockpit):
    found = cockpit.read("collections", by="owner", compare="year", preset="year")
    assert found.totals.get("due_base") is None
    assert "cash_base" in found.totals
    expected = cockpit.read("opportunities", by="owner", compare="year", date="expected")
    assert not [k for k, v in expected.totals.items() if k.endswith("_base") and v is not None]


def test_exports_have_the_columns_of_the_comparison(visitors):
    state = {"by": "owner", "compare": "year", "preset": "year"}
    page = visitors.get("analyst", "/admin/cockpit/performance/", query_string=state).text
    answer = visitors.get("analyst", "/admin/cockpit/performance/export.csv", query_string=state)
    head = answer.get_data(as_text=True).splitlines()[0]

    assert "去年同期合同额,合同额同比" in head
    assert "去年同期合同额" in page
    for key in ("performance", "collections", "opportunities"):
        path = f"/admin/cockpit/{key}/"
        assert visitors.get("analyst", path, query_string=state).status_code == 200
