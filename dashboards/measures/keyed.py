"""One statement for measures of any facts by the keys of any dimensions they share."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import Select

from dashboards.core.query import CockpitQuery
from dashboards.measures.declared import Fact, Key, Measure, Relation, leaves
from services.rights.actor import Actor

BIG = sa.BigInteger()


@dataclasses.dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one query: measures, whose columns end on `suffix`.

    `whole` names columns as the registry does, `shift` moves months (see Relation).
    """

    query: CockpitQuery
    measures: Sequence[Measure]
    suffix: str = ""
    whole: bool = False
    shift: int = 0

    def label(self, measure: Measure) -> str:
        """Return the name of a measure's column."""
        return (measure.key if self.whole else measure.name or measure.key) + self.suffix


Keys = Mapping[str, Key]


def keyed(
    actor: Actor, asks: Sequence[Ask], keys: Keys, by: Collection[Key] | None = None
) -> Select[Any]:
    """Return the parts of measures by keys; without keys one row of totals.

    `by` are the columns of the dimensions where the keys are made of those.

    Each fact is added up by itself, the sums are stacked and gathered by key: nothing is joined, so
    that no row counts twice.
    """
    wanted = {ask.label(one): one for ask in asks for one in leaves(ask.measures)}
    told = frozenset(keys.values() if by is None else by)
    parts = [
        _of_fact(ask, fact.rows(actor, ask.query, told), (fact, wanted, keys))
        for ask in asks
        for fact in dict.fromkeys(one.fact for one in leaves(ask.measures))
        if fact is not None
    ]
    stack = (parts[0] if len(parts) == 1 else sa.union_all(*parts)).subquery("stack")
    found = [stack.c[f"d{n}"].label(name) for n, name in enumerate(keys)]
    sums = [one.gathered(stack.c[label]).label(label) for label, one in wanted.items()]
    return sa.select(*found, *sums).group_by(*(stack.c[f"d{n}"] for n in range(len(keys))))


def _of_fact(
    ask: Ask, rows: Relation, told: tuple[Fact, Mapping[str, Measure], Keys]
) -> Select[Any]:
    fact, wanted, keys = told
    relation = dataclasses.replace(rows, shift=ask.shift)
    own = {ask.label(one): one for one in leaves(ask.measures) if one.fact is fact}
    columns = [key(relation).label(f"d{n}") for n, key in enumerate(keys.values())]
    sums = [
        (own[label].aggregate(relation) if label in own else sa.cast(0, BIG)).label(label)
        for label in wanted
    ]
    # By the names of the columns: an expression with parameters is not known again by PostgreSQL.
    by: list[Any] = [sa.literal_column(f"d{n}") for n in range(len(keys))]
    return (
        sa.select(*columns, *sums).select_from(relation.source).where(*relation.where).group_by(*by)
    )
