"""A limit of a number: told once a crossing, by bell and mail, in the scope of who set it."""

import datetime as dt

import pytest
import sqlalchemy as sa

from dashboards.core.columns import TableColumn
from dashboards.kept import watch
from jobs import deliver, summaries
from models.delivery.notification import NoticeKind, Notification
from models.query.saved_view import SavedView
from models.query.view_alert import ViewAlert
from services.core.days import ZONE
from services.core.errors import Invalid
from tests.jobs.test_view_mail import PAGE, view
from tests.jobs.test_worker import mailbox  # noqa: F401 # a fixture
from tests.support.books import seed_books
from tests.support.world import World

MORNING = dt.datetime(2026, 11, 30, 9, tzinfo=ZONE)
DAY = dt.timedelta(days=1)


@pytest.fixture(params=["sqlite", "postgres"])
def books(request, databases, mailbox):  # noqa: F811
    with databases.lent(request.param, seed_books) as app:
        app.config["TCOS_SMTP_URL"] = mailbox.url
        deliver.mails(app)  # what the books' own story tells
        mailbox.letters.clear()
        yield app


def limited(visitors, key, limit, who="analyst", measure="amount", condition="above"):
    form = {"verb": "watch", "id": key, "measure": measure, "condition": condition, "limit": limit}
    return visitors.post(who, f"{PAGE}view/", form)


def told(app):
    with World(app) as world:
        mine = sa.select(Notification.title).where(Notification.kind == NoticeKind.alert)
        return list(world.session.scalars(mine.order_by(Notification.id)))


def looked(app, moment):
    app.config["TCOS_CLOCK"] = lambda: moment
    found = summaries.limits(app)
    deliver.mails(app)
    return found


def moved(app, limit):
    """Move every limit behind the services' back, as a number moves past one."""
    with World(app) as world:
        world.session.connection().execute(sa.update(ViewAlert.__table__).values(limit_value=limit))
        world.session.commit()


def test_a_crossing_is_told_once_and_again_after_it_fell_back(books, mailbox):  # noqa: F811
    visitors, key = view(books)
    whole = visitors.get("analyst", f"{PAGE}data.json?preset=year").json["totals"]["amount"]
    assert limited(visitors, key, whole).status_code == 303
    assert told(books) == []

    moved(books, 1)
    assert looked(books, MORNING) == 1
    assert looked(books, MORNING) == 0
    assert looked(books, MORNING + DAY) == 0
    moved(books, 10**12)
    assert looked(books, MORNING + 2 * DAY) == 0
    moved(books, 1)
    assert looked(books, MORNING + 3 * DAY) == 1

    assert [title.startswith("周报 · 合同额 ") for title in told(books)] == [True, True]
    assert len(mailbox.letters) == 2
    assert "合同额" in visitors.get("analyst", f"{PAGE}view/?id={key}").text


def test_nobody_is_woken_and_what_was_checked_today_is_not_checked_again(books):
    visitors, key = view(books)
    limited(visitors, key, "1", condition="below")
    moved(books, 10**12)

    assert looked(books, MORNING.replace(hour=7)) == 0
    assert told(books) == []
    assert looked(books, MORNING) == 1


def test_the_value_is_that_of_its_owners_scope_and_one_who_lost_the_view_is_told_nothing(books):
    visitors, key = view(books)
    limited(visitors, key, "1")
    limited(visitors, key, "1", who="manager")
    with World(books) as world:
        rows = world.session.execute(sa.select(ViewAlert.user_id, ViewAlert.last_value)).all()
        values = dict(tuple(row) for row in rows)
    for who in ("analyst", "manager"):
        amount = visitors.get(who, f"{PAGE}data.json?preset=year").json["totals"]["amount"]
        with World(books) as world:
            assert values[world.id_of(who)] == int(amount.replace(".", ""))
    with World(books) as world:
        world.session.connection().execute(sa.update(SavedView.__table__).values(role_id=None))
        world.session.commit()
    looked(books, MORNING)
    with World(books) as world:
        mine = sa.select(ViewAlert.told).where(ViewAlert.user_id == world.id_of("analyst"))
        assert "不再共享" in world.session.scalars(mine).one()


def test_a_limit_is_its_owners_alone_and_a_bad_one_is_told_beside_its_field(lite):
    visitors, key = view(lite)
    assert limited(visitors, key, "100万").status_code == 303
    with World(lite) as world:
        number = world.session.scalars(sa.select(ViewAlert.id)).one()
        assert world.session.scalars(sa.select(ViewAlert.limit_value)).one() == 100_000_000
    for verb in ("check", "unwatch"):
        form = {"verb": verb, "id": key, "alert": number}
        assert visitors.post("manager", f"{PAGE}view/", form).status_code == 404
    again = limited(visitors, key, "1000000.00")  # the same limit in another spelling
    assert (again.status_code, "已有同样的预警" in again.text) == (422, True)
    assert limited(visitors, key, "100万", condition="below").status_code == 303
    with World(lite) as world:
        count = sa.select(sa.func.count()).select_from(ViewAlert.__table__)
        assert world.session.scalar(count) == 2
    for wrong in ({"limit": "viel"}, {"condition": "near"}, {"measure": "nothing"}):
        form = {"limit": "1", "condition": "above", "measure": "amount"} | wrong
        answer = limited(
            visitors, key, form["limit"], measure=form["measure"], condition=form["condition"]
        )
        at = next(iter(wrong)).replace("measure", "watch-measure")  # two forms ask for a number
        assert (answer.status_code, f'id="{at}-err"' in answer.text) == (422, True)
    form = {"verb": "check", "id": key, "alert": number}
    assert visitors.post("analyst", f"{PAGE}view/", form).status_code == 303


@pytest.mark.parametrize(
    ("text", "kind", "value", "shown"),
    [
        ("20%", "ratio", 2000, "20.00%"),
        ("20", "ratio", 2000, "20.00%"),
        ("100万", "money", 100_000_000, "1,000,000.00"),
        ("1.5 亿元", "money", 15_000_000_000, "150,000,000.00"),
        ("12,800.50", "money", 1_280_050, "12,800.50"),
        ("3.5", "mean", 35, "3.5"),
        ("12", "int", 12, "12"),
    ],
)
def test_limits_are_read_as_people_write_them(small, text, kind, value, shown):
    column = TableColumn("x", "x", kind)

    assert watch.read(text, column) == value
    assert watch.written(value, column) == shown
    for wrong in ("", "x", "1e9", "--1"):
        with pytest.raises(Invalid):
            watch.read(wrong, column)
