"""Numbers that people keep on their home page: pinned, listed, taken off."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.query.saved_view import SavedView
from models.query.view_pin import ViewPin
from services.core.errors import Invalid, NotVisible
from services.rights.actor import Actor
from services.rights.call import Call
from services.rights.gate import rule

MOST = 8  # tiles of a person


def of(session: Session, by: Actor, view: SavedView | None = None) -> list[ViewPin]:
    """Return the pins of a person whose view he still sees, of one view or of all."""
    pin = ViewPin
    query = (
        sa.select(pin, SavedView)
        .join(SavedView, SavedView.id == pin.view_id)
        .where(pin.user_id == by.id)
        .order_by(pin.id)
    )
    found = session.execute(query if view is None else query.where(pin.view_id == view.id))
    return [row[0] for row in found]


def get(session: Session, key: int | None, by: Actor) -> ViewPin:
    """Return a pin of a person whose view he still sees. Raises NotVisible."""
    found = next((one for one in of(session, by) if one.id == key), None)
    if found is None:
        raise NotVisible
    return found


def add(call: Call, view: SavedView, measure: str) -> ViewPin:
    """Keep a number on the home page; a second time changes nothing. Raises Invalid."""
    held = of(call.session, call.by)
    for one in held:
        if (one.view_id, one.measure) == (view.id, measure):
            return one
    if len(held) >= MOST:
        raise Invalid({"measure": _("首页最多固定 %(n)s 个数字，请先取下不用的", n=MOST)})
    made = ViewPin(user_id=call.by.id, view_id=view.id, measure=measure)
    with rule(call.session, "views"):
        call.session.add(made)
    return made


def drop(call: Call, key: int | None) -> ViewPin:
    """Take a number off the home page. Raises NotVisible."""
    found = get(call.session, key, call.by)
    with rule(call.session, "views"):
        call.session.delete(found)
    return found
