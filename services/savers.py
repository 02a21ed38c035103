"""Registers the rules of every noun; whoever saves records imports this."""

from services import contract, customer, dictionary, follow_up, opportunity, order, payment, people

NOUNS = (contract, customer, dictionary, follow_up, opportunity, order, payment, people)
