"""What the keys of a dimension are called, and how they are ordered."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from dashboards.core import names
from dashboards.core.columns import missing
from dashboards.core.scope import CONTRACT, CUSTOMER, STAGE, openable, removed
from dashboards.core.sql import frame
from dashboards.measures.declared import Dimension
from dashboards.measures.dimensions import YEAR_STARTS
from services.core import regions
from services.core.settings import get_setting
from services.rights.actor import Actor

PARENTS = {"branch": "department"}  # named as the same things are


class Label(NamedTuple):
    """What a key is called, what it is sorted by, and whether it may be opened."""

    text: str
    order: Any
    opened: bool = True


def labels(
    session: Session, actor: Actor, dimension: Dimension, keys: Sequence[Any]
) -> dict[Any, Label]:
    """Return the label of each key."""
    if dimension.key in {"customer", "contract"}:
        return _private(session, actor, dimension, keys)
    if dimension.key in {"month", "quarter", "year"}:
        return _times(session, dimension.key, keys)
    if dimension.key == "province":
        known = {key: regions.text_of(f"{key}0000") or str(key) for key in keys if key}
    else:
        known = names.names(session, PARENTS.get(dimension.key, dimension.key))
    order = _stages(session) if dimension.key == "stage" else {}
    return {key: _label(key, known, order) for key in keys}


def _label(key: Any, known: dict[Any, str], order: dict[Any, int]) -> Label:
    text = names.label(key, known)
    place = (missing(key), order.get(key, 0), str(getattr(key, "name", "")) or text)
    return Label(text, place)


def _stages(session: Session) -> dict[Any, int]:
    found = frame(session, sa.select(STAGE.c.id, STAGE.c.ordinal))
    return dict(zip(found["id"], found["ordinal"], strict=True))


def _times(session: Session, unit: str, keys: Sequence[Any]) -> dict[Any, Label]:
    """Return months as they are, quarters and years by their place in the year that is set."""
    start = int(get_setting(session, YEAR_STARTS)) if unit != "month" else 1
    return {key: Label(_time(key, unit, start), str(key or "")) for key in keys}


def _time(key: Any, unit: str, start: int) -> str:
    if missing(key):
        return _("（未填写）")
    if unit == "month":
        return str(key)
    year, month = (int(part) for part in key.split("-"))
    named = str(year if month >= start else year - 1)
    if start > 1:
        named = _("%(year)s 财年", year=named)
    return named if unit == "year" else f"{named}-Q{(month - start) % 12 // 3 + 1}"


def _private(
    session: Session, actor: Actor, dimension: Dimension, keys: Sequence[Any]
) -> dict[Any, Label]:
    """Return the names of customers and contracts, hidden where the customer cannot be opened."""
    contract = dimension.key == "contract"
    name = "code" if contract else "company"
    key, shown = (
        (CONTRACT.c.id, CONTRACT.c.code) if contract else (CUSTOMER.c.id, CUSTOMER.c.company)
    )
    source = (
        CUSTOMER.join(CONTRACT, CONTRACT.c.customer_id == CUSTOMER.c.id) if contract else CUSTOMER
    )
    statement = sa.select(
        key.label("key"),
        shown.label(name),
        openable(actor, CUSTOMER.c.id).label("opened"),
        removed(actor).label("removed"),
    ).select_from(source)
    found = {}
    wanted = key.in_([one for one in keys if not missing(one)])
    for row in frame(session, statement.where(wanted)).to_dict("records"):
        text = row[name] if row["opened"] else names.hidden(row, name)
        found[row["key"]] = Label(str(text), str(text), bool(row["opened"]))
    blank = Label(_("（未填写）"), "")
    return {one: found.get(one, blank) for one in keys}
