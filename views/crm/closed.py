"""ClosedView: Flask-Admin's ModelView with every door shut.

ModelView is open by default (design/stack.md lists how). Here nothing is drawn, populated or
looked up but through the gated session, and every door asks for its grant before it opens.
"""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask_admin.contrib.sqla import ModelView
from wtforms import Form as EmptyForm

import models as m
from services import texts
from services.actor import Actor, may
from services.errors import Forbidden, NotVisible
from services.grants import CATALOGUE
from views.web import traces
from views.web.edge import current_actor
from views.web.errors import log_in_first

# Flask-Admin's method name → the verb of the grant that opens it. What is not here stays shut.
DOORS = {
    "index_view": "read",
    "totals_view": "read",
    "values_view": "read",
    "views_view": "read",
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
    "ajax_lookup": "read",
    "attach_view": "edit",
    "attachment_view": "read",
    "detach_view": "edit",
}


class ClosedView(ModelView):
    """A ModelView that opens nothing by itself; `CrmView` builds the screens on it."""

    can_create = can_edit = can_delete = can_view_details = can_export = True
    form_columns: ClassVar[list[str]] = []  # Flask-Admin's own form has no field at all
    creatable = editable = deletable = True
    own_doors: ClassVar[dict[str, str]] = {}

    def __init__(self, model: type[Any], **options: Any) -> None:
        """Refuse an incomplete declaration at start-up, loudly."""
        noun = model.__noun__
        if not noun or not str(model.__caption__) or f"{noun}:read" not in CATALOGUE:
            message = f"{model.__name__}: noun, caption or grants are missing"
            raise TypeError(message)
        super().__init__(
            model, m.db, name=model.__caption__, endpoint=noun, url=f"/admin/{noun}", **options
        )
        self.session = m.db.session  # Flask-Admin wants the handle and deprecates the session

    @property
    def icon(self) -> str:
        """Return the icon of the entity."""
        return m.entity_of(self.model).icon

    def scaffold_form(self) -> Any:
        """Give Flask-Admin an empty form: nothing of it is ever drawn or populated."""
        return EmptyForm

    def scaffold_list_form(self, *_args: Any, **_options: Any) -> Any:
        """Return no inline form: ajax_update below has its own allow-list."""
        return EmptyForm

    def scaffold_filters(self, name: Any) -> Any:
        """Return no filters of Flask-Admin's: views/crm/listing.py keys them by column."""
        del name
        return []

    @property
    def noun(self) -> str:
        """Return the entity's noun."""
        return str(self.model.__noun__)

    @property
    def actor(self) -> Actor:
        """Return who acts; doors are only entered with somebody."""
        found = current_actor()
        if found is None:
            raise Forbidden
        return found

    def is_accessible(self) -> bool:
        """Tell whether the person may see the screen at all."""
        return may(current_actor(), f"{self.noun}:read")

    def may_door(self, verb: str) -> bool:
        """Tell whether a verb is offered at all and granted, be it for what is one's own."""
        offered = {"create": self.creatable, "edit": self.editable, "delete": self.deletable}
        if not offered.get(verb, True):
            return False
        actor = current_actor()
        return may(actor, f"{self.noun}:{verb}") or may(actor, f"{self.noun}:{verb}_own")

    def _handle_view(self, name: str, **_kwargs: Any) -> Any:
        """Ask for the door's grant before the view runs."""
        if current_actor() is None:
            return log_in_first()
        verb = DOORS.get(name) or self.own_doors.get(name)
        if verb is None or not self.is_accessible() or not self.may_door(verb):
            raise Forbidden
        return None

    def _run_view(self, fn: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the view as it is: Flask-Admin hides every TypeError behind its own."""
        return fn(self, *args, **kwargs)

    def handle_view_exception(self, exc: Exception) -> bool:
        """Let the application's error handlers answer, with a status and without SQL."""
        raise exc

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
