"""The screens of contract, payment and invoice: what is refused, what is asked, what is shown."""

import datetime as dt
import re
from decimal import Decimal

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.deals.contract import Contract
from models.deals.invoice import Invoice
from models.deals.payment import Payment
from models.people.user import User
from models.sales.product import Product
from services.bulk import edits, jobs, runner
from tests.support.page import tight
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World, dump
from views.form import forms

DUES = (dt.date(2026, 11, 1), dt.date(2026, 12, 1))


def in_force(app, **values):
    with World(app) as world:
        return world.approved(model=Contract, key=world.contract(world.approved(), **values))


def typed(app, model, key):
    """Return what the edit form of a record would send unchanged."""
    with World(app) as world:
        record = world.get(model, key)
        found = forms.texts_of(model, record) | {"row_version": str(record.row_version)}
    return found | {"lines-sent": "1", "plan-sent": "1"}


def edited(app, key, **changes):
    path = f"/admin/contract/edit/?id={key}"
    data = typed(app, Contract, key) | {k.replace("_0_", "-0-"): v for k, v in changes.items()}
    return Visitors(app).post("sales", path, data)


def beside(page, key):
    """Return the error that stands beside a field."""
    found = re.search(rf'id="f-{key}-err"[^>]*>([^<]*)<', page)
    return found[1] if found else None


def registered(app, key, amount, **changes):
    data = {"contract_id": str(key), "paid_on": "2026-11-20", "amount": amount, "method": "bank"}
    answer = Visitors(app).post("finance", "/admin/payment/new/", data | changes)
    return answer.status_code, answer.get_data(as_text=True)


def box(page):
    return re.search(r'name="_known" value="(\w+)"', page)[1]


def count(app, model):
    with World(app) as world:
        return world.session.scalar(sa.select(sa.func.count()).select_from(model))


def test_a_changed_quantity_with_amount_lines_answers_422_beside_the_plan(app):
    with World(app) as world, world.acting("admin"):
        product = world.create(Product, code="P1", name="泵").id
    line = {"product_id": product, "quantity": Decimal(10), "price": 1_280_00}
    plan = [{"amount": a, "due_on": d} for a, d in zip((3_840_00, 8_960_00), DUES, strict=True)]
    key = in_force(app, lines=[line], plan=plan)
    before = dump(app)

    answer = edited(app, key, lines_0_quantity="12")

    assert answer.status_code == 422
    text = beside(answer.get_data(as_text=True), "plan")
    assert "12,800.00" in text
    assert "15,360.00" in text
    assert dump(app) == before


def test_a_changed_quantity_with_ratio_lines_is_asked_for_with_its_new_plan(lite):
    with World(lite) as world, world.acting("admin"):
        product = world.create(Product, code="P1", name="泵").id
    line = {"product_id": product, "quantity": Decimal(10), "price": 1_280_00}
    plan = [{"ratio_bp": r, "due_on": d} for r, d in zip((3000, 7000), DUES, strict=True)]
    key = in_force(lite, lines=[line], plan=plan)

    answer = edited(lite, key, lines_0_quantity="12", amount="15360.00")

    assert answer.status_code == 303
    with World(lite) as world:
        request = world.session.scalars(
            sa.select(ApprovalRequest.id).order_by(ApprovalRequest.id.desc())
        ).first()
    page = Visitors(lite).get("reviewer", f"/admin/request/?id={request}").get_data(as_text=True)
    assert "4,608.00" in page
    assert "10,752.00" in page


def test_money_beyond_the_contract_is_registered_once_somebody_says_that_he_read_it(app):
    key = in_force(app, amount=100_00)

    status, page = registered(app, key, "150")

    assert status == 422
    assert "50.00" in beside(page, "amount")
    assert count(app, Payment) == 0
    other, _page = registered(app, key, "160", _known=box(page))
    assert other == 422  # that box stood for another figure
    status, _page = registered(app, key, "150", _known=box(page))
    assert (status, count(app, Payment)) == (303, 1)


def test_errors_and_what_is_to_be_read_come_in_one_round(lite):
    key = in_force(lite, amount=100_00)
    changes = {"paid_on": "2026-12-20", "method": "nonsense"}

    status, page = registered(lite, key, "150", **changes)  # unreadable, and unusual
    assert (status, "50.00" in beside(page, "amount")) == (422, True)
    assert beside(page, "method")
    known = box(page)

    future = {"paid_on": "2026-12-20", "_known": known}
    for change in ({"paid_on": "2026-12-20"}, future):  # readable, but wrong
        status, page = registered(lite, key, "150", **change)
        assert (status, box(page)) == (422, known)
        assert beside(page, "paid_on")
        assert (f'value="{known}" checked' in page) is ("_known" in change)
    assert registered(lite, key, "150", _known=known)[0] == 303


def test_the_same_payment_a_second_time_is_asked_about(lite):
    key = in_force(lite)
    assert registered(lite, key, "1000")[0] == 303

    status, page = registered(lite, key, "1000")

    assert status == 422
    assert "YAV-HK-" in beside(page, "amount")
    assert registered(lite, key, "1000", _known=box(page))[0] == 303


