"""跟进计划: the list, a month as a calendar with 今日/逾期, check-in on the phone."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from flask import flash, g, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

from services.core.errors import Invalid
from services.delivery import attachment
from services.rights.actor import may
from services.sales import follow_up
from views.core.base import CrmView
from views.render import cells
from views.render.files import store
from views.sales.calendar import CalendarDoors
from views.web.edge import start_writing

PHOTOS = {"image/jpeg", "image/png", "image/webp"}


class PlanView(CalendarDoors, CrmView):
    """What is due first comes first."""

    column_default_sort = ("due_at", False)
    column_formatters: Any = MappingProxyType(
        {"due_at": lambda _view, _context, row, _key: cells.due(row.due_at, row.done_at)}
    )
    list_template = "admin/plan/list.html"
    own_doors: ClassVar[dict[str, str]] = {"calendar_view": "read", "checkin_view": "create"}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer to write the follow-up that closes the plan."""
        found: dict[str, Any] = super().buttons(record)
        if record.done_at is None and may(self.actor, "followup:create"):
            target = url_for("followup.create_view", customer_id=record.customer_id)
            found["links"] = [(target, _("写跟进"))]
        return found

    @expose("/checkin/", methods=("POST",))
    def checkin_view(self) -> Any:
        """Begin a planned visit here and now; a photo of the place hangs on it."""
        key = self.get_one(request.form.get("id")).id
        photo = self._photo()
        if not g.writes:
            start_writing()
        plan = self.get_one(str(key))
        found = follow_up.check_in(
            self.call(),
            plan,
            at=position(request.form),
            place=request.form.get("place", "").strip()[:160] or None,
        )
        if photo is not None:
            attachment.add(self.call(), found, *photo)
        flash(_("已签到，请补充拜访内容"), "success")
        return redirect(url_for("followup.edit_view", id=found.id), code=303)

    def _photo(self) -> tuple[attachment.Upload, str] | None:
        """Return the photo of a check-in, kept in the store. Raises Invalid for anything else."""
        given = request.files.get("photo")
        if given is None or not given.filename:
            return None
        try:
            file = attachment.judged(self.session, (given.filename, given.stream))
        except Invalid as problem:
            raise type(problem)({"photo": str(problem)}) from problem
        if file.mime not in PHOTOS:
            raise Invalid({"photo": _("照片只能是 JPG、PNG 或 WEBP")})
        return file, store().put(file.content)


def position(form: Mapping[str, str]) -> tuple[float, float] | None:
    """Return latitude and longitude of a form, None when there are none."""
    try:
        return float(form.get("latitude", "")), float(form.get("longitude", ""))
    except ValueError:
        return None
