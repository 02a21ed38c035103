"""目标 and 完成率: one total whatever the grain, a department's own target before its people's."""

import datetime as dt
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from dashboards.home import tiles
from dashboards.pages import SUMMARIES
from models.core.base import db
from models.people.department import Department
from models.people.user import User
from models.rights.audit import AuditLog
from models.sales.target import SalesTarget
from tests.support.books import AT
from tests.support.visitors import Doors
from views.cockpit import table

YEAR = {"from_": "2026-01-01", "to": "2026-12-31"}


@pytest.fixture
def aims(cockpit):
    """March: sales2 200,000, 华东 with its own 250,000; May: sales 40,000; November: both."""
    world = cockpit.world
    rows = [
        ("2026-03-01", "sales2", None, 200_000_00),
        ("2026-03-01", None, "华东", 250_000_00),
        ("2026-05-01", "sales", None, 40_000_00),
        ("2026-11-01", "sales", None, 10_000_00),
        ("2026-11-01", "sales2", None, 60_000_02),
        ("2026-12-01", None, "华中", 5_000_00),
    ]
    with db.engine.connect() as connection:
        places = dict(connection.execute(sa.select(Department.name, Department.id)).all())
    keys = {who: world.id_of(who) for who in ("sales", "sales2")}
    world.session.rollback()
    with db.engine.begin() as connection:
        for month, who, place, amount in rows:
            connection.execute(
                sa.insert(SalesTarget.__table__).values(
                    month=dt.date.fromisoformat(month),
                    owner_id=keys.get(who),
                    department_id=places.get(place),
                    amount=amount,
                    created_at=AT,
                    updated_at=AT,
                )
            )
    cockpit.places, cockpit.keys = places, keys
    return cockpit


def rows_of(aims, by, who="analyst", **params):
    found = aims.rows(
        "performance", "label", "amount", "target", "completion", who=who, by=by,
        **(YEAR | params),
    )  # fmt: skip
    return {name: rest for name, *rest in found}


def test_completion_is_what_was_signed_by_the_target(aims):
    assert rows_of(aims, "month") == {
        "2026-03": ["100,000.00", "250,000.00", "40.00%"],
        "2026-05": ["50,000.00", "40,000.00", "125.00%"],
        "2026-11": ["30,000.01", "70,000.02", "42.86%"],
        "2026-12": ["0.00", "5,000.00", "0.00%"],
        "2026-02": ["0.00", "—", "—"],
        "2026-06": ["0.00", "—", "—"],
        "2026-04": ["0.00", "—", "—"],
        "2026-01": ["0.00", "—", "—"],
    }


def test_a_departments_target_is_its_own_or_that_of_its_people(aims):
    assert rows_of(aims, "department") == {
        "华东": ["130,000.01", "310,000.02", "41.94%"],  # March its own, November its people's
        "华中": ["50,000.00", "55,000.00", "90.91%"],
    }


def test_what_departments_set_beside_their_people_is_a_row_of_its_own(aims):
    assert rows_of(aims, "owner") == {
        "sales2": ["130,000.01", "260,000.02", "50.00%"],
        "sales": ["50,000.00", "50,000.00", "100.00%"],
        "部门目标与个人目标之差": ["—", "55,000.00", "—"],
    }


@pytest.mark.parametrize("who", ["analyst", "sales", "sales2", "manager"])
def test_the_total_is_that_of_every_grain(aims, who):
    for params in ({}, {"preset": "month"}, {"from_": "2026-03-02", "to": "2026-11-30"},
                   {"department": aims.places["华东"]}, {"owner": aims.keys["sales2"]},
                   {"department_only": aims.places["华中"]}):  # fmt: skip
        period = {} if "preset" in params else YEAR
        found = [
            {k: totals.get(k) for k in ("amount", "target", "completion")}
            for by in ("owner", "department", "month")
            for totals in [aims.totals("performance", who, by=by, **(period | params))]
        ]
        assert found[0] == found[1] == found[2], (who, params)


def test_a_month_counts_where_its_first_day_lies_in_the_period(aims):
    def told(start, end):
        found = aims.totals("performance", by="month", from_=start, to=end)
        return found["target"], found["completion"]

    assert told("2026-03-01", "2026-03-01") == ("250,000.00", "0.00%")
    assert told("2026-03-02", "2026-04-30") == ("—", "—")
    assert told("2026-02-15", "2026-05-01") == ("290,000.00", "34.48%")


