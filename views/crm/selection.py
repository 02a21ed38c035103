"""What a bulk verb acts on: ticked rows or all that match, one object for every verb."""

import dataclasses
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import request
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from services.errors import Invalid
from views.crm import listing

Items = list[tuple[int, int | None]]

MOST = 1000
SAMPLE = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """Chosen records with the versions that were seen; what comes later is outside of it."""

    items: Items

    @property
    def frozen(self) -> str:
        """Return the pairs as the confirm page carries them."""
        return ",".join(f"{key}:{seen or ''}" for key, seen in self.items)

    def titles(self, view: Any) -> list[str]:
        """Return what the first of them are called, through the read gate."""
        keys = [key for key, _seen in self.items[:SAMPLE]]
        query = sa.select(view.model).where(view.model.id.in_(keys)).order_by(view.model.id)
        return [str(row) for row in view.session.scalars(query)]


def chosen(view: Any) -> Selection:
    """Return what was confirmed, all that match the filter, or the ticked rows. Raises Invalid."""
    if "frozen" in request.form:
        return Selection(_pairs(request.form["frozen"].split(",")))
    if not request.form.get("everything"):
        return Selection(ticked())
    query = everything(view)
    version = getattr(view.model, "row_version", sa.null())
    rows = view.session.execute(
        query.with_only_columns(view.model.id, version).order_by(view.model.id).limit(MOST + 1)
    ).all()
    if len(rows) > MOST:
        raise Invalid({"rowid": _("符合筛选的记录超过 %(n)s 条，请缩小筛选范围", n=MOST)})
    if not rows:
        raise Invalid({"rowid": _("没有符合条件的记录。")})
    return Selection([(row[0], row[1]) for row in rows])


def everything(view: Any) -> Any:
    """Return the SELECT of all that match the filter a post carries. Raises Invalid."""
    args = MultiDict(parse_qsl(request.form.get("match", "")[:4000], keep_blank_values=True))
    return listing.matching(view.session, view.model, view.reading(args).sound(), view.actor)


def query_of(view: Any) -> Any:
    """Return the same selection as a SELECT, without a limit: for what only reads."""
    if request.form.get("everything"):
        return everything(view)
    return sa.select(view.model).where(view.model.id.in_([key for key, _seen in ticked()]))


def ticked() -> Items:
    """Return (id, seen version) of the ticked rows of a post. Raises Invalid on none or junk."""
    seen = dict(text.partition(":")[::2] for text in request.form.getlist("seen"))
    keys = request.form.getlist("rowid")
    if not keys:
        raise Invalid({"rowid": _("请先勾选记录")})
    return _pairs([f"{key}:{seen.get(key, '')}" for key in keys])


def _pairs(texts: list[str]) -> Items:
    found = [text.partition(":")[::2] for text in texts]
    if len(found) > MOST or not all(_key(key) and (not seen or _key(seen)) for key, seen in found):
        raise Invalid({"rowid": _("勾选的记录无效或过多（最多 %(n)s 条）", n=MOST)})
    return [(int(key), int(seen) if seen else None) for key, seen in found]


def _key(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10  # noqa: PLR2004 # int32
