"""Records found by what they hang on: their customer, their contract, their order."""

from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session, aliased

from models.core.field import fields_of
from models.deals.contract import Contract
from models.deals.order import Order
from services.query import search


def ways(session: Session, model: type[Any], word: str, one: Any = None) -> list[Any]:
    """Return the clauses "what the record hangs on has the word".

    `one` stands for the model where it is not its own table. What is named by the word is gated as
    everywhere: a contract or an order that is not seen leads to nothing.
    """
    here, columns = (model if one is None else one), fields_of(model)
    found = []
    if "customer_id" in columns:
        found.append(search.of_customer(session, here, word))
    if "contract_id" in columns:
        found.append(_of_contract(session, here, word))
    if "order_id" in columns:
        order: Any = aliased(Order)
        named = search.in_texts(order, ("code",), word)
        clause = sa.or_(*named, *ways(session, Order, word, order))
        found.append(here.order_id.in_(sa.select(order.id).where(clause)))
    return found


def _of_contract(session: Session, here: Any, word: str) -> Any:
    contract: Any = aliased(Contract)
    named = search.hit(session, Contract, contract, word)
    return here.contract_id.in_(sa.select(contract.id).where(named))


def captions(model: type[Any]) -> list[str]:
    """Return what it is found by besides its own texts, in the words of a placeholder."""
    columns = fields_of(model)
    order = "order_id" in columns
    told = {
        _("订单"): order,
        _("合同"): order or "contract_id" in columns,
        _("客户"): order or "customer_id" in columns,
    }
    return [caption for caption, found in told.items() if found]
