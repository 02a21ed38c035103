"""The pages: bad values, totals, exports, scope, statements; the same numbers at every door."""

import csv
import html
import io
import re
from urllib.parse import unquote

import openpyxl
import pytest

from dashboards.core.sql import snapshot
from dashboards.files import lines, paper
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.customers.customer import Customer
from models.rights.audit import AuditAction, AuditLog
from services.core.errors import Refused
from tests.support.page import tight
from tests.support.world import count_queries, dump

KEYS = tuple(SUMMARIES)
BAD = {
    "from": "2026-13-01", "to": "yesterday", "preset": "decade", "owner": "abc",
    "department": "-1", "level": "z", "industry": "1;2", "source": "99999999999999999999",
    "province": "湖北", "by": "moon", "sort": "password", "page": "0", "size": "1000000",
    "as_of": "soon", "q": "x" * 101, "unit": "usd",
    "freeze": "4", "marks": "amount:ge;many",
}  # fmt: skip


def rows_of(answer):
    text = answer.get_data().decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_is_refused_and_names_the_parameter(visitors, name):
    for path in ("", "data.json"):
        answer = visitors.get(
            "analyst", f"/admin/cockpit/performance/{path}", query_string={name: BAD[name]}
        )

        assert answer.status_code == 400
        assert name in answer.get_data(as_text=True)


def test_a_period_that_ends_before_it_begins_is_refused(visitors):
    state = "from=2026-02-01&to=2026-01-01"

    assert visitors.get("analyst", f"/admin/cockpit/visits/?{state}").status_code == 400


def test_other_bad_values_of_single_summaries_are_refused(visitors):
    for state in ("opportunities/?date=signed", "opportunities/?stage=nowhere", "visits/?kind=fax",
                  "tracking/?bucket=9-9", "followups/?kind=call,fax", "visits/?only=won",
                  "opportunities/?quarter=2026-Q5", "performance/?contract=x",
                  "performance/?ownr=12", "tracking/?date=created", "visits/?quarter=2026-Q3",
                  "collections/?undealt=1", "opportunities/?reached=nowhere", "visits/?hour=7-09",
                  "visits/?hour=1-24", "followups/export.csv?bucket=never"):  # fmt: skip
        assert visitors.get("analyst", f"/admin/cockpit/{state}").status_code == 400, state
    assert visitors.get("analyst", "/admin/cockpit/profits/").status_code == 404
    assert "ownr" in visitors.get("analyst", "/admin/cockpit/visits/data.json?ownr=1").text


@pytest.mark.parametrize("key", KEYS)
def test_page_json_and_export_tell_the_same_and_the_export_ends_with_the_totals(visitors, key):
    state = "from=2025-01-01&to=2026-12-31"
    page = visitors.get("analyst", f"/admin/cockpit/{key}/?{state}").get_data(as_text=True)
    data = visitors.get("analyst", f"/admin/cockpit/{key}/data.json?{state}").json
    head, *rows, last = rows_of(visitors.get("analyst", f"/admin/cockpit/{key}/export.csv?{state}"))

    assert f"合计（全部筛选结果 {data['count']} 条）" in page
    assert last[0] == f"合计（全部筛选结果 {data['count']} 条）"
    assert head == [column["label"] for column in data["columns"]]
    assert len(rows) == data["count"] == len(data["rows"])
    for place, column in enumerate(data["columns"]):
        total = data["totals"][column["key"]]
        if column["type"] == "money" and total is not None:
            assert last[place] == total


def test_an_address_that_is_refused_leads_on_without_what_was_wrong(visitors):
    state = "by=owner&owner=1&owner=2&level=z"
    page = visitors.get("analyst", f"/admin/cockpit/performance/?{state}")
    (way,) = re.findall(r'href="([^"]+)">去掉这一项再打开', page.get_data(as_text=True))

    assert page.status_code == 400
    assert html.unescape(way) == "/admin/cockpit/performance/?by=owner&owner=1&owner=2"
    assert visitors.get("analyst", html.unescape(way)).status_code == 200
    other = visitors.get("analyst", "/admin/cockpit/profits/?level=z")
    assert "去掉这一项再打开" not in other.get_data(as_text=True)


@pytest.mark.parametrize("key", KEYS)
def test_charts_by_themselves_are_those_of_the_data_and_read_no_rows_that_are_paged(visitors, key):
    state = "from=2025-01-01&to=2026-12-31&size=20"
    asked, told = {}, {}
    for door in ("data.json", "charts.json"):
        address = f"/admin/cockpit/{key}/{door}?{state}"
        visitors.get("analyst", address)
        with count_queries(visitors.app) as statements:
            told[door] = visitors.get("analyst", address).json
        asked[door] = len(statements)

    assert [*told["charts.json"]] == ["charts"]
    assert told["charts.json"]["charts"] == told["data.json"]["charts"] != []
    saved = 2 if key in {"opportunities", "followups", "visits", "tracking"} else 0
    assert asked["charts.json"] == asked["data.json"] - saved


