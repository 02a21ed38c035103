"""Search by words: each must be found in the names, the number, the spelling or the mobile.

The database keeps an index of pairs of characters (migration search). Twenty rows of what is in
every hundredth are found faster by walking the rows than by an index of them all; a sample tells.
Every candidate is checked against the text itself, so that a repeated or a
one-character word is found exactly.

Rows stand behind the read gate as everywhere: what is found is a clause of a gated statement. The
sub-selects here may stand on Core tables where they give keys of rows that are gated outside of
them; each says why.
"""

import dataclasses
import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

import models as m
from models.field import fields_of
from models.keys import phone_key
from services.actor import Actor, may
from services.money import total
from services.reach import alias


def searched(model: type[Any]) -> tuple[str, ...]:
    """Return what words are looked for in: its names, what says `search=True`, its spelling.

    Nothing personal: who sees a mask would learn it letter by letter from what is found.
    """
    facts = fields_of(model)
    more = (key for key, one in facts.items() if one.search and not one.sensitive)
    spelt = ("pinyin",) if hasattr(model, "pinyin") else ()
    return tuple(dict.fromkeys((*m.entity_of(model).called, *more, *spelt)))


INDEXED: dict[type[Any], tuple[str, ...]] = {
    model: searched(model) for model in m.having("searchable")
}
SAMPLE, COMMON = 300, 0.01  # rows; from what share of them on a word is a common one
# From what share on PostgreSQL counts faster by walking: its index gives all hits or none, and
# those of a single character are gathered over every pair that begins so.
DENSE, DENSE_SINGLE = 0.15, 0.06
ENOUGH = 12_000  # hits to be expected before "more than 10,000" is tried on a part of the rows
PRIME = 2_654_435_761  # its multiples fall evenly over any range
SHORTEST_NUMBER = 3
PAIR = 2  # characters the index keeps together
LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
FIRST, LAST = "\u4e00", "\u9fff"  # of the Chinese characters in use
MOST_WORDS, LONGEST = 8, 100


def words_of(text: str) -> list[str]:
    """Return the words of what somebody typed: few, short, as the index spells them."""
    return text.replace("\x00", "")[:LONGEST].translate(LOWER).split()[:MOST_WORDS]


def found(session: Session, model: type[Any], word: str, actor: Actor) -> Any:
    """Return the clause "this word is found in the record", by the index where that is faster.

    A customer is also found by its contacts, a contact by its customer, and what belongs to a
    customer by the customer.
    """
    beside = m.Contact if model is m.Customer else _customer_of(model)
    rates = _rates(session, word, model, *filter(None, (beside,)))
    clauses, lists = [], []
    if rates[model].share >= COMMON:
        clauses.append(_contains(session, model, word))
    else:
        own = alias(model, "found")  # its rows are those of the statement around it, which is gated
        lists.append(sa.select(own.c.id).where(_hit(session, model, own.c, word)))
    if beside is None:
        pass
    elif rates[beside].share >= COMMON:
        clauses.append(_walked(session, model, beside, word))
    else:
        lists.append(_beside(session, model, word))
    near: Any = aliased(m.Contact)
    number = _mobile(actor, near, word)
    held = {m.Customer: near.customer_id, m.Contact: near.id}.get(model)
    if number is not None and held is not None:
        lists.append(sa.select(held).where(number))
    if lists:  # as one: PostgreSQL would walk the whole table for two lists joined by OR
        clauses.append(model.id.in_(sa.union_all(*lists)))
    return sa.or_(*clauses)


def _customer_of(model: type[Any]) -> type[Any] | None:
    return m.Customer if hasattr(model, "customer_id") else None


