"""商机: lines, stage history and the menu that moves the stage."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services.actor import may
from services.errors import Forbidden
from services.fields import inputs_of
from services.gate import may_write
from services.opportunity import move_stage
from views.base import CrmView
from views.crm import forms
from views.crm.composer import composer
from views.crm.tables import short_table


class OpportunityView(CrmView):
    """Opportunities."""

    icon = "target"
    details_template = "admin/model/opportunity.html"
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {"move_view": "edit"}

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return lines, stage history, follow-ups and contracts."""
        mine = {"opportunity_id": record.id}
        return [
            short_table(
                self,
                m.OpportunityLine,
                mine,
                "product_id quantity price discount_bp subtotal",
                order="ordinal",
                most=100,
            ),
            short_table(
                self, m.StageHistory, mine, "at from_stage_id to_stage_id by_id", order="-at"
            ),
            short_table(self, m.FollowUp, mine, "at kind content owner_id", order="-at"),
            short_table(self, m.Contract, mine, "code name amount signed_on state approval"),
        ]

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer the other stages while the opportunity is open."""
        found: dict[str, Any] = super().buttons(record)
        movable = (
            record.state is m.StageKind.open
            and record.approval is not m.Approval.pending
            and may_write(self.actor, "edit", record)
        )
        if movable:
            stages = self.session.scalars(
                sa.select(m.Stage).where(m.Stage.active).order_by(m.Stage.ordinal)
            )
            found["stages"] = [s for s in stages if s.id != record.stage_id]
            if record.approval is m.Approval.approved and may(self.actor, "followup:create"):
                found["composer"] = composer(self.session, self.now())
            reason = inputs_of(m.Opportunity)["lost_reason_id"]
            found["reasons"] = forms.Choices(self.session).of(reason, "")
        return found

    @expose("/move/", methods=("POST",))
    def move_view(self) -> Any:
        """Move an opportunity to another stage."""
        record = self.get_one(request.form.get("id"))
        if not may_write(self.actor, "edit", record):
            raise Forbidden
        keys = {"stage_id", "lost_reason_id", "lost_note"}
        values = forms.payload(self.session, self.model, request.form, only=keys)
        move_stage(self.session, record, values, by=self.actor, now=self.now())
        flash(_("已移到「%(stage)s」", stage=str(record.stage)), "success")
        return redirect(url_for(".details_view", id=record.id), code=303)
