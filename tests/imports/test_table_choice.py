"""Where the table is, chosen by forms alone: sheet, line of the heads, merged cells, sums."""

import io

import pytest
import sqlalchemy as sa
import xlsxwriter

from models.core.setting import Setting
from models.importing.import_job import ImportJob, ImportLine, ImportProblem, ImportState
from tests.imports.test_staging import work
from tests.support.imports import prepare, table
from tests.support.office import Office
from tests.support.world import World

HEAD = ("客户单位", "亚为销售员", "联系人", "手机", "省/市/区")
PLACE = "湖北省武汉市洪山区"


def row(n, owner="sales"):
    return (f"武汉第{n}机械有限公司", owner, "王伟", f"138{n:08}", PLACE)


def ledger():
    """Return a workbook of a guide, a ledger under a title, and a sheet with heads of its own."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.add_worksheet("说明").write(0, 0, "请勿改动")
        sheet = book.add_worksheet("台账")
        sheet.merge_range(0, 0, 0, 4, "客户信息登记表")
        sheet.write_row(1, 0, HEAD)
        sheet.write_row(2, 0, row(1))
        sheet.write_row(3, 0, row(2, ""))
        sheet.merge_range(2, 1, 3, 1, "sales")
        sheet.write_row(4, 0, ["合计", "2 家"])
        other = book.add_worksheet("其他")
        other.write_row(0, 0, ["公司", "QQ"])
        other.write_row(1, 0, ["上海第三机械有限公司", "12345"])
    return buffer.getvalue()


@pytest.fixture
def office(app):
    return Office(app)


def job_of(office, key):
    with World(office.app) as world:
        return world.session.get_one(ImportJob, key).options


def look(office, job, status=303, **form):
    answer = office.post("table", id=str(job), **form)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return office.page(f"/admin/import/job/?id={job}")


def test_a_ledger_is_imported_without_touching_it_in_a_spreadsheet(office):
    job = office.upload(ledger(), name="台账.xlsx")
    page = office.page(f"/admin/import/job/?id={job}")
    assert "工作表「台账」" in page
    assert "列名在第 2 行" in page
    assert "客户信息登记表" in page

    page = office.check(job)
    assert "合计行" in page
    assert "第 5 行不像记录" in page
    page = look(office, job, sheet="台账", head="2", fill="亚为销售员")
    assert "导入预检结果" not in page  # what was found before no longer holds
    page = office.check(job)
    assert "新建 2" in page
    assert "失败 0" in page
    office.run(job)

    assert [one.owner.name for one in customers(office)] == ["sales", "sales"]


def customers(office):
    with World(office.app) as world:
        found = office.customers()
        for one in found:
            world.session.add(one)
            assert one.owner.name
        return found


def test_another_sheet_and_another_line_are_chosen_and_a_wrong_choice_changes_nothing(office):
    job = office.upload(ledger(), name="台账.xlsx")

    look(office, job, sheet="其他", head="2")  # the line was that of the sheet before
    assert (job_of(office, job)["table"]["line"], job_of(office, job)["head"]) == (
        1,
        ["公司", "QQ"],
    )
    assert list(office.chosen(job).values()) == ["company", "primary.qq"]
    look(office, job, sheet="台账")
    look(office, job, sheet="台账", head="3")
    assert job_of(office, job)["head"][0] == "武汉第1机械有限公司"
    before = job_of(office, job)
    for wrong in ({"sheet": "无"}, {"encoding": "EBCDIC"}):
        look(office, job, status=422, **wrong)
    page = look(office, job, sheet="台账", head="99")
    assert "第 99 行没有列名" in page
    assert job_of(office, job) == before


def test_a_sum_is_ticked_to_be_a_record(office):
    job = office.upload(table(HEAD, row(1), ("合计", *row(2)[1:])))
    assert "新建 1" in office.check(job)

    look(office, job, keep="3", head="1")
    assert 'value="3" checked' in office.page(f"/admin/import/job/?id={job}")
    assert "新建 2" in office.check(job)


def test_columns_chosen_before_stay_where_the_heads_are_the_same(office):
    job = office.upload(table((*HEAD, "某列"), (*row(1), "12345")))
    office.check(job, **{"column-5": "primary.qq"})

    look(office, job, head="1", encoding="UTF-8")

    assert office.chosen(job)["column-5"] == "primary.qq"
    assert job_of(office, job)["table"]["chosen"]["encoding"] == "UTF-8"


def test_the_choice_is_the_uploaders_and_ends_with_the_import(office):
    job = office.upload(table(HEAD, row(1)))
    assert Office(office.app, "sales").post("table", id=str(job)).status_code == 403
    office.check(job)
    office.run(job)

    assert office.post("table", id=str(job)).status_code == 409


def test_a_large_file_is_read_anew_too_and_forgotten_when_it_is_in(office):
    with World(office.app) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=2))
    lines = [("客户信息登记表",), HEAD, *(row(n) for n in range(4)), ("合计", "", "", "", "")]
    job = office.upload(table(*lines))
    with World(office.app) as world:
        query = sa.select(ImportLine.line).where(ImportLine.job_id == job)
        assert list(world.session.scalars(query.order_by(ImportLine.line))) == [3, 4, 5, 6]

    look(office, job, head="3")
    look(office, job, head="2")
    office.check(job)
    work(office.app, job)
    page = office.page(f"/admin/import/job/?id={job}")
    assert "新建 4" in page
    assert "合计行" in page
    assert "列名以上的行" in page
    office.run(job)
    work(office.app, job)

    with World(office.app) as world:
        found = world.session.get_one(ImportJob, job)
        assert (found.state, found.content) == (ImportState.done, None)
        lines = sa.select(sa.func.count()).select_from(ImportProblem).where(ImportProblem.fatal)
        assert world.session.scalar(lines) == 0
    assert len(office.customers()) == 4


HOW = """
approval = "draft"
[[files]]
{words}
[[files.entities]]
entity = "customer"
[files.entities.fields]
company = "客户单位"
owner_id = "亚为销售员"
"primary.name" = "联系人"
"primary.mobile" = "手机"
region_code = "省/市/区"
"""


@pytest.mark.parametrize(
    ("words", "made", "fatal"),
    [
        ("", 2, 0),
        ("sheet = '台账'\nhead = 2\nfill = true", 2, 0),
        ("fill = ['亚为销售员']", 2, 0),
        ("totals = 'keep'", 3, 1),
    ],
)
def test_a_mapping_says_where_the_table_is(small, words, made, fatal):
    small.be("office")

    plan = prepare(small, [("台账.xlsx", ledger())], HOW.format(words=words))

    told = plan.files[0].counts["customer"]
    assert told["rows"] - told["skipped"] == made
    assert plan.fatal >= fatal
    owners = [one.values.get("owner_id") for one in plan.records]
    assert (owners[0] == owners[1]) is ("fill" in words)


@pytest.mark.parametrize(
    "words",
    ["head = 'x'", "head = -1", "head = true", "encoding = 'latin'", "fill = 3", "totals = 'drop'"],
)
def test_a_wrong_word_of_a_mapping_is_named_with_its_place(small, words):
    with pytest.raises(Exception, match=words.split(maxsplit=1)[0]):
        prepare(small, [("台账.xlsx", ledger())], HOW.format(words=words))
