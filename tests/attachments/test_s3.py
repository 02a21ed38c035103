"""Attachments in a bucket: a real server that speaks S3, seen through the product's own doors."""

import socket
import subprocess
import sys
import time

import boto3
import pytest
import requests

from jobs import schedules
from models.core.base import db
from models.delivery.attachment import Attachment
from models.records.form_draft import DraftFile
from services.delivery.filestore import GRACE, Bucket, StoreDown, open_store
from services.delivery.objects import Objects
from tests.support import clock
from tests.support.uploads import PDF, PNG, Desk
from views.setup.config import load_config
from views.setup.misconfigured import Misconfigured


class Server:
    """The server's process; what it holds is gone when it ends."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.at = f"http://127.0.0.1:{self.port}"
        self.bucket = Bucket("files", "crm/", self.at, "us-east-1", "key", "secret")
        self.start()

    def start(self):
        words = [sys.executable, "-m", "moto.server", "-p", str(self.port)]
        out = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(words, **out)
        for _n in range(300):
            try:
                requests.put(f"{self.at}/files", timeout=2).close()
            except requests.RequestException:
                time.sleep(0.1)
            else:
                return
        raise TimeoutError

    def stop(self):
        self.process.terminate()
        self.process.wait(10)

    def clear(self):
        requests.post(f"{self.at}/moto-api/reset", timeout=5).close()
        requests.put(f"{self.at}/files", timeout=5).close()

    def put(self, key, body):
        told = self.bucket
        more = {"aws_access_key_id": told.key, "aws_secret_access_key": told.secret}
        client = boto3.client("s3", endpoint_url=self.at, region_name=told.region, **more)
        client.put_object(Bucket="files", Key=key, Body=body)

    def keys(self):
        with requests.get(f"{self.at}/files?list-type=2", timeout=5) as answer:
            return [part.partition("</Key>")[0] for part in answer.text.split("<Key>")[1:]]


@pytest.fixture(scope="module")
def server():
    found = Server()
    yield found
    found.stop()


@pytest.fixture
def bucket(request, server, monkeypatch):
    """Every application of the test keeps its files in the bucket."""
    server.clear()
    for name in ("app", "lite"):
        if name in request.fixturenames:
            request.getfixturevalue(name).config["TCOS_S3"] = server.bucket
    return server


def test_a_file_is_put_into_the_bucket_downloaded_and_gone_with_the_sweep(lite, few, bucket):
    desk = Desk(lite, "sales")
    desk.attach("contract", few["contract"], "合同.pdf")
    (key,) = bucket.keys()
    with lite.app_context(), db.engine.connect() as connection:
        row = connection.execute(Attachment.__table__.select()).one()
    assert key == f"crm/{row.sha256[:2]}/{row.sha256}"

    answer = desk.download("contract", row.id)
    assert (answer.status_code, answer.data) == (200, PDF)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    store = open_store(lite.config)
    orphan = store.put(PNG)
    assert (store.has(orphan), store.read(orphan)) == (True, PNG)
    assert store.sweep({row.sha256}, now=clock.now()) == 0  # young
    assert schedules.files(lite) == 0
    later = clock.now() + GRACE * 20_000
    assert store.sweep({row.sha256}, now=later) == 1
    assert bucket.keys() == [key]
    assert store.read(orphan) is None
    assert not store.has(orphan)


def test_what_others_keep_in_the_bucket_stays(bucket):
    bucket.put("crm/notes.txt", b"x")
    bucket.put(f"other/ab/{'ab' * 32}", b"x")
    later = clock.now() + GRACE * 20_000
    assert Objects(bucket.bucket).sweep(set(), now=later) == 0
    assert len(bucket.keys()) == 2


class Other:
    """What a sweep is to keep, nothing; another host sweeps while it is asked."""

    def __init__(self, bucket):
        self.bucket = bucket

    def __contains__(self, _digest):
        self.bucket.clear()
        return False


def test_two_hosts_may_sweep_at_once_and_a_sweep_says_that_the_server_is_away(bucket):
    store, later = Objects(bucket.bucket), clock.now() + GRACE * 20_000
    store.put(PNG)
    assert store.sweep(Other(bucket), now=later) == 0
    store.put(PNG)
    bucket.stop()
    try:
        with pytest.raises(StoreDown):
            store.sweep(set(), now=later)
    finally:
        bucket.start()


def test_two_processes_share_the_files(lite, few, bucket):
    Desk(lite, "sales").attach("contract", few["contract"], "合同.pdf")
    code = (
        "import sys; from services.delivery.objects import Objects, Bucket;"
        "s = Objects(Bucket(*sys.argv[1:7]));"
        "sys.stdout.buffer.write(s.read(sys.argv[7]) or b''); s.put(b'from there')"
    )
    told = bucket.bucket
    digest = bucket.keys()[0].rpartition("/")[2]
    words = [told.name, told.prefix, told.endpoint, told.region, told.key, told.secret, digest]
    other = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, check=True)
    assert other.stdout == PDF
    assert len(bucket.keys()) == 2


def test_a_lost_or_exchanged_object_is_told(lite, few, bucket):
    desk = Desk(lite, "sales")
    desk.attach("contract", few["contract"], "合同.pdf")
    (key,) = bucket.keys()
    with lite.app_context(), db.engine.connect() as connection:
        row = connection.execute(Attachment.__table__.select()).one()
    bucket.put(key, b"something else")
    exchanged = desk.download("contract", row.id)
    bucket.clear()
    lost = desk.download("contract", row.id)
    for answer in (exchanged, lost):
        assert answer.status_code == 404
        assert "文件的内容已丢失" in answer.get_data(as_text=True)


def test_a_server_that_is_away_is_told_and_nothing_half_stays(lite, few, bucket):
    desk = Desk(lite, "sales")
    desk.attach("contract", few["contract"], "合同.pdf")
    with lite.app_context(), db.engine.connect() as connection:
        row = connection.execute(Attachment.__table__.select()).one()
    bucket.stop()
    try:
        began = time.monotonic()
        answers = [desk.download("contract", row.id)]
        answers += [desk.attach("contract", few["contract"], "二.png", PNG)]
        assert time.monotonic() - began < 20
        for answer in answers:
            assert answer.status_code == 503
            assert answer.headers["Retry-After"]
            assert "请稍后重试" in answer.get_data(as_text=True)
            assert "secret" not in answer.get_data(as_text=True)
        with lite.app_context(), db.engine.connect() as connection:
            assert len(connection.execute(Attachment.__table__.select()).all()) == 1
            assert connection.execute(DraftFile.__table__.select()).all() == []
    finally:
        bucket.start()
    with pytest.raises(StoreDown):
        Objects(Bucket("nobody-s", "", bucket.at, "us-east-1", "k", "s")).put(PDF)


BAD = {
    "no bucket": ("https://files", "is no bucket"),
    "no endpoint": ("s3://files?endpoint=files.example.com", "begins with https"),
    "unknown word": ("s3://files?colour=red", "is no bucket"),
    "plain": ("s3://files?endpoint=http://files.example.com", "reached by https"),
    "no key": ("s3://files/crm?endpoint=https://files.example.com", "needs TCOS_S3_KEY"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_setting_does_not_start_and_says_why(monkeypatch, case):
    url, said = BAD[case]
    monkeypatch.setenv("TCOS_S3_URL", url)
    monkeypatch.setenv("TCOS_TRUSTED_HOSTS", "crm.example.com")
    with pytest.raises(Misconfigured, match=said):
        load_config(
            {"TCOS_ENV": "production", "SECRET_KEY": "5c7cJ2kzQwE8uN0aVb3dXy6tRm9pLh4fGs1o-Zi"}
        )


def test_the_setting_names_bucket_prefix_and_endpoint(monkeypatch):
    monkeypatch.setenv("TCOS_S3_URL", "s3://files/crm/?endpoint=http://minio:9000&region=cn-1")
    monkeypatch.setenv("TCOS_S3_KEY", "key")
    monkeypatch.setenv("TCOS_S3_SECRET", "secret")
    found = load_config({"TCOS_ENV": "test", "SECRET_KEY": "x"})["TCOS_S3"]
    assert found == Bucket("files", "crm/", "http://minio:9000", "cn-1", "key", "secret")
