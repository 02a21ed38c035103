"""The composition root: `create_app()` puts the parts together, the CLI hangs on it."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, redirect
from flask_migrate import Migrate
from werkzeug.wrappers import Response

from cli import COMMANDS
from jobs.queue import init_jobs
from models.core.base import db
from services.approval.request import reassign
from services.deals.lifecycle import states
from services.rights import gate
from services.schema.declared import refuse_incomplete
from views import access, first_run
from views.account import passkeys, sso
from views.admin import make_admin
from views.cockpit import stop
from views.enquiry import public
from views.form import choices, draft_doors
from views.portrait import push_stop
from views.render import template
from views.sales import calendar
from views.setup import health, logs, metrics, production, proxies, reporting, statics
from views.setup.config import ROOT, load_config
from views.web import errors, headers, i18n, idempotency, reentry, security, throttle, traces
from views.web.drafts import init_drafts
from views.web.edge import init_edge
from views.web.in_place import init_in_place


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Return the application; `overrides` go over the configuration of the environment."""
    app = Flask(
        "admin_app",
        root_path=str(ROOT),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.config.update(load_config(overrides))
    db.init_app(app)
    production.refuse_unsafe(app)
    gate.install(db.session)
    reassign.install(db.session)
    states.install(db.session)
    init_jobs(app, db.session)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    reporting.init_reporting(app.config["TCOS_ENV"])
    logs.init_logs(app)  # before all: its line tells what they answered
    metrics.init_metrics(app)
    init_in_place(app)  # first: its hook has the last word
    traces.init_traces(app)  # before the edge: its answers are traced once they are committed
    init_drafts(app)  # so is a draft dropped: once its form is saved
    init_edge(app)
    statics.init_statics(app)
    headers.init_headers(app)
    errors.init_errors(app)
    i18n.init_i18n(app)
    security.init_security(app)
    throttle.init_throttle(app)
    reentry.init_reentry(app)
    idempotency.init_idempotency(app)
    health.init_health(app)
    proxies.init_proxies(app)
    app.register_blueprint(public.pages)
    app.register_blueprint(access.pages)
    app.register_blueprint(passkeys.pages)
    sso.init_sso(app)
    app.register_blueprint(first_run.pages)
    app.register_blueprint(stop.pages)
    app.register_blueprint(push_stop.pages)
    app.register_blueprint(calendar.pages)
    app.register_blueprint(draft_doors.pages)
    template.init_template(app)
    choices.init_choices(app)
    refuse_incomplete()
    make_admin(app)
    app.add_url_rule("/", "root", _root)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


def _root() -> Response:
    return redirect("/admin/")
