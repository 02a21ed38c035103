"""客户业绩汇总表: what was signed in the period, what of it came in, and what is new.

Grain: a customer with at least one contract in force signed in the period, or another key by
`by`. Contracts count for their signer, payments and opportunities for their own stamps.
"""

from __future__ import annotations

import pandas as pd
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from dashboards import targets
from dashboards.core import drills
from dashboards.core.columns import TableColumn
from dashboards.core.names import labelled
from dashboards.core.query import BASE, CockpitQuery, SummaryOptions
from dashboards.core.sql import frame, record
from dashboards.core.table import Record
from dashboards.measures import comparison, deals, payments
from dashboards.measures import contracts as facts
from dashboards.measures.declared import leaves
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.groups import PagedGroups
from dashboards.measures.keyed import Ask, keyed
from dashboards.summaries.performance_facts import contracts, customers
from services.rights.actor import Actor

GRAINS = ("customer", "owner", "department", "industry", "level", "source", "month", "contract")
BY = {key: DIMENSIONS[key].caption for key in GRAINS}
SHARE = TableColumn(
    "share",
    _("占比"),
    "ratio",
    _("合同额占全部筛选结果的比例"),
    of=("amount", "whole"),
    drill=facts.ROWS,
)
OF_CONTRACT = (
    facts.AMOUNT, facts.COLLECTED, facts.UNPAID, facts.RATE, facts.INVOICED, facts.UNINVOICED,
    facts.ON_TIME_RATE, facts.DELAY,
)  # fmt: skip
ALL = (
    facts.COUNT, *OF_CONTRACT, payments.CASH, facts.AVERAGE, deals.CREATED, deals.WON_RATE,
)  # fmt: skip
MEASURES = (*(one.column for one in ALL), SHARE)
NUMBERS = tuple(one.key for one in leaves((*ALL, deals.FORECAST_THEN)))
CUSTOMERS = (
    TableColumn("code", _("客户编号"), private=True, link=("customer", "customer_id")),
    TableColumn(
        "company",
        _("客户单位"),
        private=True,
        link=("customer", "customer_id"),
        narrow=("customer", "customer_id"),
    ),
    TableColumn("industry", _("行业"), narrow=("industry", "industry_id")),
    TableColumn("level", _("等级"), "enum", narrow=("level", "level")),
    TableColumn(
        "owner", _("销售员"), help=_("签约人；有几位时显示人数"), narrow=("owner", "owner_id")
    ),
)
CONTRACTS = (
    TableColumn("code", _("合同编号"), private=True, link=("contract", "contract_id")),
    TableColumn("name", _("合同名称"), private=True, link=("contract", "contract_id")),
    TableColumn("company", _("客户单位"), private=True, link=("customer", "customer_id")),
    TableColumn("signed_on", _("签订日"), "date"),
    TableColumn("owner", _("签约人"), narrow=("owner", "owner_id")),
)


def columns(by: str) -> tuple[TableColumn, ...]:
    """Return the columns of a grain."""
    if by == "customer":
        return CUSTOMERS + MEASURES
    if by == "contract":
        return (*CONTRACTS, *(one.column for one in OF_CONTRACT), SHARE)
    narrow = None if by == "month" else (drills.parameter(by), "key")
    told = targets.COLUMNS if by in targets.GRAINS else ()  # beside what they are compared with
    place = [c.key for c in MEASURES].index("amount") + 1
    label = TableColumn("label", BY[by], narrow=narrow)
    return (label, *MEASURES[:place], *told, *MEASURES[place:])


CHOICES = SummaryOptions(
    grains=tuple(BY),
    sorts=lambda by: [c.key for c in columns(by)],
    default_sort=lambda by: "label" if by == "month" else "-amount",
    only=("unpaid",),
    clicked=("contract", "undealt"),
    compared=lambda by: () if by == "contract" else [one.key for one in MEASURES],
)


def groups(actor: Actor, query: CockpitQuery) -> PagedGroups | None:
    """Return the rows of a grain that has many."""
    if query.by == "customer":
        return customers(actor, query, ALL)
    return contracts(actor, query, OF_CONTRACT) if query.by == "contract" else None


def rows(session: Session, actor: Actor, query: CockpitQuery) -> pd.DataFrame:
    """Return all filtered rows of a grain that has few, amounts in 分."""
    by = query.by
    told = (*ALL, deals.FORECAST_THEN) if by in targets.GRAINS else ALL
    data = frame(
        session, keyed(actor, comparison.asks(query, told), {"key": DIMENSIONS[by].column})
    )
    return _with_targets(session, actor, query, data)


def _with_targets(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> pd.DataFrame:
    """Finish the rows of a grain, with the targets that can be told of it."""
    if query.by not in targets.GRAINS:
        return _finished(session, query, data)
    data, rest = targets.beside(session, actor, query, data)
    data = targets.row_of(rest, _finished(session, query, data))
    data["target"] = data["target"].map(lambda v: None if pd.isna(v) else int(v)).astype(object)
    data["targets"] = [targets.asked(query, row) for row in data.to_dict("records")]
    return data


def whole(session: Session, actor: Actor, query: CockpitQuery) -> Record:
    """Return the totals that the rows of a grain do not hold: cash is of any contract."""
    if query.by != "contract":
        return {}
    return record(session, keyed(actor, [Ask(query, (payments.CASH,))], {}))


def _finished(session: Session, query: CockpitQuery, data: pd.DataFrame) -> pd.DataFrame:
    """Fill what a key has none of with 0, and give labels and the whole for the share."""
    data = comparison.filled(data, NUMBERS)
    for end in ("", BASE):
        if f"amount{end}" in data:
            data[f"whole{end}"] = int(data[f"amount{end}"].sum())
            data[f"whole{end}"] = data[f"whole{end}"].astype(object)
    return labelled(session, data, query.by)
