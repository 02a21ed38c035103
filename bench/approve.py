"""Many requests approved in one bulk verb, against one bare UPDATE of as many rows."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.report import Line, Options, seconds
from models.approval.request import ApprovalCopy, ApprovalEvent, ApprovalRequest, Decision
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerStatus
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Outbox
from models.rights.audit import AuditAction, AuditLog
from models.sales.follow_up import FollowUp
from services import approval
from tests.support.databases import Databases
from tests.support.world import World, make_app, seed_people

ROUNDS = 3


def run(options: Options) -> Iterator[Line]:
    """Submit, then decide, on both databases."""
    with tempfile.TemporaryDirectory() as folder:
        databases = Databases(Path(folder), seed_people)
        try:
            for kind in options.kinds:
                with databases.fresh(kind) as url, World(make_app(url)) as world:
                    yield _line(world, kind, options.items)
        finally:
            databases.close()


def _line(world: World, kind: str, many: int) -> Line:
    """Take the median of three rounds; every round approves, then updates, rows of its own."""
    ours, bare = [], []
    for _round in range(ROUNDS):
        first = _submit(world, many)
        world.be("reviewer")
        request = ApprovalRequest
        query = sa.select(request.id, request.seen_version)
        seen = world.session.execute(query.where(request.state == Approval.pending)).all()
        items = [(key, version) for key, version in seen]
        world.session.rollback()
        ours.append(seconds(lambda items=items: _approve(world, items)))
        _assert_effects(world, [key for key, _version in items])
        bare.append(seconds(lambda first=first: _bare(first)))
    middle = ROUNDS // 2
    return Line(
        f"approve {many:,} in bulk, {kind}",
        1000 * sorted(ours)[middle],
        1000 * sorted(bare)[middle],
        note=f"median of {ROUNDS}, every effect of every item counted",
    )


def _submit(world: World, many: int) -> int:
    """Submit new customers; return the first one's id."""
    keys = []
    with world.acting("sales"):
        for _n in range(many):
            record = world.create(Customer, **world.customer_values())
            approval.submit(world.call, record)
            keys.append(record.id)
    return int(min(keys))


def _approve(world: World, items: list[tuple[int, int]]) -> None:
    with world.acting("reviewer"):
        approval.decide_many(world.call, items, verb="approve", comment=None)


def _assert_effects(world: World, requests: list[int]) -> None:
    """Count what a bulk approval has to leave of every item; raise when something is missing."""
    request, record = ApprovalRequest.__table__, Customer.__table__
    first, last = min(requests), max(requests)
    ours = request.c.id.between(first, last)
    records = sa.select(request.c.record_id).where(ours)
    approved = Approval.approved
    kinds = {
        "request": sa.select(request.c.id).where(ours, request.c.state == approved),
        "record": sa.select(record.c.id).where(
            record.c.id.in_(records), record.c.approval == approved
        ),
        "decision": _of(ApprovalTask, first, last, state=TaskState.done),
        "event": _of(ApprovalEvent, first, last, decision=Decision.approve),
        "follow-up": _of(FollowUp, first, last),
        "copy": _of(ApprovalCopy, first, last, state=approved),
        "audit": _audited(records),
    }
    for name, query in kinds.items():
        found = world.session.execute(sa.select(sa.func.count()).select_from(query.subquery()))
        if found.scalar_one() != len(requests):
            message = f"not every item has its {name}"
            raise AssertionError(message)
    if _told(world, len(requests)) != [len(requests)]:
        message = "the batch is not told as one"
        raise AssertionError(message)
    world.session.rollback()


def _of(model: Any, first: int, last: int, **states: Any) -> Any:
    table = model.__table__
    where = [table.c[key] == value for key, value in states.items()]
    return sa.select(table.c.id).where(table.c.request_id.between(first, last), *where)


def _audited(records: Any) -> Any:
    table = AuditLog.__table__
    return sa.select(table.c.id).where(
        table.c.noun == "customer",
        table.c.record_id.in_(records),
        table.c.action == AuditAction.update,
        sa.cast(table.c.changes, sa.String).contains('"approved"'),
    )


def _told(world: World, many: int) -> list[int]:
    """Return how many decisions the newest notice of them counts, with its one mail."""
    table, mail = Notification.__table__, Outbox.__table__
    query = (
        sa.select(table.c.number)
        .join(mail, mail.c.dedupe_key.endswith(sa.literal(":") + table.c.dedupe_key))
        .where(table.c.kind == NoticeKind.decision, table.c.number == many)
        .order_by(table.c.id.desc())
        .limit(1)
    )
    return list(world.session.execute(query).scalars())


def _bare(first: int) -> None:
    """Write one status column of the same customers: the least any approval could cost."""
    table: Any = Customer.__table__
    with db.engine.begin() as connection:
        status = CustomerStatus.contacting
        connection.execute(sa.update(table).where(table.c.id >= first).values(status=status))
