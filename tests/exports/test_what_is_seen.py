"""What is seen leaves: columns, order and rows of the grid; all fields; typed cells; and back."""

import datetime as dt
import html
import io
import re

import openpyxl
import pytest
import sqlalchemy as sa

from models.bulk.tag import Tag, Tagging
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.people.user import User
from models.sales.follow_up import FollowUpKind
from models.sales.plan import FollowUpPlan
from models.sales.product import Product
from services.records.fields import inputs_of
from services.rights.actor import SYSTEM
from tests.exports.test_exports import rows
from tests.support import kept
from tests.support.office import Office
from tests.support.visitors import Visitors
from tests.support.world import World

DUE = dt.datetime(2026, 12, 1, 1, 30, tzinfo=dt.UTC)
FORM = [
    *("客户编号", "客户类别", "客户单位", "行业", "客户等级", "联系人", "部门与职位", "手机"),
    *("微信", "邮箱", "QQ", "座机", "客户来源", "性别", "客户状态", "亚为销售员", "技术协同人"),
    *("省/市/区", "详细地址", "备注"),
]
ENTERED = [("sales", "武汉乙"), ("sales2", "上海甲"), ("sales", "合肥丙")]
SORTS = ["company", "-company", "owner_id", "-next", "industry_id", "code"]


def book_of(answer):
    assert answer.status_code == 200
    return openpyxl.load_workbook(io.BytesIO(answer.data))


def told(sheet):
    head, *lines = sheet.values
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.fixture
def visitors(app):
    with World(app) as world:
        entered(world)
    return Visitors(app)


@kept.step
def entered(world):
    for n, (who, company) in enumerate(ENTERED, 1):
        reached = {"primary.landline": f"027-8765432{n}-801", "primary.wechat": "wx_1"}
        key = world.approved(who, company=company, **reached)
    with world.acting(SYSTEM):
        plan = {"kind": FollowUpKind.call, "content": "回访", "owner_id": world.id_of("sales")}
        world.session.add(FollowUpPlan(customer_id=key, due_at=DUE, **plan))
    with world.acting(SYSTEM):
        tags = [Tag(name="重点"), Tag(name="老客户")]
        world.session.add_all(tags)
        world.session.flush()
        world.session.add_all(
            Tagging(tag_id=tag.id, noun="customer", record_id=key, at=DUE) for tag in tags
        )


def grid(page):
    """Return the captions and the first cells of a grid."""
    heads = re.findall(r'<th scope="col".*?</th>', page, re.DOTALL)
    plain = [html.unescape(re.sub(r"<[^>]*>|[▾▴]", "", one)).strip() for one in heads]
    names = re.findall(r'<a class="open"[^>]*>\s*(.*?)\s*</a>', page, re.DOTALL)
    return plain, [html.unescape(name) for name in names]


def shown_columns(page):
    return html.unescape(re.search(r'export/xlsx/\?([^"]*columns=[^"]*)"', page)[1])


@pytest.mark.parametrize(
    "sort", ["company", "-company", "owner_id", "-next", "industry_id", "code"]
)
def test_the_file_of_the_current_columns_is_the_grid(visitors, sort):
    page = visitors.get("office", f"/admin/customer/?sort={sort}").get_data(as_text=True)
    heads, names = grid(page)
    address = f"/admin/customer/export/xlsx/?{shown_columns(page)}"

    found = told(book_of(visitors.get("office", address)).active)

    assert list(found[0]) == heads
    assert {"标签", "联系人", "手机", "下次跟进"} <= set(heads)
    assert [line["客户单位"] for line in found] == names
    (planned,) = (line for line in found if line["客户单位"] == "合肥丙")
    assert planned["下次跟进"] == dt.datetime(2026, 12, 1, 9, 30)  # noqa: DTZ001 # a local cell
    assert planned["标签"] == "老客户, 重点"
    assert rows(visitors.get("office", address.replace("xlsx", "csv")))[0].keys() == set(heads)


def test_the_grid_and_its_file_mask_alike(visitors):
    page = visitors.get("analyst", "/admin/customer/").get_data(as_text=True)
    masked = set(re.findall(r"138\*{4}\d{4}", page))

    for address in (shown_columns(page), ""):
        found = told(
            book_of(visitors.get("analyst", f"/admin/customer/export/xlsx/?{address}")).active
        )
        assert {line["手机"] for line in found} == masked
        assert not any(re.fullmatch(r"\d{11}", str(v)) for line in found for v in line.values())


