"""The queue several hosts share: a real redis-server between the web and the worker's process."""

import contextlib
import os
import shutil
import socket
import subprocess
import time

import pytest
import redis
from huey import RedisHuey

import admin_app
from models.core.mixins import Approval
from models.customers.customer import Customer
from services.approval.bulk import decisions
from services.delivery import outbox
from tests.support import ready
from tests.support.world import World

SERVER = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(SERVER is None, reason="redis-server is not installed")


@pytest.fixture
def address(tmp_path):
    """Run a redis-server of our own that writes nothing down; return its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    rest = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(tmp_path)]
    server = subprocess.Popen(
        [SERVER, "--port", str(port), *rest], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"redis://127.0.0.1:{port}/0"
    try:
        until(lambda: answers(url))
        yield url
    finally:
        server.terminate()
        server.wait()


def answers(url):
    with contextlib.suppress(redis.ConnectionError), redis.from_url(url) as link:
        return link.ping()
    return False


def until(ready, seconds=180):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not come so far"
        time.sleep(0.05)


@contextlib.contextmanager
def worker(app, address):
    """Run the real worker process on the database of the application and the redis-server."""
    environment = os.environ | {
        "TCOS_ENV": "test",
        "TCOS_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"],
        "TCOS_REDIS_URL": address,
    }
    words = ["-m", "flask", "--app", "admin_app", "worker"]
    process = ready.PRODUCT.start(words, environment=environment, stderr=ready.NULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def shared(app, address):
    """Return the application as a web host configures it that shares its queue."""
    given = ("SQLALCHEMY_DATABASE_URI", "SECRET_KEY", "TESTING", "TCOS_ENV")
    return admin_app.create_app(
        {key: app.config[key] for key in given} | {"TCOS_REDIS_URL": address}
    )


def posted(web):
    """Freeze a bulk approval of two submissions and leave it to the worker; return their keys."""
    with World(web) as world:
        pairs = [world.submitted(**{"primary.mobile": f"1380000000{n}"}) for n in range(2)]
        with world.acting("reviewer"):
            job = decisions.prepare(world.call, "", verb="approve", comment=None)
            outbox.enqueue(
                world.session, "batch", {"job_id": job.id}, title="批量通过", now=world.now
            )
    return [key for key, _request in pairs]


def states(web, keys):
    with World(web) as world:
        return {world.get(Customer, key).approval for key in keys}


def test_a_job_of_the_outbox_is_done_by_a_worker_that_hears_of_it_through_redis(app, address):
    web = shared(app, address)
    queue = web.extensions["queue"].huey
    assert isinstance(queue, RedisHuey)
    keys = posted(web)
    rung = queue.pending_count()
    assert rung >= 1  # what the web left in redis, before there is a worker

    with worker(web, address):
        until(lambda: states(web, keys) == {Approval.approved})
        until(lambda: queue.pending_count() == 0)


def test_a_redis_that_is_away_fails_no_request(app, address):
    web = shared(app, address.replace("127.0.0.1", "127.0.0.2"))

    keys = posted(web)

    assert states(web, keys) == {Approval.pending}
