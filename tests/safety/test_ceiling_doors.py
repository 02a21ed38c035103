"""A lesser administrator as attacker, at every door that writes people, roles and departments."""

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.people.department import Department
from models.people.role import Role, Scope
from models.people.user import User, user_role
from services.records.fields import inputs_of
from services.rights import ceiling
from tests.support.office import Office
from tests.support.staff import KEEPS, keeper
from tests.support.visitors import AJAX, Visitors
from tests.support.world import PASSWORD, World, seed_people

NOUNS = ("user", "role", "department")
RIGHTS = (
    *(f"{noun}:{verb}" for noun in NOUNS for verb in ("read", "create", "edit", "delete")),
    *("user:import", "department:import", "import:approved", "importjob:read"),
    *("customer:read", "customer:handover", "task:decide"),
)
HARMLESS = {  # doors of the same screens that write no right
    "views": "saved views",
    "columns": "the columns of a grid",
    "left": "how one left a grid",
    "tag": "these screens have no tags",
    "submit": "these screens have no approval",
    "restore": "these screens have no bin",
}


@pytest.fixture(scope="module")
def site(databases):
    """The attacker sees 华中 and what is below; an equal of narrow rights sits in 华东."""
    with databases.lent("sqlite", seed_people) as app:
        with World(app) as world:
            keeper(world, "hr", RIGHTS, Scope.dept_tree, "华中")
            keeper(world, "clerk", ("user:read",), Scope.self, "华东")
            keeper(world, "peer", KEEPS, Scope.self, "华中")
        yield Site(app)


class Site(Visitors):
    """The company under attack, with its rows."""

    def user(self, who):
        return self.row(User, email=f"{who}@demo.tcos.cn")

    def row(self, model, **where):
        table = model.__table__
        query = sa.select(table).where(*(table.c[key] == value for key, value in where.items()))
        with self.app.app_context(), db.engine.connect() as connection:
            return connection.execute(query).one()

    def rights(self):
        """Return everything that decides who may do and see what."""
        tables = (User.__table__, Role.__table__, Department.__table__, user_role)
        with self.app.app_context(), db.engine.connect() as connection:
            return {t.name: sorted(map(repr, connection.execute(sa.select(t)))) for t in tables}


def edit(site, who, **changes):
    user = site.user(who)
    form = {"row_version": user.row_version, "name": user.name, "email": user.email, "active": "1"}
    return f"/admin/user/edit/?id={user.id}", form | changes


def own_edit(noun, row, **changes):
    return f"/admin/{noun}/edit/?id={row.id}", {"row_version": row.row_version} | changes


def inline(noun, row, field, value):
    form = {"id": row.id, "row_version": row.row_version, "field": field, "value": value}
    return f"/admin/{noun}/ajax/update/", form


def bulk(noun, row, field, value):
    form = {"action": "edit", "sure": "1", "rowid": row.id, f"v{row.id}": row.row_version}
    return f"/admin/{noun}/action/", form | {"field": field, "value": value}


def new_user(**more):
    base = {"name": "x", "email": "x@demo.tcos.cn", "active": "1"}
    return "/admin/user/new/", base | {"roles_sent": "1"} | more


def new_role(**more):
    return "/admin/role/new/", {"name": "x", "label": "x", "scope": "self"} | more


GIVES = {"roles_sent": "1", "roles": "admin"}
GRANTS = {"permissions": ["payment:confirm", "user:read"]}


def attacks(site):
    """Return (path, form) of everything that is tried, by door."""
    return on_people(site) | in_cells(site) | on_roles(site) | on_departments(site)