@pytest.mark.parametrize("key", ["performance", "collections", "tracking"])
def test_sums_over_all_pages_equal_the_totals(visitors, key):
    state = "from=2025-01-01&to=2026-12-31&size=20"
    pages = [visitors.get("analyst", f"/admin/cockpit/{key}/data.json?{state}&page=1").json]
    keys = [c["key"] for c in pages[0]["columns"] if c["type"] == "money" and c["key"] != "average"]

    for name in keys:
        total = sum(int(row[name].replace(".", "")) for page in pages for row in page["rows"])
        assert total == int(pages[0]["totals"][name].replace(".", "")), name


def test_an_export_needs_its_grant_and_leaves_an_audit_row(visitors):
    path = "/admin/cockpit/performance/export.csv?preset=year"

    assert visitors.get("sales", path).status_code == 403
    assert visitors.get("analyst", path).status_code == 200
    with visitors.app.app_context():
        table = AuditLog.__table__
        rows = db.session.connection().execute(
            table.select().where(table.c.noun == "cockpit:performance")
        )
        assert [(row.action, row.label) for row in rows] == [(AuditAction.export, "preset=year")]


def test_no_page_of_the_cockpit_writes(visitors):
    visitors.client("analyst")
    before = dump(visitors.app)
    for key in KEYS:
        visitors.get("analyst", f"/admin/cockpit/{key}/")
        visitors.get("analyst", f"/admin/cockpit/{key}/data.json")

    assert dump(visitors.app) == before


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("path", ["", "data.json", "charts.json"])
def test_a_page_takes_at_most_fifteen_statements(visitors, key, path):
    visitors.get("analyst", "/admin/cockpit/")
    with count_queries(visitors.app) as statements:
        assert visitors.get("analyst", f"/admin/cockpit/{key}/{path}").status_code == 200

    assert len(statements) <= 15, "\n".join(statements)


@pytest.mark.parametrize("key", KEYS)
def test_every_column_sorts_at_every_grain(cockpit, key):
    for by in SUMMARIES[key].choices.grains:
        for column in SUMMARIES[key].choices.sorts(by):
            up, down = (
                cockpit.read(key, "sales2", by=by, sort=sort) for sort in (column, f"-{column}")
            )

            assert up.count == down.count == len(up.records), (by, column)


def test_the_page_works_as_a_plain_form_with_chips_that_take_a_filter_away(visitors):
    page = visitors.get(
        "analyst", "/admin/cockpit/performance/?preset=year&level=a,b&q=公司"
    ).get_data(as_text=True)

    chips = dict(
        reversed(found)
        for found in re.findall(r'<a class="chip on" href="([^"]*)"[^>]*>([^<]*)<', tight(page))
    )
    assert (
        chips["等级：A级: 非常重要, 合同洽谈"]
        == "?preset=year&amp;level=b&amp;q=%E5%85%AC%E5%8F%B8"
    )
    assert chips["搜索：公司"] == "?preset=year&amp;level=a%2Cb"
    assert '<form method="get"' in page


def test_nothing_found_says_so_with_the_filters_and_without_empty_charts(visitors):
    page = visitors.get("analyst", "/admin/cockpit/visits/?q=没有的").get_data(as_text=True)
    data = visitors.get("analyst", "/admin/cockpit/visits/data.json?q=没有的").json

    assert "没有符合条件的数据" in page
    assert "清除筛选" in page
    assert "<figure" not in page
    assert (data["count"], data["charts"]) == (0, [])


def test_a_number_opens_exactly_its_rows(visitors):
    page = visitors.get("analyst", "/admin/cockpit/performance/").get_data(as_text=True)
    found = re.search(
        r'href="(/admin/cockpit/performance/\?[^"]*by=contract[^"]*)"[^>]*>2<', tight(page)
    )
    path, _mark, state = found[1].replace("&amp;", "&").partition("?")
    data = visitors.get("analyst", f"{path}data.json?{state}").json

    assert (data["count"], data["totals"]["amount"]) == (2, "150000.00")


def test_formulas_in_an_export_are_only_text(visitors):
    with visitors.app.app_context(), db.engine.begin() as connection:
        customer = Customer.__table__
        connection.execute(
            customer.update().where(customer.c.company == "乙公司").values(company="=1+1")
        )
    rows = rows_of(visitors.get("analyst", "/admin/cockpit/tracking/export.csv"))

    assert "'=1+1" in [row[1] for row in rows]


def test_numbers_of_a_workbook_are_numbers(visitors):
    answer = visitors.get("analyst", "/admin/cockpit/performance/export.xlsx?preset=year")
    head, *rows = openpyxl.load_workbook(io.BytesIO(answer.get_data())).active.values
    place = head.index("合同额")

    assert [row[place] for row in rows] == [150000, 30000.01, 180000.01]


