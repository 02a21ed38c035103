"""All that match, however many: frozen in a job, done by the worker, told item by item."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.bulk.batch import BatchItem, BatchVerb
from models.bulk.tag import Tag, Tagging
from models.core.base import db
from models.core.mixins import Approval
from models.customers.customer import Customer, Level
from models.delivery.outbox import Outbox
from models.people.user import User
from services.bulk import jobs, runner
from services.core.errors import Refused
from services.records import records
from tests.support.crowd import crowd, worked
from tests.support.visitors import Visitors
from tests.support.world import World

ACTION = "/admin/customer/action/"
EVERY = {"everything": "1", "match": "search=光谷"}


@pytest.fixture
def low(monkeypatch):
    """Limits of a handful, so that every verb can be tried beyond them."""
    monkeypatch.setattr("views.grid.selection.FEW", 3)
    monkeypatch.setattr("services.bulk.runner.AT_ONCE", 3)
    monkeypatch.setattr("services.bulk.doers.SINGLY", 2)


def hidden(page):
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def confirmed(visitors, who, **form):
    """Choose all that match, say yes on the page that asks, return the answer."""
    page = visitors.post(who, ACTION, EVERY | form).get_data(as_text=True)
    assert 'name="job"' in page, page[-3000:]
    answer = visitors.post(who, ACTION, form | hidden(page))
    assert answer.status_code == 303, answer.get_data(as_text=True)[-3000:]
    return answer


def customers(app, what):
    with World(app) as world:
        query = sa.select(what).where(Customer.company.contains("光谷"))
        return list(world.session.scalars(query.order_by(Customer.id)))


def results(visitors, who, address):
    """Return the lines of the result's download without its head."""
    number = re.search(r"id=(\d+)", address)[1]
    text = visitors.get(who, f"/admin/batch/result.csv?id={number}").get_data(as_text=True)
    return text.strip().split("\r\n")[1:]


def test_more_than_a_page_carries_are_frozen_done_by_the_worker_and_told(app):
    with World(app) as world:
        first = crowd(world, 1100, company="光谷")
    visitors = Visitors(app)
    form = EVERY | {"action": "edit", "field": "level", "value": "c", "next": "/admin/customer/"}
    page = visitors.post("sales", ACTION, form).get_data(as_text=True)
    with World(app) as world:
        world.customer("sales", company="光谷迟到")
        with world.acting("sales"):
            record = world.get(Customer, first)
            records.update(world.call, record, {"remark": "x"}, seen=None)

    assert "修改字段：共 1100 条记录" in page
    assert len(page) < 50_000
    answer = visitors.post("sales", ACTION, hidden(page))
    waiting = visitors.get("sales", answer.location)
    assert waiting.headers["Refresh"]
    assert '<progress max="1100" value="0"' in waiting.get_data(as_text=True)
    assert set(customers(app, Customer.level)) == {Level.a}
    again = visitors.post("sales", ACTION, hidden(page))
    assert again.location == answer.location

    assert worked(app) == 1
    assert customers(app, Customer.level)[1:-1] == [Level.c] * 1099
    assert customers(app, Customer.level)[0] is customers(app, Customer.level)[-1] is Level.a
    done = visitors.get("sales", answer.location)
    assert "Refresh" not in done.headers
    assert "成功 1099 · 失败 1" in done.get_data(as_text=True)
    lines = results(visitors, "sales", answer.location)
    assert len(lines) == 1100
    assert [line for line in lines if "CONTENT_CHANGED" in line] == [lines[0]]
    assert "批量修改 1099/1100" in visitors.get("sales", "/admin/notice/").get_data(as_text=True)

    key = re.search(r"id=(\d+)", answer.location)[1]
    visitors.post("sales", "/admin/batch/retry/", {"id": key})
    assert customers(app, Customer.level)[0] is Level.c


@pytest.mark.usefixtures("low")
def test_a_page_says_so_when_no_worker_comes(app):
    with World(app) as world:
        crowd(world, 5, company="光谷")
    visitors = Visitors(app)
    place = confirmed(visitors, "sales", action="edit", field="level", value="c").location
    assert "没有进展" not in visitors.get("sales", place).get_data(as_text=True)

    box = Outbox.__table__
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(sa.update(box).values(next_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)))

    assert "没有进展" in visitors.get("sales", place).get_data(as_text=True)
    assert worked(app) == 1
    assert "没有进展" not in visitors.get("sales", place).get_data(as_text=True)


@pytest.mark.usefixtures("low")
def test_a_wide_deletion_is_taken_back_from_its_result(app):
    with World(app) as world:
        crowd(world, 12, company="光谷")
    visitors = Visitors(app)

    answer = confirmed(visitors, "sales", action="delete")
    worked(app)
    assert customers(app, Customer.deleted_at).count(None) == 0
    key = re.search(r"id=(\d+)", answer.location)[1]
    page = visitors.get("sales", answer.location).get_data(as_text=True)
    assert "撤销删除" in page
    assert page.count('name="rowid"') == 0
    back = visitors.post("sales", "/admin/batch/undo/", {"id": key})
    worked(app)

    assert customers(app, Customer.deleted_at) == [None] * 12
    lines = results(visitors, "sales", back.location)
    assert [line.split(",")[1] for line in lines] == ["成功"] * 12
    stranger = visitors.post("sales2", "/admin/batch/undo/", {"id": key})
    assert stranger.status_code == 404


