"""Files that are wrong in one way each: the place is told and nothing is written."""

import io
import zipfile

import openpyxl
import pytest
import sqlalchemy as sa

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.importing.import_job import ImportProblem
from services.core.errors import Forbidden, Invalid
from services.importing import BadFile, error_workbook
from services.importing.file.reading import Limits, read
from tests.support.imports import codes, counts, mapping, prepare, run, sheet, table
from tests.support.world import World

HOW = """
approval = "draft"
[[files]]
[[files.entities]]
entity = "customer"
keys = ["company"]
[files.entities.fields]
company = "客户单位"
owner_id = "销售员"
"primary.name" = "联系人"
"primary.mobile" = "手机"
"primary.qq" = "QQ"
region_code = "地区"
[[files]]
pattern = "unused"
[[files.entities]]
entity = "product"
[files.entities.fields]
code = "x"
"""
PAST = """
approval = "approved"
source = "old"
[[files]]
[[files.entities]]
entity = "opportunity"
keys = ["external_ref"]
[files.entities.fields]
external_ref = "编号"
name = "名称"
amount = "金额"
stage_id = "阶段"
closed_on = { column = "关闭", formats = ["%Y-%m-%d"] }
"""
HEAD = ("客户单位", "销售员", "联系人", "手机", "QQ", "地区")
GOOD = ("武汉长江机械有限公司", "sales", "王伟", "13800138000", "12345", "湖北省武汉市洪山区")


def bad(**changes):
    """Return the good row with one cell changed; place it on line 3."""
    names = dict(zip(("company", "owner", "name", "mobile", "qq", "region"), HEAD, strict=True))
    row = dict(zip(HEAD, GOOD, strict=True)) | {"客户单位": "第二家有限公司"}
    row["手机"] = "13800138001"
    return tuple((row | {names[k]: v for k, v in changes.items()}).values())


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (bad(mobile="123"), (3, "手机", "BAD_VALUE")),
        (bad(owner="nobody"), (3, "销售员", "NOT_FOUND")),
        (bad(owner="1" + "0" * 21), (3, "销售员", "NOT_FOUND")),
        (bad(qq="1" + "0" * 21), (3, "QQ", "BAD_VALUE")),
        (bad(company="=1+1"), (3, "客户单位", "FORMULA")),
        (bad(company="坏\x00名"), (3, "客户单位", "BAD_VALUE")),
        (bad(company="长" * 121), (3, "客户单位", "BAD_VALUE")),
        (bad(region="火星"), (3, "地区", "BAD_VALUE")),
        (bad(company=""), (3, "客户单位", "KEY_MISSING")),
        (bad(company=GOOD[0]), (3, "客户单位", "KEY_TWICE")),
        ((*bad(), "多"), (3, "", "EXTRA_CELLS")),
    ],
)
def test_a_bad_cell_is_told_by_line_and_column_and_nothing_is_written(world, row, found):
    world.be("office")
    before = counts(world.app)

    plan = prepare(world, [("a.csv", table(HEAD, GOOD, row))], HOW)
    with pytest.raises(Invalid):
        run(world, [("a.csv", table(HEAD, GOOD, row))], HOW)

    assert codes(plan) == [found]
    assert all(str(p.reason) and p.advice for file in plan.files for p in file.fatal)
    assert counts(world.app) == before


def test_a_row_tells_all_its_errors_in_one_round(world):
    world.be("office")
    how = HOW.replace('approval = "draft"', 'approval = "submitted"')
    row = bad(mobile="123", qq="x", name="", region="")

    plan = prepare(world, [("a.csv", table(HEAD, GOOD, row))], how)

    told = {(line, column): code for line, column, code in codes(plan)}
    assert told == {
        (3, "手机"): "BAD_VALUE",
        (3, "QQ"): "BAD_VALUE",
        (3, "联系人"): "REQUIRED",
        (3, "地区"): "REQUIRED",
    }


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (("1", "甲", "1" + "0" * 21, "赢单", "2017-01-01"), (2, "金额", "BAD_VALUE")),
        (("1", "甲", "-5", "赢单", "2017-01-01"), (2, "金额", "BAD_VALUE")),
        (("1", "甲", "5", "赢单", "2017-02-30"), (2, "关闭", "BAD_VALUE")),
        (("1", "甲", "5", "赢单", "02/01/2017"), (2, "关闭", "BAD_VALUE")),
        (("1", "甲", "5", "赢单", ""), (2, "关闭", "REQUIRED")),
        (("1", "甲", "5", "初步接触", "2017-01-01"), (2, "关闭", "BAD_VALUE")),
        (("1", "甲", "5", "", ""), (2, "阶段", "REQUIRED")),
        (("1", "甲", "5", "飞走", ""), (2, "阶段", "NOT_FOUND")),
        (("1", "", "5", "初步接触", ""), (2, "名称", "REQUIRED")),
        (("9" * 80, "甲", "5", "初步接触", ""), (2, "编号", "BAD_VALUE")),
    ],
)
def test_a_bad_past_is_refused_by_line_and_column(world, row, found):
    world.be("office")
    before = counts(world.app)
    head = ("编号", "名称", "金额", "阶段", "关闭")

    plan = prepare(world, [("a.csv", table(head, row))], PAST)

    assert found in codes(plan)
    assert counts(world.app) == before


