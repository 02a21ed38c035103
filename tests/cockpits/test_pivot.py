"""透视分析 against pandas over raw rows, against the summaries, and as a page, a file and JSON."""

import csv
import datetime as dt
import io
import random
import re

import openpyxl
import pandas as pd
import pytest
import sqlalchemy as sa

from dashboards.core.charts import key_text
from dashboards.core.columns import derive, missing, shown
from dashboards.core.money import ratio
from dashboards.core.query import BadParameter
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.registry import MEASURES, fact_of, shared
from dashboards.pivot import figure, table
from dashboards.pivot.state import read_pivot
from models.core.base import db
from models.core.setting import Setting
from models.people.department import Department
from tests.cockpits.test_drill import opened
from tests.support.page import tight
from tests.support.world import NOW
from views.cockpit import pivot as shown_pivot

WHO = ("analyst", "sales", "sales2", "manager")
EVER = {"from": "1990-01-01", "to": "2099-12-31"}
PERIODS = (EVER, {"preset": "year"}, {"from": "2026-03-05", "to": "2026-06-20"})
FILTERS = ({}, {"level": "a"}, {"owner": "3,4"}, {"department": "2"}, {"q": "公司"},
           {"province": "42"}, {"customer": "1"})  # fmt: skip


def asked(**params):
    return read_pivot({name: [str(value)] for name, value in params.items()}, now=NOW)


def read(cockpit, who="analyst", **params):
    cockpit.world.be(who)
    found = asked(**params)
    return found, table.read(cockpit.world.session, cockpit.world.actor, found)


def raw():
    """Return the tables as frames; what counts is said here once more, in pandas."""
    with db.engine.connect() as connection:
        read_all = {
            name: pd.read_sql_query(sa.text(f"SELECT * FROM {name}"), connection)
            for name in ("contract", "payment", "opportunity", "customer")
        }
    customer = read_all["customer"][["id", "level", "region_code", "industry_id"]]
    customer = customer.rename(columns={"id": "customer_id"})
    force = read_all["contract"].query(
        "state in ['active', 'done'] and approval == 'approved' and deleted_at.isna()"
    )
    paid = read_all["payment"].query("state == 'confirmed' and deleted_at.isna()")
    paid = paid[paid["contract_id"].isin(force["id"])]
    deals = read_all["opportunity"].query("approval == 'approved' and deleted_at.isna()")
    got = paid.groupby("contract_id")["amount"].sum()
    force = force.assign(
        got=force["id"].map(got).fillna(0),
        day=force["signed_on"],
        owner=force["signer_id"],
        department=force["signer_department_id"],
    )
    paid = paid.assign(
        day=paid["paid_on"], owner=paid["owner_id"], department=paid["owner_department_id"]
    )
    closed = deals[deals["closed_on"].notna()]
    closed = closed.assign(
        day=closed["closed_on"],
        owner=closed["closing_owner_id"].fillna(closed["created_owner_id"]),
        department=closed["closing_department_id"].fillna(closed["created_department_id"]),
    )
    return {
        name: frame.drop(columns=["level", "industry_id"], errors="ignore").merge(
            customer, on="customer_id"
        )
        for name, frame in (("contracts", force), ("payments", paid), ("closed", closed))
    }  # fmt: skip


