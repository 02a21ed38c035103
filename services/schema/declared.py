"""What is asked of every entity's declaration before the application starts."""

import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from models.bulk.tag import Tagged
from models.core.entity import TRAITS, Entity
from models.core.field import fields_of
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped
from models.registry import by_noun, entities, entity_of, lines_of
from services.core import numbers
from services.query.search import INDEXED, searched
from services.rights.access import READ, Rule
from services.rights.actor import Actor
from services.rights.grants import CATALOGUE, ROLES
from services.rights.rules import GRANT_OF, RULES
from services.schema.declared_fields import wrong_fields, wrong_lines

CHECKS = ("decided_has_time", "pending_has_submitter", "submitted_has_code")
MIXINS = (Stamped, Owned, SoftDeleted)
OPENED = ("linked", "searchable", "attachable", "importable")
NOUN = re.compile(r"[a-z][a-z0-9_]*")  # it stands in addresses, permissions and triggers
# Somebody of each kind that a rule of sight tells apart: what he may, how much he sees.
ASKING = tuple(
    Actor(0, permissions=permissions, few=few)
    for permissions in (frozenset(CATALOGUE), frozenset[str]())
    for few in (lambda: True, lambda: False)
)
LONGEST = 20  # characters of a noun, as attachments, tags and jobs keep it


class IncompleteEntityError(RuntimeError):
    """An entity is not declared completely: the application does not start."""


def refuse_incomplete() -> None:
    """Raise IncompleteEntityError with a sentence for everything an entity lacks."""
    lacking = [f"{model.__name__}: {text}" for model in entities() for text in _lacking(model)]
    if lacking:
        raise IncompleteEntityError("; ".join(lacking))


def _lacking(model: type[Any]) -> Iterator[str]:
    noun, entity = model.__noun__, entity_of(model)
    columns = sa.inspect(model).columns
    named = by_noun().get(noun)
    unknown = set(entity.traits.split()) - set(TRAITS)
    if unknown:
        yield f"models/core/entity.py knows no trait {', '.join(sorted(unknown))}"
    for held, text in (
        (noun and len(noun) <= LONGEST, f"needs a __noun__ of at most {LONGEST} characters"),
        (not noun or NOUN.fullmatch(noun), f"{noun} is no plain word: a-z, 0-9 and _"),
        (named is model, f"{getattr(named, '__name__', '')} has its __noun__ too"),
        (str(model.__caption__), "needs a __caption__"),
        (model in READ, "no rule of services/rights/access.py says who sees it: `sight`"),
        (set(entity.rules.split()) <= set(RULES), "names a rule services/rights/rules.py has not"),
        (not entity.of or entity.of in by_noun(), "`of` names no entity"),
        (not entity.section or entity.kind, "has a section of the menu, but no kind"),
        (not entity.number or "code" in columns, "needs a column code for its number"),
        (set(entity.called) <= set(columns.keys()), "is called by columns it has not"),
        (set(entity.movable) <= set(columns.keys()), "moves columns it has not"),
        (not entity.has("taggable") or issubclass(model, Tagged), "is taggable without Tagged"),
    ):
        if not held:
            yield text
    yield from _sight(model)
    yield from wrong_fields(model)
    yield from wrong_lines(model)
    yield from _screen(entity)
    yield from _search(model)
    yield from _grants(noun, entity)
    yield from _files(entity, columns)
    if issubclass(model, Reviewed):
        yield from _reviewed(model)


def _sight(model: type[Any]) -> Iterator[str]:
    """Yield the columns its rule of sight asks for in vain, whoever it is asked for."""
    word, _space, permission = entity_of(model).sight.partition(" ")
    if word == "may" and permission not in CATALOGUE:
        yield f"is seen by who may {permission}, which is no permission"
    missing = {_lacked(READ[model], actor, model) for actor in ASKING} if model in READ else set()
    missing.discard("")
    if missing:
        yield f"its rule of sight asks for columns it has not: {', '.join(sorted(missing))}"


def _lacked(rule: Rule, actor: Actor, model: type[Any]) -> str:
    try:
        rule(actor, model.__table__.c)
    except AttributeError as problem:
        return problem.name or str(problem)
    return ""


def _screen(entity: Entity) -> Iterator[str]:
    opened = [trait for trait in OPENED if entity.has(trait)]
    if opened and not entity.section and not entity.of:
        yield f"is {', '.join(opened)}, but has no section of the menu: no page opens it"


def _search(model: type[Any]) -> Iterator[str]:
    """Yield what would be said to be searched and is not."""
    columns, indexed = sa.inspect(model).columns, model in INDEXED
    for key, facts in fields_of(model).items():
        if facts.search and not isinstance(columns[key].type, sa.String):
            yield f"{key} has search=True and is no text"
        elif facts.search and facts.sensitive and indexed and f"{key}_key" not in columns:
            yield f"{key} is personal: no index may hold it, search=True says it does"
    entity = entity_of(model)
    if (indexed or entity.has("lookup")) and not searched(model):
        yield "has nothing to be searched by: no `called`, no field with search=True"


def _grants(noun: str, entity: Entity) -> Iterator[str]:
    roles = {role.name for role in ROLES}
    for role, verbs in entity.grants.items():
        if role not in roles:
            yield f"grants something to {role}, which is no role"
        wrong = [v for v in verbs.split() if v != "*" and f"{noun}:{v}" not in CATALOGUE]
        if wrong:
            yield f"grants {', '.join(wrong)}, which is no verb of it"
    if entity.grants and not entity.kind:
        yield "has grants, but no kind"


def _files(entity: Entity, columns: Any) -> Iterator[str]:
    """Yield what an import would miss."""
    if not entity.has("importable"):
        return
    known = (*(entity.imports.keys or ()), *entity.imports.unique)
    missing = [part for key in known for part in key.split("+") if part not in columns]
    if missing:
        yield f"is imported by columns it has not: {', '.join(missing)}"


def _reviewed(model: type[Any]) -> Iterator[str]:
    missing = [one.__name__ for one in MIXINS if not issubclass(model, one)]
    if missing:
        yield f"Reviewed needs {', '.join(missing)} mixed in too"
    entity = entity_of(model)
    if not entity.section:
        yield "has no section of the menu: its requests lead to its page"
    rule = entity.number
    if rule is not None and not (
        numbers.known_only(rule.pattern)
        and numbers.unique(rule.pattern, model.__noun__)
        and rule.width in numbers.WIDTHS
        and numbers.length(rule.pattern, rule.width, "YAV") <= numbers.LONGEST
    ):
        yield (
            f"its number {rule.pattern} (width {rule.width}) needs {{yyyymmdd}} and {{n}}, knows "
            f"{{prefix}} and {{letter}}, and has {numbers.LONGEST} characters at most"
        )
    names = [str(one.name) for one in model.__table__.constraints if one.name]
    if not all(any(name.endswith(check) for name in names) for check in CHECKS):
        yield "__table_args__ needs *review_checks() of models/core/mixins.py"
    for line in lines_of(model):
        if GRANT_OF.get(line.__noun__) != model.__noun__:
            yield f"its lines {line.__name__} belong to another noun"
