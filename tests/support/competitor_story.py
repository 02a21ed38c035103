"""A whole new entity at work, in a copy of the project that has `Competitor`: see its test.

Everything goes through the doors of the browser, as the declaration alone has opened them.
"""

import json
import re
import sys
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer
from models.delivery.attachment import Attachment
from models.ownership.handover import Handover
from models.people.user import User
from models.registry import by_noun
from services.schema import guards, search_index
from tests.support.office import Office
from tests.support.uploads import PDF, Desk
from tests.support.visitors import Visitors
from tests.support.world import World, make_app

SUBMIT = re.compile(r'<button[^>]*name="([^"]+)"[^>]*value="([^"]*)"[^>]*>[^<]*提交')
NAME, NOUN = "北方测控有限公司", "competitor"


def run(url, folder):
    """Enter, file, tag, submit, guard, approve, search, export, import and look at competitors."""
    app = make_app(url, TCOS_ATTACHMENT_DIR=folder)
    visitors = Visitors(app)
    with World(app) as world:
        customer = world.approved(website="https://example.cn/wuhan")
    key = _entered(app, visitors, customer)
    _beside(app, visitors, key)
    _submitted_and_guarded(app, visitors, key)
    _approved(app, visitors, key)
    _found(visitors, key, customer)
    _hidden(visitors, key)
    _imported(app, customer)
    _audited(visitors)
    _handed_over(app, visitors, key, customer)


def _entered(app, visitors, customer):
    assert "竞争对手" in visitors.get("sales", "/admin/").text
    page = visitors.get("sales", f"/admin/{NOUN}/new/").text
    assert 'enctype="multipart/form-data"' in page
    wrong = visitors.post("sales", f"/admin/{NOUN}/new/", {"name": "x" * 200})
    assert wrong.status_code == 422
    form = {"name": NAME, "customer_id": str(customer), "owner_id": _id(app, "sales")}
    answer = visitors.post("sales", f"/admin/{NOUN}/new/", form)
    assert answer.status_code == 303, answer.text
    return _one(app, by_noun()["competitor"].__table__).id


def _beside(app, visitors, key):
    """Put a file and a tag on it."""
    desk = Desk(app, "sales")
    assert desk.attach(NOUN, key, "对比.pdf").status_code == 303
    assert desk.download(NOUN, _one(app, Attachment.__table__).id).data == PDF
    tag = {"name": "重点", "colour": "bad"}
    assert visitors.post("admin", "/admin/tag/new/", tag).status_code == 303
    tagged = visitors.post("sales", f"/admin/{NOUN}/tag/", {"id": key, "tags": "重点"})
    assert tagged.status_code == 303
    page = visitors.get("sales", f"/admin/{NOUN}/details/?id={key}").text
    assert "对比.pdf" in page
    assert "重点" in page


def _submitted_and_guarded(app, visitors, key):
    page = visitors.get("sales", f"/admin/{NOUN}/details/?id={key}").text
    seen = re.search(r'name="seen"[^>]*value="(\d+)"', page)
    data = {"id": key, "seen": seen[1] if seen else 1}
    assert visitors.post("sales", f"/admin/{NOUN}/submit/", data).status_code == 303
    table = by_noun()["competitor"].__table__
    record = _one(app, table)
    assert (record.approval, bool(record.code)) == (Approval.pending, True)
    for column in guards.content(by_noun()["competitor"]):
        with pytest.raises(sa.exc.DBAPIError, match=r"record_is_pending|number_is_for_ever"):
            _write(app, sa.update(table).values({column: _other(table.c[column], record)}))
    with pytest.raises(sa.exc.DBAPIError, match="record_is_pending"):
        _write(app, sa.update(Attachment.__table__).values(name="anders.pdf"))
    assert Desk(app, "sales").attach(NOUN, key).status_code == 409
    with app.app_context(), db.engine.begin() as connection:
        assert guards.sync(connection) == search_index.sync(connection) == []


