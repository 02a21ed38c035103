"""A worker that dies is started again, and one that is gone is told of."""

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from models.core.base import db
from services.delivery import attention, heartbeat, outbox
from services.rights.actor import SYSTEM
from tests.support import clock, ready
from tests.support.world import World, login

CHILD = "import os, sys; print(os.getpid(), flush=True); sys.stdin.read(); print('end', flush=True)"
ROOT = Path(__file__).resolve().parents[2]


def pulse(world):
    return heartbeat.pulse(world.session.connection(), now=world.now)


def test_a_silent_worker_is_told_of_and_a_living_one_is_not(world):
    with world.acting(SYSTEM):
        outbox.enqueue(world.session, "batch", {"job_id": 1}, title="x", now=world.now)
        heartbeat.beat(world.session, "old:1", world.now, now=world.now - dt.timedelta(days=2))
    admin = world.be("admin")

    def told():
        return attention.stuck(world.session, admin, now=world.now).get("worker")

    assert pulse(world) == heartbeat.Pulse(alive=False, waiting=1, oldest_seconds=0)
    assert told() == 1
    for _twice in range(2):
        with world.acting(SYSTEM):
            heartbeat.beat(world.session, "host:1", world.now, now=world.now)
    world.be("admin")
    assert pulse(world).alive
    assert told() is None
    world.now += heartbeat.SILENT
    assert pulse(world) == heartbeat.Pulse(alive=False, waiting=1, oldest_seconds=60)
    assert told() == 1
    with world.acting(SYSTEM):
        heartbeat.stop(world.session, "host:1")
    assert not pulse(world).alive


def test_the_probe_and_the_administrators_home_say_so(lite):
    client = lite.test_client()
    answer = client.get("/readyz")
    assert answer.json["worker"]["alive"] is False
    with World(lite) as world, world.acting(SYSTEM):
        now = lite.config["TCOS_CLOCK"]()
        heartbeat.beat(world.session, "host:1", now, now=now)
    assert client.get("/readyz").json["worker"]["alive"] is True

    login(client, "admin")
    assert "后台服务没有运行" not in client.get("/admin/").text
    with World(lite) as world, world.acting(SYSTEM):
        heartbeat.stop(world.session, "host:1")
    assert "后台服务没有运行" in client.get("/admin/").text


def test_the_worker_gives_signs_of_life_and_takes_its_leave(app):
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    environment = os.environ | {"TCOS_ENV": "test", "TCOS_DATABASE_URL": url}
    words = ["-m", "flask", "--app", "admin_app", "worker", "--until-closed"]

    def alive():
        with app.app_context(), db.engine.connect() as connection:
            return heartbeat.pulse(connection, now=clock.now()).alive

    assert not alive()
    with ready.PRODUCT.start(words, environment=environment, stdin=ready.PIPE) as process:
        until(alive)
        process.stdin.close()
        process.wait()
    until(lambda: not alive())


def test_what_dies_is_started_again_until_the_leash_is_cut():
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.supervisor", sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        first = int(process.stdout.readline())
        os.kill(first, signal.SIGKILL)
        second = int(process.stdout.readline())
        assert second != first
        process.stdin.close()
        assert process.stdout.readline() == "end\n"
        assert process.wait(10) == 0
        assert "started again" in process.stderr.read()


def test_a_killed_supervisor_takes_its_child_along():
    process = subprocess.Popen(
        [sys.executable, "-m", "jobs.supervisor", sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        process.stdout.readline()
        process.kill()
        assert process.stdout.readline() == "end\n"


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)
