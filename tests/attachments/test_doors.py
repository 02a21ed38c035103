"""Who sees the record downloads, who may edit it adds and removes; a pending one is locked."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.core.base import db
from models.customers.customer import Customer
from models.delivery.attachment import Attachment
from models.rights.audit import AuditLog
from models.sales.follow_up import FollowUp, Origin
from services.core.errors import Forbidden, Locked
from services.customers import merge as merging
from services.delivery import attachment
from services.delivery.filetypes import KINDS
from services.records import records
from services.rights.call import Call
from tests.support import clock
from tests.support.page import tight
from tests.support.uploads import GOOD, PDF, Desk
from tests.support.world import World, dump

NOUNS = ("customer", "opportunity", "followup", "contract")


def rows(app):
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(sa.select(Attachment.__table__).order_by("id")).all()


def audited(app, action):
    log = AuditLog.__table__
    query = sa.select(log.c.label, log.c.actor_id).where(
        log.c.noun == "attachment", log.c.action == action
    )
    with app.app_context(), db.engine.connect() as connection:
        return connection.execute(query).all()


@pytest.mark.parametrize("noun", NOUNS)
def test_a_file_goes_up_shows_comes_down_and_goes(app, records, noun):
    desk, key = Desk(app, "sales"), records[noun]
    name = "合同 “终稿”.pdf"

    up = desk.attach(noun, key, name)
    page = tight(desk.page(noun, key))
    (row,) = rows(app)
    down = desk.download(noun, row.id)
    gone = desk.detach(noun, row.id)

    assert (up.status_code, gone.status_code) == (303, 303)
    assert up.location == gone.location == f"/admin/{noun}/details/?id={key}#files"
    assert f">{name}</a>" in page
    assert f"{len(PDF)} B" in page
    assert (row.name, row.size, row.mime) == (name, len(PDF), "application/pdf")
    assert down.data == PDF
    assert f">{name}</a>" not in tight(desk.page(noun, key))
    assert desk.download(noun, row.id).status_code == 404
    assert rows(app)[0].deleted_at is not None
    for action in ("create", "export", "delete"):
        assert [label for label, actor in audited(app, action) if actor] == [name]


def test_a_download_is_never_shown_by_the_browser_and_its_name_breaks_no_header(lite, few):
    desk = Desk(lite, "sales")
    names = ["合同; filename=x.html;.pdf", "a'b%0d%0aX: y.pdf", "plain.pdf", "Ünï😀.pdf"]
    for name in names:
        assert desk.attach("contract", few["contract"], name).status_code == 303

    for row in rows(lite):
        head = desk.download("contract", row.id).headers
        assert head["Content-Disposition"].startswith("attachment;")
        assert head["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert head["X-Content-Type-Options"] == "nosniff"
        assert head["Cache-Control"] == "private, no-store"
        assert head["Content-Type"] == "application/pdf"
        assert "X" not in head
        if row.name.startswith("合同"):
            assert (
                "filename*=UTF-8''%E5%90%88%E5%90%8C%3B%20filename" in head["Content-Disposition"]
            )


def test_strangers_get_404_by_every_door_and_nothing_changes(app, records):
    desk, stranger = Desk(app, "sales"), Desk(app, "sales2")
    for noun in NOUNS:
        assert desk.attach(noun, records[noun], f"{noun}机密.pdf").status_code == 303
    desk.page("customer", records["customer"])  # shows what it was told of its uploads
    before, wrong = dump(app), []

    for row in rows(app):
        for noun in NOUNS:
            answers = [stranger.download(noun, row.id), stranger.detach(noun, row.id)]
            answers.append(stranger.attach(noun, records[noun]))
            if noun != row.noun:  # the owner, but through another kind's door
                answers += [desk.download(noun, row.id), desk.detach(noun, row.id)]
            wrong += [(row.noun, noun, a.status_code) for a in answers if a.status_code != 404]
            wrong += [row.name for a in answers if row.name in a.get_data(as_text=True)]

    assert wrong == []
    assert dump(app) == before


def test_who_only_reads_downloads_but_adds_and_removes_nothing(app, records):
    assert Desk(app, "sales").attach("contract", records["contract"]).status_code == 303
    (row,) = rows(app)
    for who in ("finance", "analyst", "reviewer"):
        desk = Desk(app, who)
        assert desk.download("contract", row.id).data == PDF
        assert desk.attach("contract", records["contract"]).status_code == 403
        assert desk.detach("contract", row.id).status_code == 403
        page = desk.page("contract", records["contract"])
        assert row.name in page
        assert "/attach/" not in page
        assert "/detach/" not in page
    assert len(rows(app)) == 1
    assert rows(app)[0].deleted_at is None


def test_a_visitor_gets_the_login(lite, few):
    client = lite.test_client()

    answer = client.get("/admin/contract/attachment/?id=1")

    assert answer.location.startswith("/login")


def test_junk_keys_are_404(lite, few):
    desk = Desk(lite, "sales")
    for key in ("", "x", "-1", "0", "1e9", "9" * 21, "1%00"):
        assert desk.download("contract", key).status_code == 404
        assert desk.detach("contract", key).status_code == 404
        assert desk.attach("contract", key).status_code == 404


@pytest.mark.parametrize("noun", ["customer", "opportunity", "contract"])
def test_a_pending_record_s_files_are_locked_for_everybody(app, noun):
    model = attachment.PARENTS[noun]
    with World(app) as world:
        key = world.customer()
        if noun != "customer":
            world.approved(key=key)
            key = getattr(world, noun)(key)
    desk = Desk(app, "sales")
    assert desk.attach(noun, key, "先传.pdf").status_code == 303
    with World(app) as world:
        world.submitted(model=model, key=key)
    (row,) = rows(app)

    for who in ("sales", "admin"):
        other = Desk(app, who)
        assert other.attach(noun, key, "后传.pdf").status_code == 409
        assert other.detach(noun, row.id).status_code == 409
        assert other.download(noun, row.id).status_code == 200
        assert "/attach/" not in other.page(noun, key)

    reviewer = Desk(app, "reviewer")  # who decides reads what was submitted
    assert reviewer.download(noun, row.id).data == PDF
    assert reviewer.attach(noun, key).status_code == 403
    assert Desk(app, "sales2").download(noun, row.id).status_code == 404
    assert rows(app) == [row]


def test_the_database_itself_refuses_files_of_a_pending_record(app):
    with World(app) as world:
        key, _request = world.submitted()
    table = Attachment.__table__
    values = {"noun": "customer", "record_id": key, "name": "a.pdf", "size": 1, "sha256": "0" * 64}
    values |= {"mime": "application/pdf", "at": clock.now()}

    with (
        app.app_context(),
        pytest.raises(sa.exc.IntegrityError, match="record_is_pending"),
        db.engine.begin() as connection,
    ):
        connection.execute(sa.insert(table).values(values))


def test_no_service_means_no_row(world):
    key = world.approved()
    file = {"name": "a.pdf", "size": 1, "sha256": "0" * 64, "mime": "application/pdf"}
    world.be("admin")
    world.session.add(Attachment(noun="customer", record_id=key, at=world.now, **file))

    with pytest.raises(Forbidden):
        world.session.flush()


def test_a_follow_up_is_closed_to_files_after_a_day_and_approval_s_own_always(small):
    key = small.approved()
    with small.acting("sales"):
        follow = small.create(FollowUp, customer_id=key, content="谈了交期").id
    small.be("sales")
    mine = small.get(FollowUp, follow)
    system = small.session.scalar(sa.select(FollowUp).where(FollowUp.origin == Origin.approval))

    key_of_system = system.id

    def is_open(record, now):
        return attachment.is_open(Call(small.session, small.actor, now), record)

    assert is_open(mine, small.now)
    assert not is_open(mine, small.now + dt.timedelta(hours=25))
    assert not is_open(system, small.now)
    admin = small.be("admin")
    system = small.get(FollowUp, key_of_system)
    with pytest.raises(Locked):
        records.remove(Call(small.session, admin, small.now), system, seen=None)


def test_files_go_with_their_record_into_the_bin(app, records):
    desk = Desk(app, "sales")
    with World(app) as world:
        draft = world.customer()
    assert desk.attach("customer", draft).status_code == 303
    (row,) = rows(app)
    with World(app) as world, world.acting("sales"):
        found = world.get(Customer, draft)
        found.deleted_at = world.now

    assert desk.download("customer", row.id).status_code == 404
    assert desk.detach("customer", row.id).status_code == 404


def test_a_merge_takes_the_files_along_and_its_undo_brings_them_back(app, records):
    with World(app) as world:
        other = world.approved(company="宜昌三峡机械有限公司")
    desk = Desk(app, "sales")
    assert desk.attach("customer", other, "执照.pdf").status_code == 303
    kept = records["customer"]

    with World(app) as world, world.acting("office"):
        plan = merging.plan(world.session, kept, other, {}, by=world.actor)
        seen = (plan.kept.row_version, plan.dropped.row_version)
        done = merging.merge(world.call, plan, seen=seen).id
    merged = rows(app)[0].record_id
    with World(app) as world, world.acting("office"):
        merging.undo(world.call, done)

    assert merged == kept
    assert rows(app)[0].record_id == other


def test_every_kind_is_offered_by_the_file_dialogue_and_the_form_needs_no_script(lite, few):
    page = Desk(lite, "sales").page("contract", few["contract"])

    assert 'enctype="multipart/form-data"' in page
    assert all(f".{name}" in page for name in KINDS)
    assert {name.rsplit(".", 1)[1].lower() for name in GOOD} <= set(KINDS)


def test_the_customer_s_whole_page_shows_the_files_of_everything_beneath_it(app, records):
    desk = Desk(app, "sales")
    names = {noun: f"{noun}的文件.pdf" for noun in NOUNS}
    address = f"/admin/customer/360/?id={records['customer']}&tab=files"
    answers = [desk.attach(noun, records[noun], names[noun], next=address) for noun in NOUNS]
    page = tight(desk.client.get(address).text)

    assert {answer.location for answer in answers} == {address}
    assert all(f">{name}</a>" in page for name in names.values())
    for row in rows(app):
        assert f"/admin/{row.noun}/attachment/?id={row.id}" in page
    assert Desk(app, "sales2").client.get(address).status_code == 404