def keys_of(frame, dimension):
    if dimension in {"month", "quarter", "year"}:
        days = pd.to_datetime(frame["day"])
        if dimension == "month":
            return days.dt.strftime("%Y-%m")
        first = (
            ((days.dt.month - 1) // 3 * 3 + 1) if dimension == "quarter" else days.dt.month * 0 + 1
        )
        return days.dt.year.astype(str) + "-" + first.map("{:02}".format)
    column = {"level": "level", "province": "region_code"}.get(dimension, dimension)
    if dimension == "province":
        return frame[column].str[:2]
    return frame[column]


def text_of(key):
    if missing(key):
        return "0"
    return str(int(key)) if isinstance(key, float) else str(key)


def expected(frames, dimensions, period):
    """Return place → numbers, by every combination of dimensions."""
    sums = {}
    for name, frame in frames.items():
        inside = frame[
            (frame["day"].astype(str) >= period[0]) & (frame["day"].astype(str) <= period[1])
        ]
        places = [keys_of(inside, dimension).map(text_of) for dimension in dimensions]
        for n, row in enumerate(inside.to_dict("records")):
            found = [place.iloc[n] for place in places]
            for at in {("", ""), (found[0], ""), ("", found[1]), tuple(found)}:
                add(sums.setdefault(at, {}), name, row)
    return sums


def add(cell, name, row):
    def plus(key, value):
        cell[key] = cell.get(key, 0) + int(value)

    if name == "contracts":
        plus("contracts", 1)
        plus("amount", row["amount"])
        plus("collected", row["got"])
        plus("unpaid", max(row["amount"] - row["got"], 0))
    elif name == "payments":
        plus("cash", row["amount"])
    else:
        plus("won", row["state"] == "won")
        plus("closed", 1)


@pytest.mark.parametrize(
    ("rows", "cols"),
    [("owner", "month"), ("department", "level"), ("province", "quarter"), ("year", "owner"),
     ("level", "year")],
)  # fmt: skip
def test_cells_and_totals_equal_pandas_over_raw_rows(cockpit, rows, cols):
    told = "amount,contracts,rate,unpaid,cash,win_rate"
    _asked, found = read(cockpit, rows=rows, cols=cols, measures=told, **EVER)
    cockpit.world.session.rollback()
    wanted = expected(raw(), (rows, cols), (EVER["from"], EVER["to"]))

    places = {(r.text if r else "", c.text if c else "")
              for r in (*found.rows, None) for c in (*found.cols, None)}  # fmt: skip
    assert places >= wanted.keys()
    assert len(wanted) > 4
    for place in places:
        cell, here = found.cells.get(place, {}), wanted.get(place, {})
        for name in ("amount", "contracts", "collected", "unpaid", "cash"):
            assert (cell.get(name) or 0) == here.get(name, 0), (place, name)
        assert cell.get("rate") == ratio(here.get("collected"), here.get("amount")), place
        assert cell.get("win_rate") == ratio(here.get("won"), here.get("closed")), place


SAME = {
    "amount": ("performance", "amount"), "contracts": ("performance", "contracts"),
    "collected": ("performance", "collected"), "unpaid": ("performance", "unpaid"),
    "rate": ("performance", "rate"), "on_time_rate": ("performance", "on_time_rate"),
    "cash": ("collections", "cash"), "due": ("collections", "due"),
    "overdue": ("collections", "overdue"), "longest": ("collections", "longest"),
    "mean_days": ("collections", "mean_days"), "surplus": ("collections", "surplus"),
    "created": ("performance", "created"), "win_rate": ("performance", "win_rate"),
}  # fmt: skip


def test_totals_are_those_of_the_summaries(cockpit):
    chance = random.Random(13)
    everywhere = sorted(shared(MEASURES.values()))
    for _n in range(12):
        who, params = chance.choice(WHO), chance.choice(PERIODS) | chance.choice(FILTERS)
        rows, cols = chance.sample(everywhere, 2)
        names = chance.sample(sorted(SAME), 5)
        _pivot, found = read(
            cockpit, who, rows=rows, cols=cols, measures=",".join(names),
            top=chance.choice((5, 20)), **params,
        )  # fmt: skip
        for name in names:
            key, column = SAME[name]
            given = {f"{k}_" if k == "from" else k: v for k, v in params.items()}
            totals = cockpit.read(key, who, by="owner", **given).totals
            there = found.at(None, None).get(name)
            assert there == totals[column], (name, who, params, rows, cols)


def test_what_is_beyond_the_top_is_asked_for_not_added_up(cockpit):
    params = {"rows": "customer", "cols": "none", "measures": "amount,rate,longest", **EVER}
    cockpit.world.be("analyst")
    found = asked(**params)
    whole = table.read(cockpit.world.session, cockpit.world.actor, found)
    assert not any(row.rest for row in whole.rows)

    small = table.dataclasses.replace(found, top=1)
    cut = table.read(cockpit.world.session, cockpit.world.actor, small)
    first, rest = cut.rows
    assert (first.label, rest.rest, rest.label) == (whole.rows[0].label, True, "其他（1 项）")
    assert cut.at(rest, None)["amount"] == whole.at(whole.rows[1], None)["amount"]
    assert cut.at(rest, None)["rate"] == whole.at(whole.rows[1], None)["rate"]
    assert cut.at(None, None) == whole.at(None, None)
    assert cut.count == 2


def test_an_opportunity_of_two_products_counts_once_in_the_rest_and_in_the_total(cockpit):
    found, whole = read(cockpit, rows="product", cols="none", measures="won,won_amount", **EVER)
    assert {row.label: whole.at(row, None)["won"] for row in whole.rows} == {
        "水泵": 1, "阀门": 1
    } | {row.label: 0 for row in whole.rows if row.label == "（未填写）"}  # fmt: skip
    assert whole.at(None, None)["won"] == 1
    none = table.dataclasses.replace(found, top=0)
    cut = table.read(cockpit.world.session, cockpit.world.actor, none)
    (rest,) = cut.rows
    assert cut.at(rest, None)["won"] == 1
    assert cut.at(rest, None)["won_amount"] == 100_000_00


def test_every_number_opens_its_rows(cockpit):
    chance, tried = random.Random(5), 0
    for _n in range(14):
        who, params = chance.choice(WHO), chance.choice(PERIODS) | chance.choice(FILTERS)
        names = chance.sample([k for k in MEASURES if k != "surplus"], 3)
        rows, cols = chance.sample(sorted(shared(MEASURES[n] for n in names)), 2)
        found, whole = read(cockpit, who, rows=rows, cols=cols, measures=",".join(names), **params)
        cells = [
            (row, col, n)
            for row in (*whole.rows, None)
            for col in (*whole.cols, None)
            for n in range(len(names))
            if (rows, cols) != ("product", cols) or row is None
        ]
        for row, col, n in chance.sample(cells, min(12, len(cells))):
            column = whole.columns[n]
            value = whole.at(row, col).get(column.key)
            url = "" if missing(value) else shown_pivot._address(found, (row, col), n, value)
            if not url or value is None:
                continue
            page = opened(cockpit, who, url)
            own = found.measures[n].column
            there = {
                "created": "count",
                "expected_weighted": "weighted",
                "created_amount": "amount",
            }
            totals = derive(page.totals, (own,) if own.of else ())
            name = there.get(own.key, own.key)
            assert totals.get(name, page.count) == value, (names[n], rows, cols, who, params, url)
            tried += 1
    assert tried > 20


@pytest.mark.parametrize(
    "bad",
    [{"rows": "colour"}, {"cols": "owner"}, {"measures": "profit"}, {"top": "7"}, {"chart": "pie"},
     {"heat": "yes"}, {"rows": "product", "measures": "amount"}, {"by": "owner"}, {"nothing": "1"},
     {"measures": ",".join(list(MEASURES)[:7])}, {"contract": "x"}],
)  # fmt: skip
def test_what_is_not_known_is_refused(cockpit, bad):
    with pytest.raises(BadParameter) as refused:
        asked(**bad)
    assert refused.value.name in bad


def test_a_year_may_begin_in_another_month(cockpit):
    cockpit.world.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(
            sa.insert(Setting.__table__).values(
                key="cockpit.year_starts", value=4, created_at=NOW, updated_at=NOW
            )
        )
    _asked, found = read(cockpit, rows="year", cols="quarter", **EVER)
    labels = [row.label for row in found.rows], [col.label for col in found.cols]
    assert labels[0] == ["2025 财年", "2026 财年"]
    assert "2025 财年-Q3" in labels[1]  # signed on 31 December 2025
    assert "2025 财年-Q4" in labels[1]  # on 10 March 2026
    assert found.at(found.rows[0], None)["amount"] == 107_000_00


def test_the_tree_of_a_department_is_one_branch(cockpit):
    cockpit.world.session.rollback()
    place = Department.__table__
    with db.engine.begin() as connection:
        connection.execute(place.update().where(place.c.id.in_([2, 3])).values(parent_id=1))
    _asked, found = read(cockpit, rows="branch", cols="none", **EVER)
    (only,) = found.rows
    assert found.at(only, None)["amount"] == found.at(None, None)["amount"] > 0
    assert key_text(only.key) == "1"


@pytest.mark.parametrize("chart", ["bars", "stacked", "line", "share"])
def test_a_chart_draws_the_first_measure(cockpit, chart):
    found, whole = read(
        cockpit, rows="owner", cols="month", measures="amount,rate", chart=chart, **EVER
    )
    (drawn,) = figure.figures(found, whole)
    values = [v for trace in drawn.data for v in (trace.x if chart != "line" else trace.y) if v]
    assert round(sum(values) * 1_000_000) == whole.at(None, None)["amount"]
    kind = {"line": "scatter"}.get(chart, "bar")
    assert {trace.type for trace in drawn.data} == {kind}
    assert drawn.layout.barnorm == ("percent" if chart == "share" else None)


def test_masked_customers_keep_their_figures_without_name_and_link(cockpit):
    found, whole = read(cockpit, "manager", rows="customer", cols="none", **EVER)
    for row in whole.rows:
        if not row.opened:
            assert row.label == "（无权查看）"
            assert shown_pivot._address(found, (row, None), 0, whole.at(row, None)["amount"]) == ""


STATE = {
    "rows": "owner",
    "cols": "quarter",
    "measures": "amount,rate",
    "heat": "1",
    "preset": "year",
}


def cells_of(page):
    return [re.sub(r"<[^>]+>", "", one).strip()
            for one in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", page, re.DOTALL)]  # fmt: skip


def test_exports_and_json_equal_the_screen(visitors):
    address = "/admin/cockpit/pivot/"
    page = tight(visitors.get("analyst", address, query_string=STATE).get_data(as_text=True))
    shown_cells = cells_of(page)
    text = visitors.get("analyst", f"{address}export.csv", query_string=STATE).get_data(
        as_text=True
    )
    head, *rows = csv.reader(io.StringIO(text.lstrip("\ufeff")))
    book = openpyxl.load_workbook(
        io.BytesIO(visitors.get("analyst", f"{address}export.xlsx", query_string=STATE).get_data())
    )
    found = visitors.get("analyst", f"{address}data.json", query_string=STATE).get_json()

    assert head[0] == "销售员"
    assert head[-2:] == ["合计 · 合同额", "合计 · 回款率"]
    last = next(row for row in rows if row[0] == "合计")
    amount = float(last[-2])
    assert f"{amount:,.2f}" in shown_cells
    sheet = list(book.worksheets[0].values)
    assert list(sheet[0]) == head
    assert sheet[len(found["rows"])][-2] == amount == float(found["rows"][-1]["values"][-2])
    assert [row["label"] for row in found["rows"]] == [row[0] for row in rows[: len(found["rows"])]]
    assert found["charts"]
    assert "heat-5" in page
    assert ("合同额", "期内签订且生效的合同金额合计") in [
        (row[0].value, row[1].value) for row in book.worksheets[1].rows
    ]


def test_a_page_answers_in_few_statements_and_links_its_way_back(visitors):
    page = tight(visitors.get("analyst", "/admin/cockpit/pivot/", query_string=STATE).text)
    url = re.search(r'href="(/admin/cockpit/performance/\?[^"]*)"', page.split("<tbody>")[1])[1]
    there = tight(visitors.get("analyst", url.replace("&amp;", "&")).text)

    assert re.search(r'<nav class="back"[^>]*><a href="/admin/cockpit/pivot/\?', there)
    swap = re.search(r'href="(\?[^"]*)" title="行列互换"', page)[1].replace("&amp;", "&")
    assert "rows=quarter" in swap
    assert "cols=owner" in swap
    assert visitors.get("analyst", f"/admin/cockpit/pivot/{swap}").status_code == 200
    assert visitors.get("analyst", "/admin/cockpit/pivot/?rows=x").status_code == 400
    assert visitors.get("sales", "/admin/cockpit/pivot/export.csv").status_code == 403


@pytest.mark.parametrize(
    ("state", "field", "words"),
    [
        ("rows=month&cols=month", "cols", "行和列不能是同一个维度"),
        ("rows=product&cols=none&measures=amount", "measures", "「合同额」不能按「产品」分"),
        (f"measures={','.join([*MEASURES][:7])}", "measures", "最多选 6 项"),
    ],
)
def test_choices_that_do_not_fit_are_said_beside_their_field(visitors, state, field, words):
    answer = visitors.get("analyst", f"/admin/cockpit/pivot/?{state}")
    page = tight(answer.text)
    assert answer.status_code == 400
    assert re.search(rf'class="err" id="in-{field}-err" role="alert">[^<]*{words}</div>', page)
    rows = re.search(r'<select id="in-rows".*?</select>', page, re.DOTALL)[0]
    kept = re.search(r"rows=(\w+)", state)
    assert re.search(rf'value="{kept[1] if kept else "owner"}" selected', rows)
    for door in ("data.json", "export.csv"):
        refused = visitors.get("analyst", f"/admin/cockpit/pivot/{door}?{state}")
        assert refused.status_code == 400


def test_the_glossary_names_every_measure_and_dimension(visitors):
    page = visitors.get("sales", "/admin/cockpit/glossary/").get_data(as_text=True)
    for one in MEASURES.values():
        assert f'id="{one.key}"' in page
        assert str(fact_of(one).population) in page
    for one in DIMENSIONS.values():
        assert str(one.caption) in page
    assert shown(dt.date(2026, 1, 1), next(iter(MEASURES.values())).named)
