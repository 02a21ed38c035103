"""How a value looks in a grid, on a details page and in an export."""

import datetime as dt
import enum
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape

import models as m
from models.field import Facts
from services import regions
from services.fields import Input
from services.masking import shown
from services.numbers import ZONE
from services.texts import yuan
from views.web.edge import current_actor

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
    m.Approval,
    m.StageKind,
    m.ContractState,
    m.PaymentState,
    m.InvoiceState,
    m.OrderState,
    m.MilestoneState,
    m.CustomerStatus,
    m.PlanState,
    m.Colour,
)


def plain(value: Any, kind: str = "") -> str:
    """Return a value as text: yuan, local time, captions; empty for None."""
    if value is None:
        return ""
    if kind == "money":
        return yuan(value)
    if kind == "percent":
        return f"{value / 100:g}"
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
        return plain(shown(current_actor(), row, value))
    if one_kind == "ref" or (key.endswith("_id") and hasattr(row, key.removesuffix("_id"))):
        return link(related(row, key)) if value is not None else ""
    if isinstance(value, STATES):
        return tag(value)
    if one_kind == "money" and value is not None:
        return Markup('<span class="num">{}</span>').format(yuan(value))
    text = plain(value, one_kind)
    if isinstance(value, m.Level):
        return text.partition(":")[0]  # the explanation stands in forms
    return text if len(text) <= 60 else text[:60] + "…"  # noqa: PLR2004 # a cell, not a page


def tag(value: enum.Enum) -> Markup:
    """Return a state as a coloured tag; the words say it too."""
    return Markup('<span class="tag {}">{}</span>').format(TONES.get(value.name, ""), str(value))


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


LINKED = frozenset(model.__noun__ for model in m.having("linked"))


def kind_of(one: Input | None, column: Any) -> str:
    """Return the input kind of a column, also of those no form has."""
    if one is not None:
        return one.kind
    name = type(column.type).__name__
    return {"Money": "money"}.get(name, "ref" if column.foreign_keys else "text")
