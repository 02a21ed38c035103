"""A copy of the project, and the entities a newcomer adds to it."""

import os
import shutil

from tests.support import ready
from tests.support.databases import ROOT

MODEL = '''"""Inspections of a site."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped

from models.core.base import Model
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped


class Inspection(Model, {mixins}):
    """One inspection."""

    __tablename__ = "inspection"
    __noun__ = "inspection"
    __caption__ = _("巡检")
    __entity__ = Entity(section="records")

    name: Mapped[str | None] = field(_("名称"), sa.String(60), required=True, listed=True)
    level: Mapped[int | None] = field(_("等级"), sa.Integer, controlled=True)
    status: Mapped[str | None] = field(_("状况"), sa.String(20), controlled=True)
    technical_id: Mapped[int | None] = field(_("专家"), sa.ForeignKey("user_account.id"))
'''
MIXINS = "Stamped, Owned, Reviewed, SoftDeleted"
# The whole of it: approval, numbers, tags, files, import, export, search, audit, sight.
COMPETITOR = '''"""Competitors: who else courts a customer."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, relationship

from models.core.base import Model
from models.customers.customer import Customer
from models.core.entity import Entity
from models.core.field import field
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped
from models.bulk.tag import Tagged


class Competitor(Model, Stamped, Owned, Reviewed, SoftDeleted, Tagged):
    """A company that courts the same customer."""

    __tablename__ = "competitor"
    __noun__ = "competitor"
    __caption__ = _("竞争对手")
    __entity__ = Entity(
        icon="target",
        section="records",
        traits="searchable attachable importable linked lookup large moves",
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
# A customer, a tree of itself, two tables of lines, and nobody's rules.
SITE = '''"""Sites."""

import sqlalchemy as sa
from flask_babel import lazy_gettext as _
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.core.base import Model
from models.customers.customer import Customer
from models.core.entity import Entity
from models.core.field import field
from models.core.line import ProductLine, line_checks
from models.core.mixins import Owned, Reviewed, SoftDeleted, Stamped


class SiteLine(Model, ProductLine):
    """A product at a site."""

    __tablename__ = "site_line"
    __noun__ = "siteline"
    __caption__ = _("现场产品")
    __table_args__ = line_checks()
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"), nullable=False, index=True)
    site: Mapped["Site"] = relationship(back_populates="lines")


class SiteThing(Model):
    """A thing at a site."""

    __tablename__ = "site_thing"
    __noun__ = "sitething"
    __caption__ = _("物件")
    ordinal: Mapped[int] = field(_("序号"), sa.Integer, nullable=False, default=1, form=False)
    what: Mapped[str | None] = field(_("何物"), sa.String(40), required=True)
    many: Mapped[int | None] = field(_("几个"), sa.Integer)
    site_id: Mapped[int] = mapped_column(sa.ForeignKey("site.id"), nullable=False, index=True)
    site: Mapped["Site"] = relationship(back_populates="things")


class Site(Model, Stamped, Owned, Reviewed, SoftDeleted):
    """A place of a customer."""

    __tablename__ = "site"
    __noun__ = "site"
    __caption__ = _("现场")
    __entity__ = Entity(
        section="progress",
        traits="linked lookup",
        grants={"office": "create edit submit", "sales": "create edit_own submit"},
        called=("title",),
    )
    __lines__ = ("lines", "things")
    title: Mapped[str | None] = field(_("标题"), sa.String(60), required=True, listed=True)
    customer_id: Mapped[int | None] = field(_("客户"), sa.ForeignKey("customer.id"), listed=True)
    parent_id: Mapped[int | None] = field(_("上级"), sa.ForeignKey("site.id"), filter=True)
    customer: Mapped[Customer | None] = relationship()
    parent: Mapped["Site | None"] = relationship(remote_side="Site.id")
    lines: Mapped[list[SiteLine]] = relationship(
        back_populates="site", cascade="all, delete-orphan", info={"caption": _("产品明细")}
    )
    things: Mapped[list[SiteThing]] = relationship(
        back_populates="site", cascade="all, delete-orphan", info={"caption": _("物件")}
    )
'''
WEBSITE = '    website: Mapped[str | None] = field(_("网址"), sa.String(200), search=True)\n'
# What `flask db` does, word by word, in one process: each start would cost what all of them do.
MIGRATE = """
import flask_migrate, admin_app
with admin_app.create_app().app_context():
    flask_migrate.upgrade()
    flask_migrate.migrate(message="declared")
    flask_migrate.upgrade()
    flask_migrate.check()
"""
COPIED = "cli dashboards jobs mappings migrations models seed services static templates views tests"


class Project:
    """A copy of the project, and what a newcomer does in it."""

    def __init__(self, root):
        self.root, self.declared = root, []
        for name in COPIED.split():
            shutil.copytree(ROOT / name, root / name)  # with what is compiled already
        shutil.copytree(ROOT / "translations", root / "translations")
        for name in ("admin_app.py", "pyproject.toml"):
            shutil.copy(ROOT / name, root / name)

    def declare(self, name, model):
        """Write a model file, which is all a newcomer has to; return how many lines it has."""
        file = self.root / f"models/customers/{name.lower()}.py"
        file.write_text(model, encoding="utf-8")
        self.declared.append(file)
        return len(model.splitlines())

    def forget(self):
        """Take the declared models away again."""
        while self.declared:
            file = self.declared.pop()
            for left in (file, *file.parent.glob(f"__pycache__/{file.stem}.*")):
                left.unlink()

    def run(self, *command, url=""):
        """Return (status, stdout, stderr) of `python COMMAND` in the copy."""
        environment = os.environ | {"TCOS_DATABASE_URL": url, "TCOS_ENV": "test"}
        return ready.LIBRARIES.run(command, cwd=self.root, environment=environment)

    def flask(self, *words, url):
        return self.run("-m", "flask", "--app", "admin_app", *words, url=url)

    def migrate(self, url):
        """Bring the database up to what is declared, by a migration nobody has touched."""
        status, _out, error = self.run("-c", MIGRATE, url=url)
        assert status == 0, error


def add(path, before, text):
    """Put a line before the first one that begins so."""
    whole = path.read_text(encoding="utf-8")
    assert before in whole
    path.write_text(whole.replace(before, text + before, 1), encoding="utf-8")
