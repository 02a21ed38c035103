"""移交 of chosen customers, whoever has them: to one or several in turn, with their open work.

What moves along is what the wizard moves (services/handover/handover.py), of these customers alone.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.batch import BatchJob, BatchVerb, ItemState
from models.customers.customer import Customer
from models.ownership.handover import Handover
from models.people.user import User
from services.bulk import doers, jobs
from services.bulk.doers import Chunk, JobCall, Outcome
from services.bulk.jobs import Task
from services.bulk.record_verbs import note_of
from services.core.errors import Forbidden, Invalid, Locked, NotVisible, Refused, Stale
from services.handover import allotment, handover
from services.ownership import ownership
from services.rights.actor import Actor
from services.rights.call import Call

V = BatchVerb
MOST = 50  # receivers


def handing(session: Session, people: Iterable[int], note: str | None, *, by: Actor) -> Task:
    """Return the task of handing customers over to these people in turn. Raises Forbidden, Invalid.

    `people` without anybody is Invalid on `people`, somebody who cannot be given work on `to_id`.
    """
    handover.people(session, by=by)
    given = list(dict.fromkeys(people))[:MOST]
    if not given:
        raise Invalid({"people": _("请至少选择一位接收人")})
    for key in given:
        ownership.active_user(session, key)
    names = dict(session.execute(sa.select(User.id, User.name).where(User.id.in_(given))).all())
    words = "、".join(names[key] for key in given)
    arguments = {"people": given, "note": note_of(note)}
    return Task(V.handover, Customer.__noun__, words[:500], arguments)


def counts(session: Session, customers: Any, *, by: Actor) -> dict[str, int]:
    """Return kind → how much moves when these customers (keys, or a sub-select) are handed over."""
    customer = Customer.__table__
    givers = [user.id for user in handover.people(session, by=by)]
    found = {}
    for kind, query in allotment.queries(customer.c.owner_id, customers).items():
        mine = query.where(customer.c.owner_id.in_(givers)).order_by(None).subquery()
        number = sa.select(sa.func.count(sa.distinct(mine.c[0])))
        found[kind] = session.execute(number).scalar_one()
    return found


@dataclasses.dataclass(slots=True)
class _Round:
    """One chunk: who may be taken from, who receives, and who is next."""

    givers: frozenset[int]
    people: list[int]
    turn: int

    def allowed(self, row: Any, customer: Customer | None) -> tuple[Customer, int]:
        """Return the customer and who has it; raise what stands against handing it over."""
        if customer is None:
            raise NotVisible
        if row.seen_version is not None and row.seen_version != customer.row_version:
            raise Stale
        if customer.owner_id is None:
            raise Locked(_("客户在公海，请用「分配」"))
        if customer.owner_id not in self.givers:
            raise Forbidden(_("只能移交自己部门人员的工作"))
        if self.people == [customer.owner_id]:
            raise Invalid({"to_id": _("已经是这位销售员的客户")})
        return customer, customer.owner_id

    def next(self, giver: int) -> int:
        """Return who receives the next customer of somebody: never himself."""
        for _try in self.people:
            found = self.people[self.turn % len(self.people)]
            self.turn += 1
            if found != giver:
                return found
        raise Invalid({"to_id": _("接收人不能是本人")})


@doers.together(V.handover)
def hand_chunk(call: JobCall, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
    """Hand a chunk of customers over: what may not go is told, the rest goes giver by giver."""
    session = call.session
    try:
        now_on = _round(call)
    except Refused as refusal:
        return len(chunk.items), {
            row.target_id: doers.refused(call, row, refusal) for row in chunk.items
        }
    customers = _locked(session, [row.target_id for row in chunk.items])
    found: dict[int, Outcome] = {}
    given: dict[int, dict[int, int]] = {}
    for row in chunk.items:
        try:
            customer, giver = now_on.allowed(row, customers.get(row.target_id))
        except Refused as refusal:
            found[row.target_id] = doers.refused(call, row, refusal)
            continue
        found[row.target_id] = Outcome(str(customer))
        given.setdefault(giver, {})[customer.id] = now_on.next(giver)
    note = (call.job.arguments or {}).get("note")
    for giver, to in given.items():
        handover.hand_chosen(call, giver, to, batch_id=call.job.id, note=note)
    return len(chunk.items), found


def _locked(session: Session, keys: list[int]) -> dict[int, Customer]:
    """Return the customers of these that may be seen, as they are until the chunk is over."""
    query = sa.select(Customer).where(Customer.id.in_(keys)).order_by(Customer.id)
    query = query.with_for_update(of=Customer).execution_options(populate_existing=True)
    return {one.id: one for one in session.scalars(query)}


def _round(call: JobCall) -> _Round:
    givers = frozenset(user.id for user in handover.people(call.session, by=call.by))
    people = list((call.job.arguments or {}).get("people", ()))
    if not people:
        raise Invalid({"people": _("请至少选择一位接收人")})
    for key in people:
        ownership.active_user(call.session, key)
    done = jobs.tally(call.session, call.job.id).get(ItemState.done, 0)
    return _Round(givers, people, done)


def take_back(call: Call, job: BatchJob) -> tuple[int, list[str]]:
    """Give back what a job handed over and its receivers still have.

    Returns how many customers went back, and the names of what stays with somebody else.

    Raises Forbidden, NotVisible for another verb, Locked where nothing of it stands.
    """
    if job.verb is not V.handover:
        raise NotVisible
    left = standing(call.session, job)
    if not left:
        raise Locked(_("这次移交已撤销"))
    done = [handover.undo(call, key) for key in left]
    return sum(load["customers"] for load, _names in done), [
        n for _load, names in done for n in names
    ]


def standing(session: Session, job: BatchJob) -> list[int]:
    """Return the keys of the hand-overs of a job that were not taken back, one a giver."""
    query = sa.select(Handover.id).where(Handover.batch_id == job.id, Handover.undone_at.is_(None))
    return list(session.scalars(query.order_by(Handover.id)))
