"""ClosedView: Flask-Admin's BaseModelView with every door shut, reading through the gated session.

Flask-Admin's views are open by default (tests/safety/test_open_by_default.py lists how). Here every
door asks for its grant before it opens, and what a view answers keeps the rules of the edge.
"""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import g, request, session
from flask_admin.model import BaseModelView

from models.registry import entity_of
from services.core import texts
from services.core.errors import Forbidden, NotVisible
from services.rights.actor import may
from services.rights.grants import CATALOGUE
from views.web import traces
from views.web.acting import Acting
from views.web.edge import current_actor
from views.web.errors import log_in_first

# Flask-Admin's method name → the grants of which one opens it. What is not here stays shut.
DOORS = {
    "index_view": "read",
    "totals_view": "read",
    "values_view": "read",
    "views_view": "read",
    "left_view": "read",
    "columns_view": "read",
    "tag_view": "edit",
    "bin_view": "delete",
    "restore_view": "delete",
    "details_view": "read",
    "create_view": "create",
    "edit_view": "edit",
    "delete_view": "delete",
    "action_view": "read",
    "export": "export",
    "ajax_update": "edit",
    "ajax_choices": "edit",
    "ajax_lookup": "create edit",
    "attach_view": "edit",
    "attachment_view": "read",
    "detach_view": "edit",
}
OF_ONE = frozenset({"details_view", "edit_view"})
FOUND, SEE_OTHER = 302, 303


class ClosedView(Acting, BaseModelView):
    """A BaseModelView that opens nothing by itself; `CrmView` builds the screens on it.

    `can_create`, `can_edit` and `can_delete` say what a screen has at all; grants say for whom.
    """

    can_view_details = can_export = True
    export_types = ("csv", "xlsx")
    own_doors: ClassVar[dict[str, str]] = {}

    def __init__(self, model: type[Any], **options: Any) -> None:
        """Refuse an incomplete declaration at start-up, loudly."""
        noun = model.__noun__
        if not noun or not str(model.__caption__) or f"{noun}:read" not in CATALOGUE:
            message = f"{model.__name__}: noun, caption or grants are missing"
            raise TypeError(message)
        known = {"name": model.__caption__, "endpoint": noun, "url": f"/admin/{noun}"}
        super().__init__(model, **known | options)

    @property
    def icon(self) -> str:
        """Return the icon of the entity."""
        return entity_of(self.model).icon

    @property
    def noun(self) -> str:
        """Return the entity's noun."""
        return str(self.model.__noun__)

    def is_accessible(self) -> bool:
        """Tell whether the person may see the screen at all."""
        return may(current_actor(), f"{self.noun}:read")

    def may_door(self, verb: str) -> bool:
        """Tell whether a verb is offered at all and granted, be it for what is one's own."""
        offered = {"create": self.can_create, "edit": self.can_edit, "delete": self.can_delete}
        if not offered.get(verb, True):
            return False
        actor = current_actor()
        return may(actor, f"{self.noun}:{verb}") or may(actor, f"{self.noun}:{verb}_own")

    def _handle_view(self, name: str, **kwargs: Any) -> Any:
        """Ask for the door's grant before the view runs.

        No record and a file of no known kind are no pages: Flask-Admin would go to the list.
        """
        if current_actor() is None:
            return log_in_first()
        verbs = DOORS.get(name) or self.own_doors.get(name, "")
        if not self.is_accessible() or not any(map(self.may_door, verbs.split())):
            raise Forbidden
        nameless = name in OF_ONE and not request.args.get("id")
        if nameless or kwargs.get("export_type", "csv") not in self.export_types:
            raise NotVisible
        return None

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the view as it is: Flask-Admin hides every TypeError behind its own.

        What follows a POST is fetched (303), with our words in place of Flask-Admin's.
        """
        answer = fn(self, *args, **kwargs)
        if request.method == "POST" and getattr(answer, "status_code", 0) == FOUND:
            answer.status_code = SEE_OTHER
            if "told" in g:
                session["_flashes"] = [*session["_flashes"][:-1], ("success", g.pop("told"))]
        return answer

    def tell(self, message: str) -> None:
        """Say this, and not Flask-Admin's "Record was successfully saved.", when a verb is done."""
        g.told = message

    def handle_view_exception(self, exc: Exception) -> bool:
        """Let the application's error handlers answer, with a status and without SQL."""
        raise exc

    def render(self, template: str, **context: Any) -> Any:
        """Call the view `view` and its record `record`, as our templates do."""
        named = {"view": self, "record": context.get("model")}
        return super().render(template, **(named | context))

    def get_pk_value(self, model: Any) -> int:
        """Return the key of a record."""
        return int(model.id)

    def get_one(self, id: Any) -> Any:  # noqa: A002 # Flask-Admin's name
        """Return a visible record by key. Raises NotVisible for junk, strangers and gaps alike."""
        key = texts.key(str(id or ""))
        if key is None:
            raise NotVisible
        query = sa.select(self.model, self.beside()).where(self.model.id == key)
        found = self.session.execute(query).first()
        if found is None:
            raise NotVisible
        found[0].beside = found[1]
        return found[0]

    def beside(self) -> Any:
        """Return what is read in the same statement as a record, kept in its `beside`."""
        return sa.null()

    def saw(self, record: Any) -> None:
        """Have it noted that this answer shows a record, where it shows personal data plainly."""
        traces.saw(record)