def surely(session: Session, model: type[Any], words: list[str], query: Any) -> Any:
    """Return a part of a SELECT's rows that the index counts fast, None where it would not.

    Of common words alone: what has them all in its own text is enough to say "more than 10,000".
    """
    if not words or model not in INDEXED:
        return None
    rates = [_rates(session, word, model)[model] for word in words]
    share = min(found.share for found in rates)
    lite = session.get_bind().dialect.name == "sqlite"
    dense = DENSE if max(map(len, words)) > 1 else DENSE_SINGLE
    if not all(found.tried for found in rates):
        return None
    if not lite and share >= dense:
        return query.where(*(_contains(session, model, word) for word in words))
    # What is no longer than a pair the index alone tells exactly.
    texts = [_contains(session, model, word) for word in words if len(word) > PAIR]
    if not lite:
        return query.where(*(_matched(model, model, word) for word in words), *texts)
    index, match = _fts(model, words)
    # The sign keeps the index in front: else each row of the table would be looked up in it.
    signed: Any = UnaryExpression(index.c.rowid, operator=custom_op("+"))
    return query.join(index, model.id == signed).where(match, *texts)


def of_customer(session: Session, model: type[Any], word: str) -> Any:
    """Return the clause "the record's customer is called so"."""
    if _rates(session, word, m.Customer)[m.Customer].share >= COMMON:
        return _walked(session, model, m.Customer, word)
    return model.customer_id.in_(_customers(session, word))


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """How often a word is there: its share of all rows; about how many, and how many are seen."""

    share: float
    all: float
    seen: float

    @property
    def tried(self) -> bool:
        """Tell whether it is worth trying to count more than the cap: little is read in vain."""
        return self.share >= COMMON and (self.seen >= ENOUGH or self.seen >= self.all / 2)


def _rates(session: Session, word: str, *models: type[Any]) -> dict[type[Any], Rate]:
    """Return how often a word is there by a sample of each model; one statement, asked once.

    The share of all rows, not of those somebody sees: only the way to search depends on it.
    """
    known = session.info.setdefault("rates", {})
    if asked := [model for model in models if (model, word) not in known]:
        samples = [part for model in asked for part in _sampled(session, model, word)]
        beside = functools.reduce(lambda left, right: sa.join(left, right, sa.true()), samples)
        columns = [column for part in samples for column in part.c]
        row = iter(session.execute(sa.select(*columns).select_from(beside)).one())
        for model, rows, last, hits, seen in zip(asked, row, row, row, row, strict=False):
            share = hits / max(rows, 1)
            each = (last or 0) / SAMPLE  # so many rows stand behind one of the sample
            known[model, word] = Rate(share, each * hits, each * seen)
    return {model: known[model, word] for model in models}


def _sampled(session: Session, model: type[Any], word: str) -> tuple[Any, Any]:
    """Return SELECTs of one row: sampled, their last key, with the word; and seen with the word."""
    table, keys = alias(model, "sampled"), _spread(model)
    hit = sa.case((_contains(session, model, word, table.c), 1), else_=0)
    rows = sa.select(sa.func.count(), sa.func.max(table.c.id), total(hit))
    seen = sa.select(sa.func.count(model.id)).where(_contains(session, model, word))
    return rows.where(table.c.id.in_(keys)).subquery(), seen.where(model.id.in_(keys)).subquery()


def _spread(model: type[Any]) -> Any:
    """Return a SELECT of SAMPLE keys all over the table: the newest rows are often alike.

    Not at equal distances: rows of an import have a rhythm.
    """
    table = alias(model, "spread")
    last = sa.select(sa.func.max(table.c.id)).scalar_subquery()
    steps = sa.select(sa.literal(1).label("n"), last.label("last")).cte(recursive=True)
    more = sa.select(steps.c.n + 1, steps.c.last).where(steps.c.n < SAMPLE)
    steps = steps.union_all(more)
    return sa.select(sa.cast(steps.c.n, sa.BigInteger) * PRIME % steps.c.last + 1)


def _walked(session: Session, model: type[Any], beside: type[Any], word: str) -> Any:
    """Return "a contact, or the customer, has the word", asked row by row."""
    far: Any = aliased(beside)
    mine = far.customer_id == model.id if beside is m.Contact else far.id == model.customer_id
    return sa.exists().where(mine, _contains(session, beside, word, far))


def _beside(session: Session, model: type[Any], word: str) -> Any:
    """Return a SELECT of the keys of records whose contacts, or whose customer, have the word."""
    if model is m.Customer:
        near = alias(m.Contact, "found")  # a contact is visible exactly when its customer is
        hit = _hit(session, m.Contact, near.c, word)
        return sa.select(near.c.customer_id).where(hit, near.c.deleted_at.is_(None))
    own = alias(model, "beside")
    return sa.select(own.c.id).where(own.c.customer_id.in_(_customers(session, word)))


