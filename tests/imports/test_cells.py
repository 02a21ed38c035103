"""A faulty cell is mended in the page: the file is checked again as if it had said so."""

import html
import io
import re

import openpyxl
import pytest

from models.core.setting import Setting
from models.customers.customer import Customer
from models.importing.import_job import ImportJob
from services.importing.run import worker
from tests.support.imports import sheet, table
from tests.support.office import Office
from tests.support.world import World, count_queries

HEAD = ("客户单位", "亚为销售员", "联系人", "手机", "省/市/区")
PLACE = "湖北省武汉市洪山区"
ROWS = [
    ("武汉甲公司", "sales", "王伟", "13800138001", PLACE),
    ("武汉乙公司", "sales", "", "13800138002", PLACE),
    ("武汉丙公司", "sales", "李四", "13800138001", PLACE),
    ("", "sales", "钱五", "13800138004", PLACE),
]


def cells(page):
    """Return (line, column) → (number, text) of the cells a page offers."""
    found = re.findall(
        r'name="cell-(\d+)-line" value="(\d+)">\s*<input type="hidden" name="cell-\d+-column" '
        r'value="([^"]*)">\s*<input type="hidden" name="cell-\d+-was" value="([^"]*)">',
        page,
    )
    return {(int(line), column): (n, html.unescape(was)) for n, line, column, was in found}


def mend(page, said):
    """Return the form with other texts for some cells."""
    found, form = cells(page), {}
    for (line, column), (n, was) in found.items():
        form |= {f"cell-{n}-line": str(line), f"cell-{n}-column": column, f"cell-{n}-was": was}
        form[f"cell-{n}"] = said.get((line, column), was)
    return form


def workbook(*pages):
    """Return an XLSX of sheets 1, 2, …, each with its rows."""
    book, buffer = openpyxl.Workbook(), io.BytesIO()
    book.remove(book.active)
    for n, rows in enumerate(pages, 1):
        page = book.create_sheet(str(n))
        for row in rows:
            page.append(row)
    book.save(buffer)
    return buffer.getvalue()


def work(app, job):
    with World(app) as world:
        turn = world.session.get_one(ImportJob, job).options.get("turn")
        while turn and not worker.work(world.session, job_id=job, turn=turn, now=world.now):
            world.session.commit()
        world.session.commit()


@pytest.mark.parametrize("at_once", [200, 1])
def test_faulty_cells_are_mended_in_the_page(lite, at_once):
    with World(lite) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=at_once))
    office = Office(lite)

    def check(**form):
        office.check(job, **form)
        work(lite, job)
        return office.page(f"/admin/import/job/?id={job}")

    job = office.upload(table(HEAD, *ROWS))
    page = check()
    assert cells(page).keys() == {(3, "联系人"), (4, "手机"), (5, "客户单位")}
    assert cells(page)[4, "手机"][1] == "13800138001"

    page = check(**mend(page, {(3, "联系人"): "赵六", (4, "手机"): "1380013800"}))
    assert "1380013800" in page
    assert cells(page).keys() == {(5, "客户单位")}  # a bad text is asked for as a word

    again = {"word-0-column": "手机", "word-0-of": "1380013800", "word-0": "13800138003"}
    page = check(**mend(page, {(5, "客户单位"): "武汉丁公司"}), **again)
    assert cells(page) == {}
    assert "新建 4" in page

    assert office.run(job).status_code == 303
    work(lite, job)
    with World(lite) as world:
        made = world.session.query(Customer).order_by(Customer.id)
        assert [(one.company, one.contacts[0].name, one.contacts[0].mobile) for one in made] == [
            ("武汉甲公司", "王伟", "13800138001"),
            ("武汉乙公司", "赵六", "13800138002"),
            ("武汉丙公司", "李四", "13800138003"),
            ("武汉丁公司", "钱五", "13800138004"),
        ]


def test_a_cell_the_file_cannot_say_is_mended_and_strange_places_are_refused(lite):
    office = Office(lite)
    job = office.upload(sheet(HEAD, ("甲公司", "sales", "王伟", "=1/0", PLACE)), name="a.xlsx")
    page = office.check(job)
    assert (2, "手机") in cells(page)

    page = office.check(job, **mend(page, {(2, "手机"): "13800138001"}))
    assert "新建 1" in page
    strange = {"cell-0-line": "2", "cell-0-column": "别的", "cell-0": "x"}
    for form in (strange, strange | {"cell-0-line": "x", "cell-0-column": "手机"}):
        answer = office.post("check", id=str(job), approval="draft", key="", **form)
        assert answer.status_code == 422
    assert "新建 1" in office.page(f"/admin/import/job/?id={job}")


