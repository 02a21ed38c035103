"""Figures of approval: how long decisions take, what is rejected and why, what comes again.

Requests are those decided in a period; each number of them has the filter under which the monitor
opens exactly them. Decisions are the tasks of these requests; times are working hours by the one
definition (services/approval/inbox/decision_times.py).
"""

import dataclasses
import datetime as dt
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import plotly.graph_objects as go
import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core.charts import COLOURS, figure, text
from models.approval.flow import ApprovalStep
from models.approval.request import ApprovalRequest, RequestOrigin
from models.approval.task import ApprovalTask
from models.core.mixins import Approval
from models.people.department import Department
from models.people.user import User
from services.approval.flow.flow import ordinal
from services.approval.flow.naming import flow_name
from services.approval.inbox.decision_times import taken, working_hours
from services.approval.oversight.monitor import comes_again
from services.core import texts
from services.core.days import day_bounds, today
from services.core.worktime import WorkCalendar, calendar
from services.query.condition_values import LONGEST, PERIODS

WHEN = ("last_30_days", "last_90_days", "this_month", "last_month", "this_quarter", "this_year")
MOST = 20_000  # requests looked at, the newest
REASONS = 10
HEIGHT, BAR = 120, 26  # pixels of a chart and of each bar


@dataclasses.dataclass(slots=True)
class ProcessRow:
    """A line: requests with the filter that opens them, decisions with their working hours."""

    name: str
    query: dict[str, str] = dataclasses.field(default_factory=dict)
    requests: int = 0
    rejected: int = 0
    again: int = 0
    late: int = 0
    hours: list[float] = dataclasses.field(default_factory=list)

    @property
    def mean(self) -> float | None:
        """Return the mean working hours of a decision."""
        return round(statistics.fmean(self.hours), 1) if self.hours else None

    @property
    def median(self) -> float | None:
        """Return the median working hours of a decision."""
        return round(statistics.median(self.hours), 1) if self.hours else None


@dataclasses.dataclass(frozen=True, slots=True)
class Process:
    """All figures of a period: by flow, its steps, by approver, by department, and the reasons."""

    whole: ProcessRow
    flows: list[ProcessRow]
    steps: list[ProcessRow]
    people: list[ProcessRow]
    departments: list[ProcessRow]
    reasons: list[ProcessRow]


def process(session: Session, period: str, *, now: dt.datetime) -> Process:
    """Return the figures of the requests the session's actor may see, of one of WHEN.

    Four statements, through the read gate.
    """
    first, end = PERIODS[period][1](today(now))
    within = (day_bounds(first)[0], day_bounds(end)[0])
    base = {"f.decided_at": period, "f.state": "approved,rejected"}
    requests = {row.id: row for row in session.execute(_requests(within))}
    decisions = _decisions(session, within, requests, calendar(session))
    whole = ProcessRow(_("合计"), base)
    for row in requests.values():
        _count(whole, row)
    for one in decisions:
        _add(whole, one)
    rows = requests.values()
    return Process(
        whole,
        _grouped(base, rows, decisions, _flow),
        _steps(decisions),
        _people(base, decisions),
        _grouped(base, rows, decisions, _department),
        _reasons(base, rows),
    )


