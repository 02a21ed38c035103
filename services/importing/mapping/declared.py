"""What a file may give for each entity, derived from the declarations."""

from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.bulk.tag import Tag, Tagged
from models.core.cached import cached
from models.core.field import Facts
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.order import Order
from models.deals.payment import Payment
from models.deals.payment_plan import PaymentPlan
from models.registry import importable
from services.records.fields import Input, column_input, inputs_of
from services.records.lookup import names_of

MODELS: dict[str, Any] = {model.__noun__: model for model in importable()}
# Beside the inputs of the form: the foreign key, our number to find by, and a past's own dates.
BESIDE = ("external_ref", "code", "created_at", "closed_on")
ALSO: dict[type[Any], tuple[str, ...]] = {Contract: ("state",), Order: ("contract_id",)}
# Lines of a file that are records of their own beside a form.
BESIDE_FORM: dict[type[Any], str] = {Order: "milestones", Payment: "allocations"}
PAST = frozenset({"created_at", "closed_on"})  # only historic records say these
NUMBERS = frozenset({"money", "quantity", "int", "percent"})
WORDS = frozenset({"text", "digits", "mobile", "phone", "email"})  # kinds a record is called by


def past_of(model: type[Any]) -> frozenset[str]:
    """Return what only a historic record may say: its own dates, how a contract ended."""
    return PAST | {"state"} if model is Contract else PAST | {"allocations"}


@cached
def inputs_for(model: Any) -> dict[str, Input]:
    """Return what a file may give for an entity: the form's inputs and what stands beside."""
    found = inputs_of(model)
    for key in (*ALSO.get(model, ()), *BESIDE):
        one = column_input(model, key)
        if one is not None:
            found.setdefault(key, one)
    if issubclass(model, Tagged):
        found["tags"] = Input("tags", Facts(_("标签")), "tags", Tag)
    beside = BESIDE_FORM.get(model)
    if beside is not None:
        part = sa.inspect(model).relationships[beside].mapper.class_
        found[beside] = Input(beside, Facts(part.__caption__), "lines", part)
    return found


@cached
def parts_of(model: Any, key: str) -> dict[str, Input]:
    """Return what a file may give for a line of an entity: all but the record it belongs to."""
    known = inputs_of(inputs_for(model)[key].target)
    if key == "allocations":  # an instalment is told by its day
        due = column_input(PaymentPlan, "due_on")
        return {"due_on": due, "amount": known["amount"]} if due is not None else {}
    return {k: one for k, one in known.items() if one.target is not model and k != "ordinal"}


def settable(model: Any) -> list[str]:
    """Return the fields a column may become; lines have columns of their own."""
    return [key for key, one in inputs_for(model).items() if one.kind != "lines"]


@cached
def ways_to(model: Any) -> dict[str, Input]:
    """Return key → Input of what a record may be referred by: what names it, stands once, reaches.

    Telephone numbers and the like are such: who may not see them may not ask by them either.
    """
    once = {
        i.columns.keys()[0] for i in model.__table__.indexes if i.unique and len(i.columns) == 1
    }
    found = {}
    for prop in sa.inspect(model).column_attrs:
        one, column = column_input(model, prop.key), prop.columns[0]
        if one is None or one.kind not in WORDS:
            continue
        if column.unique or prop.key in once or prop.key in names_of(model) or one.facts.sensitive:
            found[prop.key] = one
    if model is Customer:
        found |= {k: v for k, v in inputs_of(model).items() if _reaches(k) and v.kind in WORDS}
    return found


def _reaches(key: str) -> bool:
    """Tell whether a field of the contact leads to his customer; a name or title does not."""
    return key.startswith("primary.") and key not in {"primary.name", "primary.title"}