def on_people(site):
    admin, finance, hr, sales = (site.user(who) for who in ("admin", "finance", "hr", "sales"))
    east, centre, head = (site.row(Department, name=name) for name in ("华东", "华中", "总部"))
    return {
        "POST /admin/user/new/": [
            new_user(roles="admin"),
            new_user(roles="sales"),
            new_user(roles="hr", department_id=str(east.id)),
        ],
        "POST /admin/user/edit/": [
            edit(site, "clerk", **GIVES),
            edit(site, "clerk", roles_sent="1", roles="sales"),
            edit(site, "clerk", department_id=str(centre.id)),
            edit(site, "clerk", manager_id=str(hr.id)),
            edit(site, "hr", department_id=str(head.id)),
            edit(site, "admin", email="mine@demo.tcos.cn"),
            edit(site, "admin", roles_sent="1", roles="hr"),
            edit(site, "finance", active="0"),
            edit(site, "sales", department_id=""),
        ],
        "POST /admin/user/password/": [
            ("/admin/user/password/", {"id": user.id}) for user in (admin, finance, sales, hr)
        ],
        **{
            f"POST /admin/user/{door}/": [
                (f"/admin/user/{door}/", {"id": user.id}) for user in (admin, finance, sales)
            ]
            for door in ("session", "second")
        },
        "POST /admin/user/delete/": [
            ("/admin/user/delete/", {"id": admin.id, "row_version": admin.row_version})
        ],
        "POST /admin/handover/": [
            ("/admin/handover/", {
                "leaver_id": sales.id, "way": "one", "to_id": hr.id, "disable": "1",
            }),
        ],
    }  # fmt: skip


def in_cells(site):
    admin, finance, hr, clerk = (site.user(who) for who in ("admin", "finance", "hr", "clerk"))
    centre, head = (site.row(Department, name=name) for name in ("华中", "总部"))
    return {
        "POST /admin/user/ajax/update/": [
            inline("user", admin, "active", "0"),
            inline("user", finance, "email", "mine@demo.tcos.cn"),
            inline("user", hr, "department_id", str(head.id)),
            inline("user", clerk, "manager_id", str(hr.id)),
        ],
        "POST /admin/user/action/": [
            bulk("user", admin, "active", "0"),
            bulk("user", hr, "department_id", str(head.id)),
            bulk("user", clerk, "department_id", str(centre.id)),
            bulk("user", clerk, "manager_id", str(hr.id)),
            bulk("user", finance, "email", "mine@demo.tcos.cn"),
        ],
    }


def on_roles(site):
    mine, weak, others = (site.row(Role, name=name) for name in ("hr", "clerk", "finance"))
    return {
        "POST /admin/role/new/": [new_role(**GRANTS), new_role(scope="all")],
        "POST /admin/role/edit/": [
            own_edit("role", mine, label="hr", scope="dept_tree", **GRANTS),
            own_edit("role", mine, label="hr", scope="all", permissions=list(RIGHTS)),
            own_edit("role", weak, label="clerk", scope="self", **GRANTS),
            own_edit("role", weak, label="clerk", scope="all", permissions=["user:read"]),
            own_edit("role", others, label="x", scope="self", permissions=["user:read"]),
        ],
        "POST /admin/role/ajax/update/": [inline("role", weak, "scope", "all")],
        "POST /admin/role/action/": [
            bulk("role", weak, "scope", "all"),
            bulk("role", mine, "scope", "all"),
        ],
        "POST /admin/role/delete/": [
            ("/admin/role/delete/", {"id": others.id, "row_version": others.row_version})
        ],
    }


def on_departments(site):
    east, centre, head = (site.row(Department, name=name) for name in ("华东", "华中", "总部"))
    hr = site.user("hr")
    return {
        "POST /admin/department/new/": [
            ("/admin/department/new/", {"name": "华中", "parent_id": str(head.id)})
        ],
        "POST /admin/department/edit/": [
            own_edit("department", east, name="华东", parent_id=str(centre.id), active="1"),
            own_edit("department", east, name="华东", head_id=str(hr.id), active="1"),
        ],
        "POST /admin/department/ajax/update/": [
            inline("department", east, "parent_id", str(centre.id)),
            inline("department", east, "head_id", str(hr.id)),
        ],
        "POST /admin/department/action/": [
            bulk("department", east, "parent_id", str(centre.id)),
            bulk("department", east, "head_id", str(hr.id)),
        ],
        "POST /admin/department/delete/": [
            ("/admin/department/delete/", {"id": east.id, "row_version": east.row_version})
        ],
    }


def test_every_door_to_people_and_rights_is_attacked(site):
    known = {door.removeprefix("POST ") for door in attacks(site)}
    for rule in site.app.url_map.iter_rules():
        parts = rule.rule.strip("/").split("/")
        if parts[0] == "admin" and parts[1:2] and parts[1] in NOUNS and "POST" in rule.methods:
            assert rule.rule in known or "/".join(parts[2:]) in HARMLESS, rule.rule


