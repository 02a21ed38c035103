"""Exports give the grid's rows: streamed, masked, neutralised, in the chosen columns, audited."""

import csv
import datetime as dt
import io
import re
from urllib.parse import unquote

import openpyxl
import pytest
import sqlalchemy as sa

from models.core.setting import Setting
from models.deals.milestone_template import MilestoneTemplate
from models.people.role import Role
from models.rights.audit import AuditAction, AuditLog
from tests.support.imports import counts
from tests.support.visitors import Visitors
from tests.support.world import World, count_queries
from views.core.base import CrmView

GRID = "/admin/customer/export"


@pytest.fixture
def visitors(app):
    with World(app) as world:
        world.approved("sales", company="=1+1有限公司", street="-2")
        world.approved("sales2", company="武汉长江机械有限公司")
        world.customer("sales", company="草稿有限公司")
    return Visitors(app)


def rows(answer):
    """Return the rows of a CSV, by caption."""
    assert answer.status_code == 200
    text = answer.get_data(as_text=True)
    assert text.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(text[1:])))


def sheet(answer):
    """Return the rows of an XLSX."""
    return list(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)


def worded(cell):
    """Return a cell as a CSV has it."""
    if isinstance(cell, dt.datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return "" if cell is None else str(cell)


def test_both_kinds_hold_the_same_rows_under_a_chinese_name(visitors):
    found = [visitors.get("office", f"{GRID}/{kind}/") for kind in ("csv", "xlsx")]

    told, page = rows(found[0]), sheet(found[1])
    assert list(told[0]) == list(page[0])
    assert [tuple(row.values()) for row in told] == [tuple(map(worded, row)) for row in page[1:]]
    for answer in found:
        assert "客户-" in unquote(answer.headers["Content-Disposition"])


def test_formulas_are_neutralised_in_both_kinds(visitors):
    told = rows(visitors.get("office", f"{GRID}/csv/?columns=company,street"))
    page = sheet(visitors.get("office", f"{GRID}/xlsx/?columns=company,street"))

    assert {"客户单位": "'=1+1有限公司", "详细地址": "'-2"} in told
    assert ("'=1+1有限公司", "'-2") in page


def test_columns_are_chosen_in_order_and_unknown_ones_refused(visitors):
    told = rows(visitors.get("office", f"{GRID}/csv/?columns=owner_id,company"))
    wrong = [
        visitors.get("office", f"{GRID}/csv/?columns={key}")
        for key in ("password", "row_version", "company_key", "company,x")
    ]

    assert list(told[0]) == ["亚为销售员", "客户单位"]
    assert {"sales", "sales2"} == {row["亚为销售员"] for row in told}
    assert [answer.status_code for answer in wrong] == [422] * 4


def test_filters_scope_and_search_are_those_of_the_grid(visitors):
    mine = rows(visitors.get("manager", f"{GRID}/csv/"))
    found = rows(visitors.get("office", f"{GRID}/csv/?search=长江"))

    assert "武汉长江机械有限公司" not in {row["客户单位"] for row in mine}
    assert [row["客户单位"] for row in found] == ["武汉长江机械有限公司"]


OPEN, MASKED = r"138\d{8}", r"138\*{4}\d{4}"


@pytest.mark.parametrize(("who", "mobile"), [("office", OPEN), ("analyst", MASKED)])
def test_masked_fields_stay_masked(visitors, who, mobile):
    told = rows(visitors.get(who, "/admin/contact/export/csv/?columns=customer_id,mobile"))
    page = sheet(visitors.get(who, "/admin/contact/export/xlsx/?columns=mobile"))

    shown = [row["手机"] for row in told]
    assert shown
    assert all(re.fullmatch(mobile, text) for text in shown)
    assert [row[0] for row in page[1:]] == shown
    assert "武汉长江机械有限公司" in {row["客户"] for row in told}


def test_people_who_see_only_their_own_get_the_rest_masked(visitors):
    with World(visitors.app) as world, world.acting("admin"):
        roles = world.session.scalars(sa.select(Role).where(Role.name.in_(["sales", "manager"])))
        manager = next(role for role in roles if role.name == "manager")
        kept = [p for p in manager.permissions if p != "sensitive:read"]
        manager.permissions = [*kept, "sensitive:own"]
    with World(visitors.app) as world:
        world.approved("manager", owner_id=world.id_of("manager"))

    told = rows(visitors.get("manager", "/admin/contact/export/csv/"))

    masked, seen = sorted(row["手机"] for row in told)
    assert re.fullmatch(MASKED, masked)
    assert re.fullmatch(OPEN, seen)


def test_an_export_is_audited_and_one_above_the_cap_is_refused(visitors):
    visitors.get("office", f"{GRID}/csv/?columns=company&search=%E9%95%BF%E6%B1%9F%00")
    with World(visitors.app) as world:
        noted = world.session.scalars(
            sa.select(AuditLog).where(AuditLog.action == AuditAction.export)
        ).one()
        assert (noted.noun, noted.label) == ("customer", "columns=company&search=长江")
        with world.acting("admin"):
            world.session.add(Setting(key="export.max_rows", value=1))
    before = counts(visitors.app)

    answer = visitors.get("office", f"{GRID}/csv/")

    assert answer.status_code == 409
    assert counts(visitors.app) == before


def test_statements_do_not_grow_with_the_rows(visitors):
    visitors.get("office", f"{GRID}/csv/")
    with count_queries(visitors.app) as few:
        visitors.get("office", f"{GRID}/csv/")
    with World(visitors.app) as world:
        for _n in range(5):
            world.customer("office")
    with count_queries(visitors.app) as many:
        visitors.get("office", f"{GRID}/csv/")

    assert len(many) == len(few)


def test_every_grid_leaves_as_a_workbook_and_as_text(visitors):
    """All fields with the lines on sheets of their own, also where a record has no number."""
    views = visitors.app.extensions["admin"][0]._views
    nouns = [one.endpoint for one in views if isinstance(one, CrmView) and one.can_export]
    assert len(nouns) > 20

    shut = []
    for noun in nouns:
        book = visitors.get("admin", f"/admin/{noun}/export/xlsx/")
        text = visitors.get("admin", f"/admin/{noun}/export/csv/")
        assert text.status_code == book.status_code, noun
        if book.status_code == 403:
            shut.append(noun)
            continue
        assert book.status_code == 200, noun
        heads = [
            cell.value for cell in openpyxl.load_workbook(io.BytesIO(book.data)).worksheets[0][1]
        ]
        assert heads, noun
        assert heads == next(csv.reader(io.StringIO(text.data.decode("utf-8-sig")))), noun
    assert shut == []


def test_lines_name_their_record_by_what_it_is_called(visitors):
    book = visitors.get("admin", "/admin/steptemplate/export/xlsx/")
    _records, steps = openpyxl.load_workbook(io.BytesIO(book.data)).worksheets
    with World(visitors.app) as world:
        names = set(world.session.scalars(sa.select(MilestoneTemplate.name)))
    assert {row[0] for row in steps.iter_rows(min_row=2, values_only=True)} == names
