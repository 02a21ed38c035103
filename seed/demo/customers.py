"""What became of a customer: entered, submitted, decided; then followed up and sold to."""

import datetime as dt
from typing import Any

from models.customers.contact import Gender
from models.customers.customer import Customer, CustomerClass, CustomerStatus, Level
from seed.demo import approvals, deals, follow_ups
from seed.demo.doubles import twin_of
from seed.demo.people import SELLERS, TECHNICIANS
from seed.demo.teller import Teller
from services.ownership import ownership
from services.records import records
from services.rights.call import Call

LEVELS = (Level.a, Level.b, Level.c, Level.d)
SOURCES = ("sales", "referral", "fair", "online", "search", "phone", "cold", "repeat")
POSTS = ("采购部经理", "设备部部长", "总经理", "生产副总", "技术总监", "信息中心主任", "动力科科长")
STREETS = ("光谷大道", "科技路", "创业街", "工业园路", "开发大道", "人民路")


def tell(teller: Teller, fate: str, company: tuple[str, str, str], day: dt.date) -> None:
    """Tell one customer's story up to today."""
    seller = teller.draw.choices(SELLERS, (30, 22, 16, 14, 10, 8))[0]
    twin = twin_of(teller, seller) if fate == "double" else {}
    customer = enter(teller, seller, company, day, **twin)
    if fate == "draft":
        return
    decided = decide_customer(teller, customer, seller, fate, day)
    if fate not in {"approved", "pool"}:
        return
    if fate == "pool":
        give_back(teller, customer, seller)
        return
    since = decided + dt.timedelta(days=1)
    deals.tell(teller, customer, seller, since)
    follow_ups.tell(teller, customer, seller, since)


def enter(
    teller: Teller, seller: str, company: tuple[str, str, str], day: dt.date, **given: Any
) -> Customer:
    """Enter a customer as a salesperson does; what is given stands instead of what is drawn."""
    name, industry, prefix = company
    draw, person = teller.draw, teller.faker.name()
    values: dict[str, Any] = {
        "company": name,
        "customer_class": draw.choices(list(CustomerClass), (7, 3))[0],
        "industry_id": teller.keys["industry", industry],
        "level": draw.choices(LEVELS, (2, 3, 3, 2))[0],
        "source_id": teller.keys["source", draw.choice(SOURCES)],
        "region_code": teller.district(prefix),
        "street": f"{draw.choice(STREETS)} {draw.randint(1, 888)} 号",
        "technical_id": teller.people[draw.choice(TECHNICIANS)] if draw.random() < 0.5 else None,
        "primary.name": person,
        "primary.mobile": teller.faker.phone_number(),
        "primary.title": draw.choice(POSTS),
        "primary.gender": draw.choice(list(Gender)) if draw.random() < 0.7 else None,
        "primary.wechat": f"wx{draw.randint(10**6, 10**8)}" if draw.random() < 0.6 else None,
    }
    # Of some only, and nothing is drawn for it: what is told later stays as it was.
    if int(values["primary.mobile"]) % 3:
        values["primary.email"] = f"{values['primary.mobile']}@example.com"
    values |= given
    at = teller.at(day)
    with teller.by(seller, at) as actor:
        found: Customer = records.create(Call(teller.session, actor, at), Customer, values)
    return found


def give_back(teller: Teller, customer: Customer, seller: str) -> None:
    """Let the seller give a customer back to the pool, a month after it was approved."""
    at = min((customer.decided_at or teller.now) + dt.timedelta(days=30), teller.now)
    with teller.by(seller, at) as actor:
        customer.status = CustomerStatus.dormant
        teller.session.flush()
        ownership.release(Call(teller.session, actor, at), customer, note="暂无需求")


def decide_customer(
    teller: Teller, customer: Customer, seller: str, fate: str, day: dt.date
) -> dt.date:
    """Submit and decide; some customers need several rounds. Return the last day."""
    rounds = teller.draw.choices((0, 1, 2), (80, 15, 5))[0] if day < teller.today else 0
    rounds = 2 if fate == "again" else rounds
    for _round in range(rounds):
        request = approvals.submit(teller, customer, seller, day)
        approvals.decide(teller, request, seller, "reject", day)
        day = teller.workday(day + dt.timedelta(days=1))
    request = approvals.submit(teller, customer, seller, day)
    if fate == "withdrawn":
        approvals.withdraw(teller, request, seller, day)
    if fate in {"again", "double", "pending", "withdrawn"}:
        return day
    day = teller.workday(day + dt.timedelta(days=teller.draw.choice((0, 0, 1, 1, 2))))
    verb = "reject" if fate == "rejected" else "approve"
    approvals.decide(teller, request, seller, verb, day)
    return day
