"""The law of invoices as it stands in words and figures: asked of no database."""

import dataclasses
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deals.billed import Billed
from services.receivables.invoice_law import Bill, Original, faults, split

DAY = dt.date(2026, 11, 23)
ISSUED = Original(7, issued=True, issued_on=dt.date(2026, 11, 1), left=60_00)
OTHERS = Billed(invoiced=60_00, issued=60_00)
BILL = Bill(amount=40_00, contract_id=7, day=DAY, whole=100_00, others=OTHERS)
COVERED = OTHERS._replace(ceiling=100_01)
OVER = dataclasses.replace(BILL, amount=40_01, reasoned=True)
RED = dataclasses.replace(BILL, amount=-60_00, reverses=True, original=ISSUED)


def changed(bill, **values):
    return dataclasses.replace(bill, **values)


@pytest.mark.parametrize(
    ("bill", "fields"),
    [
        (BILL, []),
        (changed(BILL, amount=0), ["amount"]),
        (changed(BILL, amount=40_01), ["amount"]),
        (changed(BILL, amount=40_01, whole=None), []),
        (changed(BILL, amount=40_01, others=OTHERS._replace(ceiling=100_01)), []),
        (changed(BILL, amount=40_01, reasoned=True), []),
        (changed(BILL, amount=40_01, reasoned=True, issuing=True), ["number"]),
        (changed(BILL, amount=40_01, reasoned=True, issuing=True, agreed=100_00), ["number"]),
        (changed(BILL, amount=40_01, reasoned=True, issuing=True, agreed=100_01), []),
        (changed(OVER, issuing=True, reasoned=False, others=COVERED), ["over_reason"]),
        (changed(OVER, issuing=True, others=COVERED), ["number"]),
        (changed(OVER, issuing=True, others=COVERED._replace(agreed=100_01)), []),
        (changed(OVER, issuing=True, others=COVERED._replace(issued=20_00)), []),
        (changed(OVER, issuing=True, agreed=100_01, others=Billed(90_00, 60_00, 160_00)), []),
        (changed(OVER, issuing=True, agreed=100_01, others=Billed(90_00, 90_00)), ["number"]),
        (changed(BILL, amount=-60_00), []),
        (changed(BILL, amount=-60_01, others=None), []),
        (changed(BILL, amount=-60_01), ["amount"]),
        (RED, []),
        (changed(RED, amount=-60_01), ["amount"]),
        (changed(RED, amount=1_00), ["amount"]),
        (changed(RED, original=None), ["reverses_id"]),
        (changed(RED, original=changed(ISSUED, issued=False)), ["reverses_id"]),
        (changed(RED, contract_id=8), ["reverses_id"]),
        (changed(RED, issued_on=dt.date(2026, 10, 31)), ["issued_on"]),
        (changed(RED, issued_on=dt.date(2026, 11, 1)), []),
        (changed(BILL, issued_on=DAY + dt.timedelta(days=1)), ["issued_on"]),
        (changed(BILL, net=35_40, tax=4_60), []),
        (changed(BILL, net=35_40, tax=4_61), ["net_amount"]),
        (changed(BILL, net=41_00, tax=-1_00), ["tax_amount"]),
        (changed(RED, net=-53_10, tax=-6_90), []),
        (changed(RED, net=-61_00, tax=1_00), ["tax_amount"]),
    ],
)
def test_an_invoice_is_judged_beside_its_contract_and_its_original(bill, fields):
    assert list(faults(bill)) == fields


@pytest.mark.parametrize(
    ("amount", "rate", "parts"),
    [
        (113_00, 1300, (100_00, 13_00)),
        (100_00, 1300, (88_50, 11_50)),
        (-100_00, 1300, (-88_50, -11_50)),
        (1, 1300, (1, 0)),
        (103_00, 300, (100_00, 3_00)),
        (100_00, 0, (100_00, 0)),
    ],
)
def test_net_and_tax_follow_the_rate_to_the_cent(amount, rate, parts):
    assert split(amount, rate) == parts


@given(st.integers(-(10**13), 10**13), st.integers(0, 10_000))
def test_net_and_tax_come_to_the_amount_and_the_tax_to_its_rate_within_half_a_cent(amount, rate):
    net, tax = split(amount, rate)
    assert net + tax == amount
    assert 2 * abs(net * (10_000 + rate) - amount * 10_000) <= 10_000 + rate
