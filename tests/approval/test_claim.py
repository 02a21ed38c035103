"""Nobody moves what he submitted or last edited: each of the two alone keeps him out."""

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.approval.task import TaskState
from models.core.base import db
from services.approval.request.request_lock import claim
from services.core.errors import Refused


def handed_in(world, submitter, editor):
    """Return a request with an open task of the reviewer, as if these two had written it."""
    _key, key = world.submitted()
    request = ApprovalRequest.__table__
    people = {
        "submitted_by_id": world.id_of(submitter),
        "last_editor_id": editor and world.id_of(editor),
    }
    world.session.rollback()
    with db.engine.begin() as connection:
        connection.execute(sa.update(request).where(request.c.id == key).values(people))
    return key


def take(world, key, *, own=False):
    """Claim it and return the task's state; the decision, the caller's part, is left out."""
    world.be("reviewer")
    request = world.session.get_one(ApprovalRequest, key)
    seen = request.seen_version
    (held,) = claim(world.call, request, seen=seen, own=own)
    with world.session.no_autoflush:
        state = held.state
    world.session.rollback()
    return state


@pytest.mark.parametrize(("submitter", "editor"), [("sales", "sales"), ("sales", None)])
def test_an_assignee_who_wrote_nothing_takes_it(world, submitter, editor):
    assert take(world, handed_in(world, submitter, editor)) is TaskState.done


@pytest.mark.parametrize(
    ("submitter", "editor"),
    [("reviewer", "sales"), ("reviewer", None), ("sales", "reviewer"), ("reviewer", "reviewer")],
)
def test_neither_the_submitter_nor_the_last_editor_takes_it(world, submitter, editor):
    key = handed_in(world, submitter, editor)

    with pytest.raises(Refused) as refusal:
        take(world, key)

    assert refusal.value.code == "OWN_RECORD"


def test_what_decides_nothing_is_open_to_the_submitter(small):
    assert take(small, handed_in(small, "reviewer", "reviewer"), own=True) is TaskState.done
