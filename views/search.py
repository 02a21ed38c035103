"""Ctrl+K: one box over customers, contacts, opportunities, contracts and approval requests."""

from typing import Any

import sqlalchemy as sa
from flask import jsonify, request, url_for
from flask_admin import expose
from sqlalchemy.orm import selectinload

from models.approval.request import ApprovalRequest, RequestOrigin
from models.customers.contact import Contact
from models.registry import having
from services.approval.flow.naming import kind_of
from services.approval.inbox import request_search
from services.core import phones
from services.query import search
from services.records.related import attach
from services.rights.actor import may
from services.rights.masking import shown
from views.core.pages import Page

MODELS = having("searchable")
MOST = 8


class SearchView(Page):
    """Everything the person may see that carries the words."""

    icon = "search"

    @expose("/")
    def index(self) -> Any:
        """Show the hits of each kind, newest first."""
        text = request.args.get("q", "")[: search.LONGEST]
        return self.render("admin/search.html", text=text, groups=self._groups(text))

    @expose("/hits.json")
    def hits(self) -> Any:
        """Answer the same for the box that opens while typing."""
        groups = self._groups(request.args.get("q", ""))
        return jsonify([{**group, "caption": str(group["caption"])} for group in groups])

    def _groups(self, text: str) -> list[dict[str, Any]]:
        words = search.words_of(text)
        groups = (self._group(model, words, text) for model in MODELS if words)
        found = [*groups, self._requests(text)]
        return [group for group in found if group is not None and group["hits"]]

    def _group(self, model: type[Any], words: list[str], text: str) -> dict[str, Any] | None:
        noun = model.__noun__
        if not may(self.actor, f"{noun}:read"):
            return None
        clauses = [search.found(self.session, model, word, self.actor) for word in words]
        query = sa.select(model).where(*clauses).order_by(model.id.desc()).limit(MOST + 1)
        rows = list(self.session.scalars(query))
        attach(self.session, (rows, ["customer", "owner"]))
        return {
            "caption": model.__caption__,
            "more": url_for(f"{noun}.index_view", search=text) if len(rows) > MOST else "",
            "hits": [
                {
                    "text": str(row),
                    "detail": self._detail(row),
                    "url": url_for(f"{noun}.details_view", id=row.id),
                }
                for row in rows[:MOST]
            ],
        }

    def _requests(self, text: str) -> dict[str, Any] | None:
        """Return the approval requests that the person sees, each of its own page."""
        words, model = request_search.clauses(self.session, text), ApprovalRequest
        if not words or not may(self.actor, "request:read"):
            return None
        query = sa.select(model).where(*words, model.origin == RequestOrigin.form)
        query = query.options(selectinload(model.submitted_by))
        rows = list(self.session.scalars(query.order_by(model.id.desc()).limit(MOST + 1)))
        more = len(rows) > MOST and may(self.actor, "request:overview")
        return {
            "caption": model.__caption__,
            "more": url_for("monitor.index_view", search=text) if more else "",
            "hits": [
                {
                    "text": row.title,
                    "detail": _detail_of(row),
                    "url": url_for("request.index", id=row.id),
                }
                for row in rows[:MOST]
            ],
        }

    def _detail(self, row: Any) -> str:
        """Return what tells two of the same name apart; the mobile as this person may see it."""
        parts = [getattr(row, "code", None), getattr(row, "customer", None)]
        if isinstance(row, Contact):
            parts.append(phones.readable(str(shown(self.actor, row, row.mobile))))
        parts.append(getattr(row, "owner", None))
        return " · ".join(str(part) for part in parts if part)


def _detail_of(row: ApprovalRequest) -> str:
    parts = (row.payload.get("code"), kind_of(row), row.state, row.submitted_by)
    return " · ".join(str(part) for part in parts if part)
