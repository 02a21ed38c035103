"""Who gets what of a leaver's open work: one person, one a kind, one a level, or in turn.

What hangs on a customer that moves goes where the customer goes, unless a person is named for its
kind. The allotment is worked out once: the preview counts it, the hand-over does it.
"""

import collections
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.cached import cached
from models.customers.customer import Customer, Level
from models.deals.contract import Contract
from models.deals.payment_plan import PaymentPlan
from models.people.user import User
from models.registry import having
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.stage import StageKind
from services.core.errors import Invalid
from services.ownership import open_work
from services.records.settlement import is_open

LEVELS: dict[str, Any] = {**{level.name: level.caption for level in Level}, "none": _("未分级")}
WAYS: dict[str, Any] = {
    "one": _("全部交给一人"),
    "kind": _("每类工作指定一人"),
    "level": _("按客户等级指定"),
    "turn": _("多人轮流平均分配"),
    "department": _("部门内轮流平均分配"),
}
Allotment = dict[str, dict[int, int]]  # kind → record → receiver


@cached
def kinds() -> dict[str, Any]:
    """Return kind of open work → caption: ours, then the entities that are declared to move."""
    return {
        "customers": _("客户"),
        "opportunities": _("进行中商机"),
        "instalments": _("未收清的回款计划"),
        "plans": _("跟进计划"),
        **{model.__noun__: model.__caption__ for model in having("moves")},
        "tasks": _("审批待办"),
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Shares:
    """A way and its people: `to` by kind or level (`one`: key "id"), `people` who take turns."""

    way: str
    to: Mapping[str, int] = dataclasses.field(default_factory=dict)
    people: tuple[int, ...] = ()

    @property
    def receivers(self) -> set[int]:
        """Return everybody who may get something."""
        return {*self.to.values(), *self.people}


@dataclasses.dataclass(frozen=True, slots=True)
class OpenThing:
    """One open thing: its key, its customer, the customer's level by name."""

    id: int
    customer_id: int | None
    level: str


def one(to_id: int) -> Shares:
    """Return the way of giving everything to one person."""
    return Shares("one", {"id": to_id})


def work_of(session: Session, leaver_id: int, only: Any = None) -> dict[str, list[OpenThing]]:
    """Return the open work of somebody by kind, of `only` these customers where they are named."""
    return {
        kind: [OpenThing(key, above, getattr(level, "name", "none")) for key, above, level in rows]
        for kind, query in queries(sa.literal(leaver_id), only).items()
        for rows in [session.execute(query).all()]
    }


def queries(giver: Any, only: Any = None) -> dict[str, Any]:
    """Return kind → SELECT (key, customer, level) over Core tables of the open work of a giver.

    The giver is a key, or the column with the customer's owner; `only`: keys of customers, a list
    or a sub-select.
    """
    customer, deal, task = Customer.__table__, Opportunity.__table__, ApprovalTask.__table__
    plan, line, contract = (t.__table__ for t in (FollowUpPlan, PaymentPlan, Contract))
    request = ApprovalRequest.__table__
    own = sa.select(customer.c.id, customer.c.id, customer.c.level).where(
        customer.c.owner_id == giver, customer.c.deleted_at.is_(None)
    )
    found = {
        "customers": own.order_by(customer.c.level, customer.c.id),
        "opportunities": _with_level(deal, deal.c.customer_id).where(
            deal.c.owner_id == giver, deal.c.state == StageKind.open, deal.c.deleted_at.is_(None)
        ),
        "instalments": _with_level(
            line,
            contract.c.customer_id,
            sa.join(line, contract, contract.c.id == line.c.contract_id),
        ).where(line.c.owner_id == giver, contract.c.deleted_at.is_(None), is_open(line.c)),
        "plans": _with_level(plan, plan.c.customer_id).where(
            plan.c.owner_id == giver, plan.c.done_at.is_(None), plan.c.deleted_at.is_(None)
        ),
        **{model.__noun__: _declared(model, giver) for model in having("moves")},
        "tasks": _with_level(
            task, request.c.customer_id, sa.join(task, request, request.c.id == task.c.request_id)
        ).where(task.c.assignee_id == giver, task.c.state == TaskState.open),
    }
    if only is None:
        return found
    return {kind: query.where(customer.c.id.in_(only)) for kind, query in found.items()}


def _declared(model: type[Any], giver: Any) -> Any:
    """Return what a declared entity's owner has, under its customer where it has one."""
    customer_id = model.__table__.c.get("customer_id", sa.null())
    return _with_level(model.__table__, customer_id).where(*open_work.still_held(model, giver))


def _with_level(table: Any, customer_id: Any, source: Any = None) -> Any:
    customer = Customer.__table__
    whole = sa.outerjoin(
        table if source is None else source, customer, customer.c.id == customer_id
    )
    query = sa.select(table.c.id, customer_id, customer.c.level).select_from(whole)
    return query.order_by(table.c.id)


def allot(session: Session, leaver_id: int, shares: Shares) -> Allotment:
    """Return who gets what. Raises Invalid on `to_<key>` or `people` where somebody is lacking."""
    work = work_of(session, leaver_id)
    if shares.way in {"turn", "department"} and not shares.people:
        raise Invalid({"people": _("请至少选择一位接收人")})
    turns: Iterator[int] = itertools.cycle(shares.people or (0,))
    found: Allotment = {}
    for kind, items in work.items():
        above = found.get("customers", {})
        found[kind] = {}
        for item in items:
            follows = shares.way != "kind" and kind != "tasks" and item.customer_id in above
            found[kind][item.id] = (
                above[item.customer_id or 0] if follows else _named(shares, kind, item, turns)
            )
    return found


def along(session: Session, giver_id: int, to: Mapping[int, int]) -> Allotment:
    """Return who gets what when customers go to people: what hangs on each goes where it goes."""
    return {
        kind: {item.id: to[item.customer_id or 0] for item in items}
        for kind, items in work_of(session, giver_id, list(to)).items()
    }


def _named(shares: Shares, kind: str, item: OpenThing, turns: Iterator[int]) -> int:
    if shares.way in {"turn", "department"}:
        return next(turns)
    key = {"one": "id", "kind": kind, "level": item.level}[shares.way]
    if key not in shares.to:
        raise Invalid({"to_id" if key == "id" else f"to_{key}": _("请选择接收人")})
    return shares.to[key]


def counts(allotment: Allotment) -> dict[int, dict[str, int]]:
    """Return receiver → kind → how many."""
    found: dict[int, dict[str, int]] = {}
    for kind, given in allotment.items():
        for receiver, n in collections.Counter(given.values()).items():
            found.setdefault(receiver, dict.fromkeys(kinds(), 0))[kind] = n
    return found


def members(session: Session, department_id: int | None, *, but: int) -> tuple[int, ...]:
    """Return the active people of a department, without the leaver."""
    user = User.__table__
    query = sa.select(user.c.id).where(
        user.c.department_id == department_id, user.c.active, user.c.id != but
    )
    return tuple(session.execute(query.order_by(user.c.id)).scalars())
