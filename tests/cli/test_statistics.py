"""After many rows came at once PostgreSQL knows how many: no page waits for its autovacuum."""

import os

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.core.setting import Setting
from models.importing.import_job import ImportJob
from services.importing.run import worker
from services.schema import statistics
from tests.cli.test_backup import TOOLS
from tests.support.imports import table
from tests.support.office import Office
from tests.support.world import World

ON_POSTGRES = pytest.mark.parametrize("app", ["postgres"], indirect=True)
HEAD = ("客户单位", "亚为销售员", "联系人", "手机", "省/市/区")
ROWS = [(f"武汉第{n}机械厂", "sales", "王伟", f"138{n:08}", "湖北省武汉市洪山区") for n in range(9)]


def known(app):
    """Return the columns of customers of which PostgreSQL knows what is in them."""
    with app.app_context(), db.engine.connect() as connection:
        query = "SELECT count(*) FROM pg_stats WHERE tablename = 'customer'"
        return connection.execute(sa.text(query)).scalar()


def call(app, *arguments):
    answer = app.test_cli_runner().invoke(args=[str(one) for one in arguments])
    assert answer.exit_code == 0, answer.output


@ON_POSTGRES
def test_statistics_are_there_after_a_volume(app):
    assert known(app) == 0

    call(app, "seed", "volume", "--customers", 30)

    assert known(app) > 0


@ON_POSTGRES
def test_statistics_are_there_after_a_restore(app, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")
    with World(app) as world:
        world.customer("sales")
    call(app, "backup", tmp_path / "copy")
    assert known(app) == 0

    call(app, "restore", tmp_path / "copy", "--yes")

    assert known(app) > 0


@ON_POSTGRES
def test_statistics_are_there_after_an_import_of_the_worker(app):
    with World(app) as world, world.acting("admin"):
        world.session.add(Setting(key="import.at_once", value=5))
    office = Office(app)
    job = office.upload(table(HEAD, *ROWS))
    office.check(job)
    finish(app, job)
    assert known(app) == 0

    assert office.run(job).status_code == 303
    finish(app, job)

    assert len(office.customers()) == len(ROWS)
    assert known(app) > 0


def finish(app, job):
    done = False
    while not done:
        with World(app) as world:
            turn = world.session.get_one(ImportJob, job).options["turn"]
            done = worker.work(world.session, job_id=job, turn=turn, now=world.now)
            world.session.commit()


def test_sqlite_is_left_without_statistics(lite):
    with lite.app_context(), db.engine.begin() as connection:
        statistics.refresh(connection)

        assert not sa.inspect(connection).has_table("sqlite_stat1")