@pytest.mark.parametrize("bad", [0, 3])
def test_the_page_of_a_large_file_reads_the_lines_that_it_shows(app, bad):
    with World(app) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=1))
    office = Office(app)
    rows = [(f"武汉第{n}公司", "sales", "王伟", f"138{n:08}", PLACE) for n in range(40)]
    rows[:bad] = [(one[0], one[1], "", *one[3:]) for one in rows[:bad]]
    job = office.upload(table(HEAD, *rows))
    office.check(job)
    work(app, job)

    with count_queries(app) as statements:
        page = office.page(f"/admin/import/job/?id={job}")

    said = [one for one in statements if "FROM import_line" in one]
    assert {line for line, _column in cells(page)} == set(range(2, 2 + bad))
    assert len(said) == (1 if bad else 0)
    assert all("import_line.line IN" in statement for statement in said)


def post_cell(office, job, **cell):
    form = {f"cell-0-{key}": value for key, value in cell.items() if key != "text"}
    form |= {"cell-0": cell["text"]} | office.chosen(job)
    return office.post("check", id=str(job), approval="submitted", key="", **form)


@pytest.mark.parametrize("at_once", [200, 1])
def test_a_line_is_meant_however_it_is_spelt_and_no_line_is_refused(app, at_once):
    with World(app) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=at_once))
    office = Office(app)
    job = office.upload(table(HEAD, *ROWS))
    office.check(job)
    work(app, job)

    for line in ("x", "", "-4", "4.0", "\u00b2", "٤", "99", "0", "1", "9" * 30, "4 "):
        answer = post_cell(office, job, line=line, column="手机", text="13800138009")
        assert answer.status_code == 422, line
        assert "没有这一行" in answer.get_data(as_text=True)
    with World(app) as world:
        assert world.session.get_one(ImportJob, job).options["cells"] == {}

    answer = post_cell(office, job, line="004", column="手机", text="13800138009")
    assert answer.status_code == 303
    work(app, job)
    with World(app) as world:
        assert world.session.get_one(ImportJob, job).options["cells"] == {
            "4": {"手机": "13800138009"}
        }
    page = office.page(f"/admin/import/job/?id={job}")
    assert (4, "手机") not in cells(page)
    assert (5, "客户单位") in cells(page)


def read_anew(office, job, **choice):
    assert office.post("table", id=str(job), **choice).status_code == 303


def test_mended_cells_stay_when_the_file_is_read_anew_and_go_with_other_lines(app):
    office = Office(app)
    rows = [*ROWS[:2], ("合计", "", "", "", "")]
    job = office.upload(table(HEAD, *rows), name="客户.csv")
    page = office.check(job)
    office.check(job, **mend(page, {(3, "联系人"): "赵六"}))

    read_anew(office, job, head="1", encoding="UTF-8")
    assert "新建 2" in office.check(job)
    read_anew(office, job, head="1", encoding="UTF-8", keep="4")
    page = office.check(job)
    assert (4, "联系人") in cells(page)
    assert (3, "联系人") not in cells(page)

    read_anew(office, job, head="2", encoding="UTF-8")
    with World(app) as world:
        assert world.session.get_one(ImportJob, job).options["cells"] == {}


def test_a_mapping_of_another_sheet_takes_no_mended_cells_along(lite):
    office = Office(lite)
    pages = [(HEAD, *ROWS[:2]), (HEAD, ROWS[1])]
    job = office.upload(workbook(*pages), name="客户.xlsx")
    page = office.check(job)
    office.check(job, **mend(page, {(3, "联系人"): "赵六"}))
    with World(lite) as world:
        assert world.session.get_one(ImportJob, job).options["cells"]

    text = office.page(f"/admin/import/mapping/?id={job}")
    text = text.replace('pattern = "*"', 'pattern = "*"\nsheet = "2"')
    file = (io.BytesIO(text.encode()), "a.toml")
    assert office.post("map", id=str(job), mapping=file).status_code == 303

    with World(lite) as world:
        assert world.session.get_one(ImportJob, job).options["cells"] == {}


def test_the_next_file_takes_names_of_things_and_no_number_that_mended_one_cell(app):
    office = Office(app)
    head = (*HEAD, "等级")
    job = office.upload(table(head, (*ROWS[0][:3], "12", PLACE, "重要")))
    page = office.check(job)
    assert "不认识的词" in page
    words = {("手机", "12"): "13800138009", ("等级", "重要"): "b"}
    said = {}
    for n, ((column, word), text) in enumerate(words.items()):
        said |= {f"word-{n}-column": column, f"word-{n}-of": word, f"word-{n}": text}
    assert "新建 1" in office.check(job, **said)

    other = office.upload(table(head, (*ROWS[1][:2], "赵六", "12", PLACE, "重要")))

    page = office.check(other)
    assert "失败 1" in page
    with World(app) as world:
        assert world.session.get_one(ImportJob, other).options["words"] == {"等级": {"重要": "b"}}
