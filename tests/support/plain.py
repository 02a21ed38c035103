"""A plain Flask-Admin application: what an attack does where nothing closes the doors."""

import contextlib
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from flask_admin import Admin
from flask_admin.contrib.sqla import ModelView
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy


class Plain:
    """One table of things behind one ModelView with the given attributes; `tell` reads it."""

    def __init__(self, url, base=ModelView, *, babel=True, **attributes):
        self.app = Flask("plain", root_path=str(Path(__file__).parent))
        self.app.config.update(
            SECRET_KEY="x" * 40, SQLALCHEMY_DATABASE_URI=url, PROPAGATE_EXCEPTIONS=False
        )
        if babel:
            Babel(self.app)
        db = SQLAlchemy(self.app)

        class Thing(db.Model):
            id = sa.Column(sa.Integer, primary_key=True)
            name = sa.Column(sa.String(80), unique=True)
            owner = sa.Column(sa.String(20), default="mine")
            secret = sa.Column(sa.String(80), default="s3cret")
            parent_id = sa.Column(sa.Integer, sa.ForeignKey("thing.id"))
            parent = sa.orm.relationship("Thing", remote_side="Thing.id")

            def __str__(self):
                return self.name

        self.db, self.thing = db, Thing
        if "form_ajax_refs" not in attributes:
            attributes |= {"form_excluded_columns": ["parent"]}
        columns = {"column_list": ["name", "owner", "secret"]}
        view = type("View", (base,), {**columns, **attributes})
        self.view = view(Thing, db)
        Admin(self.app, name="plain").add_view(self.view)
        with self.app.app_context():
            db.drop_all()
            db.create_all()
            db.session.add_all([Thing(name="first"), Thing(name="=1+1", owner="theirs")])
            db.session.commit()
        self.client = self.app.test_client()

    def tell(self):
        """Return {id: (name, owner, secret)}."""
        table = self.thing.__table__
        with self.app.app_context():
            rows = self.db.session.execute(sa.select(table)).all()
            return {row.id: (row.name, row.owner, row.secret) for row in rows}

    def close(self):
        with self.app.app_context():
            self.db.drop_all()
            self.db.engine.dispose()


@contextlib.contextmanager
def plain(url="sqlite://", base=ModelView, **attributes):
    """Yield a plain application on a database of its own."""
    found = Plain(url, base, **attributes)
    try:
        yield found
    finally:
        found.close()


class Scoped(ModelView):
    """Scoped the documented way: the list shows only what is mine."""

    def get_query(self):
        return super().get_query().filter(self.model.owner == "mine")

    def get_count_query(self):
        return super().get_count_query().filter(self.model.owner == "mine")
