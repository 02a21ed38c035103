"""A change that came back, put into the form again so that only what was wrong is typed anew."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from services.records.fields import inputs_of
from services.records.snapshot import revive
from services.rights.access import actor_of
from services.rights.masking import sees_sensitive
from views.form import forms

BACK = (Approval.rejected, Approval.withdrawn)


def asked_before(session: Session, record: Any, key: int | None) -> dict[str, str]:
    """Return the texts a change of the record that came back had asked for; {} for any other."""
    request = ApprovalRequest
    payload = session.scalar(
        sa.select(request.payload).where(
            request.id == key,
            request.noun == record.__noun__,
            request.record_id == record.id,
            request.action == FlowAction.change,
            request.state.in_(BACK),
        )
    )
    if payload is None:
        return {}
    plain = sees_sensitive(actor_of(session), record)
    inputs = {
        key: one for key, one in inputs_of(type(record)).items() if plain or not one.facts.sensitive
    }
    values = {k: revive(inputs[k], v) for k, v in payload["values"].items() if k in inputs}
    return forms.texts_given(type(record), values)


def over(texts: dict[str, str], again: dict[str, str]) -> dict[str, str]:
    """Return a form's texts with those asked before; lines that were asked replace them all."""
    lines = {name.split("-")[0] for name in again if "-" in name}
    kept = {name: text for name, text in texts.items() if name.split("-")[0] not in lines}
    return kept | again
