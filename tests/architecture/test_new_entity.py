"""A new entity that mixes in `Reviewed` works at its first submission, or says what is missing.

In a copy of the project, as a newcomer would: one model file, a
migration.
"""

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from models.delivery.attachment import Attachment
from services.schema import guards
from tests.support.databases import bare
from tests.support.newcomer import COMPETITOR, MIXINS, MODEL, SITE, WEBSITE, Project, add


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.fixture
def url(databases):
    """An empty database that knows the schema."""
    with databases.fresh("sqlite", bare) as found:
        yield found


def test_it_is_submitted_numbered_guarded_and_approved(project, url):
    project.declare("Inspection", MODEL.replace("{mixins}", MIXINS))
    project.migrate(url)

    _status, out, error = project.run("-m", "tests.support.inspection_story", url, url=url)

    assert out.endswith("worked\n"), out + error


def test_its_lines_are_entered_guarded_approved_and_changed_without_rules(project, url):
    project.declare("Site", SITE)
    project.migrate(url)

    _status, out, error = project.run("-m", "tests.support.site_story", url, url=url)

    assert out.endswith("worked\n"), out + error


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_whole_entity_in_a_company_at_work_is_one_file_and_works_the_first_time(
    project, databases, kind, tmp_path
):
    with databases.fresh(kind) as url:
        lines = project.declare("Competitor", COMPETITOR)
        add(project.root / "models/customers/customer.py", "    company_key:", WEBSITE)
        project.migrate(url)
        status, _out, error = project.flask("seed", "roles", url=url)
        assert status == 0, error

        words = ("-m", "tests.support.competitor_story", url, str(tmp_path))
        _status, out, error = project.run(*words, url=url)

        assert out.endswith("worked\n"), out + error
        assert lines <= 45
        _goes_back(project, url)


def _goes_back(project, url):
    """Take the migration back: what is left works and is guarded, and comes again."""
    status, _out, error = project.flask("db", "downgrade", url=url)
    assert status == 0, error
    engine, table = sa.create_engine(url), Customer.__table__
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(street="东湖路 1 号"))
        connection.execute(sa.update(Attachment.__table__).values(deleted_at=None, noun="customer"))
        text = guards.written(connection)["customer_pending"]
    assert ("OLD.street" in text, "website" in text) == (True, False)
    for values in ({"code": "YAV-1"}, {"approval": "pending"}):
        with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
            connection.execute(sa.update(table).values(values))
    engine.dispose()
    status, _out, error = project.flask("db", "upgrade", url=url)
    assert status == 0, error
