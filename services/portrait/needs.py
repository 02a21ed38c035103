"""Needs of customers: words of a company's vocabulary in what was bought, quoted, written.

Read in one statement a source, whatever the number of customers, and written anew at once.
"""

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.portrait.need import CustomerNeed, NeedRule, NeedSource
from models.records.dictionary import DictionaryOption
from models.sales.follow_up import FollowUp, Origin
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.product import Product
from services.core.money import total
from services.portrait.bulk_rows import insert
from services.portrait.maths.story import Story
from services.query.condition_sql import CLAUSES

# What a new company begins with: name, in English, words.
DEFAULT = (
    ("自动化改造", "Automation", "自动化,改造,升级,产线"),
    ("扩产", "More capacity", "扩产,产能,新厂,增产"),
    ("降本", "Lower cost", "降本,降价,预算,价格,太贵"),
    ("交期", "Fast delivery", "交期,加急,急用,工期"),
    ("售后维护", "Service and upkeep", "维修,维保,售后,备件,保养"),
    ("国产替代", "Domestic replacement", "国产,替代,进口"),
)
SPLIT = re.compile(r"[,，、;；\s]+")

Words = Mapping[int, list[str]]  # key of a need → its words, in small letters
Row = tuple[int, int, str, int]  # customer, need, source, hits


def words(session: Session) -> Words:
    """Return the active needs with their words; a company without any gets those it starts with."""
    one = NeedRule
    if session.scalar(sa.select(one.id).limit(1)) is None:
        session.add_all(
            NeedRule(ordinal=10 * n, name=name, name_en=english, words=some, active=True)
            for n, (name, english, some) in enumerate(DEFAULT, 1)
        )
        session.flush()
    rows = session.scalars(sa.select(one).where(one.active).order_by(one.ordinal, one.id))
    return {row.id: [w for w in SPLIT.split(row.words.lower()) if w] for row in rows}


def read(session: Session, story: Story, known: Words) -> list[Row]:
    """Return the needs of the customers of a history, by source."""
    names = session.execute(sa.select(Product.id, Product.name)).all()
    of_product = {
        key: needs
        for key, name in names
        if (needs := [n for n, some in known.items() if any(w in name.lower() for w in some)])
    }
    telling = story.items["product"].isin(list(of_product))
    bought = story.items[telling].groupby(["customer", "product"]).size()
    pairs = ((c, p, n) for (c, p), n in bought.items())
    rows = [*_of_products(NeedSource.bought, pairs, of_product)]
    rows += _of_products(NeedSource.quoted, _quoted(session), of_product)
    return rows + _written(session, known) if known else rows


def _of_products(source: NeedSource, found: Any, of_product: dict[int, list[int]]) -> Iterator[Row]:
    counts: Counter[tuple[int, int]] = Counter()
    for customer, product, many in found:
        for need in of_product.get(product, ()):
            counts[int(customer), need] += int(many)
    yield from ((*pair, source.name, hits) for pair, hits in counts.items())


def _quoted(session: Session) -> Any:
    deal, line = Opportunity.__table__, OpportunityLine.__table__
    return session.execute(
        sa.select(deal.c.customer_id, line.c.product_id, sa.func.count())
        .select_from(sa.join(deal, line, line.c.opportunity_id == deal.c.id))
        .where(deal.c.deleted_at.is_(None), deal.c.customer_id.is_not(None))
        .group_by(deal.c.customer_id, line.c.product_id)
    )


def _written(session: Session, known: Words) -> list[Row]:
    deal, said = Opportunity.__table__, FollowUp.__table__
    option = DictionaryOption.__table__
    why = sa.select(option.c.label).where(option.c.id == deal.c.lost_reason_id).scalar_subquery()
    real = sa.and_(said.c.origin == Origin.manual, said.c.deleted_at.is_(None))
    sources = (
        (NeedSource.lost, deal, (deal.c.need, deal.c.lost_note, why), deal.c.deleted_at.is_(None)),
        (NeedSource.said, said, (said.c.content, said.c.feedback), real),
    )
    rows: list[Row] = []
    for source, table, texts, alive in sources:
        text = _joined(texts)
        hits = [_hits(text, some) for some in known.values()]
        query = sa.select(table.c.customer_id, *hits).group_by(table.c.customer_id)
        for customer, *counts in session.execute(
            query.where(alive, table.c.customer_id.is_not(None))
        ):
            pairs = zip(known, counts, strict=True)
            rows += [(customer, need, source.name, many) for need, many in pairs if many]
    return rows


def _joined(texts: tuple[Any, ...]) -> Any:
    parts: list[Any] = [sa.func.coalesce(text, "") for text in texts]
    return functools.reduce(lambda one, two: one.concat(" ").concat(two), parts)


def _hits(text: Any, some: list[str]) -> Any:
    found = sa.or_(sa.false(), *(CLAUSES["contains"](text, word) for word in some))
    return total(sa.case((found, 1), else_=0))


def put(session: Session, rows: list[Row], customers: Any) -> None:
    """Write the needs anew, of customers that are portrayed."""
    alive = set(customers.tolist())
    session.execute(sa.delete(CustomerNeed.__table__))
    names = ("customer_id", "need_id", "source", "hits")
    insert(session, CustomerNeed.__table__, names, (row for row in rows if row[0] in alive))
    session.commit()


def of(session: Session, customer_id: int) -> list[tuple[str, str]]:
    """Return the needs of a customer, the surest first: name, what speaks for it."""
    one, rule = CustomerNeed, NeedRule
    rows = session.execute(
        sa.select(rule, one.source, one.hits)
        .join(one, one.need_id == rule.id)
        .where(one.customer_id == customer_id, rule.active)
        .order_by(rule.ordinal, one.id)
    )
    found: dict[str, list[tuple[Any, int]]] = {}
    for need, source, hits in rows:
        found.setdefault(str(need), []).append((source, hits))
    ranked = sorted(found.items(), key=lambda pair: -sum(hits for _source, hits in pair[1]))
    return [(name, "，".join(f"{source} {hits}" for source, hits in some)) for name, some in ranked]
