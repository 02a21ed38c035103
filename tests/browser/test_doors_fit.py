"""Pages of ways in and of one's safety: nothing is cut off, both sizes, both languages."""

import re

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.contact import Contact
from models.people.user import User, user_role
from services.people import first_run
from tests.support.browser import browsing, chromium, overflow
from tests.support.world import World

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
CHINESE = re.compile(r"[\u4e00-\u9fff]")
DATA = (
    "武汉清除测试有限公司",
    "华中",
    "总部",
    "中文",
    "李雷",
    "武汉",
    "客户",
    "清除测试",
)  # names, not words of the page
OWN = ("/tf-setup", "/mf-recovery-codes", "/verify?next=/admin/profile/", "/admin/profile/")
OPEN = ("/login", "/access/forgot/", "/access/no-link", "/passkey/second")


@pytest.fixture
def home(lite):
    if chromium() is None:
        pytest.skip("no Chromium: install it or set TCOS_TEST_CHROMIUM")
    with browsing(lite) as found:
        yield found
        assert found.faults == []


def fits(site, page, path, size, language):
    site.go(page, path)
    assert overflow(page) == 0, path
    name = re.sub(r"\W+", "-", path.partition("?")[0])[:30]
    site.keep(page, f"door{name}{size}-{language}")
    if language == "en":
        words = page.inner_text("body")
        for known in DATA:
            words = words.replace(known, "")
        assert CHINESE.findall(words) == [], path


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_they_fit_and_speak_one_language(home, lite, size, language):
    page = home.visit("sales", size=size)
    home.go(page, f"/lang/{language}?next=/admin/")
    for path in OWN:
        fits(home, page, path, size, language)
    page.context.clear_cookies()
    home.go(page, f"/lang/{language}?next=/login")
    for path in OPEN:
        fits(home, page, path, size, language)


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_so_do_the_pages_of_an_administrator(home, lite, size, language):
    with World(lite) as world:
        key = world.approved(company="武汉清除测试有限公司")
        with world.acting("sales"):
            contact = world.create(Contact, customer_id=key, name="李雷", mobile="13900001111").id
        user = world.id_of("sales")
    page = home.visit("admin", size=size)
    home.go(page, f"/lang/{language}?next=/admin/")
    fits(home, page, f"/admin/user/details/?id={user}", size, language)
    fits(home, page, f"/admin/contact/details/?id={contact}", size, language)


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_so_does_the_page_on_which_a_company_begins(home, lite, size, language):
    with lite.app_context(), db.engine.begin() as connection:
        connection.execute(sa.delete(user_role))
        connection.execute(sa.delete(User.__table__))
        now = lite.config["TCOS_CLOCK"]()
        link = first_run.link(str(lite.secret_key), "", now=now)
    page = home.browser.new_page(viewport={"width": 1440 if size == "wide" else 390, "height": 844})
    home.contexts.append(page)
    home.go(page, f"/lang/{language}?next=/login")
    fits(home, page, link, size, language)
    page.fill("#company", "x")
    page.click("main button.p")
    assert overflow(page) == 0