def test_everybody_compares_with_the_targets_of_his_scope(aims):
    assert rows_of(aims, "owner", "sales") == {"sales": ["50,000.00", "50,000.00", "100.00%"]}
    assert aims.totals("performance", "sales2", by="department", **YEAR)["target"] == "260,000.02"
    assert aims.totals("performance", "manager", by="month", **YEAR)["target"] == "55,000.00"


def test_targets_know_no_customers(aims):
    for params in ({"level": "a"}, {"q": "公司"}, {"customer": "1"}, {"only": "unpaid"}):
        for by in ("owner", "department", "month"):
            found = aims.totals("performance", by=by, **YEAR, **params)
            assert (found["target"], found["completion"]) == ("—", "—"), (by, params)
    for by in set(SUMMARIES["performance"].choices.grains) - {"owner", "department", "month"}:
        assert "target" not in {c.key for c in SUMMARIES["performance"].columns(by)}, by


def drills(aims, by, **params):
    found = aims.read("performance", by=by, **(YEAR | params))
    column = next(c for c in found.columns if c.key == "target")
    return {row["label"]: table._opens(row, column, found.query) for row in found.records}


def test_a_target_opens_those_it_was_made_of(aims):
    doors = Doors(aims.world)

    def listed(url):
        page = doors.get("analyst", url)
        assert page.status_code == 200
        assert parse_qs(urlsplit(url).query)["f.month"]
        return page.get_data(as_text=True)

    people = drills(aims, "owner")
    assert people["部门目标与个人目标之差"] == ""
    shown = {name: listed(url) for name, url in people.items() if url}
    places = {name: listed(url) for name, url in drills(aims, "department").items()}
    months = drills(aims, "month")
    assert months["2026-02"] == ""
    march = listed(months["2026-03"])
    narrowed = listed(drills(aims, "month", owner=aims.keys["sales2"])["2026-03"])
    assert drills(aims, "month", department=aims.places["华东"])["2026-03"] == ""

    def has(page, *amounts):
        every = ("200,000.00", "250,000.00", "40,000.00", "10,000.00", "60,000.02", "5,000.00")
        cells = {a for a in every if f">{a}<" in page.replace(" ", "").replace("\n", "")}
        return cells == set(amounts)

    assert has(shown["sales2"], "200,000.00", "60,000.02")
    assert has(shown["sales"], "40,000.00", "10,000.00")
    assert has(places["华东"], "200,000.00", "250,000.00", "60,000.02")
    assert has(places["华中"], "40,000.00", "10,000.00", "5,000.00")
    assert has(march, "200,000.00", "250,000.00")
    assert has(narrowed, "200,000.00")


def test_the_home_page_tells_the_months_completion_where_there_is_a_target(aims):
    def told(who):
        aims.world.be(who)
        found = tiles(aims.world.session, aims.world.actor, now=aims.world.now)
        return {t.label: (t.value, t.note) for t in found}.get("本月完成率")

    assert told("sales2") == ("50.0", "本月目标 6.00 万元")
    assert told("analyst") == ("42.9", "本月目标 7.00 万元")
    assert told("manager") == ("0.0", "本月目标 1.00 万元")
    aims.world.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(sa.delete(SalesTarget.__table__))
    assert told("sales2") is None


def test_a_month_is_shown_as_a_month(aims):
    doors = Doors(aims.world)
    for path in ("/admin/target/", "/admin/target/?density=compact"):
        page = doors.get("admin", path).text
        assert "2026-11" in page
        assert "2026-11-01" not in page
    key = aims.world.session.scalars(sa.select(SalesTarget.id).order_by(SalesTarget.id)).first()
    for door in ("details", "edit"):
        page = doors.get("admin", f"/admin/target/{door}/?id={key}").text
        assert "2026-03" in page
        assert "2026-03-01" not in page


def test_the_audit_of_a_target_names_the_person_and_the_month(aims):
    doors, world = Doors(aims.world), aims.world
    form = {"month": "2026-09", "owner_id": aims.keys["sales"], "amount": "100"}
    assert doors.post("admin", "/admin/target/new/", form).status_code == 303
    world.be("admin")
    name = world.session.scalars(sa.select(User.name).where(User.id == aims.keys["sales"])).one()
    query = sa.select(AuditLog.id).where(AuditLog.noun == "target").order_by(AuditLog.id.desc())
    key = world.session.scalars(query).first()
    page = doors.get("admin", f"/admin/audit/details/?id={key}").text
    cells = re.findall(r'<td class="wide"[^>]*>([^<]*)</td>', page)

    assert {name, "2026-09", "100.00"} <= set(cells)
    assert not {"2026-09-01", str(aims.keys["sales"])} & set(cells)
