"""A batch is told once a person, what is handled leaves the bell, mails say what and keep time."""

import datetime as dt

import pytest
import sqlalchemy as sa

from jobs.deliver import letter_of
from jobs.mail_texts import is_over
from jobs.schedules import tell_overdue
from models.customers.customer import Customer
from models.delivery.notice_choice import MailPace, NoticeChoice
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Channel, Outbox
from models.sales.opportunity import Opportunity
from services import approval
from services.bulk import runner
from services.core.days import ZONE
from services.delivery import mail_times, outbox
from services.people import notice_choices
from services.rights.actor import SYSTEM, load_actor
from tests.approval.flows import act, flow
from tests.support.visitors import Visitors
from tests.support.world import World

BASE = "https://crm.example.com"
HOUR = dt.timedelta(hours=1)


def bell(world, who):
    """Return (kind, what is told) of everything somebody was told, and how many count as new."""
    world.be(SYSTEM)
    query = sa.select(Notification).where(Notification.user_id == world.id_of(who))
    rows = world.session.scalars(query.order_by(Notification.id)).all()
    new = load_actor(world.session, world.id_of(who)).waiting["notices"]
    return [(row.kind.name, row.told) for row in rows], new


def letters(world, who):
    world.be(SYSTEM)
    query = sa.select(Outbox).where(Outbox.channel == Channel.mail)
    query = query.where(Outbox.user_id == world.id_of(who)).order_by(Outbox.id)
    return [letter_of(row, BASE) for row in world.session.scalars(query)]


def submitted_many(world, number, who="sales"):
    keys = [world.customer(who) for _n in range(number)]
    with world.acting(who):
        approval.submit_many(world.call, "customer", [(key, None) for key in keys])
    return keys


def decided_many(world, keys, verb="approve", who="reviewer"):
    with world.acting(who):
        rows = world.session.scalars(sa.select(Customer).where(Customer.id.in_(keys)))
        pairs = [(row.id, row.row_version) for row in rows]
        ready, _none = approval.resolve(world.session, "customer", pairs)
        return approval.decide_many(world.call, ready, verb=verb, comment="同意")


def test_a_batch_is_one_notice_and_one_mail_a_person(world):
    flow(world, {"people": ["reviewer", "reviewer2"]})
    keys = submitted_many(world, 5)

    for who in ("reviewer", "reviewer2"):
        told, new = bell(world, who)
        assert [kind for kind, _text in told] == ["task"]
        assert told[0][1].endswith("等 5 项")
        assert new == 1
        assert len(letters(world, who)) == 1
    decided_many(world, keys)

    told, new = bell(world, "sales")
    assert len(told) == new == 1
    assert "」已通过（reviewer，同意） 等 5 项" in told[0][1]
    (letter,) = letters(world, "sales")
    assert "等 5 项" in letter.subject
    assert f"打开：{BASE}/admin/created/" in letter.text
    assert bell(world, "reviewer")[1] == bell(world, "reviewer2")[1] == 0  # one of them handled it


def test_a_batch_in_many_pieces_counts_on_and_its_mail_waits(world, monkeypatch):
    monkeypatch.setattr(runner, "CHUNK", 2)
    flow(world, {"people": ["reviewer"]})
    keys = submitted_many(world, 5)
    decided_many(world, keys)

    told, _new = bell(world, "sales")
    assert [text[-5:] for _kind, text in told] == ["等 5 项"]
    mine = Outbox.user_id == world.id_of("sales")
    assert world.session.scalars(sa.select(Outbox).where(mine)).one().next_at > world.now


def test_one_alone_of_a_batch_is_told_as_itself(small):
    flow(small, {"people": ["reviewer"]})
    submitted_many(small, 1)
    small.be(SYSTEM)

    row = small.session.scalars(sa.select(Notification)).one()
    assert row.told == row.request.title
    assert row.url == f"/admin/inbox/?id={row.request_id}"


def test_a_handled_task_leaves_the_bell_of_everybody(world):
    flow(world, {"people": ["reviewer", "reviewer2"]})
    first, second = (world.submitted()[1] for _n in range(2))
    assert bell(world, "reviewer2")[1] == 2

    world.decided(first)
    assert bell(world, "reviewer2")[1] == bell(world, "reviewer")[1] == 1
    act(world, "sales", "withdraw", second)
    assert bell(world, "reviewer")[1] == 1  # that it was withdrawn
    world.be(SYSTEM)
    tell_overdue(world.session, now=world.now)
    unread = sa.select(sa.func.count()).select_from(Notification)
    unread = unread.where(Notification.read_at.is_(None), Notification.kind == NoticeKind.task)
    assert world.session.scalar(unread) == 0


