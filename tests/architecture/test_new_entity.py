"""A new entity that mixes in `Reviewed` works at its first submission, or says what is missing.

In a copy of the project, as a newcomer would: one model file, one line each in models/__init__.py
and views/menu.py, a migration.
"""

import os
import shutil
import subprocess
import sys

import pytest

from tests.support.databases import ROOT

MODEL = '''"""Inspections of a site."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.base import Model
from models.field import field
from models.mixins import Owned, Reviewed, SoftDeleted, Stamped


class Inspection(Model, {mixins}):
    """One inspection."""

    __tablename__ = "inspection"
    __noun__ = "inspection"
    __caption__ = _("巡检")

    name: Mapped[str | None] = field(_("名称"), sa.String(60), required=True, listed=True)
    level: Mapped[int | None] = field(_("等级"), sa.Integer, controlled=True)
'''
COPIED = "cli dashboards jobs mappings migrations models seed services static templates views tests"


@pytest.fixture
def project(tmp_path):
    """Copy the project and put the entity in; return a way to run things there."""
    for name in COPIED.split():
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "translations", tmp_path / "translations")
    for name in ("admin_app.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    _add(
        tmp_path / "models/__init__.py",
        "from models.invoice",
        "from models.inspection import Inspection\n",
    )
    _add(tmp_path / "models/__init__.py", '    "Invoice"', '    "Inspection",\n')
    menu = "    _screen(records.ProductView, m.Product"
    _add(tmp_path / "views/menu.py", menu, '    _screen(CrmView, m.Inspection, "records"),\n')
    _add(tmp_path / "views/menu.py", "from views.batch", "from views.base import CrmView\n")

    def run(*command, mixins="Stamped, Owned, Reviewed, SoftDeleted", url=""):
        text = MODEL.replace("{mixins}", mixins)
        (tmp_path / "models/inspection.py").write_text(text, encoding="utf-8")
        environment = {"TCOS_DATABASE_URL": url, "TCOS_ENV": "test", "PYTHONPATH": str(tmp_path)}
        return subprocess.run(
            [sys.executable, "-W", "ignore", *command], cwd=tmp_path, check=False,
            capture_output=True, text=True, env=os.environ | environment,
        )  # fmt: skip

    return run


def _add(path, before, text):
    """Put a line before the first one that begins so."""
    whole = path.read_text(encoding="utf-8")
    assert before in whole
    path.write_text(whole.replace(before, text + before, 1), encoding="utf-8")


def test_it_is_submitted_numbered_guarded_and_approved(project, tmp_path):
    url = f"sqlite:///{tmp_path}/new.db"
    flask = ("-m", "flask", "--app", "admin_app", "db")
    for words in (("upgrade",), ("migrate", "-m", "inspection"), ("upgrade",)):
        done = project(*flask, *words, url=url)
        assert done.returncode == 0, done.stderr

    told = project("-m", "tests.support.inspection_story", url, url=url)

    assert told.stdout.endswith("worked\n"), told.stdout + told.stderr


def test_an_incomplete_one_does_not_start_and_says_what_is_missing(project):
    refused = project("-c", "import admin_app; admin_app.create_app()", mixins="Stamped, Reviewed")

    assert refused.returncode != 0
    last = refused.stderr.strip().splitlines()[-1]
    assert "Inspection: Reviewed needs Owned, SoftDeleted mixed in too" in last
