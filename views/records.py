"""Entities whose screens need little beyond their model."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask_admin import expose
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services import tags
from services.dictionary import in_use
from services.order import progress
from views.base import CrmView
from views.crm.audited import changes_of, nouns
from views.crm.files import FileDoors
from views.crm.listing import Column
from views.crm.tables import short_table


class ContactView(CrmView):
    """Contacts of customers."""

    grid_order: ClassVar[Any] = ("name", "customer_id", "title", "mobile")


class FiledView(FileDoors, CrmView):
    """An entity with attachments of which the model says everything."""


class FollowUpView(FileDoors, CrmView):
    """跟踪记录: newest first."""

    column_default_order = "-at"

    def buttons(self, record: Any) -> dict[str, Any]:
        """Approval's own rows cannot be changed."""
        found: dict[str, Any] = super().buttons(record)
        if record.origin is m.Origin.approval:
            found["edit"] = found["delete"] = False
        return found


class OrderView(CrmView):
    """订单: made by the approval of a contract, moved by its milestones."""

    creatable = deletable = False
    extra_columns: ClassVar[Any] = (("progress", _("交付进度")),)

    def loads(self) -> list[Any]:
        """Load the milestones for the progress."""
        return [*super().loads(), selectinload(m.Order.milestones)]

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return 交付%."""
        return {"progress": {row.id: f"{progress(row)}%" for row in rows}}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the milestones."""
        return [
            short_table(
                self,
                m.OrderMilestone,
                {"order_id": record.id},
                "ordinal name planned_on done_on state",
                order="ordinal",
                add=True,
                most=100,
            )
        ]


class MilestoneView(CrmView):
    """订单节点."""

    column_default_order = "planned_on"
    deletable = False


class ProductView(CrmView):
    """产品."""

    column_default_order = "code"
    inline_fields = ("active",)


class DictionaryView(CrmView):
    """字典: ordered, coloured, disabled, with how often each value is used."""

    column_default_order = "ordinal"
    inline_fields = ("ordinal", "colour", "active")
    extra_columns: ClassVar[Any] = (("used", _("使用中")),)

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return how many records use each option."""
        used = in_use(self.session)
        return {"used": {row.id: str(used.get(row.id, 0)) for row in rows}}


class TagView(CrmView):
    """标签: words with a colour, and on how many records each is."""

    column_default_order = "name"
    inline_fields = ("name", "colour")
    extra_columns: ClassVar[Any] = (("used", _("使用中")),)

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return how many records carry each tag."""
        used = tags.in_use(self.session)
        return {"used": {row.id: str(used.get(row.id, 0)) for row in rows}}


class StageView(CrmView):
    """商机阶段."""

    column_default_order = "ordinal"


class NumberRuleView(CrmView):
    """编号规则: one a numbered entity; they can be changed, not added."""

    column_default_order = "noun"
    creatable = deletable = False


class CalendarDayView(CrmView):
    """工作日历."""

    column_default_order = "-day"


class DepartmentView(CrmView):
    """部门: a list to edit, and the tree with heads and people."""

    column_default_order = "ordinal"
    list_template = "admin/department/list.html"
    own_doors: ClassVar[dict[str, str]] = {"tree_view": "read"}

    @expose("/tree/")
    def tree_view(self) -> Any:
        """Show the departments under each other with the people in them."""
        query = sa.select(m.Department).order_by(m.Department.ordinal, m.Department.id)
        below: dict[int | None, list[m.Department]] = {}
        for row in self.session.scalars(query):
            below.setdefault(row.parent_id, []).append(row)
        people: dict[int | None, list[m.User]] = {}
        for user in self.session.scalars(
            sa.select(m.User).where(m.User.active).order_by(m.User.id)
        ):
            people.setdefault(user.department_id, []).append(user)
        return self.render("admin/department/tree.html", view=self, below=below, people=people)


class ImportJobView(CrmView):
    """导入记录: read-only, with the problems of each file."""

    creatable = editable = deletable = False
    details_template = "admin/model/import_job.html"


class AuditView(CrmView):
    """审计日志: read-only, the changes of a row in its details."""

    creatable = editable = deletable = False
    details_template = "admin/model/audit.html"
    hidden_details = CrmView.hidden_details | {"changes"}

    def cell(self, row: Any, column: Column) -> Any:
        """Call the kind of record by its caption."""
        if column.key == "noun":
            return str(nouns().get(row.noun, (row.noun,))[0])
        return super().cell(row, column)

    def changes_of(self, record: m.AuditLog) -> list[tuple[Any, Any, Any]]:
        """Return (caption, old, new) of every field that changed."""
        return changes_of(record.noun, record.changes)
