"""GridView: the list page of an entity and the sums of everything that matches."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import jsonify, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import batch_work, bulk, saved_views
from services.errors import NotVisible
from services.fields import Input, inputs_of
from services.filters import askable
from services.money import total
from services.related import attach
from services.texts import yuan
from views.crm import cells, filters, listing, lookups, paging, selection, tabs, verbs
from views.crm.closed import ClosedView
from views.crm.columns import TAGS, ColumnDoors, Head
from views.crm.saved import SavedDoors, state_of
from views.crm.tables import references
from views.crm.tagged import TaggedDoors
from views.web import edge
from views.web.template import READ

BIN = 200
INLINE = frozenset({"text", "enum", "dictionary", "date", "bool", "int", "money"})


class GridView(ColumnDoors, SavedDoors, TaggedDoors, ClosedView):
    """The grid of one entity; what stands in it is derived from the model's fields."""

    list_template = "admin/model/list.html"
    column_default_order = "-id"

    @property
    def inline_fields(self) -> tuple[str, ...]:
        """Return what a cell of the grid may change: text, choice, date, person; nothing masked."""
        inputs = inputs_of(self.model)
        return tuple(key for key in self.columns() if key in inputs and _inline(inputs[key]))

    def loads(self) -> list[Any]:
        """Return loader options for collections; what a column points at is attached anyway."""
        return []

    def now(self) -> dt.datetime:
        """Return the clock."""
        return edge.now()

    def reading(self, args: Any) -> listing.Listing:
        """Return what a query string asks of this grid."""
        return listing.read(
            self.session, self.model, args, actor=self.actor, now=self.now(), computed=self.sorts()
        )

    def order(self, found: listing.Listing) -> paging.Order:
        """Return the order of the rows."""
        return listing.order_of(self.model, found, self.column_default_order, self.sorts())

    @expose("/")
    def index_view(self) -> Any:
        """Show the grid."""
        if "w.field" in request.args:
            return redirect(self._typed())
        views = saved_views.visible(self.session, self.noun)
        taste = saved_views.taste(self.session, self.noun, self.actor)
        landing = self.landing(views, taste.default_id)
        if landing:
            return redirect(landing)
        found = self.reading(request.args)
        heads = self.shown(taste, found.filter.complaints)
        query = listing.matching(self.session, self.model, found, self.actor)
        order = self.order(found)
        rows = paging.Rows(query, listing.surely(self.session, self.model, found))
        page = paging.read(self.session, rows, order, found.page, found.size, options=self.loads())
        attach(self.session, (page.rows, references(head.key for head in heads)))
        return self.render(
            self.list_template,
            view=self,
            listing=found,
            page=page,
            heads=heads,
            every=self.heads(),
            taste=taste,
            views=views,
            state=state_of(request.args),
            densities=list(m.Density),
            tabs=tabs.of(self.model),
            extras=self.computed_cells(page.rows, heads),
            cell=self.cell,
            panel=filters.panel(found.filter, self.model, askable(self.model, self.actor)),
            actions=verbs.offered(self),
            fields=verbs.fields(self),
            sums=self.sums(query) if request.args.get("totals") else None,
            inline=set(self.inline_fields) if self.may_door("edit") else set(),
            may_create=self.may_door("create"),
            may_export=self.may_door("export"),
        )

    def _typed(self) -> str:
        """Return the readable address of what the plain filter form sent."""
        kept = [(k, v) for k, v in request.args.items(multi=True) if not k.startswith("w.")]
        return f"{request.path}?{urlencode(kept + filters.typed(request.args), safe=READ)}"

    @expose("/ajax/values/")
    def values_view(self) -> Any:
        """Answer what a field can be compared with, for the filter builder."""
        one = askable(self.model, self.actor).get(request.args.get("field", ""))
        if one is None or filters.widget_of(one) != "choice":
            raise NotVisible
        return jsonify(lookups.values_of(self.session, one, request.args))

    @expose("/totals/")
    def totals_view(self) -> Any:
        """Answer how many rows match, and the sums of their amounts, for the page's script."""
        found = self.reading(request.args)
        return jsonify(self.sums(listing.matching(self.session, self.model, found, self.actor)))

    @expose("/bin/")
    def bin_view(self) -> Any:
        """Show the recycle bin: what was deleted last and may be taken back."""
        if not self.has_bin:
            raise NotVisible
        table = self.model.__table__
        query = bulk.binned(self.model, self.actor).order_by(table.c.deleted_at.desc(), table.c.id)
        rows = self.session.connection().execute(query.limit(BIN)).mappings().all()
        titled = [(row, bulk.title_of(row)) for row in rows]
        return self.render("admin/model/bin.html", view=self, rows=titled, most=BIN)

    @expose("/restore/", methods=("POST",))
    def restore_view(self) -> Any:
        """Take ticked records out of the bin."""
        task = bulk.restoring(self.noun, by=self.actor)
        items = selection.ticked()
        job = batch_work.perform(self.session, task, items, by=self.actor, now=self.now())
        return redirect(url_for("batch.index", id=job.id), code=303)

    @property
    def has_bin(self) -> bool:
        """Tell whether deletions of this entity can be taken back by this person."""
        return issubclass(self.model, m.SoftDeleted) and self.may_door("delete")

    def sums(self, query: Any) -> dict[str, Any]:
        """Return the exact count of a SELECT and the sums of its amounts, in yuan as text."""
        kinds = listing.visible_columns(self.model, self.actor)
        money = [k for k in self.columns() if k in kinds and kinds[k].kind == "money"]
        totals = [total(getattr(self.model, key)) for key in money]
        row = self.session.execute(
            query.with_only_columns(sa.func.count(self.model.id), *totals).order_by(None)
        ).one()
        captions = {key: str(kinds[key].facts.caption) for key in money}
        return {
            "count": row[0],
            "sums": [
                {"key": key, "caption": captions[key], "text": yuan(fen)}
                for key, fen in zip(money, row[1:], strict=True)
            ],
        }

    def cell(self, row: Any, column: listing.Column) -> Any:
        """Return one cell of the grid."""
        return cells.cell(row, column.key, column.facts, column.kind)

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

    def search_hint(self) -> str:
        """Return what the search of this grid looks at."""
        columns = listing.visible_columns(self.model, self.actor).values()
        names = [str(c.facts.caption) for c in columns if c.facts.search]
        if self.model is m.Customer:
            names += [_("联系人"), _("拼音"), _("手机")]
        return _("搜索%(what)s", what="、".join(names)) if names else _("搜索")


def _inline(one: Input) -> bool:
    facts = one.facts
    if facts.sensitive or facts.multiline or facts.controlled:  # what is reviewed needs its form
        return False
    return one.kind in INLINE or (one.kind == "ref" and one.target is m.User)
