"""The rest of what Flask-Admin leaves open: what its pages, lists, exports and set-up do."""

import csv
import io
import re

import openpyxl
import pytest
import sqlalchemy as sa
from flask import has_app_context
from flask_admin.contrib.sqla.filters import FilterEqual, FilterLike

from models.records.dictionary import DictionaryOption
from models.sales.product import Product
from tests.support.matrix import DOORS
from tests.support.plain import plain
from tests.support.world import World, count_queries, make_app

INLINE = re.compile(r"<[^>]+\s(?:on[a-z]+|style)\s*=|href\s*=\s*[\"']?javascript:", re.IGNORECASE)
BARE = re.compile(r"<(?:script|style)(?![^>]*\bnonce=)[^>]*>", re.IGNORECASE)


def test_no_page_holds_what_a_strict_csp_blocks(untouched):
    with plain() as stock:
        assert INLINE.search(stock.client.get("/admin/thing/").get_data(as_text=True))

    found = []
    for door in DOORS:
        if door.method != "GET" or "admin" not in door.people or "static" in door.rule:
            continue
        address = f"{door.path}?id=1" if door.path.endswith(("edit/", "details/")) else door.path
        answer = untouched.get("admin", address)
        if answer.mimetype == "text/html":
            page = answer.get_data(as_text=True)
            found += [(door.rule, x.group()[:80]) for x in INLINE.finditer(page)]
            found += [(door.rule, x.group()[:80]) for x in BARE.finditer(page)]

    assert found == []


def test_a_deletion_carries_its_question_where_no_handler_is_needed(untouched):
    page = untouched.get("admin", f"/admin/product/details/?id={untouched.row(Product).id}")

    assert re.search(r"<button[^>]*data-confirm=", page.get_data(as_text=True))


def test_filters_are_keyed_by_column_and_do_not_collide(untouched):
    def arg(view, *captions):
        return {view.get_filter_arg(n, FilterEqual(None, name)) for n, name in enumerate(captions)}

    with plain(named_filter_urls=True) as stock:
        assert len(arg(stock.view, "客户单位", "客户等级")) == 1

    page = untouched.get("admin", "/admin/customer/").get_data(as_text=True)
    fields = re.findall(r'<option value="([\w.]+)"', page)
    assert {"level", "status", "industry_id"} <= set(fields)
    assert FilterLike is not None


def test_every_list_has_an_order_that_ends_with_the_key(untouched):
    with plain() as stock, count_queries_of(stock) as statements:
        stock.client.get("/admin/thing/")
    assert not any("ORDER BY" in one for one in statements)

    for noun in ("customer", "product", "payment", "audit"):
        for query in ("", "?sort=-id", "?sort=approval", "?sort=code"):
            with count_queries(untouched.app) as statements:
                untouched.get("admin", f"/admin/{noun}/{query}")
            pages = [one for one in statements if re.search(r"OFFSET \S+$", one.strip())]
            assert pages, noun
            ends = r"ORDER BY .*\b\w+\.id(?: DESC| ASC)?\s+LIMIT"
            assert all(re.search(ends, one, re.DOTALL) for one in pages), (noun, query)


def count_queries_of(stock):
    found = []
    with stock.app.app_context():
        engine = stock.db.engine

    class Collect:
        def __enter__(self):
            sa.event.listen(engine, "before_cursor_execute", self.note)
            return found

        def __exit__(self, *_problem):
            sa.event.remove(engine, "before_cursor_execute", self.note)

        def note(self, _connection, _cursor, statement, *_rest):
            found.append(statement)

    return Collect()


def test_a_stored_value_that_is_no_longer_offered_stays_chosen(target):
    customer = target.customer()
    with World(target.app) as world, world.acting("admin"):
        option = world.session.get_one(DictionaryOption, customer.industry_id)
        option.active = False

    page = target.get("admin", f"/admin/customer/edit/?id={customer.id}").get_data(as_text=True)

    assert f'value="{customer.industry_id}" selected' in " ".join(page.split())


def test_a_form_of_many_lines_is_no_413(target):
    fields = {f"lines-new{n}-quantity": "" for n in range(1500)}
    with plain() as stock:
        answer = stock.client.post(
            "/admin/thing/new/", data=fields, content_type="multipart/form-data"
        )
        assert answer.status_code == 413
    answer = target.post("sales", "/admin/opportunity/new/", {**fields, "lines-sent": "1"})

    assert answer.status_code == 303


def test_pages_speak_without_anybody_initialising_a_translation(untouched):
    with plain(babel=False) as stock:
        assert stock.client.get("/admin/thing/").status_code == 500

    assert untouched.get("admin", "/admin/product/").status_code == 200


def test_two_applications_have_views_of_their_own(target, databases):
    with databases.fresh("sqlite") as url:
        other = make_app(url)

    mine = target.app.view_functions["customer.index_view"].__self__
    theirs = other.view_functions["customer.index_view"].__self__
    assert mine is not theirs
    assert mine.admin.app is target.app
    assert theirs.admin.app is other


def test_states_are_told_in_words_not_in_codes(untouched):
    page = untouched.get("sales", "/admin/customer/").get_data(as_text=True)
    cells = re.sub(r"<(?:option|input)[^>]*>|href=\"[^\"]*\"", "", page)

    assert "已通过" in cells
    assert "high_value" not in re.sub(r"<[^>]+>", "", cells)


def test_fixtures_push_no_context(untouched):
    assert not has_app_context()


@pytest.fixture(scope="module")
def formula(target):
    """A product named like a formula, in every way a spreadsheet may take it for one."""
    names = ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.test")']
    with World(target.app) as world, world.acting("admin"):
        for n, name in enumerate(names):
            world.create(Product, code=f"F{n}", name=name, price=-0, category=name)
    return names


def test_exports_hold_no_formula_and_numbers_stay_numbers(target, formula):
    with plain(can_export=True) as stock:
        assert "\n=1+1," in stock.client.get("/admin/thing/export/csv/").get_data(as_text=True)

    answer = target.get("admin", "/admin/product/export/csv/")
    text = answer.get_data().decode("utf-8")
    cells = [cell for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) for cell in row]
    book = openpyxl.load_workbook(
        io.BytesIO(target.get("admin", "/admin/product/export/xlsx/").get_data())
    )
    sheet = [cell for row in book.active.iter_rows() for cell in row]

    assert text.startswith("\ufeff")
    assert "filename*=UTF-8''%E4%BA%A7%E5%93%81" in answer.headers["Content-Disposition"]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []
    assert {f"'{name}" for name in formula} <= set(cells)
    assert [cell.value for cell in sheet if cell.data_type == "f"] == []
    assert any(cell.data_type == "n" and cell.value == 100 for cell in sheet)
