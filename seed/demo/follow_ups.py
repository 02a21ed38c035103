"""Follow-ups and visits of a customer, and the plans that wait."""

import datetime as dt
from typing import Any

import sqlalchemy as sa

from models.customers.customer import Customer, CustomerStatus
from models.deals.contract import IN_FORCE, Contract
from models.sales.follow_up import VISITS, FollowUp, FollowUpKind, FollowUpResult
from seed.demo.teller import Teller
from services.records import records
from services.rights.access import act
from services.rights.actor import SYSTEM
from services.rights.call import Call

KINDS = {
    FollowUpKind.call: 40,
    FollowUpKind.wechat: 22,
    FollowUpKind.visit: 16,
    FollowUpKind.meeting: 7,
    FollowUpKind.email: 9,
    FollowUpKind.reception: 6,
}
WORDS = (
    ("first", "初次电话沟通，介绍公司产品，对方愿意进一步了解", FollowUpResult.going_on),
    ("need", "了解到现有产线故障停机较多，希望做在线监测", FollowUpResult.intent),
    ("demo", "演示了设备健康管理平台，设备部反馈良好", FollowUpResult.intent),
    ("quote", "发送报价单，对方认为软件部分价格偏高", FollowUpResult.going_on),
    ("deal", "就付款方式和质保期谈判，基本达成一致", FollowUpResult.intent),
    ("service", "回访设备运行情况，传感器工作稳定", FollowUpResult.going_on),
    ("dun", "催收到货款，财务答复本周安排付款", FollowUpResult.going_on),
    ("care", "节前拜访，了解明年技改计划", FollowUpResult.none),
)
REQUESTS = (None, None, "希望提供同行业案例", "要求下周给出正式方案", "请安排技术人员现场勘查")
MOVES = (CustomerStatus.contacting, CustomerStatus.intent, CustomerStatus.negotiating)
MOST = 9
QUIET = 0.12  # customers nobody called again


def tell(teller: Teller, customer: Customer, seller: str, since: dt.date) -> None:
    """Tell what was done with a customer since it was approved."""
    span = (teller.today - since).days
    if span < 1:
        return
    count = min(1 + span // 45 + teller.draw.randint(0, 3), MOST)
    last = span if teller.draw.random() > QUIET else span // 2
    days = sorted(teller.draw.randint(0, last) for _n in range(count))
    for n, offset in enumerate(days):
        _write(teller, customer, seller, since + dt.timedelta(days=offset), n == count - 1)
    _status(teller, customer)


def _write(
    teller: Teller,
    customer: Customer,
    seller: str,
    day: dt.date,
    is_last: bool,  # noqa: FBT001 # private
) -> None:
    draw, at = teller.draw, teller.at(teller.workday(day))
    purpose, content, result = draw.choice(WORDS)
    kind = draw.choices(list(KINDS), list(KINDS.values()))[0]
    values: dict[str, Any] = {
        "at": at,
        "customer_id": customer.id,
        "kind": kind,
        "purpose_id": teller.keys["purpose", purpose],
        "content": content,
        "feedback": draw.choice(REQUESTS),
        "result": result,
    }
    if kind in VISITS:
        length = dt.timedelta(minutes=draw.choice((40, 60, 90, 120)))
        values |= {
            "started_at": at - length,
            "ended_at": at,
            "place": customer.region_text,
            "companions": draw.choice((None, "郑凯", "高翔")),
        }
    if is_last and draw.random() < 0.7:
        ahead = draw.choice((-6, -2, 0, 0, 1, 3, 7, 14))
        due = teller.planned(teller.today + dt.timedelta(days=ahead))
        values |= {
            "next_at": max(due, at + dt.timedelta(hours=20)),
            "next_kind": draw.choice((FollowUpKind.call, FollowUpKind.visit)),
            "next_content": draw.choice(("确认方案细节", "约时间现场勘查", "跟进付款", "送样品")),
        }
    with teller.by(seller, at) as actor:
        made = records.create(Call(teller.session, actor, at), FollowUp, values)
    if kind is FollowUpKind.visit and draw.random() < 0.8:
        act(teller.session, SYSTEM)
        made.checked_in_at = values["started_at"]
        made.latitude, made.longitude = 30.5 + draw.random() / 5, 114.2 + draw.random() / 5
        teller.session.flush()


def _status(teller: Teller, customer: Customer) -> None:
    """Put the customer where the story has brought it."""
    act(teller.session, SYSTEM)
    won = teller.session.scalar(
        sa.select(sa.func.count(Contract.id)).where(
            Contract.customer_id == customer.id, Contract.state.in_(IN_FORCE)
        )
    )
    customer.status = CustomerStatus.won if won else teller.draw.choice(MOVES)
    if not won and teller.draw.random() < 0.06:
        customer.status = CustomerStatus.lost
    teller.session.flush()
