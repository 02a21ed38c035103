"""What the six summaries share: scope, filters, columns, totals, sorting."""

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from dashboards.query import Query
from services.actor import Actor

customer, contract = m.Customer.__table__, m.Contract.__table__
opportunity, payment = m.Opportunity.__table__, m.Payment.__table__
follow_up, plan_line = m.FollowUp.__table__, m.PaymentPlan.__table__
allocation, user, department = (
    m.PaymentAllocation.__table__, m.User.__table__, m.Department.__table__,
)
option, stage, product = m.DictionaryOption.__table__, m.Stage.__table__, m.Product.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """A column: type is text, money (分), int, ratio, date, datetime, days or flag.

    `link` names the screen whose record the frame's `<link>_id` column points at; `help` is the
    definition shown on hover.
    """

    key: str
    label: Any
    type: str = "text"
    link: str = ""
    help: Any = ""
    total: str = ""  # sum, or the name of a function of the summary


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its accessible name."""

    key: str
    title: Any
    figure: go.Figure


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """Who looks at what, in which session."""

    session: Session
    actor: Actor
    query: Query

    @property
    def postgres(self) -> bool:
        """Tell which dialect's date functions to use."""
        return self.session.get_bind().dialect.name == "postgresql"

    def month(self, column: Any, *, instant: bool = False) -> Any:
        """Return the SQL of YYYY-MM in Asia/Shanghai (UTC+8 all year since 1991)."""
        if self.postgres:
            local = sa.func.timezone("Asia/Shanghai", column) if instant else column
            return sa.func.to_char(local, "YYYY-MM")
        args = ("%Y-%m", column, "+8 hours") if instant else ("%Y-%m", column)
        return sa.func.strftime(*args)

    def frame(self, statement: Any) -> pd.DataFrame:
        """Run a Core statement and return its rows with typed columns."""
        result = self.session.execute(statement)
        return pd.DataFrame(result.all(), columns=list(result.keys()))


@dataclasses.dataclass(frozen=True, slots=True)
class Summary:
    """One page: rows → frame, frame → figures, frame → totals."""

    key: str
    caption: Any
    bys: tuple[str, ...]
    sort: str
    columns: Callable[[Query], list[Column]]
    rows: Callable[[Call], pd.DataFrame]
    figures: Callable[[pd.DataFrame, Call], list[Chart]]
    totals: Callable[[pd.DataFrame], dict[str, Any]]
    notes: Callable[[Call], list[str]] = lambda _call: []


def total(column: Any) -> Any:
    """Return SUM as a BIGINT: PostgreSQL's is numeric, and pandas would make a float of it."""
    return sa.cast(sa.func.coalesce(sa.func.sum(column), 0), sa.BigInteger)


def in_scope(actor: Actor, owner: Any, place: Any) -> Any:
    """Return the predicate on the owner and department stamped on a row."""
    if actor.system or actor.scope is m.Scope.all:
        return sa.true()
    if actor.scope is m.Scope.self:
        return owner == actor.id
    if actor.scope is m.Scope.team:
        return owner.in_(actor.team)
    return sa.or_(owner == actor.id, place.in_(actor.departments))


def stamped(call: Call, owner: Any, place: Any) -> list[Any]:
    """Return scope, owner filter and department filter on the stamps of a row."""
    query, found = call.query, [in_scope(call.actor, owner, place)]
    if query.owner is not None:
        found.append(owner == query.owner)
    if query.department is not None:
        found.append(place == query.department)
    return found


def on_customer(query: Query) -> list[Any]:
    """Return the filters on the customer: level, industry, source, province."""
    found: list[Any] = []
    if query.level:
        found.append(customer.c.level == m.Level[query.level])
    for code, kind, column in (
        (query.industry, m.DictionaryKind.industry, customer.c.industry_id),
        (query.source, m.DictionaryKind.source, customer.c.source_id),
    ):
        if code:
            ids = sa.select(option.c.id).where(option.c.kind == kind, option.c.code == code)
            found.append(column.in_(ids))
    if query.province:
        found.append(customer.c.region_code.like(f"{query.province}%"))
    return found


def words_in(query: Query, *columns: Any) -> list[Any]:
    """Return the search box's clauses: every word somewhere."""
    found = []
    for word in query.words:
        text = word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
        found.append(sa.or_(*(c.like(f"%{text}%", escape="\\") for c in columns)))
    return found


