"""One table in whatever dress it comes: read back it is that table, and nothing else."""

import csv
import dataclasses
import datetime as dt
import io

import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from services.core import texts
from services.importing.file.aliases import plain
from services.importing.file.reading import Limits, read
from services.importing.file.sheets import TableChoice

HEAD = ("客户名称", "联系人", "签约日期", "金额", "折扣")
KNOWN = frozenset(map(plain, HEAD))
LIMITS = Limits(5, 20_000)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030")
HAN = "武汉长江机械设备有限公司上海电力研究院王李张刘陈杨赵黄周吴"


@dataclasses.dataclass(frozen=True)
class Shape:
    """How a table is dressed."""

    titles: int
    note: bool
    groups: bool
    index: bool
    hidden: bool
    guide: bool
    gaps: frozenset[int]
    total: bool
    encoding: str
    separator: str
    announced: bool


name = st.text(HAN, min_size=2, max_size=8)
row = st.tuples(
    name,
    st.one_of(st.just(""), name),
    st.dates(dt.date(1990, 1, 1), dt.date(2099, 12, 31)),
    st.decimals(0, 10**9, places=2).map(lambda n: n.normalize() + 0),
    st.integers(0, 100),
)
tables = st.lists(row, min_size=1, max_size=8)
shapes = st.builds(
    Shape,
    st.integers(0, 3),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.frozensets(st.integers(0, 7), max_size=3),
    st.booleans(),
    st.sampled_from(ENCODINGS),
    st.sampled_from(",;\t|"),
    st.booleans(),
)


def above(shape):
    """Return the lines above the heads."""
    lines = [["2026年客户台账，内部资料"]] * shape.titles
    return [*lines, ["填写说明：带*的必填"]] if shape.note else lines


def workbook(rows, shape):
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        if shape.guide:
            book.add_worksheet("说明").write_column(0, 0, ["请勿改动表头", "见下页"])
        if shape.hidden:
            old = book.add_worksheet("旧表")
            old.write_row(0, 0, HEAD)
            old.write_row(1, 0, ["旧客户"])
            if shape.guide:
                old.hide()
        sheet, left = book.add_worksheet("台账"), int(shape.index)
        if shape.hidden and not shape.guide:
            sheet.activate()
            sheet.set_first_sheet()
            old.hide()
        line = 0
        for words in above(shape):
            sheet.merge_range(line, 0, line, left + len(HEAD) - 1, words[0])
            line += 1
        if shape.groups:
            sheet.merge_range(line, left, line, left + 1, "基本信息")
            sheet.merge_range(line, left + 2, line, left + 4, "商务")
            line += 1
        sheet.write_row(line, 0, ["序号", *HEAD] if shape.index else HEAD)
        fill_workbook(book, sheet, rows, shape, line + 1)
    return buffer.getvalue()


def fill_workbook(book, sheet, rows, shape, line):
    day, share = book.add_format({"num_format": "yyyy/m/d"}), book.add_format({"num_format": "0%"})
    left = int(shape.index)
    for n, (company, person, on, amount, points) in enumerate(rows):
        line += n in shape.gaps
        if shape.index:
            sheet.write(line, 0, n + 1)
        sheet.write(line, left, company)
        if person:
            sheet.write(line, left + 1, person)
        sheet.write_datetime(line, left + 2, dt.datetime.combine(on, dt.time()), day)
        sheet.write_number(line, left + 3, float(amount))
        sheet.write_number(line, left + 4, points / 100, share)
        line += 1
    if shape.total:
        sheet.write(line, left, "合计")
        sheet.write_formula(line, left + 3, "=SUM(D1:D9)", None, 12.5)


def text_file(rows, shape):
    buffer = io.StringIO(newline="")
    if shape.announced:
        buffer.write(f"sep={shape.separator}\r\n")
    out = csv.writer(buffer, delimiter=shape.separator)
    out.writerows(above(shape))
    out.writerow(["", *HEAD] if shape.index else HEAD)
    for n, (company, person, on, amount, points) in enumerate(rows):
        if n in shape.gaps:
            out.writerow([""] * len(HEAD))
        cells = [
            company,
            person,
            f"{on.year}/{on.month}/{on.day} 0:00",
            f"{amount:f}",
            f"{points}%",
        ]
        out.writerow([n + 1, *cells] if shape.index else cells)
    if shape.total:
        out.writerow(
            ["", "合计", "", "", "12.5", ""] if shape.index else ["合计", "", "", "12.5", ""]
        )
    return buffer.getvalue().encode(shape.encoding)


def values(sheet):
    """Return what the columns of the table say."""
    found = []
    for _line, cells in sheet.rows:
        told = dict(zip(sheet.head, cells, strict=True))
        company, person, on, amount, share = (told[head] for head in HEAD)
        found.append(
            (company, person, texts.date(on), texts.money(amount), texts.percent(share) // 100)
        )
    return found


@settings(max_examples=100, deadline=None)
@given(tables, shapes, st.booleans())
def test_a_table_is_read_back_as_it_was_whatever_its_dress(rows, shape, as_text):
    content = text_file(rows, shape) if as_text else workbook(rows, shape)

    found = read("a.csv" if as_text else "a.xlsx", content, LIMITS, TableChoice(known=KNOWN))

    assert values(found) == [(c, p, on, int(n * 100), s) for c, p, on, n, s in rows]
    assert not [p for p in found.problems if p.fatal]
    assert len(found.skipped) == shape.total
    read_lines = {line for line, _cells in [*found.rows, *found.skipped]}
    named = {p.line for p in found.problems if p.code == "ABOVE_HEAD"}
    groups = shape.groups and not as_text
    assert len(named) == shape.titles + shape.note + groups
    assert not named & read_lines
    if not as_text:
        assert found.found.sheet == "台账"
        assert bool(shape.guide or shape.hidden) == any(
            p.code == "OTHER_SHEETS" for p in found.problems
        )