def test_the_page_of_notices_shows_what_is_new_and_what_it_is_about(app):
    with World(app) as world:
        flow(world, {"people": ["reviewer", "reviewer2"]})
        first, _second = (world.submitted()[1] for _n in range(2))
        world.decided(first)
    visitors = Visitors(app)

    page = visitors.get("reviewer2", "/admin/notice/").text
    assert page.count('class="unread"') == 1
    assert "新建客户 · sales" in page
    assert visitors.get("reviewer2", "/admin/notice/?unread=1").text.count('class="unread"') == 1


def test_the_owner_hears_of_what_others_submitted_for_him(app):
    with World(app) as world:
        flow(world, {"people": ["reviewer"]})
        with world.acting("office"):
            values = world.customer_values(owner_id=world.id_of("sales"))
            key = world.create(Customer, **values).id
        _key, request = world.submitted("office", key=key)
        world.decided(request, verb="reject", comment="资料不全")
        for who in ("office", "sales"):
            told, _new = bell(world, who)
            assert told[-1][0] == "decision"
            assert "已驳回（reviewer，资料不全）" in told[-1][1]
    visitors = Visitors(app)

    assert visitors.get("sales", f"/admin/request/?id={request}").status_code == 200
    assert "资料不全" in visitors.get("sales", "/admin/cc/").text


def test_a_mail_says_what_it_is_about_who_submitted_and_by_when(world):
    flow(world, {"people": ["reviewer"]}, noun="opportunity")
    deal = world.opportunity(world.approved())
    _key, request = world.submitted(model=Opportunity, key=deal)
    act(world, "sales", "urge", request)

    task, urge = letters(world, "reviewer")[-2:]
    assert "类型：新建商机，1,000.00 元" in task.text
    assert "提交人：sales" in task.text
    assert "时限：2026-11-" in task.text
    assert "「产线改造」（sales）" in urge.subject
    world.decided(request, comment="价格合适")
    assert "审批意见：价格合适" in letters(world, "sales")[-1].text


def choose(world, who, **form):
    with world.acting(who):
        paces = dict.fromkeys(notice_choices.GROUPS, "at_once")
        notice_choices.choose(world.call, paces | form)


def test_people_choose_which_mails_they_get(world):
    choose(world, "reviewer", tasks="never")
    choose(world, "reviewer2", tasks="daily")
    flow(world, {"people": ["reviewer", "reviewer2"]})
    requests = [world.submitted()[1] for _n in range(2)]

    assert letters(world, "reviewer") == []
    assert bell(world, "reviewer")[1] == 2
    (day,) = letters(world, "reviewer2")
    assert "2 条未读通知" in day.subject
    later = {"now": world.now + 23 * HOUR, "lease": HOUR}
    assert outbox.claim(world.session, Channel.mail, now=world.now + HOUR, lease=HOUR) == []
    (row,) = outbox.claim(world.session, Channel.mail, **later)
    assert not is_over(row)
    key = row.id
    for request in requests:
        world.decided(request)
    world.be(SYSTEM)
    assert is_over(world.session.get_one(Outbox, key))


@pytest.mark.parametrize(
    ("quiet", "at", "goes"),
    [
        ((22 * 60, 8 * 60), "23:30", "+1 08:00"),
        ((22 * 60, 8 * 60), "07:59", "+0 08:00"),
        ((22 * 60, 8 * 60), "08:00", "+0 08:00"),
        ((12 * 60, 13 * 60), "12:30", "+0 13:00"),
        ((12 * 60, 13 * 60), "11:00", "+0 11:00"),
        ((None, None), "03:00", "+0 03:00"),
        ((60, 60), "01:00", "+0 01:00"),
    ],
)
def test_mails_wait_for_the_end_of_quiet_hours(quiet, at, goes):
    row = NoticeChoice(tasks=MailPace.at_once, quiet_from=quiet[0], quiet_to=quiet[1])
    day = dt.date(2026, 11, 23)
    ready = dt.datetime.combine(day, dt.time.fromisoformat(at), ZONE)

    found = mail_times.when(row, NoticeKind.task, ready).astimezone(ZONE)

    assert f"+{(found.date() - day).days} {found:%H:%M}" == goes


def test_the_choice_is_kept_and_wrong_times_are_refused(lite):
    visitors = Visitors(lite)
    form = {"tasks": "daily", "results": "never", "others": "at_once"}
    place = "/admin/profile/notices/"

    times = {"quiet_from": "22:00", "quiet_to": "07:30"}
    assert visitors.post("sales", place, form | times).status_code == 303
    page = visitors.get("sales", "/admin/profile/").text
    assert 'value="22:00"' in page
    assert 'value="07:30"' in page
    for wrong in ({"quiet_from": "25:00"}, {"quiet_from": "22:00"}, {"tasks": "sometimes"}):
        assert visitors.post("sales", place, form | wrong).status_code == 422
    with World(lite) as world:
        world.be(SYSTEM)
        (row,) = world.session.scalars(sa.select(NoticeChoice)).all()
        assert (row.tasks, row.quiet_to) == (MailPace.daily, 7 * 60 + 30)
