"""A summary's view comes by mail: in its receiver's scope of that moment, once a period."""

import datetime as dt
import email
import email.policy
import io
import os
import re
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from jobs import deliver, schedules, summaries
from jobs.queue import GIVEN_UP, KNOWN
from models.delivery.outbox import Outbox
from models.people.role import Role
from models.people.user import User
from models.query.saved_view import SavedView
from models.query.view_subscription import Rhythm, ViewSubscription
from models.rights.audit import AuditAction, AuditLog
from services.core.days import ZONE
from services.delivery.filestore import Store
from services.query import subscriptions
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support.books import seed_books
from tests.support.visitors import Visitors
from tests.support.world import World

PAGE = "/admin/cockpit/performance/"
WEEKLY = {"verb": "subscribe", "rhythm": "weekly", "day": "1", "hour": "8", "form": "xlsx"}
MONDAY = dt.datetime(2026, 11, 30, 9, tzinfo=ZONE)


@pytest.fixture(params=["sqlite", "postgres"])
def books(request, databases, mailbox):  # noqa: F811
    with databases.lent(request.param, seed_books) as app:
        app.config["TCOS_SMTP_URL"] = mailbox.url
        deliver.mails(app)  # what the books' own story tells
        mailbox.letters.clear()
        yield app


def view(app, who="manager", role="analyst", state="preset=year"):
    """Keep a view, shared with a role; return its key."""
    visitors = Visitors(app)
    visitors.post(who, f"{PAGE}views/", {"verb": "save", "name": "周报", "state": state})
    with World(app) as world:
        key = world.session.scalar(sa.select(SavedView.id).where(SavedView.name == "周报"))
        shared = world.session.scalar(sa.select(Role.id).where(Role.name == role))
    visitors.post(who, f"{PAGE}views/", {"verb": "change", "id": key, "role_id": shared})
    return visitors, key


def at(app, moment):
    """Let the worker's clock stand at a moment, do what is due then, and send."""
    app.config["TCOS_CLOCK"] = lambda: moment
    asked = summaries.mails(app)
    deliver.tasks(app, KNOWN, GIVEN_UP)
    deliver.mails(app)
    return asked


def letters(box):
    return [
        (to, email.message_from_string(text, policy=email.policy.default))
        for to, text in box.letters
    ]


def total(letter):
    """Return the amount of contracts that the workbook of a letter adds up to."""
    (file,) = letter.iter_attachments()
    rows = openpyxl.load_workbook(io.BytesIO(file.get_content())).worksheets[0]
    head = [cell.value for cell in rows[1]]
    return rows.cell(rows.max_row, head.index("合同额") + 1).value


def row(app):
    with World(app) as world:
        return world.session.execute(sa.select(ViewSubscription.__table__)).mappings().one()


def test_it_comes_once_a_period_in_the_scope_of_its_receiver_and_is_audited(books, mailbox):  # noqa: F811
    visitors, key = view(books)
    for who in ("manager", "analyst"):
        assert visitors.post(who, f"{PAGE}view/", WEEKLY | {"id": key}).status_code == 303
    own = {
        f"{who}@demo.tcos.cn": visitors.get(who, f"{PAGE}data.json?preset=year").json["totals"]
        for who in ("manager", "analyst")
    }

    assert at(books, MONDAY) == 2
    assert at(books, MONDAY) == 0
    assert at(books, MONDAY + dt.timedelta(days=6)) == 0

    got = letters(mailbox)
    assert {to: f"{total(letter):.2f}" for to, letter in got} == {
        to: totals["amount"] for to, totals in own.items()
    }
    assert own["manager@demo.tcos.cn"]["amount"] != own["analyst@demo.tcos.cn"]["amount"]
    assert all("周报" in letter["Subject"] for _to, letter in got)
    with World(books) as world:
        noted = sa.select(AuditLog.actor_id).where(
            AuditLog.action == AuditAction.export, AuditLog.noun == "cockpit:performance"
        )
        assert set(world.session.scalars(noted)) == {world.id_of("manager"), world.id_of("analyst")}


def test_missed_days_are_made_up_for_once(books, mailbox):  # noqa: F811
    visitors, key = view(books)
    daily = WEEKLY | {"id": key, "rhythm": "daily"}
    visitors.post("analyst", f"{PAGE}view/", daily)

    assert at(books, MONDAY + dt.timedelta(days=3)) == 1
    assert at(books, MONDAY + dt.timedelta(days=3, hours=5)) == 0
    assert len(mailbox.letters) == 1


