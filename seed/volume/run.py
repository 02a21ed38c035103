"""Writes a volume in chunks: customers with contacts and follow-ups, their deals, their money."""

import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.customers.contact import Contact
from models.customers.customer import Customer, CustomerClass, CustomerStatus, Level
from models.sales.follow_up import VISITS, FollowUp, FollowUpKind, FollowUpResult
from models.sales.plan import FollowUpPlan
from seed.bulk import Row
from seed.volume.deals import add_deals
from seed.volume.scene import Scene, Seller, open_scene

CHUNK = 5_000
POOL = 0.05  # customers nobody owns
KINDS = (
    *(FollowUpKind.call,) * 5,
    *(FollowUpKind.wechat,) * 3,
    *(FollowUpKind.visit,) * 2,
    FollowUpKind.meeting,
    FollowUpKind.email,
    FollowUpKind.reception,
)
WORDS = (
    "电话沟通需求，约定下次演示",
    "发送报价单，等待内部审批",
    "上门拜访，查看现场并确认方案",
    "微信回访，设备运行正常",
    "就付款方式与交付期谈判",
    "节日问候，了解明年计划",
)
STATUSES = (CustomerStatus.contacting, CustomerStatus.intent, CustomerStatus.negotiating)
SURNAMES, GIVEN = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗",
    "伟芳娜敏静磊强军洋勇艳杰涛明超霞平刚桂",
)


def seed_volume(
    connection: Connection,
    *,
    customers: int,
    years: int,
    seed: int,
    now: dt.datetime,
    tell: Callable[[int, int], None],
) -> dict[str, int]:
    """Add customers and their history; return noun → rows. `tell` gets (done, customers).

    Nothing is committed here. The same seed on the same day gives the same rows.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.text("SET LOCAL statement_timeout = 0"))  # a busy machine takes long
    scene = open_scene(connection, years=years, seed=seed, now=now)
    written: dict[str, int] = {}
    for n in range(customers):
        _add_customer(scene, n)
        if (n + 1) % CHUNK == 0 or n + 1 == customers:
            for model, rows in scene.book.rows.items():
                written[model.__noun__] = written.get(model.__noun__, 0) + len(rows)
            scene.book.write()
            tell(n + 1, customers)
    scene.book.close()
    scene.keep_numbers()
    return {noun: count for noun, count in written.items() if count}


def _add_customer(scene: Scene, n: int) -> None:
    dice = scene.dice
    company, _industry, (code, text) = scene.company(n)
    kind = CustomerClass.project if dice.random() < 0.3 else CustomerClass.high_value
    day, seller = int(dice.random() ** 1.2 * scene.days), dice.choice(scene.sellers)
    row = scene.book.add(
        Customer,
        code=scene.number("customer", "X" if kind is CustomerClass.project else "G"),
        customer_class=kind,
        company=company,
        industry_id=dice.choice(scene.options["industry"]),
        level=dice.choice(tuple(Level)),
        source_id=dice.choice(scene.options["source"]),
        status=dice.choice(STATUSES),
        region_code=code,
        region_text=text,
        street=f"工业大道 {n % 900 + 1} 号",
        **scene.imported(day, seller),
    )
    if dice.random() < POOL:
        row["owner_id"] = None
    contact = scene.book.add(
        Contact,
        customer_id=row["id"],
        name=dice.choice(SURNAMES) + dice.choice(GIVEN) + dice.choice(GIVEN),
        title="采购部经理",
        mobile=f"1{dice.choice('3578')}{dice.randrange(10**9):09}",
        is_primary=True,
        created_at=row["created_at"],
    )
    if add_deals(scene, row, day, seller):
        row["status"] = CustomerStatus.won
    _add_follow_ups(scene, row, (day, contact["id"]), seller)


def _add_follow_ups(scene: Scene, customer: Row, since: tuple[int, int], seller: Seller) -> None:
    dice, (first, contact) = scene.dice, since
    days = sorted(dice.randint(first, scene.days) for _n in range(dice.randint(2, 8)))
    last = None
    for day in days:
        at, kind = scene.at(day), dice.choice(KINDS)
        met = kind in VISITS
        last = scene.book.add(
            FollowUp,
            at=at,
            created_at=at,
            created_by_id=seller[0],
            customer_id=customer["id"],
            contact_id=contact,
            kind=kind,
            purpose_id=dice.choice(scene.options["purpose"]),
            content=dice.choice(WORDS),
            result=dice.choice(tuple(FollowUpResult)),
            started_at=at - dt.timedelta(hours=1) if met else None,
            ended_at=at if met else None,
            place=customer["region_text"] if met else None,
            owner_id=seller[0],
            owner_department_id=seller[1],
        )
    if last is not None and dice.random() < 0.3:
        scene.book.add(
            FollowUpPlan,
            customer_id=customer["id"],
            kind=FollowUpKind.call,
            content="跟进方案与报价",
            due_at=scene.now + dt.timedelta(days=dice.randint(-20, 30)),
            owner_id=seller[0],
            made_by_id=last["id"],
            created_at=last["at"],
        )
