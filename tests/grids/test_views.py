"""Saved views and columns: one's own, shared with a role, validated again, kept per person."""

import datetime as dt
from urllib.parse import parse_qsl, urlsplit

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer, Level
from models.people.role import Role
from models.query.saved_view import GridSetting, SavedView
from models.sales.follow_up import FollowUpKind
from models.sales.plan import FollowUpPlan
from services.core.errors import Forbidden
from services.query import saved_views
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World

GRID = "/admin/customer/"
VIEWS, COLUMNS = f"{GRID}views/", f"{GRID}columns/"
STATE = "f.level=in:a&sort=-company&columns=company,level"


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def app(request, databases):
    with databases.lent(request.param) as found:
        with World(found) as world:
            world.approved("sales", company="光谷", level=Level.a)
            world.approved("sales2", company="东湖", level=Level.b)
        yield found


@pytest.fixture
def visitors(app):
    """Everybody starts without views and settings."""
    with World(app) as world:
        connection = world.session.connection()
        connection.execute(sa.delete(GridSetting.__table__))
        connection.execute(sa.delete(SavedView.__table__))
        world.session.commit()
    return Visitors(app)


def save(visitors, who, name="重点", state=STATE, **more):
    form = {"verb": "save", "name": name, "state": state, **more}
    assert visitors.post(who, VIEWS, form).status_code == 303
    with World(visitors.app) as world:
        query = sa.select(SavedView.id).where(
            SavedView.name == name, SavedView.owner_id == world.id_of(who)
        )
        return world.session.scalar(query)


def role_id(visitors, name):
    with World(visitors.app) as world:
        return world.session.scalar(sa.select(Role.id).where(Role.name == name))


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
    gone = "这个视图已删除，或没有共享给您"
    assert gone in text(visitors, "sales", f"{GRID}?view={key}")
    assert gone not in text(visitors, "sales", f"{GRID}?view=0")

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
        key = world.session.scalar(sa.select(Customer.id).where(Customer.company == "东湖"))
        world.create(FollowUpPlan, customer_id=key, due_at=world.now, kind=FollowUpKind.call)

    def first(sort):
        page = text(visitors, "admin", f"{GRID}?sort={sort}")
        return page.find("东湖</a>") < page.find("光谷</a>")

    assert first("next")
    assert first("-next")
    export = visitors.get("admin", f"{GRID}export/csv/?sort=next&columns=company,next")
    head, *rows = export.get_data(as_text=True).split()
    assert head == "\ufeff客户单位,下次跟进"
    assert [row.split(",")[0] for row in rows if "," in row] == ["东湖", "光谷"]
    assert rows[-1] == "光谷,"


def test_nobody_reads_or_writes_what_another_has_set(small):
    small.be("sales")
    with small.acting("sales"):
        saved_views.arrange(small.session, "customer", ["company"], {}, by=small.actor)
    small.be("admin")

    assert small.session.scalars(sa.select(GridSetting)).all() == []
    small.session.add(GridSetting(user_id=small.actor.id, noun="x", columns=[], widths={}))
    with pytest.raises(Forbidden):
        small.session.flush()


def test_a_saved_view_is_shown_and_a_name_that_is_there_is_asked_about_in_the_grid(visitors):
    form = {"verb": "save", "name": "重点", "state": STATE, "default": "1"}
    saved = visitors.post("admin", VIEWS, form)
    key = parse_qsl(urlsplit(saved.location).query)[-1]
    assert key[0] == "view"
    assert f'view={key[1]}" aria-current="page"' in text(visitors, "admin", saved.location)

    again = visitors.post("admin", VIEWS, form | {"state": "f.level=in:b&sort=company"})
    page = text(visitors, "admin", again.location)
    assert "覆盖「重点」" in page
    assert "东湖" in page
    assert "光谷" not in page.partition('<div class="card grid')[2]
    hidden = {"verb": "change", "id": key[1], "state": "f.level=in:b&sort=company"}
    over = visitors.post("admin", VIEWS, hidden)
    assert parse_qsl(urlsplit(over.location).query) == [
        ("f.level", "in:b"), ("sort", "company"), ("view", key[1]),
    ]  # fmt: skip
    long = visitors.post("admin", VIEWS, form | {"name": "长" * 41})
    assert parse_qsl(urlsplit(long.location).query) == parse_qsl(STATE)
    assert "最多 40 个字符" in text(visitors, "admin", GRID + "?tab=all")


def left(visitors, who, state):
    assert visitors.post(who, f"{GRID}left/", {"state": state}).status_code == 204


def test_the_menu_leads_to_the_grid_as_it_was_left_by_the_person(visitors):
    left(visitors, "admin", "f.level=in:a&sort=-company&page=1&page_size=1&csrf_token=x&totals=1")

    assert visitors.get("admin", GRID).location.endswith(
        "?f.level=in:a&sort=-company&page=1&page_size=1"
    )
    assert visitors.get("admin", "/admin/contact/").status_code == 200
    assert visitors.get("office", GRID).status_code == 200
    page = text(visitors, "admin", GRID)
    assert "光谷" in page
    assert "data-left" not in page  # it is kept already
    assert 'href="/admin/customer/?tab=all"' in page
    assert "data-left" in text(visitors, "admin", f"{GRID}?tab=all")
    left(visitors, "admin", "tab=all")
    assert visitors.get("admin", GRID).location == f"{GRID}?tab=all"
    left(visitors, "admin", "f.company=" + "长" * 3000)
    assert visitors.get("admin", GRID).location == f"{GRID}?tab=all"


def test_a_default_view_opens_the_next_day(visitors):
    key = save(visitors, "admin", default="1")
    left(visitors, "admin", "sort=company")
    assert visitors.get("admin", GRID).location.endswith("?sort=company")

    with World(visitors.app) as world:
        yesterday = world.now - dt.timedelta(days=2)
        world.session.connection().execute(sa.update(GridSetting).values(left_at=yesterday))
        world.session.commit()

    assert visitors.get("admin", GRID).location.endswith(f"view={key}")


def test_a_record_leads_back_to_its_list(visitors):
    page = "/admin/customer/details/?id=1"
    referer = {"Referer": f"http://localhost{GRID}?f.level=in:a&page=2"}

    assert f'class="up" href="{GRID}?f.level=in:a&amp;page=2"' in visitors.get(
        "admin", page, headers=referer
    ).get_data(as_text=True)
    assert f'class="up" href="{GRID}"' in text(visitors, "admin", page)
    assert 'class="up"' not in text(visitors, "admin", f"{page}&drawer=1")


def test_a_page_is_named_by_its_number(visitors):
    asked = f"{GRID}?page_size=1&sort=company&goto="

    assert visitors.get("admin", asked + "2").location == f"{GRID}?page_size=1&sort=company&page=1"
    assert visitors.get("admin", asked + "x").location == f"{GRID}?page_size=1&sort=company"
    assert "2 / 2" in text(visitors, "admin", asked + "99")
