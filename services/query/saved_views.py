"""Saved views of grids and summaries, one's own or shared, and what each person has set."""

import dataclasses
import datetime as dt
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.people.role import Role
from models.people.user import User
from models.query.saved_view import Density, GridSetting, SavedView
from services.core.days import today
from services.core.errors import Forbidden, Invalid, NotVisible
from services.rights.actor import Actor, demand
from services.rights.call import Call
from services.rights.gate import rule

EVERY = "*"  # the row of a person's settings that is for all grids
LONGEST_NAME, LONGEST_STATE, LONGEST_NOTE = 40, 2000, 500
MOST_VIEWS, MOST_COLUMNS = 50, 100
WIDTHS = range(60, 801)


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """A view somebody may open: with whom it is shared and whose it is."""

    view: SavedView
    role: Role | None
    owner: str


@dataclasses.dataclass(frozen=True, slots=True)
class Taste:
    """What a person has set for a grid; nothing set is the default."""

    columns: tuple[str, ...] = ()
    widths: dict[str, int] = dataclasses.field(default_factory=dict)
    density: Density = Density.comfortable
    default_id: int | None = None
    left: str = ""
    left_at: dt.datetime | None = None

    def opens_left(self, now: dt.datetime) -> bool:
        """Tell whether the grid opens as it was left: today, or where no view is the default."""
        if not self.left or self.left_at is None:
            return False
        return self.default_id is None or today(self.left_at) == today(now)


def visible(session: Session, noun: str) -> list[Known]:
    """Return the views of a grid this person may open, his own first."""
    view, role, owner = SavedView, Role, User
    query = (
        sa.select(view, role, owner.name)
        .outerjoin(role, role.id == view.role_id)
        .join(owner, owner.id == view.owner_id)
        .where(view.noun == noun)
        .order_by(view.role_id.is_not(None), view.name, view.id)
        .limit(MOST_VIEWS * 2)
    )
    return [Known(*row) for row in session.execute(query)]


def opened(session: Session, noun: str, by: Actor) -> tuple[list[Known], Taste]:
    """Return `visible` and `taste` of a grid in one statement."""
    row, view, role, owner = GridSetting, SavedView, Role, User
    lone = sa.select(sa.literal(1).label("one")).subquery("lone")
    query = (
        sa.select(row, view, role, owner.name)
        .select_from(lone)
        .outerjoin(row, sa.and_(row.user_id == by.id, row.noun.in_((noun, EVERY))))
        .outerjoin(view, view.noun == noun)
        .outerjoin(role, role.id == view.role_id)
        .outerjoin(owner, owner.id == view.owner_id)
        .order_by(view.role_id.is_not(None), view.name, view.id)
        .limit(MOST_VIEWS * 4)  # of each view two rows where both settings are there
    )
    found = session.execute(query).all()
    views = {one[1].id: Known(*one[1:]) for one in found if one[1] is not None}
    return list(views.values()), _taste([one[0] for one in found if one[0] is not None], noun)


def taste(session: Session, noun: str, by: Actor) -> Taste:
    """Return what the person has set for a grid."""
    row = GridSetting
    query = sa.select(row).where(row.user_id == by.id, row.noun.in_((noun, EVERY)))
    return _taste(session.scalars(query), noun)


def _taste(rows: Iterable[GridSetting], noun: str) -> Taste:
    found = {one.noun: one for one in rows}
    mine = found.get(noun)
    density = found[EVERY].density if EVERY in found else Density.comfortable
    if mine is None:
        return Taste(density=density)
    return Taste(
        tuple(mine.columns),
        dict(mine.widths),
        density,
        mine.default_view_id,
        mine.left or "",
        mine.left_at,
    )


def get(session: Session, noun: str, key: int | None) -> SavedView:
    """Return a view the person may open. Raises NotVisible."""
    view = SavedView
    found = session.scalar(sa.select(view).where(view.id == key, view.noun == noun))
    if found is None:
        raise NotVisible
    return found


def save(session: Session, noun: str, values: dict[str, Any], *, by: Actor) -> SavedView:
    """Keep a new view of one's own. Raises Invalid."""
    mine = sa.select(sa.func.count()).where(SavedView.owner_id == by.id)
    if (session.scalar(mine.where(SavedView.noun == noun)) or 0) >= MOST_VIEWS:
        raise Invalid({"name": _("每个列表最多保存 %(n)s 个视图", n=MOST_VIEWS)})
    found = SavedView(noun=noun, owner_id=by.id)
    return _write(session, found, values, by=by)