def test_all_fields_are_those_of_the_form_and_each_stands_once(visitors):
    sheet = book_of(visitors.get("office", "/admin/customer/export/xlsx/")).active
    found = told(sheet)

    head = [cell.value for cell in sheet[1]]
    assert head[: len(FORM)] == FORM
    assert len(head) == len(set(head))
    captions = {str(one.facts.caption) for one in inputs_of(Customer).values()}
    assert captions <= set(head)
    assert {"下次跟进", "标签"} <= set(head)
    assert "地区" not in head
    assert {line["座机"] for line in found} == {f"027-8765432{n}-801" for n in (1, 2, 3)}
    assert {line["省/市/区"] for line in found} == {"湖北省武汉市洪山区"}
    assert isinstance(found[0]["创建时间"], dt.datetime)


def test_lines_stand_on_sheets_of_their_own_and_numbers_are_numbers(app):
    with World(app) as world:
        with world.acting("admin"):
            product = Product(code="P-1", name="传感器", price=12345)
            world.session.add(product)
            world.session.flush()
            line = {
                "product_id": product.id,
                "quantity": "2.5",
                "price": 10000,
                "discount_bp": 9000,
            }
        deal = world.approved("sales", company="武汉甲")
        world.opportunity(deal, lines=[line, line], expected_on=dt.date(2026, 12, 31))
    visitors = Visitors(app)

    book = book_of(visitors.get("admin", "/admin/opportunity/export/xlsx/"))
    (first,), lines = told(book.worksheets[0]), told(book.worksheets[1])

    assert book.sheetnames == ["商机", "意向产品"]
    assert first["预计成交日"] == dt.datetime(2026, 12, 31)  # noqa: DTZ001 # a day's cell
    assert first["金额"] == 450
    assert [
        (one["产品"], one["数量"], one["单价"], one["折扣（%）"], one["小计"]) for one in lines
    ] == [("传感器", 2.5, 100, 90, 225)] * 2
    few = book_of(visitors.get("admin", "/admin/opportunity/export/xlsx/?columns=name"))
    assert few.sheetnames == ["Sheet1"]


def test_chosen_rows_leave_in_the_order_of_the_grid(visitors):
    with World(visitors.app) as world:
        keys = list(world.session.scalars(sa.select(Customer.id)))
    form = {"action": "export_csv", "match": "sort=company", "columns": "company,next,tags"}

    some = visitors.post("office", "/admin/customer/action/", form | {"rowid": keys})
    every = visitors.post("office", "/admin/customer/action/", form | {"everything": "1"})

    right = ["合肥丙", "上海甲", "武汉乙"]
    assert (
        [row["客户单位"] for row in rows(some)] == [row["客户单位"] for row in rows(every)] == right
    )
    assert list(rows(some)[0]) == ["客户单位", "下次跟进", "标签"]


@pytest.mark.parametrize("current", [False, True], ids=["all fields", "current columns"])
def test_an_edited_file_comes_back_without_touching_a_heading(visitors, current):
    page = visitors.get("office", "/admin/customer/").get_data(as_text=True)
    asked = shown_columns(page) if current else ""
    book = book_of(visitors.get("office", f"/admin/customer/export/xlsx/?{asked}"))
    sheet = book.active
    head = [cell.value for cell in sheet[1]]
    line = next(
        n for n in range(2, 9) if sheet.cell(n, head.index("客户单位") + 1).value == "武汉乙"
    )
    sheet.cell(line, head.index("手机") + 1).value = 13971002233  # as a spreadsheet keeps it
    buffer = io.BytesIO()
    book.save(buffer)
    office = Office(visitors.app)

    job = office.upload(buffer.getvalue(), name="大客户.xlsx")
    page = office.check(job, key="code")
    assert "更新 1" in page
    assert "不变 2" in page
    assert office.run(job).status_code == 303

    with World(visitors.app) as world:
        batch = world.session.execute(sa.text("SELECT max(id) FROM approval_request")).scalar()
        world.decided(batch)
        world.be("admin")
        found = world.session.scalars(
            sa.select(Contact.mobile).join(Customer).where(Customer.company == "武汉乙")
        ).one()
        owners = set(
            world.session.scalars(sa.select(User.name).join(Customer, Customer.owner_id == User.id))
        )
    assert found == "13971002233"
    assert owners == {"sales", "sales2"}
