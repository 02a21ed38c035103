"""What a bulk verb acts on: ticked rows or all that match, one object for every verb."""

import dataclasses
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from models.bulk.batch import BatchJob
from services.bulk import jobs, subjects
from services.core import texts
from services.core.errors import Invalid, NotVisible
from views.grid import listing

Items = list[tuple[int, int | None]]

FEW = 1000  # as many the confirm page carries; more are frozen in a stored job
SAMPLE = 10
PART = 5000  # rows read at a time


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """Chosen records with the versions that were seen; what comes later is outside of it.

    Few are `items`; many are those of a stored `job`, or of a `query` that has to be stored yet.
    """

    items: Items = dataclasses.field(default_factory=list)
    job: BatchJob | None = None
    query: Any = None

    @property
    def carried(self) -> tuple[str, str]:
        """Return the name and the value by which the confirm page carries it."""
        if self.job is not None:
            return "job", str(self.job.id)
        return "frozen", ",".join(f"{key}:{seen or ''}" for key, seen in self.items)

    def number(self, view: Any) -> int:
        """Return how many they are."""
        if self.job is None:
            return len(self.items)
        return sum(jobs.tally(view.session, self.job.id).values())

    def keys(self) -> Any:
        """Return the keys of what is meant, as a list or a sub-select."""
        if self.query is not None:
            return self.query.with_only_columns(self.query.selected_columns[0])
        if self.job is None:
            return [key for key, _seen in self.items]
        return sa.select(jobs.ITEM.c.target_id).where(jobs.ITEM.c.job_id == self.job.id)

    def titles(self, view: Any) -> list[str]:
        """Return what the first of them are called, through the read gate."""
        model = view.model if self.job is None else jobs.MODELS[self.job.noun]
        query = sa.select(model).where(model.id.in_(self.keys())).order_by(model.id)
        rows = view.session.scalars(query.limit(SAMPLE))
        names = {row.id: getattr(row, "title", None) or str(row) for row in rows}
        told = subjects.told(view.session, model, names)
        return [_with(name, told.get(key, ())) for key, name in names.items()]

    def read(self, view: Any) -> Iterator[Items]:
        """Yield all of them, part by part."""
        if self.query is None:
            yield self.items
            return
        rows = view.session.execute(self.query.execution_options(yield_per=PART))
        for part in rows.partitions():
            yield [(row[0], row[1]) for row in part]


def chosen(view: Any, keys: list[str]) -> Selection:
    """Return what was confirmed, all that match the filter, or the ticked rows. Raises Invalid."""
    if "job" in request.form:
        return Selection(job=_stored(view))
    if "frozen" in request.form:
        return Selection(_pairs(request.form["frozen"].split(",")))
    if not request.form.get("everything"):
        return Selection(ticked(keys))
    version = getattr(view.model, "row_version", sa.null())
    query = everything(view).with_only_columns(view.model.id, version).order_by(view.model.id)
    rows = view.session.execute(query.limit(FEW + 1)).all()
    if not rows:
        raise Invalid({"rowid": _("没有符合条件的记录。")})
    if len(rows) > FEW:
        return Selection(query=query)
    return Selection([(row[0], row[1]) for row in rows])


def _stored(view: Any) -> BatchJob:
    """Return the job a confirm page carries: of this person and this grid. Raises NotVisible."""
    job = jobs.frozen(view.session, texts.key(request.form["job"]))
    if job.noun not in {view.noun, "request"}:
        raise NotVisible
    return job


def _with(name: str, told: tuple[str, ...]) -> str:
    """Return a name with what tells it from others of the same name."""
    more = [one for one in told if one != name]
    return f"{name}（{' · '.join(more)}）" if more else name


def everything(view: Any) -> Any:
    """Return the SELECT of all that match the filter a post carries. Raises Invalid."""
    return listing.matching(view.session, view.model, view.reading(matched()).sound(), view.actor)


def matched() -> MultiDict[str, str]:
    """Return the state of the grid that a post carries."""
    return MultiDict(parse_qsl(request.form.get("match", "")[:4000], keep_blank_values=True))


def query_of(view: Any, keys: list[str]) -> Any:
    """Return the same selection as a SELECT, without a limit: for what only reads."""
    if request.form.get("everything"):
        return everything(view)
    return sa.select(view.model).where(view.model.id.in_([key for key, _seen in ticked(keys)]))


def ticked(keys: list[str]) -> Items:
    """Return (id, seen version) of the ticked rows of a post. Raises Invalid on none or junk."""
    seen = dict(text.partition(":")[::2] for text in request.form.getlist("seen"))
    if not keys:
        raise Invalid({"rowid": _("请先勾选记录")})
    return _pairs([f"{key}:{seen.get(key, '')}" for key in keys])


def _pairs(given: list[str]) -> Items:
    found: Items = []
    for text in given:
        key, _colon, seen = text.partition(":")
        number, version = texts.key(key), texts.key(seen) if seen else None
        if number is None or (seen and version is None) or len(found) >= FEW:
            raise Invalid({"rowid": _("勾选的记录无效或过多（最多 %(n)s 条）", n=FEW)})
        found.append((number, version))
    return found
