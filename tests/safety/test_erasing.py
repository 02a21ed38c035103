"""An erased person is nowhere any more; the audit log proves itself, no backup undoes it."""

import datetime as dt
import json
import os
import re

import pytest
import sqlalchemy as sa

from jobs import schedules
from models.core.base import Model, db
from models.customers.contact import Contact
from models.delivery.attachment import Attachment
from models.delivery.notification import Notification
from models.importing.import_job import ImportJob, ImportProblem
from models.records.form_draft import FormDraft
from models.rights.audit import AuditAction, AuditLog
from models.sales.follow_up import FollowUp, FollowUpKind
from models.sales.opportunity import Opportunity
from services.approval import comment
from services.core import settings
from services.core.errors import Forbidden, Locked
from services.rights import traces
from services.trail import erasing, erasures, retention
from tests.cli.test_backup import TOOLS
from tests.support.visitors import Visitors
from tests.support.world import World

NAME, MOBILE, MAIL, WECHAT = "欧阳可忘", "13712345678", "forget.me@beispiel.cn", "ouyang_forget"
PERSONAL = (NAME, MOBILE, MAIL, WECHAT, json.dumps(NAME)[1:-1], "5678", "137****5678")


@pytest.fixture
def tools(monkeypatch):
    monkeypatch.setenv("PATH", f"{TOOLS}{os.pathsep}{os.environ['PATH']}")


def texts(app):
    """Yield (table, text) of every row of every table."""
    with app.app_context(), db.engine.connect() as connection:
        for name, table in Model.metadata.tables.items():
            for row in connection.exec_driver_sql(f'SELECT * FROM "{table.name}"'):
                yield name, " ".join(map(str, row))


def found(app, words=PERSONAL):
    # Four digits stand in digests and microseconds by chance: they count where they stand alone.
    alone = {w: re.compile(rf"(?<![0-9a-f]){re.escape(w)}(?![0-9a-f])") for w in words}
    return {(name, w) for name, text in texts(app) for w in words if alone[w].search(text)}


@pytest.fixture
def known(app, tmp_path):
    """A person whom the company knows by every door; returns (app, contact, customer)."""
    app.config["TCOS_INSTANCE"] = str(tmp_path)
    with World(app) as world:
        values = {"primary.wechat": WECHAT, "primary.email": MAIL}
        named = {"primary.name": NAME, "primary.mobile": MOBILE}
        customer, request = world.submitted("sales", company="武汉遗忘有限公司", **named, **values)
        with world.acting("reviewer"):
            comment(world.call, request, text=f"请核对 {MOBILE}")
        world.decided(request, comment=f"已致电 {MOBILE}")
        with world.acting("sales"):
            kind = FollowUpKind.call
            content = f"{NAME}说下周来电，微信 {WECHAT}"
            world.create(FollowUp, customer_id=customer, kind=kind, content=content)
            contact = world.session.scalar(
                sa.select(Contact.id).where(Contact.customer_id == customer)
            )
        _copies(world, customer)
    with app.app_context():
        told = {"changes": {"url": [None, f"/admin/contact/?search={MOBILE}"]}, "actor_id": 1}
        row = traces.trace(AuditAction.export, "contact", "联系人", **told)
        traces.note(db.engine, row, now=world.now)
    schedules.chained(app)
    return app, contact, customer


def _copies(world, customer):
    """Leave the person where files, drafts and views keep what was typed."""
    with world.acting(erasures.SYSTEM):
        me, now, digest = world.id_of("sales"), world.now, "0" * 64
        job = ImportJob(
            file_name="a.csv", digest=digest, mapping="", at=now, actor_id=me, counts={}
        )
        problem = {"line": 2, "column": "手机", "value": MOBILE, "code": "x", "reason": "重复"}
        job.problems.append(ImportProblem(**problem))
        draft = {"name": NAME, "mobile": MOBILE}
        world.session.add_all([
            job,
            FormDraft(user_id=me, form="/admin/contact/new/", tab="t", content=draft, at=now),
            Attachment(
                noun="customer", record_id=customer, name=f"名片-{NAME}.jpg", size=1,
                sha256=digest, mime="image/jpeg", uploader_id=me, at=now,
            ),
        ])  # fmt: skip


