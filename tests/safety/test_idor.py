"""Somebody else's record by its key, through every door: the door says "no such record"."""

import re

import pytest

from models.approval.request import ApprovalCopy, ApprovalRequest
from models.bulk.batch import BatchJob
from models.core.mixins import Approval
from models.customers.contact import Contact
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.order import Order, OrderMilestone
from models.deals.payment import Payment
from models.sales.follow_up import FollowUp
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from tests.support.matrix import DOORS
from tests.support.visitors import AJAX

# Who owns it → who must not know of it. What hangs on a customer is hidden with the customer.
FOREIGN = ("sales", "sales2")
OWNED = {
    "customer": Customer,
    "contact": Contact,
    "opportunity": Opportunity,
    "followup": FollowUp,
    "plan": FollowUpPlan,
    "contract": Contract,
    "order": Order,
    "milestone": OrderMilestone,
    "payment": Payment,
    "invoice": Invoice,
}


def key_of(target, noun, owner):
    """Return the key of a record of this noun that hangs on the owner's approved customer."""
    customer = target.customer(owner).id
    if noun == "customer":
        return customer
    if noun == "milestone":
        order = target.row(Order, customer_id=customer)
        return target.row(OrderMilestone, order_id=order.id).id
    return target.row(OWNED[noun], customer_id=customer).id


@pytest.mark.parametrize("noun", OWNED)
@pytest.mark.parametrize("who", FOREIGN)
def test_no_door_opens_for_a_stranger(untouched, noun, who):
    other = next(name for name in FOREIGN if name != who)
    key = key_of(untouched, noun, other)
    name = f"{other}的客户"
    wrong = []
    for door in [door for door in DOORS if door.noun == noun]:
        form = {"id": key, "row_version": 1, "field": "remark", "value": "x", "remark": "x"}
        if door.rule.endswith(("lookup/", "action/", "new/", "left/")):
            continue  # asked by text, item by item, or about nobody's record: tested elsewhere
        answer = (
            untouched.get(who, f"{door.path}?id={key}")
            if door.method == "GET"
            else untouched.post(who, f"{door.path}?id={key}", form, headers=AJAX)
        )
        by_key = door.rule.endswith(("details/", "edit/", "delete/", "submit/", "update/"))
        if by_key and answer.status_code not in {403, 404}:
            wrong.append((door.method, door.rule, answer.status_code))
        if name in answer.get_data(as_text=True):
            wrong.append((door.method, door.rule, "told the name"))

    assert wrong == []


@pytest.mark.parametrize("noun", OWNED)
def test_the_owner_opens_his_own(target, noun):
    key = key_of(target, noun, "sales")

    answer = target.get("sales", f"/admin/{noun}/details/?id={key}")

    assert answer.status_code == 200


def test_counts_totals_and_filters_tell_nothing_of_strangers_records(untouched):
    other = untouched.customer("sales2").id
    for noun in ("contact", "opportunity", "contract", "payment", "customer"):
        pages = {
            query: untouched.get("sales", f"/admin/{noun}/?{query}").get_data(as_text=True)
            for query in (f"customer_id={other}", "customer_id=99999", "search=sales2的客户")
        }
        assert "details/?id=" not in pages["search=sales2的客户"], noun
        nobody = strip(pages["customer_id=99999"]).replace("99999", str(other))
        assert strip(pages[f"customer_id={other}"]) == nobody, "known and unknown keys differ"


def strip(page):
    """Return the words of a page, without what is fresh in every answer."""
    return re.sub(r"<[^>]*>", "", page)


def test_a_record_cannot_be_hung_on_a_customer_one_does_not_see(untouched):
    other = untouched.customer("sales2").id
    contract = key_of(untouched, "contract", "sales2")
    for noun, form in (
        ("opportunity", {"name": "x", "customer_id": other, "customer_id__id": other}),
        ("followup", {"customer_id": other, "content": "x", "kind": "call", "at": "2026-11-20"}),
        ("contact", {"customer_id": other, "name": "x", "mobile": "13800138000"}),
        ("payment", {"contract_id": contract, "amount": "1", "paid_on": "2026-11-20"}),
    ):
        answer = untouched.post("sales", f"/admin/{noun}/new/", form)
        assert answer.status_code == 422, noun
        assert "sales2的客户" not in answer.get_data(as_text=True)


def test_requests_batches_and_copies_are_seen_by_their_people_only(untouched):
    customer = untouched.customer("sales2").id
    request = untouched.row(ApprovalRequest, noun="customer", record_id=customer).id
    batch = untouched.row(BatchJob, actor_id=untouched.user("reviewer").id).id
    assert untouched.get("sales", f"/admin/request/?id={request}").status_code == 404
    assert untouched.get("sales", f"/admin/batch/?id={batch}").status_code == 404
    assert untouched.get("sales", f"/admin/batch/result.csv?id={batch}").status_code == 404
    assert untouched.post("sales", "/admin/batch/retry/", {"id": batch}).status_code == 404
    assert untouched.post("sales", "/admin/created/withdraw/", {"id": request}).status_code == 404
    assert untouched.get("sales2", f"/admin/request/?id={request}").status_code == 200
    copy = untouched.row(ApprovalCopy, user_id=untouched.user("sales2").id).id
    untouched.post("sales", "/admin/cc/read/", {"id": copy})


def test_a_decision_is_only_the_assignee_s(untouched):
    pending = untouched.row(ApprovalRequest, state=Approval.pending)
    form = {"id": pending.id, "seen": pending.seen_version, "verb": "approve", "comment": "x"}
    for who in ("manager", "finance"):  # they may decide, but this task is not theirs
        assert untouched.post(who, "/admin/inbox/decide/", form).status_code in {404, 409}
    for who in ("sales", "sales2", "office", "analyst"):
        assert untouched.post(who, "/admin/inbox/decide/", form).status_code == 403
