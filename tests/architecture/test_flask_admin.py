"""Flask-Admin drives the screens: its own views run every page; what we replace is named here.

docs/adr/0002-model-backend.md says for each replaced function which law it could not keep.
"""

import functools
import inspect
import re
import sys
from pathlib import Path

import pytest
from flask_admin import BaseView
from flask_admin.actions import ActionsMixin
from flask_admin.model import BaseModelView

from models.customers.customer import Customer
from tests.support.company import seed_company
from tests.support.visitors import AJAX, Visitors
from tests.support.world import World
from views.core.base import CrmView

ROOT = Path(__file__).resolve().parents[2]
ADR = ROOT / "docs/adr/0002-model-backend.md"
PAGES = {
    "index_view", "create_view", "edit_view", "details_view", "delete_view",
    "action_view", "ajax_update", "ajax_lookup", "export",
}  # fmt: skip
# What Flask-Admin asks a model backend to say: its documentation names these as ours to write.
HOOKS = {
    "scaffold_list_columns", "scaffold_sortable_columns", "scaffold_form", "scaffold_list_form",
    "get_list", "get_one", "get_pk_value", "create_model", "update_model", "delete_model",
    "init_search", "search_placeholder", "on_form_prefill", "get_save_return_url",
    "get_delete_form", "is_accessible", "_handle_view", "handle_view_exception",
}  # fmt: skip
# Ours first, then Flask-Admin's own by super().
EXTENDED = {
    "__init__", "render", "index_view", "delete_view", "ajax_update", "edit_form", "list_form",
    "validate_form", "init_actions", "is_action_allowed", "handle_action",
}  # fmt: skip
# Flask-Admin's function could not keep a law: name → the test that goes red with it.
HERE, PAGES_TOO = "architecture/test_flask_admin.py", "safety/test_open_by_default_pages.py"
ADDRESSES = f"{HERE}::test_addresses_say_what_they_sort_by"
FILES = f"{PAGES_TOO}::test_exports_hold_no_formula_and_numbers_stay_numbers"
REPLACED = {
    "_run_view": f"{HERE}::test_what_was_done_is_told_once_and_leads_on",
    "_get_list_extra_args": ADDRESSES,
    "_get_list_url": ADDRESSES,
    "_get_filters": ADDRESSES,
    "get_safe_page_size": f"{HERE}::test_a_page_has_the_size_that_is_asked",
    "_export_csv": FILES,
    "_export_tablib": FILES,
}
# A flow is a list of versions with steps and no table of records; a request has a page of its own,
# to which its row in the monitor leads.
OTHER_PAGES = {
    ("FlowView", "index_view"), ("FlowView", "create_view"), ("MonitorView", "details_view")
}  # fmt: skip


def stock():
    """Return name → function of what a view of Flask-Admin's can do."""
    every = {}
    for cls in (BaseView, ActionsMixin, BaseModelView):
        every |= {name: one for name, one in vars(cls).items() if inspect.isfunction(one)}
    return every


def calls_up(cls, name):
    """Tell whether a function, and each of ours that it stands on, hands on to its namesake."""
    mine = [one for one in cls.__mro__ if one.__module__.startswith("views")]
    written = {inspect.unwrap(vars(one)[name]) for one in mine if name in vars(one)}
    return all({"super", name} <= set(one.__code__.co_names) for one in written - {stock_of(name)})


def stock_of(name):
    return inspect.unwrap(stock()[name])


def ours():
    """Return the names of Flask-Admin's functions that CrmView has an own one for."""
    return {
        name
        for name, one in stock().items()
        if inspect.unwrap(getattr(CrmView, name)) is not inspect.unwrap(one)
    }


def test_exactly_the_named_functions_of_flask_admin_are_replaced():
    assert ours() == HOOKS | EXTENDED | REPLACED.keys()
    assert {name for name in ours() if calls_up(CrmView, name)} == EXTENDED


def test_every_page_of_every_screen_is_flask_admins_own(screens):
    other = {
        (type(view).__name__, name)
        for view in screens.values()
        for name in PAGES
        if not calls_up(type(view), name)
    }

    assert len(screens) > 20
    assert other == OTHER_PAGES


@pytest.mark.parametrize("name", sorted(REPLACED))
def test_a_replaced_function_has_its_law_and_its_test(name):
    path, test = REPLACED[name].split("::")

    assert f"def {test}(" in (ROOT / "tests" / path).read_text(encoding="utf-8")
    told = ADR.read_text(encoding="utf-8")
    assert f"`{name}`" in told
    assert test in told


@pytest.fixture(scope="module")
def visitors(databases):
    with databases.lent("sqlite", seed_company) as app:
        yield Visitors(app)


