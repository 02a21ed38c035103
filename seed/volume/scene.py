"""What the rows of a volume stand on: dice, dates, sellers, keys of reference data, numbers."""

import dataclasses
import datetime as dt
import random
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest, RequestOrigin
from models.core.mixins import Approval
from models.core.number import NumberCounter
from models.people.department import Department
from models.people.role import Role
from models.people.user import User, user_role
from models.records.dictionary import DictionaryOption
from models.sales.product import Product
from models.sales.stage import Stage
from seed.bulk import Row, RowBook
from seed.demo.companies import CITIES, FORMS, NAMES, TRADES
from services.core import numbers, regions
from services.core.days import today
from services.people.people import DEMO_DOMAIN

SELLERS = 40
TEAMS = ("华北大区", "华东大区", "华南大区", "西部大区")
NO_PASSWORD = "!"  # noqa: S105 # no hash is equal to it: nobody logs in
OPENS = 1  # o'clock UTC: 9 in Shanghai
HOURS = 9

Seller = tuple[int, int | None]  # person, department


@dataclasses.dataclass(slots=True)
class Scene:
    """Everything the writers share; `day` 0 is the first day of the history."""

    connection: Connection
    now: dt.datetime
    first: dt.date
    days: int
    dice: random.Random
    book: RowBook
    sellers: list[Seller]
    products: list[tuple[int, int]]
    options: dict[str, list[int]]
    stages: dict[str, Any]
    places: list[tuple[str, list[tuple[str, str]]]]
    request_id: int = 0
    texts: dict[str, Any] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)

    def date(self, day: int) -> dt.date:
        """Return the calendar day of a day of the history, never one that lies ahead."""
        return self.first + dt.timedelta(days=min(day, self.days))

    def at(self, day: int) -> dt.datetime:
        """Return an instant in office hours of a day, never one that lies ahead."""
        minutes = self.dice.randrange(HOURS * 60)
        clock = dt.datetime.combine(self.date(day), dt.time(OPENS), dt.UTC)
        return min(clock + dt.timedelta(minutes=minutes), self.now)

    def imported(self, day: int, seller: Seller) -> dict[str, Any]:
        """Return what a reviewed record of historic data has: dated then, approved now."""
        return {
            "owner_id": seller[0],
            "created_owner_id": seller[0],
            "created_department_id": seller[1],
            "created_by_id": seller[0],
            "created_at": self.at(day),
            "approval": Approval.approved,
            "decided_at": self.now,
            "submitted_at": self.now,
        }

    def number(self, noun: str, letter: str = "") -> str:
        """Return the next number of today; `keep_numbers` writes the counters."""
        on = today(self.now)
        key = numbers.counter_key(noun, letter, on)
        self.counts[key] = n = self.counts.get(key, 0) + 1
        found: str = self.texts[noun](letter, on, n)
        return found

    def keep_numbers(self) -> None:
        """Leave the counters where the numbers ended, so that the next one follows."""
        table = NumberCounter.__table__
        keys = list(self.counts)
        self.connection.execute(sa.delete(table).where(table.c.key.in_(keys)))
        rows = [{"key": key, "n": n} for key, n in self.counts.items()]
        self.connection.execute(sa.insert(table), rows)

    def company(self, n: int) -> tuple[str, str, tuple[str, str]]:
        """Return (name, industry code, district) of the n-th company."""
        city, districts = self.places[n % len(self.places)]
        first, second = NAMES[n % len(NAMES)], NAMES[n // len(NAMES) % len(NAMES)]
        industry = self.dice.choice(list(TRADES))
        trade = self.dice.choice(TRADES[industry])
        name = f"{city}{first}{second}{trade}{self.dice.choice(FORMS)}"
        return name, industry, self.dice.choice(districts)


def open_scene(connection: Connection, *, years: int, seed: int, now: dt.datetime) -> Scene:
    """Read what is there, add sellers and products where there are none, open the request."""
    days = 365 * years
    book = RowBook(connection)
    option, stage = DictionaryOption.__table__, Stage.__table__
    options: dict[str, list[int]] = {}
    for kind, key in connection.execute(
        sa.select(option.c.kind, option.c.id)
        .where(option.c.active, option.c.ordinal < 100)
        .order_by(option.c.id)
    ):
        options.setdefault(kind.name, []).append(key)
    scene = Scene(
        connection,
        now,
        today(now) - dt.timedelta(days=days),
        days,
        random.Random(seed),
        book,
        sellers=_sellers(connection) or _hire(book, now),
        products=_products(connection) or _make_products(book, now),
        options=options,
        stages={row.code: row for row in connection.execute(sa.select(stage))},
        places=_places(),
    )
    counter = NumberCounter.__table__
    scene.counts = dict(connection.execute(sa.select(counter.c.key, counter.c.n)).all())
    with Session(connection) as session:
        for noun in ("customer", "opportunity", "contract", "order", "payment"):
            scene.texts[noun] = numbers.pattern_of(session, noun)
    scene.request_id = _request(book, now)["id"]
    book.write()
    return scene


def _sellers(connection: Connection) -> list[Seller]:
    user, role, link = User.__table__, Role.__table__, user_role
    rows = connection.execute(
        sa.select(user.c.id, user.c.department_id)
        .select_from(user.join(link, link.c.user_id == user.c.id).join(role))
        .where(role.c.name == "sales", user.c.active)
        .order_by(user.c.id)
    )
    return [(key, place) for key, place in rows]


def _hire(book: RowBook, now: dt.datetime) -> list[Seller]:
    """Add sellers in four departments; nobody can log in as one of them."""
    teams = [book.add(Department, name=name, created_at=now)["id"] for name in TEAMS]
    people = [
        book.add(
            User,
            name=f"销售{n:02}",
            email=f"volume-{n:02}@{DEMO_DOMAIN}",
            department_id=teams[n % len(teams)],
            password=NO_PASSWORD,
            fs_uniquifier=uuid.uuid4().hex,
            created_at=now,
        )
        for n in range(SELLERS)
    ]
    book.write()
    role = Role.__table__
    sales = book.connection.execute(sa.select(role.c.id).where(role.c.name == "sales")).scalar_one()
    links = [{"user_id": row["id"], "role_id": sales} for row in people]
    book.connection.execute(sa.insert(user_role), links)
    return [(row["id"], row["department_id"]) for row in people]


def _products(connection: Connection) -> list[tuple[int, int]]:
    table = Product.__table__
    rows = connection.execute(sa.select(table.c.id, table.c.price).where(table.c.active))
    return [(key, price or 0) for key, price in rows]


def _make_products(book: RowBook, now: dt.datetime) -> list[tuple[int, int]]:
    rows = [
        book.add(Product, code=f"V{n:03}", name=f"产品{n}", price=n * 950_00, created_at=now)
        for n in range(1, 31)
    ]
    book.write()
    return [(row["id"], row["price"]) for row in rows]


def _places() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return [(city, [(code, full text)])] of the cities' districts."""
    found = []
    for prefix, city, _share in CITIES:
        codes = [
            district[0]
            for province in regions.tree()
            for town in province[2]
            for district in town[2]
            if district[0].startswith(prefix)
        ]
        found.append((city, [(code, regions.text_of(code) or "") for code in codes]))
    return found


def _request(book: RowBook, now: dt.datetime) -> Row:
    """Add the one request that stands behind an import of historic rows."""
    return book.add(
        ApprovalRequest,
        noun="customer",
        round=1,
        title="历史数据导入",
        state=Approval.approved,
        origin=RequestOrigin.import_file,
        seen_version=1,
        payload={},
        payload_hash="0" * 64,
        submitted_at=now,
        decided_at=now,
    )
