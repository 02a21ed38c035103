"""Opportunities of a customer, the contracts that came of them, orders and money."""

import datetime as dt
from decimal import Decimal
from typing import Any

from models.customers.customer import Customer
from models.sales.opportunity import Opportunity
from seed.demo import approvals, money
from seed.demo.products import PRODUCTS
from seed.demo.teller import Teller
from services.records import records
from services.rights.call import Call
from services.sales.opportunity import move_stage

NEEDS = ("产线数字化改造", "设备在线监测", "关键机组振动监测", "视觉质检", "能耗监测", "控制柜升级")
PATH = ("contact", "need", "quote", "deal", "sign")
REASONS = ("price", "rival", "budget", "fit", "delay")
SLOW = 150  # days after which an opportunity has usually been decided


def tell(teller: Teller, customer: Customer, seller: str, since: dt.date) -> None:
    """Tell the opportunities of an approved customer."""
    for _n in range(teller.draw.choices((0, 1, 2, 3), (25, 40, 25, 10))[0]):
        span = max((teller.today - since).days - 2, 0)
        day = teller.workday(since + dt.timedelta(days=teller.draw.randint(0, min(span, 260))))
        if day < teller.today:
            _tell_one(teller, customer, seller, day)


def _tell_one(teller: Teller, customer: Customer, seller: str, day: dt.date) -> None:
    deal = _enter(teller, customer, seller, day)
    age = (teller.today - day).days
    if age <= 1:
        if teller.draw.random() < 0.5:
            approvals.submit(teller, deal, seller, day)
        return
    approvals.pass_through(teller, deal, seller, day)
    fate = _fate(teller, age)
    last = _walk(teller, deal, seller, day, fate)
    if fate == "won":
        money.tell(teller, deal, seller, teller.workday(last + dt.timedelta(days=3)))


def _fate(teller: Teller, age: int) -> str:
    decided = min(age / SLOW, 0.9)
    if teller.draw.random() > decided:
        return "open"
    return "won" if teller.draw.random() < 0.58 else "lost"


def _enter(teller: Teller, customer: Customer, seller: str, day: dt.date) -> Opportunity:
    draw, at = teller.draw, teller.at(day)
    lines = [
        {
            "product_id": teller.keys["product", code],
            "quantity": Decimal(draw.randint(1, 40 if price < 10_000_00 else 3)),
            "price": price,
            "discount_bp": draw.choice((10_000, 10_000, 9_500, 9_000, 8_800)),
        }
        for code, _name, _line, _unit, price in draw.sample(PRODUCTS, draw.randint(1, 3))
    ]
    values: dict[str, Any] = {
        "name": f"{draw.choice(NEEDS)}项目",
        "customer_id": customer.id,
        "lines": lines,
        "amount": 0,
        "expected_on": day + dt.timedelta(days=draw.randint(40, 150)),
        "stage_id": teller.keys["stage", "contact"],
        "source_id": customer.source_id,
        "need": draw.choice(("希望年内上线", "先试点一条产线", "需对接现有 MES", "要求国产化替代")),
        "competitor": draw.choice((None, None, "某外资品牌", "本地集成商")),
        "technical_id": customer.technical_id,
    }
    with teller.by(seller, at) as actor:
        found: Opportunity = records.create(Call(teller.session, actor, at), Opportunity, values)
    return found


def _walk(teller: Teller, deal: Opportunity, seller: str, day: dt.date, fate: str) -> dt.date:
    """Move through the stages up to the fate; return the day of the last move."""
    depth = len(PATH) if fate == "won" else teller.draw.randint(1, len(PATH) - 1)
    for code in [*PATH[1:depth], *([] if fate == "open" else [fate])]:
        later = teller.workday(day + dt.timedelta(days=teller.draw.randint(5, 25)))
        if later >= teller.today:
            if code != fate:
                break
            later = teller.today
        day, at = later, teller.at(later)
        values: dict[str, Any] = {"stage_id": teller.keys["stage", code]}
        if code == "lost":
            values["lost_reason_id"] = teller.keys["lost_reason", teller.draw.choice(REASONS)]
        with teller.by(seller, at) as actor:
            move_stage(Call(teller.session, actor, at), deal, values)
    return day
