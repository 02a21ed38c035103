"""How a value looks in a grid, on a details page and in an export."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape

from models.core.field import Facts
from models.core.mixins import Approval
from models.customers.customer import CustomerStatus, Level
from models.deals.contract import ContractState
from models.deals.invoice import InvoiceState
from models.deals.order import MilestoneState, OrderState
from models.deals.payment import PaymentState
from models.deals.payment_plan import PlanState
from models.records.dictionary import Colour
from models.registry import having
from models.sales.stage import StageKind
from services.core import regions
from services.core.days import ZONE, day_bounds, today
from services.core.texts import yuan
from services.records.fields import Input
from services.rights.masking import shown
from views.render.contact_links import REACHED, linked
from views.web.edge import current_actor, now

TONES = {
    "approved": "ok",
    "pending": "warn",
    "rejected": "bad",
    "withdrawn": "",
    "draft": "",
    "won": "ok",
    "lost": "bad",
    "active": "ok",
    "done": "ok",
    "void": "bad",
    "to_sign": "warn",
    "confirmed": "ok",
    "reversed": "bad",
    "registered": "warn",
    "issued": "ok",
    "requested": "warn",
    "overdue": "bad",
    "partial": "warn",
    "open": "info",
    "intent": "info",
    "negotiating": "info",
    "ok": "ok",
    "warn": "warn",
    "bad": "bad",
    "info": "info",
}
STATES = (
    Approval,
    StageKind,
    ContractState,
    PaymentState,
    InvoiceState,
    OrderState,
    MilestoneState,
    CustomerStatus,
    PlanState,
    Colour,
)


def plain(value: Any, kind: str = "") -> str:
    """Return a value as text: yuan, local time, captions; empty for None."""
    if value is None:
        return ""
    if kind == "money":
        return yuan(value)
    if kind == "percent":
        return f"{value / 100:g}"
    if kind == "month":
        return f"{value:%Y-%m}"
    if kind == "region":
        return regions.text_of(value) or value
    return _by_type(value)


def _by_type(value: Any) -> str:
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(ZONE):%Y-%m-%d %H:%M}"
    if isinstance(value, Decimal):
        return f"{value:f}".rstrip("0").rstrip(".") if "." in f"{value:f}" else f"{value:f}"
    if isinstance(value, list | dict):
        return "、".join(map(str, value))
    return str(value)


def related(row: Any, key: str) -> Any:
    """Return the related record of a foreign key column, None where there is none."""
    return getattr(row, key.removesuffix("_id"), None)


def cell(row: Any, key: str, facts: Facts, one_kind: str) -> Any:
    """Return one cell as text or safe markup; personal fields as this person may see them."""
    value = getattr(row, key)
    if facts.sensitive:
        text = plain(shown(current_actor(), row, value))
        return linked(text, one_kind) if one_kind in REACHED else text
    if one_kind == "ref" or (key.endswith("_id") and hasattr(row, key.removesuffix("_id"))):
        return link(related(row, key)) if value is not None else ""
    if isinstance(value, STATES):
        return standing(row) if key == "approval" else tag(value)
    if one_kind == "money" and value is not None:
        return Markup('<span class="num">{}</span>').format(yuan(value))
    text = plain(value, "month" if facts.widget == "month" else one_kind)
    if one_kind in REACHED:
        return linked(text, one_kind)
    if isinstance(value, Level):
        return value.short
    return text if len(text) <= 60 else text[:60] + "…"  # noqa: PLR2004 # a cell, not a page


def due(moment: dt.datetime, done: object = None) -> Any:
    """Return when something is due; in red, and said, where its day is over and it is not done."""
    here = moment.astimezone(ZONE)  # the year only where it is another one
    text = f"{here:%m-%d %H:%M}" if here.year == today(now()).year else plain(moment)
    if done is not None or moment >= day_bounds(today(now()))[0]:
        return text
    return Markup('<span class="late">{} <span class="tag bad">{}</span></span>').format(
        text, _("逾期")
    )


def tag(value: enum.Enum) -> Markup:
    """Return a state as a coloured tag; the words say it too."""
    return tone(str(value), TONES.get(value.name, ""))


def standing(record: Any) -> Markup:
    """Return where a reviewed record stands as a coloured tag."""
    return tone(str(record.standing), TONES[record.approval.name])


def tone(text: str, colour: str) -> Markup:
    """Return words as a tag, nothing for none."""
    return Markup('<span class="tag {}">{}</span>').format(colour, text) if text else Markup()


def link(record: Any) -> Any:
    """Return the name of a record, as a link where there is a screen the person may open."""
    if record is None:
        return Markup('<span class="muted">—</span>')
    noun = record.__noun__
    actor = current_actor()
    if noun not in LINKED or actor is None or f"{noun}:read" not in actor.permissions:
        return escape(str(record))
    address = url_for(f"{noun}.details_view", id=record.id)
    return Markup('<a href="{}">{}</a>').format(address, str(record))


LINKED = frozenset(model.__noun__ for model in having("linked"))


def kind_of(one: Input | None, column: Any) -> str:
    """Return the input kind of a column, also of those no form has."""
    if one is not None:
        return one.kind
    name = type(column.type).__name__
    return {"Money": "money"}.get(name, "ref" if column.foreign_keys else "text")