def alive(table: Any) -> list[Any]:
    """Return approved and not deleted, as far as the table knows either."""
    found = [table.c.deleted_at.is_(None)]
    if "approval" in table.c:
        found.append(table.c.approval == m.Approval.approved)
    return found


NOBODY = _("（无）")


def names(call: Call, by: str) -> dict[Any, str]:
    """Return key → label of a grouping dimension."""
    if by == "owner":
        query: Any = sa.select(user.c.id, user.c.name)
    elif by == "department":
        query = sa.select(department.c.id, department.c.name)
    elif by == "product":
        query = sa.select(product.c.id, product.c.name)
    elif by in {"industry", "source"}:
        rows = call.session.scalars(sa.select(m.DictionaryOption))
        return {row.id: str(row) for row in rows}
    else:
        return {}
    return {key: label for key, label in call.session.execute(query)}  # noqa: C416 # rows are no tuples


def labelled(call: Call, frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """Add `label` for the grouping key."""
    known = names(call, by)
    none = str(NOBODY)
    if by == "level":
        frame["label"] = [none if pd.isna(k) or k is None else str(k) for k in frame["key"]]
    elif known:
        frame["label"] = [none if pd.isna(k) else known.get(int(k), none) for k in frame["key"]]
    else:
        frame["label"] = [none if k is None or pd.isna(k) else str(k) for k in frame["key"]]
    return frame


def merged(frames: list[pd.DataFrame], key: str = "key") -> pd.DataFrame:
    """Outer-join frames on the key; missing numbers are 0."""
    found = frames[0].astype({key: object})
    for other in frames[1:]:
        found = found.merge(other.astype({key: object}), on=key, how="outer")
    numbers = [c for c in found.columns if c != key and pd.api.types.is_numeric_dtype(found[c])]
    found[numbers] = found[numbers].fillna(0).astype("int64")
    return found


def ordered(frame: pd.DataFrame, sort: str) -> pd.DataFrame:
    """Sort with NULLs last both ways; ties by the row order's id, newest first."""
    key, down = sort.removeprefix("-"), sort.startswith("-")
    if frame.empty or key not in frame.columns:
        return frame
    ranks = [
        (value is None or (not isinstance(value, list) and pd.isna(value)), n)
        for n, value in enumerate(frame[key])
    ]
    known = [n for empty, n in ranks if not empty]
    values = list(frame[key])
    known.sort(key=lambda n: _sortable(values[n]), reverse=down)
    return frame.iloc[[*known, *(n for empty, n in ranks if empty)]].reset_index(drop=True)


def _sortable(value: Any) -> Any:
    return str(value) if hasattr(value, "caption") else value


def sums(frame: pd.DataFrame, *keys: str) -> dict[str, Any]:
    """Return key → integer sum over all rows."""
    return {key: int(frame[key].sum()) if len(frame) else 0 for key in keys}


# -- figures ---------------------------------------------------------------------------------

PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#7f8794")
HATCHES = ("", "/", "x", ".", "\\", "+", "-", "|")


def bars(
    labels: list[str], series: list[tuple[Any, list[Any]]], *, ids: list[Any] | None = None,
    param: str = "", unit: str = "", stacked: bool = False,
) -> go.Figure:
    """Return a bar chart; `param` and `ids` say which filter a click on a bar sets."""
    figure = go.Figure()
    for n, (name, values) in enumerate(series):
        figure.add_bar(
            x=labels, y=values, name=str(name),
            marker={"color": PALETTE[n % 8], "pattern": {"shape": HATCHES[n % 8] if stacked else ""}},
            customdata=[[param, str(k)] for k in ids] if ids else None,
            hovertemplate="%{x}<br>%{y:,}" + unit + "<extra>" + str(name) + "</extra>",
        )
    figure.update_layout(
        template=None, barmode="stack" if stacked else "group",
        margin={"l": 56, "r": 12, "t": 12, "b": 64}, legend={"orientation": "h", "y": 1.12},
        xaxis={"type": "category", "automargin": True}, yaxis={"title": {"text": unit}},
        showlegend=len(series) > 1, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def wan(values: Any) -> list[float]:
    """Return 分 as 万元 for an axis."""
    return [float(Decimal(int(v)) / 1_000_000) for v in values]


def top(frame: pd.DataFrame, key: str, most: int = 20) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the largest rows and the rest."""
    found = frame.sort_values(key, ascending=False, kind="stable")
    return found.head(most), found.iloc[most:]
