"""Whatever is sensitive leaves its trace: rights, passwords, log-ins, plain views, exports."""

import re

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from models.core.base import db
from models.customers.contact import Contact
from models.people.user import User
from models.rights.audit import AuditAction, AuditLog
from services.rights import audit, traces
from services.rights.actor import SYSTEM
from tests.support.office import Office
from tests.support.staff import person, role
from tests.support.visitors import AJAX, Visitors
from tests.support.world import PASSWORD, World, login, token_of

A = AuditAction
GOOD = "Gut-und-lang-1"


class Log(Visitors):
    """The audit log of an application, newest last."""

    def rows(self):
        table = AuditLog.__table__
        with self.app.app_context(), db.engine.connect() as connection:
            return connection.execute(sa.select(table).order_by(table.c.id)).all()

    def fresh(self, act):
        """Return what an act adds."""
        before = len(self.rows())
        act()
        return self.rows()[before:]

    def id_of(self, who):
        with World(self.app) as world:
            return world.id_of(who)


@pytest.fixture
def log(lite):
    found = Log(lite)
    found.client("admin")
    return found


def form_of(log, who):
    with World(log.app) as world:
        user = person(world, who)
        form = {"row_version": user.row_version, "name": user.name, "email": user.email}
        return f"/admin/user/edit/?id={user.id}", form | {"active": "1"}


def role_form(log, name):
    with World(log.app) as world:
        row = role(world, name)
        form = {"row_version": row.row_version, "label": row.label, "scope": row.scope.name}
        return f"/admin/role/edit/?id={row.id}", form | {"permissions": list(row.permissions)}


def walk(log):
    """Yield (door, path, form, noun, keys of the changes) of every kind of change of rights."""
    new = {"name": "新人", "email": "new@demo.tcos.cn", "active": "1"}
    yield (
        "/admin/user/new/",
        new | {"roles_sent": "1", "roles": ["sales", "office"]},
        {"name", "email", "password", "roles"},
    )
    path, form = form_of(log, "sales")
    yield path, form | {"roles_sent": "1", "roles": ["sales", "finance"]}, {"roles"}
    path, form = form_of(log, "sales")
    yield path, form | {"roles_sent": "1", "roles": "analyst"}, {"roles"}
    path, form = form_of(log, "sales2")
    yield path, form | {"email": "other@demo.tcos.cn", "active": "0"}, {"email", "active"}
    yield "/admin/user/password/", {"id": log.id_of("sales")}, {"password"}
    yield (
        "/admin/user/ajax/update/",
        {
            "id": log.id_of("manager"),
            "row_version": 1,
            "field": "manager_id",
            "value": log.id_of("admin"),
        },
        {"manager_id"},
    )
    rows = {"action": "edit", "sure": "1", "rowid": log.id_of("analyst")}
    yield "/admin/user/action/", rows | {"field": "active", "value": "0"}, {"active"}
    path, form = role_form(log, "analyst")
    yield path, form | {"permissions": ["customer:read"]}, {"permissions"}
    path, form = role_form(log, "analyst")
    yield path, form | {"scope": "self"}, {"scope"}
    made = {"name": "guest", "label": "访客", "scope": "dept", "permissions": ["product:read"]}
    yield "/admin/role/new/", made, {"name", "permissions", "scope"}
    with World(log.app) as world:
        guest = role(world, "guest")
        gone = {"id": guest.id, "row_version": guest.row_version}
    yield "/admin/role/delete/", gone, set()
    own = {"current": PASSWORD, "password": GOOD, "again": GOOD}
    yield "/admin/profile/password/", own, {"password"}


def test_every_change_of_people_and_roles_leaves_a_row(log):
    for path, form, keys in walk(log):
        headers = AJAX if "ajax" in path else {}
        answers = []
        found = log.fresh(
            lambda path=path, form=form, headers=headers, answers=answers: answers.append(
                log.post("admin", path, form, headers=headers)
            )
        )

        assert answers[0].status_code in {200, 303}, (path, answers[0].get_data(as_text=True))
        mine = [row for row in found if row.noun in {"user", "role"}]
        assert mine, path
        assert {row.actor_id for row in mine} == {log.id_of("admin")}
        assert keys <= {key for row in mine for key in row.changes}, (path, mine)
    text = str(log.rows())
    assert GOOD not in text
    assert "$argon2" not in text


