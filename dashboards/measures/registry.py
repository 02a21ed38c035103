"""All measures that pivot and glossary know, by key, and the dimensions that several share."""

from collections.abc import Iterable

from dashboards.measures import approvals, contracts, deals, lines, payments
from dashboards.measures.declared import Fact, Measure

MEASURES: dict[str, Measure] = {
    one.key: one for part in (contracts, payments, lines, deals, approvals) for one in part.MEASURES
}


def fact_of(measure: Measure) -> Fact:
    """Return the fact that a measure is told of: that of its first part."""
    return next(leaf.fact for leaf in measure.leaves if leaf.fact is not None)


def shared(measures: Iterable[Measure]) -> frozenset[str]:
    """Return the dimensions that all of these can be told by."""
    facts = [leaf.fact for one in measures for leaf in one.leaves if leaf.fact is not None]
    return frozenset.intersection(*(fact.dimensions for fact in facts))