def test_a_workbook_says_what_it_holds_and_its_cells_are_typed(visitors):
    state = "preset=year&level=a&by=contract&only=unpaid"
    answer = visitors.get("analyst", f"/admin/cockpit/performance/export.xlsx?{state}")
    book = openpyxl.load_workbook(io.BytesIO(answer.get_data()))
    rows, about = book.worksheets
    head = {cell.value: cell.column_letter for cell in rows[1]}
    told = [(row[0].value, row[1].value) for row in about.rows]

    assert rows[f"{head['合同额']}2"].number_format == "#,##0.00"
    assert rows[f"{head['回款率']}2"].number_format == "0.00%"
    assert rows[f"{head['签订日']}2"].is_date
    assert rows.freeze_panes == "B2"
    assert rows.column_dimensions["A"].width > 20
    assert rows.cell(rows.max_row, 1).font.b
    assert rows.cell(rows.max_row, 1).border.top.style == "thin"
    assert rows[f"A{rows.max_row}"].value == "合计（全部筛选结果 1 条）"
    assert {
        ("筛选", "只看：未收齐的合同"),
        ("汇总方式", "合同"),
        ("合同额", "100,000.00 元"),
    } <= set(told)
    assert [name for name, _text in told][:2] == ["项目", "数据截至"]
    assert any(name == "未回款" and "不小于 0" in text for name, text in told)
    name = unquote(answer.headers["Content-Disposition"])
    assert "客户业绩汇总表-今年_2026-01-01_–_2026-12-31-等级：A级" in name


def test_totals_that_no_column_has_are_in_the_workbook(visitors):
    answer = visitors.get("analyst", "/admin/cockpit/followups/export.xlsx?preset=month")
    about = openpyxl.load_workbook(io.BytesIO(answer.get_data())).worksheets[1]

    assert {("跟进次数", "4"), ("跟进客户数", "3"), ("人均次数", "2.0")} <= {
        (row[0].value, row[1].value) for row in about.rows
    }


def test_a_page_reads_one_moment_and_cannot_write(cockpit):
    session = cockpit.world.session
    snapshot(session)

    if session.get_bind().dialect.name == "postgresql":
        level = session.connection().exec_driver_sql("SHOW transaction_isolation").scalar()
        only = session.connection().exec_driver_sql("SHOW transaction_read_only").scalar()
        assert (level, only) == ("repeatable read", "on")
    before = cockpit.totals("performance")
    session.rollback()
    assert session.connection().default_isolation_level != "REPEATABLE READ"
    assert cockpit.totals("performance") == before


def test_the_script_is_kept_for_ever_and_comes_packed(visitors):
    page = visitors.get("analyst", "/admin/cockpit/visits/").get_data(as_text=True)
    address = re.search(r'src="(/admin/cockpit/plotly-[0-9a-f]+\.js)"', page)[1]
    answer = visitors.get("analyst", address, headers={"Accept-Encoding": "gzip"})

    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.get_data()) < 2_000_000
    assert visitors.get("analyst", "/admin/cockpit/plotly-0.js").status_code == 404


def test_paper_has_title_filters_moment_all_columns_totals_and_definitions(cockpit, visitors):
    cockpit.world.be("analyst")
    session, actor = cockpit.world.session, cockpit.world.actor
    query = cockpit.query("performance", preset="year", level="a")
    content = lines.Content(SUMMARIES["performance"], actor, query, ["等级：A级"])
    found = cockpit.read("performance", preset="year", level="a")
    page = paper.html(content, found, [[paper.PaperCell("<b>x</b>")] * len(content.columns)])

    for text in (
        "客户业绩汇总表",
        "等级：A级",
        "数据截至",
        "合计（全部筛选结果 1 条）",
        "landscape",
    ):
        assert text in page
    assert all(f">{column.label}</th>" in page for column in content.columns)
    assert "table-header-group" in page
    assert "&lt;b&gt;x&lt;/b&gt;" in page  # no markup comes from people
    with pytest.raises(Refused):
        paper.make(session, content, most=0)


@pytest.mark.parametrize(
    ("label", "least"),
    [("合同额", 6), ("审批单平均历时（工作小时）", 10), ("New opportunities", 13), ("Win rate", 8)],
)
def test_a_caption_on_paper_is_as_wide_as_its_longest_word(label, least):
    assert paper._head(label) == least


def test_paper_marks_what_reaches_its_limit_in_rows_and_totals(cockpit):
    cockpit.world.be("analyst")
    asked = {"preset": "year", "marks": "amount:ge;1"}
    query = cockpit.query("performance", **asked)
    content = lines.Content(SUMMARIES["performance"], cockpit.world.actor, query, [])
    found = cockpit.read("performance", **asked)
    rows = [paper.row_of(record, content) for record in found.records]
    page = paper.html(content, found, rows)
    reached = sum(record["amount"] >= 100 for record in found.records)  # 1 CNY in 分

    assert reached > 0
    assert page.count("▲") == page.count(' reached"') == reached + 1
    assert "阈值标记：合同额 ≥ 1.00 元" in page


def test_a_summary_comes_as_pdf_to_who_may_export(visitors):
    path = "/admin/cockpit/performance/export.pdf?preset=year"
    answer = visitors.get("analyst", path)

    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.get_data().startswith(b"%PDF-")
    assert "客户业绩汇总表-今年" in unquote(answer.headers["Content-Disposition"])
    assert visitors.get("sales", path).status_code == 403
