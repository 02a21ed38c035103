"""GridView: the list page of an entity and the sums of everything that matches."""

from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import jsonify, redirect, request, url_for
from flask_admin import expose
from flask_admin.model.base import ViewArgs
from flask_babel import gettext as _

from models.core.mixins import SoftDeleted
from models.customers.customer import Customer
from models.people.user import User
from models.query.saved_view import Density
from services.bulk import record_verbs, runner, tags
from services.core import texts
from services.core.errors import NotVisible
from services.core.money import total
from services.core.texts import yuan
from services.query import beside, linked, saved_views
from services.query.filters import askable
from services.query.search import INDEXED
from services.records.fields import Input, inputs_of
from services.records.related import attach
from views.form import lookups
from views.grid import actions, filters, listing, paging, selection, tabs, verbs
from views.grid.closed import ClosedView
from views.grid.columns import TAGS, ColumnDoors, Head, computed, in_details, in_list
from views.grid.saved import SavedDoors, left_of, state_of
from views.grid.tables import references
from views.grid.tag_doors import TaggedDoors
from views.grid.verbs import BulkActions
from views.render.template import READ, with_args

BIN = 200
INLINE = frozenset({"text", "enum", "dictionary", "date", "bool", "int", "money"})


class GridView(ColumnDoors, SavedDoors, TaggedDoors, BulkActions, ClosedView):
    """The grid of one entity: Flask-Admin's list hooks, derived from the model's fields."""

    list_template = "admin/model/list.html"
    column_default_sort: Any = ("id", True)
    column_editable_list: Any = None  # what `inline_fields` says
    column_formatters: Any = MappingProxyType({})  # beside what the columns say
    column_type_formatters: ClassVar[dict[Any, Any]] = {}  # the columns' own say it all
    column_type_formatters_detail: ClassVar[dict[Any, Any]] = {}

    def __init__(self, model: type[Any], **options: Any) -> None:
        """Tell Flask-Admin of the columns; what a subclass states itself stays as it is."""
        columns = listing.columns_of(model)
        self.model = model
        self.column_labels = {key: column.facts.caption for key, column in columns.items()}
        self.column_labels |= dict(self.computed())
        self.column_details_list = list(columns)
        self.column_export_list = [key for key, column in columns.items() if column.facts.export]
        if self.column_editable_list is None:
            self.column_editable_list = self.inline_fields()
        own = dict(self.column_formatters)
        more = dict.fromkeys((key for key, _text in self.computed()), computed)
        self.column_formatters = dict.fromkeys(columns, in_list) | more | own
        self.column_formatters_detail = dict.fromkeys(columns, in_details) | own
        super().__init__(model, **options)

    def inline_fields(self) -> tuple[str, ...]:
        """Return what a cell of the grid may change: text, choice, date, person; nothing masked."""
        inputs = inputs_of(self.model)
        return tuple(key for key in self.columns() if key in inputs and _inline(inputs[key]))

    def init_search(self) -> bool:
        """Say that every grid can be searched."""
        return True

    def loads(self) -> list[Any]:
        """Return loader options for collections; what a column points at is attached anyway."""
        return []

    def reading(self, args: Any) -> listing.Listing:
        """Return what a query string asks of this grid."""
        return listing.read(
            self.session, self.model, args, actor=self.actor, now=self.now(), computed=self.sorts()
        )

    def order(self, key: str | None, *, down: bool) -> paging.RowOrder:
        """Return the order of the rows, the default one for no key."""
        if key is None:
            ((key, down),) = self._get_default_order()
        return listing.order_of(self.model, key, self.sorts(), down=down)

    @expose("/")
    def index_view(self) -> Any:
        """Show the grid; the plain filter form and a default view lead to their address first."""
        if "w.field" in request.args:
            return redirect(self._typed())
        if "goto" in request.args:
            return redirect(self._page_named())
        views, taste = saved_views.opened(self.session, self.noun, self.actor)
        landing = self.landing(views, taste)
        if landing:
            return redirect(landing)
        self._template_args.update(views=views, taste=taste)
        return super().index_view()

    def _get_list_extra_args(self) -> ViewArgs:
        """Read our addresses: `sort=-amount`, conditions by column, a page counted from the end."""
        found = self.reading(request.args)
        self._template_args["listing"] = found
        key, down = found.order or (None, False)
        return ViewArgs(
            page=found.page,
            page_size=found.size,
            sort=[name for name, _caption in self._list_columns].index(key) if key else None,
            sort_desc=down,
            search=found.search,
            filters=found.where,
        )

    def _get_list_url(self, view_args: ViewArgs) -> str:
        """Return the address of a state, as it is read above; its conditions stay."""
        sort = None
        if view_args.sort is not None:
            sort = ("-" if view_args.sort_desc else "") + self._list_columns[view_args.sort][0]
        size = view_args.page_size if view_args.page_size != self.page_size else None
        return with_args(
            search=view_args.search, sort=sort, page_size=size, page=view_args.page or None
        )

    def _get_filters(self, filters: Any) -> dict[str, Any]:
        """Return no parameters: conditions are clauses, and the address has them by column."""
        del filters
        return {}

    def get_safe_page_size(self, page_size: int | None) -> int:
        """Return the size of a page, which is clamped where the address is read."""
        return page_size or self.page_size

    def get_list(
        self,
        page: int | None,
        sort_field: Any,
        sort_desc: bool,  # noqa: FBT001
        search: str | None,
        filters: Any,
        page_size: int | None = None,
    ) -> tuple[int, list[Any]]:
        """Return how many rows match (counted to a cap) and those of a page.

        The template gets the window too, and the sums of all that matches where they are asked.
        """
        asked = listing.Listing(search=search or "", where=filters)
        query = listing.matching(self.session, self.model, asked, self.actor)
        found = paging.read(
            self.session,
            paging.RowQuery(query, listing.surely(self.session, self.model, asked)),
            self.order(sort_field, down=sort_desc),
            page or 0,
            page_size or self.page_size,
            options=self.loads(),
        )
        sums = self.sums(query) if request.args.get("totals") else None
        self._template_args.update(page=found, sums=sums)
        return found.total, found.rows

    def render(self, template: str, **context: Any) -> Any:
        """Add to a list what our grid shows beyond Flask-Admin's."""
        if template == self.list_template:
            context |= self.list_context(context["data"])
        return super().render(template, **context)

    def list_context(self, data: list[Any]) -> dict[str, Any]:
        """Return the columns of the person, their computed cells, the filter, what is offered."""
        given = self._template_args
        found = given["listing"]
        heads = self.shown(given["taste"], found.filter.complaints)
        attach(self.session, (data, references(head.key for head in heads)))
        return {
            "heads": heads,
            "every": self.heads(),
            "state": state_of(request.args),
            "leaves": bool(request.args) and left_of(request.args) != given["taste"].left,
            "densities": list(Density),
            "tabs": tabs.of(self.model),
            "extras": self.computed_cells(data, heads),
            "panel": filters.panel(found.filter, self.model, askable(self.model, self.actor)),
            "fields": verbs.fields(self),
            "inline": self.column_editable_list if self.may_door("edit") else (),
            "may_create": self.may_door("create"),
            "may_export": self.may_door("export"),
        }

    def _typed(self) -> str:
        """Return the readable address of what the plain filter form sent."""
        kept = [(k, v) for k, v in request.args.items(multi=True) if not k.startswith("w.")]
        return f"{request.path}?{urlencode(kept + filters.typed(request.args), safe=READ)}"

    def _page_named(self) -> str:
        """Return the address of the page whose number was typed; junk leads to the first."""
        number = texts.key(request.args["goto"]) or 1
        return with_args(goto=None, page=max(number - 1, 0) or None)

    @expose("/ajax/values/")
    def values_view(self) -> Any:
        """Answer what a field can be compared with, for the filter builder."""
        one = askable(self.model, self.actor).get(request.args.get("field", ""))
        if one is None or filters.widget_of(one) != "choice":
            raise NotVisible
        near = beside.of(self.model).get(one.key)
        fits = near.fits if near else None
        return jsonify(lookups.values_of(self.session, one, request.args, fits))

    @expose("/totals/")
    def totals_view(self) -> Any:
        """Answer how many rows match, and the sums of their amounts, for the page's script."""
        found = self.reading(request.args)
        sums = self.sums(listing.matching(self.session, self.model, found, self.actor))
        return jsonify(sums | {"complaints": list(map(str, found.filter.complaints))})

    @expose("/bin/")
    def bin_view(self) -> Any:
        """Show the recycle bin: what was deleted last and may be taken back."""
        if not self.has_bin:
            raise NotVisible
        table = self.model.__table__
        query = record_verbs.binned(self.model, self.actor).order_by(
            table.c.deleted_at.desc(), table.c.id
        )
        rows = self.session.connection().execute(query.limit(BIN)).mappings().all()
        titled = [(row, record_verbs.title_of(row)) for row in rows]
        return self.render("admin/model/bin.html", rows=titled, most=BIN)

    @expose("/restore/", methods=("POST",))
    def restore_view(self) -> Any:
        """Take ticked records out of the bin."""
        task = record_verbs.restoring(self.noun, by=self.actor)
        items = selection.ticked(request.form.getlist("rowid"))
        job = runner.perform(self.call(), task, items)
        return redirect(url_for("batch.index", id=job.id), code=303)

    @property
    def has_bin(self) -> bool:
        """Tell whether deletions of this entity can be taken back by this person."""
        return issubclass(self.model, SoftDeleted) and self.may_door("delete")

    def _export_tablib(self, export_type: str, return_url: str) -> Any:
        """Stream all matching rows as a file."""
        del return_url
        found = self.reading(request.args).sound()
        key, down = found.order or (None, False)
        query = listing.matching(self.session, self.model, found, self.actor)
        query = query.order_by(*listing.ordered(self.order(key, down=down)))
        return actions.download(self, export_type, query, request.args.get("columns", ""))

    def _export_csv(self, return_url: Any) -> Any:
        """Stream all matching rows as text."""
        return self._export_tablib("csv", return_url)

    def counted(self) -> tuple[Any, Any] | None:
        """Return which rows the sums of amounts take in, as a clause and in words; None: all."""
        return None

    def sums(self, query: Any) -> dict[str, Any]:
        """Return the exact count of a SELECT and the sums of its amounts, in yuan as text."""
        kinds = listing.visible_columns(self.model, self.actor)
        money = [k for k in self.columns() if k in kinds and kinds[k].kind == "money"]
        counted = self.counted()
        totals = [
            total(column if counted is None else sa.case((counted[0], column)))
            for column in (getattr(self.model, key) for key in money)
        ]
        row = self.session.execute(
            query.with_only_columns(sa.func.count(self.model.id), *totals).order_by(None)
        ).one()
        only = "" if counted is None else _("（%(which)s）", which=counted[1])
        captions = {key: f"{kinds[key].facts.caption}{only}" for key in money}
        return {
            "count": row[0],
            "sums": [
                {"key": key, "caption": captions[key], "text": yuan(fen)}
                for key, fen in zip(money, row[1:], strict=True)
            ],
        }

    def computed_cells(self, rows: list[Any], heads: list[Head]) -> dict[str, dict[int, Any]]:
        """Return what stands in the columns that are no fields."""
        found = self.extra_cells(rows)
        if any(head.key == TAGS for head in heads):
            found[TAGS] = self.tag_cells(rows)
        return found

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return computed columns: key → record key → text. One statement each."""
        del rows
        return {}

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return computed columns for a file: key → record key → number, time or text.

        session: that of the export; rows have `id` and whose they are.
        """
        if TAGS not in wanted:
            return {}
        found = tags.of_records(session, self.noun, [row.id for row in rows])
        return {TAGS: {key: ", ".join(tag.name for tag in some) for key, some in found.items()}}

    def search_placeholder(self) -> str:
        """Return what the search of this grid looks at."""
        columns = listing.visible_columns(self.model, self.actor).values()
        names = [str(c.facts.caption) for c in columns if c.facts.search]
        if self.model is Customer:
            names += [_("联系人"), _("拼音"), _("手机")]
        elif self.model not in INDEXED:
            names += linked.captions(self.model)
        return _("搜索%(what)s", what=_("、").join(names)) if names else _("搜索")


def _inline(one: Input) -> bool:
    facts = one.facts
    if facts.sensitive or facts.multiline or facts.controlled:  # what is reviewed needs its form
        return False
    return one.kind in INLINE or (one.kind == "ref" and one.target is User)
