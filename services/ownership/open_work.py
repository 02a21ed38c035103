"""Open opportunities, plan lines and follow-up plans: what changes hands with a customer."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import Contract
from models.deals.payment_plan import PaymentPlan
from models.people.user import User
from models.registry import having
from models.rights.audit import AuditAction
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from models.sales.stage import StageKind
from services.records.settlement import is_open
from services.rights.audit import record as audit

RULE = {"rule": "ownership"}


def move_open_work(session: Session, source: int, target: int, *, customer_id: int) -> None:
    """Move what is open of one customer; closed opportunities, settled lines, done plans stay."""
    deal, plan = Opportunity.__table__, FollowUpPlan.__table__
    line, contract = PaymentPlan.__table__, Contract.__table__
    owed = sa.join(line, contract, contract.c.id == line.c.contract_id)
    keys = {
        "opportunities": sa.select(deal.c.id).where(
            deal.c.customer_id == customer_id, deal.c.deleted_at.is_(None)
        ),
        "plans": sa.select(plan.c.id).where(
            plan.c.customer_id == customer_id, plan.c.deleted_at.is_(None)
        ),
        "instalments": sa.select(line.c.id)
        .select_from(owed)
        .where(contract.c.customer_id == customer_id, contract.c.deleted_at.is_(None)),
    }
    for model in having("moves"):
        table = model.__table__
        if "customer_id" in table.c:
            keys[model.__noun__] = sa.select(table.c.id).where(table.c.customer_id == customer_id)
    for kind, query in keys.items():
        move_work(session, kind, query, source=source, target=target)


def still_held(model: type[Any], owner: Any) -> list[Any]:
    """Return the conditions of an entity that `moves`: it is this owner's and was not deleted."""
    table = model.__table__
    return [table.c.owner_id == owner, *(table.c.deleted_at.is_(None),) * ("deleted_at" in table.c)]


def move_work(session: Session, kind: str, keys: Any, *, source: int, target: int) -> list[int]:
    """Move opportunities, plan lines or follow-up plans that are still the source's and open.

    kind: opportunities, instalments, plans or the noun of an entity that `moves`; keys: a list or a
    sub-select. Returns the keys of what moved.
    """
    deal, plan, line = (model.__table__ for model in (Opportunity, FollowUpPlan, PaymentPlan))
    user = User.__table__
    department = sa.select(user.c.department_id).where(user.c.id == target).scalar_subquery()
    kinds: dict[str, tuple[str, Any, Any, dict[str, Any]]] = {
        "opportunities": (
            "opportunity", deal, deal.c.state == StageKind.open,
            {"row_version": deal.c.row_version + 1},
        ),
        "plans": (
            "plan", plan, plan.c.done_at.is_(None), {"row_version": plan.c.row_version + 1},
        ),
        "instalments": (
            "paymentplan", line, is_open(line.c),
            {"owner_department_id": department},
        ),
    }  # fmt: skip
    kinds |= {model.__noun__: _declared(model, source) for model in having("moves")}
    noun, table, still, values = kinds[kind]
    statement = (
        sa.update(table)
        .where(table.c.id.in_(keys), table.c.owner_id == source, still)
        .values(owner_id=target, **values)
        .returning(table.c.id)
    )
    moved = list(session.execute(statement, execution_options=RULE).scalars())
    note_change(session, noun, moved, source, target)
    return moved


def _declared(model: type[Any], source: int) -> tuple[str, Any, Any, dict[str, Any]]:
    """Return noun, table, condition and what else is written for an entity that `moves`."""
    table = model.__table__
    version = {"row_version": table.c.row_version + 1} if "row_version" in table.c else {}
    return model.__noun__, table, sa.and_(*still_held(model, source)), version


def follow_owner(session: Session, record: Any) -> None:
    """Move what is open of an opportunity or a contract along with an owner that was just changed.

    Planned follow-ups of an opportunity, unpaid instalments of a contract; only what was the old
    owner's. Called before the flush: the old owner is read from the record's history.
    """
    history = sa.inspect(record).attrs.owner_id.history
    source, target = next(iter(history.deleted or ()), None), record.owner_id
    if record.id is None or source is None or target is None:
        return
    plan, line = FollowUpPlan.__table__, PaymentPlan.__table__
    kind, column = (
        ("plans", plan.c.opportunity_id)
        if isinstance(record, Opportunity)
        else ("instalments", line.c.contract_id)
    )
    keys = sa.select(column.table.c.id).where(column == record.id)
    move_work(session, kind, keys, source=source, target=target)


def note_change(
    session: Session, noun: str, keys: Iterable[int], source: int | None, target: int | None
) -> None:
    """Audit a change of owner that went past the unit of work."""
    rows = [
        {
            "action": AuditAction.update,
            "noun": noun,
            "record_id": key,
            "label": str(_("归属变更")),
            "changes": {"owner_id": [source, target]},
        }
        for key in keys
    ]
    audit(session, rows)
