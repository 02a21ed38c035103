"""A filter is a readable address; it shows what it says, and tells nothing it must not."""

import datetime as dt
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.customers.customer import Customer, Level
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.query import conditions, filters
from services.query.conditions import Place, parse
from services.query.filters import AddressPart, Tree
from tests.support import clock
from tests.support.page import tight
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World
from views.grid import filters as grid_filters

OPPORTUNITY = "/admin/opportunity/"
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


def company(world):
    """Four opportunities of sales and one of sales2, all drafts."""
    key = world.approved("sales", company="光谷", level=Level.a)
    other = world.approved("sales2", company="东湖", level=Level.b)
    today = clock.now().astimezone(SHANGHAI).date()
    for n, (name, amount) in enumerate([("甲", 1), ("乙;)", 2), ("丙", 3), ("丁", None)]):
        world.opportunity(
            key, name=name, amount=amount and amount * 100_00, expected_on=today + dt.timedelta(n)
        )
    world.opportunity(other, "sales2", name="戊", amount=500_00)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def visitors(request, databases):
    with databases.lent(request.param) as app:
        with World(app) as world:
            company(world)
        yield Visitors(app)


def names(visitors, query, who="admin"):
    page = visitors.get(who, f"{OPPORTUNITY}?{query}").get_data(as_text=True)
    return {name for name in "甲乙丙丁戊" if f"{name}</a>" in page or f"{name};)</a>" in page}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("f.amount=ge:200", "乙丙戊"),
        ("f.amount=100..200", "甲乙"),
        ("f.amount=..200", "甲乙"),
        ("f.amount=empty", "丁"),
        ("f.amount=filled&f.amount=lt:300", "甲乙"),
        ("f.name=contains:丙", "丙"),
        ("f.name=not_contains:丙", "甲乙丁戊"),
        ("f.expected_on=today&f.name=ne:戊", "甲"),
        ("f.expected_on=today..today%2B1&f.name=ne:戊", "甲乙"),
        ("f.created_at=le:2026-11-23", "甲乙丙丁戊"),
        ("f.created_at=lt:2026-11-23", ""),
        ("f.customer.level=in:b", "戊"),
        ("f.customer.level=B", "戊"),
        ("f.customer.level=in:B级,c级", "戊"),
        ("f.customer.level=B级:%20重要,%20方案报价", "戊"),
        ("f.customer.company=东湖", "戊"),
        ("f.owner_id=not_in:sales2", "甲乙丙丁"),
        ("g=any(name=eq:甲;all(amount=ge:200;amount=le:200))", "甲乙"),
        (r"g=any(name=eq:乙\;\);name=eq:丙)", "乙丙"),
        ("approval=draft&amount_from=300", "丙戊"),  # links made before
    ],
)
def test_a_filter_in_the_address_shows_exactly_its_rows(visitors, query, found):
    assert names(visitors, query) == set(found)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("f.amount=ge:viel", "金额"),
        ("f.amount=contains:1", "金额"),
        ("f.expected_on=irgendwann", "预计成交日"),
        ("f.expected_on=within:x", "预计成交日"),
        ("f.approval=in:maybe", "审批状态"),
        ("f.owner_id=in:99999999999999999999&f.owner_id=in:niemand", "亚为销售员"),
        ("f.nothing=1", "nothing"),
        ("f.owner.password=x", "owner.password"),
        ("f.name=", "名称"),
        ("g=any(name=eq:甲", "筛选条件组"),
        ("g=" + "all(" * 30, "筛选条件组"),
        ("g=any(" + "name=a;" * 60 + "name=b)", "条件过多"),
        ("f.owner_id=in:" + ",".join("abcdefghijklmnopqrstuvwxyz"), "亚为销售员"),
        ("f.amount=ge:1&" * 60, "条件过多"),
    ],
)
def test_a_bad_filter_is_told_by_its_field_and_the_page_is_served(visitors, query, field):
    answer = visitors.get("admin", f"{OPPORTUNITY}?{query}")
    page = answer.get_data(as_text=True)

    assert answer.status_code == 200
    assert field in page.partition('role="alert">')[2].partition("</div>")[0]