def test_a_new_contract_takes_its_amount_from_its_lines_without_a_script(lite):
    with World(lite) as world:
        customer = world.approved()
        with world.acting("admin"):
            product = world.create(Product, code="P9", name="泵", price=100_00).id
    data = {"name": "合同", "customer_id": str(customer), "signed_on": "2026-11-01", "amount": ""}
    data |= {"type": "sale", "lines-sent": "1", "plan-sent": "1", "_submit": "1"}
    data |= {f"{key}_id": str(staff(lite)) for key in ("owner", "signer")}
    line = {"product_id": str(product), "quantity": "2", "price": "64"}
    data |= {f"lines-new0-{key}": value for key, value in line.items()}

    answer = Visitors(lite).post("sales", "/admin/contract/new/", data)

    assert answer.status_code == 303, answer.get_data(as_text=True)
    with World(lite) as world:
        found = world.session.scalars(sa.select(Contract)).one()
        assert (found.amount, [line.amount for line in found.plan]) == (128_00, [128_00])


def staff(app):
    with World(app) as world:
        return world.session.scalar(sa.select(User.id).where(User.email.like("sales@%")))


def test_an_amount_changed_in_its_cell_beyond_the_contract_is_refused_with_the_figure(lite):
    key = in_force(lite, amount=100_00)
    with World(lite) as world, world.acting("finance"):
        made = world.create(Payment, contract_id=key, amount=60_00, paid_on=DUES[0])
        cell = {"id": made.id, "row_version": made.row_version, "field": "amount"}
    visitors, path = Visitors(lite), "/admin/payment/ajax/update/"

    over = visitors.post("finance", path, cell | {"value": "150"}, headers=AJAX)
    within = visitors.post("finance", path, cell | {"value": "99"}, headers=AJAX)

    assert (over.status_code, within.status_code) == (422, 200)
    assert "超出合同 50.00 元" in over.get_json()["fields"]["amount"]


def test_confirming_beyond_the_contract_is_asked_about_and_shown_afterwards(app):
    key = in_force(app, amount=100_00)
    with World(app) as world, world.acting("finance"):
        made = world.create(Payment, contract_id=key, amount=150_00, paid_on=DUES[0]).id
    visitors = Visitors(app)
    page = visitors.get("finance", f"/admin/payment/details/?id={made}").get_data(as_text=True)

    refused = visitors.post("finance", "/admin/payment/confirm/", {"id": made})
    done = visitors.post("finance", "/admin/payment/confirm/", {"id": made, "_known": box(page)})

    assert "超出合同 50.00 元" in page
    assert (refused.status_code, done.status_code) == (422, 303)
    assert "known-err" in refused.get_data(as_text=True)
    shown = visitors.get("finance", f"/admin/payment/details/?id={made}").get_data(as_text=True)
    contract = visitors.get("finance", f"/admin/contract/details/?id={key}").get_data(as_text=True)
    assert re.search(r"未分摊</dt><dd[^>]*>50\.00<", tight(shown))
    assert "未分摊 50.00 元" in contract
    assert "超出合同 50.00 元" in contract
    totals = visitors.get("finance", "/admin/cockpit/collections/data.json?preset=year").json
    assert totals["totals"]["surplus"] == "50.00"


@pytest.mark.parametrize(
    ("field", "text"), [("amount", "128.01"), ("tax_no", "91420100MA4KXXXXXX")]
)
def test_an_invoice_beyond_the_contract_or_of_no_taxpayer_is_refused_beside_its_field(
    lite, field, text
):
    key = in_force(lite, amount=128_00)
    data = {"contract_id": str(key), "type": "special", "amount": "1"}
    visitors = Visitors(lite)

    answer = visitors.post("sales", "/admin/invoice/new/", data | {field: text})

    assert answer.status_code == 422
    assert beside(answer.get_data(as_text=True), field)
    done = visitors.post(
        "sales", "/admin/invoice/new/", data | {"tax_no": "9111 0000 6000 3734 1l"}
    )
    assert done.status_code == 303
    with World(lite) as world:
        assert world.session.scalars(sa.select(Invoice.tax_no)).all() == ["91110000600037341L"]


def test_an_unfinished_product_line_is_told_and_breaks_nothing(lite):
    with World(lite) as world, world.acting("admin"):
        product = world.create(Product, code="P1", name="泵").id
    key = in_force(lite, lines=[{"product_id": product, "quantity": Decimal(1), "price": 1_00}])

    answer = edited(lite, key, lines_0_quantity="")

    assert answer.status_code == 422
    assert beside(answer.get_data(as_text=True), "lines")


def test_a_bulk_result_says_what_goes_beyond_the_contract(lite):
    key = in_force(lite, amount=100_00)
    with World(lite) as world:
        with world.acting("finance"):
            made = world.create(Payment, contract_id=key, amount=50_00, paid_on=DUES[0]).id
        with world.acting("finance"):
            task = edits.editing(world.session, Payment, {"amount": 101_00})
            job = jobs.open_job(world.call, task)
            jobs.add(world.session, job, [(made, None)])
            runner.run(world.call, job)
            (item,) = job.items
            assert "1.00" in item.title