def test_what_is_known_of_a_person_goes_everywhere_and_the_log_still_proves_itself(known):
    app, contact, customer = known
    tables = {name for name, _word in found(app)}
    assert {
        "contact", "approval_request", "approval_event", "audit_log", "follow_up", "form_draft",
        "import_problem", "attachment",
    } <= tables  # fmt: skip

    done = app.test_cli_runner().invoke(args=["erase-person", str(contact), "--yes"])

    assert done.exit_code == 0, done.output
    assert found(app) == set()
    proved = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert proved.exit_code == 0, proved.output
    with World(app) as world:
        assert world.get(Contact, contact).name == erasing.GONE
        assert world.get(Contact, contact).customer_id == customer
        request = world.session.execute(
            sa.text("SELECT payload_hash FROM approval_request WHERE customer_id = :key"),
            {"key": customer},
        ).scalar_one()
        assert len(request) == 64
        last = sa.select(AuditLog).where(AuditLog.action == AuditAction.erase)
        assert world.session.scalars(last).one().record_id == contact


def test_other_people_stay_known(known):
    app, contact, _customer = known
    with World(app) as world:
        other = world.customer("sales2", **{"primary.name": NAME, "primary.mobile": "13600000001"})

    app.test_cli_runner().invoke(args=["erase-person", str(contact), "--yes"])

    with World(app) as world:
        namesake = world.session.scalar(sa.select(Contact).where(Contact.customer_id == other))
        assert (namesake.name, namesake.mobile) == (NAME, "13600000001")


def test_search_finds_an_erased_person_no_more(known):
    app, contact, _customer = known
    site = Visitors(app)
    address = f"/admin/contact/?search={MOBILE[-4:]}"
    assert NAME in site.get("admin", address).get_data(as_text=True)

    site.post("admin", "/admin/contact/erase/", {"id": contact})

    for word in (MOBILE[-4:], NAME, MAIL):
        page = site.get("admin", f"/admin/contact/?search={word}").get_data(as_text=True)
        assert f"id={contact}" not in page


def test_a_backup_of_before_forgets_the_person_again(known, tools, tmp_path):
    app, contact, _customer = known
    run = app.test_cli_runner()
    assert run.invoke(args=["backup", str(tmp_path / "copy")]).exit_code == 0
    assert run.invoke(args=["erase-person", str(contact), "--yes"]).exit_code == 0

    back = run.invoke(args=["restore", str(tmp_path / "copy"), "--yes"])

    assert back.exit_code == 0, back.output
    assert "1 people erased since that backup" in back.output
    assert found(app) == set()
    assert run.invoke(args=["audit", "verify"]).exit_code == 0


def test_a_pending_document_is_decided_first_and_nobody_else_may(known):
    app, contact, customer = known
    with World(app) as world:
        world.be("sales")
        with pytest.raises(Forbidden):
            erasing.erase(world.call, contact)
        world.be("sales")
        world.submitted("sales", Opportunity, world.opportunity(customer))
        world.be("admin")
        with pytest.raises(Locked):
            erasing.erase(world.call, contact)
    assert Visitors(app).post("sales", "/admin/contact/erase/", {"id": contact}).status_code == 403
    refused = app.test_cli_runner().invoke(args=["erase-person", "999999", "--yes"])
    assert refused.exit_code == 1
    assert ("contact", NAME) in found(app)


def test_what_is_kept_for_a_time_goes_when_the_setting_says_so(app):
    with World(app) as world:
        world.approved("sales")
        _copies(world, world.customer("sales"))
        with world.acting("sales"):
            notice = sa.update(Notification.__table__).values(read_at=world.now)
            world.session.connection().execute(notice)
        later = world.now + dt.timedelta(days=91)
        kinds = (Notification, ImportProblem, ImportJob)
        before = [world.session.scalar(sa.select(sa.func.count(k.id))) for k in kinds]
        world.be(erasures.SYSTEM)
        values = {"keep.notices_days": "90", "keep.problems_days": "90"}
        settings.save_settings(world.session, values)

        assert retention.prune(world.session, now=world.now) == 0
        assert retention.prune(world.session, now=later) > 0

        after = [world.session.scalar(sa.select(sa.func.count(k.id))) for k in kinds]
        assert before[0] > after[0] == 0
        assert (after[1], after[2]) == (0, before[2])
