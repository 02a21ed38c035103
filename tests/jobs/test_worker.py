"""The worker against a real mail server: nothing is lost, a repeat has the same Message-ID."""

import contextlib
import os
import socket
import subprocess
import sys
import time

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

import models as m
from jobs import deliver
from services import notices, outbox
from tests.support.databases import ROOT
from tests.support.world import World


class Mailbox:
    """Keeps what arrives; refuses an address for good, or everything for now."""

    def __init__(self):
        self.letters, self.away = [], False

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        if address.startswith("reviewer2@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 # aiosmtpd's names
        if self.away:
            return "451 try again later"
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
        rows = world.session.scalars(sa.select(m.Outbox).order_by(m.Outbox.id))
        return {row.dedupe_key: (row.state.name, row.attempts, row.reason) for row in rows}


def test_a_submission_reaches_the_reviewers_by_bell_and_mail(app, mailbox):
    app.config["TCOS_SMTP_URL"] = mailbox.url
    _key, request_id = submitted(app)

    assert deliver.mails(app) == 1

    ((to, text),) = mailbox.letters
    assert to == "reviewer@demo.tcos.cn"
    assert f"/admin/inbox/?id={request_id}" in text
    assert sorted(state for state, _n, _reason in states(app).values()) == ["parked", "sent"]
    assert any("550 no such mailbox" in (why or "") for _s, _n, why in states(app).values())
    assert deliver.mails(app) == 0
    assert len(mailbox.letters) == 1


def test_the_submitter_hears_of_the_decision_and_the_reviewer_not_of_his_own(app):
    with World(app) as world:
        _key, request_id = world.submitted()
        world.decided(request_id)
        table = m.Notification.__table__
        rows = world.session.execute(sa.select(table.c.user_id, table.c.kind)).all()
        told = {(world.session.get_one(m.User, user).name, kind.name) for user, kind in rows}

    assert told == {("reviewer", "task"), ("reviewer2", "task"), ("sales", "decision")}


def test_without_a_mail_server_mails_wait_as_not_configured_and_go_when_there_is_one(app, mailbox):
    submitted(app)

    assert deliver.mails(app) == 0
    assert {state for state, _n, _reason in states(app).values()} == {"unconfigured"}
    app.config["TCOS_SMTP_URL"] = mailbox.url
    assert deliver.mails(app) == 0  # the world's clock is in the past: too old to surprise anybody

    with World(app) as world:
        world.session.execute(
            sa.update(m.Outbox.__table__).values(created_at=sa.func.current_timestamp())
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
        user_id=world.id_of(who),
        kind=m.NoticeKind.system,
        title=f"通知{key}",
        url="/admin/",
        dedupe_key=key,
        now=now or deliver.clock(),
    )


def test_a_task_that_fails_leaves_nothing_and_is_tried_again(app):
    with World(app) as world, world.acting("sales"):
        outbox.enqueue(world.session, "bad", {}, title="t", now=world.now)

    def bad(session, *, now):
        session.execute(sa.update(m.User.__table__).values(name="x"))
        raise RuntimeError(now)

    assert deliver.tasks(app, {"bad": bad}) == 0

    assert list(states(app).values()) == [("waiting", 1, "RuntimeError")]
    with World(app) as world:
        assert world.id_of("sales")
        assert world.session.scalar(sa.select(sa.func.count()).where(m.User.name == "x")) == 0


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
    command = [sys.executable, "-W", "ignore", "-m", "flask", "--app", "admin_app", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
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
            wait_for(lambda goal=before + letters // (kills + 2): len(mailbox.letters) >= goal)
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
