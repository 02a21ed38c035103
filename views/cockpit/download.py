"""A summary as a download: CSV, workbook or paper, noted in the audit log."""

import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, abort, redirect, request
from flask_admin import expose

from dashboards import segments
from dashboards.core import choices
from dashboards.core.query import CockpitQuery, PastMoment
from dashboards.core.sql import snapshot
from dashboards.files import lines, paper, words
from dashboards.pages import SUMMARIES, Summary
from models.core.base import db
from services.core.engine import writing
from services.core.errors import NotVisible
from services.rights.access import act
from views.core.pages import Page
from views.export.files import note_export, respond_sheets

KINDS = ("csv", "xlsx", "pdf")


def summary_of(key: str) -> Summary:
    """Return a summary by its key; raises NotVisible."""
    if key not in SUMMARIES:
        raise NotVisible
    return SUMMARIES[key]


def asked_of(summary: Summary, now: dt.datetime) -> CockpitQuery:
    """Return the checked query of this request; raises BadParameter.

    An address of long ago, out of a bookmark or a message, leads to the same of now.
    """
    given = request.args.to_dict(flat=False)
    try:
        return segments.kept_to(db.session(), summary.query(given, now=now))
    except PastMoment:
        del given["as_of"]
        abort(redirect(f"{request.path}?{urlencode(given, doseq=True)}"))


class SummaryFiles(Page):
    """Mixed into the cockpit."""

    @expose("/<key>/export.<export_type>")
    def export(self, key: str, export_type: str) -> Any:
        """Download all filtered rows and, at the end, the totals."""
        summary = summary_of(key)
        if export_type not in KINDS:
            raise NotVisible
        self.demand("cockpit:export")
        query, session, actor = asked_of(summary, self.now()), self.session, self.actor
        offers = choices.read(session, actor)
        choices.check(query, offers)
        reader = words.FilterReader(session, actor, offers)
        content = lines.Content(summary, actor, query, words.asked(reader, summary, query))
        if export_type == "pdf":
            return self._paper(content)
        note_export(session, actor, f"cockpit:{key}", now=self.now())
        return respond_sheets(export_type, content.name, lines.sheets(content), _lines(content))

    def _paper(self, content: lines.Content) -> Response:
        """Return the paper; one that cannot be made is no export."""
        snapshot(self.session)
        body = paper.make(self.session, content)
        note_export(self.session, self.actor, f"cockpit:{content.summary.key}", now=self.now())
        answer = Response(body, mimetype="application/pdf")
        answer.headers["Content-Disposition"] = (
            f"attachment; filename=\"export.pdf\"; filename*=UTF-8''{quote(content.name)}.pdf"
        )
        return answer


def _lines(content: lines.Content) -> Iterator[lines.Line]:
    """Yield the lines of a session of its own: the request's is closed before the first is sent."""
    with db.session.session_factory() as session:
        act(session, content.actor)
        with writing(on=False):
            snapshot(session)
        yield from lines.lines(session, content)