def test_a_role_row_tells_which_were_given_and_taken(log):
    path, form = form_of(log, "sales")
    (row,) = log.fresh(
        lambda: log.post("admin", path, form | {"roles_sent": "1", "roles": "office"})
    )

    assert (row.noun, row.record_id, row.label) == ("user", log.id_of("sales"), "sales")
    assert row.changes["roles"] == [["sales"], ["office"]]


def test_a_log_in_and_out_are_noted_with_their_address(lite):
    log = Log(lite)
    (row,) = log.fresh(lambda: log.client("sales"))
    assert (row.action, row.actor_id, row.record_id) == (A.login, *[log.id_of("sales")] * 2)
    assert row.changes == {"address": [None, "127.0.0.1"]}

    (row,) = log.fresh(lambda: log.post("sales", "/logout"))
    assert (row.action, row.actor_id) == (A.logout, log.id_of("sales"))


def tries(app, email, password, count=1):
    client = app.test_client()
    token = token_of(client.get("/login").get_data(as_text=True))
    form = {"email": email, "password": password, "csrf_token": token}
    return [client.post("/login", data=form).status_code for _n in range(count)]


def test_failed_log_ins_are_noted_as_far_as_they_are_let_through(lite):
    log = Log(lite)
    found = log.fresh(lambda: tries(lite, "Sales@demo.tcos.cn", "wrong-Password-1", 15))

    assert [row.action for row in found] == [A.login_failed] * 11
    assert {row.record_id for row in found} == {log.id_of("sales")}
    assert {row.actor_id for row in found} == {None}
    assert [row.changes["result"][1] for row in found] == ["refused"] * 10 + ["held"]


def test_what_was_typed_for_nobody_is_not_kept_and_a_flood_has_an_end(lite):
    log = Log(lite)
    many = [f"Geheim-{n}@demo.tcos.cn" for n in range(traces.MOST + 5)]
    found = log.fresh(lambda: [tries(lite, email, "wrong-Password-1") for email in many])

    assert len(found) == traces.MOST
    assert "eheim" not in str(found)
    assert "wrong-Password" not in str(found)


def test_a_password_that_is_asked_again_is_noted_too(log):
    log.client("sales")
    form = {"current": "wrong", "password": GOOD, "again": GOOD}
    found = log.fresh(lambda: log.post("sales", "/admin/profile/password/", form))
    found += log.fresh(lambda: log.post("sales", "/verify", {"password": "wrong"}))
    weak = {"current": PASSWORD, "password": "x", "again": "x"}
    found += log.fresh(lambda: log.post("sales", "/admin/profile/password/", weak))

    assert [row.action for row in found] == [A.login_failed] * 2


def test_a_renewed_hash_is_kept(lite):
    log, user = Log(lite), User.__table__
    weak = PasswordHasher(time_cost=1, memory_cost=512, parallelism=1).hash(PASSWORD)
    with lite.app_context(), db.engine.begin() as connection:
        mine = user.c.email == "sales@demo.tcos.cn"
        connection.execute(sa.update(user).where(mine).values(password=weak))

    kept = []
    for _n in range(2):
        assert login(lite.test_client(), "sales").status_code == 302
        with World(lite) as world:
            kept.append(person(world, "sales").password)

    assert kept[0] == kept[1] != weak
    assert log.rows()[-1].action is A.login


@pytest.fixture
def seen(lite):
    with World(lite) as world:
        with world.acting("admin"):
            for who in ("sales", "admin"):
                person(world, who).mobile = "13912345678"
        key = world.approved("sales")
        submitted, request = world.submitted("sales")
        world.submitted("sales2", company="另一家")
    found = Log(lite)
    for who in ("office", "sales", "analyst", "reviewer", "manager", "admin"):
        found.client(who)
    return found, key, submitted, request