def change(session: Session, view: SavedView, values: dict[str, Any], *, by: Actor) -> None:
    """Rename a view of one's own, share it, or give it another state. Raises Invalid, Forbidden."""
    _own(view, by)
    _write(session, view, values, by=by)


def remove(session: Session, view: SavedView, *, by: Actor) -> None:
    """Delete a view of one's own; who had it as default has none any more."""
    _own(view, by)
    with rule(session, "views"):
        setting = GridSetting.__table__
        session.connection().execute(
            sa.update(setting)
            .where(setting.c.default_view_id == view.id)
            .values(default_view_id=None)
        )
        session.delete(view)


def _own(view: SavedView, by: Actor) -> None:
    if view.owner_id != by.id:
        raise Forbidden(_("只能修改自己的视图"))


def _write(session: Session, view: SavedView, values: dict[str, Any], *, by: Actor) -> SavedView:
    name = str(values.get("name", view.name) or "").strip()
    state = str(values.get("query", view.query) or "")
    if not name or len(name) > LONGEST_NAME:
        raise Invalid({"name": _("请填写视图名称，最多 %(n)s 个字符", n=LONGEST_NAME)})
    if len(state) > LONGEST_STATE:
        raise Invalid({"name": _("筛选条件太长，无法保存")})
    note = _note(values.get("note", view.note))
    role = values.get("role_id", view.role_id)
    if role != view.role_id:
        demand(by, "view:share")
        if role is not None and session.get(Role, role) is None:
            raise Invalid({"role_id": _("没有这个角色")})
    twin = SavedView
    query = sa.select(twin.id).where(
        twin.owner_id == by.id, twin.noun == view.noun, twin.name == name
    )
    if session.scalars(query).first() not in {None, view.id}:
        raise Invalid({"name": _("已有同名视图")})
    with rule(session, "views"):
        view.name, view.query, view.role_id, view.note = name, state, role, note
        session.add(view)
    return view


def _note(text: Any) -> str | None:
    note = str(text or "").strip()
    if len(note) > LONGEST_NOTE:
        raise Invalid({"note": _("备注最多 %(n)s 个字符", n=LONGEST_NOTE)})
    return note or None


def prefer(session: Session, noun: str, view: SavedView | None, *, by: Actor) -> None:
    """Open a grid with this view from now on, or with none."""
    with rule(session, "views"):
        _setting(session, noun, by).default_view_id = view.id if view is not None else None


def leave(call: Call, noun: str, state: str) -> None:
    """Keep how the person left a grid; a state that is too long is not kept."""
    if len(state) <= LONGEST_STATE:
        with rule(call.session, "views"):
            row = _setting(call.session, noun, call.by)
            row.left, row.left_at = state, call.now


def named(session: Session, noun: str, name: str, *, by: Actor) -> SavedView | None:
    """Return a view of one's own by its name."""
    view = SavedView
    mine = sa.select(view).where(view.owner_id == by.id, view.noun == noun)
    return session.scalar(mine.where(view.name == name.strip()))


def arrange(
    session: Session, noun: str, columns: list[str], widths: dict[str, int], *, by: Actor
) -> None:
    """Keep which columns are shown, in which order and how wide; nothing is the default."""
    if len(columns) > MOST_COLUMNS or not all(w in WIDTHS for w in widths.values()):
        raise Invalid({"columns": _("列宽须在 %(a)s–%(b)s 之间", a=WIDTHS[0], b=WIDTHS[-1])})
    with rule(session, "views"):
        row = _setting(session, noun, by)
        row.columns, row.widths = list(dict.fromkeys(columns)), dict(widths)


def dense(session: Session, density: Density, *, by: Actor) -> None:
    """Keep how high the rows of every grid are."""
    with rule(session, "views"):
        _setting(session, EVERY, by).density = density


def _setting(session: Session, noun: str, by: Actor) -> GridSetting:
    row = GridSetting
    found = session.scalar(sa.select(row).where(row.user_id == by.id, row.noun == noun))
    if found is None:
        found = GridSetting(user_id=by.id, noun=noun, columns=[], widths={})
        session.add(found)
    return found
