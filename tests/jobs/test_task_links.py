"""The link in the mail of a task: signed, after the log-in to the panel, used up by deciding."""

import datetime as dt

import sqlalchemy as sa

from jobs.deliver import letter_of
from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask
from models.delivery.outbox import Channel, Outbox
from models.people.role import Role
from models.rights.audit import AuditLog
from services.approval.inbox import task_links
from services.rights.actor import SYSTEM, load_actor
from tests.approval.flows import act
from tests.support.visitors import Doors

BASE = "https://crm.example.com"


def mailed(world, who="reviewer"):
    """Return the path of the link in the newest mail to somebody."""
    world.be(SYSTEM)
    query = sa.select(Outbox).where(Outbox.channel == Channel.mail)
    query = query.where(Outbox.user_id == world.id_of(who)).order_by(Outbox.id.desc())
    letter = letter_of(world.session.scalars(query).first(), BASE)
    (line,) = [part for part in letter.text.split() if BASE in part]
    return line.partition(BASE)[2]


def rows(world):
    """Return how much of what an opened link could have changed there is."""
    world.be(SYSTEM)
    tasks = world.session.execute(sa.select(ApprovalTask.id, ApprovalTask.state)).all()
    audit = world.session.scalar(sa.select(sa.func.count()).select_from(AuditLog))
    return [tuple(row) for row in tasks], audit


def test_it_leads_to_the_panel_with_its_buttons_and_opening_it_changes_nothing(world):
    _key, request_id = world.submitted()
    path, doors = mailed(world), Doors(world)
    before = rows(world)

    for _scanner in range(2):
        found = doors.get("reviewer", path)
        assert (found.status_code, found.location) == (302, f"/admin/inbox/?id={request_id}")
    page = doors.get("reviewer", found.location).get_data(as_text=True)

    assert path.startswith("/admin/inbox/mail/")
    assert f"/{request_id}/" not in path
    assert 'id="decide"' in page
    assert 'value="approve"' in page
    assert rows(world)[0] == before[0]


def test_it_is_used_up_by_the_decision_and_leads_on_to_what_was_decided(world):
    _key, request_id = world.submitted()
    path, doors = mailed(world), Doors(world)
    world.be("admin")
    seen = world.get(ApprovalRequest, request_id).seen_version
    act(world, "reviewer", "decide", request_id, seen=seen, verb="approve", comment=None)

    found = doors.get("reviewer", path)
    page = doors.get("reviewer", found.location).get_data(as_text=True)

    assert (found.status_code, found.location) == (302, f"/admin/request/?id={request_id}")
    assert "邮件中的链接已用过或失效" in page
    assert world.get(ApprovalRequest, request_id).title in page
    assert 'id="decide"' not in page


def test_whoever_reads_no_requests_is_led_from_a_used_one_to_the_queue(world):
    _key, request_id = world.submitted()
    path, doors = mailed(world), Doors(world)
    act(world, "reviewer", "transfer", request_id, to=world.id_of("manager"), comment=None)
    with world.acting("admin"):
        role = world.session.scalars(sa.select(Role).filter_by(name="reviewer")).one()
        role.permissions = [one for one in role.permissions if one != "request:read"]

    found = doors.get("reviewer", path)
    page = doors.get("reviewer", found.location)

    assert found.location == f"/admin/inbox/?id={request_id}"
    assert page.status_code == 200
    assert "邮件中的链接已用过或失效" in page.get_data(as_text=True)


def test_one_of_a_task_that_went_to_somebody_else_is_used_up_too(world):
    _key, request_id = world.submitted()
    path = mailed(world)
    act(world, "reviewer", "transfer", request_id, to=world.id_of("manager"), comment=None)

    doors = Doors(world)
    found = doors.get("reviewer", path)
    assert found.location == f"/admin/request/?id={request_id}"
    assert "已不在您手上" in doors.get("reviewer", found.location).get_data(as_text=True)
    assert Doors(world).get("manager", mailed(world, "manager")).location == (
        f"/admin/inbox/?id={request_id}"
    )


def test_nobody_else_gets_by_it_and_whoever_is_not_logged_in_learns_nothing(world):
    world.submitted()
    path, doors = mailed(world), Doors(world)
    junk = "/admin/inbox/mail/nonsense"

    asked = [doors.get(None, one) for one in (path, junk)]
    other = doors.get("manager", path)
    told = doors.get("manager", other.location).get_data(as_text=True)
    forged = doors.get("reviewer", path[:-2] + ("xx" if not path.endswith("xx") else "yy"))

    assert [one.status_code for one in asked] == [302, 302]
    assert all(one.location.startswith("/login?next=") for one in asked)
    assert (other.location, forged.location) == ("/admin/inbox/", "/admin/inbox/")
    assert "邮件中的链接无效，或不是发给您的" in told
    assert doors.get("sales", path).status_code == 403


def test_it_expires(world):
    _key, request_id = world.submitted()
    token = mailed(world).rpartition("/")[2]
    world.be(SYSTEM)
    by = load_actor(world.session, world.id_of("reviewer"))
    sent = world.session.scalars(sa.select(ApprovalTask.created_at)).first()
    secret = str(world.app.secret_key)

    def at(days):
        moment = sent + dt.timedelta(days=days)
        return task_links.opened(world.session, secret, token, by=by, now=moment)

    assert at(13).request_id == request_id
    assert (at(15).request_id, at(15).over) == (None, "expired")


def test_a_task_that_is_over_when_its_mail_goes_out_has_the_plain_address(world):
    _key, request_id = world.submitted()
    world.be("admin")
    seen = world.get(ApprovalRequest, request_id).seen_version
    act(world, "reviewer", "decide", request_id, seen=seen, verb="approve", comment=None)

    assert mailed(world) == f"/admin/inbox/?id={request_id}"
