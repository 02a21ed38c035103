"""Stand-ins: chains are followed to their end at every door, circles are refused and harmless."""

import datetime as dt

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from jobs.schedules import tell_overdue
from models.approval.flow import Delegation, StepMode
from models.approval.task import ApprovalTask, TaskState
from models.core.base import db
from models.people.user import User
from services import approval
from services.approval.flow.stand_ins import end_of
from services.core.errors import Invalid
from services.rights.actor import SYSTEM
from tests.approval.flows import act, flow, turn

DAY = dt.date(2026, 11, 23)
PEOPLE = st.integers(1, 6)


@given(links=st.dictionaries(PEOPLE, PEOPLE), person=PEOPLE, able=st.sets(PEOPLE))
def test_a_chain_ends_with_somebody_usable_or_with_nobody(links, person, able):
    links = {a: b for a, b in links.items() if a != b}

    found = end_of(links, person, able.__contains__)

    walked, here = [], person
    while here in links and links[here] not in walked:
        here = links[here]
        walked.append(here)
    circle = here in links
    expected = None if circle else next((one for one in reversed(walked) if one in able), None)
    assert found == expected
    assert found != person


def name(world, who, to, first=0, last=5):
    with world.acting(who):
        approval.delegate(
            world.call,
            to=world.id_of(to),
            from_on=DAY + dt.timedelta(days=first),
            to_on=DAY + dt.timedelta(days=last),
            reason=None,
        )


def test_a_circle_is_refused_on_the_person_and_on_its_own_days_only(world):
    name(world, "reviewer", "manager", 0, 3)
    name(world, "manager", "finance", 2, 8)

    for first, last in ((0, 2), (3, 9)):
        with pytest.raises(Invalid) as refusal:
            name(world, "finance", "reviewer", first, last)
        assert list(refusal.value.errors) == ["delegate_id"]
    name(world, "finance", "reviewer", 4, 9)  # by then reviewer is back


def test_the_direct_way_back_is_refused(small):
    name(small, "reviewer", "manager")

    with pytest.raises(Invalid):
        name(small, "manager", "reviewer")


def chain(world):
    """Reviewer → manager → finance today."""
    name(world, "reviewer", "manager")
    name(world, "manager", "finance")


def behalf(world, request):
    task = ApprovalTask
    query = sa.select(task).where(task.request_id == request, task.state == TaskState.open)
    return [row.on_behalf_of_id for row in world.session.scalars(query)]


def test_a_submission_goes_to_the_end_of_the_chain(world):
    flow(world, {"people": ["reviewer"]})
    chain(world)

    request = world.submitted()[1]

    assert turn(world, request) == ["finance"]
    assert behalf(world, request) == [world.id_of("reviewer")]


def test_the_next_step_goes_to_the_end_of_the_chain(small):
    flow(small, {"people": ["reviewer2"]}, {"people": ["reviewer"]})
    chain(small)
    request = small.submitted()[1]

    small.decided(request, who="reviewer2")

    assert turn(small, request) == ["finance"]


def test_whose_turn_comes_while_he_is_away_has_his_stand_in_asked(small):
    flow(small, {"people": ["reviewer2", "reviewer"], "mode": StepMode.turn})
    request = small.submitted()[1]
    chain(small)

    small.decided(request, who="reviewer2")

    assert turn(small, request) == ["finance"]
    assert behalf(small, request) == [small.id_of("reviewer")]


@pytest.mark.parametrize("verb", ["transfer", "add_sign"])
def test_transfer_and_signature_go_to_the_end_of_the_chain(world, verb):
    flow(world, {"people": ["reviewer2"]})
    chain(world)
    request = world.submitted()[1]
    to = world.id_of("reviewer")
    options = {"to": to} if verb == "transfer" else {"who": to, "before": True}

    act(world, "reviewer2", verb, request, comment=None, **options)

    assert turn(world, request) == ["finance"]
    assert behalf(world, request) == [to]


def test_a_task_is_not_transferred_to_whom_one_stands_in_for(small):
    flow(small, {"people": ["reviewer2"]})
    name(small, "reviewer", "reviewer2")
    request = small.submitted()[1]

    with pytest.raises(Invalid) as refusal:
        act(small, "reviewer2", "transfer", request, to=small.id_of("reviewer"), comment=None)
    assert list(refusal.value.errors) == ["to"]
    assert turn(small, request) == ["reviewer2"]


def test_an_escalation_goes_to_the_end_of_the_chain(small):
    flow(small, {"people": ["reviewer2"]})
    with small.acting("admin"):
        small.session.get_one(User, small.id_of("reviewer2")).manager_id = small.id_of("reviewer")
    name(small, "reviewer", "manager", 0, 30)
    name(small, "manager", "finance", 0, 30)
    request = small.submitted()[1]

    with small.acting(SYSTEM):
        for late in (2, 5):  # reminded first, then handed up
            tell_overdue(small.session, now=small.now + dt.timedelta(days=late))

    assert turn(small, request) == ["reviewer2", "finance"]


def test_the_submitter_at_the_end_of_a_chain_gets_nothing(small):
    flow(small, {"people": ["reviewer"]})
    name(small, "reviewer", "finance")
    name(small, "finance", "manager")

    request = small.submitted("manager")[1]

    assert turn(small, request) == ["finance"], "the last one of the chain who may"


def test_a_circle_from_before_is_harmless(small):
    flow(small, {"people": ["reviewer"]})
    name(small, "reviewer", "manager")
    small.session.rollback()
    stamp = {"created_at": small.now, "updated_at": small.now}
    with db.engine.begin() as connection:
        known = ids(connection)
        back = {"user_id": known["manager"], "delegate_id": known["reviewer"]}
        days = {"from_on": DAY, "to_on": DAY}
        connection.execute(sa.insert(Delegation.__table__).values(back | days | stamp))

    request = small.submitted()[1]

    assert turn(small, request) == ["reviewer"]


def ids(connection):
    user = User.__table__
    return dict(connection.execute(sa.select(user.c.name, user.c.id)).all())
