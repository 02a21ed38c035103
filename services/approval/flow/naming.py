"""What flows and requests are called, in a few words."""

from flask_babel import gettext as _

from models.approval.flow import FlowAction
from models.approval.request import ApprovalRequest
from services.approval.flow.preview import money_text
from services.records.snapshot import REVIEWED

CAPTIONS = {noun: model.__caption__ for noun, model in REVIEWED.items()}


def noun_name(noun: str) -> str:
    """Return the caption of what goes through approval."""
    return str(CAPTIONS.get(noun, noun))


def flow_name(noun: str, action: FlowAction) -> str:
    """Return what a flow does: 新建客户, 客户变更."""
    name = noun_name(noun)
    if action is FlowAction.create:
        return _("新建%(what)s", what=name.lower())
    return _given_back(noun) if action is FlowAction.void else f"{name}{action}"


def _given_back(noun: str) -> str:
    name = noun_name(noun).lower()
    return _("%(what)s作废", what=name) if noun == "contract" else _("%(what)s撤销", what=name)


def kind_of(request: ApprovalRequest) -> str:
    """Return what a request is, in a few words: 新建客户; 新建商机，86.00 万元."""
    name = noun_name(request.noun)
    if request.action is FlowAction.change:
        return _("%(what)s变更 %(n)s 处", what=name, n=len(request.payload["values"]))
    if request.action is FlowAction.void:
        return _given_back(request.noun)
    amount = request.payload.get("values", {}).get("amount")
    if amount is None:
        return _("新建%(what)s", what=name.lower())
    return _("新建%(what)s，%(amount)s", what=name.lower(), amount=money_text(amount, ".2f"))
