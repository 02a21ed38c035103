"""A notice is told once, with the transaction that caused it, and only to whom it concerns."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Channel, Outbox, OutboxState
from services.core.errors import NotVisible
from services.delivery import notices, outbox
from services.rights.actor import SYSTEM
from tests.support.visitors import Visitors
from tests.support.world import World, count_queries

LEASE = dt.timedelta(minutes=2)


def tell(world, who="sales", key="task:1", url="/admin/inbox/", title="武汉测试有限公司"):
    return notices.tell(
        world.session,
        notices.Notice(
            user_id=world.id_of(who), kind=NoticeKind.task, title=title, url=url, dedupe_key=key
        ),
        now=world.now,
    )


def claim(world, now):
    return outbox.claim(world.session, Channel.mail, lease=LEASE, now=now)


def counted(world, model):
    table = model.__table__
    return world.session.execute(sa.select(sa.func.count()).select_from(table)).scalar()


def test_the_same_event_is_told_once_with_one_mail(world):
    with world.acting("reviewer"):
        assert tell(world) is True
        assert tell(world) is False
        assert tell(world, who="sales2") is True

    assert counted(world, Notification) == 2
    assert counted(world, Outbox) == 2


def test_a_rolled_back_event_tells_nobody_and_posts_nothing(world):
    world.be("reviewer")
    tell(world)
    world.session.rollback()

    assert counted(world, Notification) == counted(world, Outbox) == 0


def test_a_thousand_are_told_in_five_statements(world):
    me = world.id_of("sales")
    many = [
        notices.Notice(me, NoticeKind.decision, f"客户{n}", "/admin/cc/", f"decision:{n}")
        for n in range(1000)
    ]

    with world.acting("reviewer"), count_queries(world.app) as statements:
        assert notices.tell_many(world.session, many, now=world.now) == 1000

    assert len(statements) == 5  # what people chose, and twice both tables
    assert counted(world, Outbox) == 1000


@pytest.mark.parametrize("url", ["http://evil.test", "//evil.test", "admin"])
def test_a_notice_leads_to_this_site_only(small, url):
    small.be("sales")

    with pytest.raises(ValueError, match="path of ours"):
        tell(small, url=url)


def test_nobody_reads_or_marks_another_ones_notices(world):
    with world.acting("reviewer"):
        tell(world)
    world.be("sales2")
    key = world.session.execute(sa.select(Notification.__table__.c.id)).scalar_one()

    assert world.session.scalars(sa.select(Notification)).all() == []
    with pytest.raises(NotVisible):
        notices.open_notice(world.call, key)
    notices.read_all(world.call)
    table = Notification.__table__
    assert world.session.execute(sa.select(table.c.read_at)).scalar() is None


def test_only_admins_see_the_outbox(world):
    with world.acting("reviewer"):
        tell(world)

    for who, rows in (("sales", 0), ("reviewer", 0), ("admin", 1)):
        world.be(who)
        assert len(world.session.scalars(sa.select(Outbox)).all()) == rows


def test_the_bell_counts_and_opening_marks_read(app):
    with World(app) as world:
        with world.acting("reviewer"):
            tell(world, key="task:1")
            tell(world, key="task:2", title="第二家")
        table = Notification.__table__
        first = world.session.execute(sa.select(sa.func.min(table.c.id))).scalar_one()
    visitors = Visitors(app)

    page = visitors.get("sales", "/admin/notice/").text
    assert "通知，2 条未读" in page
    assert page.count('class="unread"') == 2

    answer = visitors.post("sales", "/admin/notice/read/", {"id": first})
    assert (answer.status_code, answer.location) == (303, "/admin/inbox/")
    assert "通知，1 条未读" in visitors.get("sales", "/admin/notice/").text

    visitors.post("sales", "/admin/notice/read/")
    page = visitors.get("sales", "/admin/notice/?unread=1").text
    assert "条未读" not in page
    assert "第二家" not in page
    assert visitors.post("sales2", "/admin/notice/read/", {"id": first}).status_code == 404


def test_a_lease_is_given_once_and_runs_out(world):
    with world.acting("reviewer"):
        tell(world)
    world.be(SYSTEM)

    taken = claim(world, world.now)
    assert len(taken) == 1
    assert claim(world, world.now) == []
    late = world.now + LEASE
    assert [r.attempts for r in claim(world, late)] == [2]


def test_a_clock_set_back_strands_nothing(world):
    with world.acting("reviewer"):
        tell(world)
    world.be(SYSTEM)

    assert (
        len(
            outbox.claim(world.session, Channel.mail, lease=LEASE, now=world.now.replace(year=2020))
        )
        == 1
    )


def test_poison_is_parked_with_its_reason_and_an_admin_sends_it_again(app):
    with World(app) as world:
        with world.acting("reviewer"):
            tell(world)
        world.be(SYSTEM)
        now = world.now
        for _n in range(outbox.MOST_FAULTS):
            (row,) = claim(world, now)
            outbox.failed(world.session, row, "550 no such mailbox", own_fault=True, now=now)
            now += 2 * outbox.LONGEST_WAIT
        key = row.id
        world.session.commit()
    assert state_of(app, key) == (OutboxState.parked, "550 no such mailbox")
    visitors = Visitors(app)

    assert "重新发送" in visitors.get("admin", f"/admin/outbox/details/?id={key}").text
    assert visitors.post("admin", "/admin/outbox/resend/", {"id": key}).status_code == 303

    assert state_of(app, key) == (OutboxState.waiting, None)


def state_of(app, key):
    with World(app) as world:
        row = world.session.get_one(Outbox, key)
        return row.state, row.reason