def test_no_name_of_a_parameter_breaks_the_page(visitors):
    query = "export_type=x&endpoint=y&_external=1&_anchor=z&self=1&view=9&columns=name&w.x=1"

    assert visitors.get("admin", f"{OPPORTUNITY}?{query}").status_code == 200


def test_no_verb_acts_on_more_than_a_bad_filter_meant(visitors):
    bad = "f.amount=ge:viel"
    bulk = {"action": "delete", "everything": "1", "match": bad}

    assert visitors.post("admin", f"{OPPORTUNITY}action/", bulk).status_code == 422
    assert visitors.get("admin", f"{OPPORTUNITY}export/csv/?{bad}").status_code == 422


def test_chips_say_each_condition_and_take_away_only_that_one(visitors):
    query = "f.amount=ge:100&f.amount=le:200&f.owner_id=in:sales&sort=-amount"
    page = tight(visitors.get("admin", f"{OPPORTUNITY}?{query}").text)

    assert "金额 ≥ 100.00<" in page
    assert "亚为销售员 属于 sales<" in page
    far = visitors.get("admin", f"{OPPORTUNITY}?f.customer.level=in:a").get_data(as_text=True)
    assert "客户 · 客户等级 属于 A级" in far
    part = page.partition("金额 ≤ 200.00<")[0].rpartition('href="')[2].partition('"')[0]
    left = parse_qsl(urlsplit(part.replace("&amp;", "&")).query)
    assert left == [("f.amount", "ge:100"), ("f.owner_id", "in:sales"), ("sort", "-amount")]


def test_the_plain_form_leads_to_the_readable_address(visitors):
    form = (
        "sort=-amount&w.field=amount&w.op=ge&w.value=200&w.field=name&w.op=&w.value=丙&w.field="
        "&w.op=&w.value="
    )
    both = visitors.get("admin", f"{OPPORTUNITY}?{form}")
    either = visitors.get("admin", f"{OPPORTUNITY}?{form}&w.any=1")

    pairs = parse_qsl(urlsplit(both.location).query)
    assert pairs == [("sort", "-amount"), ("f.amount", "ge:200"), ("f.name", "丙")]
    assert dict(parse_qsl(urlsplit(either.location).query))["g"] == "any(amount=ge:200;name=丙)"


def test_what_is_masked_is_no_oracle(visitors):
    with World(visitors.app) as world:
        contact = world.session.scalars(sa.select(Contact)).first()
        number = contact.mobile
    path = f"/admin/contact/?f.mobile=eq:{number}"

    analyst = visitors.get("analyst", path).get_data(as_text=True)

    assert "mobile" in analyst.partition('role="alert">')[2].partition("</div>")[0]
    assert visitors.get("analyst", "/admin/contact/ajax/values/?field=mobile").status_code == 404
    assert 'class="note" role="alert"' not in visitors.get("admin", path).get_data(as_text=True)


def test_nothing_is_told_of_a_reference_that_is_not_seen(visitors):
    """Who entered a draft still sees it when its customer has gone out of his sight."""
    with World(visitors.app) as world:
        deal, customer = Opportunity.__table__, Customer.__table__
        key, owner = world.customer("sales", company="秘密"), world.id_of("sales2")
        made = world.opportunity(key, "sales", name="己")
        connection = world.session.connection()
        for table, row in ((deal, made), (customer, key)):
            change = {"owner_id": owner} | ({"created_by_id": owner} if table is customer else {})
            connection.execute(sa.update(table).where(table.c.id == row).values(**change))
        world.session.commit()

    def page(who, value):
        path = f"{OPPORTUNITY}?f.name=己&f.customer.company=eq:{value}"
        return "己</a>" in visitors.get(who, path).get_data(as_text=True)

    assert "己</a>" in visitors.get("sales", f"{OPPORTUNITY}?f.name=己").get_data(as_text=True)
    assert (page("admin", "秘密"), page("sales", "秘密")) == (True, False)


