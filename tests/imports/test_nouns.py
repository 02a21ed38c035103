"""Contracts, orders, payments and follow-ups come in by file under the laws of their forms."""

import datetime as dt
import io

import openpyxl
import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchJob
from models.core.mixins import Approval
from models.customers.customer import Customer, CustomerStatus, Level
from models.deals.contract import Contract, ContractState
from models.deals.order import Order, OrderMilestone, OrderState
from models.deals.payment import Payment, PaymentAllocation, PaymentState
from models.importing.import_job import ImportJob
from models.sales.follow_up import FollowUp, FollowUpKind, Origin
from models.sales.plan import FollowUpPlan
from services.deals import payment
from tests.support.imports import counts, table
from tests.support.office import Office
from tests.support.world import World

COMPANY = "武汉第1机械有限公司"
CONTRACTS = ("合同名称", "客户", "合同金额", "签订日", "亚为销售员", "外部编号")
MONEY = ("合同", "回款日期", "回款金额", "付款方式", "外部编号")
CALLS = ("客户", "跟进时间", "跟进方式", "跟进内容", "联系人", "跟进人", "下次跟进时间", "外部编号")


@pytest.fixture
def office(app):
    with World(app) as world:
        world.approved("sales", company=COMPANY)
    return Office(app)


def rows(app, model, *keys):
    with World(app) as world:
        query = sa.select(model).where(model.deleted_at.is_(None)).order_by(model.id)
        return [tuple(getattr(row, key) for key in keys) for row in world.session.scalars(query)]


def in_force(app, **changes):
    """Return the key of a contract in force of the customer."""
    with World(app) as world:
        key = world.session.scalar(sa.select(Customer.id).where(Customer.company == COMPANY))
        return world.approved("sales", Contract, world.contract(key, "sales", **changes))


def bring(office, noun, *lines, **changes):
    """Import lines whole; return the job."""
    job = office.upload(table(*lines), noun=noun, name="文件.csv")
    page = office.check(job, **{"approval": "draft"} | changes)
    answer = office.run(job)
    assert answer.status_code == 303, page
    return job


@pytest.mark.parametrize("noun", ["contract", "order", "payment", "followup"])
def test_the_template_of_each_noun_is_guessed_whole(office, noun):
    answer = office.visitors.get("office", f"/admin/import/template/?noun={noun}")
    head = next(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)

    job = office.upload(table(head, ["x"] * len(head)), noun=noun, name="模板.csv")

    assert all(office.chosen(job).values())


def test_an_empty_key_column_of_the_template_makes_every_row_new(office):
    answer = office.visitors.get("office", "/admin/import/template/?noun=contract")
    head = next(openpyxl.load_workbook(io.BytesIO(answer.data)).active.values)
    filled = {"合同名称": "维保", "外部编号": "A-1"}
    lines = [[filled.get(name.rstrip("*"), "") for name in head]]

    def key_of(lines):
        job = office.upload(table(head, *lines), noun="contract", name="合同.csv")
        with World(office.app) as world:
            world.be("admin")
            return world.get(ImportJob, int(job)).options["key"]

    assert key_of(lines) == "external_ref"
    filled.pop("外部编号")
    assert key_of([[filled.get(name.rstrip("*"), "") for name in head]]) == ""


def test_a_level_is_read_as_the_grid_prints_it(office):
    texts = ["B", "b级", "B级: 重要, 方案报价"]
    lines = [(f"宜昌第{n}水泵有限公司", f'"{text}"') for n, text in enumerate(texts)]
    bring(office, "customer", ("客户单位", "客户等级"), *lines)

    assert [level for (level,) in rows(office.app, Customer, "level")[1:]] == [Level.b] * 3


def test_contracts_go_to_approval_as_one_batch_with_their_plan(office):
    lines = [
        (f"供货合同{n}", COMPANY, "12,000.50".replace(",", ""), "2026-11-02", "sales", f"HT{n}")
        for n in range(3)
    ]
    job = bring(office, "contract", CONTRACTS, *lines, approval="submitted", key="external_ref")

    assert rows(office.app, Contract, "amount", "approval", "external_ref") == [
        (12_000_50, Approval.pending, f"HT{n}") for n in range(3)
    ]
    with World(office.app) as world:
        found = world.session.get_one(ImportJob, job)
        assert len(world.session.get_one(BatchJob, found.batch_id).items) == 3
        for contract in world.session.scalars(sa.select(Contract)):
            assert [(p.amount, p.due_on) for p in contract.plan] == [
                (12_000_50, dt.date(2026, 11, 2))
            ]
            assert contract.signer.name == "sales"
    page = office.check(office.upload(table(CONTRACTS, *lines), "contract"), key="external_ref")
    assert "不变 3" in page


