"""From an opportunity to its contracts: what is carried over, how they differ, when it is won."""

import dataclasses
import datetime as dt
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import orm
from sqlalchemy.orm import Session

from models.core.mixins import Approval
from models.deals.contract import Contract, ContractState
from models.sales.opportunity import Opportunity
from models.sales.stage import Stage, StageKind
from services.core.days import today
from services.core.errors import Forbidden, Locked, NotVisible
from services.core.money import total
from services.records.records import Values, primary_of
from services.rights import gate
from services.rights.access import actor_of
from services.rights.actor import SYSTEM, may
from services.rights.call import Call
from services.sales import opportunity

PARTS = ("product_id", "quantity", "price", "discount_bp")
COUNTED = (Approval.approved, Approval.pending)  # a draft or a rejected one promises nothing
LOST = _("商机已输单，不能签订合同")


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """A contract beside its opportunity; amounts in 分.

    `contracts` and `signed` are number and sum of what counts: contracts of it that were approved
    and not voided, and those in approval (`pending` and `pending_sum` of them). `alone` is a
    contract that does not count; its gap is what it would be if it did.
    """

    deal: Opportunity
    amount: int
    contracts: int
    signed: int
    pending: int = 0
    pending_sum: int = 0
    alone: bool = False

    @property
    def approved(self) -> int:
        """Return how many of those that count were approved."""
        return self.contracts - self.pending

    @property
    def gap(self) -> int:
        """Return by how much the contracts exceed the opportunity; negative: they fall short."""
        mine = self.amount if self.alone else 0
        return self.signed + mine - (self.deal.amount or 0)


def offered(call: Call, deal: Opportunity) -> bool:
    """Tell whether this person may make a contract of an opportunity as it stands."""
    sound = deal.approval is Approval.approved and deal.state is not StageKind.lost
    return sound and may(call.by, "contract:create") and gate.may_write(call.by, "edit", deal)


def begun(call: Call, key: int) -> Values:
    """Return what the form of a contract of an opportunity starts with, as a payload.

    Raises NotVisible, Forbidden where the opportunity is somebody else's, Locked where it is not
    approved or lost.
    """
    deal = call.session.scalar(sa.select(Opportunity).where(Opportunity.id == key))
    if deal is None:
        raise NotVisible
    if not gate.may_write(call.by, "edit", deal):
        raise Forbidden(_("只能为自己负责或录入的商机生成合同"))
    if deal.approval is not Approval.approved:
        raise Locked(_("商机「%(name)s」还没有通过审批，不能生成合同", name=str(deal)))
    if deal.state is StageKind.lost:
        raise Locked(LOST)
    day = today(call.now)
    contact = deal.contact or (primary_of(deal.customer) if deal.customer else None)
    return {
        "name": gettext("%(name)s合同", name=deal.name or ""),
        "customer_id": deal.customer_id,
        "opportunity_id": deal.id,
        "lines": [{part: getattr(line, part) for part in PARTS} for line in deal.lines],
        "amount": deal.amount,
        "signed_on": day,
        "start_on": day,
        "customer_signer": contact.name if contact else None,
        "owner_id": deal.owner_id,
        "signer_id": deal.owner_id,
    }


def kin(session: Session, contract: Contract) -> tuple[Compared | None, Contract | None]:
    """Return how a contract and its opportunity agree, and the newest contract that renews it.

    None for what there is not or is not seen; what was voided renews nothing. One statement.
    """
    row, other, new = Opportunity, orm.aliased(Contract), Contract
    mine = sa.and_(
        other.opportunity_id == row.id,
        other.state != ContractState.void,
        other.approval.in_(COUNTED),
    )
    waits = sa.and_(mine, other.approval == Approval.pending)
    several = (
        sa.select(one).where(which).correlate(row).scalar_subquery()
        for which in (mine, waits)
        for one in (sa.func.count(other.id), total(other.amount))
    )
    here = sa.select(sa.literal(1).label("here")).subquery()
    renews = sa.and_(new.renews_id == contract.id, new.state != ContractState.void)
    query = (
        sa.select(row, *several, new)
        .select_from(here)
        .outerjoin(row, row.id == contract.opportunity_id)
        .outerjoin(new, renews)
        .order_by(new.id.desc())
        .limit(1)
    )
    deal, contracts, signed, pending, waiting, renewal = session.execute(query).one()
    if deal is None:
        return None, renewal
    alone = contract.approval not in COUNTED or contract.state is ContractState.void
    told = (contract.amount or 0, contracts, int(signed), pending, int(waiting))
    return Compared(deal, *told, alone=alone), renewal


def against(call: Call, record: Any, values: Values) -> dict[str, Any]:
    """Return the complaint that a contract is to hang on a lost opportunity, if so."""
    key = values.get("opportunity_id")
    if key is None or key == record.opportunity_id:
        return {}
    state = call.session.scalar(sa.select(Opportunity.state).where(Opportunity.id == key))
    return {"opportunity_id": LOST} if state is StageKind.lost else {}


def win(session: Session, contract: Contract, *, now: dt.datetime) -> None:
    """Move the opportunity of an approved contract to its won stage, as its stage says.

    Called by the approval service inside its transaction. What stands against it (a field the won
    stage asks for) forbids no contract: the opportunity stays and the contract's page tells why.
    """
    deal = session.get(Opportunity, contract.opportunity_id) if contract.opportunity_id else None
    if deal is None or deal.stage is None or not deal.stage.contract_wins:
        return
    call = Call(session, actor_of(session) or SYSTEM, now)
    won = won_stage(session)
    if won is not None and not why_not_won(call, deal, won):
        opportunity.put_in_stage(call, deal, {"stage_id": won.id})


def won_stage(session: Session) -> Stage | None:
    """Return the stage that a won opportunity goes to: the first that is in use."""
    query = sa.select(Stage).where(Stage.active, Stage.kind == StageKind.won)
    return session.scalars(query.order_by(Stage.ordinal, Stage.id).limit(1)).first()


def why_not_won(call: Call, deal: Opportunity, won: Stage) -> list[str]:
    """Return what stands against winning an opportunity, in words; [] where nothing does."""
    if deal.approval is not Approval.approved:
        return [gettext("商机还没有通过审批")]
    if deal.state is not StageKind.open:
        return [gettext("商机已关闭，阶段不能再变")]
    wrong = opportunity.check_stage(call, deal, {"stage_id": won.id})
    return [str(text) for text in wrong.values()]
