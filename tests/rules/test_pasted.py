"""Entry takes what people paste: other coats of letters, unseen marks, phones in any notation."""

import pytest

from models.core.keys import phone_key
from models.core.normal import folded, name_key, named, typed
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.sales.opportunity import Opportunity
from services.core import phones, texts
from services.records.fields import inputs_of
from services.records.parsing import parse

MARKED = "\u202d13971002233\u202c"  # as a phone's address book gives it
ISOLATED = "\u2066a@b.cn\u2069"


@pytest.mark.parametrize(
    ("pasted", "kept", "read"),
    [
        ("139 7100 2233", "13971002233", "139 7100 2233"),
        ("+86 139-7100-2233", "13971002233", "139 7100 2233"),
        ("１３９.７１００.２２３３", "13971002233", "139 7100 2233"),
        (MARKED, "13971002233", "139 7100 2233"),
        ("（０２７）８７６５－４３２１转８０１", "027-87654321-801", "027-87654321-801"),
        ("+86 27 8765 4321", "027-87654321", "027-87654321"),
        ("0710–3456789", "0710-3456789", "0710-3456789"),
        ("4008208820", "400-820-8820", "400-820-8820"),
        ("95588", "95588", "95588"),
        ("+852 2345 6789", "+85223456789", "+85223456789"),
    ],
)
def test_a_phone_is_kept_in_one_form_and_shown_as_people_read_it(pasted, kept, read):
    assert texts.phone(pasted) == kept
    assert texts.phone(kept) == kept
    assert phones.readable(kept) == read
    assert phone_key(pasted) == phone_key(kept) == phone_key(read)


def test_a_masked_number_is_shown_as_it_is():
    assert phones.readable("139****2233") == "139****2233"
    assert phones.readable("") == ""


@pytest.mark.parametrize(
    ("read", "pasted", "value"),
    [
        (texts.email, "ｗａｎｇ＠ｑｑ．ｃｏｍ", "wang@qq.com"),
        (texts.email, ISOLATED, "a@b.cn"),
        (texts.digits, "\u202d123456\u202c", "123456"),
        (texts.money, "\u22121,2\u200b34.５", -123450),
        (texts.integer, "\ufeff4\u00ad2", 42),
    ],
)
def test_unseen_marks_and_look_alikes_fall_away_where_nothing_is_prose(read, pasted, value):
    assert read(pasted) == value


@pytest.mark.parametrize(
    ("typed_in", "kept"),
    [
        ("武汉 楚江机电　有限公司", "武汉楚江机电有限公司"),
        ("\u202a武汉楚江\u202c", "武汉楚江"),
        ("ＡＢＢ（中国） 公司", "ABB（中国）公司"),
        ("IBM  中国", "IBM 中国"),
        ("\u2f2c山\u200b科技", "屮山科技"),
        ("O'Brien 🙂👨\u200d👩\u200d👧 & Co", "O'Brien 🙂👨\u200d👩\u200d👧 & Co"),
    ],
)
def test_a_company_is_kept_without_other_coats_and_inner_blanks(typed_in, kept):
    assert parse(None, inputs_of(Customer)["company"], typed_in) == kept


def test_the_name_of_a_deal_keeps_its_blanks_and_chinese_signs():
    name = parse(None, inputs_of(Opportunity)["name"], "　二期 改造：①号（㎡） ２０２６ ")

    assert name == "二期 改造：①号（㎡） 2026"


def test_a_person_written_with_a_wide_blank_is_that_person():
    assert parse(None, inputs_of(Contact)["name"], "张　伟") == "张伟"
    assert parse(None, inputs_of(Contact)["qq"], "\u202d123456\u202c") == "123456"


def test_a_mark_inside_a_name_is_still_refused():
    with pytest.raises(ValueError, match=r"\S"):
        parse(None, inputs_of(Customer)["company"], "武汉\u202e江楚")


def test_one_normal_form_for_what_is_looked_for():
    assert folded("（全角）ＦＵＬＬ 公司") == "(全角)full 公司"
    assert name_key("ＺＥＴＡ（测试） 有限责任公司") == name_key("Zeta测试有限公司")
    assert name_key("***") is None
    assert typed("ＡＢＣ　１") == "ABC 1"
    assert named("武汉 楚江") == "武汉楚江"
