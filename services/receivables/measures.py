"""What the grids of contracts, orders and instalments show of n/m, three axes and what is overdue.

One declaration each: caption, kind and value in SQL. Columns, sorting, filters and files read it.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.deals.contract import IN_FORCE, Contract
from models.deals.order import MilestoneState, Order
from models.deals.payment_plan import PaymentPlan
from services.receivables import standing
from services.receivables.standing import STEP, Number
from services.records import settlement

Value = Callable[[Any, dt.date], Number]  # (columns of a table or the model, day) → a scalar


@dataclasses.dataclass(frozen=True, slots=True)
class GridMeasure:
    """A computed column: kinds share (basis points), money (分) and int.

    `whole` makes n/m of it, `late` counts what of that is overdue; `rare` is shown to who asks.
    """

    caption: Any
    kind: str
    value: Value
    whole: Value | None = None
    late: Value | None = None
    rare: bool = False

    @property
    def parts(self) -> dict[str, Value]:
        """Return what it is made of, by the names of `Measured`."""
        every = {"value": self.value, "whole": self.whole, "late": self.late}
        return {key: make for key, make in every.items() if make is not None}


Measures = Mapping[str, GridMeasure]
MEASURES: dict[type[Any], Measures] = {}
DONE = STEP.c.state == MilestoneState.done
WEIGHED = STEP.c.state != MilestoneState.skipped


def _measured(model: type[Any], some: Measures) -> Measures:
    MEASURES[model] = some
    return some


def _late_lines(contract: Any, day: dt.date) -> Number:
    late = settlement.lines_of(
        contract, lambda line: sa.and_(line.due_on < day, settlement.is_open(line))
    )
    return sa.case((contract.state.in_(IN_FORCE), late), else_=0)


def _its(value: Callable[[Any], Number]) -> Value:
    return lambda row, _day: standing.of_its_contract(row.contract_id, value)


OF_CONTRACT = _measured(
    Contract,
    {
        "plans": GridMeasure(
            _("已收期数"),
            "int",
            lambda c, _day: settlement.paid_of(c),
            whole=lambda c, _day: settlement.lines_of(c, lambda _line: sa.true()),
            late=_late_lines,
        ),
        "paid": GridMeasure(
            _("回款（%）"), "share", lambda c, _day: standing.points(standing.paid(c), c.amount)
        ),
        "invoiced": GridMeasure(
            _("开票（%）"), "share", lambda c, _day: standing.points(standing.billed(c), c.amount)
        ),
        "delivered": GridMeasure(
            _("交付（%）"), "share", lambda c, _day: standing.delivered(standing.orders_of(c))
        ),
        "overdue": GridMeasure(_("逾期金额"), "money", standing.overdue),
        "days": GridMeasure(_("逾期天数"), "int", standing.late_days, rare=True),
        "late_delivery": GridMeasure(
            _("交付逾期天数"),
            "int",
            lambda c, day: sa.case(
                (c.state.in_(IN_FORCE), standing.late_steps(standing.orders_of(c), day)), else_=0
            ),
            rare=True,
        ),
        "late_invoicing": GridMeasure(_("应开未开"), "money", standing.unbilled_due, rare=True),
        "unbilled": GridMeasure(
            _("已回款未开票"),
            "money",
            lambda c, _day: standing.more(standing.paid(c), standing.billed(c)),
            rare=True,
        ),
        "uncollected": GridMeasure(
            _("已开票未回款"),
            "money",
            lambda c, _day: standing.more(standing.billed(c), standing.paid(c)),
            rare=True,
        ),
    },
)
OF_ORDER = _measured(
    Order,
    {
        "steps": GridMeasure(
            _("完成节点"),
            "int",
            lambda o, _day: standing.steps(standing.only(o.id), DONE),
            whole=lambda o, _day: standing.steps(standing.only(o.id), WEIGHED),
        ),
        "progress": GridMeasure(
            _("交付（%）"), "share", lambda o, _day: standing.delivered(standing.only(o.id))
        ),
        "days": GridMeasure(
            _("逾期天数"), "int", lambda o, day: standing.late_steps(standing.only(o.id), day)
        ),
        "invoiced": GridMeasure(
            _("合同开票（%）"),
            "share",
            _its(lambda c: standing.points(standing.billed(c), c.amount)),
        ),
        "paid": GridMeasure(
            _("合同回款（%）"), "share", _its(lambda c: standing.points(standing.paid(c), c.amount))
        ),
        "overdue": GridMeasure(
            _("合同逾期金额"),
            "money",
            lambda o, day: standing.of_its_contract(
                o.contract_id, lambda c: standing.overdue(c, day)
            ),
        ),
    },
)
OF_INSTALMENT = _measured(
    PaymentPlan,
    {
        "plans": GridMeasure(
            _("合同已收期数"),
            "int",
            _its(settlement.paid_of),
            whole=_its(lambda c: settlement.lines_of(c, lambda _line: sa.true())),
        ),
        "delivered": GridMeasure(
            _("合同交付（%）"), "share", _its(lambda c: standing.delivered(standing.orders_of(c)))
        ),
        "invoiced": OF_ORDER["invoiced"],
        "paid": OF_ORDER["paid"],
    },
)


@functools.lru_cache(maxsize=16)
def sorts(model: type[Any], day: dt.date) -> Mapping[str, Any]:
    """Return key → SELECT of (record, value) of what a grid is sorted by; made once a day."""
    c = model.__table__.c
    return {
        key: sa.select(c.id, one.value(c, day).label("value"))
        for key, one in MEASURES[model].items()
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Measured:
    """What one measure of one record comes to; `whole` and `late` where it has them."""

    value: int
    whole: int | None = None
    late: int = 0


def told(
    session: Session, model: type[Any], keys: Iterable[int], day: dt.date, wanted: set[str]
) -> dict[str, dict[int, Measured]]:
    """Return measure → record → what it comes to, of some records: one statement."""
    chosen = {key: one for key, one in MEASURES[model].items() if key in wanted}
    found: dict[str, dict[int, Measured]] = {key: {} for key in chosen}
    if not chosen:
        return found
    hashable: Any = model
    for row in session.execute(_asking(hashable, day, tuple(chosen)), {"keys": list(keys)}):
        for key, one in chosen.items():
            parts = {part: int(getattr(row, f"{key}_{part}") or 0) for part in one.parts}
            found[key][row.id] = Measured(**parts)
    return found


@functools.lru_cache(maxsize=64)
def _asking(model: type[Any], day: dt.date, wanted: tuple[str, ...]) -> Any:
    """Return the statement of measures, which takes longer to be written than to be answered."""
    c = model.__table__.c
    columns = [
        make(c, day).label(f"{key}_{part}")
        for key in wanted
        for part, make in MEASURES[model][key].parts.items()
    ]
    mine = c.id.in_(sa.bindparam("keys", expanding=True))
    return sa.select(c.id, *columns).where(mine)
