"""Tags on records: read for a page, put on and off one record or many."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.bulk.batch import BatchVerb
from models.bulk.tag import Tag, Tagged, Tagging
from models.rights.audit import AuditAction
from services.bulk import doers, jobs
from services.bulk.doers import Chunk, Outcome
from services.core import texts
from services.core.errors import Invalid, NotVisible, Refused
from services.records.records import Saver, Values, saver
from services.rights import audit, gate
from services.rights.actor import Actor, may
from services.rights.call import Call

LONGEST, MOST, COMMENT = 30, 20, 500
RULED: dict[str, Any] = {"execution_options": {"rule": "tags"}}


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Words to put on records, or to take off."""

    text: str
    off: bool = False


def of_records(session: Session, noun: str, keys: Iterable[int]) -> dict[int, list[Tag]]:
    """Return record key → tags by name, of records the person was shown; one statement."""
    tag, link = Tag, Tagging.__table__
    query = (
        sa.select(link.c.record_id, tag)
        .select_from(sa.join(link, tag, tag.id == link.c.tag_id))
        .where(link.c.noun == noun, link.c.record_id.in_(list(keys)))
        .order_by(tag.name)
    )
    found: dict[int, list[Tag]] = {}
    for key, one in session.execute(query):
        found.setdefault(key, []).append(one)
    return found


def line_of(model: type[Any]) -> Any:
    """Return the tags of a record as one text, for the statement that reads the record."""
    tag, link = Tag.__table__, Tagging.__table__
    word = sa.type_coerce(tag.c.colour, sa.String) + ":" + tag.c.name
    return (
        sa.select(sa.func.aggregate_strings(word, ","))
        .select_from(sa.join(link, tag, tag.c.id == link.c.tag_id))
        .where(link.c.noun == model.__noun__, link.c.record_id == model.id)
        .scalar_subquery()
    )


def words_of(line: str | None) -> list[tuple[str, str]]:
    """Return (colour, name) of such a text, by name; neither holds a comma."""
    words = [part.partition(":")[::2] for part in (line or "").split(",") if part]
    return sorted(words, key=lambda word: word[1])


def known(session: Session) -> list[Tag]:
    """Return all tags by name."""
    return list(session.scalars(sa.select(Tag).order_by(Tag.name).limit(500)))


def resolve(session: Session, text: str, *, by: Actor) -> list[Tag]:
    """Return the tags of `a, b`; a new word becomes a tag for who may create them.

    Raises Invalid that names the word nobody knows.
    """
    words = [word.strip() for word in text.replace("，", ",").split(",") if word.strip()]
    words = list(dict.fromkeys(words))
    if len(words) > MOST or any(len(word) > LONGEST for word in words):
        raise Invalid({"tags": _("最多 %(n)s 个标签，每个最多 %(k)s 个字符", n=MOST, k=LONGEST)})
    try:
        words = [texts.clean(word) for word in words]
    except ValueError as problem:
        raise Invalid({"tags": problem.args[0]}) from problem
    query = sa.select(Tag).where(Tag.name.in_(words))
    found = {one.name: one for one in session.scalars(query)}
    return [found.get(word) or _create(session, word, by) for word in words]


def _create(session: Session, word: str, by: Actor) -> Tag:
    if not may(by, "tag:create"):
        raise Invalid({"tags": _("没有标签「%(word)s」", word=word)})
    tag = Tag(name=word)
    session.add(tag)
    session.flush()
    return tag


def put(call: Call, record: Any, wanted: list[Tag]) -> None:
    """Give a record exactly these tags. Raises Forbidden."""
    gate.demand_write(call.by, "edit", record)
    had = of_records(call.session, record.__noun__, [record.id]).get(record.id, [])
    _write(call, [_Turn(record, had, wanted)])


def put_many(call: Call, wanted: list[tuple[Any, list[Tag]]]) -> None:
    """Give records of one noun exactly these tags; the caller answers for the right to it."""
    if wanted:
        noun = wanted[0][0].__noun__
        had = of_records(call.session, noun, [record.id for record, _tags in wanted])
        _write(call, [_Turn(record, had.get(record.id, []), tags) for record, tags in wanted])


@dataclasses.dataclass(frozen=True, slots=True)
class _Turn:
    """A record with the tags it had and those it gets."""

    record: Any
    had: list[Tag]
    wanted: list[Tag]

    @property
    def names(self) -> list[str]:
        """Return what the audit log says: before, after."""
        return ["、".join(sorted(tag.name for tag in tags)) for tags in (self.had, self.wanted)]


