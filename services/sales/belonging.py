"""What hangs on a customer belongs to the customer of the record that names it."""

from collections.abc import Collection, Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.registry import by_noun
from services.records.records import Values
from services.rights.call import Call

NOT_OWN = _("不属于所选客户")
HANGING = ("contact_id", "opportunity_id", "contract_id")  # the noun of an entity, and its key


def named(record: Any, values: Values) -> Iterator[tuple[str, Any]]:
    """Yield (field, value) of what has to belong to the customer of a record under `values`.

    What it named before is asked again once the record moves to another customer.
    """
    moved = values.get("customer_id", record.customer_id) != record.customer_id
    for key in HANGING:
        value = values.get(key, getattr(record, key, None) if moved else None)
        if value is not None and key in type(record).__mapper__.columns:
            yield key, value


def check_contact(call: Call, record: Any, values: Values) -> dict[str, Any]:
    """What hangs on a customer must belong to that customer."""
    customer_id = values.get("customer_id", record.customer_id)
    return {
        key: NOT_OWN
        for key, value in named(record, values)
        if owners(call.session, key, {value}).get(value) != customer_id
    }


def owners(session: Session, key: str, keys: Collection[int]) -> dict[int, int | None]:
    """Return the customers of what a field names, of what may be seen; up to 500 keys."""
    model: Any = by_noun()[key.removesuffix("_id")]
    query = sa.select(model.id, model.customer_id).where(model.id.in_(sorted(keys)))
    return dict(session.execute(query).all())
