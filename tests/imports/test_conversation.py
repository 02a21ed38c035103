"""Ordinary files of other systems reach submitted rows in the browser by choices alone."""

import io
import re
from html import unescape

import pytest
import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.importing.import_job import ImportJob
from models.sales.opportunity import Opportunity
from services import importing
from services.importing.file.mapping import of
from services.importing.mapping.choices import MappingChoices, data_of
from services.importing.mapping.toml_text import parsed, written
from services.importing.mapping.uploaded import chosen_of
from tests.support.imports import table
from tests.support.office import Office
from tests.support.world import World

PLACE = "湖北省武汉市洪山区"
FIXED = {
    "fixed-owner_id": "sales@demo.tcos.cn",
    "fixed-region_code": PLACE,
    "fixed-source_id": "展会",
}


@pytest.fixture
def office(lite):
    return Office(lite)


def words_of(page):
    """Return (column, word) → name of the control of every strange word of a page."""
    found = re.findall(
        r'name="(word-\d+)-column" value="([^"]*)">\s*<[^>]* name="word-\d+-of" value="([^"]*)"',
        page,
    )
    return {(unescape(column), unescape(word)): name for name, column, word in found}


def say(page, meant):
    """Return the form's fields for (column, word) → text."""
    form = {}
    for (column, word), name in words_of(page).items():
        form |= {f"{name}-column": column, f"{name}-of": word, name: meant.get((column, word), "")}
    return form


