"""What a form sends beside a decision or a comment: remarks on fields, and files."""

from typing import Any

import sqlalchemy as sa
from flask import request
from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from services import approval
from services.approval.flow.fills import FIELD as FILL
from services.approval.request.annotations import FIELD, MOST_FILES
from services.core import texts
from services.core.errors import NotVisible
from services.delivery import attachment
from views.render.files import store
from views.web.edge import start_writing


def beside_of(session: Session, key: int) -> approval.Beside:
    """Return what was sent beside request `key`, its files in the store; the writing begins here.

    Raises NotVisible before a byte is kept for somebody who does not see the request, Invalid.
    """
    notes = {k[len(FIELD) :]: v for k, v in request.form.items() if k.startswith(FIELD)}
    filled = {k[len(FILL) :]: v for k, v in request.form.items() if k.startswith(FILL)}
    given = [file for file in request.files.getlist("file") if file.filename]
    if given and session.scalar(_seen(key)) is None:
        raise NotVisible
    checked = [
        attachment.judged(session, (file.filename or "", file.stream))
        for file in given[: MOST_FILES + 1]  # one more is refused by the service
    ]
    kept = [
        approval.KeptFile(file.name, file.mime, len(file.content), store().put(file.content))
        for file in checked
    ]
    start_writing()
    return approval.Beside(notes, kept, texts.key(request.form.get("to_step")), filled)


def _seen(key: int) -> Any:
    return sa.select(ApprovalRequest.id).where(ApprovalRequest.id == key)
