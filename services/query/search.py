"""Search by words: each must be found in the names, the number, the spelling or a telephone.

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
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from models.core.cached import cached
from models.core.field import fields_of
from models.core.normal import flat, spellings
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.customers.merge import CustomerMerge
from models.registry import entity_of, having
from services.core.money import total
from services.query import phone_search
from services.rights.actor import Actor
from services.rights.row_scope import COUNTED, alias


def searched(model: type[Any]) -> tuple[str, ...]:
    """Return what words are looked for in: its names, what says `search=True`, its spelling.

    Nothing personal: who sees a mask would learn it letter by letter from what is found.
    """
    facts = fields_of(model)
    more = (key for key, one in facts.items() if one.search and not one.sensitive)
    spelt = ("pinyin",) if hasattr(model, "pinyin") else ()
    return tuple(dict.fromkeys((*entity_of(model).called, *more, *spelt)))


INDEXED: dict[type[Any], tuple[str, ...]] = {
    model: searched(model) for model in having("searchable")
}
NEWEST = 2000
SAMPLE, COMMON = 300, 0.01  # rows; from what share of them on a word is a common one
# What gathering a hit in the index costs of what walking a row costs, where all are gathered before
# the first is seen: always on PostgreSQL, on both for a single character, over the pairs that begin
# so.
GATHERED, GATHERED_SINGLE = 0.4, 1.0
ENOUGH = 1_200  # hits to be expected before "more than 1,000" is tried on a part of the rows
PRIME = 2_654_435_761  # its multiples fall evenly over any range
PAIR = 2  # characters the index keeps together
FIRST, LAST = "\u4e00", "\u9fff"  # of the Chinese characters in use
MOST_WORDS, LONGEST = 8, 100


def words_of(text: str) -> list[str]:
    """Return the words of what somebody typed: few, short, in the normal form of the index.

    A telephone number is one word, in whatever groups it was pasted.
    """
    return phone_search.joined(flat(text.replace("\x00", "")[:LONGEST])).split()[:MOST_WORDS]


def in_texts(model: type[Any], keys: Iterable[str], word: str) -> list[Any]:
    """Return the clauses "the word stands in this text", for what has no index of its own."""
    patterns = [f"%{escape_like(one)}%" for one in spellings(word)]
    texts = [getattr(model, key) for key in keys]
    return [text.ilike(pattern, escape="\\") for text in texts for pattern in patterns]


def among_newest(
    session: Session, model: type[Any], names: tuple[str, ...], words: list[str]
) -> tuple[Any, dict[str, str]]:
    """Return a SELECT of "one of the newest, and its own texts have the words", and its values.

    names: the columns that are wanted.

    A picker of twenty needs no more where a word is common; no index is asked, nothing sampled.
    """
    hows = [_How.of(session, word) for word in words]
    return _newest(model, names, tuple(hows)), {f"w{n}": x.pattern for n, x in enumerate(hows)}


@cached  # a picker asks at every key: it took as long to put together as to answer
def _newest(model: type[Any], names: tuple[str, ...], hows: tuple["_How", ...]) -> Any:
    table = alias(model, "newest")
    last = sa.select(sa.func.max(table.c.id) - NEWEST).scalar_subquery()
    words = (sa.bindparam(f"w{n}", type_=sa.String()) for n in range(len(hows)))
    texts = (how.contained(model, model, word) for how, word in zip(hows, words, strict=True))
    query = sa.select(*(getattr(model, name) for name in names)).where(model.id > last, *texts)
    return query.execution_options(walked=True)


def found(session: Session, model: type[Any], word: str, actor: Actor) -> Any:
    """Return the clause "this word is found in the record", by the index where that is faster.

    A customer is also found by its contacts, a contact by its customer, and what belongs to a
    customer by the customer.
    """
    beside = Contact if model is Customer else _customer_of(model)
    rates = _rates(session, word, model, *([beside] if beside else []))
    clauses, lists = [], []
    if rates[model].share >= COMMON:
        clauses.append(_contains(session, model, word))
    else:
        own = alias(model, "found")  # its rows are those of the statement around it, which is gated
        lists.append(sa.select(own.c.id).where(hit(session, model, own.c, word)))
    if beside is None:
        pass
    elif rates[beside].share >= COMMON:
        clauses.append(_walked(session, model, beside, word))
    else:
        lists.append(_beside(session, model, word))
    held = {Customer: Contact.customer_id, Contact: Contact.id}.get(model)
    if held is not None:
        lists += [sa.select(held).where(way) for way in phone_search.reached(actor, word)]
    if model is Customer:
        lists.append(_was_called(session, word))
    if lists:  # as one: PostgreSQL would walk the whole table for two lists joined by OR
        clauses.append(model.id.in_(sa.union_all(*lists)))
    return sa.or_(*clauses)


def _customer_of(model: type[Any]) -> type[Any] | None:
    return Customer if hasattr(model, "customer_id") else None


def surely(session: Session, model: type[Any], words: list[str], query: Any) -> Any:
    """Return a part of a SELECT's rows that the index counts fast, None where it would not.

    Of common words alone: what has them all in its own text is enough to say "more than 1,000".
    """
    if not words or model not in INDEXED:
        return None
    lite = session.get_bind().dialect.name == "sqlite"
    if not all(_worth(session, model, word) for word in words):
        return None
    if _walks(session, model, words, lite=lite):
        return query.where(*(_contains(session, model, word) for word in words))
    # What is no longer than a pair the index alone tells exactly.
    texts = [_contains(session, model, word) for word in words if len(word) > PAIR]
    if not lite:
        return query.where(*(_matched(model, model, word) for word in words), *texts)
    index, match = _fts(model, words)
    # The sign keeps the index in front: else each row of the table would be looked up in it.
    signed: Any = UnaryExpression(index.c.rowid, operator=custom_op("+"))
    return query.join(index, model.id == signed).where(match, *texts)


def common(session: Session, model: type[Any], word: str) -> bool:
    """Tell whether so many have a word that walking the rows finds some sooner than the index."""
    return _rates(session, word, model)[model].share >= COMMON


def of_customer(session: Session, model: type[Any], word: str) -> Any:
    """Return the clause "the record's customer is called so"."""
    if common(session, Customer, word):
        return _walked(session, model, Customer, word)
    return model.customer_id.in_(_customers(session, word))


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """How often a word is there: its share of all rows, about how many have it and there are."""

    share: float
    all: float
    rows: float


def _rates(session: Session, word: str, *models: type[Any]) -> dict[type[Any], Rate]:
    """Return how often a word is there by a sample of each model; one statement, asked once.

    The share of all rows, not of those somebody sees: only the way to search depends on it.
    """
    known = session.info.setdefault("rates", {})
    if asked := tuple(model for model in models if (model, word) not in known):
        how = _How.of(session, word)
        found = session.connection().execute(_samples(asked, how), {"word": how.pattern})
        row = iter(found.one())
        for model, rows, last, hits in zip(asked, row, row, row, strict=False):
            each = (last or 0) / SAMPLE  # so many rows stand behind one of the sample
            known[model, word] = Rate(hits / max(rows, 1), each * hits, each * rows)
    return {model: known[model, word] for model in models}


@dataclasses.dataclass(frozen=True, slots=True)
class _How:
    """How a word is compared with texts.

    One of Chinese characters alone stands in the name itself, not in its spelling. SQLite's LIKE
    folds ASCII by itself; PostgreSQL's ILIKE takes four times as long as LIKE: only letters ask for
    it.
    """

    chinese: bool
    folded: bool
    pattern: str = dataclasses.field(compare=False)

    @classmethod
    def of(cls, session: Session, word: str) -> "_How":
        """Return how a word is compared on a session's database."""
        chinese = all(FIRST <= sign <= LAST for sign in word)
        lite = session.get_bind().dialect.name == "sqlite"
        return cls(chinese, not lite and word.lower() != word.upper(), f"%{escape_like(word)}%")

    def contained(self, model: type[Any], one: Any, pattern: Any) -> Any:
        """Return "the pattern fits one of the texts" of the model, or of what stands for it."""
        keys = [key for key in INDEXED[model] if not (self.chinese and key == "pinyin")]
        texts = [getattr(one, key) for key in keys]
        like = "ilike" if self.folded else "like"
        return sa.or_(*(getattr(text, like)(pattern, escape="\\") for text in texts))