def _write(call: Call, turns: list[_Turn]) -> None:
    """Put tags on and off records of one noun, audited; three statements for all of them."""
    changed = [one for one in turns if {t.id for t in one.had} != {t.id for t in one.wanted}]
    if not changed:
        return
    link: Any = Tagging.__table__
    noun = changed[0].record.__noun__
    off: dict[int, list[int]] = {}
    fresh = []
    for one in changed:
        had, wanted = {tag.id for tag in one.had}, {tag.id for tag in one.wanted}
        for key in had - wanted:
            off.setdefault(key, []).append(one.record.id)
        stamp = {"noun": noun, "record_id": one.record.id, "by_id": call.by.id, "at": call.now}
        fresh += [stamp | {"tag_id": key} for key in sorted(wanted - had)]
    for key, records in off.items():
        gone = sa.delete(link).where(
            link.c.noun == noun, link.c.tag_id == key, link.c.record_id.in_(records)
        )
        call.session.execute(gone, **RULED)
    if fresh:
        call.session.execute(sa.insert(link), fresh, **RULED)
    entry = {"action": AuditAction.update, "noun": noun}
    rows = [{"record_id": one.record.id, "label": str(one.record)[:200]} for one in changed]
    told = [{"changes": {"tags": one.names}} for one in changed]
    audit.record(call.session, [entry | row | says for row, says in zip(rows, told, strict=True)])


def tagging(session: Session, model: type[Any], change: Change, *, by: Actor) -> jobs.Task:
    """Return the task of putting tags on records, or off. Raises Invalid, NotVisible."""
    if not issubclass(model, Tagged):
        raise NotVisible
    noun: str = model.__noun__  # type: ignore[attr-defined] # narrowed to the mixin
    chosen = resolve(session, change.text, by=by)
    if not chosen:
        raise Invalid({"tags": _("请填写标签")})
    verb = BatchVerb.untag if change.off else BatchVerb.tag
    keys, names = [tag.id for tag in chosen], "、".join(tag.name for tag in chosen)
    return jobs.Task(verb, noun, names[:COMMENT], {"tags": keys})


@doers.together(BatchVerb.tag, BatchVerb.untag)
def tag_chunk(call: doers.JobCall, chunk: Chunk) -> tuple[int, dict[int, Outcome]]:
    """Put the tags on a chunk of records, or take them off; in a few statements."""
    session, job = call.session, call.job
    noun, keys = job.noun, [row.target_id for row in chunk.items]
    model = jobs.MODELS[noun]
    named = (job.arguments or {}).get("tags", ())
    chosen = list(session.scalars(sa.select(Tag).where(Tag.id.in_(named)).order_by(Tag.id)))
    known = {one.id: one for one in session.scalars(sa.select(model).where(model.id.in_(keys)))}
    had = of_records(session, noun, known)
    found, turns = {}, []
    for row in chunk.items:
        record, before = known.get(row.target_id), had.get(row.target_id, [])
        problem = _against(call.by, record, chosen)
        if problem is not None:
            found[row.target_id] = doers.refused(call, row, problem)
            continue
        left = [tag for tag in before if tag not in chosen]
        off = job.verb is BatchVerb.untag
        turns.append(_Turn(record, before, left if off else [*left, *chosen]))
        found[row.target_id] = Outcome(str(record))
    _write(call, turns)
    return len(chunk.items), found


def _against(by: Actor, record: Any, chosen: list[Tag]) -> Refused | None:
    if record is None:
        return NotVisible()
    try:
        gate.demand_write(by, "edit", record)
    except Refused as refusal:
        return refusal
    return None if chosen else Invalid({"tags": _("标签已被删除")})


def in_use(session: Session) -> dict[int, int]:
    """Return tag key → on how many records it is."""
    link = Tagging.__table__
    query = sa.select(link.c.tag_id, sa.func.count()).group_by(link.c.tag_id)
    return {row[0]: row[1] for row in session.execute(query)}


@saver(Tag)
class TagSaver(Saver):
    """The rules of a tag."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """A name is one word without commas, and there is one tag of it."""
        name = str(values.get("name") or record.name or "")
        if "," in name or "，" in name:
            return {"name": _("标签名称不能含有逗号")}
        query = sa.select(Tag.id).where(Tag.name == name, Tag.id != (record.id or 0))
        twin = call.session.scalars(query).first()
        return {"name": _("已有同名标签")} if twin is not None else {}
