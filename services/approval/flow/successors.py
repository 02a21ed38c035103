"""Who takes a task of somebody who cannot decide any more: one rule, asked for many at once.

First whoever stands in for him, then whom he stood in for, then those above him (superiors, then
heads of departments), then the administrators; each of them may have a stand-in himself.
"""

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from services.approval.flow.approvers import admins, deciders, heads, superiors
from services.approval.flow.stand_ins import end_of, links_of, placed


@dataclasses.dataclass(frozen=True, slots=True)
class Heir:
    """Who gets a task, and for whom he stands in; `second`: a second person has to decide."""

    person: int
    principal: int | None = None
    second: bool = False


class Heirs:
    """The rule over the people as they are now; what was asked once is known for all tasks."""

    def __init__(self, session: Session, *, now: dt.datetime) -> None:
        """Read who may decide, who stands in for whom, and who the administrators are."""
        self.session = session
        self.able = deciders(session)
        self.links = links_of(session, now=now)
        self.admins = [key for key in admins(session) if key in self.able]
        self._above: dict[int, list[int]] = {}

    def of(
        self, leaver: int, principal: int | None, barred: Collection[int | None]
    ) -> Iterator[Heir]:
        """Yield who may take a task of the leaver (as somebody's stand-in), the nearest first.

        `barred` are the submitter and the last editor. Where nobody else is left the barred
        administrators get it: it waits there for a second person.
        """
        usable = self.able - set(barred)
        own = end_of(self.links, leaver, usable.__contains__)
        if own is not None:
            yield Heir(own, leaver)
        first = [] if principal is None else [principal]
        chain = [*first, *self.above(leaver if principal is None else principal), *self.admins]
        people = [key for key in chain if key in usable]
        found = placed(self.links, people, usable)
        yield from (Heir(person, of) for person, of in found.items())
        if not people and own is None:
            yield from (Heir(person, second=True) for person in self.admins)

    def above(self, person: int) -> list[int]:
        """Return a person's superiors, the nearest first, then the heads of his departments."""
        if person not in self._above:
            self._above[person] = [*superiors(self.session, person), *heads(self.session, person)]
        return self._above[person]