@cached  # to put it together takes longer than to answer it
def _samples(models: tuple[type[Any], ...], how: _How) -> Any:
    """Return a SELECT of one row: for each model sampled, their last key, with the word."""
    word = sa.bindparam("word", type_=sa.String())
    parts: list[Any] = []
    for model in models:
        table = alias(model, "sampled")
        hit = sa.case((how.contained(model, table.c, word), 1), else_=0)
        rows = sa.select(sa.func.count(), sa.func.max(table.c.id), total(hit))
        parts.append(rows.where(table.c.id.in_(_spread(model))).subquery())
    beside = functools.reduce(lambda left, right: sa.join(left, right, sa.true()), parts)
    return sa.select(*(column for part in parts for column in part.c)).select_from(beside)


def _worth(session: Session, model: type[Any], word: str) -> bool:
    """Tell whether it is worth trying to count more than the cap: little is read in vain."""
    rate = _rates(session, word, model)[model]
    if rate.share < COMMON:
        return False
    seen = _seen(session, model, word)
    return seen >= ENOUGH or seen >= rate.all / 2


def _seen(session: Session, model: type[Any], word: str) -> float:
    """Return about how many rows with a word are seen; asked once."""
    known = session.info.setdefault("seen", {})
    if (model, word) not in known:
        sample = sa.select(sa.func.count(model.id)).where(model.id.in_(_spread(model)))
        hits = session.scalar(sample.where(_contains(session, model, word))) or 0
        known[model, word] = hits * _rates(session, word, model)[model].rows / SAMPLE
    return float(known[model, word])


