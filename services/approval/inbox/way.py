"""The way of one request through its steps, and who has it now."""

import dataclasses
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalStep
from models.approval.request import ApprovalCopy, ApprovalRequest
from models.approval.task import ApprovalTask, TaskState
from models.core.mixins import Approval
from models.people.user import User
from services.approval.flow.flow import ordinal
from services.approval.flow.forks import block, follows


@dataclasses.dataclass(frozen=True, slots=True)
class WayStep:
    """A step at its place: its name, done | now | next, the branch it runs in (None: alone).

    `waiting` are the names of those whose turn it is.
    """

    place: int
    name: str
    state: str
    lane: int | None = None
    waiting: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class Way:
    """The steps, and who has it now by name and key.

    `second` are those who must not decide themselves: a second person has to (需第二位审批人).
    `copied` are the names of those whom the flow gives a copy, beside the submitter, `picked` of
    those whom he named himself. `back` are the places a request can be sent back to: steps before
    it, of branches the first one. `fills` are the fields each holder may fill (field → whether he
    must), by his key.
    """

    steps: list[WayStep]
    copied: str = ""
    picked: str = ""
    waiting: list[str] = dataclasses.field(default_factory=list)
    people: set[int] = dataclasses.field(default_factory=set)
    second: set[int] = dataclasses.field(default_factory=set)
    back: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    fills: dict[int, dict[str, bool]] = dataclasses.field(default_factory=dict)


def way_of(session: Session, request: ApprovalRequest) -> Way:
    """Return the way of a request through its steps; one statement."""
    here = block(request.lanes, request.step)
    names: dict[int, str] = {}
    held: dict[int, list[str]] = {}
    way = Way([])
    for row in session.execute(_rows(request, here)):
        names[row.ordinal] = f"{row.name} {row.share}%" if row.share else row.name
        way.copied, way.picked = row.copied or "", row.picked or ""
        if row.key is not None:
            held.setdefault(row.step, []).append(row.person)
            way.people.add(row.key)
            way.second |= {row.key} if row.needs_second else set()
            found = way.fills.setdefault(row.key, {})
            found |= {key: found.get(key, False) or row.fills_needed for key in row.fills}
    for place in range(1, request.steps + 1):
        lane = request.lanes[place - 1] if request.lanes else None
        name = names.get(ordinal(request, place), str(place))
        state = _state(request, place, held)
        branch = lane[1] if lane else None
        way.steps.append(WayStep(place, name, state, branch, tuple(held.get(place, ()))))
    way.waiting = list(dict.fromkeys(name for some in held.values() for name in some))
    way.back = _back(request, way.steps)
    return way


def _rows(request: ApprovalRequest, here: range) -> sa.Select[tuple[object, ...]]:
    """Select every step of the flow with the open tasks of those the request stands in."""
    step, task, user = ApprovalStep.__table__, ApprovalTask.__table__, User.__table__
    places = {place: ordinal(request, place) for place in here}
    open_here = sa.and_(
        task.c.request_id == request.id,
        task.c.state == TaskState.open,
        sa.case(places, value=task.c.step) == step.c.ordinal,
    )
    who = (user.c.name.label("person"), user.c.id.label("key"), task.c.step, task.c.needs_second)
    return (
        sa.select(
            *step.c["ordinal", "name", "share", "fills", "fills_needed"],
            _readers(request, chosen=False).label("copied"),
            _readers(request, chosen=True).label("picked"),
            *who,
        )
        .outerjoin_from(step, task, open_here)
        .outerjoin(user, user.c.id == task.c.assignee_id)
        .where(step.c.flow_id == request.flow_id)
        .order_by(step.c.ordinal, user.c.id)
    )


def _readers(request: ApprovalRequest, *, chosen: bool) -> sa.ScalarSelect[str | None]:
    """Select the names of who else gets a copy, by the flow or by the submitter's choice."""
    copy, reader = ApprovalCopy.__table__, User.__table__.alias("reader")
    others = sa.and_(copy.c.request_id == request.id, reader.c.id != request.submitted_by_id)
    return (
        sa.select(sa.func.aggregate_strings(reader.c.name, "、"))
        .join(copy, copy.c.user_id == reader.c.id)
        .where(others, copy.c.chosen == sa.literal(chosen))
        .scalar_subquery()
    )


def _state(request: ApprovalRequest, place: int, held: Collection[int]) -> str:
    """Return whether a step is passed, stands now, or comes later.

    Of branches that run at once those are passed in which nobody is asked any more.
    """
    here, over = block(request.lanes, request.step), request.state is not Approval.pending
    if request.state is Approval.approved or place < here[0]:
        return "done"
    if place > here[-1]:
        return "next"
    if over or len(here) == 1 or place in held:
        return "now"
    return "next" if any(follows(request.lanes, place, other) for other in held) else "done"


def _back(request: ApprovalRequest, steps: list[WayStep]) -> list[tuple[int, str]]:
    """Return (place, name) of what a request can be sent back to."""
    found: list[tuple[int, str]] = []
    place = 1
    while place < request.step:
        fork = block(request.lanes, place)
        found.append((place, " / ".join(steps[n - 1].name for n in fork)))
        place = fork[-1] + 1
    return found
