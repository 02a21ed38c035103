"""商机: lines, stage history and the menu that moves the stage."""

from typing import Any, ClassVar

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_admin import expose
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from models.core.mixins import Approval
from models.deals.contract import Contract
from models.deals.paper_template import PaperKind
from models.records.dictionary import DictionaryKind, DictionaryOption
from models.sales.follow_up import FollowUp
from models.sales.opportunity import OpportunityLine
from models.sales.stage import Stage, StageHistory, StageKind
from services import approval
from services.core.days import today
from services.core.errors import Forbidden
from services.core.texts import yuan
from services.deals.lifecycle import origin
from services.query.filters import askable
from services.rights.actor import may
from services.rights.gate import may_write
from services.sales import board
from services.sales.opportunity import move_stage
from views.approval.void import VoidDoors
from views.core.base import CrmView
from views.deals.paper import offered
from views.form import forms
from views.form.composer import composer
from views.grid import filters, listing
from views.grid.tables import lines_with_products, short_table
from views.render.files import FileDoors
from views.sales.next_step import NextStepForm


class OpportunityView(VoidDoors, FileDoors, NextStepForm):
    """Opportunities."""

    list_template = "admin/opportunity/list.html"
    details_template = "admin/model/opportunity.html"
    grid_order: ClassVar[Any] = ("name", "customer_id", "amount", "stage_id", "expected_on")
    own_doors: ClassVar[dict[str, str]] = (
        CrmView.own_doors | VoidDoors.void_doors | {"move_view": "edit", "board_view": "read"}
    )

    def tables(self, record: Any) -> list[dict[str, Any]]:
        """Return lines, stage history, follow-ups and contracts."""
        mine = {"opportunity_id": record.id}
        return [
            short_table(
                self,
                OpportunityLine,
                mine,
                "product_id quantity price discount_bp subtotal",
                most=100,
                found=lines_with_products(self.session, OpportunityLine, mine),
            ),
            short_table(
                self, StageHistory, mine, "at from_stage_id to_stage_id by_id", order="-at"
            ),
            short_table(self, FollowUp, mine, "at kind content owner_id", order="-at"),
            short_table(self, Contract, mine, "code name amount signed_on state approval"),
        ]

    def buttons(self, record: Any) -> dict[str, Any]:
        """Offer the other stages while the opportunity is open."""
        found: dict[str, Any] = super().buttons(record)
        movable = (
            record.state is StageKind.open
            and record.approval is not Approval.pending
            and may_write(self.actor, "edit", record)
        )
        if movable:
            found["stages"] = self._stages()
            if record.approval is Approval.approved and may(self.actor, "followup:create"):
                found["composer"] = composer(self.session, self.now())
            found["reasons"] = self._reasons(record.source_id, record.lost_reason_id)
        found["papers"] = offered(self.actor, PaperKind.quotation, record.id)
        if origin.offered(self.call(), record):
            address = url_for("contract.create_view", opportunity_id=record.id)
            found["links"] = [(address, _("生成合同"))]
        return found

    def _stages(self) -> list[Stage]:
        query = sa.select(Stage).where(Stage.active).order_by(Stage.ordinal)
        return list(self.session.scalars(query))

    def _reasons(self, *others: int | None) -> list[DictionaryOption]:
        """Return the reasons of a loss, with other options the page names: one statement."""
        option = DictionaryOption
        reason = sa.and_(option.kind == DictionaryKind.lost_reason, option.active)
        query = sa.select(option).where(sa.or_(reason, option.id.in_(others)))
        return list(self.session.scalars(query.order_by(option.ordinal)))

    @expose("/board/")
    def board_view(self) -> Any:
        """Show the open opportunities by stage, and what they promise by month."""
        if "w.field" in request.args:
            return redirect(self._typed())
        mine, now = request.args.get("owner") == "me", self.now()
        found = self.reading(self._of_board())
        among = listing.matching(self.session, self.model, found, self.actor)
        among = among.with_only_columns(self.model.id) if found.where or found.search else None
        owner = self.actor.id if mine else None
        return self.render(
            "admin/opportunity/board.html",
            mine=mine,
            listing=found,
            panel=filters.panel(found.filter, self.model, askable(self.model, self.actor)),
            search_placeholder=self.search_placeholder(),
            lanes=board.lanes(self.session, owner=owner, now=now, among=among),
            months=board.forecast(self.session, owner=owner, now=now, among=among),
            stages=self._stages(),
            reasons=self._reasons(),
            most=board.CARDS,
            day=today(now),
            may_move=lambda record: may_write(self.actor, "edit", record),
            yuan=yuan,
        )

    def _of_board(self) -> MultiDict[str, str]:
        """Return the query string without what is the board's own."""
        pairs = [(k, v) for k, v in request.args.items(multi=True) if k != "owner"]
        return MultiDict(pairs)

    @expose("/move/", methods=("POST",))
    def move_view(self) -> Any:
        """Move an opportunity to another stage."""
        record = self.get_one(request.form.get("id"))
        if not may_write(self.actor, "edit", record):
            raise Forbidden
        keys = {"stage_id", "lost_reason_id", "lost_note"}
        values = forms.payload(self.session, self.model, request.form, only=keys)
        move_stage(self.call(), record, values)
        if approval.changes_asked(self.session):
            flash(_("已提交变更申请，审批通过后进入新阶段"), "success")
        else:
            flash(_("已移到「%(stage)s」", stage=str(record.stage)), "success")
        return redirect(self.get_save_return_url(record), code=303)
