"""A new entity that mixes in `Reviewed` works at its first submission, or says what is missing.

In a copy of the project, as a newcomer would: one model file, its lines in models/__init__.py, a
migration.
"""

import os
import shutil
import subprocess
import sys

import pytest
import sqlalchemy as sa

import models as m
from services import guards
from tests.support.databases import ROOT

MODEL = '''"""Inspections of a site."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.base import Model
from models.entity import Entity
from models.field import field
from models.mixins import Owned, Reviewed, SoftDeleted, Stamped


class Inspection(Model, {mixins}):
    """One inspection."""

    __tablename__ = "inspection"
    __noun__ = "inspection"
    __caption__ = _("巡检")
    __entity__ = Entity(section="records")

    name: Mapped[str | None] = field(_("名称"), sa.String(60), required=True, listed=True)
    level: Mapped[int | None] = field(_("等级"), sa.Integer, controlled=True)
'''
MIXINS = "Stamped, Owned, Reviewed, SoftDeleted"
# The whole of it: approval, numbers, tags, files, import, export, search, audit, sight.
COMPETITOR = '''"""Competitors: who else courts a customer."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.base import Model
from models.customer import Customer
from models.entity import Entity
from models.field import field
from models.mixins import Owned, Reviewed, SoftDeleted, Stamped
from models.tag import Tagged


class Competitor(Model, Stamped, Owned, Reviewed, SoftDeleted, Tagged):
    """A company that courts the same customer."""

    __tablename__ = "competitor"
    __noun__ = "competitor"
    __caption__ = _("竞争对手")
    __entity__ = Entity(
        icon="target",
        section="records",
        traits="searchable attachable importable linked lookup large",
        grants={
            "office": "create edit submit import export delete_own",
            "sales": "create edit_own submit delete_own",
            "manager": "create edit submit export delete_own",
        },
        called=("name", "code"),
    )

    name: Mapped[str | None] = field(
        _("名称"), sa.String(120), required=True, listed=True, search=True, controlled=True
    )
    customer_id: Mapped[int | None] = field(
        _("客户"), sa.ForeignKey("customer.id"), required=True, listed=True, filter=True
    )
    customer: Mapped[Customer | None] = relationship()
'''
WEBSITE = '    website: Mapped[str | None] = field(_("网址"), sa.String(200), search=True)\n'
COPIED = "cli dashboards jobs mappings migrations models seed services static templates views tests"


class Project:
    """A copy of the project, and what a newcomer does in it."""

    def __init__(self, root):
        self.root = root
        for name in COPIED.split():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(ROOT / "translations", root / "translations")
        for name in ("admin_app.py", "pyproject.toml"):
            shutil.copy(ROOT / name, root / name)

    def declare(self, name, model):
        """Write a model file and its two lines where models are listed; return all lines."""
        file, listed = self.root / f"models/{name.lower()}.py", self.root / "models/__init__.py"
        file.write_text(model, encoding="utf-8")
        lines = (f"from models.{name.lower()} import {name}\n", f'    "{name}",\n')
        _add(listed, "from models.import_job", lines[0])
        _add(listed, '    "Invoice"', lines[1])
        return len(model.splitlines()) + len(lines)

    def run(self, *command, url=""):
        environment = {"TCOS_DATABASE_URL": url, "TCOS_ENV": "test", "PYTHONPATH": str(self.root)}
        return subprocess.run(
            [sys.executable, "-W", "ignore", *command], cwd=self.root, check=False,
            capture_output=True, text=True, env=os.environ | environment,
        )  # fmt: skip

    def migrate(self, url):
        """Bring the database up to what is declared, by a migration nobody has touched."""
        for words in (("upgrade",), ("migrate", "-m", "declared"), ("upgrade",), ("check",)):
            done = self.run("-m", "flask", "--app", "admin_app", "db", *words, url=url)
            assert done.returncode == 0, done.stderr


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def _add(path, before, text):
    """Put a line before the first one that begins so."""
    whole = path.read_text(encoding="utf-8")
    assert before in whole
    path.write_text(whole.replace(before, text + before, 1), encoding="utf-8")