@pytest.mark.parametrize("page", ["details", "360", "edit"])
def test_a_view_of_plain_personal_data_by_grant_alone_is_noted_once_a_day(seen, page):
    log, key, _submitted, _request = seen
    path = f"/admin/customer/{page}/?id={key}"
    found = log.fresh(lambda: [log.get("office", path) for _n in range(3)])

    assert [(r.action, r.noun, r.record_id, r.actor_id) for r in found] == [
        (A.view, "customer", key, log.id_of("office"))
    ]
    log.app.extensions["noted_views"].clear()  # another process
    assert log.fresh(lambda: log.get("office", path)) == []


def test_ones_own_and_masked_views_are_not_noted(seen):
    log, key, _submitted, _request = seen
    for who in ("sales", "analyst", "reviewer"):
        for page in ("details", "360"):
            path = f"/admin/customer/{page}/?id={key}"
            assert log.fresh(lambda who=who, path=path: log.get(who, path)) == []
    assert log.fresh(lambda: log.get("office", "/admin/customer/")) == []


def test_contacts_people_and_snapshots_count_too(seen):
    log, key, _submitted, request = seen
    with World(log.app) as world:
        contact = world.session.scalar(sa.select(Contact.id).where(Contact.customer_id == key))
    tried = {
        ("office", f"/admin/contact/details/?id={contact}"): "contact",
        ("admin", f"/admin/user/details/?id={log.id_of('sales')}"): "user",
        ("reviewer", f"/admin/request/?id={request}"): "request",
    }
    for (who, path), noun in tried.items():
        found = log.fresh(lambda who=who, path=path: log.get(who, path))
        assert [(row.action, row.noun) for row in found] == [(A.view, noun)], path
    assert log.fresh(lambda: log.get("sales", f"/admin/request/?id={request}")) == []
    for who in ("admin", "office"):  # his own; somebody without a mobile
        path = f"/admin/user/details/?id={log.id_of(who)}"
        assert log.fresh(lambda path=path: log.get("admin", path)) == []


def test_what_cannot_be_traced_is_not_shown(seen):
    log, key, _submitted, _request = seen
    with log.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER no_trace BEFORE INSERT ON audit_log "
            "BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    answer = log.get("office", f"/admin/customer/details/?id={key}")

    assert answer.status_code >= 400
    assert "138" not in answer.get_data(as_text=True)
    out = log.app.test_client()
    assert login(out, "office").status_code >= 400
    assert out.get("/admin/profile/").status_code == 302


def test_the_log_reads_in_both_languages(log):
    tries(log.app, "sales@demo.tcos.cn", "wrong-Password-1")
    path, form = form_of(log, "sales")
    log.post("admin", path, form | {"roles_sent": "1", "roles": "office"})
    log.post("admin", "/admin/user/password/", {"id": log.id_of("sales")})
    words = {
        "zh": ("登录失败", "密码不正确", "来源地址", "角色", "已修改"),
        "en": ("Failed log-in", "Wrong password", "Address", "Role", "changed"),
    }
    for code, told in words.items():
        log.get("admin", f"/lang/{code}")
        grid = log.get("admin", "/admin/audit/").get_data(as_text=True)
        rows = log.rows()[-3:]
        pages = [log.get("admin", f"/admin/audit/details/?id={row.id}") for row in rows]
        text = grid + "".join(page.get_data(as_text=True) for page in pages)
        for word in told:
            assert word in text, (code, word)


def test_downloads_are_noted(seen):
    log, _key, _submitted, _request = seen
    office = Office(log.app)
    job = office.upload("客户单位\n某公司\n".encode(), name="客户.csv")
    office.check(job)
    for who, path in (
        ("office", "/admin/customer/export/csv/"),
        ("office", "/admin/cockpit/performance/export.csv"),
        ("office", f"/admin/import/errors/?id={job}"),
    ):
        found = log.fresh(lambda who=who, path=path: log.get(who, path))
        assert [row.action for row in found] == [A.export], path


def test_what_nobody_did_was_done_by_the_system(small):
    small.be(SYSTEM)
    row = {"action": A.update, "noun": "customer", "record_id": 1, "label": "归属变更"}
    audit.record(small.session, [row | {"changes": {}}])
    small.session.commit()

    page = Visitors(small.app).get("admin", "/admin/audit/").text

    (line,) = re.findall(r"<tr[^>]*>(?:(?!</tr>).)*归属变更.*?</tr>", page, re.DOTALL)
    assert "系统" in line
