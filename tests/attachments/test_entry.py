"""Files chosen in an entry form are stored with the new record in one go, or not at all."""

import datetime as dt
import io
import re

import pytest
import sqlalchemy as sa

from models.core.mixins import Approval
from models.core.setting import Setting
from models.customers.customer import Customer
from models.deals.contract import Contract
from models.delivery.attachment import Attachment
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from tests.support.uploads import HTML, JPEG, PDF, PNG, Desk
from tests.support.world import World, dump

CUSTOMER = {
    "company": "武汉东湖激光有限公司",
    "primary.name": "王伟",
    "primary.mobile": "13800138000",
    "region_code": "420111",
    "customer_class": "high_value",
    "level": "a",
    "status": "new",
}


def given(key):
    """Return the form of each noun, about customer `key`."""
    return {
        "customer": CUSTOMER,
        "opportunity": {
            "name": "产线改造", "customer_id": key, "amount": "100", "expected_on": "2026-12-31",
        },
        "contract": {
            "name": "供货合同", "customer_id": key, "amount": "100", "signed_on": "2026-11-01",
        },
        "followup": {"customer_id": key, "content": "谈了交期", "kind": "call"},
    }  # fmt: skip


def post(desk, noun, values, *files, path="new/", **more):
    data = {**values, "csrf_token": desk.token, **more}
    data["files"] = [(io.BytesIO(content), name) for name, content in files]
    return desk.client.post(f"/admin/{noun}/{path}", data=data, content_type="multipart/form-data")


def rows(app):
    with World(app) as world:
        found = world.session.scalars(sa.select(Attachment).order_by(Attachment.id))
        return [(row.noun, row.record_id, row.name, row.size, row.mime) for row in found]


def newest(app, noun):
    model = {"customer": Customer, "opportunity": Opportunity, "contract": Contract}
    with World(app) as world:
        return world.session.scalar(sa.select(sa.func.max(model.get(noun, FollowUp).id)))


@pytest.mark.parametrize("noun", ["customer", "opportunity", "contract", "followup"])
def test_files_are_stored_with_the_new_record(app, records, noun, folder):
    desk = Desk(app, "sales")
    values = given(records["customer"])[noun]

    answer = post(desk, noun, values, ("营业执照.pdf", PDF), ("门头.png", PNG))

    assert answer.status_code == 303, answer.get_data(as_text=True)
    key = newest(app, noun)
    assert rows(app) == [
        (noun, key, "营业执照.pdf", len(PDF), "application/pdf"),
        (noun, key, "门头.png", len(PNG), "image/png"),
    ]
    assert len([path for path in folder.glob("??/*") if path.is_file()]) == 2
    assert "营业执照.pdf" in desk.page(noun, key)


def test_a_submission_takes_its_files_along(app, records):
    desk = Desk(app, "sales")

    answer = post(desk, "customer", CUSTOMER, ("执照.pdf", PDF), _submit="1")

    assert answer.status_code == 303
    assert len(rows(app)) == 1
    key = newest(app, "customer")
    with World(app) as world:
        made = world.get(Customer, key)
        assert made.approval is Approval.pending


def test_a_refused_file_loses_nothing_of_what_was_typed(app, records):
    desk = Desk(app, "sales")
    before = dump(app)

    answer = post(desk, "customer", CUSTOMER, ("好.pdf", PDF), ("坏.html", HTML))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="f-files-err">「坏.html」：不支持此类文件' in page
    assert 'value="武汉东湖激光有限公司"' in page
    assert dump(app) == before


def test_too_large_a_file_is_refused_next_to_its_field(app, records):
    desk = Desk(app, "sales")
    with World(app) as world, world.acting("admin"):
        world.session.add(Setting(key="attachment.max_mb", value=1))
    before = dump(app)

    answer = post(desk, "customer", CUSTOMER, ("大.pdf", PDF + b"\0" * 1024 * 1024))

    assert answer.status_code == 413
    assert "文件超过上限 1 MB" in answer.get_data(as_text=True)
    assert 'value="武汉东湖激光有限公司"' in answer.get_data(as_text=True)
    assert dump(app) == before