@pytest.fixture(scope="module")
def screens(visitors):
    """Return noun → view of every screen that stands on Flask-Admin's model view."""
    views = visitors.app.view_functions.items()
    return {
        key.partition(".")[0]: one.__self__
        for key, one in views
        if isinstance(getattr(one, "__self__", None), BaseModelView)
    }


@functools.cache
def library():
    return str(Path(inspect.getfile(BaseModelView)).parents[1])


def functions_run(act):
    """Return the functions of Flask-Admin that run while `act` does."""
    found = set()

    def note(frame, event, _argument):
        if event == "call" and frame.f_code.co_filename.startswith(library()):
            found.add(frame.f_code.co_qualname)

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return found


def rounds(visitors, version, key):
    """Return page → what opens it for a person who may."""
    base, who = "/admin/customer", "sales"
    cell = {"id": key, "row_version": version, "field": "status", "value": "intent"}
    words = "/ajax/lookup/?name=customer_id&query=sales"
    change = f"{base}/edit/?id={key}"
    return {
        "index_view": lambda: visitors.get(who, f"{base}/?sort=-company&search=sales"),
        "create_view": lambda: visitors.get(who, f"{base}/new/"),
        "edit_view": lambda: visitors.post(who, change, {"row_version": version, "qq": "x"}),
        "details_view": lambda: visitors.get(who, f"{base}/details/?id={key}"),
        "action_view": lambda: visitors.post(
            who, f"{base}/action/", {"action": "submit", "rowid": key}
        ),
        "ajax_lookup": lambda: visitors.get(who, f"/admin/opportunity{words}", headers=AJAX),
        "export": lambda: visitors.get("manager", f"{base}/export/csv/"),
        "ajax_update": lambda: visitors.post(who, f"{base}/ajax/update/", cell, headers=AJAX),
        "delete_view": lambda: visitors.post(who, f"{base}/delete/", {"id": key}),
    }


def test_flask_admins_own_views_run_the_pages(visitors):
    with World(visitors.app) as world:
        key = world.customer("sales", company="驾驶")
        version = world.get(Customer, key).row_version
    visitors.token("manager")
    run = {}
    for name, act in rounds(visitors, version, key).items():
        run[name] = functions_run(act)

    missing = [name for name, ran in run.items() if f"BaseModelView.{name}" not in ran]
    assert missing == []
    every = {name for name in set().union(*run.values()) if "<locals>.<listcomp>" not in name}
    assert len(every) >= 50  # it was 4


def test_addresses_say_what_they_sort_by(visitors):
    page = visitors.get("admin", "/admin/customer/?sort=-company&level=a").get_data(as_text=True)
    again = visitors.get("admin", "/admin/customer/?sort=9&desc=1&flt0_0=x&page=-1&page=1e9")

    assert 'aria-sort="descending"' in page
    assert "sort=company" in page
    assert again.status_code == 200
    assert "flt" not in page
    assert "desc=1" not in page


def test_a_page_has_the_size_that_is_asked(visitors):
    page = visitors.get("admin", "/admin/opportunity/?page_size=3").get_data(as_text=True)

    assert page.count('name="rowid"') == 3


def messages(page):
    """Return what stands in the toasts of a page."""
    box = page.get_data(as_text=True).partition('class="toasts"')[2].partition("<dialog")[0]
    return re.findall(r'<div class="toast[^>]*>([^<]*)', box)


def told(visitors, answer):
    """Return the messages of the page a POST leads to; it leads on by 303."""
    assert answer.status_code == 303
    return messages(visitors.get("sales", answer.location))


def test_what_was_done_is_told_once_and_leads_on(visitors):
    made = visitors.post("sales", "/admin/customer/new/", {"company": "新客户"})
    key = made.location.partition("id=")[2]
    assert told(visitors, made) == ["已保存"]

    page = visitors.get("sales", f"/admin/customer/edit/?id={key}").get_data(as_text=True)
    seen = re.search(r'name="row_version" value="(\d+)"', page).group(1)
    form = {"row_version": seen, "company": "新客户", "_submit": "1"}
    refused = visitors.post("sales", f"/admin/customer/edit/?id={key}", form)
    assert refused.status_code == 422
    assert messages(refused) == []

    gone = {"id": key, "row_version": seen, "next": "/admin/customer/?tab=mine"}
    answer = visitors.post("sales", "/admin/customer/delete/", gone)
    assert answer.location == "/admin/customer/?tab=mine"
    assert told(visitors, answer) == ["已删除「新客户」"]


def test_a_page_of_no_record_is_no_way_to_the_list(visitors):
    for address in ("details/", "details/?id=", "edit/", "edit/?id=1&id=2", "export/ods/"):
        assert visitors.get("admin", f"/admin/customer/{address}").status_code == 404, address
    for address in ("edit/", "edit/?id=", "delete/"):
        answer = visitors.post("admin", f"/admin/customer/{address}", {"company": "白打的字"})
        assert answer.status_code == 404, address
