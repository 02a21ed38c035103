"""Customers: defaults of the entry form, the primary contact, what a submission needs."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.records.dictionary import DictionaryKind, DictionaryOption
from services.core import regions
from services.core.errors import Locked
from services.core.texts import joined
from services.customers import duplicates
from services.ownership import ownership, pool
from services.records.fields import PRIMARY
from services.records.records import Saver, Values, given, primary_of, saver
from services.rights.actor import may
from services.rights.call import Call


@saver(Customer)
class CustomerSaver(Saver):
    """The rules of 大客户录入."""

    own_way = frozenset({"owner_id"})
    singly = frozenset({"owner_id", *duplicates.TYPED})

    def prepare(self, call: Call, values: Values) -> None:
        """Give the defaults of product.md section 2 to what the payload leaves out."""
        if blank := USUAL.keys() - values.keys():
            usual = _usual(call)
            values.update((key, usual.get(USUAL[key])) for key in sorted(blank))
        if "owner_id" not in values and "sales" in call.by.roles:
            values["owner_id"] = call.by.id

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Owners move by hand-over; an approved customer's primary contact is controlled."""
        errors: dict[str, Any] = {}
        approved = record.approval is Approval.approved
        if "owner_id" in values and approved and not may(call.by, "customer:assign"):
            errors["owner_id"] = _("更换销售员需要「分配」权限")
        leaves = record.id is not None and "owner_id" in values and values["owner_id"] is None
        if leaves and record.owner_id is not None and ownership.has_open_deal(call.session, record):
            errors["owner_id"] = ownership.HELD
        if approved:  # a draft is asked when it is submitted
            changed = {key: values[key] for key in duplicates.TYPED if key in values}
            errors |= _unexplained(call, record, values, changed)
        return errors

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Keep the text of the region beside its code, and who was the last to change it."""
        record.last_editor_id = call.by.id
        if "region_code" in values:
            code = values["region_code"]
            record.region_text = regions.text_of(code) if code else None

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Write the primary contact's row."""
        told = {k: values[f"primary.{k}"] for k in PRIMARY if f"primary.{k}" in values}
        contact = primary_of(record) if told else None
        if contact is None and any(value is not None for value in told.values()):
            contact = Contact(customer=record, is_primary=True)
            call.session.add(contact)
        if contact is not None:
            for key, value in told.items():
                setattr(contact, key, value)
        if values.get("owner_id", record.owner_id) != record.owner_id:
            call.session.flush()
            ownership.change(call, record, values["owner_id"], note=None)

    def missing(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """A customer of the same name or number needs a written reason, for the reviewer."""
        whole = {key: given(record, values, key) for key in duplicates.TYPED}
        return _unexplained(call, record, values, whole)

    def removable(self, call: Call, record: Any) -> None:
        """A pending customer must be withdrawn first."""
        del call
        if record.approval is Approval.pending:
            raise Locked(_("审批中的记录不能删除，请先撤回"))


def _unexplained(call: Call, record: Any, values: Values, typed: Values) -> dict[str, Any]:
    """Return the complaint that an exact match of what was typed has no written reason."""
    if not typed or given(record, values, "duplicate_note"):
        return {}
    same = duplicates.taken(call.session, {**typed, "id": record.id})
    if not same:
        return {}
    what = joined((duplicates.REASONS[reason] for reason in same), "、")
    return {
        "duplicate_note": _("已有%(what)s相同的客户，请在「重复说明」填写仍需录入的原因", what=what)
    }


@saver(Contact)
class ContactSaver(Saver):
    """The rules of a contact: the primary one follows the state of its customer."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Refuse what would change what is being (or was) approved, and a hand in the pool."""
        if record.id is None:
            return pool.unclaimed(call.session, values.get("customer_id"), by=call.by)
        if not record.is_primary or not values:
            return {}
        customer = call.session.scalar(sa.select(Customer).where(Customer.id == record.customer_id))
        if customer is not None and customer.approval in {Approval.pending, Approval.approved}:
            return {next(iter(values)): _("主要联系人随客户审批，不能直接修改")}
        return {}

    def removable(self, call: Call, record: Any) -> None:
        """The primary contact stays."""
        del call
        if record.is_primary:
            raise Locked(_("主要联系人不能删除"))


USUAL = {
    "industry_id": (DictionaryKind.industry, "other"),
    "source_id": (DictionaryKind.source, "sales"),
}


def _usual(call: Call) -> dict[Any, int]:
    """Return the keys of the options that are usual, of those that are still offered."""
    option = DictionaryOption
    named = sa.tuple_(option.kind, option.code).in_(list(USUAL.values()))
    query = sa.select(option.kind, option.code, option.id).where(named, option.active)
    return {(kind, code): key for kind, code, key in call.session.execute(query)}
