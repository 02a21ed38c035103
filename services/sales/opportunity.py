"""Opportunities: lines and amount, stages with history, closing stamps."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.customers.customer import Customer
from models.sales.opportunity import Opportunity, OpportunityLine
from models.sales.stage import Stage, StageHistory, StageKind
from services.core.days import today
from services.core.errors import Forbidden, Invalid, Locked
from services.ownership import open_work, pool
from services.records import lines, records
from services.records.dictionary import required_keys
from services.records.fields import inputs_of
from services.records.owner_stamps import department_of
from services.records.records import Saver, Values, given, saver
from services.rights import gate
from services.rights.actor import may
from services.rights.call import Call
from services.sales.belonging import check_contact

NOT_APPROVED = _("客户尚未通过审批")
CLOSED = _("商机已关闭，阶段不能再变")


@saver(Opportunity)
class OpportunitySaver(Saver):
    """The rules of 商机录入."""

    lines = True
    singly = frozenset(
        {"owner_id", "customer_id", "contact_id", "stage_id", "amount", "probability", "lines"}
    )

    def prepare(self, call: Call, values: Values) -> None:
        """A salesperson's opportunity is his; it starts in the first stage."""
        if "owner_id" not in values and "sales" in call.by.roles:
            values["owner_id"] = call.by.id
        if values.get("stage_id") is None:
            values["stage_id"] = call.session.scalar(
                sa.select(Stage.id).where(Stage.active).order_by(Stage.ordinal).limit(1)
            )

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check amount, probability, lines, contact and what a stage asks for."""
        errors: dict[str, Any] = {}
        if (values.get("amount") or 0) < 0:
            errors["amount"] = _("金额不能为负数")
        if not 0 <= (values.get("probability") or 0) <= 100:  # noqa: PLR2004 # percent
            errors["probability"] = _("请输入 0 到 100 之间的整数")
        problem = lines.check_products(call, values.get("lines") or [])
        if problem:
            errors["lines"] = problem
        errors |= check_contact(call, record, values)
        errors |= pool.unclaimed(call.session, values.get("customer_id"), by=call.by)
        if "stage_id" in values:
            errors |= check_stage(call, record, values)
        return errors

    def diverted(self, session: Session, record: Any, values: Values) -> set[str]:
        """A stage that is entered by approval is asked for, with what belongs to the move."""
        stage = session.get(Stage, values["stage_id"]) if values.get("stage_id") else None
        asks = stage is not None and stage.approved_entry and stage.id != record.stage_id
        return {"stage_id", "probability", "lost_reason_id", "lost_note"} if asks else set()

    def whole(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """An opportunity that was closed meanwhile moves no more."""
        del call
        moves = values.get("stage_id") not in {None, record.stage_id}
        closed = record.state not in {None, StageKind.open}
        return {"stage_id": CLOSED} if moves and closed else {}

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Put the lines in, take the stage's probability, stamp what closing stamps."""
        lines.replace_products(record, OpportunityLine, values)
        record.last_editor_id = call.by.id
        if "owner_id" in values:
            open_work.follow_owner(call.session, record)
        if "stage_id" in values and values["stage_id"] is not None:
            stage = call.session.get_one(Stage, values["stage_id"])
            _enter(call, record, stage, keep=values.get("probability") is not None)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Write the move into the stage history."""
        if "stage_id" in values:
            _remember(call, record)

    def missing(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """An opportunity may be drafted, not submitted, on an unapproved customer."""
        return approved_customer(call, given(record, values, "customer_id"))

    def removable(self, call: Call, record: Any) -> None:
        """A pending one must be withdrawn first."""
        del call
        if record.approval is Approval.pending:
            raise Locked(_("审批中的记录不能删除，请先撤回"))


def approved_customer(call: Call, customer_id: int | None) -> dict[str, Any]:
    """Return the complaint that a record's customer is not approved, if so."""
    if customer_id is None:
        return {}
    approval = call.session.scalar(sa.select(Customer.approval).where(Customer.id == customer_id))
    return {} if approval is Approval.approved else {"customer_id": NOT_APPROVED}


