"""The write law as data: whose grant a row needs, and what each service may touch by rule."""

from typing import Any

from models.core.cached import cached
from models.registry import entities, entity_of, having

# A line belongs to its parent: who may edit the parent may edit its lines.
GRANT_OF = {one.__noun__: entity.of for one in entities() if (entity := entity_of(one)).of}

APPROVAL = {"rule": "approval"}  # how a bulk statement names the rule it acts under


KNOWN = (
    "approval", "attachment", "audit", "contract", "delegation", "draft", "enquiry", "flow",
    "follow_up", "fulfilment", "idempotency", "import", "merge", "notice", "numbers", "order",
    "ownership",     "payment", "portrait", "profile", "read_mark", "stage", "tags", "views",
)  # fmt: skip


def _nouns(rule: str) -> frozenset[str]:
    ruled = (one for one in entities() if rule in entity_of(one).rules.split())
    return frozenset(model.__noun__ for model in ruled)


# rule → nouns a service may write while it acts under that rule, whatever the actor's grants.
# The service that opens the rule has asked for the actor's right to the verb itself.
RULES = {rule: _nouns(rule) for rule in KNOWN}

# What decides over rights is seen by the ceiling only in the unit of work: bulk statements on these
# tables need one of these rules. An import inserts people without roles and takes them out again.
BY_STATEMENT: dict[str, frozenset[str]] = {
    "user_account": frozenset({"profile", "import"}),
    "department": frozenset({"import"}),
    "role": frozenset(),
    "user_role": frozenset(),
}

# Nouns whose owner changes by services/ownership/ownership.py alone, which moves open work along.
HANDED = frozenset({"customer"})

# Records whose owner may write what hangs on them, by the name of the relation.
ANSWERS = tuple(model.__noun__ for model in having("answers"))

# Rules whose services answer for the record's state themselves.
STATE_FREE = frozenset({"approval", "import", "merge"})

# Columns of a reviewed record that only the approval service (or an import) writes.
APPROVAL_OWNED = frozenset(
    {"approval", "approval_round", "code", "decided_at", "revoked_at"}
    | {"submitted_at", "submitted_by_id"}
)

# Columns that move while a record of any entity is pending; others are declared as `movable`.
MOVABLE = frozenset({"owner_id", "updated_at", "row_version"})


@cached
def movable(model: type[Any]) -> frozenset[str]:
    """Return the columns that may move while a record is pending: they are not being approved."""
    return MOVABLE.union(entity_of(model).movable)


NOT_AUDITED = frozenset(model.__noun__ for model in entities() if not entity_of(model).audited)
