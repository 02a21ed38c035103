"""Two customers side by side: what was submitted, and the one it may be the same as."""

import dataclasses
from typing import Any

from sqlalchemy.orm import Session

from models.approval.request import ApprovalRequest
from models.customers.customer import Customer
from services.approval.inbox.unmasking import plainly
from services.customers import duplicates
from services.records.fields import inputs_of
from services.records.snapshot import snapshot, text_of
from services.rights.actor import Actor
from services.rights.audit import mask
from services.rights.masking import shown


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One field: its caption, what was submitted, what the other has, whether that is the same."""

    caption: Any
    submitted: str
    existing: str
    same: bool


def compare(
    session: Session, request: ApprovalRequest, other: Customer, *, by: Actor
) -> list[Line]:
    """Return the fields that either has; of a change only those it changes.

    `other` is a record the actor sees; personal fields are masked where his grants ask for it.
    """
    theirs, lines = snapshot(session, other), []
    plain = plainly(session, request, by=by)
    for key, one in inputs_of(Customer).items():
        if one.kind == "lines" or key not in request.payload["values"]:
            continue
        pair = [
            "" if value in {None, ""} else text_of(one, value, payload["names"], key)
            for payload in (request.payload, theirs)
            for value in (payload["values"].get(key),)
        ]
        if any(pair):
            own, told = pair
            if one.facts.sensitive:
                told = str(shown(by, other, told))
                own = own if plain or not own else mask(own)
            lines.append(Line(one.facts.caption, own, told, _same(key, pair[0], pair[1])))
    return lines


def _same(key: str, mine: str, theirs: str) -> bool:
    """Tell whether two texts are one to the search for duplicates, which reads past spellings."""
    reason = duplicates.TYPED.get(key)
    if reason is None:
        return mine == theirs
    return duplicates.key_of(reason, mine) == duplicates.key_of(reason, theirs)
