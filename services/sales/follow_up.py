"""Follow-ups: what happened, what it moves, and the one home of the next date."""

import datetime as dt
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _

from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerStatus
from models.people.role import Scope
from models.sales.follow_up import VISITS, FollowUp, FollowUpKind, Origin
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core.errors import Invalid, Locked
from services.core.settings import get_setting
from services.ownership import pool
from services.records.owner_stamps import department_of
from services.records.records import Saver, Values, create, saver
from services.rights import gate
from services.rights.actor import may
from services.rights.call import Call
from services.sales.belonging import check_contact
from services.sales.opportunity import NOT_APPROVED, check_stage, move_stage

AHEAD = dt.timedelta(minutes=5)  # clocks differ; beyond that it has not happened yet
OWN_HOURS = dt.timedelta(hours=24)
ENTERED = dt.timedelta(days=1)  # so long after it happened a follow-up counts as entered at once
APPROVED_CUSTOMER = MappingProxyType({"customer_id": Customer.approval == Approval.approved})


@saver(FollowUp)
class FollowUpSaver(Saver):
    """The rules of 跟踪记录."""

    fits = APPROVED_CUSTOMER

    def prepare(self, call: Call, values: Values) -> None:
        """It happened now and was mine, unless said otherwise."""
        values.setdefault("at", call.now)
        if values.get("owner_id") is None:
            values["owner_id"] = call.by.id

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """Check time, customer, relations, kind and the next date."""
        self.still_open(call, record)
        errors: dict[str, Any] = {}
        at = values.get("at") or record.at
        if at is not None and at > call.now + AHEAD:
            errors["at"] = _("跟进时间不能晚于现在；将来的事请填「下次跟进时间」")
        if values.get("kind") is FollowUpKind.system:
            errors["kind"] = _("「审批同步」由系统写入")
        errors |= _check_customer(call, values) | check_contact(call, record, values)
        errors |= _check_owner(call, values)
        started, ended = values.get("started_at"), values.get("ended_at")
        if started and ended and ended < started:
            errors["ended_at"] = _("结束时间不能早于开始时间")
        if values.get("next_at") and at and values["next_at"] <= at:
            errors["next_at"] = _("下次跟进时间应晚于本次跟进时间")
        if values.get("next_kind") is FollowUpKind.system:
            errors["next_kind"] = _("请选择跟进方式")
        return errors | _check_moves(call, values)

    def applied(self, call: Call, record: Any, values: Values) -> None:
        """Stamp the department of the person who did it."""
        if "owner_id" in values:
            record.owner_department_id = department_of(call.session, record.owner_id)

    def saved(self, call: Call, record: Any, values: Values) -> None:
        """Move customer and opportunity, close the matching plan, make the next one."""
        with gate.rule(call.session, "follow_up"):
            _move_customer(call, record, values)
            if values.get("stage_to_id") and record.opportunity_id:
                opportunity = call.session.get_one(Opportunity, record.opportunity_id)
                if opportunity.stage_id != values["stage_to_id"]:
                    _move_stage(call, opportunity, values["stage_to_id"])
            _plans(call, record, values)

    def still_open(self, call: Call, record: Any) -> None:
        """System rows stay; own rows are open for a day."""
        if record.id is None:
            return
        if record.origin is Origin.approval:
            raise Locked(_("审批同步的记录不能修改或删除"))
        free = may(call.by, "followup:edit_always") or may(call.by, "followup:edit")
        if not free and call.now - record.created_at > OWN_HOURS:
            raise Locked(_("跟进记录在录入 24 小时后不能再修改"))

    def removable(self, call: Call, record: Any) -> None:
        """What can no longer be changed cannot go either."""
        self.still_open(call, record)


@saver(FollowUpPlan)
class PlanSaver(Saver):
    """The rules of a plan."""

    fits = APPROVED_CUSTOMER

    def prepare(self, call: Call, values: Values) -> None:
        """A plan is mine unless said otherwise."""
        if values.get("owner_id") is None:
            values["owner_id"] = call.by.id

    def check(self, call: Call, record: Any, values: Values) -> Mapping[str, Any]:
        """A plan needs a human kind and an approved customer."""
        errors: dict[str, Any] = {}
        if values.get("kind") is FollowUpKind.system:
            errors["kind"] = _("请选择跟进方式")
        if record.done_at is not None:
            errors["due_at"] = _("计划已完成，不能修改")
        return errors | _check_customer(call, values) | check_contact(call, record, values)


