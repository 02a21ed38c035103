"""审批流程: its versions with a preview in words, and its steps."""

from typing import Any, ClassVar

from flask_babel import lazy_gettext as _
from sqlalchemy.orm import selectinload

import models as m
from services.approval.preview import preview
from views.base import CrmView
from views.crm.tables import short_table


class FlowView(CrmView):
    """审批流程: read-only here; a running request keeps the version it began with."""

    icon = "route"
    column_default_order = "noun"
    creatable = editable = deletable = False
    extra_columns: ClassVar[Any] = (("preview", _("预览")),)

    def loads(self) -> list[Any]:
        """Load the steps for the preview."""
        steps = selectinload(m.ApprovalFlow.steps)
        return [*super().loads(), steps.selectinload(m.ApprovalStep.role)]

    def extra_cells(self, rows: list[Any]) -> dict[str, dict[int, Any]]:
        """Return each flow in words."""
        return {"preview": {row.id: preview(self.session, row) for row in rows}}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return the steps."""
        return [
            short_table(
                self,
                m.ApprovalStep,
                {"flow_id": record.id},
                "ordinal name approver_kind role_id mode due_hours",
                order="ordinal",
            )
        ]
