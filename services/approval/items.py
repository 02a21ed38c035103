"""Bulk decisions one by one: each inside its own SAVEPOINT, so that a refusal undoes that alone."""

import datetime as dt
from collections.abc import Mapping

from sqlalchemy.orm import Session

from services.actor import Actor
from services.approval.claim import refused
from services.approval.decide import decide
from services.batch_work import told
from services.errors import Refused

Problem = tuple[str, str]


def each(  # what was seen and said is part of the law
    session: Session,
    pairs: Mapping[int, int | None],
    *,
    verb: str,
    comment: str | None,
    by: Actor,
    now: dt.datetime,
) -> dict[int, Problem | None]:
    """Decide requests (id → version seen); return id → (code, message), None where it worked."""
    found: dict[int, Problem | None] = {}
    for key, seen in pairs.items():
        try:
            with session.begin_nested():
                if seen is None:
                    raise refused("CONTENT_CHANGED")
                decide(session, key, seen=seen, verb=verb, comment=comment, by=by, now=now)
            found[key] = None
        except Refused as refusal:
            found[key] = told(refusal)
    return found
