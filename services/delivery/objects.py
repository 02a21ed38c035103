"""The bytes of attachments in a bucket that speaks S3: several hosts share it.

boto3 is loaded with the first content: it takes 25 MB that most installations do without.
"""

import dataclasses
import datetime as dt
import hashlib
import importlib
import re
from collections.abc import Container
from typing import Any

from flask_babel import lazy_gettext as _

from models.core.cached import cached
from services.core.errors import Refused

GRACE = dt.timedelta(hours=1)
DIGEST = re.compile("[0-9a-f]{64}")
MISSING = frozenset({"404", "NoSuchKey", "NotFound"})


class StoreDown(Refused):
    """The store cannot be reached, written or read: full, gone or forbidden."""

    status = 503
    code = "STORE_DOWN"


@dataclasses.dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is and who we are there; `endpoint` is empty for Amazon's own."""

    name: str
    prefix: str
    endpoint: str
    region: str
    key: str
    secret: str


def _faults() -> tuple[type[Exception], ...]:
    """Return what the library raises; asked for only once something was raised."""
    found = importlib.import_module("botocore.exceptions")
    return found.BotoCoreError, found.ClientError


@cached
def _client(bucket: Bucket) -> Any:
    """Return the client of a bucket: threads share it, and its connections."""
    return (
        importlib.import_module("boto3")
        .session.Session()
        .client(
            "s3",
            endpoint_url=bucket.endpoint or None,
            region_name=bucket.region,
            aws_access_key_id=bucket.key,
            aws_secret_access_key=bucket.secret,
            config=importlib.import_module("botocore.config").Config(
                connect_timeout=3,
                read_timeout=20,
                retries={"total_max_attempts": 2},
                s3={"addressing_style": "path" if bucket.endpoint else "auto"},
            ),
        )
    )


class Objects:
    """A bucket of contents, `ab/abcd…` under its prefix."""

    def __init__(self, bucket: Bucket) -> None:
        """Take the bucket as it is: it has to be there."""
        self.bucket = bucket

    def _at(self, digest: str) -> dict[str, str]:
        return {"Bucket": self.bucket.name, "Key": f"{self.bucket.prefix}{digest[:2]}/{digest}"}

    def put(self, content: bytes) -> str:
        """Keep a content durably and return its SHA-256 in hex. Raises StoreDown.

        One that is there is written again: it is young from now on, and a sweep spares it.
        """
        digest = hashlib.sha256(content).hexdigest()
        try:
            _client(self.bucket).put_object(**self._at(digest), Body=content)
        except _faults():
            raise StoreDown(_("文件暂时无法保存，请稍后重试")) from None
        return digest

    def has(self, digest: str) -> bool:
        """Tell whether a content is there. Raises StoreDown."""
        try:
            _client(self.bucket).head_object(**self._at(digest))
        except _faults() as problem:
            return _is_there(problem)
        return True

    def read(self, digest: str) -> bytes | None:
        """Return a content, None where it is lost or is not what it was. Raises StoreDown."""
        try:
            found = _client(self.bucket).get_object(**self._at(digest))
            content: bytes = found["Body"].read()
        except _faults() as problem:
            _is_there(problem)
            return None
        return content if hashlib.sha256(content).hexdigest() == digest else None

    def sweep(self, kept: Container[str], *, now: dt.datetime) -> int:
        """Delete old objects whose digest is not among `kept`. Returns how many. Raises StoreDown.

        Workers of two hosts may sweep at once: what the other took away first is not counted.
        """
        oldest, gone = now - GRACE, 0
        pages = _client(self.bucket).get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self.bucket.name, Prefix=self.bucket.prefix):
                for one in page.get("Contents", ()):
                    digest = one["Key"].rpartition("/")[2]
                    ours = DIGEST.fullmatch(digest) and one["Key"] == self._at(digest)["Key"]
                    if ours and digest not in kept and one["LastModified"] < oldest:
                        gone += self._remove(digest, oldest)
        except _faults():
            raise StoreDown(_("文件暂时无法删除，请稍后重试")) from None
        return gone

    def _remove(self, digest: str, oldest: dt.datetime) -> bool:
        """Delete an object unless somebody put it again since it was listed, or took it away."""
        client = _client(self.bucket)
        try:
            if client.head_object(**self._at(digest))["LastModified"] >= oldest:
                return False
        except _faults() as problem:
            return _is_there(problem)
        client.delete_object(**self._at(digest))
        return True


def _is_there(problem: Exception) -> bool:
    """Return False for what is not there. Raises StoreDown for any other fault."""
    told: Any = getattr(problem, "response", None)  # of an answer; without one nobody answered
    code = told["Error"]["Code"] if told else ""
    if code not in MISSING:
        raise StoreDown(_("文件暂时无法读取，请稍后重试")) from None
    return False