def test_it_is_submitted_numbered_guarded_and_approved(project, tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    project.declare("Inspection", MODEL.replace("{mixins}", MIXINS))
    project.migrate(url)

    told = project.run("-m", "tests.support.inspection_story", url, url=url)

    assert told.stdout.endswith("worked\n"), told.stdout + told.stderr


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_whole_entity_in_a_company_at_work_is_two_files_and_works_the_first_time(
    project, databases, kind, tmp_path
):
    with databases.fresh(kind) as url:
        lines = project.declare("Competitor", COMPETITOR)
        _add(project.root / "models/customer.py", "    company_key:", WEBSITE)
        project.migrate(url)
        seeded = project.run("-m", "flask", "--app", "admin_app", "seed", "roles", url=url)
        assert seeded.returncode == 0, seeded.stderr

        told = project.run("-m", "tests.support.competitor_story", url, str(tmp_path), url=url)

        assert told.stdout.endswith("worked\n"), told.stdout + told.stderr
        assert lines <= 45
        _goes_back(project, url)


def _goes_back(project, url):
    """Take the migration back: what is left works and is guarded, and comes again."""
    down = project.run("-m", "flask", "--app", "admin_app", "db", "downgrade", url=url)
    assert down.returncode == 0, down.stderr
    engine, table = sa.create_engine(url), m.Customer.__table__
    with engine.begin() as connection:
        connection.execute(sa.update(table).values(street="东湖路 1 号"))
        connection.execute(
            sa.update(m.Attachment.__table__).values(deleted_at=None, noun="customer")
        )
        text = guards.written(connection)["customer_pending"]
    assert ("OLD.street" in text, "website" in text) == (True, False)
    for values in ({"code": "YAV-1"}, {"approval": "pending"}):
        with pytest.raises(sa.exc.DBAPIError), engine.begin() as connection:
            connection.execute(sa.update(table).values(values))
    engine.dispose()
    up = project.run("-m", "flask", "--app", "admin_app", "db", "upgrade", url=url)
    assert up.returncode == 0, up.stderr


WRONG = """Entity(
        section="records",
        sight="of nothing",
        traits="searchable serchable importable",
        grants={"boss": "create", "sales": "fly"},
        rules="wish",
        called=("title",),
        of="nobody",
    )"""
LACKING = (
    "Reviewed needs Owned, SoftDeleted mixed in too",
    "knows no trait serchable",
    "no rule of services/access.py says who sees it",
    "grants something to boss, which is no role",
    "grants fly, which is no verb of it",
    "names a rule services/rules.py has not",
    "is called by columns it has not",
    "`of` names no entity",
    "level has search=True and is no text",
    "secret is personal: no index may hold it",
)
SECRET = (
    '    secret: Mapped[str | None] = field(_("密"), sa.String(9), search=True, sensitive=True)\n'
)


def test_an_incomplete_one_does_not_start_and_says_all_that_is_missing(project):
    model = MODEL.replace("{mixins}", "Stamped, Reviewed").replace(
        'Entity(section="records")', WRONG
    )
    model = model.replace("controlled=True", "search=True") + SECRET
    project.declare("Inspection", model)

    done = project.run("-c", "import admin_app; admin_app.create_app()")

    last = done.stderr.strip().splitlines()[-1]
    assert [text for text in LACKING if text not in last] == [], last
    assert "Inspection: " in last


def test_a_screen_in_no_section_of_the_menu_does_not_start(project):
    model = MODEL.replace("{mixins}", MIXINS).replace('"records"', '"rekords"')
    project.declare("Inspection", model)

    done = project.run("-c", "import admin_app; admin_app.create_app()")

    assert "Inspection: the menu has no section 'rekords'" in done.stderr