@pytest.mark.usefixtures("low")
def test_every_verb_goes_beyond_the_limit(app):
    with World(app) as world:
        for n in range(5):
            world.customer("sales", company=f"光谷{n}")
        with world.acting("admin"):
            world.create(Tag, name="重点")
        other = world.id_of("sales2")
    visitors = Visitors(app)

    def done(who, action, **form):
        answer = confirmed(visitors, who, action=action, **form)
        assert worked(app) == 1
        lines = results(visitors, who, answer.location)
        assert [line.split(",")[1] for line in lines] == ["成功"] * 5, action

    done("sales", "tag", tags="重点")
    assert tagged(app) == 5
    done("sales", "untag", tags="重点")
    assert tagged(app) == 0
    done("sales", "submit")
    done("reviewer", "reject", comment="资料不全")
    assert set(customers(app, Customer.approval)) == {Approval.rejected}
    done("sales", "submit")
    done("reviewer", "approve")
    assert set(customers(app, Customer.approval)) == {Approval.approved}
    done("manager", "assign", to_id=other, comment="换人")
    assert set(customers(app, Customer.owner_id)) == {other}
    done("admin", "handover", people=other - 1)
    assert set(customers(app, Customer.owner_id)) == {other - 1}


def tagged(app):
    with World(app) as world:
        return world.session.scalar(sa.select(sa.func.count(Tagging.id)))


@pytest.mark.usefixtures("low")
def test_a_frozen_job_is_its_persons_and_of_the_verb_that_was_asked(lite):
    with World(lite) as world:
        for n in range(5):
            world.customer("sales", company=f"光谷{n}")
    visitors = Visitors(lite)
    page = visitors.post("sales", ACTION, EVERY | {"action": "delete"}).get_data(as_text=True)
    job = hidden(page)["job"]

    for who, form, status in (
        ("sales", {"action": "tag", "tags": "x", "job": job, "sure": "1"}, 422),
        ("office", {"action": "delete", "job": job, "sure": "1"}, 404),
        ("sales", {"action": "delete", "job": "9" * 12, "sure": "1"}, 404),
        ("sales", {"action": "delete", "job": "", "sure": "1"}, 404),
    ):
        assert visitors.post(who, ACTION, form).status_code == status, form
    run = visitors.post("sales", "/admin/batch/run/", {"id": job})
    assert run.status_code == 409  # nobody said yes
    assert customers(lite, Customer.deleted_at) == [None] * 5


@pytest.mark.usefixtures("low")
def test_what_a_confirmed_page_lacks_is_asked_for_on_the_same_page(lite):
    with World(lite) as world:
        for n in range(5):
            world.customer("sales", company=f"光谷{n}")
    visitors = Visitors(lite)
    page = visitors.post("sales", ACTION, EVERY | {"action": "tag"}).get_data(as_text=True)

    answer = visitors.post("sales", ACTION, hidden(page) | {"tags": "没有的"})

    assert answer.status_code == 422
    assert hidden(answer.get_data(as_text=True))["job"] == hidden(page)["job"]
    none = visitors.post("admin", ACTION, EVERY | {"action": "approve"})
    assert none.status_code == 422  # none of them is in approval


def test_what_was_never_confirmed_is_forgotten_after_a_week(world):
    key = world.customer("sales")
    task = jobs.Task(BatchVerb.delete, "customer", arguments=None)
    with world.acting("sales"):
        job = jobs.open_job(world.call, task)
        jobs.add(world.session, job, [(key, 1)])
        with pytest.raises(Refused):
            runner.start(world.call, job)
    with world.acting("sales"):
        runner.perform(world.call, jobs.Task(BatchVerb.delete, "customer"), [])  # fmt: skip
    week = jobs.KEPT

    world.be("admin")
    assert jobs.prune(world.session, now=world.now + week) == 0
    assert jobs.prune(world.session, now=world.now + 2 * week) == 1
    assert world.session.scalar(sa.select(sa.func.count()).select_from(jobs.ITEM)) == 0


@pytest.mark.usefixtures("low")
def test_whoever_lost_the_right_meanwhile_changes_nothing(world):
    keys = [world.approved("sales") for _n in range(4)]
    with world.acting("manager"):
        task = jobs.Task(
            BatchVerb.assign, "customer", arguments={"to_id": world.id_of("sales2"), "note": None}
        )
        job = jobs.open_job(world.call, task)
        jobs.add(world.session, job, [(key, None) for key in keys])
        assert not runner.start(world.call, job)
        number = job.id
    with world.acting("admin"):
        world.session.get_one(User, world.id_of("manager")).roles = []
    app = world.app
    world.__exit__()
    worked(app)
    world.__enter__()

    codes = sa.select(BatchItem.code).where(BatchItem.job_id == number)
    assert set(world.session.scalars(codes)) == {"FORBIDDEN"}
