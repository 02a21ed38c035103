"""The approvers a submitter picks: boxes on the entry form and beside the verbs of a record."""

import dataclasses
from typing import Any

from flask import request
from sqlalchemy.orm import Session

import models as m
from services import texts
from services.actor import Actor
from services.approval import choice
from services.errors import Invalid


@dataclasses.dataclass(frozen=True, slots=True)
class Picker:
    """What is drawn: people as (id, name), the keys ticked, what was wrong."""

    people: list[tuple[int, str]]
    ticked: list[int]
    error: str = ""


def picker(
    session: Session, record: Any, noun: str, *, action: m.FlowAction, by: Actor, error: Any = ""
) -> Picker | None:
    """Return the boxes, None where the flow in force leaves nothing to the submitter."""
    if not choice.asks(session, noun, action):
        return None
    barred = {by.id, getattr(record, "last_editor_id", None)}
    return Picker(choice.offered(session, barred), _ticked(), str(error))


def remember(session: Session) -> None:
    """Keep whom this post names for the request it opens. Raises Invalid on junk."""
    if len(_ticked()) != len(request.form.getlist(choice.FIELD)):
        raise Invalid({choice.FIELD: choice.UNFIT})
    choice.pick(session, _ticked())


def _ticked() -> list[int]:
    found = map(texts.key, request.form.getlist(choice.FIELD))
    return [key for key in found if key is not None]
