"""Entities whose screens need little beyond their model."""

from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import sqlalchemy as sa
from flask import current_app, flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from models.core.field import VISIT
from models.importing.import_job import ImportJob
from models.people.department import Department
from models.people.user import User
from models.rights.audit import AuditLog
from models.sales.follow_up import VISITS, Origin
from services.bulk import tags
from services.records.dictionary import in_use
from services.rights.actor import may
from services.trail import erasing, erasures
from views.core.base import CrmView
from views.form.composer import chips
from views.grid.audited import FORMATTERS, changes_of, nouns
from views.render.files import FileDoors


class ContactView(CrmView):
    """Contacts of customers."""

    grid_order: ClassVar[Any] = ("name", "customer_id", "title", "mobile")
    details_template = "admin/model/contact.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {"erase_view": "erase"}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer to erase a person who is still known."""
        known = record.name != erasing.GONE and may(self.actor, "contact:erase")
        return super().buttons(record) | {"erase": known}

    @expose("/erase/", methods=("POST",))
    def erase_view(self) -> Any:
        """Delete what is known of a person, everywhere and for good."""
        record = self.get_one(request.form.get("id"))
        customer = record.customer_id
        folder = Path(current_app.config["TCOS_INSTANCE"])
        counts = erasures.erase(self.call(), record.id, folder)
        flash(gettext("已清除个人信息，涉及 %(n)s 处", n=sum(counts.values())), "success")
        return redirect(url_for("customer.whole_view", id=customer), code=303)


class FiledView(FileDoors, CrmView):
    """An entity with attachments of which the model says everything."""


class FollowUpView(FileDoors, CrmView):
    """跟踪记录: newest first."""

    column_default_sort = ("at", True)

    def form_extras(self, record: Any, errors: dict[str, Any]) -> dict[str, Any]:
        """Offer the usual next dates, and what belongs to a visit for a visit alone."""
        found: dict[str, Any] = super().form_extras(record, errors)
        visits = " ".join(["kind", *(kind.name for kind in VISITS)])
        return found | {"chips": chips(self.session, self.now()), "only": {str(VISIT): visits}}

    def buttons(self, record: Any) -> dict[str, Any]:
        """Approval's own rows cannot be changed."""
        found: dict[str, Any] = super().buttons(record)
        if record.origin is Origin.approval:
            found["edit"] = found["delete"] = False
        return found


class ProductView(CrmView):
    """产品."""

    column_default_sort = ("code", False)
    column_editable_list = ("active",)

    def buttons(self, record: Any) -> dict[str, Any]:
        """Lead to the customers that the product fits."""
        found: dict[str, Any] = super().buttons(record)
        if may(self.actor, "portrait:read"):
            found["links"] = [(url_for("portrait.product", id=record.id), _("适合的客户"))]
        return found


class DictionaryView(CrmView):
    """字典: ordered, coloured, disabled, with how often each value is used."""

    column_default_sort = ("ordinal", False)
    column_editable_list = ("ordinal", "colour", "active")
    extra_columns: ClassVar[Any] = (("used", _("引用次数")),)

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return how many records use each option."""
        used = in_use(self.session)
        return {"used": {row.id: str(used.get(row.id, 0)) for row in rows}}

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return how many records use each."""
        used = in_use(session) if "used" in wanted else {}
        return {"used": {row.id: used.get(row.id, 0) for row in rows}}


class TagView(CrmView):
    """标签: words with a colour, and on how many records each is."""

    column_default_sort = ("name", False)
    column_editable_list = ("name", "colour")
    extra_columns: ClassVar[Any] = (("used", _("引用次数")),)

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return how many records carry each tag."""
        used = tags.in_use(self.session)
        return {"used": {row.id: str(used.get(row.id, 0)) for row in rows}}

    def exported_values(
        self, session: Any, rows: Any, wanted: set[str]
    ) -> dict[str, dict[int, Any]]:
        """Return how many records use each."""
        used = tags.in_use(session) if "used" in wanted else {}
        return {"used": {row.id: used.get(row.id, 0) for row in rows}}


class StageView(CrmView):
    """商机阶段."""

    column_default_sort = ("ordinal", False)


class NumberRuleView(CrmView):
    """编号规则: one a numbered entity; they can be changed, not added."""

    column_default_sort = ("noun", False)
    can_create = can_delete = False


class CalendarDayView(CrmView):
    """工作日历."""

    column_default_sort = ("day", True)


class DepartmentView(CrmView):
    """部门: a list to edit, and the tree with heads and people."""

    column_default_sort = ("ordinal", False)
    list_template = "admin/department/list.html"
    own_doors: ClassVar[dict[str, str]] = {"tree_view": "read"}

    @expose("/tree/")
    def tree_view(self) -> Any:
        """Show the departments under each other with the people in them."""
        query = sa.select(Department).order_by(Department.ordinal, Department.id)
        below: dict[int | None, list[Department]] = {}
        for row in self.session.scalars(query):
            below.setdefault(row.parent_id, []).append(row)
        people: dict[int | None, list[User]] = {}
        for user in self.session.scalars(sa.select(User).where(User.active).order_by(User.id)):
            people.setdefault(user.department_id, []).append(user)
        return self.render("admin/department/tree.html", below=below, people=people)


def _told(counts: dict[str, int]) -> str:
    """Return what became of the rows of a file, in words."""
    return gettext(
        "共 %(n)s 行：新建 %(a)s · 更新 %(b)s · 不变 %(c)s · 重复 %(d)s · 失败 %(e)s",
        n=counts.get("rows", 0),
        a=counts.get("created", 0),
        b=counts.get("updated", 0),
        c=counts.get("unchanged", 0),
        d=counts.get("repeated", 0),
        e=counts.get("failed", 0),
    )


def _brought(_view: Any, _context: Any, row: ImportJob, _key: str) -> str:
    """Call the entities of a job by their captions, each with what became of its rows."""
    return "\n".join(f"{name} · {text}" for name, text in ImportJobView.outcomes(row))


def _mapped(_view: Any, _context: Any, row: ImportJob, _key: str) -> str:
    """Call the mapping of a file that waits by its entity."""
    return str(nouns().get(row.mapping, (row.mapping,))[0])


class ImportJobView(CrmView):
    """导入记录: read-only, with the problems of each file."""

    can_create = can_edit = can_delete = False
    details_template = "admin/model/import_job.html"
    column_formatters = MappingProxyType({"counts": _brought, "mapping": _mapped})

    @staticmethod
    def outcomes(record: ImportJob) -> list[tuple[str, str]]:
        """Return (caption, text) of every entity a job brought in."""
        return [
            (str(nouns().get(noun, (noun,))[0]), _told(found))
            for noun, found in record.counts.items()
            if isinstance(found, dict)
        ]


class AuditView(CrmView):
    """审计日志: read-only, the changes of a row in its details."""

    can_create = can_edit = can_delete = False
    details_template = "admin/model/audit.html"
    column_details_exclude_list = CrmView.column_details_exclude_list | {"changes"}
    column_formatters = FORMATTERS

    def changes_of(self, record: AuditLog) -> list[tuple[Any, Any, Any]]:
        """Return (caption, old, new) of every field that changed."""
        return changes_of(record.noun, record.changes)