def test_no_attack_changes_a_right_and_none_breaks_anything(site):
    before = site.rights()
    wrong = []
    for door, tries in attacks(site).items():
        for path, form in tries:
            headers = AJAX if "ajax" in path else {}
            answer = site.post("hr", path, form, headers=headers)
            if site.rights() != before:
                wrong.append((door, form, "written"))
                before = site.rights()
            by_item = path.endswith("/action/") and answer.status_code == 303
            if not by_item and answer.status_code not in {403, 409, 422}:
                wrong.append((door, form, answer.status_code))

    assert not wrong, "\n".join(map(str, wrong))


def test_a_refusal_names_what_is_beyond(site):
    path, form = new_user(roles="finance")
    page = site.post("hr", path, form).get_data(as_text=True)
    assert "回款：" in page or "数据范围「全部」" in page

    answer = site.post("hr", "/admin/user/password/", {"id": site.user("admin").id})
    assert answer.status_code == 403
    assert "管理员" in answer.get_data(as_text=True)


@pytest.mark.parametrize("approval", ["draft", "approved"])
@pytest.mark.parametrize(
    ("column", "value"),
    [("启用", "否"), ("部门", "华中"), ("直接上级", "hr"), ("登录邮箱", "mine@demo.tcos.cn")],
)
def test_a_file_raises_nobody_and_touches_nobody_above(site, column, value, approval):
    before, office = site.rights(), Office(site.app, "hr")
    for who in ("admin", "finance", "clerk"):
        user = site.user(who)
        if column in {"启用", "登录邮箱"} and who == "clerk":
            continue  # an equal may be kept
        head = "姓名,登录邮箱" if column == "登录邮箱" else f"登录邮箱,{column}"
        line = f"{user.name},{value}" if column == "登录邮箱" else f"{user.email},{value}"
        job = office.upload(f"{head}\n{line}\n".encode(), noun="user", name="人员.csv")
        office.check(job, approval=approval, key="" if column == "登录邮箱" else "email")
        office.run(job)

    changed = site.rights()
    with World(site.app) as world:
        assert world.session.scalars(
            sa.select(User.email).where(User.email.like("mine%"))
        ).all() in ([], ["mine@demo.tcos.cn"])
    assert {**changed, "user_account": []} == {**before, "user_account": []}
    for who in ("admin", "finance", "clerk"):
        row = site.user(who)
        assert (row.active, row.email) == (True, f"{who}@demo.tcos.cn")
        assert (
            row.department_id == site.row(Department, name="华东" if who == "clerk" else "总部").id
        )
        assert row.manager_id is None


def test_a_file_with_roles_gives_none(site):
    office = Office(site.app, "hr")
    content = "姓名,登录邮箱,角色,roles\n新人,new-one@demo.tcos.cn,admin,admin\n".encode()
    job = office.upload(content, noun="user", name="人员.csv")
    assert not any(column == "roles" for column in office.chosen(job).values())
    office.check(job, approval="draft")
    office.run(job)

    made = site.user("new-one")
    with World(site.app) as world:
        assert world.session.get_one(User, made.id).roles == []
    assert site.post("hr", "/admin/user/password/", {"id": made.id}).status_code == 200


def test_what_is_within_the_ceiling_is_done(site):
    peer = site.user("peer")
    assert site.post("hr", "/admin/user/password/", {"id": peer.id}).status_code == 200
    path, form = edit(site, "peer", name="同事", roles_sent="1", roles=["peer", "hr"])
    assert site.post("hr", path, form).status_code == 303
    path, form = new_role(permissions=["user:read"], name="y")
    assert site.post("hr", path, form).status_code == 303


def test_every_field_of_a_person_is_judged():
    free = {"name", "mobile", "language"}  # open no door and no sight

    assert set(inputs_of(User)) == free | ceiling.STANDING | (ceiling.LOGIN & {"email", "active"})
    assert set(inputs_of(Role)) == {"label", "label_en"} | ceiling.RIGHTS
    assert set(inputs_of(Department)) == {"name", "ordinal", "active", "parent_id", "head_id"}


def test_who_is_offered_what_he_may_not_give(site):
    page = site.get("hr", "/admin/user/new/").get_data(as_text=True)
    assert 'value="admin"' not in page
    assert 'value="clerk"' in page
    admin = site.get("hr", f"/admin/user/details/?id={site.user('admin').id}")
    assert "/admin/user/password/" not in admin.get_data(as_text=True)
    assert PASSWORD not in page