FILES = {
    "cjk-crm": (
        (
            "客户名称",
            "客户级别",
            "来源渠道",
            "所属行业",
            "省份",
            "城市",
            "区县",
            "联系人姓名",
            "手机号码",
            "QQ号",
            "建档日期",
        ),
        (
            "甲机械有限公司",
            "重要",
            "百度",
            "化工",
            "湖北省",
            "武汉市",
            "洪山区",
            "张 伟",
            "13900000001",
            "123456",
            "2024/3/5 0:00",
        ),
        {("客户级别", "重要"): "b", ("来源渠道", "百度"): "展会", ("所属行业", "化工"): "石油化工"},
    ),
    "person-first": (
        ("客户名称", "公司", "职务", "电话", "地区", "业务员", "状态"),
        ("张经理", "乙电力设备厂", "经理", "13900000002", PLACE, "小王", "正常"),
        {("业务员", "小王"): "sales@demo.tcos.cn", ("状态", "正常"): "contacting"},
    ),
    "people": (
        ("姓名", "单位", "职务", "手机号", "微信号"),
        ("李丽", "丙研究院", "工程师", "13900000003", "lili"),
        {},
    ),
    "english": (
        ("Company", "Contact Name", "Mobile", "Email", "Job Title", "Lead Source"),
        ("Ding Valves Ltd", "Wang Wei", "13900000004", "w@example.com", "CTO", "Website"),
        {("Lead Source", "Website"): "展会"},
    ),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_an_ordinary_file_is_submitted_by_choices_alone_and_the_next_without_any(office, name):
    head, row, meant = FILES[name]
    page = office.check(office.upload(table(head, row)), **FIXED)
    job = int(re.search(r'name="id" value="(\d+)"', page)[1])
    assert set(words_of(page)) >= set(meant)
    assert "BAD_VALUE" not in page
    assert "NOT_FOUND" not in page

    page = office.check(job, **FIXED, **say(page, meant))
    assert "新建 1" in page, page
    assert office.run(job).status_code == 303

    (made,) = office.customers()
    assert made.approval is Approval.pending
    assert made.company == next(c for c in row if re.search("公司|厂|院|Ltd", c))
    again = office.upload(table([*reversed(head)], [*reversed([*row])]), name="下月.csv")
    assert office.page(f"/admin/import/job/?id={again}").count(" selected") > len(meant)
    with World(office.app) as world:
        told = world.session.get_one(ImportJob, again).options
        first = world.session.get_one(ImportJob, job).options
    for key in ("fields", "fixed", "words"):
        assert told[key] == first[key]


ROW_HEAD = (
    "公司名称",
    "联系人",
    "手机",
    "联系人2",
    "手机2",
    "项目名称",
    "预计金额",
    "预计成交日",
    "阶段",
)
ROWS = [
    (
        "甲机械有限公司",
        "王伟",
        "13900000001",
        "李丽",
        "13900000002",
        "泵站",
        "120000",
        "2027/3/5 0:00",
        "洽谈",
    ),
    ("甲机械有限公司", "王伟", "13900000001", "", "", "阀门", "8万元", "2027-04-01", "洽谈"),
    ("乙电力有限公司", "赵敏", "13900000003", "", "", "", "", "", ""),
]


def test_one_row_brings_a_customer_with_contacts_and_an_opportunity(office):
    job = office.upload(table(ROW_HEAD, *ROWS))
    assert list(office.chosen(job).values()) == [
        "company", "primary.name", "primary.mobile", "contact:name", "contact:mobile",
        "opportunity:name", "opportunity:amount", "opportunity:expected_on", "opportunity:stage_id",
    ]  # fmt: skip
    page = office.check(job, **FIXED)
    stage = re.search(r'<option[^>]* value="([^"]+)">需求', page) or re.search(
        r'name="word-\d+".*?<option[^>]* value="([^"—]+)"', page, re.DOTALL
    )
    meant = {("阶段", "洽谈"): stage[1], ("预计金额", "8万元"): "80000"}
    page = office.check(job, **FIXED, **say(page, meant))
    assert "失败 0" in page
    answer = office.run(job)
    assert answer.status_code == 303, answer.get_data(as_text=True)[-9000:]

    with World(office.app) as world:
        query = sa.select(Opportunity.name, Opportunity.amount, Customer.company)
        query = query.join(Customer).order_by(Opportunity.id)
        told = [tuple(row) for row in world.session.execute(query)]
        people = world.session.execute(
            sa.select(Contact.name, Customer.company, Contact.is_primary).join(Customer)
        )
        assert {tuple(row) for row in people} == {
            ("王伟", "甲机械有限公司", True),
            ("李丽", "甲机械有限公司", False),
            ("赵敏", "乙电力有限公司", True),
        }
    assert told == [("泵站", 12_000_000, "甲机械有限公司"), ("阀门", 8_000_000, "甲机械有限公司")]
    details = office.page(f"/admin/importjob/details/?id={job}")
    assert "商机 · 共 3 行：新建 2" in details
    assert "{" not in re.search(r"<main.*?</main>", details, re.DOTALL)[0]
    again = office.check(office.upload(table(ROW_HEAD, *ROWS)), **FIXED, key="company")
    assert "失败 0" in again
    assert office.post("undo", id=str(job)).status_code == 303
    assert all(one.deleted_at for one in office.customers())


def test_what_is_chosen_is_the_mapping_of_the_command_and_back(office):
    head, row, meant = FILES["cjk-crm"]
    job = office.upload(table(head, row))
    page = office.check(job, **FIXED)
    office.check(job, **FIXED, **say(page, meant))
    text = office.page(f"/admin/import/mapping/?id={job}")
    assert "石油化工" in text

    with World(office.app) as world:
        plan = importing.prepare(
            world.call, [("客户.csv", table(head, row))], importing.load(text, "a.toml")
        )
        assert (plan.fatal, plan.files[0].total("created")) == (0, 1)
    other = office.upload(table(head, row), name="别的.csv")
    answer = office.post("map", id=str(other), mapping=(io.BytesIO(text.encode()), "a.toml"))
    assert answer.status_code == 303
    with World(office.app) as world:
        first, told = (world.session.get_one(ImportJob, key).options for key in (job, other))
    assert "file" not in told
    fields = {c: key for c, key in first["fields"].items() if key != "created_at"}
    assert told["fields"] == fields  # what only a past says is left out of what is submitted
    for key in ("fixed", "words", "key", "approval"):
        assert told[key] == first[key], key


LINES = """
title = "合同"
approval = "approved"
[[files]]
[[files.entities]]
entity = "customer"
keys = ["company"]
distinct = "first"
[files.entities.fields]
company = "客户"
[[files.entities]]
entity = "contract"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "号"
name = "号"
customer_id = "客户"
type = "类"
[files.entities.lines.lines]
product_id = { column = "品", by = "code", create = true }
quantity = "量"
price = { column = "价", scale = 7.1 }
"""


def test_a_mapping_with_lines_rules_in_the_browser_and_words_mend_it(office):
    rows = [("号", "客户", "类", "品", "量", "价"), ("K1", "甲公司", "卖", "泵", "2", "10"),
            ("K1", "甲公司", "卖", "阀", "1", "100")]  # fmt: skip
    admin = Office(office.app, "admin")
    job = admin.upload(table(*rows), noun="contract", name="合同.csv")

    def mapped(text):
        return admin.post("map", id=str(job), mapping=(io.BytesIO(text.encode()), "a.toml"))

    assert mapped(LINES).status_code == 303
    page = admin.page(f"/admin/import/job/?id={job}")
    assert "由列对应文件「a.toml」决定" in page
    page = admin.check(job, approval="approved")
    page = admin.check(job, approval="approved", **say(page, {("类", "卖"): "sale"}))
    assert "失败 0" in page
    assert admin.run(job).status_code == 303
    with World(office.app) as world:
        found = world.session.execute(sa.text("select amount, type from contract")).all()
    assert [tuple(row) for row in found] == [(2 * 7100 + 71000, "sale")]

    other = admin.upload(table(*rows), noun="contract", name="合同.csv")
    assert admin.page(f"/admin/import/job/?id={other}").count("由列对应文件") == 1
    for bad in ("x = ", "[[files]]", LINES.replace('"contract"', '"order"')):
        before = admin.page(f"/admin/import/mapping/?id={other}")
        answer = admin.post("map", id=str(other), mapping=(io.BytesIO(bad.encode()), "b.toml"))
        assert answer.status_code == 422
        assert admin.page(f"/admin/import/mapping/?id={other}") == before
    assert admin.post("map", id=str(other)).status_code == 303
    assert "由列对应文件" not in admin.page(f"/admin/import/job/?id={other}")


@pytest.mark.parametrize(
    "changes",
    [
        {"column-0": "primary.mobile", "column-1": "primary.mobile"},
        {"column-0": "role:name"},
        {"column-0": "", "column-1": "opportunity:name"},
        {"fixed-nothing": "x"},
        {"word-0-column": "无", "word-0-of": "x", "word-0": "y"},
        {"made": "nothing"},
    ],
)
def test_a_choice_that_is_none_is_refused_and_nothing_changes(office, changes):
    job = office.upload(table(("公司", "电话"), ("甲公司", "1")))
    before = office.page(f"/admin/import/mapping/?id={job}")

    form = {**office.chosen(job), "approval": "draft", "key": "", **changes}
    assert office.post("check", id=str(job), **form).status_code == 422

    assert office.page(f"/admin/import/mapping/?id={job}") == before


def test_choices_are_written_as_a_mapping_and_read_back_the_same(lite):
    choices = [
        MappingChoices("customer", {"公司": "company", "省": "region_code", "市": "region_code"}),
        MappingChoices(
            "customer",
            {
                'a "b"\\ \x7f': "company",
                "x.y": "remark",
                "电话": "contact2:mobile",
                "人": "contact2:name",
            },
            {"owner_id": "sales", "remark": "空\n行", "contact2:title": "工程师"},
            {'a "b"\\ \x7f': {"甲": "乙", "'": ""}},
            ("owner_id",),
            "company",
            "approved",
            "老系统",
        ),
        MappingChoices(
            "opportunity", {"Account": "customer_id", "市": "customer:region_code", "D": "name"}
        ),
    ]
    with lite.test_request_context():
        for one in choices:
            data = data_of(one)
            assert parsed(written(data)) == data
            assert of(data, "x").files
            assert data_of(chosen_of(data, one.noun)) == data
