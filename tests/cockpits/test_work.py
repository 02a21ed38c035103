"""商机, 跟进, 拜访 and 客户跟踪 against numbers worked out by hand from their definitions."""

import pytest

NOVEMBER = {"preset": "month"}


def test_opportunity_totals(cockpit):
    found = cockpit.totals("opportunities")

    assert found["opportunities"] == "4"
    assert found["amount"] == "120,333.33"
    assert found["weighted"] == "100.00"
    assert (found["won"], found["won_amount"]) == ("1", "100,000.00")
    assert (found["lost"], found["win_rate"]) == ("1", "50.00%")


def test_an_unknown_amount_and_an_unknown_date_are_blank_and_come_last(cockpit):
    for sort in ("amount", "-amount"):
        rows = cockpit.rows("opportunities", "amount", sort=sort)
        assert rows[-1] == ("—",)


def test_an_opportunity_is_late_when_its_expected_date_is_past_and_it_is_open(cockpit):
    rows = cockpit.rows("opportunities", "amount", "weighted", "late", "age_days", sort="-age_days")

    assert rows == [
        ("333.33", "100.00", "是", "175"),
        ("100,000.00", "—", "否", "73"),
        ("20,000.00", "—", "否", "65"),
        ("—", "—", "否", "0"),
    ]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("owner", {("sales", "1", "0", "0.00", "1", "0.00%"),
                   ("sales2", "3", "1", "100,000.00", "0", "100.00%")}),
        ("department", {("华中", "1", "0", "0.00", "1", "0.00%"),
                        ("华东", "3", "1", "100,000.00", "0", "100.00%")}),
        ("product", {("水泵", "2", "1", "60,000.00", "1", "50.00%"),
                     ("阀门", "1", "1", "40,000.00", "0", "100.00%"),
                     ("（未填写）", "2", "0", "0.00", "0", "—")}),
        ("quarter", {("2026-Q2", "2", "1", "100,000.00", "1", "50.00%"),
                     ("进行中", "2", "0", "0.00", "0", "—")}),
    ],
)  # fmt: skip
def test_opportunities_by_group(cockpit, by, expected):
    keys = ("label", "count", "won", "won_amount", "lost", "win_rate")

    assert set(cockpit.rows("opportunities", *keys, by=by)) == expected
    assert cockpit.totals("opportunities", by=by)["opportunities"] == "4"


def test_a_new_opportunity_is_its_creators_and_an_end_is_that_of_who_closed_it(cockpit):
    keys = ("label", "count", "won", "lost")

    assert cockpit.rows("opportunities", *keys, by="owner", date="closed") == [
        ("sales", "2", "1", "1")
    ]
    assert set(cockpit.rows("performance", "label", "created", "win_rate", by="owner")) == {
        ("sales", "1", "50.00%"), ("sales2", "3", "—"),
    }  # fmt: skip


def test_the_date_switch_moves_an_opportunity_to_another_period(cockpit):
    counts = {
        date: cockpit.read("opportunities", date=date, from_="2026-04-01", to="2026-06-30").count
        for date in ("created", "closed", "expected")
    }

    assert counts == {"created": 1, "closed": 2, "expected": 0}


def test_the_funnel_counts_stages_reached(cockpit):
    funnel = cockpit.figures("opportunities")[1].data[0]

    assert list(funnel.x) == [4, 3, 2, 1, 1, 1]


def test_follow_ups_show_rows_of_approval_and_leave_them_out_of_counts(cockpit):
    found = cockpit.totals("followups", **NOVEMBER)

    assert cockpit.read("followups", **NOVEMBER).count == 5
    assert found["records"] == "4"
    assert (found["customers"], found["staff"], found["per_head"]) == ("3", "2", "2.0")
    assert found["missed_count"] == "1"


def test_a_next_date_is_missed_only_on_the_latest_record_and_after_its_day(cockpit):
    keys = ("company", "at", "missed", "gap_days")
    rows = cockpit.rows("followups", *keys, **NOVEMBER, owner="3,4")

    assert ("甲公司", "2026-11-20 09:00", "是", "19") in rows
    assert ("甲公司", "2026-11-01 10:00", "否", "22") in rows
    assert ("乙公司", "2026-11-15 14:00", "否", "—") in rows


def test_visit_totals(cockpit):
    found = cockpit.totals("visits", **NOVEMBER)

    assert (found["visits"], found["customers"], found["first_count"]) == ("2", "2", "1")
    assert (found["minutes"], found["mean_minutes"]) == ("90", "90.0")


def test_a_first_visit_has_none_before_it(cockpit):
    rows = cockpit.rows("visits", "company", "minutes", "first", "gap_days", **NOVEMBER)

    assert rows == [("甲公司", "90", "否", "41"), ("乙公司", "—", "是", "—")]


def test_the_heat_map_is_in_shanghai_time(cockpit):
    heat = cockpit.figures("visits", **NOVEMBER)[1].data[0]

    assert heat.z[4][list(heat.x).index("9:00")] == 1
    assert heat.z[6][list(heat.x).index("14:00")] == 1


def test_tracking_totals(cockpit):
    found = cockpit.totals("tracking")

    assert (found["count"], found["alerts"], found["never"]) == ("5", "2", "1")
    assert (found["follow_ups"], found["follow_ups_30"], found["follow_ups_90"]) == ("6", "4", "5")
    assert found["visits"] == "3"
    assert (found["open_count"], found["open_amount"]) == ("2", "333.33")
    assert (found["contract_amount"], found["unpaid"]) == ("187,000.01", "87,000.01")


def test_who_was_never_called_comes_first_and_alarms(cockpit):
    rows = cockpit.rows("tracking", "company", "quiet_days", "alert")

    assert rows == [
        ("丙公司", "从未", "是"),
        ("丁公司", "326", "否"),  # 已流失: nobody is reminded
        ("戊公司", "8", "是"),  # A: 7 days
        ("乙公司", "8", "否"),  # B: 15 days
        ("甲公司", "3", "否"),
    ]


def test_every_customer_is_in_exactly_one_bucket(cockpit):
    buckets = ("0-7", "8-30", "31-90", "91-180", "181", "never")
    counts = [cockpit.read("tracking", bucket=bucket).count for bucket in buckets]
    bars = cockpit.figures("tracking")[0]

    assert counts == [1, 2, 0, 0, 1, 1]
    assert sum(sum(trace.x) for trace in bars.data) == 5


def test_scope_follows_the_stamp_of_each_summary(cockpit):
    seen = {
        (key, who): cockpit.read(key, who, preset="year").count
        for key in ("opportunities", "followups", "visits", "tracking")
        for who in ("sales", "sales2", "manager")
    }

    assert [seen["opportunities", who] for who in ("sales", "sales2", "manager")] == [1, 3, 1]
    assert [seen["followups", who] for who in ("sales2", "manager")] == [1, 6]
    assert [seen["visits", who] for who in ("sales", "sales2")] == [2, 1]
    assert [seen["tracking", who] for who in ("sales", "sales2", "manager")] == [4, 1, 4]
