"""Chinese phones as people type them: what is one, in every notation, and what is none."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.core.keys import phone_key
from services.core import phones

DIGIT = st.sampled_from("0123456789")


def digits(n):
    return st.text(DIGIT, min_size=n, max_size=n)


MOBILE = st.builds(lambda a, b: f"1{a}{b}", st.sampled_from("3456789"), digits(9))
LANDLINE = st.sampled_from(["027-87654321", "010-62345678", "021-52345678", "0755-26543210"])
FULL = str.maketrans("0123456789-", "０１２３４５６７８９－")


@given(MOBILE, st.sampled_from(["", "+86", "86", "+86 "]))
def test_a_mobile_is_one_with_and_without_the_country_code(number, prefix):
    assert phones.is_mobile(prefix + number)


@given(MOBILE)
def test_spaces_and_full_width_digits_change_nothing(number):
    spaced = f"{number[:3]} {number[3:7]} {number[7:]}"
    wide = number.translate(FULL)

    assert phones.is_mobile(spaced)
    assert phones.is_mobile(wide)
    assert phone_key(spaced) == phone_key(wide) == phone_key(number) == number


@given(MOBILE, st.sampled_from(["", "+86-", "86", "0086-", "00 86 "]), st.sampled_from("-\u2011– "))
def test_a_mobile_may_be_written_with_dashes(number, prefix, dash):
    dashed = f"{prefix}{number[:3]}{dash}{number[3:7]}{dash}{number[7:]}"
    halved = f"{prefix}{number[:7]}{dash}{number[7:]}"

    assert phones.is_mobile(dashed)
    assert phones.is_mobile(halved)
    assert phones.stored(dashed) == phones.stored(halved) == number
    assert phone_key(dashed) == number


@given(MOBILE, digits(1))
def test_a_digit_too_many_or_too_few_is_no_mobile(number, extra):
    assert not phones.is_mobile(number + extra)
    assert not phones.is_mobile(number[:-1])


@given(LANDLINE, st.sampled_from(["-", "转", "分机", "#", "ext."]), digits(3))
def test_an_extension_keeps_a_landline_a_phone(number, sign, extension):
    text = number + sign + extension

    assert phones.is_phone(text)
    assert phone_key(text) == phone_key(number)


@given(LANDLINE)
def test_every_notation_of_a_landline_is_the_same_number(number):
    area, _dash, rest = number.partition("-")
    forms = [number, area + rest, f"({area}){rest}", f"（{area}）{rest}", f"+86-{area[1:]}-{rest}"]
    forms.append(f"0086 {area[1:]} {rest}")

    assert len({phone_key(form) for form in forms}) == 1
    assert all(phones.is_phone(form) for form in forms)


@pytest.mark.parametrize("text", ["95588", "400-820-8820", "8008101234", "10086", "12315", "110"])
def test_service_numbers_are_phones(text):
    assert phones.is_phone(text)


def test_four_digits_are_searched_as_they_are():
    assert [phone_key(one) for one in ("0086", "8600", "00 86")] == ["0086", "8600", "0086"]


@pytest.mark.parametrize("text", ["1", "abc", "-", "54321", "0000-00000000", "''", "１３"])
def test_what_is_no_number_is_refused(text):
    assert not phones.is_phone(text)


@given(st.text(max_size=40))
def test_nothing_typed_breaks_the_check(text):
    assert phones.is_phone(text) in {True, False}
    folded = unicodedata.normalize("NFKC", text)
    assert phone_key(text) == phone_key(folded)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13971002233", "13971002233"),
        ("+86 139-7100-2233", "13971002233"),
        ("027-87654321-801", "02787654321,801"),
        ("（０２７）８７６５４３２１转801", "02787654321,801"),
        ("027-87654321", "02787654321"),
        ("400-123-4567", "4001234567"),
        ("+4930901820", "+4930901820"),
        ("139****2233", ""),
        ("", ""),
        ("无", ""),
        ("13971002233;ext=<b>", ""),
    ],
)
def test_a_number_is_dialled_as_a_telephone_takes_it(text, number):
    assert phones.dial(text) == number
