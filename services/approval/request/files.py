"""The files of a record as they were submitted: seen and opened by whoever sees the request."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.file import ApprovalFile
from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.delivery.attachment import Attachment
from services.core.errors import NotVisible
from services.records.snapshot import REVIEWED
from services.rights.access import actor_of, unscoped, visible_to


@dataclasses.dataclass(frozen=True, slots=True)
class Submitted:
    """One file of a request, its size in bytes; `gone`: it was taken off its record since."""

    id: int
    name: str
    size: int
    gone: bool


def submitted(
    session: Session, request: ApprovalRequest, *, mine: bool = False
) -> tuple[list[Submitted], bool]:
    """Return the files of a request, the oldest first, and whether its record is seen.

    One statement for both, since every page of a request asks; none where nothing is attached to a
    new entry that is the reader's task (`mine`): he sees it (services/rights/row_scope.py).
    """
    if mine and request.action is FlowAction.create and request.payload.get("files") == []:
        return [], True
    file, model = Attachment.__table__, REVIEWED[request.noun]
    nothing = sa.select(sa.literal(1).label("one")).subquery()
    own = sa.and_(file.c.noun == request.noun, file.c.record_id == request.record_id)
    seen = visible_to(actor_of(session), model)
    record = sa.select(model.id).where(model.id == request.record_id, seen).scalar_subquery()
    rows = session.execute(
        sa.select(*file.c["id", "name", "size", "deleted_at"], record.label("record"))
        .select_from(nothing)
        .outerjoin(file, own)
        .order_by(file.c.id)
    ).all()
    there = {row.id: row for row in rows if row.id is not None}
    return _of(request, there), rows[0].record is not None


def _of(request: ApprovalRequest, there: dict[int, Any]) -> list[Submitted]:
    alive = {key for key, row in there.items() if row.deleted_at is None}
    frozen = request.payload.get("files")
    if frozen is not None:
        return [Submitted(f["id"], f["name"], f["size"], f["id"] not in alive) for f in frozen]
    # Submitted before files were frozen: a pending record can neither get nor lose one.
    kept = alive if request.state is Approval.pending else set()
    return [Submitted(key, there[key].name, there[key].size, gone=False) for key in sorted(kept)]


def of_event(session: Session, key: int | None) -> ApprovalFile:
    """Return a file that came with a comment or decision: who sees the request or its record may.

    Raises NotVisible.
    """
    query = sa.select(ApprovalFile).where(ApprovalFile.id == key)
    with unscoped(session, "approval"):
        found = session.scalar(query)
        request = None if found is None else found.event.request
    if found is None or request is None:
        raise NotVisible
    actor = actor_of(session)
    ways: list[tuple[type[Any], int | None]] = [(ApprovalRequest, request.id)]
    if request.noun in REVIEWED:
        ways.append((REVIEWED[request.noun], request.record_id))
    for seen, number in ways:
        if session.scalar(sa.select(seen.id).where(seen.id == number, visible_to(actor, seen))):
            return found
    raise NotVisible


def one(session: Session, request: ApprovalRequest, key: int | None) -> Attachment:
    """Return a file of a request one sees. Raises NotVisible, also for files that came later."""
    files = submitted(session, request)[0] if request.noun in REVIEWED else []
    if key not in {file.id for file in files if not file.gone}:
        raise NotVisible
    query = sa.select(Attachment).where(Attachment.id == key)
    return session.scalars(query, execution_options={"system": "approval"}).one()