def _approved(app, visitors, key):
    request = _one(app, ApprovalRequest.__table__, noun=NOUN)
    assert NAME in visitors.get("reviewer", f"/admin/inbox/?id={request.id}").text
    data = {"id": request.id, "seen": request.seen_version, "verb": "approve"}
    assert visitors.post("reviewer", "/admin/inbox/decide/", data).status_code == 303
    record = _one(app, by_noun()["competitor"].__table__)
    assert record.approval is Approval.approved
    assert re.fullmatch(r"YAV-COMPETITOR-\d{8}-01", record.code)


def _found(visitors, key, customer):
    """Find it by the grid, the box over everything and a filter; find a customer by a new field."""
    for words in ("测控", "YAV-COMPETITOR"):
        assert NAME in visitors.get("sales", f"/admin/{NOUN}/?search={words}").text
    assert NAME not in visitors.get("sales", f"/admin/{NOUN}/?search=南方").text
    hits = json.loads(visitors.get("sales", "/admin/search/hits.json?q=北方测控").text)
    assert f"/admin/{NOUN}/details/?id={key}" in [
        hit["url"] for group in hits for hit in group["hits"]
    ]
    export = visitors.get("manager", f"/admin/{NOUN}/export/csv/")
    assert NAME in export.data.decode("utf-8-sig")
    assert visitors.get("sales", f"/admin/{NOUN}/export/csv/").status_code == 403
    link = f"/admin/customer/details/?id={customer}"
    assert link in visitors.get("sales", f"/admin/{NOUN}/details/?id={key}").text
    whole = visitors.get("sales", f"/admin/customer/360/?id={customer}&tab=others").text
    assert NAME in whole
    assert f"/admin/{NOUN}/new/?customer_id={customer}" in whole
    assert link in visitors.get("sales", "/admin/customer/?search=example.cn").text
    assert link not in visitors.get("sales", "/admin/customer/?search=example.org").text
    lookup = f"/admin/{NOUN}/ajax/lookup/?name=customer_id&query=example.cn"
    assert [hit["id"] for hit in json.loads(visitors.get("sales", lookup).text)] == [customer]


def _hidden(visitors, key):
    """Keep it from who does not see its customer."""
    assert visitors.get("sales2", f"/admin/{NOUN}/details/?id={key}").status_code == 404
    assert NAME not in visitors.get("sales2", f"/admin/{NOUN}/").text
    assert json.loads(visitors.get("sales2", "/admin/search/hits.json?q=北方测控").text) == []


def _imported(app, customer):
    with World(app) as world:
        company = world.get(Customer, customer).company
    office = Office(app)
    rows = f"名称,客户,亚为销售员\r\n南方仪表,{company},sales\r\n".encode()
    job = office.upload(rows, NOUN, "对手.csv")
    assert "新建 1" in office.check(job)
    assert office.run(job).status_code == 303
    made = _one(app, by_noun()["competitor"].__table__, name="南方仪表")
    assert (made.customer_id, made.approval) == (customer, Approval.pending)


def _audited(visitors):
    page = visitors.get("admin", "/admin/audit/").text
    assert NAME in page
    assert "竞争对手" in page


def _handed_over(app, visitors, key, customer):
    """Move it with its owner's work, as the wizard counts it, and give it back by the undo."""
    table = by_noun()["competitor"].__table__
    heir = _id(app, "sales2")
    data = {"leaver_id": _id(app, "sales"), "way": "one", "to_id": heir}
    page = visitors.get("admin", f"/admin/handover/?{urlencode(data | {'preview': '1'})}").text
    assert "竞争对手" in page
    assert visitors.post("admin", "/admin/handover/", data).status_code == 303
    owners = {
        _one(app, table, id=key).owner_id,
        _one(app, Customer.__table__, id=customer).owner_id,
    }
    assert owners == {int(heir)}
    done = _one(app, Handover.__table__).id
    assert visitors.post("admin", "/admin/handover/undo/", {"id": done}).status_code == 303
    assert _one(app, table, id=key).owner_id == int(_id(app, "sales"))


def _other(column, record):
    """Return another value than the record has."""
    return record.created_at if column.name == "deleted_at" else None


def _id(app, who):
    return str(_one(app, User.__table__, email=f"{who}@demo.tcos.cn").id)


def _one(app, table, **where):
    query = sa.select(table).where(*(table.c[key] == value for key, value in where.items()))
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(query).one()


def _write(app, statement):
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(statement)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2])
    print("worked")
