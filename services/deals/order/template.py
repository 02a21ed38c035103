"""The steps an order starts with: the template of its contract's type, and their dates."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import Contract, ContractType
from models.deals.milestone_template import MilestoneTemplate, MilestoneTemplateStep
from services.records.line_savers import LineSaver
from services.records.records import Values, saver
from services.rights.call import Call

TEMPLATE: Any = MilestoneTemplate.__table__
STEP: Any = MilestoneTemplateStep.__table__
PARTS = ("name", "name_en", "weight", "role_id", "delivers")


@dataclasses.dataclass(frozen=True, slots=True)
class TemplateStep:
    """A step as a template says it; `days_after` counts from the one before."""

    name: str
    name_en: str
    weight: int
    days_after: int
    delivers: bool = False
    at_start: bool = False
    role_id: int | None = None


# What a company starts with; `seed roles` makes a template of it that the administrator changes.
# The warranty weighs nothing: an order is delivered before it has ended.
DEFAULT = (
    TemplateStep("下单确认", "Order confirmed", 5, 0, at_start=True),
    TemplateStep("设计/备料", "Design and materials", 15, 7),
    TemplateStep("生产", "Production", 30, 14),
    TemplateStep("检验", "Inspection", 10, 5),
    TemplateStep("发货", "Shipping", 15, 4, delivers=True),
    TemplateStep("安装调试", "Installation", 15, 10),
    TemplateStep("验收", "Acceptance", 10, 7),
    TemplateStep("质保", "Warranty", 0, 365),
)
ROLES = ("sales", "office", "office", "office", "office", "office", "sales", "office")


@saver(MilestoneTemplate)
class MilestoneTemplateSaver(LineSaver):
    """The rules of a template: it has steps that weigh something, one of them delivers."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check the steps."""
        found = dict(super().check(call, record, values))
        rows = values.get("steps", () if record.id is None else None)
        if "steps" in found or rows is None:
            return found
        wrong = _wrong(rows)
        return found | ({"steps": wrong} if wrong else {})


def _wrong(rows: Sequence[Mapping[str, Any]]) -> Any:
    if any((row.get(key) or 0) < 0 for row in rows for key in ("weight", "days_after")):
        return _("权重和天数不能为负数")
    if not any(1 if row.get("weight") is None else row["weight"] for row in rows):
        return _("至少要有一个节点，且权重不能全为 0")
    if sum(bool(row.get("delivers")) for row in rows) > 1:
        return _("只能有一个交付节点")
    return None


def for_contracts(session: Session, keys: Iterable[int]) -> dict[int, Sequence[TemplateStep]]:
    """Return contract key → the steps of its orders: three statements whatever their number."""
    contract: Any = Contract.__table__
    wanted = sorted(set(keys))
    known = _by_type(session)
    found: dict[int, Sequence[TemplateStep]] = {}
    for n in range(0, len(wanted), 500):
        query = sa.select(contract.c.id, contract.c.type)
        rows = session.execute(query.where(contract.c.id.in_(wanted[n : n + 500])))
        found |= {key: known.get(kind) or known.get(None) or DEFAULT for key, kind in rows}
    return found


def _by_type(session: Session) -> dict[ContractType | None, Sequence[TemplateStep]]:
    """Return type → steps of the first active template of it."""
    query = (
        sa.select(TEMPLATE.c.id, TEMPLATE.c.contract_type, STEP)
        .join(STEP, STEP.c.template_id == TEMPLATE.c.id)
        .where(TEMPLATE.c.active)
        .order_by(TEMPLATE.c.id, STEP.c.ordinal)
    )
    first: dict[ContractType | None, int] = {}
    found: dict[ContractType | None, list[TemplateStep]] = {}
    for row in session.execute(query):
        if first.setdefault(row.contract_type, row.id) == row.id:
            told = {
                field.name: getattr(row, field.name) for field in dataclasses.fields(TemplateStep)
            }
            found.setdefault(row.contract_type, []).append(TemplateStep(**told))
    return dict(found)


def dated(
    steps: Sequence[TemplateStep], day: dt.date, deliver_on: dt.date | None
) -> list[dict[str, Any]]:
    """Return the rows of steps an order of this day starts with: PARTS and planned_on.

    The delivering step falls on the delivery date, those before are spread, those after follow.
    """
    if not steps:
        return []
    days = list(itertools.accumulate(step.days_after for step in steps))
    place = next((n for n, step in enumerate(steps) if step.delivers), len(steps) - 1)
    if deliver_on is not None:
        ahead, whole = max((deliver_on - day).days, 0), days[place]
        # Without days between them the steps up to the delivery are spread evenly.
        parts = days[: place + 1] if whole else ([*range(place + 1)] if place else [1])
        early = [round(ahead * one / parts[-1]) for one in parts]
        days = early + [ahead + one - whole for one in days[place + 1 :]]
    return [
        {key: getattr(step, key) for key in PARTS} | {"planned_on": day + dt.timedelta(days=after)}
        for step, after in zip(steps, days, strict=True)
    ]