def bomb(members, size):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(members):
            archive.writestr(f"xl/{n}.xml", b"0" * size)
    return buffer.getvalue()


FILES = {
    "empty": (b"", "空"),
    "blank": (b" \n \n", "空"),
    "head only": ("客户单位,手机\n".encode(), "没有数据行"),
    "invalid utf-8": (b"a,b\n1,2\n\xff\xff\xff,3\n", "第 3 行"),
    "marked but invalid": (b"\xef\xbb\xbfa,b\n\xb0\xa1,3\n", "第 2 行"),
    "old excel": (b"\xd0\xcf\x11\xe0" + b"0" * 600, ".xlsx"),
    "broken zip": (b"PK\x03\x04" + b"0" * 600, "损坏"),
    "no workbook": (bomb(1, 10), "xlsx"),
    "many members": (bomb(201, 1), "解压后过大"),
    "bomb": (bomb(6, 10_000_000), "解压后过大"),
    "too big": (b"a\n" + b"1\n" * 3_000_000, "5 MB"),
    "open quote": (b'a,b\n"1,2\n', "行"),
    "very wide": (b"a\n" + b"," * 300 + b"1\n", "超过 200 列"),
    "many rows": (b"a\n" + b"1\n" * 21_000, "超过 20000 行"),
    "far cell": (sheet(["a"], ["1"], [None] * 300 + ["1"]), "超过 200 列"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_file_is_refused_as_a_whole_with_its_name(name):
    content, words = FILES[name]

    with pytest.raises(BadFile) as refusal:
        read("文件.csv", content, Limits(5, 20_000))

    assert "文件.csv" in str(refusal.value)
    assert words in str(refusal.value)


def test_chinese_csv_of_every_usual_encoding_reads_the_same():
    text = "客户单位,手机\n武汉长江,13800138000\n"
    found = [
        read("a.csv", content, Limits(5, 10)).rows
        for content in (text.encode(), text.encode("utf-8-sig"), text.encode("gb18030"))
    ]
    found.append(read("a.csv", text.replace(",", ";").encode(), Limits(5, 10)).rows)
    found.append(
        read("a.xlsx", sheet(["客户单位", "手机"], ["武汉长江", 13800138000]), Limits(5, 10)).rows
    )

    assert all(rows == [(2, ["武汉长江", "13800138000"])] for rows in found)


def test_a_formula_and_a_number_that_lost_digits_are_told_in_a_sheet(small):
    small.be("office")
    rows = sheet(HEAD, GOOD, ("=A1", *bad()[1:]), (*bad()[:4], 10**21, GOOD[5]))

    plan = prepare(small, [("a.xlsx", rows)], HOW)

    assert (3, "客户单位", "FORMULA") in codes(plan)
    assert (4, "QQ", "PRECISION") in codes(plan)


def test_an_unknown_column_is_reported_and_a_missing_one_stops_the_file(small):
    small.be("office")
    extra = prepare(small, [("a.csv", table((*HEAD, "星座"), (*GOOD, "狮子")))], HOW)
    short = prepare(small, [("a.csv", table(HEAD[1:], GOOD[1:]))], HOW)

    assert [(p.column, p.code) for p in extra.files[0].problems] == [("星座", "NOT_MAPPED")]
    assert codes(short) == [(0, "客户单位", "NO_COLUMN")]
    assert short.broken


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense [", "列对应文件有误"),
        ('files = "x"', "files"),
        ('approval = "maybe"\n[[files]]', "approval"),
        ('[[files]]\n[[files.entities]]\nentity = "role"', "entity"),
        ('[[files]]\n[[files.entities]]\nentity = "user"\nfields = {password = "p"}', "password"),
        (
            '[[files]]\n[[files.entities]]\nentity = "customer"\nfields = {approval = "p"}',
            "approval",
        ),
        ('[[files]]\n[[files.entities]]\nentity = "customer"\nkeys = ["code"]', "code"),
        ('colour = "red"\n[[files]]', "colour"),
    ],
)
def test_a_wrong_mapping_names_the_place(small, text, words):
    with pytest.raises(Invalid) as refusal:
        prepare(small, [("a.csv", b"a\n1\n")], text)

    assert words in str(refusal.value)


def test_a_file_without_its_part_in_the_mapping_is_refused(small):
    with pytest.raises(Invalid, match=r"a\.csv"):
        prepare(small, [("a.csv", b"a\n1\n")], "maven-crm.toml")


@pytest.mark.parametrize("who", ["sales", "manager", "analyst", "reviewer", "finance"])
def test_people_without_the_grant_cannot_import(small, who):
    small.be(who)

    with pytest.raises(Forbidden):
        prepare(small, [("a.csv", table(HEAD, GOOD))], HOW)


def test_a_partial_run_imports_the_good_rows_and_counts_add_up(world):
    world.be("office")
    content = table(HEAD, GOOD, bad(mobile="123"))

    plan, jobs = run(world, [("a.csv", content)], HOW, partial=True)

    told = plan.files[0].counts["customer"]
    assert (told["rows"], told["created"], told["failed"]) == (2, 1, 1)
    assert jobs[0].counts == {"customer": dict(told)}
    problem = world.session.scalars(sa.select(ImportProblem)).one()
    assert (problem.line, problem.column, problem.value) == (3, "手机", "123")


def test_the_error_workbook_is_mended_and_uploaded_again(world):
    world.be("office")
    plan = prepare(world, [("a.csv", table(HEAD, GOOD, bad(mobile="123")))], HOW)
    book = openpyxl.load_workbook(io.BytesIO(error_workbook(plan, imported=False)))
    page = book.worksheets[0]

    head = [cell.value for cell in page[1]]
    assert head == [*HEAD, "错误", "原因", "建议"]
    first = dict(zip(head, [cell.value for cell in page[2]], strict=True))
    assert first["错误"] == "值不对"
    assert "13800138000" in first["原因"]
    page.cell(2, head.index("手机") + 1).value = "13900139000"
    buffer = io.BytesIO()
    book.save(buffer)
    again, _jobs = run(world, [("a.xlsx", buffer.getvalue())], HOW)

    assert again.files[0].counts["customer"]["created"] == 2


def test_shipped_mappings_are_valid():
    assert mapping("maven-crm.toml").historic
    assert mapping("tcos-export.toml").historic


def test_the_command_tells_the_place_and_fails(lite, tmp_path):
    file, how, out = tmp_path / "a.csv", tmp_path / "m.toml", tmp_path / "e.xlsx"
    file.write_bytes(table(HEAD, GOOD, bad(mobile="123")))
    how.write_text(HOW, encoding="utf-8")
    before = counts(lite)
    args = ["import", str(file), "--mapping", str(how), "--errors", str(out)]

    result = lite.test_cli_runner().invoke(args=args)
    dry = lite.test_cli_runner().invoke(args=[*args, "--dry-run"])
    nobody = lite.test_cli_runner().invoke(args=[*args, "--as", "nobody@x.cn"])

    assert result.exit_code == 1
    assert "line 3 手机 «123»: BAD_VALUE" in result.output
    assert (dry.exit_code, nobody.exit_code) == (1, 1)
    assert out.exists()
    assert counts(lite) == before


def test_import_is_as_the_named_person(lite, tmp_path):
    file, how = tmp_path / "a.csv", tmp_path / "m.toml"
    file.write_bytes(table(HEAD, GOOD))
    how.write_text(HOW, encoding="utf-8")
    args = ["import", str(file), "--mapping", str(how), "--as", "office@demo.tcos.cn"]

    result = lite.test_cli_runner().invoke(args=args)

    assert result.exit_code == 0, result.output
    with World(lite) as world:
        made = world.session.scalars(sa.select(Customer)).one()
        assert made.created_by.name == "office"
        assert (made.approval, made.owner.name) == (Approval.draft, "sales")
        assert made.contacts[0].mobile == "13800138000"
