"""Whether a worker lives, and how long its work has been waiting."""

import dataclasses
import datetime as dt

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.delivery.outbox import Outbox
from models.delivery.worker_beat import WorkerBeat
from services.delivery.outbox import LIVE

EVERY = dt.timedelta(seconds=15)
SILENT = dt.timedelta(seconds=60)  # without a sign for so long nobody works
KEPT = dt.timedelta(days=1)
RULE = {"rule": "notice"}
TABLE = WorkerBeat.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Pulse:
    """How the worker's side stands: whether one lives, what is due and since when it waits."""

    alive: bool
    waiting: int
    oldest_seconds: int


def beat(session: Session, name: str, started: dt.datetime, *, now: dt.datetime) -> None:
    """Note that a worker lives. `name` is its host and process; those long silent are forgotten."""
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = (
        build(TABLE)
        .values(name=name, started_at=started, beat_at=now)
        .on_conflict_do_update(index_elements=[TABLE.c.name], set_={"beat_at": now})
    )
    session.execute(statement, execution_options=RULE)
    gone = sa.delete(TABLE).where(TABLE.c.beat_at < now - KEPT)
    session.execute(gone, execution_options=RULE)


def stop(session: Session, name: str) -> None:
    """Forget a worker that ends of itself."""
    session.execute(sa.delete(TABLE).where(TABLE.c.name == name), execution_options=RULE)


def silent(now: dt.datetime) -> sa.ColumnElement[bool]:
    """Return, for a statement, whether no worker has given a sign for SILENT."""
    return ~sa.exists().where(TABLE.c.beat_at > now - SILENT)


def pulse(connection: sa.Connection, *, now: dt.datetime) -> Pulse:
    """Return how the worker's side stands; two short statements."""
    row = Outbox.__table__.c
    due = sa.and_(row.state.in_(LIVE), row.next_at <= now)
    count, oldest = connection.execute(
        sa.select(sa.func.count(), sa.func.min(row.created_at)).where(due)
    ).one()
    seconds = max((now - oldest).total_seconds(), 0) if oldest else 0
    dead = connection.execute(sa.select(silent(now))).scalar_one()
    return Pulse(not dead, count, int(seconds))