def _requests(within: tuple[dt.datetime, dt.datetime]) -> Any:
    request, user, place = ApprovalRequest, User, Department
    columns = ("id", "noun", "action", "state", "flow_id", "route", "last_comment")
    return (
        sa.select(
            *(getattr(request, key) for key in columns),
            user.department_id,
            place.name.label("department"),
            comes_again(request).label("again"),
        )
        .outerjoin(user, user.id == request.submitted_by_id)
        .outerjoin(place, place.id == user.department_id)
        .where(
            request.state.in_((Approval.approved, Approval.rejected)),
            request.origin == RequestOrigin.form,
            request.decided_at >= within[0],
            request.decided_at < within[1],
        )
        .order_by(request.decided_at.desc(), request.id)
        .limit(MOST)
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Taken:
    """One decision: of which request, in which step, by whom, working hours, whether late."""

    request: Any
    step: tuple[int, str]
    person: tuple[int, str]
    hours: float
    late: bool


def _decisions(
    session: Session, within: Any, requests: Mapping[int, Any], work: WorkCalendar
) -> list[Taken]:
    user, request = User, ApprovalRequest
    task: Any = ApprovalTask
    columns = (task.request_id, task.step, task.created_at, task.decided_at, task.due_at)
    query = (
        sa.select(*columns, user.id, user.name)
        .join(request, request.id == task.request_id)
        .join(user, user.id == task.assignee_id)
        .where(taken(), request.decided_at >= within[0], request.decided_at < within[1])
        .order_by(task.id)
    )
    step = ApprovalStep
    flows = {row.flow_id for row in requests.values()}
    known = sa.select(step.flow_id, step.ordinal, step.name).where(step.flow_id.in_(flows))
    names = {(flow, number): name for flow, number, name in session.execute(known)}
    found = []
    for key, number, given, decided, due, person, name in session.execute(query):
        of = requests.get(key)
        if of is None:
            continue
        place = names.get((of.flow_id, ordinal(_At(of.route, number))), "")
        hours = working_hours(given, decided, work)
        late = due is not None and decided > due
        found.append(Taken(of, (number, place), (person, name), hours, late))
    return found


@dataclasses.dataclass(frozen=True, slots=True)
class _At:
    """What `ordinal` reads: a route, and a place on it."""

    route: list[int] | None
    step: int


def _count(row: ProcessRow, request: Any) -> None:
    row.requests += 1
    row.rejected += request.state is Approval.rejected
    row.again += bool(request.again)


def _add(row: ProcessRow, one: Taken) -> None:
    row.hours.append(one.hours)
    row.late += one.late


Key = tuple[str, dict[str, str]]  # what a line is called, the filter of its requests


def _flow(request: Any) -> Key:
    name = f"{request.noun}.{request.action.name}"
    return flow_name(request.noun, request.action), {"f.flow": name}


def _department(request: Any) -> Key:
    key = request.department_id
    own = "empty" if key is None else str(key)
    return request.department or _("（无部门）"), {"f.submitted_by.department_id": own}


def _grouped(
    base: dict[str, str],
    requests: Iterable[Any],
    decisions: Iterable[Taken],
    key: Callable[[Any], Key],
) -> list[ProcessRow]:
    found: dict[str, ProcessRow] = {}
    for request in requests:
        name, own = key(request)
        _count(found.setdefault(str(own), ProcessRow(name, base | own)), request)
    for one in decisions:
        _add(found[str(key(one.request)[1])], one)
    return sorted(found.values(), key=lambda row: -row.requests)


def _steps(decisions: Iterable[Taken]) -> list[ProcessRow]:
    found: dict[Any, ProcessRow] = {}
    for one in decisions:
        flow, (number, name) = _flow(one.request)[0], one.step
        label = f"{flow} · {number} {name}".strip()
        _add(found.setdefault((flow, number, name), ProcessRow(label)), one)
    return [found[key] for key in sorted(found)]


def _people(base: dict[str, str], decisions: Iterable[Taken]) -> list[ProcessRow]:
    found: dict[int, ProcessRow] = {}
    mine: dict[int, set[int]] = {}
    for one in decisions:
        key, name = one.person
        _add(found.setdefault(key, ProcessRow(name, base | {"f.signer": str(key)})), one)
        mine.setdefault(key, set()).add(one.request.id)
    for key, row in found.items():
        row.requests = len(mine[key])
    return sorted(found.values(), key=lambda row: -row.requests)


def _reasons(base: dict[str, str], requests: Iterable[Any]) -> list[ProcessRow]:
    said = Counter(row.last_comment for row in requests if row.state is Approval.rejected)
    rejected = base | {"f.state": Approval.rejected.name}
    found = []
    for reason, number in said.most_common(REASONS):
        asked = "empty" if reason is None else f"eq:{reason}"
        plain = reason is None or (len(reason) <= LONGEST and texts.clean(reason) == reason)
        query = rejected | {"f.last_comment": asked} if plain else {}  # else no filter names it
        found.append(ProcessRow(reason or _("（只在字段旁批注）"), query, requests=number))
    return found


def hours_chart(found: Process) -> go.Figure:
    """Return the mean working hours of a decision by step."""
    rows = [(row.name, row.mean) for row in found.steps]
    return _bars(_("各步骤平均用时（工作小时）"), rows, COLOURS[0])


def reasons_chart(found: Process) -> go.Figure:
    """Return the commonest reasons of rejections."""
    rows = [(row.name, row.requests) for row in found.reasons]
    return _bars(_("驳回原因"), rows, COLOURS[5])


def _bars(title: str, rows: list[tuple[str, Any]], colour: str) -> go.Figure:
    bar = go.Bar(
        x=[value for _name, value in reversed(rows)],
        y=[text(name[:24]) for name, _value in reversed(rows)],
        orientation="h",
        marker={"color": colour},
    )
    return figure(title, [bar], height=HEIGHT + BAR * len(rows))
