"""目标 and 完成率 of 客户业绩 and the home page: what was to be signed in the months of a period.

A month counts where its first day lies in the period. A department's target is its own, where it
has none the sum of those of its people (by the department they are in now); by person what
departments set beyond or below their people's is a row of its own, so that totals are those of
every grain. Targets know no customers: a filter or a search on customers leaves nothing to compare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session
from sqlalchemy.sql import ColumnElement, Select

from dashboards.core import filters
from dashboards.core.columns import TableColumn, missing
from dashboards.core.period import DAY
from dashboards.core.query import CockpitQuery
from dashboards.core.scope import STAMPS, TARGET, USER
from dashboards.core.sql import MonthOf, frame, sum_if, total
from dashboards.measures.deals import FORECAST_THEN
from models.people.role import Scope
from services.rights.actor import Actor

GRAINS = frozenset({"owner", "department", "month"})
PEOPLE = frozenset({"owner", "department", "department_only"})
BESIDE = _("部门目标与个人目标之差")
ROWS = "target:{targets}"  # what `asked` says of the row
COLUMNS = (
    TableColumn(
        "target",
        _("目标"),
        "money",
        _("首日在期内的各月目标之和；部门未设目标时为其人员的目标之和；按客户筛选时不计"),
        total="known",
        drill=ROWS,
    ),
    TableColumn(
        "completion",
        _("完成率"),
        "ratio",
        _("期内合同额 ÷ 目标"),
        of=("amount", "target"),
        drill=ROWS,
    ),
    FORECAST_THEN.column,
    TableColumn(
        "forecast_rate",
        _("预测完成率"),
        "ratio",
        _("预测成交额 ÷ 目标"),
        of=("forecast", "target"),
        drill=ROWS,
    ),
)


def told(query: CockpitQuery) -> bool:
    """Tell whether the filters of a query leave something to compare with targets."""
    return not query.words and set(query.keys) - query.idle <= PEOPLE


def _where(actor: Actor, query: CockpitQuery) -> filters.Where:
    return [filters.days(TARGET.c.month, query.period), *filters.narrow(actor, query, "target")]


def _counts(actor: Actor, query: CockpitQuery) -> ColumnElement[bool]:
    """Return whether a target counts besides that of its department: not where that is told too."""
    of_people = "owner" in query.keys and filters.NONE not in query.keys["owner"]
    if of_people or (not actor.system and actor.scope in {Scope.self, Scope.team}):
        return sa.true()
    own = TARGET.alias("own")
    there = sa.select(sa.literal(1)).where(
        own.c.month == TARGET.c.month, own.c.department_id == USER.c.department_id
    )
    return sa.or_(TARGET.c.owner_id.is_(None), ~sa.exists(there.correlate(TARGET, USER)))


def sums(actor: Actor, query: CockpitQuery, key: Any) -> Select[Any]:
    """Return by key what people are to sign (`theirs`) and what counts (`target`)."""
    return (
        sa.select(
            key.label("key"),
            sum_if(TARGET.c.owner_id.is_not(None), TARGET.c.amount).label("theirs"),
            sum_if(_counts(actor, query), TARGET.c.amount).label("target"),
        )
        .select_from(TARGET.outerjoin(USER, USER.c.id == TARGET.c.owner_id))
        .where(*_where(actor, query))
        .group_by(key)
    )


def whole(actor: Actor, query: CockpitQuery) -> Any:
    """Return a sub-select of what is to be signed in the period in all, 0 where nothing is."""
    found = sums(actor, query, TARGET.c.month).subquery("aimed")
    return sa.select(total(found.c.target)).scalar_subquery()


def beside(
    session: Session, actor: Actor, query: CockpitQuery, data: pd.DataFrame
) -> tuple[pd.DataFrame, int]:
    """Return the rows of a grain with their target, and what is beside those of people."""
    if query.by not in GRAINS or not told(query):
        return data.assign(target=None), 0
    stamp = STAMPS["target"]
    keys = {"owner": stamp.owner, "department": stamp.department}
    found = frame(session, sums(actor, query, keys.get(query.by, MonthOf(TARGET.c.month))))
    if query.by != "owner":
        return data.merge(found[["key", "target"]], "outer", on="key"), 0
    rest = int(found["target"].sum()) - int(found["theirs"].sum())
    own = found[found["key"].notna()].drop(columns="target").rename(columns={"theirs": "target"})
    return data.merge(own, "outer", on="key"), rest


def row_of(rest: int, data: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with that of what departments set beyond or below their people's."""
    if not rest:
        return data
    row = dict.fromkeys(data.columns) | {"id": "", "label": str(BESIDE), "target": rest}
    return pd.concat([data, pd.DataFrame([row], dtype=object)], ignore_index=True)


def asked(query: CockpitQuery, row: Mapping[str, Any]) -> str | None:
    """Return the filter of the grid of targets that shows those of a row; None where none does."""
    first, last = query.period.start, query.period.end - DAY
    pairs = [("f.month", f"{first}..{last}")]
    keys = {name: query.keys[name] for name in PEOPLE if name in query.keys}
    if missing(row.get("target")) or row["id"] == "":
        return None
    if query.by in {"owner", "department"}:
        if missing(row["key"]):
            return None
        keys.pop("department", None)  # a row of a tree lies in it
        name = "owner" if query.by == "owner" else "department_only"
        keys[name] = (int(row["key"]),)
    else:
        pairs = [("f.month", f"eq:{row['key']}-01")]
    if "department" in keys or any(filters.NONE in values for values in keys.values()):
        return None
    if "owner" in keys:
        pairs.append(("f.owner_id", "in:" + ",".join(map(str, keys["owner"]))))
    if "department_only" in keys:
        one = "in:" + ",".join(map(str, keys["department_only"]))
        pairs.append(("g", f"any(department_id={one};owner.department_id={one})"))
    return urlencode([*pairs, ("sort", "month")])
