"""待我处理 on both databases: quick with many tasks, by plain forms, with all its verbs."""

import pytest

from models.approval.request import ApprovalRequest
from models.core.mixins import Approval
from models.customers.customer import Customer
from services.approval.inbox import inbox
from tests.approval.flows import events, flow, state, turn
from tests.support.tasks import many
from tests.support.visitors import AJAX, Doors
from tests.support.world import World, count_queries, login
from views.approval.panel import left_text

MOST_QUERIES = 10
MANY = 10_000


@pytest.fixture
def people(world):
    return Doors(world)


def test_ten_thousand_open_tasks_cost_ten_queries(world, people):
    many(world, MANY)
    people.get("reviewer", "/admin/inbox/")

    with count_queries(world.app) as found:
        page = people.get("reviewer", "/admin/inbox/?page=3").get_data(as_text=True)

    assert f"{MANY} 项" in page
    person = ("FROM user_account LEFT OUTER JOIN user_role", "login_attempt", "fs_uniquifier = ")
    own = [s for s in found if not any(word in s for word in person)]
    assert len(own) <= MOST_QUERIES, "\n".join(s[:120] for s in own)


def test_decisions_work_as_plain_forms_and_for_scripts(world, people):
    requests = [world.submitted()[1] for _n in range(2)]
    form = {"seen": world.get(ApprovalRequest, requests[0]).seen_version, "verb": "approve"}

    plain = people.post("reviewer", "/admin/inbox/decide/", {**form, "id": requests[0]})
    script = people.post(
        "reviewer", "/admin/inbox/decide/", {**form, "id": requests[0]}, headers=AJAX
    )

    assert plain.status_code == 303
    assert script.status_code == 409
    assert script.get_json()["code"] == "ALREADY_HANDLED"
    assert state(world, requests[0]) is Approval.approved


def test_all_that_match_are_asked_once_more_and_done(world, people):
    for n in range(3):
        same = {"primary.mobile": f"1390000{n:04}"}
        world.submitted(company=f"宜昌第{n}水泵有限公司", **same)

    asked = people.post(
        "reviewer", "/admin/inbox/bulk/", {"scope": "all", "noun": "", "verb": "approve"}
    )
    page = people.get("reviewer", asked.location).get_data(as_text=True)
    assert "尚未执行" in page
    job_id = asked.location.rpartition("=")[2]
    people.post("reviewer", "/admin/batch/run/", {"id": job_id})

    assert "成功 3 · 失败 0" in people.get("reviewer", asked.location).get_data(as_text=True)


def test_all_that_match_a_submitter_are_his_alone(world, people):
    for n, who in enumerate(("sales", "sales", "manager")):
        world.submitted(
            who, company=f"宜昌第{n}水泵有限公司", **{"primary.mobile": f"1390000{n:04}"}
        )
    who = world.id_of("sales")
    world.session.rollback()

    page = people.get("reviewer", f"/admin/inbox/?submitter={who}").get_data(as_text=True)
    assert page.count("<tr data-id") == 2
    asked = people.post(
        "reviewer", "/admin/inbox/bulk/",
        {"scope": "all", "noun": "", "submitter": who, "verb": "approve"},
    )  # fmt: skip

    assert "共 2 项，尚未执行" in people.get("reviewer", asked.location).get_data(as_text=True)


def test_transfer_signature_comment_and_urging_have_their_forms(world, people):
    flow(world, {"people": ["reviewer"]}, {"people": ["finance"]})
    _key, request_id = world.submitted()
    address = f"/admin/request/?id={request_id}"
    page = people.get("reviewer", address).get_data(as_text=True)
    assert "与提交时一致" in page

    people.post("sales", "/admin/created/urge/", {"id": request_id})
    people.post("reviewer", "/admin/request/comment/", {"id": request_id, "comment": "看看"})
    to = {"id": request_id, "to": world.id_of("manager")}
    people.post("reviewer", "/admin/inbox/add/", {**to, "place": "before"})
    people.post("manager", "/admin/inbox/transfer/", {"id": request_id, "to": world.id_of("admin")})
    assert turn(world, request_id) == ["admin"]
    assert events(world, request_id) == ["submit", "urge", "comment", "add_sign", "transfer"]
    moved = people.get("manager", "/admin/inbox/?tab=moved").get_data(as_text=True)
    assert address[:-1] in moved or "审批记录" in moved


def test_a_stand_in_is_named_and_ended_on_a_page(world, people):
    given = {
        "delegate_id": world.id_of("manager"), "from_on": "2099-01-01", "to_on": "2099-01-05",
    }  # fmt: skip
    assert people.post("reviewer", "/admin/inbox/delegation/", given).status_code == 303
    again = people.post("reviewer", "/admin/inbox/delegation/", given)

    assert again.status_code == 422
    assert "已有委托" in again.get_data(as_text=True)


def test_a_change_says_so_on_the_form_and_shows_old_and_new(world, people):
    key = world.approved(company="旧名公司")
    world.be("sales")
    version = world.get(Customer, key).row_version
    world.session.rollback()

    people.post(
        "sales", f"/admin/customer/edit/?id={key}", {"company": "新名公司", "row_version": version}
    )

    asked = people.get("sales", f"/admin/customer/details/?id={key}").get_data(as_text=True)
    assert "已提交变更申请" in asked
    page = people.get("reviewer", "/admin/inbox/").get_data(as_text=True)
    assert "变更 1 处" in page
    assert "旧名公司" in page
    assert "新名公司" in page


def test_the_panel_names_a_duplicate_out_of_scope_masked_with_owner_and_state(app):
    name = "武汉光谷精工机械有限公司"
    with World(app) as world:
        world.customer("sales2", company=name, **{"primary.landline": "027-87654321"})
        same = {"company": name, "duplicate_note": "另一法人"}
        by_name = world.submitted(**same)[1]
        number = {"primary.landline": "(027) 87654321", "duplicate_note": "另一法人"}
        by_number = world.submitted(**number)[1]
    client = app.test_client()
    login(client, "reviewer")

    pages = [
        client.get(f"/admin/inbox/?id={key}").get_data(as_text=True) for key in (by_name, by_number)
    ]

    assert "武汉****公司" in pages[0]
    assert name[2:-2] not in pages[1].split("疑似重复", 1)[1].split("</div>", 1)[0]
    assert all("（sales2，草稿）" in page for page in pages)


@pytest.mark.parametrize(
    ("left", "late", "day", "told"),
    [
        (0.0, False, 8.0, ("剩余不到 1 小时", "warn")),  # due in the future, after a rest day
        (0.0, True, 8.0, ("超时不到 1 小时", "bad")),
        (6.0, False, 6.0, ("剩 1 工作日", "")),
        (-9.0, True, 10.0, ("超时 9 工作小时", "bad")),
    ],
)
def test_late_is_what_was_due_before_now_in_days_of_the_shifts(left, late, day, told):
    line = inbox.QueueRow(ApprovalRequest(), "", left=left, late=late, day=day)

    assert left_text(line) == told