def _customers(session: Session, word: str) -> Any:
    """Return a SELECT of customers: gated, for who sees a draft may not see its customer."""
    one: Any = aliased(m.Customer)
    return sa.select(one.id).where(_hit(session, m.Customer, one, word))


def _hit(session: Session, model: type[Any], one: Any, word: str) -> Any:
    """Return "the index gives the row and the text confirms it"."""
    text = _contains(session, model, word, one)
    if session.get_bind().dialect.name != "sqlite":
        return sa.and_(text, _matched(model, one, word))
    index, match = _fts(model, [word])
    return sa.and_(text, one.id.in_(sa.select(index.c.rowid).where(match)))


def _fts(model: type[Any], words: list[str]) -> tuple[Any, Any]:
    """Return SQLite's index and the clause "it has every pair of the words"."""
    name = f"search_{model.__table__.name}"
    index = sa.table(name, sa.column("rowid"), sa.column(name))
    pairs = " AND ".join(_coded(pair) for word in words for pair in _pairs(word))
    return index, index.c[name].op("MATCH")(pairs)


def _matched(model: type[Any], one: Any, word: str) -> Any:
    """Return "PostgreSQL's index has every pair of the word"."""
    grams = sa.func.search_grams(*(getattr(one, key) for key in INDEXED[model]))
    lexemes = " & ".join(_quoted(pair) for pair in _pairs(word))
    return grams.op("@@")(sa.cast(lexemes, TSQUERY))


def _pairs(word: str) -> list[str]:
    """Return the pairs of characters of a word; of a single one only itself."""
    return list(dict.fromkeys(word[i : i + PAIR] for i in range(len(word) - 1))) or [word]


def _coded(pair: str) -> str:
    code = "".join(f"{ord(sign):05x}" for sign in pair)
    return f'"{code}"' if len(pair) > 1 else f'"{code}"*'


def _quoted(pair: str) -> str:
    text = pair.replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'" if len(pair) > 1 else f"'{text}':*"


def _contains(session: Session, model: type[Any], word: str, one: Any = None) -> Any:
    """Return "the word stands in one of the texts" of the model or of what stands for it.

    A spelling has no Chinese characters but those that stand in the name too. SQLite's LIKE folds
    ASCII by itself; PostgreSQL's ILIKE takes four times as long as LIKE: only letters ask for it.
    """
    pattern = f"%{escape_like(word)}%"
    chinese = any(FIRST <= sign <= LAST for sign in word)
    keys = [key for key in INDEXED[model] if not (chinese and key == "pinyin")]
    texts = [getattr(model if one is None else one, key) for key in keys]
    folded = session.get_bind().dialect.name != "sqlite" and word.lower() != word.upper()
    return sa.or_(
        *(t.ilike(pattern, escape="\\") if folded else t.like(pattern, escape="\\") for t in texts)
    )


def _mobile(actor: Actor, contact: Any, word: str) -> Any:
    """Return "the mobile begins so" where the actor sees it plainly; None where he never does.

    Everybody else would learn a number digit by digit from what is found.
    """
    digits = phone_key(word) if word.removeprefix("+").replace("-", "").isdigit() else None
    if digits is None or len(digits) < SHORTEST_NUMBER or not digits.isascii():
        return None
    after = f"{digits[:-1]}{chr(ord(digits[-1]) + 1)}"
    begins = sa.and_(contact.mobile_key >= digits, contact.mobile_key < after)
    if may(actor, "sensitive:read"):
        return begins
    if not may(actor, "sensitive:own"):
        return None
    mine: Any = aliased(m.Customer)
    people = (mine.owner_id, mine.technical_id, mine.created_by_id)
    own = sa.select(mine.id).where(
        mine.owner_id.is_not(None), sa.or_(*(person == actor.id for person in people))
    )
    return sa.and_(begins, contact.customer_id.in_(own))


def escape_like(text: str) -> str:
    """Return the text with LIKE's wildcards made literal."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
