"""What is asked of every entity's declaration before the application starts."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

import models as m
from models.entity import TRAITS, Entity
from models.field import fields_of
from services.access import READ
from services.grants import CATALOGUE, ROLES
from services.rules import GRANT_OF, RULES
from services.search import INDEXED, searched

CHECKS = ("decided_has_time", "pending_has_submitter", "submitted_has_code")
MIXINS = (m.Stamped, m.Owned, m.SoftDeleted)
LONGEST = 20  # characters of a noun, as attachments, tags and jobs keep it


class IncompleteEntityError(RuntimeError):
    """An entity is not declared completely: the application does not start."""


def refuse_incomplete() -> None:
    """Raise IncompleteEntityError with a sentence for everything an entity lacks."""
    lacking = [f"{model.__name__}: {text}" for model in m.entities() for text in _lacking(model)]
    if lacking:
        raise IncompleteEntityError("; ".join(lacking))


def _lacking(model: type[Any]) -> Iterator[str]:
    noun, entity = model.__noun__, m.entity_of(model)
    columns = sa.inspect(model).columns
    unknown = set(entity.traits.split()) - set(TRAITS)
    if unknown:
        yield f"models/entity.py knows no trait {', '.join(sorted(unknown))}"
    for held, text in (
        (noun and len(noun) <= LONGEST, f"needs a __noun__ of at most {LONGEST} characters"),
        (m.by_noun().get(noun) is model, "another entity has its __noun__"),
        (str(model.__caption__), "needs a __caption__"),
        (model in READ, "no rule of services/access.py says who sees it: `sight`"),
        (set(entity.rules.split()) <= set(RULES), "names a rule services/rules.py has not"),
        (not entity.of or entity.of in m.by_noun(), "`of` names no entity"),
        (not entity.section or entity.kind, "has a section of the menu, but no kind"),
        (not entity.number or "code" in columns, "needs a column code for its number"),
        (set(entity.called) <= set(columns.keys()), "is called by columns it has not"),
    ):
        if not held:
            yield text
    yield from _search(model)
    yield from _grants(noun, entity)
    yield from _files(entity, columns)
    if issubclass(model, m.Reviewed):
        yield from _reviewed(model)


def _search(model: type[Any]) -> Iterator[str]:
    """Yield what would be said to be searched and is not."""
    columns, indexed = sa.inspect(model).columns, model in INDEXED
    for key, facts in fields_of(model).items():
        if facts.search and not isinstance(columns[key].type, sa.String):
            yield f"{key} has search=True and is no text"
        elif facts.search and facts.sensitive and indexed and f"{key}_key" not in columns:
            yield f"{key} is personal: no index may hold it, search=True says it does"
    entity = m.entity_of(model)
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
    missing = [key for key in entity.imports.keys or () if key not in columns]
    if missing:
        yield f"is imported by columns it has not: {', '.join(missing)}"


def _reviewed(model: type[Any]) -> Iterator[str]:
    missing = [one.__name__ for one in MIXINS if not issubclass(model, one)]
    if missing:
        yield f"Reviewed needs {', '.join(missing)} mixed in too"
    names = [str(one.name) for one in model.__table__.constraints if one.name]
    if not all(any(name.endswith(check) for name in names) for check in CHECKS):
        yield "__table_args__ needs *review_checks() of models/mixins.py"
    for line in m.lines_of(model):
        if GRANT_OF.get(line.__noun__) != model.__noun__:
            yield f"its lines {line.__name__} belong to another noun"
