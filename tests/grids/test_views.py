"""Saved views and columns: one's own, shared with a role, validated again, kept per person."""

from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa

import models as m
from services import saved_views
from services.errors import Forbidden
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World

GRID = "/admin/customer/"
VIEWS, COLUMNS = f"{GRID}views/", f"{GRID}columns/"
STATE = "f.level=in:a&sort=-company&columns=company,level"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def app(request, databases):
    with databases.lent(request.param) as found:
        with World(found) as world:
            world.approved("sales", company="光谷", level=m.Level.a)
            world.approved("sales2", company="东湖", level=m.Level.b)
        yield found


@pytest.fixture
def visitors(app):
    """Everybody starts without views and settings."""
    with World(app) as world:
        connection = world.session.connection()
        connection.execute(sa.delete(m.GridSetting.__table__))
        connection.execute(sa.delete(m.SavedView.__table__))
        world.session.commit()
    return Visitors(app)


def save(visitors, who, name="重点", state=STATE, **more):
    form = {"verb": "save", "name": name, "state": state, **more}
    assert visitors.post(who, VIEWS, form).status_code == 303
    with World(visitors.app) as world:
        query = sa.select(m.SavedView.id).where(
            m.SavedView.name == name, m.SavedView.owner_id == world.id_of(who)
        )
        return world.session.scalar(query)


def role_id(visitors, name):
    with World(visitors.app) as world:
        return world.session.scalar(sa.select(m.Role.id).where(m.Role.name == name))


def text(visitors, who, path):
    return visitors.get(who, path, follow_redirects=True).get_data(as_text=True)


def test_a_view_keeps_filter_sort_and_columns_and_opens_with_its_state(visitors):
    key = save(visitors, "admin", state=f"{STATE}&page=3&totals=1&csrf_token=x")

    opened = visitors.get("admin", f"{GRID}?view={key}")
    page = text(visitors, "admin", f"{GRID}?view={key}")

    pairs = parse_qsl(urlsplit(opened.location).query)
    assert pairs == [*parse_qsl(STATE), ("view", str(key))]
    assert "光谷" in page
    assert "东湖" not in page
    assert page.count('scope="col"') == 2
    assert f'view={key}" aria-current="page"' in page


def test_the_default_opens_the_bare_grid_until_it_is_taken_back(visitors):
    key = save(visitors, "admin", default="1")
    save(visitors, "sales")

    assert visitors.get("admin", GRID).location.endswith(f"view={key}")
    assert visitors.get("admin", f"{GRID}?tab=all").status_code == 200
    assert visitors.get("sales", GRID).status_code == 200
    visitors.post("admin", VIEWS, {"verb": "prefer", "id": ""})
    assert visitors.get("admin", GRID).status_code == 200


def test_a_shared_view_is_seen_by_the_role_alone_and_changed_by_its_owner_alone(visitors):
    key = save(visitors, "manager")
    sales = role_id(visitors, "sales")
    share = {"verb": "change", "id": key, "role_id": sales}
    assert visitors.get("sales", f"{GRID}?view={key}").status_code == 200  # nothing to open

    assert visitors.post("manager", VIEWS, share).status_code == 303

    assert "重点" in text(visitors, "sales", GRID)
    assert "重点" not in text(visitors, "finance", GRID)
    for verb in ("change", "delete"):
        form = {"verb": verb, "id": key, "name": "meins"}
        assert visitors.post("sales", VIEWS, form).status_code == 403
        assert visitors.post("finance", VIEWS, form).status_code == 404
    own = save(visitors, "sales", name="eigen")
    refused = visitors.post("sales", VIEWS, {**share, "id": own})
    assert refused.status_code == 403


def test_who_opens_a_shared_view_sees_no_more_than_before(visitors):
    key = save(visitors, "admin", state="f.level=in:a,b")
    form = {"verb": "change", "id": key, "role_id": role_id(visitors, "sales")}
    visitors.post("admin", VIEWS, form)

    page = text(visitors, "sales", f"{GRID}?view={key}")

    assert "光谷" in page
    assert "东湖" not in page