def test_a_form_refused_for_its_text_keeps_what_was_uploaded(app, records):
    desk, other = Desk(app, "sales"), Desk(app, "sales2")
    bad = CUSTOMER | {"primary.mobile": "12"}
    answer = post(desk, "customer", bad, ("执照.pdf", PDF))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert rows(app) == []
    token = re.search(r'name="kept" value="([^"]+)" checked>执照.pdf', page)[1]

    stranger = post(other, "customer", CUSTOMER, kept=token)
    forged = post(desk, "customer", CUSTOMER, kept=token[:-2])
    good = post(desk, "customer", CUSTOMER, ("门头.png", PNG), kept=token)

    assert (stranger.status_code, forged.status_code, good.status_code) == (422, 422, 303)
    assert [name for _n, _k, name, *_rest in rows(app)] == ["执照.pdf", "门头.png"]


def test_files_come_with_an_edit_and_not_into_a_pending_record(app, records):
    desk = Desk(app, "sales")
    with World(app) as world:
        draft = world.customer("sales")
        pending = world.submitted("sales")[0]
        seen = world.get(Customer, draft).row_version
    form = {"remark": "补充", "row_version": str(seen)}

    good = post(desk, "customer", form, ("a.pdf", PDF), path=f"edit/?id={draft}")
    stale = post(desk, "customer", form, ("a.pdf", PDF), path=f"edit/?id={draft}")
    locked = post(desk, "customer", form, ("a.pdf", PDF), path=f"edit/?id={pending}")

    assert (good.status_code, stale.status_code, locked.status_code) == (303, 409, 409)
    assert [key for _n, key, *_rest in rows(app)] == [draft]


def planned(app, key):
    with World(app) as world, world.acting("sales"):
        return world.create(
            FollowUpPlan,
            customer_id=key,
            due_at=world.now + dt.timedelta(hours=1),
            kind=FollowUpKind.visit,
        ).id


def check_in(desk, key, *photo, **where):
    data = {"csrf_token": desk.token, "id": key, **where}
    if photo:
        data["photo"] = (io.BytesIO(photo[1]), photo[0])
    return desk.client.post("/admin/plan/checkin/", data=data, content_type="multipart/form-data")


def test_a_check_in_keeps_position_and_photo_with_the_visit(app, records):
    desk, plan = Desk(app, "sales"), planned(app, records["customer"])

    answer = check_in(desk, plan, "现场.jpg", JPEG, latitude="30.5", longitude="114.4")

    assert answer.status_code == 303
    key = newest(app, "followup")
    with World(app) as world:
        visit = world.get(FollowUp, key)
        assert (visit.latitude, visit.longitude) == (30.5, 114.4)
        assert visit.checked_in_at is not None
    assert rows(app) == [("followup", key, "现场.jpg", len(JPEG), "image/jpeg")]


def test_a_check_in_refuses_what_is_no_photo_and_leaves_nothing(app, records):
    desk, plan = Desk(app, "sales"), planned(app, records["customer"])
    before = dump(app)

    answers = [
        check_in(desk, plan, "a.pdf", PDF, latitude="30.5", longitude="114.4"),
        check_in(desk, plan, "a.jpg", HTML, latitude="30.5", longitude="114.4"),
        check_in(desk, plan, "a.jpg", JPEG, latitude="300", longitude="114.4"),
    ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert dump(app) == before


def test_a_check_in_needs_a_position_only_where_the_setting_says_so(app, records):
    desk = Desk(app, "sales")
    free = check_in(desk, planned(app, records["customer"]), latitude="", longitude="")
    with World(app) as world, world.acting("admin"):
        world.session.add(Setting(key="visit.position", value=1))
    plan = planned(app, records["customer"])

    refused = check_in(desk, plan, latitude="", longitude="")
    given = check_in(desk, plan, latitude="30.5", longitude="114.4")

    assert (free.status_code, refused.status_code, given.status_code) == (303, 422, 303)
    assert "没有取得位置" in refused.get_data(as_text=True)
