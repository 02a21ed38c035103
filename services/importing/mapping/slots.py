"""What the columns of one file may become: fields of its entity and of what stands in the same row.

A customer's row may also hold further contacts, an opportunity, a contract; an opportunity's its
customer. A field of such is written `opportunity:amount`, of a second contact `contact2:mobile`.
"""

import dataclasses
from collections.abc import Collection
from typing import Any

from models.core.cached import cached
from models.customers.contact import Contact
from models.registry import entity_of
from services.importing.mapping.declared import MODELS, inputs_for
from services.records.fields import Input
from services.records.lookup import names_of

COPIES = 2  # contacts of a row beside the first one
JOINS = {"region": "/", "text": " ", "multiline": "\n", "tags": ",", "date": " ", "datetime": " "}


@dataclasses.dataclass(frozen=True, slots=True)
class Slot:
    """One record of a row: `prefix` of its fields, its entity, and how it hangs on the file's own.

    `ref` is the field that points at the other one: of a child its own, of a parent the file's.
    """

    prefix: str
    noun: str
    ref: str = ""
    parent: bool = False
    n: int = 1

    @property
    def model(self) -> Any:
        """Return the entity."""
        return MODELS[self.noun]

    @property
    def fields(self) -> dict[str, Input]:
        """Return key → Input of what a column may become; what ties it to the others is known."""
        tied = {self.called} if self.parent else {self.ref}
        known = inputs_for(self.model)
        return {k: one for k, one in known.items() if one.kind != "lines" and k not in tied}

    @property
    def called(self) -> str:
        """Return the field its record is called by."""
        return next((k for k in names_of(self.model) if k != "code"), "")

    def key(self, field: str) -> str:
        """Return how a field of it is written."""
        return f"{self.prefix}:{field}" if self.prefix else field


@cached
def slots(noun: str) -> tuple[Slot, ...]:
    """Return the records that a row may hold, the file's own first."""
    own = MODELS[noun]
    found = [Slot("", noun)]
    if entity_of(own).kind != "record":
        return tuple(found)
    for other, model in MODELS.items():
        if model is own or entity_of(model).kind != "record":
            continue
        up = _ref(own, model)
        if up and names_of(model):
            found.append(Slot(other, other, up, parent=True))
        down = _ref(model, own)
        if down and names_of(own) and not up:
            copies = COPIES if model is Contact else 1
            found += [
                Slot(other if n == 1 else f"{other}{n}", other, down, n=n)
                for n in range(1, copies + 1)
            ]
    return tuple(found)


def _ref(model: Any, target: Any) -> str:
    """Return the field by which a record must point at another one."""
    known = inputs_for(model).items()
    fits = (k for k, i in known if i.kind == "ref" and i.target is target)
    must = (k for k in fits if inputs_for(model)[k].must or inputs_for(model)[k].facts.required)
    return next(must, "")


def place_of(noun: str, target: str) -> tuple[Slot, str] | None:
    """Return the record and field that a written field means, None for an unknown one."""
    prefix, _colon, field = target.rpartition(":")
    for slot in slots(noun):
        if slot.prefix == prefix and field in slot.fields:
            return slot, field
    return None


def used(noun: str, targets: Collection[str]) -> list[Slot]:
    """Return the records that columns feed, the file's own first."""
    prefixes = {target.rpartition(":")[0] for target in targets}
    return [slot for slot in slots(noun) if not slot.prefix or slot.prefix in prefixes]
