"""Texts as people type them: each means one thing, or is refused with a way to mend it."""

import datetime as dt
from decimal import Decimal

import pytest

from services.core import texts


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (texts.money, "1,234.56", 123456),
        (texts.money, "￥12.5元", 1250),
        (texts.money, "-３００", -30000),
        (texts.percent, "12.5%", 1250),
        (texts.quantity, "2.125", Decimal("2.125")),
        (texts.integer, " 42", 42),
        (texts.digits, "１２３４５６", "123456"),
        (texts.date, "2026年11月3日", dt.date(2026, 11, 3)),
        (texts.date, "2026/1/2", dt.date(2026, 1, 2)),
        (texts.moment, "2026-11-23 14:30", dt.datetime(2026, 11, 23, 6, 30, tzinfo=dt.UTC)),
        (texts.moment, "2026-11-23", dt.datetime(2026, 11, 22, 16, tzinfo=dt.UTC)),
        (texts.boolean, "是", True),
        (texts.boolean, "No", False),
        (texts.phone, "027-87654321-801", "027-87654321-801"),
        (texts.email, "a@example.com", "a@example.com"),
    ],
)
def test_what_is_typed_is_understood(small, read, text, value):
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (texts.money, "12.345"),
        (texts.money, "1e5"),
        (texts.money, "9" * 30),
        (texts.money, "10000000000001"),
        (texts.percent, "101"),
        (texts.quantity, "0"),
        (texts.integer, "1.5"),
        (texts.integer, "9" * 12),
        (texts.digits, "1234"),
        (texts.date, "2026-02-30"),
        (texts.date, "2026-1/2"),
        (texts.date, "26-01-02"),
        (texts.moment, "2026-11-23 25:00"),
        (texts.moment, "morgen"),
        (texts.boolean, "maybe"),
        (texts.mobile, "123"),
        (texts.phone, "hello"),
        (texts.email, "nobody"),
        (texts.clean, "a\x00b"),
        (texts.clean, "a\nb"),
        (texts.clean, "a\u202eb"),
    ],
)
def test_what_means_nothing_is_refused_in_words(small, read, text):
    with pytest.raises(ValueError, match=r"\S") as refusal:
        read(text)

    assert str(refusal.value.args[0])
