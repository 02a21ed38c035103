"""商机: lines, stage history and the menu that moves the stage."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request
from flask_admin import expose
from flask_babel import gettext as _

import models as m
from services import board, numbers
from services.actor import may
from services.errors import Forbidden
from services.gate import may_write
from services.opportunity import move_stage
from services.texts import yuan
from views.base import CrmView
from views.crm import forms
from views.crm.composer import composer
from views.crm.files import FileDoors
from views.crm.tables import lines_with_products, short_table


class OpportunityView(FileDoors, CrmView):
    """Opportunities."""

    list_template = "admin/opportunity/list.html"
    details_template = "admin/model/opportunity.html"
    grid_order: ClassVar[Any] = ("name", "customer_id", "amount", "stage_id", "expected_on")
    own_doors: ClassVar[dict[str, str]] = CrmView.own_doors | {
        "move_view": "edit",
        "board_view": "read",
    }

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return lines, stage history, follow-ups and contracts."""
        mine = {"opportunity_id": record.id}
        return [
            short_table(
                self,
                m.OpportunityLine,
                mine,
                "product_id quantity price discount_bp subtotal",
                most=100,
                found=lines_with_products(self.session, m.OpportunityLine, mine),
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
            found["stages"] = self._stages()
            if record.approval is m.Approval.approved and may(self.actor, "followup:create"):
                found["composer"] = composer(self.session, self.now())
            found["reasons"] = self._reasons(record.source_id, record.lost_reason_id)
        return found

    def _stages(self) -> list[m.Stage]:
        query = sa.select(m.Stage).where(m.Stage.active).order_by(m.Stage.ordinal)
        return list(self.session.scalars(query))

    def _reasons(self, *others: int | None) -> list[m.DictionaryOption]:
        """Return the reasons of a loss, with other options the page names: one statement."""
        option = m.DictionaryOption
        reason = sa.and_(option.kind == m.DictionaryKind.lost_reason, option.active)
        query = sa.select(option).where(sa.or_(reason, option.id.in_(others)))
        return list(self.session.scalars(query.order_by(option.ordinal)))

    @expose("/board/")
    def board_view(self) -> Any:
        """Show the open opportunities by stage, and what they promise by month."""
        mine = request.args.get("owner") == "me"
        owner, now = (self.actor.id if mine else None), self.now()
        return self.render(
            "admin/opportunity/board.html",
            view=self,
            mine=mine,
            lanes=board.lanes(self.session, owner=owner, now=now),
            months=board.forecast(self.session, owner=owner, now=now),
            stages=self._stages(),
            reasons=self._reasons(),
            most=board.CARDS,
            day=numbers.today(now),
            may_move=lambda record: may_write(self.actor, "edit", record),
            yuan=yuan,
        )

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
        return redirect(self.destination(record), code=303)