def test_a_contract_of_an_unapproved_customer_or_bad_dates_stays_out(office):
    with World(office.app) as world:
        world.customer("office", company="草稿客户")
    head = (*CONTRACTS[:5], "开始日", "结束日")
    job = office.upload(
        table(
            head,
            ("甲", "草稿客户", "1", "2026-11-02", "sales", "", ""),
            ("乙", COMPANY, "1", "2026-11-02", "sales", "2026-11-02", "2026-11-01"),
            ("丙", COMPANY, "-5", "2026-11-02", "sales", "", ""),
        ),
        "contract",
    )

    page = office.check(job)

    assert "失败 3" in page
    assert "尚未通过审批" in page
    assert "结束日期不能早于开始日期" in page
    assert rows(office.app, Contract, "id") == []


def test_historic_contracts_come_in_force_with_an_order_and_go_again(office):
    head = (*CONTRACTS, "合同状态")
    before = counts(office.app)
    job = bring(
        office,
        "contract",
        head,
        ("旧合同", COMPANY, "100", "2024-05-01", "sales", "A1", "履行完毕"),
        ("新合同", COMPANY, "200", "2026-05-01", "sales", "A2", ""),
        approval="approved",
        key="external_ref",
    )

    assert rows(office.app, Contract, "state", "approval") == [
        (ContractState.done, Approval.approved),
        (ContractState.active, Approval.approved),
    ]
    assert rows(office.app, Order, "state") == [(OrderState.done,), (OrderState.open,)]
    with World(office.app) as world:
        assert all(c.plan[0].amount == c.amount for c in world.session.scalars(sa.select(Contract)))
        assert world.session.scalars(sa.select(OrderMilestone.id)).all() == []
    assert counts(office.app)["follow_up"] == before["follow_up"]
    assert office.post("undo", id=str(job)).status_code == 303
    assert rows(office.app, Contract, "id") == rows(office.app, Order, "id") == []


def test_payments_are_registered_spread_and_confirmed_by_finance_alone(office):
    key = in_force(office.app, amount=1_000_00)
    with World(office.app) as world:
        code = world.get(Contract, key).code
    finance = Office(office.app, "finance")
    lines = [(code, "2026-11-03", "300", "电汇", "P1"), (code, "2026-11-04", "200.5", "电汇", "P2")]

    job = bring(finance, "payment", MONEY, *lines, key="external_ref")

    found = rows(office.app, Payment, "amount", "state", "external_ref")
    registered = PaymentState.registered
    assert found == [(300_00, registered, "P1"), (200_50, registered, "P2")]
    with World(office.app) as world:
        parts = world.session.scalars(sa.select(PaymentAllocation.amount)).all()
        assert sorted(parts) == [200_50, 300_00]
    assert finance.post("undo", id=str(job)).status_code == 303
    assert counts(office.app)["payment_allocation"] == 0

    again = bring(finance, "payment", MONEY, *lines, key="external_ref")
    with World(office.app) as world, world.acting("finance"):
        first = world.session.scalars(sa.select(Payment)).first()
        payment.confirm(world.call, first)
    assert finance.post("undo", id=str(again)).status_code == 409
    changed = [(*lines[0][:2], "999", *lines[0][3:])]
    page = finance.check(finance.upload(table(MONEY, *changed), "payment"), key="external_ref")
    assert "已确认或已冲销的回款不能修改" in page


@pytest.mark.parametrize("approval", ["draft", "approved"])
def test_refunds_come_in_with_their_payments_whatever_the_order_of_the_file(office, approval):
    in_force(office.app, name="有效合同", amount=1_000_00)
    lines = [
        ("有效合同", "2026-11-05", "-100", "电汇", "R1"),
        ("有效合同", "2026-11-03", "300", "电汇", "P1"),
        ("有效合同", "2026-11-06", "-200", "电汇", "R2"),
    ]
    bring(office, "payment", MONEY, *lines, key="external_ref", approval=approval)

    found = dict(rows(office.app, Payment, "external_ref", "amount"))
    assert sorted(found.values()) == [-200_00, -100_00, 300_00]
    states = {state for (state,) in rows(office.app, Payment, "state")}
    confirmed = approval == "approved"
    assert states == {PaymentState.confirmed if confirmed else PaymentState.registered}


