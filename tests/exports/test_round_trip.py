"""Export, edit one cell, import again: nothing but that cell changes, in the grids of sales."""

import io
import re

import openpyxl
import pytest
import sqlalchemy as sa

from models.customers.contact import Contact
from models.sales.opportunity import Opportunity
from models.sales.product import Product
from tests.support.office import Office
from tests.support.world import World

NAMES = ("武汉乙", "上海甲", "合肥丙")
# noun: who, the sheet's name, what tells records, the caption edited, what is typed, what is stored
EDITS = {
    "contact": ("customer_id+name", "联系人", "王芳", "手机", 13971002233, "13971002233"),
    "opportunity": ("code", "商机名称", "产线二", "备注", "客户要加一台", "客户要加一台"),
    "product": ("code", "产品名称", "阀二", "标准单价", 1234.5, 123450),
}
FIELDS = {"contact": "mobile", "opportunity": "remark", "product": "price"}
WATCHED = {
    "contact": {"name", "mobile", "landline", "title", "email", "customer_id", "wechat", "qq"},
    "opportunity": {"name", "amount", "remark", "stage_id", "owner_id", "expected_on", "code"},
    "product": {"name", "code", "price", "unit", "active"},
}
MODELS = {"contact": Contact, "opportunity": Opportunity, "product": Product}


@pytest.fixture
def company(app):
    """Customers, their contacts with phones, deals that are drafts, products with prices."""
    with World(app) as world:
        keys = [world.approved("sales", company=name) for name in NAMES]
        with world.acting("office"):
            for key, name in zip(keys, ("王芳", "李娜", "赵敏"), strict=True):
                phones = {"mobile": f"1391234567{key % 10}", "landline": "027-87654321-801"}
                world.create(Contact, customer_id=key, name=name, **phones)
        for key, name in zip(keys, ("产线一", "产线二", "产线三"), strict=True):
            world.approved("sales", Opportunity, world.opportunity(key, name=name))
        with world.acting("admin"):
            for n, name in enumerate(("泵一", "阀二", "表三")):
                world.create(Product, code=f"P-{n}", name=name, price=1_000_00 + n)
    return app


@pytest.mark.parametrize("noun", EDITS)
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_one_cell_is_edited_and_nothing_else_changes(company, noun, kind):
    key, called, name, caption, typed, stored = EDITS[noun]
    office = Office(company, "admin" if noun == "product" else "office")
    before = dump(company, noun)
    answer = office.visitors.get(office.who, f"/admin/{noun}/export/{kind}/")
    assert answer.status_code == 200

    content = edited(answer.data, kind, called, name, caption, typed)
    job = office.upload(content, noun=noun, name=f"导出.{kind}")
    page = office.check(job, key=key)
    others = len(before) - 1
    assert "更新 1" in page, findings(page)
    assert f"不变 {others}" in page
    assert office.run(job).status_code == 303

    after = dump(company, noun)
    changed = [
        (column, after[row][column])
        for row in after
        for column in WATCHED[noun]
        if after[row][column] != before[row][column]
    ]
    assert changed == [(FIELDS[noun], stored)]


def dump(app, noun):
    table = MODELS[noun].__table__
    with World(app) as world:
        rows = world.session.connection().execute(sa.select(table)).mappings().all()
    return {row["id"]: dict(row) for row in rows}


def edited(data, kind, called, name, caption, typed):
    """Return the file with one cell changed, as a spreadsheet would save it."""
    if kind == "csv":
        lines = data.decode("utf-8-sig").splitlines()
        heads = lines[0].split(",")
        at, place = heads.index(called), heads.index(caption)
        for n, line in enumerate(lines):
            cells = line.split(",")
            if cells[at] == name:
                cells[place] = str(typed)
                lines[n] = ",".join(cells)
        return ("\ufeff" + "\r\n".join(lines)).encode()
    book, buffer = openpyxl.load_workbook(io.BytesIO(data)), io.BytesIO()
    sheet = book.worksheets[0]
    heads = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        if row[heads.index(called)].value == name:
            row[heads.index(caption)].value = typed
    book.save(buffer)
    return buffer.getvalue()


def findings(page):
    """Return what the check says, without the page around it."""
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(re.sub(r"<select.*?</select>|<[^>]*>", " ", main, flags=re.DOTALL).split())
