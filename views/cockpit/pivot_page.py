"""The doors of 透视分析 and of the glossary."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

from flask import Response, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from plotly.utils import PlotlyJSONEncoder

from dashboards import segments
from dashboards.core import choices
from dashboards.core.columns import exported, jsonable
from dashboards.core.sql import snapshot
from dashboards.files import words
from dashboards.files.lines import Content
from dashboards.measures.dimensions import DIMENSIONS
from dashboards.measures.registry import MEASURES, fact_of, shared
from dashboards.pages import PIVOT
from dashboards.pivot import figure, table
from dashboards.pivot.state import Pivot, chosen, read_pivot, unfit
from services.core.days import ZONE
from services.core.errors import NotVisible
from services.core.texts import neutral
from services.delivery.workbook import BookSheet
from services.rights.actor import may
from views.cockpit import bar, pivot
from views.cockpit.table import stamp
from views.core.pages import Page
from views.export.files import note_export, respond_sheets
from views.render.plotly import digest


class PivotPages(Page):
    """Measures by dimensions, and what each of them means."""

    def _pivot(self, read: Callable[..., Pivot] = read_pivot) -> tuple[Pivot, choices.Offers]:
        """Return what is asked for, checked, and the choices of the bar."""
        found = read(request.args.to_dict(flat=False), now=self.now())
        snapshot(self.session)
        found = dataclasses.replace(found, query=segments.kept_to(self.session, found.query))
        offers = choices.read(self.session, self.actor)
        choices.check(found.query, offers)
        return found, offers

    @expose("/pivot/")
    def pivot(self) -> Any:
        """Show a pivot: what it is made of, its chart, its table.

        Choices that do not go together are said beside their field, nothing chosen is lost.
        """
        asked, offers = self._pivot(chosen)
        wrong, query = unfit(asked), asked.query
        shown = {} if wrong else self._table(asked)
        page = self.render(
            "cockpit/pivot.html",
            summary=PIVOT,
            pivot=asked,
            query=query,
            wrong=wrong,
            bar=bar.make(self.session, self.actor, PIVOT, query, offers),
            inputs=pivot.inputs(asked),
            may_export=may(self.actor, "cockpit:export"),
            address=url_for(".pivot"),
            state=query.string(as_of=stamp(query)),
            asked=query.string(as_of=None, via=None),
            script=url_for(".script", digest=digest()),
            **shown,
        )
        return page, wrong.status if wrong else 200

    def _table(self, asked: Pivot) -> dict[str, Any]:
        found = table.read(self.session, self.actor, asked)
        return {"table": found, "heads": pivot.heads(found), "lines": pivot.lines(asked, found)}

    @expose("/pivot/data.json")
    def pivot_data(self) -> Any:
        """Return the numbers and the chart; money in yuan and ratios as decimal strings."""
        asked, _offers = self._pivot()
        found = table.read(self.session, self.actor, asked)
        text = json.dumps(
            {
                "columns": [line.label for line in found.cols],
                "measures": [one.key for one in asked.measures],
                "rows": [
                    {"label": label, "values": [jsonable(v, c) for v, c in cells]}
                    for label, cells in pivot.values(found)
                ],
                "charts": [one.to_plotly_json() for one in figure.figures(asked, found)],
            },
            cls=PlotlyJSONEncoder,
            ensure_ascii=False,
        )
        return Response(text, mimetype="application/json")

    @expose("/pivot/export.<export_type>")
    def pivot_export(self, export_type: str) -> Any:
        """Download the table as it is shown, and a sheet that says what it is."""
        if export_type not in {"csv", "xlsx"}:
            raise NotVisible
        self.demand("cockpit:export")
        asked, offers = self._pivot()
        found = table.read(self.session, self.actor, asked)
        reader = words.FilterReader(self.session, self.actor, offers)
        texts = words.asked(reader, PIVOT, asked.query)
        heads, kinds = pivot.sheet(asked, found)
        rows = list(_lines(asked, found, texts))
        note_export(self.session, self.actor, "cockpit:pivot", now=self.now())
        about = BookSheet(_("说明"), [_("项目"), _("内容")], ["", ""])
        sheets = [BookSheet(str(PIVOT.caption), heads, kinds), about]
        name = Content(PIVOT, self.actor, asked.query, texts).name
        return respond_sheets(export_type, name, sheets, iter(rows))

    @expose("/glossary/")
    def glossary(self) -> Any:
        """List every measure and dimension with its definition."""
        return self.render(
            "cockpit/glossary.html",
            measures=[(one, fact_of(one)) for one in MEASURES.values()],
            dimensions=list(DIMENSIONS.values()),
            shared=shared,
            known=DIMENSIONS,
        )


def _lines(
    asked: Pivot, found: table.PivotTable, texts: list[str]
) -> Iterator[tuple[int, list[Any]]]:
    for label, cells in pivot.values(found):
        yield 0, [neutral(label), *(neutral(exported(v, c)) for v, c in cells)]
    yield 1, [_("数据截至"), asked.query.as_of.astimezone(ZONE).replace(tzinfo=None)]
    for text in texts:
        yield 1, [_("筛选"), neutral(text)]
    for one in asked.measures:
        if one.help:
            yield 1, [str(one.caption), str(one.help)]
