"""Tells a story through the services: who acts, at which instant, in one session."""

import dataclasses
import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import faker
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.records.dictionary import DictionaryOption
from models.sales.product import Product
from models.sales.stage import Stage
from services.core import regions
from services.core.days import ZONE
from services.deals.lifecycle import states
from services.rights.access import act
from services.rights.actor import SYSTEM, Actor, load_actor

OFFICE_HOURS = (9, 16)  # submitting and deciding come after them


@dataclasses.dataclass(slots=True)
class Teller:
    """`now` is the end of the story; the same seed and day tell the same story."""

    session: Session
    now: dt.datetime
    people: dict[str, int]
    draw: random.Random = dataclasses.field(default_factory=lambda: random.Random(20260101))
    actors: dict[str, Actor] = dataclasses.field(default_factory=dict)
    criteria: dict[str, dict[Any, Any]] = dataclasses.field(default_factory=dict)
    keys: dict[Any, int] = dataclasses.field(default_factory=dict)
    faker: Any = dataclasses.field(default_factory=lambda: faker.Faker("zh_CN"))

    def __post_init__(self) -> None:
        """Load everybody who acts, and the keys of reference data."""
        self.faker.seed_instance(20260101)
        for account, key in self.people.items():
            found = load_actor(self.session, key)
            if found is None:
                raise LookupError(account)
            self.actors[account] = found
        for option in self.session.scalars(sa.select(DictionaryOption)):
            self.keys[option.kind.name, option.code] = option.id
        for stage in self.session.scalars(sa.select(Stage)):
            self.keys["stage", stage.code] = stage.id
        for product in self.session.scalars(sa.select(Product)):
            self.keys["product", product.code] = product.id

    @contextmanager
    def by(self, account: str, at: dt.datetime) -> Iterator[Actor]:
        """Act as somebody at an instant."""
        actor = self.actors[account]
        act(self.session, actor)
        # Nobody's grants change while the story is told: what the gate adds is made once.
        self.session.info["criteria"] = self.criteria.setdefault(account, {})
        self.session.info["now"] = at
        try:
            yield actor
            states.settle_touched(self.session)  # the story commits once, at its end
        finally:
            act(self.session, SYSTEM)
            self.session.info["now"] = self.now  # what the system does, it does today

    def at(self, day: dt.date, hour: int | None = None) -> dt.datetime:
        """Return an instant of office hours on a day, of today one that has passed already.

        Whatever the clock says, it lies on that day, and what comes later in the day stays later.
        """
        found = self.planned(day, hour)
        return found if day < self.today else self._passed(found)

    def planned(self, day: dt.date, hour: int | None = None) -> dt.datetime:
        """Return an instant of office hours on a day, also one that lies ahead."""
        clock = dt.time(hour or self.draw.randint(*OFFICE_HOURS), self.draw.randint(0, 59))
        return dt.datetime.combine(day, clock, ZONE).astimezone(dt.UTC)

    def _passed(self, found: dt.datetime) -> dt.datetime:
        """Press the part of the day from its opening on into what has passed of it.

        A story told at night has no office hours behind it today: then from midnight on.
        """
        midnight = dt.datetime.combine(self.today, dt.time(), ZONE)
        opening = midnight + dt.timedelta(hours=OFFICE_HOURS[0])
        start = opening if self.now > opening + dt.timedelta(hours=1) else midnight
        whole = midnight + dt.timedelta(days=1) - start
        return (start + (found - start) * ((self.now - start) / whole)).astimezone(dt.UTC)

    def after(self, last: dt.datetime) -> dt.datetime:
        """Return an instant a few minutes later, or halfway to the end of the story."""
        pause = dt.timedelta(minutes=self.draw.randint(1, 4))
        return last + min(pause, (self.now - last) / 2)

    @property
    def today(self) -> dt.date:
        """Return the last day of the story."""
        return self.now.astimezone(ZONE).date()

    def workday(self, day: dt.date) -> dt.date:
        """Return the day, or the Monday after a weekend, never one that lies ahead."""
        return min(day + dt.timedelta(days=(0, 0, 0, 0, 0, 2, 1)[day.weekday()]), self.today)

    def district(self, prefix: str) -> str:
        """Return the code of a district of a city."""
        return self.draw.choice(_districts(prefix))


def _districts(prefix: str) -> list[str]:
    codes = [
        district[0]
        for province in regions.tree()
        for city in province[2]
        for district in city[2]
        if district[0].startswith(prefix)
    ]
    return codes or [f"{prefix}00"]
