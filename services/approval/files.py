"""The files of a record as they were submitted: seen and opened by whoever sees the request."""

import dataclasses
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

import models as m
from services.access import actor_of, visible_to
from services.approval.snapshot import REVIEWED
from services.errors import NotVisible


@dataclasses.dataclass(frozen=True, slots=True)
class Submitted:
    """One file of a request, its size in bytes; `gone`: it was taken off its record since."""

    id: int
    name: str
    size: int
    gone: bool


def submitted(
    session: Session, request: m.ApprovalRequest, *, mine: bool = False
) -> tuple[list[Submitted], bool]:
    """Return the files of a request, the oldest first, and whether its record is seen.

    One statement for both, since every page of a request asks; none where nothing is attached to a
    new entry that is the reader's task (`mine`): he sees it (services/reach.py).
    """
    if mine and request.action is m.FlowAction.create and request.payload.get("files") == []:
        return [], True
    file, model = m.Attachment.__table__, REVIEWED[request.noun]
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


def _of(request: m.ApprovalRequest, there: dict[int, Any]) -> list[Submitted]:
    alive = {key for key, row in there.items() if row.deleted_at is None}
    frozen = request.payload.get("files")
    if frozen is not None:
        return [Submitted(f["id"], f["name"], f["size"], f["id"] not in alive) for f in frozen]
    # Submitted before files were frozen: a pending record can neither get nor lose one.
    kept = alive if request.state is m.Approval.pending else set()
    return [Submitted(key, there[key].name, there[key].size, gone=False) for key in sorted(kept)]


def one(session: Session, request: m.ApprovalRequest, key: int | None) -> m.Attachment:
    """Return a file of a request one sees. Raises NotVisible, also for files that came later."""
    files = submitted(session, request)[0] if request.noun in REVIEWED else []
    if key not in {file.id for file in files if not file.gone}:
        raise NotVisible
    query = sa.select(m.Attachment).where(m.Attachment.id == key)
    return session.scalars(query, execution_options={"system": "approval"}).one()
