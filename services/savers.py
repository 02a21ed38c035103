"""Registers the rules of every noun; whoever saves records imports this."""

from services import (
    approval,
    contract,
    customer,
    dictionary,
    follow_up,
    opportunity,
    order,
    payment,
    people,
    tags,
)

NOUNS = (
    approval,
    contract,
    customer,
    dictionary,
    follow_up,
    opportunity,
    order,
    payment,
    people,
    tags,
)