def test_the_values_of_a_field_are_offered_through_the_gate(visitors):
    path = f"{OPPORTUNITY}ajax/values/?field=customer_id&query="
    sales = visitors.get("sales", f"{path}东湖", headers=AJAX).get_json()
    admin = visitors.get("admin", f"{path}东湖", headers=AJAX).get_json()
    owners = visitors.get("analyst", f"{OPPORTUNITY}ajax/values/?field=owner_id").get_json()

    assert sales == []
    assert [label for _key, label, *_typed in admin] == ["东湖"]
    assert owners[0][:3] == ["me", "本人", "br benren"]  # what else may be typed for it


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("today", "2026-11-01T00:00", "2026-11-01T23:59:59"),
        ("yesterday", "2026-10-31T00:00", "2026-10-31T23:59:59"),
        ("this_week", "2026-10-26T00:00", "2026-11-01T23:59:59"),
        ("this_month", "2026-11-01T00:00", "2026-11-30T23:59:59"),
        ("last_month", "2026-10-01T00:00", "2026-10-31T23:59:59"),
        ("next_month", "2026-12-01T00:00", "2026-12-31T23:59:59"),
        ("this_quarter", "2026-10-01T00:00", "2026-12-31T23:59:59"),
        ("last_quarter", "2026-07-01T00:00", "2026-09-30T23:59:59"),
        ("this_year", "2026-01-01T00:00", "2026-12-31T23:59:59"),
        ("last_7_days", "2026-10-26T00:00", "2026-11-01T23:59:59"),
        ("last_30_days", "2026-10-03T00:00", "2026-11-01T23:59:59"),
        ("next_7_days", "2026-11-01T00:00", "2026-11-07T23:59:59"),
    ],
)
def test_periods_begin_and_end_with_days_of_the_companys_zone(period, first, last):
    # 00:30 on November 1st in Shanghai; in UTC it is still October.
    at = Place(dt.datetime(2026, 10, 31, 16, 30, tzinfo=dt.UTC))
    asked = parse(Opportunity, {"field": "created_at", "op": "within", "value": period})
    start, end = (dt.datetime.fromisoformat(f"{text}+08:00") for text in (first, last))
    second = dt.timedelta(seconds=1)
    told = [
        asked.holds(lambda _key, moment=moment: moment, at)
        for moment in (start - second, start, end, end + second)
    ]

    assert told == [False, True, True, False]


def test_a_period_is_also_typed_as_it_is_called(visitors):
    for text in ("近30天", "近 30 天", "within:近30天"):
        assert names(visitors, f"f.created_at={text}") == names(
            visitors, "f.created_at=within:last_30_days"
        )
    assert names(visitors, "f.created_at=last_30_days")


def test_overdue_means_past_and_still_open():
    asked = parse(FollowUpPlan, {"field": "due_at", "op": "within", "value": "overdue"})
    at = Place(dt.datetime(2026, 10, 31, 16, 30, tzinfo=dt.UTC))
    late = dt.datetime(2026, 10, 31, 15, 59, tzinfo=dt.UTC)

    assert asked.holds({"due_at": late, "done_at": None}.get, at)
    assert not asked.holds({"due_at": late, "done_at": late}.get, at)
    assert not asked.holds({"due_at": at.now, "done_at": None}.get, at)
    assert conditions.describe(asked, lambda _one, value: str(value)).startswith("计划时间 逾期")


def test_groups_are_written_as_they_are_read():
    tree = Tree(
        every=False,
        parts=(
            AddressPart("name", r"eq:a;b(c)\d"),
            Tree(every=True, parts=(AddressPart("amount", "ge:5"),)),
        ),
    )

    assert filters.read("g", filters.written(tree)) == tree


def test_every_offered_comparison_is_one_of_the_language():
    for widget, ops in grid_filters.OFFERED.items():
        kinds = [k for k in conditions.OPS_OF if grid_filters.WIDGETS.get(k, "text") == widget]
        assert kinds
        assert all(set(ops) <= set(conditions.OPS_OF[kind]) for kind in kinds)
