"""The page of one record: its sections, what hangs on it, which verbs are offered."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask import request, url_for

from models.core.mixins import Approval, Reviewed
from services import approval
from services.records.related import attach
from services.rights.actor import may
from services.rights.gate import may_write
from views.grid import listing
from views.grid.grid import GridView
from views.grid.tables import groups_of, references
from views.web.headers import came_from

NOTHING: Mapping[str, Any] = MappingProxyType({})


class DetailsView(GridView):
    """A grid whose rows have a page; a subclass states only what the model cannot tell."""

    details_template = "admin/model/details.html"
    column_details_exclude_list: Any = frozenset({"incomplete"})  # told elsewhere

    def details(self, record: Any, status: int, **told: Any) -> Any:
        """Return the page of a record after a refusal; `details_context` says what is told."""
        return self.render(self.details_template, model=record, **told), status

    def render(self, template: str, **context: Any) -> Any:
        """Add to the page of a record what hangs on it and what may be done."""
        if template == self.details_template:
            told = {key: context[key] for key in ("problem", "wrong") if key in context}
            context |= self.details_context(context["model"], **told)
        return super().render(template, **context)

    def details_context(
        self, record: Any, problem: str = "", wrong: Mapping[str, Any] = NOTHING
    ) -> dict[str, Any]:
        """Return what the page shows; `problem` is what was wrong with an upload.

        `wrong` (key → message) is what was wrong with a verb's own fields.
        """
        self.saw(record)
        rounds = approval.timeline(self.session, record) if self.reviewed else []
        tables, buttons = self.tables(record), self.buttons(record)
        files = self.files(record, problem)
        mine = ([record], references(listing.columns_of(self.model)))
        uploads = (files.rows if files else [], ["uploader"])
        attach(self.session, mine, uploads, *groups_of(tables))
        return {
            "base": "admin/fragment.html" if request.args.get("drawer") else "admin/shell.html",
            "sections": self.detail_sections(record),
            "rounds": rounds,
            "tables": tables,
            "buttons": buttons,
            "open_request": next((r for r in rounds if r.state is Approval.pending), None),
            "files": files,
            "tagged": self.tag_card(record),
            "picker": self.picker(record, wrong) if buttons["submit"] else None,
            "wrong": wrong,
        }

    def list_address(self) -> str:
        """Return the list a page came from, with its filter; else as it was left last."""
        own, before = str(url_for(".index_view")), came_from()
        return before if before.partition("?")[0] == own else own

    def files(self, record: Any, problem: str = "") -> Any:
        """Return the card of attachments, None where the entity has none."""
        del record, problem

    @property
    def reviewed(self) -> bool:
        """Tell whether the entity goes through approval."""
        return issubclass(self.model, Reviewed)

    def detail_sections(self, record: Any) -> list[tuple[str, list[tuple[Any, Any]]]]:
        """Return [(section, [(caption, value)])] of everything that is filled."""
        found: dict[str, list[tuple[Any, Any]]] = {}
        columns = listing.columns_of(self.model)
        for key, caption in self._details_columns:
            if getattr(record, key) not in (None, ""):
                pair = (caption, self.get_detail_value(None, record, key))
                found.setdefault(str(columns[key].facts.section), []).append(pair)
        return list(found.items())

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return short tables of what hangs on the record: caption, head, rows, more, add."""
        del record
        return []

    def buttons(self, record: Any) -> dict[str, bool]:
        """Return which verbs are offered on the details page."""
        actor, state = self.actor, getattr(record, "approval", None)
        own = actor.id in {getattr(record, "created_by_id", 0), getattr(record, "owner_id", 0)}
        pending = state is Approval.pending
        fresh = state in {Approval.draft, Approval.rejected, Approval.withdrawn}
        return {
            "edit": self.can_edit and not pending and may_write(actor, "edit", record),
            "delete": self.can_delete and not pending and may_write(actor, "delete", record),
            "submit": fresh and own and may(actor, f"{self.noun}:submit"),
            # A running change is told on its page.
            "void": "void_view" in self.own_doors and approval.voidable(record, by=actor),
        }
