"""The pages of the menu, the first record on each, the cockpit: for every role, on both databases.

They show the demo company; and every amount in them comes from the database as an integer.
"""

import contextlib
import re

import pytest
import sqlalchemy as sa

from dashboards.pages import SUMMARIES
from models.core.base import db
from seed.demo.people import PEOPLE, SELLERS
from tests.support.told import demo, now
from tests.support.visitors import Visitors

pytestmark = pytest.mark.xdist_group("demo")  # told once a worker
WHO = sorted({role: account for account, _name, role, *_rest in reversed(PEOPLE)}.values())
MENU = re.compile(r'href="(/admin/(?:[a-z_]+/)+)"')
RECORD = re.compile(r'href="((/admin/[a-z_/]+/)\?id=\d+)"')
NUMERIC, FLOAT = 1700, 701  # PostgreSQL's keys of the types
REAL = {"quantity", "latitude", "longitude"}  # what is no whole number by nature


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def visitors(request, databases):
    with databases.lent(request.param, demo) as app:
        app.config["TCOS_CLOCK"] = now
        yield Visitors(app)


class Walk:
    """A person's way through the pages; what is wrong is gathered, not raised."""

    def __init__(self, visitors, who):
        self.visitors, self.who, self.seen, self.wrong = visitors, who, set(), []

    def open(self, address):
        elsewhere = address.startswith("/admin/monitor/details/")  # the page of a request
        answer = self.visitors.get(self.who, address, follow_redirects=elsewhere)
        self.seen.add(address)
        if answer.status_code != 200:
            self.wrong.append((self.who, address, answer.status_code))
        return answer.text

    def records(self, page):
        """Open the first record of each kind that a page links to."""
        for address, path in RECORD.findall(page):
            if not any(known.startswith(f"{path}?") for known in self.seen):
                self.open(address)


@contextlib.contextmanager
def fractions(app):
    """Gather the result columns that PostgreSQL sends as numeric or float."""
    found = set()

    def look(_connection, cursor, statement, *_rest):
        for column in cursor.description or ():
            if column.type_code in {NUMERIC, FLOAT} and column.name not in REAL:
                found.add((column.name, statement[:300]))

    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "postgresql":
        sa.event.listen(engine, "after_cursor_execute", look)
    yield found
    if engine.dialect.name == "postgresql":
        sa.event.remove(engine, "after_cursor_execute", look)


@pytest.mark.parametrize("who", WHO)
def test_every_page_of_the_menu_opens_with_whole_amounts(visitors, who):
    walk = Walk(visitors, who)
    with fractions(visitors.app) as uneven:
        home = walk.open("/admin/")
        menu = sorted(set(MENU.findall(home)))
        for address in menu:
            walk.records(walk.open(address))
        for key in SUMMARIES if "/admin/cockpit/performance/" in menu else ():
            walk.open(f"/admin/cockpit/{key}/data.json?preset=365d")

    assert len(menu) > 10
    assert any("?id=" in address for address in walk.seen)
    assert not walk.wrong, "\n".join(map(str, walk.wrong))
    assert not uneven, "\n".join(map(str, sorted(uneven)))


def test_every_salesperson_has_a_home_page_and_somebody_an_instalment_on_it(visitors):
    pages = {who: visitors.get(who, "/admin/?all=1") for who in SELLERS}

    assert {who: page.status_code for who, page in pages.items()} == dict.fromkeys(SELLERS, 200)
    assert any(
        re.search(r"\d 期(?:逾期未)?回款 [\d,]+\.\d\d 元", page.text) for page in pages.values()
    )
