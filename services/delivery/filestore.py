"""The bytes of attachments: one file a content, named by its SHA-256, in a folder or a bucket.

A file is complete before a row points at it. What a refused transaction left behind goes with the
next sweep, which spares everything young enough to belong to a transaction that still runs.
"""

import contextlib
import datetime as dt
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from flask_babel import lazy_gettext as _

from services.delivery.objects import GRACE, Bucket, Objects, StoreDown

__all__ = ["GRACE", "Bucket", "FileStore", "Store", "StoreDown", "open_store"]


class FileStore(Protocol):
    """Where contents lie."""

    def put(self, content: bytes) -> str:
        """Keep a content durably and return its SHA-256 in hex. Raises StoreDown."""

    def has(self, digest: str) -> bool:
        """Tell whether a content is there. Raises StoreDown."""

    def read(self, digest: str) -> bytes | None:
        """Return a content, None where it is lost. Raises StoreDown."""

    def sweep(self, kept: Container[str], *, now: dt.datetime) -> int:
        """Delete old files whose digest is not among `kept`; return how many. Raises StoreDown."""


def open_store(config: Mapping[str, Any]) -> FileStore:
    """Return the store that the configuration names."""
    bucket: Bucket | None = config["TCOS_S3"]
    return Store(Path(config["TCOS_ATTACHMENT_DIR"])) if bucket is None else Objects(bucket)


class Store:
    """A folder of contents; several processes and hosts may share it."""

    def __init__(self, folder: Path) -> None:
        """Take the folder as it is; it is made with the first file."""
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Return where a content lies, whether it is there or not."""
        return self.folder / digest[:2] / digest

    def put(self, content: bytes) -> str:
        """Keep a content durably and return its SHA-256 in hex. Raises StoreDown."""
        digest = hashlib.sha256(content).hexdigest()
        target = self.path(digest)
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._alone():
                if target.exists():
                    os.utime(target)  # young again: a sweep that runs now spares it
                else:
                    _write(target, content)
        except OSError:
            raise StoreDown(_("文件暂时无法保存，请稍后重试")) from None
        return digest

    def has(self, digest: str) -> bool:
        """Tell whether a content is there."""
        return self.path(digest).is_file()

    def read(self, digest: str) -> bytes | None:
        """Return a content, None where it is lost. Raises StoreDown."""
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError:
            return None
        except OSError:
            raise StoreDown(_("文件暂时无法读取，请稍后重试")) from None

    def sweep(self, kept: Container[str], *, now: dt.datetime) -> int:
        """Delete old files whose digest is not among `kept`; return how many. Raises StoreDown."""
        oldest, gone = (now - GRACE).timestamp(), 0
        try:
            for path in self.folder.glob("??/*"):
                if path.name in kept:
                    continue
                with self._alone():
                    if path.exists() and path.stat().st_mtime < oldest:
                        path.unlink()
                        gone += 1
        except OSError:
            raise StoreDown(_("文件暂时无法删除，请稍后重试")) from None
        return gone

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep `put` and `sweep` of all processes apart, so that no wanted file goes."""
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _write(target: Path, content: bytes) -> None:
    """Write under another name (readable by its owner alone), then take the right one."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(target)
        except OSError:
            Path(part.name).unlink(missing_ok=True)
            raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
