"""What a bulk verb does: registered by its module, for a chunk at once or item by item."""

import dataclasses
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from models.bulk.batch import BatchJob, BatchVerb, ItemState
from services.bulk.jobs import ITEM, MODELS
from services.core.errors import Invalid, Refused
from services.core.texts import joined
from services.rights.call import Call

SINGLY = 100  # of what is done one by one: a chunk holds the write lock of SQLite


@dataclasses.dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive waiting items of a job."""

    job_id: int
    items: list[Any]  # rows: id, target_id, seen_version, title

    def where(self, state: ItemState) -> sa.ColumnElement[bool]:
        """Return the condition on batch_item: of this chunk, in a state."""
        first, last = self.items[0].id, self.items[-1].id
        return sa.and_(
            ITEM.c.job_id == self.job_id, ITEM.c.id.between(first, last), ITEM.c.state == state
        )

    def targets(self, state: ItemState) -> sa.Select[Any]:
        """Return the ids of what the chunk's items in a state are about."""
        return sa.select(ITEM.c.target_id).where(self.where(state))

    def first(self, many: int) -> "Chunk":
        """Return its first items alone."""
        return Chunk(self.job_id, self.items[:many])


@dataclasses.dataclass(frozen=True, slots=True)
class JobCall(Call):
    """A job being done: for whom, when."""

    job: BatchJob


Problem = tuple[str, Any]  # a code and its message


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How it went for one item; without a problem it is done.

    `changes`: input → its value before and after, frozen, of what an undo can give back.
    Words are lazy texts, so that each reader has them in his language.
    `note`: what was done in its own words, where it is not what the verb is called after.
    """

    title: str | None = None
    problem: Problem | None = None  # code, message
    changes: dict[str, list[Any]] | None = None
    note: Any = None


# Does one item (target, version seen); returns its title, or more than that.
Act = Callable[[int, int | None], str | Outcome]

# A verb does a chunk and returns how many items it took and what to store of them.
Doer = Callable[[JobCall, Chunk], tuple[int, dict[int, Outcome]]]


DOERS: dict[BatchVerb, Doer] = {}


def together(*verbs: BatchVerb) -> Callable[[Doer], Doer]:
    """Register what does a whole chunk of a verb."""

    def register(do: Doer) -> Doer:
        DOERS.update(dict.fromkeys(verbs, do))
        return do

    return register


def singly(*verbs: BatchVerb) -> Callable[[Callable[[JobCall], Act]], Callable[[JobCall], Act]]:
    """Register what makes the function that does one item; its refusal is every item's."""

    def register(make: Callable[[JobCall], Act]) -> Callable[[JobCall], Act]:
        prepared(*verbs)(lambda call, _keys: make(call))
        return make

    return register


Make = Callable[[JobCall, list[int]], Act]


def prepared(*verbs: BatchVerb) -> Callable[[Make], Make]:
    """Register the same of what reads something for all items it will do, by their targets."""

    def register(make: Make) -> Make:
        def do(call: JobCall, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
            part = chunk.first(SINGLY).items
            try:
                one = make(call, [row.target_id for row in part])
            except Refused as refusal:
                return len(part), {row.target_id: refused(call, row, refusal) for row in part}
            return len(part), {row.target_id: _one(call, row, one) for row in part}

        together(*verbs)(do)
        return make

    return register


def _one(call: JobCall, row: Any, one: Act) -> Outcome:
    """Do one item inside its own SAVEPOINT, so that a refusal undoes that item alone."""
    try:
        with call.session.begin_nested():
            told_ = one(row.target_id, row.seen_version)
    except Refused as refusal:
        return refused(call, row, refusal)
    return told_ if isinstance(told_, Outcome) else Outcome(told_)


def refused(call: JobCall, row: Any, refusal: Refused) -> Outcome:
    """Return the outcome of an item that was refused, with the title of what may be seen."""
    model = MODELS[call.job.noun]
    record = call.session.scalar(sa.select(model).where(model.id == row.target_id))
    return Outcome(str(record) if record else f"#{row.target_id}", told(refusal))


def told(refusal: Refused) -> Problem:
    """Return the code and the (lazy) message of a refusal; of bad input all of it."""
    if isinstance(refusal, Invalid):
        return refusal.code, joined(refusal.errors.values())
    return refusal.code, refusal.message
