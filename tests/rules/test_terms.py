"""A payment term is read in the ways people write it, and fills the plan of a contract."""

import datetime as dt

import pytest

from models.deals.contract import Contract
from models.records.dictionary import DictionaryOption
from services.core.errors import Invalid
from services.deals.lifecycle import terms

SIGNED, DELIVERED = dt.date(2026, 1, 31), dt.date(2026, 4, 1)
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "shares", "dues"),
    [
        ("3-6-1", (3000, 6000, 1000), (SIGNED, DELIVERED, dt.date(2027, 4, 1))),
        ("３／６／１ 分期", (3000, 6000, 1000), (SIGNED, DELIVERED, dt.date(2027, 4, 1))),
        ("30/60/10", (3000, 6000, 1000), (SIGNED, DELIVERED, dt.date(2027, 4, 1))),
        ("30%、60%、10%", (3000, 6000, 1000), (SIGNED, DELIVERED, dt.date(2027, 4, 1))),
        ("30:40:30", (3000, 4000, 3000), (SIGNED, SIGNED + 30 * DAY, DELIVERED)),
        ("5–5", (5000, 5000), (SIGNED, DELIVERED)),
        ("12.5/87.5", (1250, 8750), (SIGNED, DELIVERED)),
        ("月付×3", (3333, 3333, 3334), (SIGNED, dt.date(2026, 2, 28), dt.date(2026, 3, 31))),
        ("分2期按季付", (5000, 5000), (SIGNED, dt.date(2026, 4, 30))),
        ("monthly x 2", (5000, 5000), (SIGNED, dt.date(2026, 2, 28))),
        ("月结 30 天", (10000,), (DELIVERED + 30 * DAY,)),
        ("Net 60", (10000,), (DELIVERED + 60 * DAY,)),
        ("货到付款", (10000,), (DELIVERED,)),
        ("款到发货", (10000,), (SIGNED,)),
    ],
)
def test_a_term_means_shares_and_dates(text, shares, dues):
    rows = terms.rows(terms.parse(text), SIGNED, DELIVERED)

    assert tuple(row["ratio_bp"] for row in rows) == shares
    assert sum(shares) == 10_000
    assert tuple(row["due_on"] for row in rows) == dues


@pytest.mark.parametrize(
    "text",
    ["", "其他", "3-6", "3-6-2", "100", "0-10", "月付×0", "月付×61", "3-6-1-", "33.333/66.667"],
)
def test_what_is_no_term_is_none(text):
    assert terms.parse(text) is None


def test_a_delivery_before_signing_moves_no_date_back():
    rows = terms.rows(terms.parse("3-6-1"), SIGNED, SIGNED - 90 * DAY)

    assert [row["due_on"] for row in rows] == [SIGNED, SIGNED, dt.date(2027, 1, 31)]


def planned(world, **values):
    key = world.contract(world.approved(), signed_on=SIGNED, deliver_on=DELIVERED, **values)
    return key, [(line.ratio_bp, line.amount) for line in world.get(Contract, key).plan]


def test_a_blank_plan_follows_the_term_and_a_given_one_does_not(world):
    option = world.session.query(DictionaryOption).filter_by(code="stage541").one().id

    _key, written = planned(world, terms="3-6-1", plan=[], pay_term_id=option)
    _key, named = planned(world, pay_term_id=option)
    _key, given = planned(
        world, terms="3-6-1", plan=[{"amount": 100_000_00, "due_on": SIGNED, "ratio_bp": None}]
    )

    assert written == [(3000, 30_000_00), (6000, 60_000_00), (1000, 10_000_00)]
    assert [ratio for ratio, _amount in named] == [5000, 4000, 1000]
    assert given == [(None, 100_000_00)]


def test_a_term_nobody_can_read_is_refused_beside_its_field(small):
    with pytest.raises(Invalid) as refusal:
        planned(small, terms="三六一")

    assert list(refusal.value.errors) == ["terms"]
