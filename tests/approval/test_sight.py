"""A mobile in a submitted content is plain while deciding is one's task, through every door."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalCopy, ApprovalEvent, Decision
from models.bulk.batch import BatchItem
from models.customers.customer import Customer
from models.delivery.notification import Notification
from models.delivery.outbox import Outbox
from models.people.user import User
from models.rights.audit import AuditLog
from models.sales.follow_up import FollowUp
from services import approval
from services.people import people
from services.records import records
from tests.approval.flows import act, flow
from tests.support import kept
from tests.support.visitors import Doors

MOBILE, OTHER = "13711112222", "13733334444"
MASKED, OTHER_MASKED = "137****2222", "137****4444"


def submitted(world, *steps, mobile=MOBILE):
    flow(world, *(steps or ({"people": ["reviewer"]},)))
    return world.submitted(**{"primary.mobile": mobile})


def pages(world, who, request, other=None):
    """Return what every screen that shows a submitted content shows somebody."""
    doors = Doors(world)
    paths = [f"/admin/inbox/?id={request}", f"/admin/request/?id={request}"]
    paths += [f"/admin/inbox/?tab=done&id={request}"]
    if other:
        paths.append(f"/admin/request/compare/?id={request}&with={other}")
    return [doors.get(who, path) for path in paths]


def says(world, who, request, text, other=None):
    """Return whether all, or none, of the screens show a text."""
    found = {
        text in page.text for page in pages(world, who, request, other) if page.status_code == 200
    }
    assert len(found) == 1, "the screens differ"
    return found.pop()


@pytest.fixture
@kept.step
def twin(small):
    """A customer of a near name that reviewer and finance may compare with."""
    return small.approved(company="武汉楚天激光有限公司")


def test_it_is_plain_while_the_task_is_open_and_masked_afterwards(small, twin):
    _key, request = submitted(small)

    assert says(small, "reviewer", request, MOBILE, twin)
    small.decided(request)

    assert not says(small, "reviewer", request, MOBILE, twin)
    assert says(small, "reviewer", request, MASKED, twin)


def test_who_only_stands_above_an_approver_sees_it_masked(small):
    with small.acting("admin"):
        found = small.session.get_one(User, small.id_of("reviewer"))
        found.manager_id = small.id_of("finance")
    _key, request = submitted(small)

    assert says(small, "finance", request, MASKED)
    assert not says(small, "finance", request, MOBILE)


def test_before_ones_step_and_after_a_transfer_it_is_masked(small):
    _key, request = submitted(small, {"people": ["reviewer"]}, {"people": ["reviewer2"]})

    act(small, "reviewer", "transfer", request, to=small.id_of("finance"), comment=None)
    assert not says(small, "reviewer", request, MOBILE)
    assert says(small, "finance", request, MOBILE)
    small.decided(request, who="finance")
    assert not says(small, "finance", request, MOBILE)
    assert says(small, "reviewer2", request, MOBILE)


def test_the_stand_in_sees_it_and_whom_he_stands_in_for_does_not(small):
    day = dt.date(2026, 11, 23)
    with small.acting("reviewer"):
        approval.delegate(
            small.call, to=small.id_of("finance"), from_on=day, to_on=day, reason=None
        )
    _key, request = submitted(small)

    assert says(small, "finance", request, MOBILE)
    assert [page.status_code for page in pages(small, "reviewer", request)][1] == 404


def test_a_change_shows_neither_the_old_nor_the_new_number_afterwards(small):
    key, first = submitted(small)
    small.decided(first)
    with small.acting("sales"):
        record = small.get(Customer, key)
        values = {"primary.mobile": OTHER}
        records.update(small.call, record, values, seen=None)
        (change,) = approval.changes_asked(small.session)

    assert says(small, "reviewer", change, MOBILE)
    assert says(small, "reviewer", change, OTHER)
    small.decided(change)
    for plain, masked in ((MOBILE, MASKED), (OTHER, OTHER_MASKED)):
        assert not says(small, "reviewer", change, plain)
        assert says(small, "reviewer", change, masked)
    assert says(small, "sales", change, OTHER), "his own customer"
    assert says(small, "admin", change, OTHER), "sees personal data anyway"


def test_an_earlier_round_is_masked_while_the_next_one_is_ones_task(small):
    key, first = submitted(small)
    small.decided(first, verb="reject", comment="再核对")
    _key, second = small.submitted(key=key)

    assert not says(small, "reviewer", first, MOBILE)
    assert says(small, "reviewer", second, MOBILE)


@pytest.mark.parametrize("role", ["sales", "office", "analyst"])
def test_who_was_an_approver_neither_reads_nor_says_nor_opens_anything(world, role):
    _key, handled = submitted(world)
    _key, waiting = world.submitted()
    world.decided(handled)
    with world.acting("admin"):
        user = world.session.get_one(User, world.id_of("reviewer"))
        people.set_roles(world.session, user, [role], by=world.actor)
    doors = Doors(world)

    for request in (handled, waiting):
        paths = [f"/admin/request/?id={request}", f"/admin/request/attachment/?id={request}&file=1"]
        paths.append(f"/admin/request/compare/?id={request}&with=1")
        assert {doors.get("reviewer", path).status_code for path in paths} <= {403, 404}
        data = {"id": request, "comment": "还能说吗"}
        said = doors.post("reviewer", "/admin/request/comment/", data)
        assert said.status_code in {403, 404}
    event = ApprovalEvent.__table__
    query = sa.select(event.c.id).where(event.c.decision == Decision.comment)
    assert world.session.execute(query).all() == []


def test_no_number_is_in_what_is_told_mailed_copied_or_synced(small):
    key, first = submitted(small, {"people": ["reviewer"]}, {"people": ["finance"]})
    for who in ("reviewer", "finance"):
        small.decided(first, who=who, comment="同意")
    with small.acting("sales"):
        record = small.get(Customer, key)
        values = {"primary.mobile": OTHER}
        records.update(small.call, record, values, seen=None)
        (change,) = approval.changes_asked(small.session)
    small.decided(change)
    with small.acting("finance"):
        approval.decide_many(small.call, [(change, 1)], verb="approve", comment=None)

    told = (FollowUp, Notification, Outbox, ApprovalCopy, BatchItem, AuditLog)
    for model in (*told, ApprovalEvent):
        rows = small.session.execute(sa.select(model.__table__)).all()
        assert rows
        assert not any(number in repr(rows) for number in (MOBILE, OTHER)), model
