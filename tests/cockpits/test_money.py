"""客户业绩汇总表 and 回款汇总表 against numbers worked out by hand from their definitions."""

import pytest

ALWAYS = {"from_": "1990-01-01", "to": "2099-12-31"}


def test_performance_adds_up_contracts_in_force_signed_in_the_period(cockpit):
    found = cockpit.rows(
        "performance", "company", "contracts", "amount", "collected", "unpaid", "rate", "cash",
        "average", "owner",
    )  # fmt: skip

    assert found == [
        ("甲公司", "2", "150,000.00", "103,000.00", "57,000.00", "68.67%", "110,500.00",
         "75,000.00", "多人(2)"),
        ("乙公司", "1", "30,000.01", "0.00", "30,000.01", "0.00%", "0.00", "30,000.01", "sales2"),
    ]  # fmt: skip


def test_performance_totals_are_ratios_of_sums(cockpit):
    found = cockpit.totals("performance")

    assert found["contracts"] == "3"
    assert found["amount"] == "180,000.01"
    assert found["collected"] == "103,000.00"
    assert found["unpaid"] == "87,000.01"
    assert found["rate"] == "57.22%"
    assert found["cash"] == "110,500.00"
    assert found["average"] == "60,000.00"
    assert found["created"] == "4"
    assert found["win_rate"] == "50.00%"
    assert found["share"] == "100.00%"


def test_a_contract_counts_for_who_signed_it_and_not_for_who_has_the_customer_now(cockpit):
    before, now = (cockpit.totals("performance", who) for who in ("sales2", "sales"))

    assert (before["amount"], before["collected"]) == ("130,000.01", "43,000.00")
    assert (now["amount"], now["collected"]) == ("50,000.00", "60,000.00")


def test_who_can_no_longer_open_a_customer_keeps_the_figures_without_the_name(cockpit):
    rows = cockpit.read("performance", "sales2").records

    masked = rows[0]
    assert masked["amount"] == 100_000_00
    assert (masked["company"], masked["code"]) == ("（无权查看）", "（无权查看）")
    assert masked["customer_id"] is None
    assert cockpit.read("performance", "sales2", q="甲公司").count == 0


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("owner", [("sales2", "130,000.01"), ("sales", "50,000.00")]),
        ("department", [("华东", "130,000.01"), ("华中", "50,000.00")]),
        (
            "level",
            [("A级: 非常重要, 合同洽谈", "150,000.00"), ("B级: 重要, 方案报价", "30,000.01")],
        ),
    ],
)
def test_performance_by_other_grains(cockpit, by, expected):
    assert cockpit.rows("performance", "label", "amount", by=by) == expected


def test_performance_by_month_also_shows_months_with_cash_alone(cockpit):
    found = cockpit.rows("performance", "label", "amount", "cash", by="month")

    assert found == [
        ("2026-01", "0.00", "7,500.00"),
        ("2026-02", "0.00", "0.00"),
        ("2026-03", "100,000.00", "30,000.00"),
        ("2026-04", "0.00", "15,000.00"),
        ("2026-05", "50,000.00", "60,000.00"),
        ("2026-06", "0.00", "-2,000.00"),
        ("2026-11", "30,000.01", "0.00"),
    ]


def test_customers_without_a_contract_show_on_demand(cockpit):
    found = cockpit.rows("performance", "company", "amount", undealt=1)

    assert sorted(found) == [
        ("丁公司", "0.00"), ("丙公司", "0.00"), ("乙公司", "30,000.01"), ("戊公司", "0.00"),
        ("甲公司", "150,000.00"),
    ]  # fmt: skip


def test_payments_on_a_void_contract_are_listed_and_in_no_sum(cockpit):
    from dashboards.summaries import anomalies  # only this test reads them

    query = cockpit.query("performance")
    cockpit.world.be("analyst")
    found = anomalies.read(cockpit.world.session, cockpit.world.actor, query)

    assert (found.count, found.amount) == (1, 500_00)
    assert [r["amount"] for r in found.records] == [500_00]


