"""Which columns a grid shows: the model's default, what the person set, or what an address says."""

import dataclasses
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import saved_views
from services.errors import Invalid
from services.saved_views import Taste
from views.crm import listing
from views.web.headers import is_local
from views.web.template import READ

TAGS = "tags"
NUMBERS = frozenset({"money", "int", "percent"})


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """A column of the grid: a field of the model, or (without `column`) a computed text."""

    key: str
    caption: str
    column: listing.Column | None = None
    sort: bool = False

    @property
    def number(self) -> bool:
        """Tell whether the values stand right-aligned."""
        return self.column is not None and self.column.kind in NUMBERS


class ColumnDoors:
    """The columns menu, mixed into every grid."""

    session: Any
    actor: Any
    noun: Any
    model: Any
    extra_columns: ClassVar[tuple[tuple[str, Any], ...]] = ()
    grid_order: ClassVar[tuple[str, ...]] = ()  # what stands first

    def columns(self) -> dict[str, listing.Column]:
        """Return the columns the model lists."""
        return {k: c for k, c in listing.columns_of(self.model).items() if c.facts.listed}

    def heads(self) -> dict[str, Head]:
        """Return every column this grid can show, the ones of the default first."""
        every, sorts = listing.columns_of(self.model), listing.sortable(self.model, self.actor)
        computed = self.sorts()
        found = {k: Head(k, str(c.facts.caption), c, k in sorts) for k, c in every.items()}
        found |= {k: Head(k, str(text), None, k in computed) for k, text in self.computed()}
        return {key: found[key] for key in dict.fromkeys((*self.default_keys(), *found))}

    def default_keys(self) -> list[str]:
        """Return what is shown to somebody who has set nothing."""
        listed = [*self.columns(), *(key for key, _text in self.computed())]
        first = [key for key in self.grid_order if key in listed]
        keys = list(dict.fromkeys((*first, *listed)))
        if TAGS in keys:  # near the name: what is far right is seen by nobody
            keys.insert(1, keys.pop(keys.index(TAGS)))
        return keys

    def computed(self) -> list[tuple[str, Any]]:
        """Return (key, caption) of the columns that are no fields: the noun's own, and tags."""
        tagged = [(TAGS, m.Tag.__caption__)] if issubclass(self.model, m.Tagged) else []
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

    def stored_columns(self) -> str:
        """Return the columns an address names without the computed ones, which no file has."""
        computed = {key for key, _text in self.computed()}
        named = request.args.get("columns", "").split(",")
        return ",".join(key for key in named if key not in computed)

    @expose("/columns/", methods=("POST",))
    def columns_view(self) -> Any:
        """Keep what the columns menu says: shown, order, width, density; or the default again."""
        form, taste = request.form, saved_views.taste(self.session, self.noun, self.actor)
        density = form.get("density", "")
        if density in m.Density.__members__ and m.Density[density] is not taste.density:
            saved_views.dense(self.session, m.Density[density], by=self.actor)
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