def move_stage(call: Call, record: Opportunity, values: Values) -> None:
    """Move an opportunity to another stage: at once, or by a request where the stage asks for it.

    values: stage_id, lost_reason_id, lost_note. Raises Forbidden, Locked, Invalid.
    """
    if not (may(call.by, "opportunity:edit") or gate.may_write(call.by, "edit", record)):
        raise Forbidden
    later = records.diverted(call.session, record, values)
    if later:
        errors = check_stage(call, record, values)
        if errors:
            raise Invalid(errors)
        asked = records.without_unchanged(record, {key: values[key] for key in later})
        for ask in records.DIVERSIONS:
            ask(call, record, asked)
        return
    put_in_stage(call, record, values)


def put_in_stage(call: Call, record: Opportunity, values: Values) -> None:
    """Move an opportunity where the caller's own verb has the right to. Raises Locked, Invalid."""
    if record.approval is Approval.pending:
        raise Locked(_("审批中的记录不能修改，请先撤回"))
    errors = check_stage(call, record, values)
    if errors:
        raise Invalid(errors)
    stage = call.session.get_one(Stage, values["stage_id"])
    with gate.rule(call.session, "stage"), call.session.no_autoflush:
        record.lost_reason_id = values.get("lost_reason_id")
        record.lost_note = values.get("lost_note")
        if stage.id != record.stage_id:
            record.stage_id = stage.id
            _enter(call, record, stage, keep=False)
            _remember(call, record)


def check_stage(call: Call, record: Any, values: Values) -> dict[str, Any]:
    """Return what stands against an opportunity's going into a stage, {} where nothing does."""
    stage = call.session.get(Stage, values["stage_id"]) if values.get("stage_id") else None
    if stage is None:
        return {"stage_id": _("请选择阶段")} if values.get("stage_id") else {}
    if record.state not in {None, StageKind.open} and stage.id != record.stage_id:
        return {"stage_id": CLOSED}
    if not stage.active and stage.id != record.stage_id:
        return {"stage_id": _("阶段「%(stage)s」已停用", stage=str(stage))}
    reason = values.get("lost_reason_id") or record.lost_reason_id
    if stage.kind is StageKind.lost and reason is None:
        return {"lost_reason_id": _("输单必须填写丢单原因")}
    return _unmet(record, stage, values)


def _unmet(record: Any, stage: Stage, values: Values) -> dict[str, Any]:
    """Return what must be filled before an opportunity enters a stage."""
    lacking: dict[str, Any] = {}
    if stage.id == record.stage_id:
        return lacking
    inputs = inputs_of(Opportunity)
    for key in required_keys(stage.requires)[0]:
        value = values[key] if key in values else getattr(record, key, None)
        if value in (None, "") or value == []:
            name = inputs[key].facts.caption
            lacking[key] = _("进入「%(stage)s」前请填写%(name)s", stage=str(stage), name=name)
    return lacking


def _enter(call: Call, record: Any, stage: Stage, *, keep: bool) -> None:
    record.stage_since = call.now
    record.state = stage.kind
    if not keep:
        record.probability = stage.probability
    if stage.kind is not StageKind.open and record.closed_on is None:
        record.closed_on = today(call.now)
        record.closing_owner_id = record.owner_id
        record.closing_department_id = department_of(call.session, record.owner_id)


def _remember(call: Call, record: Any) -> None:
    last = call.session.scalar(
        sa.select(StageHistory.to_stage_id)
        .where(StageHistory.opportunity_id == record.id)
        .order_by(StageHistory.at.desc(), StageHistory.id.desc())
        .limit(1)
    )
    if record.stage_id is None or last == record.stage_id:
        return
    call.session.add(
        StageHistory(
            opportunity_id=record.id,
            from_stage_id=last,
            to_stage_id=record.stage_id,
            at=call.now,
            by_id=call.by.id,
        )
    )
