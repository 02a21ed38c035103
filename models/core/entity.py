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
    "forever": "its rows are only added",
    "forgets": "its texts may be emptied, where a person is erased; also under `forever`",
    "importable": "comes from files; also under `imports`",
    "large": "has so many rows that every listed column is indexed",
    "linked": "its name is a link wherever it stands",
    "lookup": "found by typing instead of chosen from a list",
    "moves": "goes along when its owner's work is handed over",
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
    `unique` those checked beside the key, within the file (of either `a+b`: both together); what
    has the lower `rank` is settled first, below 0 before all records. A row without `only_with`
    (blank or nought) is none of these: what a bank statement pays out.
    """

    keys: tuple[str, ...] | None = None
    unique: tuple[str, ...] = ()
    rank: int = 0
    only_with: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """Everything beside the fields.

    `kind`: "record" is business data, which every role reads; "system" is what administrators
    keep; "" is written by services alone. `section` is the group of the menu it has a screen in.
    `sight` names the rule of services/rights/access.py that says who sees it: "customer" (exactly
    as its customer), "of key" (as what the key points at), "everybody", … `rules` are those of
    services/rights/rules.py under which a service writes it without the actor's grants. `of` is
    the noun
    whose grants count for it. `grants` gives role → verbs beside reading; the administrator has
    all unless it says otherwise. `called` are the columns its name is made of, the first filled
    one. `flow` is the name of the flow it starts with. `whole` is where it stands on its customer's
    360: the tab and the columns, the one it is sorted by with a minus; unless said 更多, with what
    its grid lists. `movable` are columns that change while a
    record is pending, because they are not what is being approved; its owner always is one. `paper`
    is the kind of paper made of it (models/deals/paper_template.py).
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
    whole: tuple[str, str] = ("others", "")
    movable: tuple[str, ...] = ()
    paper: str = ""
    imports: Imports = dataclasses.field(default_factory=Imports)

    def __post_init__(self) -> None:
        """Refuse what is of the wrong kind where it is written, not where it is used."""
        words = ("section", "sight", "traits", "of", "rules", "flow", "icon")
        wrong = [name for name in words if not isinstance(getattr(self, name), str)]
        wrong += ["kind"] * (self.kind not in {"record", "system", ""})
        wrong += ["number"] * (not isinstance(self.number, Number | None))
        wrong += [n for n in ("called", "movable") if not isinstance(getattr(self, n), tuple)]
        wrong += ["grants"] * (not all(isinstance(verbs, str) for verbs in self.grants.values()))
        if wrong:
            message = f"Entity(…): models/core/entity.py says what it takes as {', '.join(wrong)}"
            raise TypeError(message)

    def has(self, trait: str) -> bool:
        """Tell whether it has one of TRAITS. Raises LookupError for a word that is none."""
        if trait not in TRAITS:
            raise LookupError(trait)
        return trait in self.traits.split()
