"""A dry run of a flow: which steps a record would take, why, who would get it; writes nothing."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import ApprovalFlow, ApprovalStep, ApproverKind, StepMode
from models.people.user import User
from services.approval.flow.agreed_before import agreed_before, collapses, signed_by, sure_to_sign
from services.approval.flow.approvers import approvers, readers
from services.approval.flow.barred import would_bar
from services.approval.flow.flow import applying, copied, place
from services.approval.flow.forks import lanes_of
from services.approval.flow.preview import Words, parsed
from services.approval.request.tasks import Cast, cast
from services.query import conditions, search
from services.records.fields import inputs_of
from services.records.snapshot import REVIEWED
from services.rights.access import actor_of
from services.rights.actor import Actor
from services.rights.masking import shown as masked

MOST = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a step's condition: in words, what the record says, whether it holds."""

    text: str
    actual: str
    holds: bool


@dataclasses.dataclass(frozen=True, slots=True)
class TrialStep:
    """One step: whether it applies and who gets it; people are (name, whose stand-in).

    `place`: how its branch is called, empty on the main way. `agreed`: who agrees by rule, having
    agreed in a step before; `settled`: nobody else is asked; `perhaps`: who will agree so if it is
    he who approves a step before.
    """

    step: ApprovalStep
    who: str
    condition: str
    applies: bool
    checks: list[Check]
    people: list[tuple[str, str]]
    fallback: bool = False
    second: bool = False
    place: str = ""
    fills: str = ""
    agreed: tuple[str, ...] = ()
    settled: bool = False
    perhaps: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Tell whether the people are known only when somebody submits."""
        return self.applies and self.step.approver_kind is ApproverKind.chosen


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """What would happen; `forced`: no condition held, so the last step stays."""

    steps: list[TrialStep]
    forced: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Foreseen:
    """Who is asked in a step, who agrees by rule, and who perhaps does."""

    asked: Cast
    agreed: Sequence[int] = ()
    perhaps: Sequence[int] = ()
    settled: bool = False


NOBODY = Foreseen(Cast({}))
Who = tuple[int, set[int]]  # who submits, and who may not decide


def trial(
    session: Session, flow: ApprovalFlow, record: Any, *, submitter: int, now: dt.datetime
) -> Trial:
    """Return what a submission of the record by a person would go through now."""
    get, at = conditions.getter(record), place(submitter, now)
    words = Words(session, [flow])
    stays = {step.ordinal for step in applying(flow, type(record), get, at)}
    copies = copied(flow, type(record), get, at)
    never = would_bar(record, submitter, flow.action)
    way = [step for step in flow.steps if step.ordinal in stays]
    found = _foreseen(session, way, (submitter, never), now)
    for step in copies:
        found[step.ordinal] = Foreseen(Cast(dict.fromkeys(readers(session, step, submitter))))
    names = _names(session, found.values())
    steps = [
        TrialStep(
            step,
            told.who,
            told.condition,
            step.ordinal in stays or step in copies,
            _checks(words, parsed(flow.noun, step.condition), _told(session, record, get), get, at),
            place=told.place,
            fills=told.fills,
            **_people(found.get(step.ordinal, NOBODY), names),
        )
        for step, told in zip(flow.steps, words.steps(flow), strict=True)
    ]
    return Trial(steps, forced=_forced(flow, stays, get, at))


def _forced(flow: ApprovalFlow, stays: set[int], get: Any, at: conditions.Place) -> bool:
    """Tell whether the only step stays although its condition does not hold."""
    last = [step for step in flow.steps if step.mode is not StepMode.cc][-1]
    found = parsed(flow.noun, last.condition)
    return stays == {last.ordinal} and found is not None and not found.holds(get, at)


def _told(session: Session, record: Any, get: Any) -> Any:
    """Return what is shown of a value: personal ones only as far as the reader may see them."""
    by, personal = (
        actor_of(session),
        {key for key, one in inputs_of(type(record)).items() if one.facts.sensitive},
    )
    return lambda key: masked(by, record, get(key)) if key in personal else get(key)


def _checks(
    words: Words, found: conditions.Condition | None, told: Any, get: Any, at: conditions.Place
) -> list[Check]:
    if found is None:
        return []
    checks = []
    for leaf in found.leaves():
        one, actual = conditions.Condition(found.model, leaf), told(leaf.key)
        words.learn(leaf.one, actual)
        text = conditions.describe(one, words.text)
        checks.append(Check(text, words.text(leaf.one, actual), one.holds(get, at)))
    return checks


def _foreseen(
    session: Session, way: list[ApprovalStep], who: Who, now: dt.datetime
) -> dict[int, Foreseen]:
    """Return what becomes of each deciding step of a way, as far as it can be known now."""
    submitter, never = who
    found: dict[int, Foreseen] = {}
    lanes, sure, perhaps = lanes_of(way), dict[int, set[int]](), dict[int, set[int]]()
    for place_, step in enumerate(way, 1):
        if step.approver_kind is ApproverKind.chosen:
            continue
        named = approvers(session, step, submitter, None)
        signed = signed_by(place_, lanes, sure) if collapses(step) else set()
        maybe = signed_by(place_, lanes, perhaps) if collapses(step) else set()
        given = agreed_before(step, named, signed - never, never)
        rest = given.rest if given.people else named
        asked = Cast({}) if given.whole else cast(session, rest or named, never, now=now)
        unsure = [p for p in asked.people if p in maybe and p in named]
        found[step.ordinal] = Foreseen(asked, given.people, unsure, settled=given.whole)
        everybody = {*given.people, *asked.people}
        sure[place_] = {*given.people, *sure_to_sign(step, asked.people)}
        perhaps[place_] = everybody - sure[place_]
    return found


def _names(session: Session, found: Iterable[Foreseen]) -> dict[int, str]:
    casts = [pair for one in found for pair in one.asked.people.items()]
    keys = {key for pair in casts for key in pair if key} | {k for one in found for k in one.agreed}
    user = User.__table__
    rows = session.execute(sa.select(user.c.id, user.c.name).where(user.c.id.in_(keys)))
    return {row.id: row.name for row in rows}


def _people(found: Foreseen, names: dict[int, str]) -> dict[str, Any]:
    asked = found.asked
    return {
        "people": [(names[key], names.get(of or 0, "")) for key, of in asked.people.items()],
        "fallback": asked.fallback,
        "second": asked.second,
        "agreed": tuple(names[key] for key in found.agreed),
        "settled": found.settled,
        "perhaps": tuple(names[key] for key in found.perhaps),
    }


def candidates(session: Session, noun: str, text: str, *, by: Actor) -> list[Any]:
    """Return the records a text may mean: the one with this number, else what search finds."""
    model: Any = REVIEWED[noun]
    exact = list(session.scalars(sa.select(model).where(model.code == text.strip()[:100])))
    words = search.words_of(text)
    if exact or not words:
        return exact
    hits = (search.found(session, model, word, by) for word in words)
    return list(
        session.scalars(sa.select(model).where(*hits).order_by(model.id.desc()).limit(MOST))
    )
