"""Files as people have them: the table is found and every cell says what it shows."""

import datetime as dt
import io
import re
import zipfile

import openpyxl
import pytest
import xlsxwriter

from services.importing import BadFile
from services.importing.file.aliases import plain
from services.importing.file.reading import Limits, read
from services.importing.file.sheets import ALL, TableChoice

LIMITS = Limits(5, 20_000)
HEAD = ["客户名称", "联系人", "手机", "金额"]
ROWS = [["武汉长江机械", "王伟", "13800138000", "1200.5"], ["上海电力", "李娜", "", "30"]]
KNOWN = frozenset(map(plain, HEAD))


def workbook(*pages, **options):
    """Return a workbook of (title, fill): fill writes on the sheet."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **options}) as book:
        for title, fill in pages:
            fill(book.add_worksheet(title), book)
    return buffer.getvalue()


def plainly(*rows):
    """Return a fill that writes rows from the top."""

    def fill(sheet, _book):
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)

    return fill


def ledger(sheet, book):
    """A title, who made it, heads of groups, heads, blank rows, a sum and a note under it."""
    bold = book.add_format({"bold": True})
    sheet.merge_range(0, 0, 0, 4, "2026年客户台账（内部资料）", bold)
    sheet.write(1, 0, "制表人：张三")
    sheet.merge_range(2, 0, 3, 0, "序号", bold)
    sheet.merge_range(2, 1, 3, 1, "客户名称", bold)
    sheet.merge_range(2, 2, 2, 3, "联系人", bold)
    sheet.write_row(3, 2, ["联系人", "手机", "金额"])
    sheet.write_row(4, 0, [1, *ROWS[0]])
    sheet.write_row(6, 0, [2, *ROWS[1]])
    sheet.write_row(7, 1, ["合计", "", "", 1230.5])


def codes(sheet):
    return {(p.line, p.column, p.code) for p in sheet.problems}


def given(content, name="文件.xlsx", **choice):
    return read(name, content, LIMITS, TableChoice(known=KNOWN, **choice))


def test_a_ledger_is_read_below_its_heads_and_what_is_left_out_is_named():
    hidden = ("隐藏", lambda sheet, _book: (plainly(HEAD, ["旧"])(sheet, None), sheet.hide()))
    content = workbook(("说明", plainly(["填写说明"], ["请勿改动"])), hidden, ("台账", ledger))

    found = given(content)

    assert (found.found.sheet, found.found.head) == ("台账", 4)
    assert found.head == ["序号", *HEAD]
    assert found.rows == [(5, ["1", *ROWS[0]]), (7, ["2", *ROWS[1]])]
    assert [line for line, _texts in found.skipped] == [8]
    assert found.found.sheets == [("说明", False), ("隐藏", True), ("台账", False)]
    told = codes(found)
    assert {(1, "", "ABOVE_HEAD"), (2, "", "ABOVE_HEAD"), (3, "", "ABOVE_HEAD")} <= told
    assert {(8, "", "TOTAL_ROW"), (0, "", "BLANK_ROWS"), (0, "", "OTHER_SHEETS")} <= told
    other = next(p for p in found.problems if p.code == "OTHER_SHEETS")
    assert "隐藏（隐藏）" in str(other.reason)
    assert not any(p.fatal for p in found.problems)


def test_sheet_and_heads_are_those_a_person_chose():
    content = workbook(("一", plainly(HEAD, ROWS[0])), ("二", plainly(["甲"], ["乙"], ["丙"])))

    found = given(content, sheet="二", head=2)

    assert (found.head, found.rows) == (["乙"], [(3, ["丙"])])
    assert (1, "", "ABOVE_HEAD") in codes(found)
    for wrong in ({"sheet": "三"}, {"head": 9}, {"head": 2, "sheet": "一"}):
        with pytest.raises(BadFile):
            given(content, **wrong)


def test_unusable_heads_get_a_name_and_nobody_finds_a_column_by_it():
    content = "客户名称,,电话,电话,备注\n甲,1,2,3,4\n".encode()
    gaps = workbook(("a", plainly(["客户名称", "", "金额"], ["甲", "", "5", "随手"])))

    found, wide = given(content, "a.csv"), given(gaps)

    assert found.head == ["客户名称", "#2", "电话 (1)", "电话 (2)", "备注"]
    assert found.rows == [(2, ["甲", "1", "2", "3", "4"])]
    assert {(0, "#2", "NO_HEAD"), (0, "电话", "DOUBLE_HEAD")} <= codes(found)
    assert wide.head == ["客户名称", "金额", "#4"]
    assert wide.rows == [(2, ["甲", "5", "随手"])]


def test_double_heads_are_told_apart_by_their_group():
    def fill(sheet, _book):
        sheet.merge_range(0, 0, 1, 0, "客户名称")
        sheet.merge_range(0, 1, 0, 2, "采购")
        sheet.merge_range(0, 3, 0, 4, "技术")
        sheet.write_row(1, 1, ["姓名", "手机", "姓名", "手机"])
        sheet.write_row(2, 0, ["甲", "王", "1", "李", "2"])

    found = given(workbook(("a", fill)))

    assert found.head == ["客户名称", "采购 姓名", "采购 手机", "技术 姓名", "技术 手机"]
    assert found.rows == [(3, ["甲", "王", "1", "李", "2"])]


def merged(sheet, _book):
    sheet.write_row(0, 0, HEAD)
    sheet.merge_range(1, 0, 3, 0, "长江")
    sheet.write_column(1, 1, ["王", "李", "赵"])
    sheet.merge_range(4, 0, 4, 1, "上海")
    sheet.write_row(5, 0, ["北京", "钱"])


def test_merged_cells_are_told_and_filled_down_where_it_is_meant():
    content = workbook(("a", merged))

    left, filled = given(content), given(content, fill=frozenset({"客户名称"}))

    assert [texts[0] for _line, texts in left.rows] == ["长江", "", "", "上海", "北京"]
    assert left.found.merged == {"客户名称": 1}
    told = [str(p.reason) for p in left.problems if p.code == "MERGED"]
    assert ["2–4" in told[0], "第 5 行" in told[1]] == [True, True]
    assert [texts[0] for _line, texts in filled.rows] == ["长江", "长江", "长江", "上海", "北京"]
    assert [texts[1] for _line, texts in filled.rows] == ["王", "李", "赵", "", "钱"]
    assert given(content, fill=frozenset({ALL})).rows == filled.rows


@pytest.mark.parametrize(
    ("row", "total"),
    [
        (("合计", "", "", "1"), True),
        (("总 计：", "", "", ""), True),
        (("", "小计", "", "¥1,200.00"), True),
        (("3", "本页合计（元）", "", "5"), True),
        (("合计", "共 3 家", "", "5"), True),
        (("合計", "", "", "5"), True),
        (("Grand Total", "", "", "5"), True),
        (("Total", "Paris", "", "5"), False),
        (("Total", "", "", ""), False),
        (("合计科技", "", "", "5"), False),
        (("长江", "合计", "", "5"), False),
        (("张伟 小计", "", "", "¥1,200.00"), True),
        (("华中区合计", "", "", ""), True),
        (("2026-12-31", "合计", "", "5"), True),
        (("合计：3 家", "", "", "5"), True),
        (("共计 3 条记录", "", "", ""), True),
        (("平均值", "", "", "5"), True),
        (("张伟 小计", "王", "", "5"), False),
        (("共 3 家科技", "", "", ""), False),
    ],
)
def test_a_row_that_adds_up_is_left_out_with_its_line_unless_it_is_kept(row, total):
    content = workbook(("a", plainly(HEAD, ROWS[0], row)))

    found, kept = given(content), given(content, keep=frozenset({3}))

    assert [line for line, _texts in found.skipped] == ([3] if total else [])
    assert ((3, "", "TOTAL_ROW") in codes(found)) is total
    assert [line for line, _texts in kept.rows] == [2, 3]
    assert kept.skipped == []
    assert bool(kept.found.sums) is total


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (HEAD, "HEADS_AGAIN"),
        (("制表人：张三", "", "审核人：李四", ""), "BELOW_TABLE"),
        (("审核：", "李四", "日期：2026-11-29", ""), "BELOW_TABLE"),
        (("注：1. 手机为必填", "", "", ""), "BELOW_TABLE"),
        (("以下空白", "", "", ""), "BELOW_TABLE"),
        (("Prepared by:", "Li Na", "Date: 2026-11-29", ""), "BELOW_TABLE"),
        (("制表人：张三", "王伟", "", ""), ""),
        (("制表人科技", "", "", ""), ""),
        (("备注：急", "王伟", "", ""), ""),
        ((*HEAD[:-1], "5"), ""),
    ],
)
def test_what_is_no_record_is_left_out_with_its_line_unless_it_is_kept(row, code):
    content = workbook(("a", plainly(HEAD, ROWS[0], row, ROWS[1])))

    found, kept = given(content), given(content, keep=frozenset({3}))

    assert [line for line, _texts in found.rows] == ([2, 4] if code else [2, 3, 4])
    assert [p.code for p in found.problems] == ([code] if code else [])
    assert [line for line, _texts in kept.rows] == [2, 3, 4]


def test_rows_that_a_filter_hides_are_read_and_told_with_their_lines():
    def filtered(sheet, _book):
        plainly(HEAD, *ROWS, ROWS[0])(sheet, None)
        for line in (1, 3):
            sheet.set_row(line, None, None, {"hidden": True})

    found = given(workbook(("a", filtered)))

    assert [line for line, _texts in found.rows] == [2, 3, 4]
    told = [str(p.reason) for p in found.problems if p.code == "HIDDEN_ROWS"]
    assert len(told) == 1
    assert "2、4" in told[0]
    assert not any(p.fatal for p in found.problems)
    assert given(workbook(("a", plainly(HEAD, *ROWS)))).problems == []


DAY = dt.datetime.combine(dt.date(2027, 3, 5), dt.time())  # local, as a sheet has it
CELLS = [
    (DAY, "yyyy-mm-dd", "2027-03-05"),
    (DAY.replace(hour=14, minute=30), "yyyy/m/d h:mm", "2027-03-05 14:30:00"),
    (DAY.replace(hour=23, minute=59, second=59), "yyyy/m/d h:mm", "2027-03-05 23:59:59"),
    (0.3, "0%", "30%"),
    (0.125, "0.0%", "12.5%"),
    (0.07, '0.00" %"', "0.07"),  # only written beside it, not reckoned
    (0.285, "#,##0.00%;[Red]-0.00%", "28.5%"),
    (12345.679999999998, "0.00", "12345.68"),
    (0.1 + 0.2, "", "0.3"),
    (1234567.1, "#,##0.00", "1234567.1"),
    (13800138000.0, "", "13800138000"),
    (1e-7, "", "0.0000001"),
    (100, "", "100"),
    (True, "", "是"),
    (46451, "", "46451"),
    ("0012", "@", "0012"),
]


@pytest.mark.parametrize("mac", [False, True])
def test_a_cell_says_what_it_shows(mac):
    def fill(sheet, book):
        sheet.write_row(0, 0, ["客户名称", "金额"])
        for n, (value, shown, _text) in enumerate(CELLS, 1):
            form = book.add_format({"num_format": shown}) if shown else None
            sheet.write(n, 0, "甲")
            write = sheet.write_datetime if isinstance(value, dt.datetime) else sheet.write
            write(n, 1, value, form)

    found = given(workbook(("a", fill), date_1904=mac))

    assert [texts[1] for _line, texts in found.rows] == [text for _value, _shown, text in CELLS]


def test_the_result_of_a_formula_is_taken_and_a_missing_one_refused():
    def fill(sheet, _book):
        sheet.write_row(0, 0, HEAD)
        sheet.write_row(1, 0, ["甲", "", ""])
        sheet.write_formula(1, 3, "=SUM(1,2)", None, 3.5)
        sheet.write_row(2, 0, ["乙", "", ""])
        sheet.write_formula(2, 3, "=1/0", None, "#DIV/0!")
        sheet.write_formula(3, 0, '=A2&""', None, "甲丙")

    book = openpyxl.Workbook()
    book.active.append(HEAD)
    book.active.append(["甲", "", "", "=1+1"])  # openpyxl computes nothing
    buffer = io.BytesIO()
    book.save(buffer)

    found, blank = given(workbook(("a", fill))), given(buffer.getvalue())

    assert [texts[3] for _line, texts in found.rows] == ["3.5", "#DIV/0!", ""]
    assert found.rows[2][1][0] == "甲丙"
    assert {p for p in codes(found) if p[2] in {"CELL_ERROR", "FORMULA"}} == {
        (3, "金额", "CELL_ERROR")
    }
    assert (0, "金额", "COMPUTED") in codes(found)
    assert [(p.line, p.column, p.code) for p in blank.problems if p.fatal] == [
        (2, "金额", "FORMULA")
    ]


def patched(part, old, new):
    """Return a workbook with one of its parts changed."""
    source = zipfile.ZipFile(io.BytesIO(workbook(("a", plainly(HEAD, ROWS[0])))))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith(part):
                assert re.search(old, content)
                content = re.sub(old, new, content, count=1)
            archive.writestr(name, content)
    return buffer.getvalue()


END = rb"</row></sheetData>"


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("sheet1.xml", END, b'<c r="XFD2"><v>1</v></c></row></sheetData>'),
        ("sheet1.xml", END, b'</row><row r="1048576"><c><v>1</v></c></row></sheetData>'),
        ("sheet1.xml", END, b'</row><row r="9"><c r="ZZZZZZZZ9"><v>1</v></c></row></sheetData>'),
        ("sheet1.xml", END, b'</row><row r="9"><c r="A0"><v>1</v></c></row></sheetData>'),
        ("sheet1.xml", END, b'</row><row r="x"><c><v>1</v></c></row></sheetData>'),
        ("sheet1.xml", rb"<v>0</v>", b"<v>99</v>"),
        ("sheet1.xml", END, b"</row>"),
        ("sheet1.xml", rb"<worksheet", b'<!DOCTYPE x [<!ENTITY y "z">]><worksheet'),
        ("workbook.xml", rb"<sheets>.*</sheets>", b"<sheets/>"),
        ("workbook.xml.rels", rb"worksheets/sheet1.xml", b"../../etc/passwd"),
        ("styles.xml", rb"<cellXfs", b"<cellXfs<"),
    ],
)
def test_a_workbook_that_lies_is_refused_and_takes_no_memory(part, old, new):
    with pytest.raises(BadFile, match=r"文件\.xlsx"):
        given(patched(part, old, new))


def test_a_cell_far_out_without_anything_in_it_is_nobodys():
    far = b'</row><row r="1048576"><c r="XFD1048576" s="0"/></row></sheetData>'

    assert given(patched("sheet1.xml", END, far)).rows == [(2, ROWS[0])]
