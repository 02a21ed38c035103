"""Files of a record are shown and opened where one decides, and are part of what is decided."""

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from models.deals.contract import Contract
from models.delivery.attachment import Attachment
from services import approval
from services.core.errors import Refused
from services.records import records as saving
from tests.support.uploads import PDF, Desk
from tests.support.world import World

NAME = "营业执照.pdf"


def put(app, noun, key, name=NAME):
    assert Desk(app, "sales").attach(noun, key, name).status_code == 303
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(sa.func.max(Attachment.__table__.c.id))).scalar_one()


def test_whoever_sees_the_request_sees_and_opens_what_was_submitted_with_it(app):
    with World(app) as world:
        key, other = world.customer(), world.customer("sales2")
    file = put(app, "customer", key)
    with World(app) as world:
        request = world.submitted(key=key)[1]
        payload = world.get(ApprovalRequest, request).payload
        foreign = world.submitted("sales2", key=other)[1]
    address = f"/admin/request/attachment/?id={request}&file={file}"

    assert [(one["id"], one["name"], one["size"]) for one in payload["files"]] == [
        (file, NAME, len(PDF))
    ]
    for who in ("reviewer", "reviewer2", "sales", "admin"):
        desk = Desk(app, who)
        for path in (f"/admin/inbox/?id={request}", f"/admin/request/?id={request}"):
            page = desk.client.get(path)
            if page.status_code == 200:
                assert address.replace("&", "&amp;") in page.text, (who, path)
                assert f"/admin/customer/details/?id={key}" in page.text
        down = desk.client.get(address, buffered=True)
        assert (down.status_code, down.data) == (200, PDF)
    for who, status in (("sales2", 404), ("analyst", 403)):
        assert Desk(app, who).client.get(address).status_code == status
    elsewhere = f"/admin/request/attachment/?id={foreign}&file={file}"
    assert Desk(app, "reviewer").client.get(elsewhere).status_code == 404


def test_a_file_out_of_scope_is_opened_through_the_request_and_one_that_came_later_is_not(lite):
    with World(lite) as world:
        key = world.approved()
    first = put(lite, "customer", key)
    with World(lite) as world, world.acting("sales"):
        record = world.get(Customer, key)
        saving.update(world.call, record, {"level": Level.b}, seen=None)
    later = put(lite, "customer", key, "后来.pdf")
    with World(lite) as world:
        request = world.session.scalar(sa.select(sa.func.max(ApprovalRequest.id)))
    desk = Desk(lite, "reviewer2")  # of another department

    assert desk.download("customer", first).status_code == 404
    page = desk.client.get(f"/admin/request/?id={request}").text
    assert "/admin/customer/details/" not in page, "he does not see the record"
    path = f"/admin/request/attachment/?id={request}&file="
    assert desk.client.get(f"{path}{first}", buffered=True).data == PDF
    assert desk.client.get(f"{path}{later}").status_code == 404


def test_a_file_that_was_taken_away_since_makes_the_content_changed(app):
    with World(app) as world:
        contract = world.approved(model=Contract, key=world.contract(world.approved()), who="sales")
    file = put(app, "contract", contract)
    with World(app) as world, world.acting("sales"):
        record = world.get(Contract, contract)
        saving.update(world.call, record, {"name": "改名"}, seen=None)
    put(app, "contract", contract, "补充.pdf")  # more files do not hinder
    assert Desk(app, "sales").detach("contract", file).status_code == 303

    with World(app) as world:
        request = world.session.scalar(sa.select(sa.func.max(ApprovalRequest.id)))
        with pytest.raises(Refused) as refusal:
            world.decided(request)
        assert refusal.value.code == "CONTENT_CHANGED"
        assert world.decided(request, verb="reject", comment="附件缺失") is Approval.rejected
    page = Desk(app, "reviewer").client.get(f"/admin/request/?id={request}").text
    assert "提交后已移除" in page


def test_the_hash_covers_the_files(small):
    with small.acting("sales"):
        record = small.create(Customer, **small.customer_values())
        row = {"noun": "customer", "record_id": record.id, "name": NAME, "size": 5, "mime": "x"}
        digests = []
        small.session.execute(
            sa.insert(Attachment.__table__).values(row | {"sha256": "a" * 64, "at": small.now}),
            execution_options={"rule": "attachment"},
        )
        for sha in ("a" * 64, "b" * 64):
            small.session.execute(
                sa.update(Attachment.__table__).values(sha256=sha),
                execution_options={"rule": "attachment"},
            )
            digests.append(approval.digest(approval.snapshot(small.session, record)))

    assert digests[0] != digests[1]