def test_collections_totals(cockpit):
    found = cockpit.totals("collections")

    assert found["lines"] == "6"
    assert found["due"] == "187,000.01"
    assert found["settled"] == "100,000.00"
    assert found["open"] == "87,000.01"
    assert found["rate"] == "53.48%"
    assert found["overdue"] == "57,000.00"
    assert found["overdue_lines"] == "1"
    assert found["overdue_rate"] == "30.48%"
    assert found["longest"] == "1"
    assert found["mean_days"] == "-1.5"
    assert found["cash"] == "110,500.00"
    assert found["surplus"] == "10,500.00"


def test_collections_by_due_month_and_owner(cockpit):
    found = cockpit.rows("collections", "month", "owner", "due", "settled", "cash")

    assert found == [
        ("2026-01", "sales2", "7,000.00", "7,000.00", "7,500.00"),
        ("2026-03", "sales2", "40,000.00", "40,000.00", "30,000.00"),
        ("2026-04", "sales2", "0.00", "0.00", "15,000.00"),
        ("2026-05", "sales", "50,000.00", "50,000.00", "60,000.00"),
        ("2026-06", "sales2", "0.00", "0.00", "-2,000.00"),
        ("2026-11", "sales2", "10,000.00", "0.00", "0.00"),
        ("2026-11", "sales", "60,000.00", "3,000.00", "0.00"),
        ("2026-12", "sales2", "20,000.01", "0.00", "0.00"),
    ]


@pytest.mark.parametrize("by", ["month", "owner", "customer", "contract", "department", "plan"])
def test_due_is_settled_plus_open_in_every_row_and_totals_do_not_depend_on_the_grain(cockpit, by):
    found = cockpit.read("collections", by=by)

    assert all(r["due"] == r["settled"] + r["open"] for r in found.records)
    for key in ("lines", "due", "settled", "open", "overdue", "surplus"):
        assert sum(r[key] for r in found.records) == found.totals[key]
    assert (found.totals["due"], found.totals["settled"]) == (187_000_01, 100_000_00)


def test_an_instalment_due_today_is_not_overdue(cockpit):
    rows = cockpit.rows("collections", "due_on", "overdue", "longest", by="plan", **ALWAYS)

    assert ("2026-11-23", "0.00", "0") in rows
    assert ("2026-11-22", "57,000.00", "1") in rows


@pytest.mark.parametrize("only", ["", "unpaid", "owing", "overdue", "surplus"])
def test_the_ageing_buckets_add_up_to_all_that_is_open_whatever_the_rows_are_cut_to(cockpit, only):
    period = {"preset": "today"} if only in {"", "unpaid", "owing"} else {}
    ageing = cockpit.figures("collections", only=only, **period)[1]
    bars = [round(value * 10_000, 2) for value in ageing.data[0].y]

    assert bars == [30_000.01, 57_000.0, 0.0, 0.0, 0.0, 0.0]
    assert round(sum(bars), 2) == 87_000.01


def test_collections_count_for_whoever_the_instalment_was_stamped(cockpit):
    found = cockpit.totals("collections", "sales")

    assert (found["due"], found["settled"], found["cash"]) == (
        "110,000.00",
        "53,000.00",
        "60,000.00",
    )


def test_the_tiles_of_the_home_page_equal_the_summaries(cockpit):
    from dashboards.home import tiles  # only this test reads them

    cockpit.world.be("analyst")
    found = {
        t.label: t for t in tiles(cockpit.world.session, cockpit.world.actor, now=cockpit.world.now)
    }
    month = cockpit.totals("performance", preset="month")
    closed = cockpit.totals("opportunities", preset="90d", date="closed")

    assert month["amount"] == "30,000.01"
    assert (found["本月签约额"].value, found["本月签约额"].unit) == ("3.00", "万元")
    assert (found["本月到账"].value, month["cash"]) == ("0.00", "0.00")
    assert (found["应收逾期"].value, found["应收逾期"].note) == ("5.70", "逾期 1 期，最长 1 天")
    assert (found["进行中商机"].value, found["进行中商机"].unit) == ("333.33", "元")
    assert (found["赢单率（近 90 天）"].value, closed["win_rate"]) == ("—", "—")