def test_who_left_or_lost_the_grant_or_the_view_gets_nothing(books, mailbox):  # noqa: F811
    visitors, key = view(books)
    visitors.post("analyst", f"{PAGE}view/", WEEKLY | {"id": key})

    def changed(table, where, **values):
        with World(books) as world:
            world.session.connection().execute(sa.update(table).where(where).values(**values))
            world.session.commit()

    user, role, saved = User.__table__, Role.__table__, SavedView.__table__
    analyst = user.c.email == "analyst@demo.tcos.cn"
    with World(books) as world:
        grants = world.session.scalar(sa.select(Role.permissions).where(Role.name == "analyst"))
    weeks = (MONDAY + dt.timedelta(weeks=n) for n in range(9))
    lacking = [grant for grant in grants if grant != "cockpit:export"]
    for table, where, off, on in (
        (user, analyst, {"active": False}, {"active": True}),
        (role, role.c.name == "analyst", {"permissions": lacking}, {"permissions": grants}),
        (saved, saved.c.id == key, {"role_id": None}, {}),
    ):
        changed(table, where, **off)
        at(books, next(weeks))
        assert mailbox.letters == [], off
        if on:
            changed(table, where, **on)
    assert "不再共享" in row(books)["told"]


def test_a_link_ends_it_by_a_post_alone_and_a_false_one_ends_nothing(books, mailbox):  # noqa: F811
    visitors, key = view(books)
    visitors.post("analyst", f"{PAGE}view/", WEEKLY | {"id": key})
    at(books, MONDAY)
    ((_to, letter),) = letters(mailbox)
    address = re.search(r"/mail/stop/\S+", letter.get_body().get_content())[0]
    assert letter["List-Unsubscribe"].endswith(f"{address}>")

    assert "停止发送" in visitors.get(None, address).text
    assert row(books)["stopped_at"] is None
    assert visitors.post(None, address[:-2]).status_code == 404
    assert "已停止" in visitors.post(None, address).text
    assert at(books, MONDAY + dt.timedelta(weeks=1)) == 0
    assert len(mailbox.letters) == 1


def test_a_file_that_waits_for_its_mail_is_not_swept(lite):
    visitors, key = view(lite)
    visitors.post("analyst", f"{PAGE}view/", WEEKLY | {"id": key})
    at(lite, MONDAY)
    with World(lite) as world:
        (told,) = (one.payload for one in world.session.scalars(sa.select(Outbox)) if one.address)
    store = Store(Path(lite.config["TCOS_ATTACHMENT_DIR"]))
    waits, stray = store.path(told["file"]["sha256"]), store.path(store.put(b"nobody's"))
    for path in (waits, stray):
        os.utime(path, (0, 0))
    schedules.files(lite)

    assert (waits.exists(), stray.exists()) == (True, False)


def test_a_bad_rhythm_is_told_beside_its_field_and_who_may_not_export_may_not_subscribe(lite):
    visitors, key = view(lite, role="sales")
    for wrong in (
        {"day": "9"},
        {"hour": "24"},
        {"rhythm": "hourly"},
        {"form": "docx"},
        {"day": ""},
    ):
        answer = visitors.post("manager", f"{PAGE}view/", WEEKLY | {"id": key} | wrong)
        assert (answer.status_code, f'id="{next(iter(wrong))}-err"' in answer.text) == (422, True)
    assert visitors.post("sales", f"{PAGE}view/", WEEKLY | {"id": key}).status_code == 403


@pytest.mark.parametrize(
    ("rhythm", "day", "hour", "now", "found"),
    [
        ("daily", 1, 8, "2026-11-30T07:59", "2026-11-29"),
        ("daily", 1, 8, "2026-11-30T08:00", "2026-11-30"),
        ("weekly", 5, 8, "2026-11-30T09:00", "2026-11-27"),
        ("weekly", 1, 9, "2026-11-30T08:59", "2026-11-23"),
        ("monthly", 31, 0, "2026-02-28T00:00", "2026-02-28"),
        ("monthly", 31, 8, "2026-03-01T09:00", "2026-02-28"),
        ("monthly", 1, 8, "2026-01-01T07:00", "2025-12-01"),
    ],
)
def test_the_last_day_that_is_due(rhythm, day, hour, now, found):
    moment = dt.datetime.fromisoformat(now).replace(tzinfo=ZONE)

    assert subscriptions.latest(Rhythm[rhythm], day, hour, moment).isoformat() == found