def test_what_is_gone_is_said_and_the_rest_of_the_view_works(visitors):
    state = "f.level=in:a&f.gone=1&columns=company,vanished&sort=nothing"
    key = save(visitors, "admin", state=state)

    page = text(visitors, "admin", f"{GRID}?view={key}")

    notes = page.partition('<div class="card grid')[0]
    assert "gone" in notes
    assert "vanished" in notes
    assert "光谷" in page
    assert "东湖" not in page


def test_a_view_is_renamed_updated_and_deleted(visitors):
    key = save(visitors, "admin", default="1")
    save(visitors, "admin", name="zwei")

    def change(**form):
        return visitors.post("admin", VIEWS, {"id": key, **form})

    assert change(verb="change", name="drei", state="sort=company").status_code == 303
    assert "sort=company" in visitors.get("admin", f"{GRID}?view={key}").location
    assert change(verb="change", name="zwei").status_code == 422
    assert change(verb="change", name=" ").status_code == 422
    assert change(verb="change", name="drei", state="f.x=" + "y" * 3000).status_code == 422
    assert change(verb="nothing").status_code == 404
    assert change(verb="delete").status_code == 303
    assert visitors.get("admin", GRID).status_code == 200


def heads(visitors, who="admin", query=""):
    page = visitors.get(who, f"{GRID}{query}").get_data(as_text=True)
    return [part.partition('"')[0] for part in page.split('data-key="')[1:]]


def test_columns_are_kept_per_person_and_grid(visitors):
    before = heads(visitors)
    form = {"show": ["level", "company", "created_at"], "w-company": "220", "density": "compact"}

    visitors.post("admin", COLUMNS, form)

    assert heads(visitors) == ["level", "company", "created_at"]
    assert heads(visitors, "office") == before
    page = text(visitors, "admin", GRID)
    assert 'data-width="220"' in page
    assert 'class="card grid compact"' in page
    assert 'class="card grid compact"' in text(visitors, "admin", "/admin/contact/")
    visitors.post("admin", COLUMNS, {"reset": "1"})
    assert heads(visitors) == before
    assert 'data-width="220"' not in text(visitors, "admin", GRID)


def test_columns_are_moved_without_scripts_and_widths_saved_alone(visitors):
    shown = {"show": ["level", "company", "status"]}
    visitors.post("admin", COLUMNS, {**shown, "down": "level"})
    assert heads(visitors) == ["company", "level", "status"]

    answer = visitors.post("admin", COLUMNS, {"w-level": "90"}, headers=AJAX)

    assert answer.get_json() == {"widths": {"level": 90}}
    assert heads(visitors) == ["company", "level", "status"]
    for bad in ({"w-level": "x"}, {"w-level": "9999"}, {"w-level": "5"}, {"show": "nothing"}):
        assert visitors.post("admin", COLUMNS, bad, headers=AJAX).status_code == 422


def test_columns_of_an_address_win_and_stay_in_it(visitors):
    query = "?columns=status,company&f.level=in:a"
    assert heads(visitors, query=query) == ["status", "company"]

    form = {"show": ["company"], "next": f"{GRID}{query}"}
    back = visitors.post("admin", COLUMNS, form).location

    assert dict(parse_qsl(urlsplit(back).query)) == {"f.level": "in:a", "columns": "company"}


def test_computed_columns_sort_with_the_empty_ones_last(visitors):
    with World(visitors.app) as world, world.acting("sales2"):
        key = world.session.scalar(sa.select(m.Customer.id).where(m.Customer.company == "东湖"))
        world.create(m.FollowUpPlan, customer_id=key, due_at=world.now, kind=m.FollowUpKind.call)

    def first(sort):
        page = text(visitors, "admin", f"{GRID}?sort={sort}")
        return page.find("东湖</a>") < page.find("光谷</a>")

    assert first("next")
    assert first("-next")
    export = visitors.get("admin", f"{GRID}export/csv/?sort=next&columns=company,next")
    assert export.get_data(as_text=True).split() == ["\ufeff客户单位", "东湖", "光谷"]


def test_nobody_reads_or_writes_what_another_has_set(small):
    small.be("sales")
    with small.acting("sales"):
        saved_views.arrange(small.session, "customer", ["company"], {}, by=small.actor)
    small.be("admin")

    assert small.session.scalars(sa.select(m.GridSetting)).all() == []
    small.session.add(m.GridSetting(user_id=small.actor.id, noun="x", columns=[], widths={}))
    with pytest.raises(Forbidden):
        small.session.flush()
