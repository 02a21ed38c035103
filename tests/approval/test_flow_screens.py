"""The editor of flows as a plain form: only saving saves, complaints stand by their fields."""

import re

import sqlalchemy as sa

from models.approval.flow import ApprovalFlow
from tests.support.visitors import AJAX, Doors
from tests.support.world import dump

NEW = "/admin/flow/new/"


def form(world, **changes):
    """Return a post of one step for opportunities above half a million."""
    return {
        "noun": "opportunity",
        "action": "create",
        "name": "大额商机",
        "steps": "1",
        "s0-name": "财务",
        "s0-kind": "person",
        "s0-people": str(world.id_of("finance")),
        "s0-mode": "all",
        "s0-level": "1",
        "s0-due_hours": "8",
        "s0-escalate": "1",
        "s0-escalate_hours": "4",
        "s0-outer": "any",
        "s0-rules": "1",
        "s0-r0-group": "1",
        "s0-r0-field": "amount",
        "s0-r0-op": "ge",
        "s0-r0-value": "50万",
        "_do": "save",
    } | changes


def newest(world):
    world.be("admin")
    return world.session.scalars(
        sa.select(ApprovalFlow).order_by(ApprovalFlow.id.desc()).limit(1)
    ).one()


def test_a_version_is_written_seen_and_put_in_force(world):
    doors = Doors(world)

    saved = doors.post("admin", NEW, form(world))
    flow = newest(world)
    key = flow.id
    page = doors.get("admin", saved.location).get_data(as_text=True)
    again = doors.get("admin", f"{NEW}?base={key}").get_data(as_text=True)
    done = doors.post("admin", "/admin/flow/activate/", {"id": key})

    assert saved.status_code == done.status_code == 303
    assert "提交 → [金额 ≥ 50 万元] finance（全部通过）" in page
    assert "8 工作小时，超时提醒，再过 4 工作小时升级" in page
    assert 'value="50万"' in again
    flow = newest(world)
    assert (flow.version, flow.active) == (2, True)
    assert (flow.steps[0].due_hours, flow.steps[0].escalate_hours) == (8, 4)
    index = doors.get("admin", "/admin/flow/").get_data(as_text=True)
    assert "提交 → [金额 ≥ 50 万元] finance（全部通过）" in index


def test_buttons_change_the_form_and_nothing_else(small):
    doors = Doors(small)
    doors.token("admin")
    small.session.rollback()
    before = dump(small.app)
    steps = {"steps": "2", "s1-name": "主管", "s1-kind": "manager", "s1-mode": "any"}

    def names(what):
        page = doors.post("admin", NEW, form(small, **steps, _do=what)).get_data(as_text=True)
        return re.findall(r'name="s\d-name" value="(.*?)"', page), page

    assert names("add")[0] == ["财务", "主管", ""]
    assert names("up-1")[0] == ["主管", "财务"]
    assert names("down-0")[0] == ["主管", "财务"]
    assert names("drop-0")[0] == ["主管"]
    assert 'name="s0-r1-field"' in names("rule-0")[1]
    assert 'name="s0-r0-field"' not in names("unrule-0-0")[1]
    for junk in ("up-0", "down-9", "drop-x", "rule", "unrule-0-9", "burn-1"):
        assert names(junk)[0] == ["财务", "主管"]
    assert "提交 → [金额 ≥ 50 万元] finance（全部通过） → 提交人上级" in names("show")[1]
    assert dump(small.app) == before


def test_complaints_stand_beside_their_fields(small):
    bad = {"s0-people": "", "s0-due_hours": "x", "s0-r0-value": "很多", "name": ""}

    answer = Doors(small).post("admin", NEW, form(small, **bad))

    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for at in ("name", "s0-people", "s0-due_hours", "s0-r0-field"):
        assert f'id="{at}-err"' in page
    assert 'value="很多"' in page
    assert newest(small).version == 1


def test_the_preview_follows_for_scripts(small):
    answer = Doors(small).post("admin", "/admin/flow/preview/", form(small), headers=AJAX)

    assert answer.get_json() == {
        "line": "提交 → [金额 ≥ 50 万元] finance（全部通过）",
        "copying": "提交人不能选择抄送的人",
        "wrong": 0,
    }


def test_junk_is_never_a_server_error(small):
    doors = Doors(small)
    junk = [
        {"noun": "contact"},
        {"action": "void"},
        {"steps": "-1"},
        {"steps": "99999"},
        {"steps": "999", "s0-rules": "888"},
        {"s0-raw": "{"},
        {"s0-raw": "[1]"},
        {"s0-raw": '"x"'},
        {"s0-kind": "x", "s0-mode": "y"},
        {"s0-people": "99999999999"},
        {"s0-kind": "role", "s0-role_id": "²"},
        {"s0-r0-op": "burn"},
        {"s0-r0-op": "between", "s0-r0-value": "1..x"},
        {"s0-r0-value": "9" * 60 + "亿"},
        {"s0-r0-value": "\x00"},
        {"s0-name": "\x00"},
        {"name": "x\x00"},
        {"name": "x" * 90},
    ]

    codes = {
        str(changes): doors.post("admin", NEW, form(small, **changes)).status_code
        for changes in junk
    }

    assert {text: code for text, code in codes.items() if code not in {404, 422}} == {}
    assert newest(small).version == 1


def test_a_version_has_no_form_to_edit_it(small):
    doors = Doors(small)
    key = newest(small).id

    codes = [
        doors.get("admin", f"/admin/flow/edit/?id={key}").status_code,
        doors.post("admin", f"/admin/flow/edit/?id={key}", {"name": "x"}).status_code,
        doors.post("admin", "/admin/flow/delete/", {"id": key}).status_code,
        doors.post("admin", "/admin/flow/ajax/update/", {"id": key, "field": "active"}).status_code,
    ]

    assert codes == [403, 403, 403, 403]
