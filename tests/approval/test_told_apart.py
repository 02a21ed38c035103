"""Requests of one name are told apart where one decides: customer and amount stand beside it."""

import pytest

from models.approval.request import ApprovalRequest
from models.deals.contract import Contract
from models.sales.opportunity import Opportunity
from services import approval
from services.records import records
from tests.approval.flows import flow
from tests.support.visitors import Doors

FIRST, SECOND = "武汉长江机械有限公司", "上海光谷仪表厂"
NAME = "能耗监测项目合同"
SUMS = (708_900_00, 442_800_00)
TOLD = ("70.89 万元", "44.28 万元")


@pytest.fixture
def doors(world):
    for noun in ("contract", "opportunity"):
        flow(world, {"people": ["reviewer"]}, noun=noun)
    return Doors(world)


def customers(world):
    same = {"primary.mobile": "13900001111"}
    return world.approved(company=FIRST), world.approved(company=SECOND, **same)


@pytest.fixture
def contracts(world, doors):
    """Return the requests of two contracts of one name and two customers."""
    made = [
        world.contract(key, name=NAME, amount=fen)
        for key, fen in zip(customers(world), SUMS, strict=True)
    ]
    return [world.submitted(model=Contract, key=key)[1] for key in made]


def row_of(page, request):
    return page.split(f'data-id="{request}"', 1)[1].split("</tr>", 1)[0]


def test_a_row_of_the_queue_says_customer_and_amount(doors, contracts):
    page = doors.get("reviewer", "/admin/inbox/").text

    for request, company, fen in zip(contracts, (FIRST, SECOND), TOLD, strict=True):
        assert company in row_of(page, request)
        assert fen in row_of(page, request)


def test_the_question_before_a_bulk_decision_says_customer_and_amount(doors, contracts):
    form = {"rowid": contracts, "seen": [], "verb": "approve"}
    form["seen"] = [f"{key}:1" for key in contracts]
    asked = doors.post("reviewer", "/admin/inbox/bulk/", form)
    page = doors.get("reviewer", asked.location).text

    assert "共 2 项，尚未执行" in page
    for text in (FIRST, SECOND, *TOLD, "新建合同"):
        assert text in page


@pytest.mark.parametrize("who", ["sales", "admin"])
def test_the_other_lists_of_requests_say_it_too(doors, contracts, who):
    if who == "sales":
        pages = [doors.get("sales", "/admin/created/").text]
        form = {"seen": 1, "verb": "reject", "comment": "请补充"}
        doors.post("reviewer", "/admin/inbox/decide/", {**form, "id": contracts[0]})
        doors.post("reviewer", "/admin/inbox/decide/", {**form, "id": contracts[1]})
        pages.append(doors.get("sales", "/admin/cc/").text)
        done = doors.get("reviewer", "/admin/inbox/?tab=done").text
        pages.append(done.split('id="panel"')[0])
    else:
        pages = [doors.get("admin", "/admin/overview/").text, doors.get("reviewer", "/admin/").text]

    for page in pages:
        assert FIRST in page
        assert SECOND in page


def test_an_opportunity_says_its_customer_and_a_change_its_old_and_new_amount(world, doors):
    one, _other = customers(world)
    key = world.approved(model=Opportunity, key=world.opportunity(one, name=NAME, amount=SUMS[0]))
    with world.acting("sales"):
        deal = world.get(Opportunity, key)
        records.update(world.call, deal, {"amount": SUMS[1]}, seen=deal.row_version)
    world.be("admin")
    query = ApprovalRequest.__table__.select().order_by(ApprovalRequest.id.desc())
    request = world.session.execute(query).first()
    assert request.state.name == "pending"
    page = doors.get("reviewer", "/admin/inbox/").text

    assert FIRST in row_of(page, request.id)
    assert "→".join(TOLD) in row_of(page, request.id)


def test_a_contract_to_be_void_says_what_it_is_about(world, doors):
    key = world.approved(model=Contract, key=world.contract(customers(world)[0], amount=SUMS[0]))
    with world.acting("sales"):
        request = approval.ask_void(world.call, world.get(Contract, key), reason="客户取消").id
    page = doors.get("reviewer", "/admin/inbox/").text

    assert FIRST in row_of(page, request)
    assert TOLD[0] in row_of(page, request)


def test_a_customer_is_not_named_twice(world, doors):
    _key, request = world.submitted(company=FIRST)
    row = row_of(doors.get("reviewer", "/admin/inbox/").text, request)

    assert "beneath" not in row


@pytest.mark.parametrize("action", ["delete", "tag"])
def test_what_is_asked_of_chosen_records_names_their_customers(world, doors, action):
    made = [
        world.opportunity(key, name=NAME, amount=fen)
        for key, fen in zip(customers(world), SUMS, strict=True)
    ]
    form = {"action": action, "rowid": made}
    page = doors.post("admin", "/admin/opportunity/action/", form).text

    assert f"{NAME}（{FIRST} · 708,900.00）" in page
    assert f"{NAME}（{SECOND} · 442,800.00）" in page
