"""Attachments of a record: whoever may edit it adds and removes, whoever sees it downloads.

`check` reads and judges an upload before a writing transaction begins, the edge puts the content
into the store, `add` writes the row.
"""

import dataclasses
import datetime as dt
from typing import IO, Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import gate
from services.actor import Actor
from services.errors import Forbidden, Invalid, Locked, NotVisible
from services.filetypes import clean_name, mime_of
from services.records import SAVERS, Call, Saver
from services.settings import CATALOGUE, get_setting

PARENTS: dict[str, type[Any]] = {model.__noun__: model for model in m.having("attachable")}
LIMIT = "attachment.max_mb"
MEGABYTE = 1024 * 1024


class TooLarge(Invalid):
    """The file is above the limit."""

    status = 413
    code = "TOO_LARGE"


@dataclasses.dataclass(frozen=True, slots=True)
class File:
    """An upload that may come in; `kept` is its size where the content is in the store already."""

    name: str
    mime: str
    content: bytes
    kept: int = 0

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self.kept or len(self.content)


def largest(session: Session) -> int:
    """Return the limit of one file in bytes."""
    return int(get_setting(session, LIMIT)) * MEGABYTE


def card(session: Session, record: Any) -> tuple[list[m.Attachment], int]:
    """Return what is attached to a record, the newest first, and the limit of one file in bytes.

    One statement for both, since every page of a record asks; `uploader` is not loaded.
    """
    row, setting = m.Attachment, m.Setting
    one_row = sa.select(sa.literal(1).label("one")).subquery()
    found = session.execute(
        sa.select(row, setting.value)
        .select_from(one_row)
        .outerjoin(row, sa.and_(row.noun == record.__noun__, row.record_id == record.id))
        .outerjoin(setting, setting.key == LIMIT)
        .order_by(row.id.desc())
    ).all()
    megabytes: Any = found[0][1] or CATALOGUE[LIMIT].default
    return [file for file, _limit in found if file is not None], megabytes * MEGABYTE


def beneath(session: Session, customer_id: int) -> list[m.Attachment]:
    """Return what is attached to a customer's visible opportunities, contracts and follow-ups."""
    row = m.Attachment
    ways = [
        sa.and_(
            row.noun == noun,
            row.record_id.in_(sa.select(model.id).where(model.customer_id == customer_id)),
        )
        for noun, model in PARENTS.items()
        if hasattr(model, "customer_id")
    ]
    return list(session.scalars(sa.select(row).where(sa.or_(*ways)).order_by(row.id.desc())))


def one(session: Session, noun: str, key: int | None) -> m.Attachment:
    """Return a file of a kind of records. Raises NotVisible, also when its record is not seen."""
    row = m.Attachment
    found = session.scalar(sa.select(row).where(row.id == key, row.noun == noun))
    if found is None:
        raise NotVisible
    return found


def is_open(session: Session, record: Any, *, by: Actor, now: dt.datetime) -> bool:
    """Tell whether the actor may add to a record and remove from it now."""
    try:
        _demand_open(session, record, by, now)
    except (Forbidden, Locked):
        return False
    return True


def check(
    session: Session, record: Any, given: tuple[str, IO[bytes]], *, by: Actor, now: dt.datetime
) -> File:
    """Return an upload (its name, its stream) that may come in; nothing is written.

    Raises Forbidden, Locked, Invalid, TooLarge.
    """
    _demand_open(session, record, by, now)
    return judged(session, given)


def judged(session: Session, given: tuple[str, IO[bytes]]) -> File:
    """Return an upload whose size and type are allowed. Raises Invalid, TooLarge."""
    name, stream = clean_name(given[0]), given[1]
    limit = largest(session)
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge({"file": _("文件超过上限 %(n)s MB", n=limit // MEGABYTE)})
    return File(name, mime_of(name, content), content)


def add(
    session: Session, record: Any, file: File, digest: str, *, by: Actor, now: dt.datetime
) -> m.Attachment:
    """Attach a checked file, kept by the store under `digest`. Raises Forbidden, Locked."""
    record = _held(session, record.__noun__, record.id)
    _demand_open(session, record, by, now)
    found = m.Attachment(
        noun=record.__noun__,
        record_id=record.id,
        name=file.name,
        size=file.size,
        sha256=digest,
        mime=file.mime,
        uploader_id=by.id,
        at=now,
    )
    with gate.rule(session, "attachment"):
        session.add(found)
    return found


def remove(session: Session, file: m.Attachment, *, by: Actor, now: dt.datetime) -> None:
    """Take a file off its record; the bytes stay for `attachment.keep_days`.

    Raises NotVisible, Forbidden, Locked.
    """
    _demand_open(session, _held(session, file.noun, file.record_id), by, now)
    with gate.rule(session, "attachment"):
        file.deleted_at = now


def purge(session: Session, *, now: dt.datetime) -> int:
    """Forget files removed longer ago than `attachment.keep_days`. Returns how many."""
    row = m.Attachment
    oldest = now - dt.timedelta(days=get_setting(session, "attachment.keep_days"))
    old = sa.delete(row).where(row.deleted_at < oldest)
    done: Any = session.execute(old, execution_options={"rule": "attachment"})
    return int(done.rowcount)


def digests(session: Session) -> set[str]:
    """Return the SHA-256 of every content some row still points at, removed files included."""
    tables = (m.Attachment.__table__, m.ApprovalFile.__table__)
    return set(session.execute(sa.union(*(sa.select(t.c.sha256) for t in tables))).scalars())


def _held(session: Session, noun: str, key: int) -> Any:
    """Return the record as it is now and stays until the end of the transaction."""
    model = PARENTS[noun]
    query = sa.select(model).where(model.id == key).with_for_update(of=model)
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotVisible
    return found


def _demand_open(session: Session, record: Any, by: Actor, now: dt.datetime) -> None:
    """Raise Forbidden or Locked unless the actor may edit the record as it stands."""
    if not gate.may_write(by, "edit", record):
        raise Forbidden
    if getattr(record, "approval", None) is m.Approval.pending:
        raise Locked(_("审批中的记录不能增减附件，请先撤回"))
    SAVERS.get(type(record), Saver()).still_open(Call(session, by, now), record)