def check_in(
    call: Call, plan: FollowUpPlan, *, at: tuple[float, float] | None, place: str | None
) -> FollowUp:
    """Return the visit that begins now where a plan sent somebody; it closes the plan.

    at: latitude and longitude in degrees as the phone gave them, None when it gave none.
    Raises Forbidden, Locked, Invalid.
    """
    if plan.done_at is not None:
        raise Locked(_("计划已完成，不能修改"))
    if at is not None and not (abs(at[0]) <= 90 and abs(at[1]) <= 180):  # noqa: PLR2004 # degrees
        raise Invalid({"latitude": _("定位无效，请重新定位后签到")})
    if at is None and get_setting(call.session, "visit.position"):
        raise Invalid({"latitude": _("没有取得位置，不能签到；请允许浏览器使用位置后重试")})
    values: Values = {
        "customer_id": plan.customer_id,
        "opportunity_id": plan.opportunity_id,
        "kind": plan.kind if plan.kind in VISITS else FollowUpKind.visit,
        "content": plan.content or str(_("已签到")),
        "place": place,
        "started_at": call.now,
        "at": call.now,
    }
    found: FollowUp = create(call, FollowUp, values)
    with gate.rule(call.session, "follow_up"):
        found.checked_in_at = call.now
        if at is not None:
            found.latitude, found.longitude = at
        plan.done_at, plan.done_by_id = call.now, found.id
    return found


def _check_customer(call: Call, values: Values) -> dict[str, Any]:
    if values.get("customer_id") is None:
        return {}
    approval = call.session.scalar(
        sa.select(Customer.approval).where(Customer.id == values["customer_id"])
    )
    if approval is not Approval.approved:
        return {"customer_id": NOT_APPROVED}
    return pool.unclaimed(call.session, values["customer_id"], by=call.by)


def _check_owner(call: Call, values: Values) -> dict[str, Any]:
    """Who answers for himself alone writes nothing in a colleague's name; who imports may."""
    mine = values.get("owner_id") in {None, call.by.id}
    wide = call.by.scope is not Scope.self
    if mine or wide or any(may(call.by, f"followup:{verb}") for verb in ("edit", "import")):
        return {}
    return {"owner_id": _("跟进人只能是本人")}


def _check_moves(call: Call, values: Values) -> dict[str, Any]:
    if not values.get("stage_to_id"):
        return {}
    if not values.get("opportunity_id"):
        return {"opportunity_id": _("要移动商机阶段，请先选择商机")}
    opportunity = call.session.scalar(
        sa.select(Opportunity).where(Opportunity.id == values["opportunity_id"])
    )
    if opportunity is None or opportunity.stage_id == values["stage_to_id"]:
        return {}
    found = check_stage(call, opportunity, {"stage_id": values["stage_to_id"]})
    if "lost_reason_id" in found:
        return {"stage_to_id": _("输单请在商机页面操作，并填写丢单原因")}
    return {"stage_to_id": next(iter(found.values()))} if found else {}


def _move_customer(call: Call, record: FollowUp, values: Values) -> None:
    customer = call.session.get_one(Customer, record.customer_id)
    customer.status = status_after(customer.status, values.get("status_to"))


def status_after(was: CustomerStatus, said: CustomerStatus | None) -> CustomerStatus:
    """Return where a follow-up leaves a customer: a new one was contacted by it."""
    return said or (CustomerStatus.contacting if was is CustomerStatus.new else was)


def _move_stage(call: Call, opportunity: Opportunity, stage_id: int) -> None:
    move_stage(call, opportunity, {"stage_id": stage_id})


def _plans(call: Call, record: FollowUp, values: Values) -> None:
    if not values.get("next_at") and record.created_at != record.updated_at:
        return  # an edit that says nothing of the next date leaves the plans alone
    said = {
        key: getattr(record, key) for key in ("customer_id", "opportunity_id", "owner_id", "at")
    }
    settle_plans(call, dict(values) | said, record.id, list(_waiting(call, record)))


def _waiting(call: Call, record: FollowUp) -> Iterable[FollowUpPlan]:
    plan = FollowUpPlan
    mine = sa.select(plan).where(
        plan.customer_id == record.customer_id,
        plan.done_at.is_(None),
        plan.owner_id == record.owner_id,
    )
    return call.session.scalars(mine)


def settle_plans(call: Call, said: Values, key: int, plans: list[FollowUpPlan]) -> None:
    """Close the open plans that a follow-up fulfils, make the next one; `plans` follows along.

    `said` has the columns of the follow-up and what stands beside them: `next_at`, `next_kind`,
    `next_content`. Its `key` is who did it. Fulfilled is what its owner planned before, for the
    same opportunity or for none; what was planned since is still to be done.
    """
    deal = said.get("opportunity_id")
    for plan in list(plans):
        same = deal is None or plan.opportunity_id in {None, deal}
        made = plan.created_at or call.now  # a new one has its time when it is written
        if same and plan.owner_id == said["owner_id"] and made <= said["at"] + ENTERED:
            plan.done_at, plan.done_by_id = call.now, key
            plans.remove(plan)
    if said.get("next_at"):
        fresh = FollowUpPlan(
            customer_id=said["customer_id"],
            opportunity_id=deal,
            due_at=said["next_at"],
            kind=said.get("next_kind") or FollowUpKind.call,
            content=said.get("next_content"),
            owner_id=said["owner_id"],
            made_by_id=key,
        )
        call.session.add(fresh)
        plans.append(fresh)
