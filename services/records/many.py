"""Many records changed at once by the rules of each: what `records.update` does, in few statements.

Checks, gates, audit and what hooks on a flush are the same; flushes are shared. Only what is judged
by the record alone may come here (`Saver.singly` names the rest): nobody's change may be the reason
of another's.
"""

import dataclasses
from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from services.core.errors import Invalid, Refused
from services.records import records
from services.records.fields import Input
from services.records.records import SAVERS, Saver, Values
from services.records.references import unoffered
from services.rights.call import Call


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """A record, what it is to hold, and the version that was seen."""

    record: Any
    values: Values
    seen: int | None


def together(call: Call, turn: Turn) -> bool:
    """Tell whether a change is one of those that may be made of many records at once."""
    rules = SAVERS.get(type(turn.record))
    alone = frozenset[str]() if rules is None else rules.singly
    if alone is None or turn.values.keys() & alone:
        return False
    return not records.diverted(call.session, turn.record, turn.values)


def update(call: Call, turns: Iterable[Turn]) -> dict[int, Refused] | None:
    """Change records; return key → why one was left as it was.

    None where the whole was taken back, because the database or a gate refused one of them: then
    nothing is written, and each has to be changed by itself.
    """
    offered = _remembering(call)
    refusals: dict[int, Refused] = {}
    sound: list[Turn] = []
    for turn in turns:
        try:
            sound.append(_checked(call, turn, offered))
        except Refused as refusal:
            refusals[turn.record.id] = refusal
    try:
        with call.session.begin_nested():
            _write(call, [turn for turn in sound if turn.values])
    except (Refused, IntegrityError, StaleDataError):
        return None
    return refusals


def _remembering(call: Call) -> records.Offered:
    """Return what asks once whether a reference may be pointed at."""
    known: dict[tuple[str, Any], Any] = {}

    def offered(one: Input, value: Any) -> Any:
        if (one.key, value) not in known:
            known[one.key, value] = unoffered(call.session, one, value)
        return known[one.key, value]

    return offered


def _checked(call: Call, turn: Turn, offered: records.Offered) -> Turn:
    """Return what a change comes to. Raises Invalid, Stale, Locked, Forbidden."""
    record, rules = turn.record, SAVERS.get(type(turn.record), Saver())
    records.changeable(record, seen=turn.seen, by=call.by)
    values = rules.follow(call, record, records.without_unchanged(record, turn.values))
    errors = records.faults_of(call, rules, record, values, offered)
    if errors:
        raise Invalid(errors)
    return dataclasses.replace(turn, values=values)


def _write(call: Call, turns: list[Turn]) -> None:
    session = call.session
    with session.no_autoflush:
        for turn in turns:
            rules = SAVERS.get(type(turn.record), Saver())
            own = rules.own_way
            records.put(turn.record, {k: v for k, v in turn.values.items() if k not in own})
            rules.applied(call, turn.record, turn.values)
    session.flush()
    for turn in turns:
        SAVERS.get(type(turn.record), Saver()).saved(call, turn.record, turn.values)
    session.flush()