def test_more_refunds_than_payments_of_a_file_stay_out_in_the_dry_run(office):
    in_force(office.app, name="有效合同", amount=1_000_00)
    lines = [
        ("有效合同", "2026-11-05", "-200", "电汇", "R1"),
        ("有效合同", "2026-11-03", "300", "电汇", "P1"),
        ("有效合同", "2026-11-06", "-200", "电汇", "R2"),
    ]

    job = office.upload(table(MONEY, *lines), "payment")
    page = office.check(job, key="external_ref")

    assert "新建 2" in page
    assert "失败 1" in page
    assert "退款不能超过" in page


def test_a_payment_on_no_contract_in_force_or_of_nothing_stays_out(office):
    with World(office.app) as world:
        key = world.session.scalar(sa.select(Customer.id))
        world.contract(key, "office", name="草稿合同", owner_id=world.id_of("office"))
    in_force(office.app, name="有效合同")
    job = office.upload(
        table(
            MONEY,
            ("草稿合同", "2026-11-03", "300", "电汇", ""),
            ("没有的合同", "2026-11-03", "300", "电汇", ""),
            ("有效合同", "2026-11-03", "0", "电汇", ""),
            ("有效合同", "2031-01-01", "1", "电汇", ""),
        ),
        "payment",
    )

    page = office.check(job)

    assert "失败 4" in page
    for reason in ("合同未生效", "没有找到", "金额不能为 0", "不能晚于今天"):
        assert reason in page
    assert office.run(job).status_code == 422


def test_follow_ups_move_the_customer_make_the_plan_and_can_be_taken_back(office):
    with World(office.app) as world:
        world.approved("sales", company="另一家客户")  # has a contact of the same name
    ahead = "2099-01-05 09:00"
    lines = [
        (COMPANY, "2026-11-20 10:00", "电话", "谈了需求", "王伟", "sales", "", "F1"),
        (COMPANY, "2026-11-21 10:00", "上门拜访", "看了产线", "王伟", "sales", ahead, "F2"),
    ]
    job = bring(office, "followup", CALLS, *lines, key="external_ref")

    assert rows(office.app, FollowUp, "content", "external_ref")[-2:] == [
        ("谈了需求", "F1"),
        ("看了产线", "F2"),
    ]
    status = CustomerStatus
    assert rows(office.app, Customer, "status") == [(status.contacting,), (status.new,)]
    assert len(rows(office.app, FollowUpPlan, "id")) == 1
    same = office.upload(table(CALLS, *lines), "followup")
    assert "不变 2" in office.check(same, key="external_ref")

    assert office.post("undo", id=str(job)).status_code == 303

    assert rows(office.app, Customer, "status") == [(status.new,), (status.new,)]
    assert rows(office.app, FollowUpPlan, "id") == []
    with World(office.app) as world:
        left = world.session.scalars(sa.select(FollowUp).where(FollowUp.deleted_at.is_(None)))
        assert {one.origin for one in left} == {Origin.approval}


def test_a_late_entered_follow_up_leaves_what_was_planned_since(office):
    with World(office.app) as world, world.acting("sales"):
        key = world.session.scalar(sa.select(Customer.id))
        world.create(
            FollowUpPlan,
            customer_id=key,
            due_at=world.now + dt.timedelta(days=3),
            kind=FollowUpKind.visit,
        )
    bring(
        office,
        "followup",
        CALLS,
        (COMPANY, "2025-03-01 10:00", "电话", "旧事", "", "sales", "", ""),
    )

    assert rows(office.app, FollowUpPlan, "done_at") == [(None,)]


def test_orders_come_in_for_an_approved_contract_and_are_found_again(office):
    in_force(office.app, name="框架合同")
    head = ("合同", "订单状态", "交付日", "外部编号")
    bring(office, "order", head, ("框架合同", "", "2027-01-31", "O1"), key="external_ref")

    assert rows(office.app, Order, "external_ref", "deliver_on") == [
        (None, None),
        ("O1", dt.date(2027, 1, 31)),
    ]
    with World(office.app) as world:
        order = world.session.scalars(sa.select(Order).order_by(Order.id.desc())).first()
        assert (len(order.milestones), order.customer.company) == (8, COMPANY)
        assert order.owner.name == "sales"
    bring(office, "order", head, ("框架合同", "已完成", "2027-02-28", "O1"), key="external_ref")
    assert rows(office.app, Order, "state")[-1] == (OrderState.done,)
