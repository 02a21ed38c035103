"""Texts as people have them: every usual encoding and separator is read as it was written."""

import re

import pytest

from services.importing import BadFile
from services.importing.file.aliases import plain
from services.importing.file.reading import Limits, read
from services.importing.file.sheets import TableChoice

LIMITS = Limits(5, 20_000)
KNOWN = frozenset(map(plain, ["客户名称", "联系人", "手机", "金额"]))


def given(content, name="文件.xlsx", **choice):
    return read(name, content, LIMITS, TableChoice(known=KNOWN, **choice))


def codes(sheet):
    return {(p.line, p.column, p.code) for p in sheet.problems}


TABLE = "客户名称;联系人;金额\n武汉长江机械;王伟;1,5\n"
HEAD_BIG5 = ["客戶名稱", "聯絡人", "電話"]
TRADITIONAL = "客戶名稱,聯絡人,電話\n台北電子股份有限公司,陳小明,0912345678\n"
WESTERN = "company,city\nMüller GmbH,Köln\nCafé Orléans,Besançon\n"


SIX = """订单号,客户,金额,日期
D1,武汉光谷精工有限公司,1200,2026-03-01
D2,宜昌长江机电有限公司,800,2026-03-02
,襄阳汉江阀门有限公司,300,2026-03-03
D4,荆州古城轴承有限公司,450,2026-03-04
D5,黄石大冶铸造有限公司,90,2026-03-05
"""


@pytest.mark.parametrize(
    ("text", "codec", "told"),
    [
        (TABLE, "utf-8", "UTF-8"),
        (TABLE, "utf-8-sig", "UTF-8"),
        (TABLE, "utf-16", "UTF-16 LE"),
        (TABLE, "utf-16-le", "UTF-16 LE"),
        (TABLE, "utf-16-be", "UTF-16 BE"),
        ("\ufeff" + TABLE, "utf-16-be", "UTF-16 BE"),
        (TABLE, "utf-32", "UTF-32"),
        (TABLE, "gb18030", "GB18030"),
        (TABLE.replace("王伟", "𠮷㐂"), "gb18030", "GB18030"),
        ("公司,金额\n甲,1\n", "gb18030", "GB18030"),
        (SIX, "gb18030", "GB18030"),
        ("名称\n张三\n", "gb18030", "GB18030"),
        (TRADITIONAL, "big5", "Big5"),
        (TRADITIONAL, "gb18030", "GB18030"),
        (WESTERN, "cp1252", "Windows-1252"),
        (WESTERN, "utf-16-le", "UTF-16 LE"),
        ("company,city\nAcme,Paris\n", "utf-16-le", "UTF-16 LE"),
    ],
)
def test_text_of_every_usual_encoding_reads_as_it_was_written(text, codec, told):
    found = given(text.encode(codec), "a.csv")
    head, *rows = (
        [re.split("[;,]" if ";" not in text else ";", t) for t in text.split()]
        if (" " not in text)
        else [line.split(",") for line in text.splitlines()]
    )

    head[0] = head[0].removeprefix("\ufeff")
    assert (found.head, [texts for _line, texts in found.rows]) == (head, rows)
    assert found.found.encoding == told
    assert (told in {"Big5", "Windows-1252"}) == ((0, "", "ENCODING") in codes(found))


def test_an_encoding_a_person_chose_is_used():
    content = TRADITIONAL.encode("big5")

    assert given(content, "a.csv", encoding="Big5").head == HEAD_BIG5
    with pytest.raises(BadFile, match="第 1 行"):
        given(content, "a.csv", encoding="UTF-8")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("sep=;\n客户名称;金额\n甲;1,5\n", [3]),
        ('"sep=|"\r\n客户名称|金额\r\n甲|1,5\r\n', [3]),
        ("2026年台账\n\n客户名称\t金额\n甲\t1,5\n", [4]),
        ("客户台账，内部,资料\n客户名称;联系人;金额\n甲;;1,5\n", [3]),
        ("客户名称|金额\r甲|1,5\r", [2]),
    ],
)
def test_a_separator_is_announced_or_found_beneath_a_title(text, lines):
    found = given(text.encode(), "a.csv")

    assert [line for line, _texts in found.rows] == lines
    assert dict(zip(found.head, found.rows[0][1], strict=True))["金额"] == "1,5"


def test_numbers_quoted_as_texts_are_those_numbers():
    content = '客户名称,手机,金额\n甲,="0012",\'13800138000\n"=""a""",\t12345,\'甲\n'

    found = given(content.encode(), "a.csv")

    assert found.rows == [(2, ["甲", "0012", "13800138000"]), (3, ["a", "12345", "'甲"])]
