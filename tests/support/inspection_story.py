"""A new reviewed entity at work, in a copy of the project that has `Inspection`: see its test."""

import re
import sys

import pytest
import sqlalchemy as sa

import models as m
from services import approval, guards, records
from services.errors import Locked
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
        form = {"name": "年检", "level": "1", "owner_id": world.id_of("sales")}
    page = visitors.get("sales", "/admin/inspection/new/").text
    button = re.search(r'<button[^>]*name="([^"]+)"[^>]*value="([^"]*)"[^>]*>[^<]*提交', page)
    form[button[1]] = button[2]
    _flow(app, active=False)
    refused = visitors.post("sales", "/admin/inspection/new/", form)
    assert refused.status_code == 409, (refused.status_code, refused.text)
    assert "还没有启用的审批流程" in refused.text
    _flow(app, active=True)
    answer = visitors.post("sales", "/admin/inspection/new/", form)
    assert answer.status_code in {302, 303}, answer.text
    key = _decided(app, visitors)
    with World(app) as world:
        _changed(world, key)
        _without_a_number(world)


def _grant(app):
    role = m.Role.__table__
    with app.app_context(), m.db.engine.begin() as connection:
        assert "inspection_pending" in guards.written(connection)
        for name, verbs in (("sales", "read create edit_own submit"), ("reviewer", "read")):
            mine = role.c.name == name
            had = connection.execute(sa.select(role.c.permissions).where(mine)).scalar_one()
            given = [*had, *(f"{NOUN}:{verb}" for verb in verbs.split())]
            connection.execute(sa.update(role).where(mine).values(permissions=given))


def _flow(app, *, active):
    table = m.ApprovalFlow.__table__
    with app.app_context(), m.db.engine.begin() as connection:
        connection.execute(sa.update(table).where(table.c.noun == NOUN).values(active=active))


def _decided(app, visitors):
    """Return the key of the record once it is approved by the real form."""
    with World(app) as world:
        request = world.session.scalars(sa.select(m.ApprovalRequest)).one()
        key, number, seen = request.record_id, request.id, request.seen_version
    for path in (f"/admin/inbox/?id={number}", f"/admin/request/?id={number}"):
        assert "年检" in visitors.get("reviewer", path).text
    for column in ("name", "level"):
        with (
            pytest.raises(sa.exc.IntegrityError, match="record_is_pending"),
            app.app_context(),
            m.db.engine.begin() as connection,
        ):
            connection.execute(sa.update(m.Inspection.__table__).values({column: None}))
    data = {"id": number, "seen": seen, "verb": "approve"}
    assert visitors.post("reviewer", "/admin/inbox/decide/", data).status_code == 303
    return key


def _changed(world, key):
    record = world.get(m.Inspection, key)
    assert record.approval is m.Approval.approved
    assert re.fullmatch(r"YAV-INSPECTION-\d{8}-01", record.code), record.code
    with world.acting("sales"):
        record = world.get(m.Inspection, key)
        values = {"level": 2}
        records.update(world.session, record, values, seen=None, by=world.actor, now=world.now)
        (change,) = approval.changes_asked(world.session)
    world.decided(change)
    world.session.expire_all()
    assert world.get(m.Inspection, key).level == 2


def _without_a_number(world):
    world.session.rollback()
    with m.db.engine.begin() as connection:
        rule = m.NumberRule.__table__
        connection.execute(sa.delete(rule).where(rule.c.noun == NOUN))
    with world.acting("sales"):
        draft = world.create(m.Inspection, name="二检", owner_id=world.actor.id)
    with pytest.raises(Locked) as refusal:
        approval.submit(world.session, draft, by=world.actor, now=world.now)
    assert refusal.value.code == "NO_NUMBER_RULE"


if __name__ == "__main__":
    run(sys.argv[1])
    print("worked")
