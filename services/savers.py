"""Registers the rules of every noun and bulk verb; whoever saves records imports this."""

from services import (
    approval,
    bulk,
    contract,
    customer,
    dictionary,
    follow_up,
    handover_bulk,
    invoice,
    opportunity,
    order,
    payment,
    people,
    tags,
)

NOUNS = (
    approval,
    bulk,
    contract,
    customer,
    dictionary,
    follow_up,
    handover_bulk,
    invoice,
    opportunity,
    order,
    payment,
    people,
    tags,
)
