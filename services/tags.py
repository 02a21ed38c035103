"""Tags on records: read for a page, put on and off one record or many."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

import models as m
from services import audit, batch_work, batches, gate, texts
from services.actor import Actor, may
from services.errors import Forbidden, Invalid, NotVisible
from services.records import Call, Saver, Values, saver

LONGEST, MOST, COMMENT = 30, 20, 500


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """Words to put on records, or to take off."""

    text: str
    off: bool = False


def of_records(session: Session, noun: str, keys: Iterable[int]) -> dict[int, list[m.Tag]]:
    """Return record key → tags by name, of records the person was shown; one statement."""
    tag, link = m.Tag, m.Tagging.__table__
    query = (
        sa.select(link.c.record_id, tag)
        .select_from(sa.join(link, tag, tag.id == link.c.tag_id))
        .where(link.c.noun == noun, link.c.record_id.in_(list(keys)))
        .order_by(tag.name)
    )
    found: dict[int, list[m.Tag]] = {}
    for key, one in session.execute(query):
        found.setdefault(key, []).append(one)
    return found


def line_of(model: type[Any]) -> Any:
    """Return the tags of a record as one text, for the statement that reads the record."""
    tag, link = m.Tag.__table__, m.Tagging.__table__
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


def known(session: Session) -> list[m.Tag]:
    """Return all tags by name."""
    return list(session.scalars(sa.select(m.Tag).order_by(m.Tag.name).limit(500)))


def resolve(session: Session, text: str, *, by: Actor) -> list[m.Tag]:
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
    query = sa.select(m.Tag).where(m.Tag.name.in_(words))
    found = {one.name: one for one in session.scalars(query)}
    return [found.get(word) or _create(session, word, by) for word in words]


def _create(session: Session, word: str, by: Actor) -> m.Tag:
    if not may(by, "tag:create"):
        raise Invalid({"tags": _("没有标签「%(word)s」", word=word)})
    tag = m.Tag(name=word)
    session.add(tag)
    session.flush()
    return tag


def put(session: Session, record: Any, wanted: list[m.Tag], *, by: Actor, now: dt.datetime) -> None:
    """Give a record exactly these tags. Raises Forbidden."""
    if not gate.may_write(by, "edit", record):
        raise Forbidden
    noun, link = record.__noun__, m.Tagging
    query = sa.select(link).where(link.noun == noun, link.record_id == record.id)
    had = {one.tag_id: one for one in session.scalars(query)}
    names = [one.name for one in of_records(session, noun, [record.id]).get(record.id, [])]
    keys = {tag.id for tag in wanted}
    with gate.rule(session, "tags"):
        for key, one in had.items():
            if key not in keys:
                session.delete(one)
        for key in sorted(keys - had.keys()):
            session.add(link(noun=noun, record_id=record.id, tag_id=key, by_id=by.id, at=now))
    after = sorted(tag.name for tag in wanted)
    if sorted(names) != after:
        entry = {"action": m.AuditAction.update, "noun": noun, "record_id": record.id}
        changes = {"tags": ["、".join(sorted(names)), "、".join(after)]}
        audit.record(session, [entry | {"label": str(record)[:200], "changes": changes}])


def tagging(session: Session, model: type[Any], change: Change, *, by: Actor) -> batches.Task:
    """Return the task of putting tags on records, or off. Raises Invalid, NotVisible."""
    if not issubclass(model, m.Tagged):
        raise NotVisible
    noun: str = model.__noun__  # type: ignore[attr-defined] # narrowed to the mixin
    chosen = resolve(session, change.text, by=by)
    if not chosen:
        raise Invalid({"tags": _("请填写标签")})
    verb = m.BatchVerb.untag if change.off else m.BatchVerb.tag
    keys, names = [tag.id for tag in chosen], "、".join(tag.name for tag in chosen)
    return batches.Task(verb, noun, names[:COMMENT], {"tags": keys})


@batch_work.singly(m.BatchVerb.tag, m.BatchVerb.untag)
def tag_each(call: batch_work.Call) -> batch_work.Act:
    """Return what puts the tags on one record, or takes them off."""
    session, job = call.session, call.job
    model, off = batches.MODELS[job.noun], job.verb is m.BatchVerb.untag
    keys = (job.arguments or {}).get("tags", ())
    chosen = list(session.scalars(sa.select(m.Tag).where(m.Tag.id.in_(keys)).order_by(m.Tag.id)))
    if not chosen:
        raise Invalid({"tags": _("请填写标签")})

    def one(target: int, _seen: int | None) -> str:
        record = batches.visible(session, model, target)
        had = of_records(session, job.noun, [target]).get(target, [])
        left = [tag for tag in had if tag not in chosen]
        put(session, record, left if off else [*left, *chosen], by=call.by, now=call.now)
        return str(record)

    return one


def in_use(session: Session) -> dict[int, int]:
    """Return tag key → on how many records it is."""
    link = m.Tagging.__table__
    query = sa.select(link.c.tag_id, sa.func.count()).group_by(link.c.tag_id)
    return {row[0]: row[1] for row in session.execute(query)}


@saver(m.Tag)
class TagSaver(Saver):
    """The rules of a tag."""

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """A name is one word without commas, and there is one tag of it."""
        name = str(values.get("name") or record.name or "")
        if "," in name or "，" in name:
            return {"name": _("标签名称不能含有逗号")}
        query = sa.select(m.Tag.id).where(m.Tag.name == name, m.Tag.id != (record.id or 0))
        twin = call.session.scalars(query).first()
        return {"name": _("已有同名标签")} if twin is not None else {}
