"""Which columns a grid shows: the model's default, what the person set, or what an address says."""

import dataclasses
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from models.bulk.tag import Tag, Tagged
from models.query.saved_view import Density
from services.core.errors import Invalid
from services.query import saved_views
from services.query.saved_views import Taste
from views.grid import listing
from views.render.cells import cell
from views.render.template import READ
from views.web.acting import Acting
from views.web.headers import is_local

TAGS = "tags"
NUMBERS = frozenset({"money", "int", "percent"})


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A column of the grid: a field of the model, or (without `column`) a computed text."""

    key: str
    caption: str
    column: listing.Column | None = None
    sort: bool = False
    figures: bool = False  # of a computed column

    @property
    def exported(self) -> bool:
        """Tell whether files may have it."""
        return self.column is None or self.column.facts.export

    @property
    def number(self) -> bool:
        """Tell whether the values stand right-aligned."""
        return self.figures or (self.column is not None and self.column.kind in NUMBERS)


def in_list(_view: Any, _context: Any, row: Any, key: str) -> Any:
    """Show a field in the grid: one of Flask-Admin's `column_formatters`."""
    column = listing.columns_of(type(row))[key]
    return cell(row, key, column.facts, column.kind)


def in_details(view: Any, context: Any, row: Any, key: str) -> Any:
    """Show a field on its page, where a long text stands whole."""
    multiline = listing.columns_of(type(row))[key].facts.multiline
    return getattr(row, key) if multiline else in_list(view, context, row, key)


def computed(_view: Any, context: Any, row: Any, key: str) -> Any:
    """Show a column that is no field: its cells are worked out for all rows of a page at once."""
    return context["extras"].get(key, {}).get(row.id, "")


class ColumnDoors(Acting):
    """The columns menu, mixed into every grid."""

    _list_columns: Any
    _sortable_columns: Any
    extra_columns: ClassVar[tuple[tuple[str, Any], ...]] = ()
    grid_order: ClassVar[tuple[str, ...]] = ()  # what stands first
    numeric: ClassVar[frozenset[str]] = frozenset()  # computed columns of figures
    exported_beside: ClassVar[frozenset[str]] = frozenset()  # inputs of the form without a column
    repeated: ClassVar[frozenset[str]] = frozenset()  # columns that tell a field a second time

    def columns(self) -> dict[str, listing.Column]:
        """Return the columns the model lists."""
        return {k: c for k, c in listing.columns_of(self.model).items() if c.facts.listed}

    def scaffold_list_columns(self) -> list[str]:
        """Return every column this grid can show, the ones of the default first."""
        every = (*listing.columns_of(self.model), *(key for key, _text in self.computed()))
        return list(dict.fromkeys((*self.default_keys(), *every)))

    def scaffold_sortable_columns(self) -> dict[str, str]:
        """Return what the grid can be sorted by; `heads` leaves out what is masked for a person."""
        return {key: key for key in (*listing.with_order(self.model), *self.sorts())}

    def heads(self) -> dict[str, Head]:
        """Return the columns of this grid as the person may see and sort them."""
        every = listing.columns_of(self.model)
        seen = listing.visible_columns(self.model, self.actor)
        return {
            key: Head(
                key,
                str(caption),
                every.get(key),
                key in self._sortable_columns and (key in seen or key not in every),
                key in self.numeric,
            )
            for key, caption in self._list_columns
        }

    def default_keys(self) -> list[str]:
        """Return what is shown to somebody who has set nothing."""
        listed = [*self.columns(), *(key for key, _text in self.computed())]
        first = [key for key in self.grid_order if key in listed]
        keys = list(dict.fromkeys((*first, *listed)))
        if TAGS in keys:  # behind what is always filled, before what is too far right to be seen
            keys.remove(TAGS)
            keys.insert(max(len(first), 1), TAGS)
        return keys

    def computed(self) -> list[tuple[str, Any]]:
        """Return (key, caption) of the columns that are no fields: the noun's own, and tags."""
        tagged = [(TAGS, Tag.__caption__)] if issubclass(self.model, Tagged) else []
        return [*self.extra_columns, *tagged]

    def sorts(self) -> dict[str, Any]:
        """Return what computed columns are sorted by: key → SELECT of (record, value)."""
        return {}

    def shown(self, taste: Taste, complaints: list[str]) -> list[Head]:
        """Return the columns of this page; what an address names and is not there is told."""
        every = self.heads()
        named = [key for key in request.args.get("columns", "").split(",") if key]
        lacking = [key for key in named if key not in every]
        complaints += [_("没有「%(key)s」这一列", key=key[:40]) for key in lacking[:3]]
        keys = [key for key in dict.fromkeys(named or taste.columns) if key in every]
        return [every[key] for key in keys or self.default_keys()]

    @expose("/columns/", methods=("POST",))
    def columns_view(self) -> Any:
        """Keep what the columns menu says: shown, order, width, density; or the default again."""
        form, taste = request.form, saved_views.taste(self.session, self.noun, self.actor)
        density = form.get("density", "")
        if density in Density.__members__ and Density[density] is not taste.density:
            saved_views.dense(self.session, Density[density], by=self.actor)
        keys = [] if "reset" in form else self._wanted(taste)
        widths = {} if "reset" in form else taste.widths | self._widths()
        widths = {key: width for key, width in widths.items() if width}
        if widths != taste.widths or (*keys,) != taste.columns:
            saved_views.arrange(self.session, self.noun, keys, widths, by=self.actor)
        if request.headers.get("X-Requested-With"):
            return jsonify(widths=widths)
        return redirect(self._back(keys), code=303)

    def _wanted(self, taste: Taste) -> list[str]:
        every, form = self.heads(), request.form
        if "show" not in form:
            return list(taste.columns)
        keys = [key for key in dict.fromkeys(form.getlist("show")) if key in every]
        for word, step in (("up", -1), ("down", 1)):
            if form.get(word) in keys:
                at = keys.index(form[word])
                keys.insert(max(at + step, 0), keys.pop(at))
        if not keys:
            raise Invalid({"show": _("至少显示一列")})
        return [] if keys == self.default_keys() else keys

    def _widths(self) -> dict[str, int]:
        """Return the widths a post names, 0 for what is automatic again."""
        found, every = {}, self.heads()
        for name, text in request.form.items():
            key = name.removeprefix("w-")
            if name.startswith("w-") and key in every:
                digits = text.strip() or "0"
                if not digits.isascii() or not digits.isdigit() or len(digits) > 4:  # noqa: PLR2004 # px
                    raise Invalid({name: _("请输入整数")})
                found[key] = int(digits)
        return found

    def _back(self, keys: list[str]) -> str:
        """Return to the same state; an address that named columns names the new ones."""
        back = request.form.get("next", "")
        if not is_local(back):
            return str(url_for(".index_view"))
        parts = urlsplit(back)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        named = {"columns", "view"} & {name for name, _value in pairs}
        pairs = [pair for pair in pairs if pair[0] != "columns"]
        if named and keys:
            pairs.append(("columns", ",".join(keys)))
        return f"{parts.path}?{urlencode(pairs, safe=READ)}"
