"""Three axes to 0.01 %, cut, each with what is overdue of its own."""

import datetime as dt

import pytest

from models.deals.order import MilestoneState, OrderMilestone
from models.deals.payment_plan import PaymentPlan, PlanState
from services.core.texts import share
from services.deals.progress import ContractFigures, Instalment, Late, points

DAY = dt.date(2026, 11, 23)


@pytest.mark.parametrize(
    ("part", "whole", "found", "text"),
    [
        (99_996, 100_000, 9999, "99.99%"),
        (99_60, 100_00, 9960, "99.6%"),
        (50, 100_00, 50, "0.5%"),
        (1, 10**13, 0, "0%"),
        (100_00, 100_00, 10_000, "100%"),
        (211_00, 100_00, 21_100, "211%"),
        (-1, 30_000, 0, "0%"),
        (-33_33, 100_00, -3333, "-33.33%"),
        (5, 0, 0, "0%"),
    ],
)
def test_a_share_is_cut_and_is_all_only_when_nothing_is_open(part, whole, found, text):
    assert points(part, whole) == found
    assert share(found) == text


def step(after, state="planned", weight=1):
    planned = None if after is None else DAY + dt.timedelta(days=after)
    return OrderMilestone(planned_on=planned, state=MilestoneState[state], weight=weight)


def part(after, amount, settled, state):
    line = PaymentPlan(id=after + 100, due_on=DAY + dt.timedelta(days=after), amount=amount)
    return Instalment(
        line, settled, 0, PlanState[state], max(-after, 0) if state == "overdue" else 0
    )


def test_each_axis_has_an_overdue_of_its_own():
    found = ContractFigures(
        amount=100_00,
        invoiced=35_00,
        paid=30_00,
        steps=[step(-9, "done"), step(-5), step(-2, "skipped"), step(0), step(None), step(30)],
        plan=[
            part(-20, 30_00, 30_00, "done"),
            part(-3, 40_00, 0, "overdue"),
            part(5, 30_00, 0, "upcoming"),
        ],
        day=DAY,
    )

    assert found.late_delivery == Late(1, 5)
    assert found.late_invoicing == Late(1, 3, 35_00)
    assert found.late_collection == Late(1, 3, 40_00)
    assert (found.delivery, found.invoicing, found.collection) == (2000, 3500, 3000)


def test_what_is_not_in_force_is_never_overdue():
    found = ContractFigures(amount=1, steps=[step(-5)], plan=[part(-3, 1, 0, "upcoming")])

    assert found.late_delivery == found.late_invoicing == Late()
