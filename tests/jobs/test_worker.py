"""The worker against a real mail server: nothing is lost, a repeat has the same Message-ID."""

import asyncio
import contextlib
import email
import email.policy
import os
import socket
import time

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from jobs import deliver
from models.approval.request import ApprovalRequest
from models.delivery.notification import NoticeKind, Notification
from models.delivery.outbox import Outbox
from models.people.user import Language, User
from services.delivery import notices, outbox
from tests.grids.test_wide import confirmed, low  # noqa: F401 # a fixture
from tests.support import ready
from tests.support.crowd import crowd
from tests.support.visitors import Visitors
from tests.support.world import World


class Mailbox:
    """Keeps what arrives; refuses an address for good, or everything for now."""

    def __init__(self):
        self.letters, self.away = [], False
        self.slow, self.at_once, self.most_at_once = 0, 0, 0

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address.startswith("reviewer2@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 # aiosmtpd's names
        if self.away:
            return "451 try again later"
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        await asyncio.sleep(self.slow)
        self.at_once -= 1
        self.letters.append((envelope.rcpt_tos[0], envelope.content.decode()))
        return "250 OK"

    def ids(self):
        return [line for _to, text in self.letters for line in text.splitlines() if "ID: <" in line]


@pytest.fixture
def mailbox():
    box = Mailbox()
    with socket.socket() as free:  # aiosmtpd does not take a port of 0
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    box.url = f"smtp://127.0.0.1:{port}"
    yield box
    controller.stop()


def submitted(app):
    with World(app) as world:
        return world.submitted(company="武汉测试有限公司")


def states(app):
    with World(app) as world:
        rows = world.session.scalars(sa.select(Outbox).order_by(Outbox.id))
        return {row.dedupe_key: (row.state.name, row.attempts, row.reason) for row in rows}


def test_a_submission_reaches_the_reviewers_by_bell_and_mail(app, mailbox):
    app.config["TCOS_SMTP_URL"] = mailbox.url
    _key, request_id = submitted(app)

    assert deliver.mails(app) == 1

    ((to, text),) = mailbox.letters
    assert to == "reviewer@demo.tcos.cn"
    said = email.message_from_string(text, policy=email.policy.default).get_content()
    assert "/admin/inbox/mail/" in said
    assert f"/admin/inbox/?id={request_id}" not in said
    assert sorted(state for state, _n, _reason in states(app).values()) == ["parked", "sent"]
    assert any("550 no such mailbox" in (why or "") for _s, _n, why in states(app).values())
    assert deliver.mails(app) == 0
    assert len(mailbox.letters) == 1


def test_the_submitter_hears_of_the_decision_and_the_reviewer_not_of_his_own(app):
    with World(app) as world:
        _key, request_id = world.submitted()
        world.decided(request_id)
        table = Notification.__table__
        with world.acting("admin"):
            world.get(User, world.id_of("sales")).language = Language.en
        _key, second = world.submitted(company="云梦水泵厂")
        world.decided(second, verb="reject", comment="手机号有误")
        rows = world.session.execute(sa.select(table.c.user_id, table.c.kind, table.c.title))
        told = {(world.session.get_one(User, user).name, k.name, text) for user, k, text in rows}
        titles = [world.get(ApprovalRequest, key).title for key in (request_id, second)]

    assert told == {
        *((who, "task", title) for who in ("reviewer", "reviewer2") for title in titles),
        ("sales", "decision", f"「{titles[0]}」已通过（reviewer）"),
        ("sales", "decision", f"“{titles[1]}” rejected (reviewer, 手机号有误)"),
    }


def test_without_a_mail_server_mails_wait_as_not_configured_and_go_when_there_is_one(app, mailbox):
    submitted(app)

    assert deliver.mails(app) == 0
    assert {state for state, _n, _reason in states(app).values()} == {"unconfigured"}
    app.config["TCOS_SMTP_URL"] = mailbox.url
    assert deliver.mails(app) == 0  # the world's clock is in the past: too old to surprise anybody

    with World(app) as world:
        world.session.execute(
            sa.update(Outbox.__table__).values(created_at=sa.func.current_timestamp())
        )
        world.session.commit()
    assert deliver.mails(app) == 1


def test_a_server_that_is_away_parks_nothing(app, mailbox):
    mailbox.away = True
    app.config["TCOS_SMTP_URL"] = mailbox.url
    with World(app) as world, world.acting("reviewer"):
        tell(world, "sales", "a", now=None)
    deliver.mails(app)

    ((state, attempts, reason),) = states(app).values()

    assert (state, attempts) == ("waiting", 1)
    assert "451" in reason


def tell(world, who, key, now):
    notices.tell(
        world.session,
        notices.Notice(
            user_id=world.id_of(who),
            kind=NoticeKind.system,
            title=f"通知{key}",
            url="/admin/",
            dedupe_key=key,
        ),
        now=now or deliver.clock(),
    )


def test_a_task_that_fails_leaves_nothing_and_is_tried_again(app):
    with World(app) as world, world.acting("sales"):
        outbox.enqueue(world.session, "bad", {}, title="t", now=world.now)

    def bad(session, *, now):
        session.execute(sa.update(User.__table__).values(name="x"))
        raise RuntimeError(now)

    assert deliver.tasks(app, {"bad": bad}) == 0

    assert list(states(app).values()) == [("waiting", 1, "RuntimeError")]
    with World(app) as world:
        assert world.id_of("sales")
        assert world.session.scalar(sa.select(sa.func.count()).where(User.name == "x")) == 0


def test_a_task_in_pieces_is_done_to_its_end(app):
    pieces = []
    with World(app) as world, world.acting("sales"):
        outbox.enqueue(world.session, "go", {"n": 3}, title="t", now=world.now)
        outbox.enqueue(world.session, "go", {"n": 3}, title="t", now=world.now)

    def go(_session, *, n, now):
        pieces.append(now)
        return len(pieces) == n

    assert deliver.tasks(app, {"go": go}) == 1

    assert len(pieces) == 3
    assert [state for state, _n, _why in states(app).values()] == ["sent"]


@contextlib.contextmanager
def worker(url, mailbox):
    """Run the real worker process; kill -9 at the end."""
    environment = os.environ | {
        "TCOS_ENV": "test",
        "TCOS_DATABASE_URL": url,
        "TCOS_SMTP_URL": mailbox.url,
        "TCOS_OUTBOX_LEASE": "3",
    }
    words = ["-m", "flask", "--app", "admin_app", "worker"]
    process = ready.PRODUCT.start(words, environment=environment, stderr=ready.NULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def kill_often(app, mailbox, letters, kills):
    with World(app) as world, world.acting("reviewer"):
        for n in range(letters):
            tell(world, "sales", f"n{n}", now=None)
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    for n in range(kills):
        before = len(mailbox.letters)
        with worker(url, mailbox):
            # Half of an even share: a worker sends on while the test looks.
            wait_for(lambda goal=before + letters // (2 * kills): len(mailbox.letters) >= goal)
            time.sleep(0.01 * (n % 7))  # another moment each time
    with worker(url, mailbox):
        wait_for(lambda: all(s == "sent" for s, _n, _r in states(app).values()))
    assert len(set(mailbox.ids())) == letters
    assert len(mailbox.ids()) - letters <= 2 * kills  # what its two threads had in flight


def wait_for(ready, seconds=90):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "the worker did not come so far"
        time.sleep(0.02)


def test_killing_the_worker_loses_and_doubles_nothing(app, mailbox):
    kill_often(app, mailbox, letters=60, kills=2)


@pytest.mark.soak
def test_killing_the_worker_fifty_times_loses_and_doubles_nothing(app, mailbox):
    kill_often(app, mailbox, letters=1500, kills=50)


@pytest.mark.usefixtures("low")
def test_a_slow_mail_server_delays_no_job(app, mailbox):
    with World(app) as world:
        crowd(world, 20, company="光谷")
        with world.acting("reviewer"):
            for n in range(80):
                tell(world, "sales", f"n{n}", now=None)
    visitors = Visitors(app)
    answer = confirmed(visitors, "sales", action="edit", field="level", value="c")
    mailbox.slow = 0.5
    with worker(app.config["SQLALCHEMY_DATABASE_URI"], mailbox):
        wait_for(lambda: "成功 20" in visitors.get("sales", answer.location).text)
        assert len(mailbox.letters) < 40
        for n in range(3):  # bells that ring meanwhile open no second line to the server
            with World(app) as world, world.acting("reviewer"):
                tell(world, "sales", f"more{n}", now=None)
        before = len(mailbox.letters)
        wait_for(lambda: len(mailbox.letters) > before + 2)
    assert mailbox.most_at_once == 1
