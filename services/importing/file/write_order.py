"""The order of writing: what a record points at is written before it, in any order of rows."""

import collections
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval, Reviewed
from models.people.department import Department
from services.core.errors import Invalid
from services.importing.file.plan import Planned

# A head belongs to his department and the department names its head: tied when both are there.
TIED = {Department: "head_id"}
Needs = dict[Planned, set[Planned]]


def pointed_at(one: Planned) -> set[Planned]:
    """Return the records of the run that a record points at in its values, changes and lines."""
    values: list[Any] = [*one.values.values(), *one.changes.values()]
    rows = [row for part in one.lines.values() for row in part]
    rows += [row for part in one.changes.values() if isinstance(part, list) for row in part]
    values += [value for row in rows for value in row.values()]
    return {*one.needs, *(value for value in values if isinstance(value, Planned))}


def waits(one: Planned) -> bool:
    """Tell whether a record hangs on one of the run that nobody has approved yet."""
    known = (value for value in one.values.values() if isinstance(value, Planned))
    return any(
        issubclass(other.model, Reviewed)
        and (other.record is None or other.record.approval is not Approval.approved)
        for other in known
    )


def backwards(needs: Needs) -> dict[Planned, list[Planned]]:
    """Return who points at a record."""
    found: dict[Planned, list[Planned]] = collections.defaultdict(list)
    for one, others in needs.items():
        for other in others:
            found[other].append(one)
    return found


def freed(needs: Needs) -> list[Planned]:
    """Return records in an order in which each comes after what it needs; circles are left out."""
    left = {one: set(others) for one, others in needs.items()}
    pointing = backwards(left)
    order = [one for one, others in left.items() if not others]
    for done in order:  # it grows while it is walked
        for one in pointing[done]:
            left[one].discard(done)
            if not left[one]:
                order.append(one)
    return order


class Waves:
    """Records to write in waves: each needs only what waves before it wrote.

    Updates wait like new records do: a contract that moves to a customer of the same run takes
    his key, not the blank before it. `cut` are references left open to break a circle.
    """

    def __init__(self, work: list[Planned]) -> None:
        """Begin with everything waiting."""
        self.needs = {one: pointed_at(one) for one in work}
        self.cut: list[tuple[Planned, str, Any]] = []

    def __iter__(self) -> Iterator[list[Planned]]:
        """Yield the waves; a wave is written before the next one is asked for."""
        while self.needs:
            ready = self._ready()
            yield ready
            for one in ready:
                del self.needs[one]

    def _ready(self) -> list[Planned]:
        ready = [one for one, needs in self.needs.items() if not needs & self.needs.keys()]
        ready = ready or self._keyed() or self._loosened()
        if not ready:
            raise Invalid({"file": _("记录互相引用，无法导入")})
        return ready

    def _keyed(self) -> list[Planned]:
        """Return those that wait only for changes of records that are there already."""
        return [
            one for one, needs in self.needs.items() if all(n.id is not None for n in needs - {one})
        ]

    def _loosened(self) -> list[Planned]:
        """Leave the references open that may be tied later; return those that are free then."""
        found = []
        for one, needs in self.needs.items():
            key = TIED.get(one.model, "")
            target = one.values.get(key)
            if isinstance(target, Planned) and needs & self.needs.keys() == {target}:
                self.cut.append((one, key, target))
                one.values = {**one.values, key: None}
                one.changes.pop(key, None)
                found.append(one)
        return found

    def leave_open(self, records: list[Planned]) -> None:
        """Let what a run that was killed made be tied, too: it may have been left open."""
        for one in records:
            key = TIED.get(one.model, "")
            if one.outcome == "created" and one.record is not None and one.values.get(key):
                self.cut.append((one, key, one.values[key]))

    def tie(self, session: Session) -> None:
        """Write the references that were left open."""
        for one, key, target in self.cut:
            table, to = one.model.__table__, getattr(target, "id", target)
            tied = sa.update(table).where(table.c.id == one.id).values({key: to})
            session.execute(tied, execution_options={"rule": "import"})
