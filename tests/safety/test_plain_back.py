"""Back without scripts: the page is asked for anew, and the form is still the one that was sent."""

import pytest

from models.customers.customer import Customer
from tests.safety.test_idempotency import CUSTOMER, count
from tests.support.browser import settled
from tests.support.forms import Forms
from tests.support.visitors import Visitors
from tests.support.world import PASSWORD
from views.web.idempotency import FIELD, NEXT


def plain(found, path, **typed):
    """Return a form as a browser without scripts has it, also after Back."""
    page = Forms(found.get("sales", path).get_data(as_text=True))
    return page.with_field(FIELD) | typed


def test_without_scripts_back_and_save_makes_no_second_record(app):
    found, path = Visitors(app), "/admin/customer/new/"
    first = found.post("sales", path, plain(found, path, **CUSTOMER))
    again = plain(found, path, **CUSTOMER)  # Back asks for the page anew, the browser refills it
    second = found.post("sales", path, again)
    other = plain(
        found, path, **CUSTOMER | {"company": "武汉另一家", "primary.mobile": "13800990099"}
    )
    third = found.post("sales", path, other)

    assert first.status_code == second.status_code == third.status_code == 303
    assert second.location == first.location != third.location
    assert again[FIELD] != again[NEXT]
    assert found.post("sales", path, other).location == third.location
    last = plain(found, path, **CUSTOMER)
    assert last[FIELD] == other[NEXT]
    assert found.post("sales", path, last).status_code == 303
    assert count(app, Customer) == 3


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
def test_so_it_is_in_a_browser(app, site):
    context = site.browser.new_context(java_script_enabled=False)
    site.contexts.append(context)
    page = site.go(context.new_page(), "/login")
    page.fill("#email", "sales@demo.tcos.cn")
    page.fill("#password", PASSWORD)
    page.click("button[name=submit]")
    site.go(page, "/admin/customer/new/")
    places = []
    for _time in range(2):
        page.fill("[name=company]", CUSTOMER["company"])
        page.click("[name=_save]")
        page.wait_for_url("**/details/**")
        places.append(page.url)
        told = page.inner_text(".toasts")
        settled(page, page.go_back)

    assert "已保存过" in told
    assert len(set(places)) == count(app, Customer) == 1
