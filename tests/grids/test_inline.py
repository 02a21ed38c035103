"""A cell changes in place: only what the grid shows, the version that was seen, as one may."""

import pytest

from models.customers.customer import Customer
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World

UPDATE = "/admin/customer/ajax/update/"


@pytest.fixture
def visitors(app):
    with World(app) as world:
        world.submitted("sales", key=world.customer("sales", company="待审"))
        world.approved("sales", company="光谷")
        world.approved("sales2", company="东湖")
    return Visitors(app)


def version(visitors, key):
    with World(visitors.app) as world:
        return world.get(Customer, key).row_version


def change(visitors, who, key, field, value, seen=None):
    seen = version(visitors, key) if seen is None else seen
    form = {"id": key, "row_version": seen, "field": field, "value": value}
    return visitors.post(who, UPDATE, form, headers=AJAX)


def test_a_saved_cell_tells_its_new_look_version_and_how_to_undo(visitors):
    first = version(visitors, 2)

    found = change(visitors, "sales", 2, "status", "intent").get_json()

    assert found["before"] == "new"
    assert "有意向" in found["html"]
    assert found["row_version"] > first
    back = change(visitors, "sales", 2, "status", found["before"], found["row_version"])
    assert back.get_json()["value"] == "new"


@pytest.mark.parametrize(
    ("who", "key", "field", "value", "status"),
    [
        ("sales", 2, "company", "改名", 403),  # reviewed: the form and a change request
        ("sales", 2, "mobile", "13900000000", 403),
        ("sales", 2, "approval", "approved", 403),
        ("sales", 3, "status", "won", 404),  # not his
        ("sales", 2, "status", "??", 422),
        ("sales", 1, "status", "won", 409),  # in approval
        ("analyst", 2, "status", "won", 403),
    ],
)
def test_what_may_not_be_changed_is_refused_with_the_reason(
    visitors, who, key, field, value, status
):
    assert change(visitors, who, key, field, value).status_code == status


def test_an_older_version_is_refused(visitors):
    seen = version(visitors, 2)
    assert change(visitors, "sales", 2, "status", "intent", seen).status_code == 200

    assert change(visitors, "sales", 2, "status", "won", seen).status_code == 409


def test_the_choices_of_a_cell_name_its_present_value(visitors):
    path = "/admin/customer/ajax/choices/?field=status&id=2"
    found = visitors.get("sales", path, headers=AJAX).get_json()

    assert found["value"] == "new"
    assert ["won", "已成交"] in [one[:2] for one in found["choices"]]


def test_views_over_the_grid_narrow_it(visitors):
    mine = visitors.get("sales2", "/admin/customer/?tab=mine").get_data(as_text=True)
    pool = visitors.get("admin", "/admin/customer/?tab=pool").get_data(as_text=True)

    assert "东湖" in mine
    assert "光谷" not in mine
    assert "光谷" not in pool
    for tab in ("helping", "overdue", "pending", "junk"):
        assert visitors.get("admin", f"/admin/customer/?tab={tab}").status_code == 200
