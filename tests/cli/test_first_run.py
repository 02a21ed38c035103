"""A company begins by one link that works once; the demo makes room for it by one command."""

import datetime as dt
import re
from pathlib import Path

import pytest
import sqlalchemy as sa

from models.core.setting import Setting
from models.customers.customer import Customer
from models.deals.paper_template import PaperTemplate
from models.people.user import User
from services.people import first_run
from services.people.access_links import LASTS
from services.rights.actor import SYSTEM
from services.trail import chain
from tests.cli.test_backup import call, tools  # noqa: F401 # a fixture
from tests.support.visitors import Visitors
from tests.support.world import World, login, token_of

GOOD = {
    "company": "武汉新公司",
    "prefix": "xgs",
    "name": "王总",
    "email": "boss@demo.tcos.cn",
    "password": "Drei-neue-Worte-7",
    "again": "Drei-neue-Worte-7",
}


@pytest.fixture
def bare(app, tools, tmp_path):  # noqa: F811
    """A company without anybody, as the command leaves it, and the path of its link."""
    with World(app) as world:
        world.approved("sales", company="留下的客户")
    app.config["TCOS_INSTANCE"] = str(tmp_path)
    chained(app)
    done = call(app, "start-over", tmp_path / "before", "--yes")
    assert done.exit_code == 0, done.output
    app.start = re.search(r"(/setup/\S+)", done.output)[1]
    return app


def chained(app):
    """Let the worker chain the audit log and keep its head beside the database."""
    with World(app) as world, world.acting(SYSTEM):
        head = chain.seal(world.session.connection(), now=world.now)
    chain.keep_head(Path(app.config["TCOS_INSTANCE"]), head)


def sent(app, path, **changes):
    client = app.test_client()
    page = client.get(path)
    form = GOOD | changes | {"csrf_token": token_of(page.get_data(as_text=True))}
    return client.post(path, data=form)


def count(app, model):
    with World(app) as world:
        return world.session.scalar(sa.select(sa.func.count()).select_from(model.__table__))


def test_a_company_begins_by_its_link_once(bare):
    assert (count(bare, User), count(bare, Customer)) == (0, 0)
    wrong = sent(
        bare, bare.start, company=" ", prefix="武", email="x", password="kurz", again="lang"
    )
    page = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    for field in ("company", "prefix", "email", "password", "again"):
        assert f'id="{field}-err"' in page
    assert 'value="王总"' in page
    assert (count(bare, User), count(bare, PaperTemplate)) == (0, 0)

    assert sent(bare, bare.start).status_code == 303
    assert call(bare, "audit", "verify").exit_code == 0  # the proof of before is put aside
    assert bare.test_client().get(bare.start).status_code == 404
    assert login(bare.test_client(), "boss", GOOD["password"]).status_code == 302
    with World(bare) as world:
        boss = world.session.scalars(sa.select(User)).one()
        assert [role.name for role in boss.roles] == ["admin"]
        prefix = sa.select(Setting.value).where(Setting.key == "company.prefix")
        assert world.session.scalar(prefix) == "XGS"
        assert set(world.session.scalars(sa.select(PaperTemplate.company))) == {"武汉新公司"}


def test_what_was_before_comes_back(bare, tools, tmp_path):  # noqa: F811
    assert call(bare, "restore", tmp_path / "before", "--yes").exit_code == 0
    assert count(bare, Customer) == 1
    assert bare.test_client().get(bare.start).status_code == 404  # there is somebody again


def test_a_link_lasts_three_days_and_is_that_of_this_installation(bare):
    clock, begun = bare.config["TCOS_CLOCK"], bare.config["TCOS_CLOCK"]()
    other = first_run.link("another secret", "", now=begun)
    assert bare.test_client().get(other).status_code == 404
    bare.config["TCOS_CLOCK"] = lambda: begun + LASTS + dt.timedelta(seconds=1)
    try:
        assert bare.test_client().get(bare.start).status_code == 404
        again = call(bare, "setup-link")
        assert bare.test_client().get(re.search(r"/setup/\S+", again.output)[0]).status_code == 200
    finally:
        bare.config["TCOS_CLOCK"] = clock


def test_where_there_is_somebody_no_link_is_made_and_nothing_is_emptied_unasked(lite, tmp_path):
    assert call(lite, "setup-link").exit_code == 1
    people = count(lite, User)
    assert call(lite, "start-over", tmp_path / "copy", input="n\n").exit_code == 1
    (tmp_path / "there").touch()
    assert call(lite, "start-over", tmp_path / "there", "--yes").exit_code == 1
    assert count(lite, User) == people > 0


def test_the_first_steps_count_what_there_is(lite):
    found = Visitors(lite)
    page = found.get("admin", "/admin/start/").get_data(as_text=True)
    with World(lite) as world:
        others = world.session.scalar(sa.select(sa.func.count()).where(User.active)) - 1
    assert f"已有 {others}" in page
    assert "待录入" in page
    assert found.get("sales", "/admin/start/").status_code == 403