def _walks(session: Session, model: type[Any], words: list[str], *, lite: bool) -> bool:
    """Tell whether enough rows are found sooner by walking than the index gathers its hits."""
    single = max(map(len, words)) == 1
    if lite and not single:
        return False
    rates = [_rates(session, word, model)[model] for word in words]
    seen = min(_seen(session, model, word) for word in words)
    gathered = max(rate.all for rate in rates) * (GATHERED_SINGLE if single else GATHERED)
    return rates[0].rows * COUNTED / max(seen, 1.0) < gathered


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
    mine = far.customer_id == model.id if beside is Contact else far.id == model.customer_id
    # Not EXISTS: PostgreSQL would gather all that have the word before the first row is asked.
    one = sa.select(far.id).where(mine, _contains(session, beside, word, far)).limit(1)
    return one.scalar_subquery().is_not(None)


def _beside(session: Session, model: type[Any], word: str) -> Any:
    """Return a SELECT of the keys of records whose contacts, or whose customer, have the word."""
    if model is Customer:
        near = alias(Contact, "found")  # a contact is visible exactly when its customer is
        named = hit(session, Contact, near.c, word)
        return sa.select(near.c.customer_id).where(named, near.c.deleted_at.is_(None))
    own = alias(model, "beside")
    return sa.select(own.c.id).where(own.c.customer_id.in_(_customers(session, word)))


def _customers(session: Session, word: str) -> Any:
    """Return a SELECT of customers: gated, for who sees a draft may not see its customer."""
    one: Any = aliased(Customer)
    return sa.select(one.id).where(hit(session, Customer, one, word))


def hit(session: Session, model: type[Any], one: Any, word: str) -> Any:
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
    """Return "the word stands in one of the texts" of the model or of what stands for it."""
    how = _How.of(session, word)
    return how.contained(model, model if one is None else one, how.pattern)


def _was_called(session: Session, word: str) -> Any:
    """Return a SELECT of where customers went that were called so before a merge.

    Past the read gate: what is given are keys of rows that are gated outside of it. Of a chain
    all further ones are given; but for the last they are deleted.
    """
    merge: Any = CustomerMerge.__table__
    merged = sa.select(merge.c.dropped_id, merge.c.kept_id).where(merge.c.undone_at.is_(None))
    gone = alias(Customer, "gone")
    text = sa.select(_contains(session, Customer, word, gone.c)).where(
        gone.c.id == merge.c.dropped_id
    )
    # As a scalar it is asked of each merge by key; joined, all customers were walked for a few.
    chain = merged.where(text.correlate(merge).scalar_subquery()).cte(recursive=True)
    further = merged.with_only_columns(chain.c.dropped_id, merge.c.kept_id)
    chain = chain.union(further.where(merge.c.dropped_id == chain.c.kept_id))
    return sa.select(chain.c.kept_id)


def escape_like(text: str) -> str:
    """Return the text with LIKE's wildcards made literal."""
    return text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
