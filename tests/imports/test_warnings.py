"""What a form only says before it saves keeps no row of a file out; it is listed in both doors."""

import pytest
import sqlalchemy as sa

from models.core.setting import Setting
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.payment import Payment
from models.importing.import_job import ImportJob, ImportProblem
from models.sales.product import Product
from services.importing.file.problems import CAUSES
from services.importing.run import worker
from tests.support.imports import codes, run, table
from tests.support.office import Office
from tests.support.world import World

HEAD = ("合同", "回款日期", "回款金额", "付款方式", "外部编号")
EARLY = ("框架合同", "2026-10-31", "10", "电汇", "P1")  # signed on 2026-11-01
LATER = ("框架合同", "2026-11-02", "20", "电汇", "P2")
PAYMENTS = """approval = "draft"
[[files]]
[[files.entities]]
entity = "payment"
keys = ["external_ref"]
[files.entities.fields]
contract_id = "合同"
paid_on = "回款日期"
amount = "回款金额"
method = "付款方式"
external_ref = "外部编号"
"""
INVOICES = """approval = "draft"
[[files]]
[[files.entities]]
entity = "invoice"
fields = {contract_id = "合同", issued_on = "日", amount = "元"}
"""
CONTRACTS = """approval = "draft"
[[files]]
[[files.entities]]
entity = "contract"
fields = {name = "名", customer_id = "客户", signed_on = "签", deliver_on = "交", amount = "元"}
"""
PRODUCTS = """approval = "draft"
[[files]]
[[files.entities]]
entity = "product"
keys = ["code"]
fields = {code = "编号", active = "启用"}
"""


@pytest.fixture
def signed(app):
    with World(app) as world:
        contract = world.contract(world.approved(company="甲公司"), name="框架合同")
        world.approved("sales", Contract, contract)
    return app


def told(plan):
    """Return (line, code) of what is told and keeps no row out."""
    return [(p.line, p.code) for p in plan.files[0].problems if not p.fatal and p.line]


@pytest.mark.parametrize("approval", ["draft", "approved"])
def test_a_payment_before_the_signing_comes_in_and_is_told(signed, approval):
    files = [("p.csv", table(HEAD, EARLY, LATER))]
    with World(signed) as world:
        plan, (job,) = run(world, files, PAYMENTS.replace('"draft"', f'"{approval}"'))

        assert (codes(plan), told(plan)) == ([], [(2, "BEFORE_SIGNING")])
        assert plan.files[0].counts["payment"] == {"rows": 2, "created": 2}
        kept = sa.select(ImportProblem.line, ImportProblem.code, ImportProblem.fatal)
        rows = world.session.execute(kept.where(ImportProblem.job_id == job.id)).all()
        assert [tuple(row) for row in rows] == [(2, "BEFORE_SIGNING", False)]
        assert world.session.scalar(sa.select(sa.func.count(Payment.id))) == 2


def test_a_change_to_a_day_before_the_signing_is_told_as_the_form_does(signed):
    with World(signed) as world:
        run(world, [("p.csv", table(HEAD, LATER))], PAYMENTS)
        moved = ("框架合同", "2026-10-30", "20", "电汇", "P2")
        plan, _jobs = run(world, [("p.csv", table(HEAD, moved))], PAYMENTS)

        assert (codes(plan), told(plan)) == ([], [(2, "BEFORE_SIGNING")])
        assert f"{world.session.scalar(sa.select(Payment.paid_on))}" == "2026-10-30"


def test_invoices_and_contracts_with_days_before_the_signing_come_in(signed):
    with World(signed) as world:
        bill = table(("合同", "日", "元"), ("框架合同", "2026-10-31", "1"))
        plan, _jobs = run(world, [("i.csv", bill)], INVOICES)
        assert (codes(plan), told(plan)) == ([], [(2, "BEFORE_SIGNING")])
        assert world.session.scalar(sa.select(sa.func.count(Invoice.id))) == 1

        head = ("名", "客户", "签", "交", "元")
        late = table(head, ("早交", "甲公司", "2026-11-02", "2026-11-01", "5"))
        plan, _jobs = run(world, [("c.csv", late)], CONTRACTS)
        assert (codes(plan), told(plan)) == ([], [(2, "BEFORE_SIGNING")])
        assert world.session.scalar(sa.select(Contract.id).where(Contract.name == "早交"))


def test_what_is_switched_off_while_it_is_used_is_told(signed):
    with World(signed) as world:
        with world.acting("admin"):
            product = world.create(Product, code="P9", name="泵", price=1_00).id
        rows = [{"product_id": product, "quantity": 1, "price": 1_00}]
        world.opportunity(world.approved(company="乙公司"), lines=rows)
    with World(signed) as world:
        plan, _jobs = run(world, [("p.csv", table(("编号", "启用"), ("P9", "否")))], PRODUCTS)

        assert (codes(plan), told(plan)) == ([], [(2, "IN_USE")])
        assert world.session.scalar(sa.select(Product.active)) is False
    assert "IN_USE" in CAUSES


@pytest.mark.parametrize("at_once", [200, 1], ids=["in the request", "by the worker"])
def test_the_page_lists_the_warning_before_and_after_and_lets_the_row_in(signed, at_once):
    with World(signed) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=at_once))
    office = Office(signed)
    job = office.upload(table(HEAD, EARLY, LATER), "payment", name="回款.csv")
    office.check(job, key="external_ref", approval="draft")
    work(signed, job)
    page = office.page(f"/admin/import/job/?id={job}")
    assert "早于签订日" in page
    assert "新建 2" in page

    assert office.run(job).status_code == 303
    work(signed, job)
    page = office.page(f"/admin/import/job/?id={job}")
    assert "已导入" in page
    assert "早于签订日" in page
    with World(signed) as world:
        assert world.session.scalar(sa.select(sa.func.count(Payment.id))) == 2


def work(app, job):
    with World(app) as world:
        turn = world.session.get_one(ImportJob, job).options.get("turn")
        while turn and not worker.work(world.session, job_id=job, turn=turn, now=world.now):
            world.session.commit()
        world.session.commit()
