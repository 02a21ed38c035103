"""The people a submitter picks: approvers and readers, on the entry form and beside the verbs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from services.approval.flow import chosen_approvers, chosen_copies
from services.approval.flow.barred import would_bar
from services.core import texts
from services.core.errors import Invalid
from services.rights.actor import Actor

BESIDE = {chosen_approvers.FIELD, chosen_copies.FIELD}  # errors that are told beside the boxes
ASKED = "cc_asked"  # a post without a box ticked says nobody, one without this nothing


@dataclasses.dataclass(frozen=True, slots=True)
class Picker:
    """What is drawn: people as (id, name), the keys ticked, what was wrong."""

    people: list[tuple[int, str]]
    ticked: list[int]
    error: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Pickers:
    """The boxes of a submission: who decides, who gets a copy; None for what is not asked."""

    approvers: Picker | None
    copies: Picker | None


def picker(
    session: Session,
    record: Any,
    noun: str,
    *,
    action: FlowAction,
    by: Actor,
    errors: Mapping[str, Any],
) -> Pickers | None:
    """Return the boxes, None where the flow in force leaves nothing to the submitter."""
    found = chosen_copies.offer(session, noun, action, getattr(record, "id", None))
    wrong = {key: str(errors.get(key, "")) for key in BESIDE}
    deciding = copying = None
    if found.approvers is not None:
        never = would_bar(record, by.id, action)
        people = [pair for pair in found.approvers.items() if pair[0] not in never]
        field = chosen_approvers.FIELD
        deciding = Picker(people, _ticked(field), wrong[field])
    if found.readers is not None or wrong[chosen_copies.FIELD]:
        people = [pair for pair in (found.readers or {}).items() if pair[0] != by.id]
        field = chosen_copies.FIELD
        copying = Picker(people, _ticked(field) if _posted() else found.before, wrong[field])
    return Pickers(deciding, copying) if deciding or copying else None


def remember(session: Session) -> None:
    """Keep whom this post names for the request it opens. Raises Invalid on junk."""
    for part in (chosen_approvers, chosen_copies):
        if len(_ticked(part.FIELD)) != len(request.form.getlist(part.FIELD)):
            raise Invalid({part.FIELD: part.UNFIT})
        part.pick(session, _ticked(part.FIELD))


def _posted() -> bool:
    return ASKED in request.form or chosen_copies.FIELD in request.form


def _ticked(field: str) -> list[int]:
    found = map(texts.key, request.form.getlist(field))
    return [key for key in found if key is not None]
