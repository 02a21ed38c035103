"""Search by words: each must be found in the names, the number, the spelling or the mobile.

The database keeps an index of pairs of characters (migration search). What is in every tenth row
is found faster by walking the rows than by an index of them all; a sample of the newest tells.
Every candidate is checked against the text itself, so that a repeated or a one-character word is
found exactly. Rows stand behind the read gate as everywhere.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session, aliased

import models as m
from models.keys import phone_key
from services.actor import Actor, may

INDEXED: dict[type[Any], tuple[str, ...]] = {
    m.Customer: ("company", "code", "pinyin"),
    m.Contact: ("name", "pinyin"),
    m.Opportunity: ("name", "code"),
    m.Contract: ("name", "code"),
}
SAMPLE, COMMON = 500, 50  # of the newest rows; from how many hits on a word is a common one
SHORTEST_NUMBER = 3
LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
MOST_WORDS, LONGEST = 8, 100


def words_of(text: str) -> list[str]:
    """Return the words of what somebody typed: few, short, as the index spells them."""
    return text.replace("\x00", "")[:LONGEST].translate(LOWER).split()[:MOST_WORDS]


def found(session: Session, model: type[Any], word: str, actor: Actor) -> Any:
    """Return the clause "this word is found in the record", by the index where that is faster.

    A customer is also found by its contacts, a contact by its customer, and what belongs to a
    customer by the customer.
    """
    literal = _contains(session, model, word)
    clauses, lists = [], []
    if _common(session, model, literal):
        clauses.append(literal)
    else:
        lists.append(_hits(session, model, word))
    near: Any = aliased(m.Contact)
    if model is m.Customer:
        lists.append(_hits(session, m.Contact, word, m.Contact.customer_id))
        held = near.customer_id
    else:
        held = near.id if model is m.Contact else None
        if _common_customer(session, word):
            clauses.append(_walked(session, model, word))
        else:
            far: Any = aliased(model)
            keys = far.customer_id.in_(_hits(session, m.Customer, word))
            lists.append(sa.select(far.id).where(keys))
    number = _mobile(actor, near, word)
    if number is not None and held is not None:
        lists.append(sa.select(held).where(number))
    if lists:  # as one: PostgreSQL would walk the whole table for two lists joined by OR
        clauses.append(model.id.in_(sa.union_all(*lists)))
    return sa.or_(*clauses)


def of_customer(session: Session, model: type[Any], word: str) -> Any:
    """Return the clause "the record's customer is called so"."""
    if _common_customer(session, word):
        return _walked(session, model, word)
    return model.customer_id.in_(_hits(session, m.Customer, word))


def _common_customer(session: Session, word: str) -> bool:
    return _common(session, m.Customer, _contains(session, m.Customer, word))


def _walked(session: Session, model: type[Any], word: str) -> Any:
    far: Any = aliased(m.Customer)
    return sa.exists().where(far.id == model.customer_id, _contains(session, far, word))


def _hits(session: Session, model: type[Any], word: str, key: Any = None) -> Any:
    """Return a SELECT of the key of records the index gives and the text confirms."""
    one: Any = aliased(model)
    wanted = one.id if key is None else getattr(one, key.key)
    query = sa.select(wanted).where(_contains(session, one, word))
    return query.where(_indexed(session, model, one, word))


def _indexed(session: Session, model: type[Any], one: Any, word: str) -> Any:
    name = f"search_{model.__table__.name}"
    if session.get_bind().dialect.name == "sqlite":
        index = sa.table(name, sa.column("rowid"), sa.column(name))
        pairs = " AND ".join(_coded(pair) for pair in _pairs(word))
        return one.id.in_(sa.select(index.c.rowid).where(index.c[name].op("MATCH")(pairs)))
    grams = sa.func.search_grams(*(getattr(one, key) for key in INDEXED[model]))
    lexemes = " & ".join(_quoted(pair) for pair in _pairs(word))
    return grams.op("@@")(sa.cast(lexemes, TSQUERY))


def _pairs(word: str) -> list[str]:
    """Return the pairs of characters of a word; of a single one only itself."""
    return list(dict.fromkeys(word[i : i + 2] for i in range(len(word) - 1))) or [word]


def _coded(pair: str) -> str:
    code = "".join(f"{ord(sign):05x}" for sign in pair)
    return f'"{code}"' if len(pair) > 1 else f'"{code}"*'


def _quoted(pair: str) -> str:
    text = pair.replace("\\", "\\\\").replace("'", "''")
    return f"'{text}'" if len(pair) > 1 else f"'{text}':*"


def _contains(session: Session, one: Any, word: str) -> Any:
    """Return "the word stands in one of the texts"; SQLite's LIKE folds ASCII by itself."""
    pattern = f"%{escape_like(word)}%"
    lite = session.get_bind().dialect.name == "sqlite"
    model = sa.inspect(one).mapper.class_
    texts = [getattr(one, key) for key in INDEXED[model]]
    likes = [t.like(pattern, escape="\\") if lite else t.ilike(pattern, escape="\\") for t in texts]
    return sa.or_(*likes)


def _common(session: Session, model: type[Any], literal: Any) -> bool:
    """Tell whether a word is in every tenth of the newest rows."""
    newest = sa.select(model.id).order_by(model.id.desc()).limit(SAMPLE).subquery()
    query = sa.select(sa.func.count(model.id)).where(model.id.in_(sa.select(newest.c.id)), literal)
    return (session.scalar(query) or 0) >= COMMON


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
