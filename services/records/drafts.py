"""Drafts of forms: kept while somebody types, given back to him alone, gone when he has saved.

Nothing but these functions reads the tables: the read gate shows a draft to nobody, an
administrator included, and every statement here names the person.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from models.records.form_draft import DraftFile, FormDraft
from services.core import money
from services.core.errors import Invalid, NotVisible
from services.rights.call import Call

KEPT = dt.timedelta(days=30)
MOST = 100  # drafts a person; the oldest goes
MOST_BYTES = 200 * 1024 * 1024  # files of a person's drafts together
RULE = {"rule": "draft", "synchronize_session": False}
TABLE, FILES = FormDraft.__table__, DraftFile.__table__


@dataclasses.dataclass(frozen=True, slots=True)
class DraftPlace:
    """Which draft of a person: the form (at most 200 characters) and the window (at most 40)."""

    form: str
    tab: str


@dataclasses.dataclass(frozen=True, slots=True)
class ChosenFile:
    """A file chosen in a form; its content is in the store under its SHA-256 already."""

    name: str
    size: int
    mime: str
    sha256: str


def save(call: Call, place: DraftPlace, content: dict[str, Any]) -> int:
    """Keep what was typed in place of what the same window typed before. Returns the key."""
    key = _row(call, place, content)
    rows = sa.select(TABLE.c.id).where(TABLE.c.user_id == call.by.id)
    old = rows.order_by(TABLE.c.at.desc(), TABLE.c.id.desc()).offset(MOST)
    for gone in call.session.execute(old).scalars().all():
        _drop(call.session, TABLE.c.id == gone)
    return key


def _row(call: Call, place: DraftPlace, content: dict[str, Any] | None = None) -> int:
    """Return the key of a draft, made where it is not there; its content stays without a new one.

    The time moves along with it.
    """
    session = call.session
    build = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    mine = {"user_id": call.by.id, "form": place.form, "tab": place.tab}
    changed = {"at": call.now} | ({} if content is None else {"content": content})
    statement = (
        build(TABLE)
        .values(**mine, at=call.now, content=content or {})
        .on_conflict_do_update(index_elements=list(mine), set_=changed)
        .returning(TABLE.c.id)
    )
    return int(session.execute(statement, execution_options=RULE).scalar_one())


def choose(call: Call, place: DraftPlace, field: str, files: Sequence[ChosenFile]) -> None:
    """Keep what is chosen in a field in place of what was. Raises Invalid above MOST_BYTES."""
    key = _row(call, place)
    session = call.session
    before = sa.delete(FILES).where(FILES.c.draft_id == key, FILES.c.field == field)
    session.execute(before, execution_options=RULE)
    whole = sa.select(money.total(FILES.c.size)).join(TABLE)
    held = session.execute(whole.where(TABLE.c.user_id == call.by.id)).scalar_one()
    if held + sum(file.size for file in files) > MOST_BYTES:
        raise Invalid({"files": _("草稿里的附件太多，请先保存或丢弃一些草稿")})
    rows = [{"draft_id": key, "field": field, **dataclasses.asdict(file)} for file in files]
    if rows:
        session.execute(sa.insert(FILES), rows, execution_options=RULE)


def found(call: Call, forms: Sequence[str]) -> list[dict[str, Any]]:
    """Return the person's drafts of these forms, the newest first, each with its files."""
    mine = sa.select(TABLE).where(TABLE.c.user_id == call.by.id, TABLE.c.form.in_(forms))
    young = mine.where(TABLE.c.at > call.now - KEPT).order_by(TABLE.c.at.desc(), TABLE.c.id.desc())
    rows = [dict(row) for row in call.session.execute(young).mappings()]
    chosen = sa.select(FILES).where(FILES.c.draft_id.in_([row["id"] for row in rows]))
    files = call.session.execute(chosen.order_by(FILES.c.id)).all() if rows else []
    return [row | {"files": [one for one in files if one.draft_id == row["id"]]} for row in rows]


def file(call: Call, key: int) -> ChosenFile:
    """Return a chosen file of the person's own. Raises NotVisible."""
    columns = [FILES.c[one.name] for one in dataclasses.fields(ChosenFile)]
    mine = (
        sa.select(*columns)
        .join_from(FILES, TABLE)
        .where(FILES.c.id == key, TABLE.c.user_id == call.by.id)
    )
    one = call.session.execute(mine).first()
    if one is None:
        raise NotVisible
    return ChosenFile(*one)


def drop(call: Call, place: DraftPlace) -> None:
    """Forget a draft of the person's own: it was saved or is not wanted any more."""
    mine = sa.and_(TABLE.c.form == place.form, TABLE.c.tab == place.tab)
    _drop(call.session, sa.and_(TABLE.c.user_id == call.by.id, mine))


def prune(session: Session, *, now: dt.datetime) -> int:
    """Forget what was typed longer ago than KEPT. Returns how many drafts went."""
    return _drop(session, TABLE.c.at <= now - KEPT)


def _drop(session: Session, which: sa.ColumnElement[bool]) -> int:
    keys = sa.select(TABLE.c.id).where(which)
    files = sa.delete(FILES).where(FILES.c.draft_id.in_(keys))
    session.execute(files, execution_options=RULE)
    gone: Any = session.execute(sa.delete(TABLE).where(which), execution_options=RULE)
    return int(gone.rowcount)
