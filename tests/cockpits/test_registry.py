"""The registry: a summary is a short file of it; invoiced, forecast and approval times by hand."""

import datetime as dt
import importlib.util

import pytest
import sqlalchemy as sa

from dashboards.core.sql import record
from dashboards.measures.keyed import Ask, keyed
from dashboards.measures.registry import MEASURES
from dashboards.pages import SUMMARIES
from models.approval.request import ApprovalRequest
from models.core.base import db
from models.deals.contract import Contract
from models.deals.invoice import Invoice, InvoiceState
from tests.support.books import Books, day

SEVENTH = '''"""开票汇总表: what is invoiced of the contracts signed in the period."""

from flask_babel import lazy_gettext as _

from dashboards.measures import contracts
from dashboards.preset import preset

SUMMARY = preset(
    "invoicing",
    _("开票汇总表"),
    (contracts.AMOUNT, contracts.INVOICED, contracts.UNINVOICED, contracts.RATE, contracts.COUNT),
    ("owner", "department", "industry", "month"),
)
'''


@pytest.fixture
def seventh(tmp_path, monkeypatch):
    """Write a seventh summary as one file of its own, and show it."""
    place = tmp_path / "invoicing.py"
    place.write_text(SEVENTH, encoding="utf-8")
    found = importlib.util.spec_from_file_location("invoicing", place)
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    monkeypatch.setitem(SUMMARIES, "invoicing", module.SUMMARY)
    return module.SUMMARY


def invoices(cockpit):
    """Issue 30,000 of the first contract, ask for 5,000 more, and take 10,000 back."""
    cockpit.world.session.rollback()
    with db.engine.begin() as connection:
        books, contract = Books(connection), Contract.__table__
        buyer = sa.select(contract.c.customer_id).where(contract.c.id == 1)
        customer = connection.scalar(buyer)
        for n, (amount, state) in enumerate(
            ((30_000_00, "issued"), (5_000_00, "requested"), (-10_000_00, "red")), 1
        ):
            books.add(
                Invoice, code=f"FP-{n}", contract_id=1, customer_id=customer, amount=amount,
                state=InvoiceState[state], type="special",
                issued_on=None if state == "requested" else day("2026-04-01"),
            )  # fmt: skip


def test_a_seventh_summary_is_one_short_file(cockpit, seventh):
    assert len(SEVENTH.splitlines()) <= 40
    invoices(cockpit)
    known = cockpit.totals("performance", by="contract", from_="1990-01-01")
    for by in seventh.choices.grains:
        for who in ("analyst", "sales", "sales2"):
            mine = cockpit.totals("performance", who, by="owner", from_="1990-01-01")
            found = cockpit.totals("invoicing", who, by=by, from_="1990-01-01")
            assert found == {k: mine[k] for k in found}, (by, who)
    assert (known["invoiced"], known["uninvoiced"]) == ("20,000.00", "167,000.01")
    rows = cockpit.rows("invoicing", "label", "invoiced", "uninvoiced", from_="1990-01-01")
    assert rows == [("sales2", "20,000.00", "117,000.01"), ("sales", "0.00", "50,000.00")]


def test_a_seventh_summary_has_page_files_comparison_and_drills(seventh, visitors):
    state = {"by": "month", "compare": "year", "preset": "year", "sort": "-amount_change"}
    address = f"/admin/cockpit/{seventh.key}/"
    for path in ("", "data.json", "charts.json", "change.json", "export.csv", "export.xlsx"):
        given = state if path != "change.json" else {"preset": "year"}
        answer = visitors.get("analyst", address + path, query_string=given)
        assert answer.status_code == 200, path
    page = visitors.get("analyst", address, query_string=state).get_data(as_text=True)
    assert "开票汇总表" in page
    assert "/admin/cockpit/performance/?" in page
    assert "去年同期合同额" in page


def test_the_forecast_is_what_was_won_and_what_is_expected(cockpit):
    def told(**params):
        found = cockpit.totals("performance", by="owner", **params)
        return found["forecast"], found["forecast_rate"]

    assert told(preset="year") == ("100,100.00", "—")  # won 100,000; 333.33 × 30 % expected
    assert told(preset="month") == ("100.00", "—")
    rows = cockpit.totals("opportunities", date="forecast", preset="year")
    assert (rows["opportunities"], rows["forecast"]) == ("2", "100,100.00")
    assert cockpit.totals("opportunities", date="closed")["forecast"] == "100,000.00"
    months = dict(cockpit.rows("performance", "label", "forecast", by="month", preset="year"))
    assert {k: v for k, v in months.items() if v != "0.00"} == {
        "2026-04": "100,000.00",
        "2026-11": "100.00",
    }


def decided_after(cockpit, minutes):
    """Let every decision have taken so long; return how many there are."""
    cockpit.world.session.rollback()
    request = ApprovalRequest.__table__
    with db.engine.begin() as connection:
        done = connection.execute(sa.select(request.c.id, request.c.decided_at)).all()
        for key, at in done:
            before = at - dt.timedelta(minutes=minutes)
            connection.execute(
                sa.update(request).where(request.c.id == key).values(submitted_at=before)
            )
    return len(done)


def approvals(cockpit, who):
    cockpit.world.be(who)
    query = cockpit.query("performance", from_="1990-01-01", to="2099-12-31")
    told = [MEASURES[name] for name in ("decided", "approval_hours", "approval_rate")]
    asked = keyed(cockpit.world.actor, [Ask(query, told, whole=True)], {})
    return record(cockpit.world.session, asked)


def test_how_long_approval_took(cockpit):
    """丙公司 was submitted by sales and approved by the real service; 90 minutes are 1.5 hours."""
    many = decided_after(cockpit, 90)
    found = approvals(cockpit, "analyst")

    assert found["decided"] == found["approved"] == many > 0
    assert found["decision_minutes"] / found["decision_hours"] == 1.5
    assert approvals(cockpit, "sales")["decided"] == many
    assert not approvals(cockpit, "sales2")["decided"]
