"""A new reviewed entity at work, in a copy of the project that has `Inspection`: see its test."""

import re
import sys

import pytest
import sqlalchemy as sa

from models.approval.flow import ApprovalFlow
from models.approval.request import ApprovalRequest
from models.core.base import db
from models.core.mixins import Approval
from models.core.number import NumberRule
from models.people.role import Role
from models.registry import by_noun
from services import approval
from services.core.errors import Locked
from services.records import records
from services.schema import guards
from tests.support.visitors import Visitors
from tests.support.world import World, make_app, seed_people

NOUN = "inspection"


def run(url):
    """Enter, refuse, submit, guard, approve and change an inspection; then without a number."""
    seed_people(sa.create_engine(url))
    app = make_app(url)
    _grant(app)
    visitors = Visitors(app)
    with World(app) as world:
        form = {"name": "年检", "level": "1", "status": "好", "owner_id": world.id_of("sales")}
        form["technical_id"] = world.id_of("sales2")
    page = visitors.get("sales", "/admin/inspection/new/").text
    button = re.search(r'<button[^>]*name="([^"]+)"[^>]*value="([^"]*)"[^>]*>[^<]*提交', page)
    form[button[1]] = button[2]
    _flow(app, active=False)
    refused = visitors.post("sales", "/admin/inspection/new/", form)
    assert refused.status_code == 409, (refused.status_code, refused.text)
    assert "没有已启用的审批流程" in refused.text
    _flow(app, active=True)
    answer = visitors.post("sales", "/admin/inspection/new/", form)
    assert answer.status_code in {302, 303}, answer.text
    key = _decided(app, visitors)
    with World(app) as world:
        _changed(world, key)
        _without_a_number(world)


def _grant(app):
    role = Role.__table__
    with app.app_context(), db.engine.begin() as connection:
        assert "inspection_pending" in guards.written(connection)
        for name, verbs in (("sales", "read create edit_own submit"), ("reviewer", "read")):
            mine = role.c.name == name
            had = connection.execute(sa.select(role.c.permissions).where(mine)).scalar_one()
            given = [*had, *(f"{NOUN}:{verb}" for verb in verbs.split())]
            connection.execute(sa.update(role).where(mine).values(permissions=given))


def _flow(app, *, active):
    table = ApprovalFlow.__table__
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.noun == NOUN).values(active=active))


def _decided(app, visitors):
    """Return the key of the record once it is approved by the real form."""
    with World(app) as world:
        request = world.session.scalars(sa.select(ApprovalRequest)).one()
        key, number, seen = request.record_id, request.id, request.seen_version
    for path in (f"/admin/inbox/?id={number}", f"/admin/request/?id={number}"):
        assert "年检" in visitors.get("reviewer", path).text
    for column in ("name", "level", "status", "technical_id"):
        with (
            pytest.raises(sa.exc.IntegrityError, match="record_is_pending"),
            app.app_context(),
            db.engine.begin() as connection,
        ):
            connection.execute(sa.update(by_noun()["inspection"].__table__).values({column: None}))
    data = {"id": number, "seen": seen, "verb": "approve"}
    assert visitors.post("reviewer", "/admin/inbox/decide/", data).status_code == 303
    return key


def _changed(world, key):
    record = world.get(by_noun()["inspection"], key)
    assert record.approval is Approval.approved
    assert re.fullmatch(r"YAV-INSPECTION-\d{8}-01", record.code), record.code
    with world.acting("sales"):
        record = world.get(by_noun()["inspection"], key)
        values = {"level": 2}
        records.update(world.call, record, values, seen=None)
        (change,) = approval.changes_asked(world.session)
    world.decided(change)
    world.session.expire_all()
    assert world.get(by_noun()["inspection"], key).level == 2


def _without_a_number(world):
    rule = NumberRule.__table__
    mine, broken = rule.c.noun == NOUN, "BAD_NUMBER_RULE"
    for statement, code in (
        (sa.update(rule).where(mine).values(pattern="X-{wrong}-{n}"), broken),
        (sa.update(rule).where(mine).values(pattern="X-{n"), broken),
        (sa.update(rule).where(mine).values(pattern="X-{yyyymmdd}"), broken),
        (sa.update(rule).where(mine).values(pattern="X" * 40 + "{yyyymmdd}{n}"), broken),
        (sa.delete(rule).where(mine), "NO_NUMBER_RULE"),
    ):
        world.session.rollback()
        with db.engine.begin() as connection:
            connection.execute(statement)
        with world.acting("sales"):
            draft = world.create(by_noun()["inspection"], name="二检", owner_id=world.actor.id)
        with pytest.raises(Locked, match="巡检") as refusal:
            approval.submit(world.call, draft)
        assert refusal.value.code == code


if __name__ == "__main__":
    run(sys.argv[1])
    print("worked")
