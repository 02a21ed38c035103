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

from models.approval.file import ApprovalFile
from models.core.mixins import Approval
from models.core.setting import Setting
from models.delivery.attachment import Attachment
from models.records.form_draft import DraftFile
from models.registry import having
from services.core.errors import Forbidden, Invalid, Locked, NotVisible
from services.core.settings import CATALOGUE, get_setting
from services.delivery.filetypes import clean_name, mime_of
from services.records.records import SAVERS, Saver
from services.rights import gate
from services.rights.call import Call

PARENTS: dict[str, type[Any]] = {model.__noun__: model for model in having("attachable")}
LIMIT = "attachment.max_mb"
MEGABYTE = 1024 * 1024


class TooLarge(Invalid):
    """The file is above the limit."""

    status = 413
    code = "TOO_LARGE"


@dataclasses.dataclass(frozen=True, slots=True)
class Upload:
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


def card(session: Session, record: Any) -> tuple[list[Attachment], int]:
    """Return what is attached to a record, the newest first, and the limit of one file in bytes.

    One statement for both, since every page of a record asks; `uploader` is not loaded.
    """
    row, setting = Attachment, Setting
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


def beneath(session: Session, customer_id: int) -> list[Attachment]:
    """Return what is attached to a customer's visible opportunities, contracts and follow-ups."""
    row = Attachment
    ways = [
        sa.and_(
            row.noun == noun,
            row.record_id.in_(sa.select(model.id).where(model.customer_id == customer_id)),
        )
        for noun, model in PARENTS.items()
        if hasattr(model, "customer_id")
    ]
    return list(session.scalars(sa.select(row).where(sa.or_(*ways)).order_by(row.id.desc())))


def one(session: Session, noun: str, key: int | None) -> Attachment:
    """Return a file of a kind of records. Raises NotVisible, also when its record is not seen."""
    row = Attachment
    found = session.scalar(sa.select(row).where(row.id == key, row.noun == noun))
    if found is None:
        raise NotVisible
    return found


def is_open(call: Call, record: Any) -> bool:
    """Tell whether the actor may add to a record and remove from it now."""
    try:
        _demand_open(call, record)
    except (Forbidden, Locked):
        return False
    return True


def check(call: Call, record: Any, given: tuple[str, IO[bytes]]) -> Upload:
    """Return an upload (its name, its stream) that may come in; nothing is written.

    Raises Forbidden, Locked, Invalid, TooLarge.
    """
    _demand_open(call, record)
    return judged(call.session, given)


def judged(session: Session, given: tuple[str, IO[bytes]]) -> Upload:
    """Return an upload whose size and type are allowed. Raises Invalid, TooLarge."""
    name, stream = clean_name(given[0]), given[1]
    limit = largest(session)
    content = stream.read(limit + 1)
    if len(content) > limit:
        raise TooLarge({"file": _("文件超过上限 %(n)s MB", n=limit // MEGABYTE)})
    return Upload(name, mime_of(name, content), content)


def add(call: Call, record: Any, file: Upload, digest: str) -> Attachment:
    """Attach a checked file, kept by the store under `digest`. Raises Forbidden, Locked."""
    record = _held(call.session, record.__noun__, record.id)
    _demand_open(call, record)
    found = Attachment(
        noun=record.__noun__,
        record_id=record.id,
        name=file.name,
        size=file.size,
        sha256=digest,
        mime=file.mime,
        uploader_id=call.by.id,
        at=call.now,
    )
    with gate.rule(call.session, "attachment"):
        call.session.add(found)
    return found


def remove(call: Call, file: Attachment) -> None:
    """Take a file off its record; the bytes stay for `attachment.keep_days`.

    Raises NotVisible, Forbidden, Locked.
    """
    _demand_open(call, _held(call.session, file.noun, file.record_id))
    with gate.rule(call.session, "attachment"):
        file.deleted_at = call.now


def purge(session: Session, *, now: dt.datetime) -> int:
    """Forget files removed longer ago than `attachment.keep_days`. Returns how many."""
    row = Attachment
    oldest = now - dt.timedelta(days=get_setting(session, "attachment.keep_days"))
    old = sa.delete(row).where(row.deleted_at < oldest)
    done: Any = session.execute(old, execution_options={"rule": "attachment"})
    return int(done.rowcount)


def digests(session: Session) -> set[str]:
    """Return the SHA-256 of every content a row points at: removed files and drafts too."""
    tables = (Attachment.__table__, ApprovalFile.__table__, DraftFile.__table__)
    return set(session.execute(sa.union(*(sa.select(t.c.sha256) for t in tables))).scalars())


def _held(session: Session, noun: str, key: int) -> Any:
    """Return the record as it is now and stays until the end of the transaction."""
    model = PARENTS[noun]
    query = sa.select(model).where(model.id == key).with_for_update(of=model)
    found = session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise NotVisible
    return found


def _demand_open(call: Call, record: Any) -> None:
    """Raise Forbidden or Locked unless the actor may edit the record as it stands."""
    if not gate.may_write(call.by, "edit", record):
        raise Forbidden
    if getattr(record, "approval", None) is Approval.pending:
        raise Locked(_("审批中的记录不能增减附件，请先撤回"))
    SAVERS.get(type(record), Saver()).still_open(call, record)
