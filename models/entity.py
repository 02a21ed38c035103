"""What an entity is, said once on its class: `__entity__ = Entity(…)`, beside its fields.

Grants, gates, sight, search, import, numbers, flows, menu and guards are derived from it; it is
read by `models/registry.py: entity_of`, never from the class.
"""

import dataclasses
from collections.abc import Mapping
from typing import Literal

LAST = 1000  # where an entity stands that says nothing of its place

TRAITS = {
    "answers": "its owner may write what hangs on it",
    "attachable": "carries files",
    "importable": "comes from files; also under `imports`",
    "large": "has so many rows that every listed column is indexed",
    "linked": "its name is a link wherever it stands",
    "lookup": "found by typing instead of chosen from a list",
    "part": "belongs to a record and goes with it",
    "searchable": "indexed, found by the box over everything",
    "taggable": "carries tags: said by the mixin Tagged",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Number:
    """The rule of numbers it starts with; an administrator changes it."""

    pattern: str
    width: int = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Imports:
    """How an import finds it.

    `keys` are the columns that tell a record again (its number and `external_ref` unless said),
    `unique` those checked beside the key; what has the lower `rank` is settled first, below 0
    before all records.
    """

    keys: tuple[str, ...] | None = None
    unique: tuple[str, ...] = ()
    rank: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Everything beside the fields.

    `kind`: "record" is business data, which every role reads; "system" is what administrators
    keep; "" is written by services alone. `section` is the group of the menu it has a screen in.
    `sight` names the rule of services/access.py that says who sees it: "customer" (exactly as its
    customer), "of key" (as what the key points at), "everybody", … `rules` are those of
    services/rules.py under which a service writes it without the actor's grants. `of` is the noun
    whose grants count for it. `grants` gives role → verbs beside reading; the administrator has
    all unless it says otherwise. `called` are the columns its name is made of, the first filled
    one. `flow` is the name of the flow it starts with.
    """

    kind: Literal["record", "system", ""] = ""
    order: int = LAST
    icon: str = "file"
    section: str = ""
    sight: str = ""
    traits: str = ""
    of: str = ""
    grants: Mapping[str, str] = dataclasses.field(default_factory=dict)
    rules: str = ""
    audited: bool = True
    called: tuple[str, ...] = ()
    number: Number | None = None
    flow: str = ""
    imports: Imports = dataclasses.field(default_factory=Imports)

    def has(self, trait: str) -> bool:
        """Tell whether it has one of TRAITS. Raises LookupError for a word that is none."""
        if trait not in TRAITS:
            raise LookupError(trait)
        return trait in self.traits.split()
