"""The approvers a submitter picks: boxes on the entry form and beside the verbs of a record."""

import dataclasses
from typing import Any

from flask import request
from sqlalchemy.orm import Session

from models.approval.flow import FlowAction
from services.approval.flow import chosen_approvers
from services.approval.flow.barred import would_bar
from services.core import texts
from services.core.errors import Invalid
from services.rights.actor import Actor


@dataclasses.dataclass(frozen=True, slots=True)
class Picker:
    """What is drawn: people as (id, name), the keys ticked, what was wrong."""

    people: list[tuple[int, str]]
    ticked: list[int]
    error: str = ""


def picker(
    session: Session, record: Any, noun: str, *, action: FlowAction, by: Actor, error: Any = ""
) -> Picker | None:
    """Return the boxes, None where the flow in force leaves nothing to the submitter."""
    if not chosen_approvers.asks(session, noun, action):
        return None
    people = chosen_approvers.offered(session, would_bar(record, by.id, action))
    return Picker(people, _ticked(), str(error))


def remember(session: Session) -> None:
    """Keep whom this post names for the request it opens. Raises Invalid on junk."""
    if len(_ticked()) != len(request.form.getlist(chosen_approvers.FIELD)):
        raise Invalid({chosen_approvers.FIELD: chosen_approvers.UNFIT})
    chosen_approvers.pick(session, _ticked())


def _ticked() -> list[int]:
    found = map(texts.key, request.form.getlist(chosen_approvers.FIELD))
    return [key for key in found if key is not None]
