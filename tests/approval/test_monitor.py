"""The monitor of all requests: every number of the overview opens exactly its rows; bulk verbs."""

import csv
import io
import re
from html import unescape

import sqlalchemy as sa

from models.approval.flow import StepMode
from models.approval.request import ApprovalRequest
from models.bulk.batch import BatchItem
from models.core.mixins import Approval
from models.people.user import User
from services.approval.oversight.monitor import Waiting
from tests.approval.flows import events, flow, turn
from tests.approval.test_overview import DAY, wait
from tests.support import clock
from tests.support.visitors import Visitors
from tests.support.world import World

LINK = re.compile(r'href="(/admin/monitor/[^"]*)"[^>]*>\s*([^<]*?)\s*</a>')
PLACE = "/admin/monitor/"


def listed(visitors, address, who="admin"):
    """Return the titles of the rows an address opens."""
    path, _mark, query = address.partition("?")
    rows = visitors.get(who, f"{path}export/csv/?{query}").get_data(as_text=True)
    return sorted(row["标题"] for row in csv.DictReader(io.StringIO(rows.removeprefix("\ufeff"))))


def confirmed(page):
    """Return the hidden fields of a confirm page."""
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in found if name != "csrf_token"}


def done(visitors, action, keys, **said):
    """Confirm a bulk verb of the monitor; return (code or None) by title."""
    form = {"action": action, "rowid": keys}
    page = visitors.post("admin", f"{PLACE}action/", form)
    assert page.status_code == 200
    answer = visitors.post("admin", f"{PLACE}action/", confirmed(page.text) | said)
    assert answer.status_code == 303
    return answer


def outcome(app):
    with World(app) as world:
        item = BatchItem.__table__
        rows = world.session.execute(sa.select(item.c.target_id, item.c.code).order_by(item.c.id))
        return dict(rows.all())


def test_every_number_of_the_overview_opens_exactly_its_rows(app):
    with World(app) as world:
        world.now = clock.now()
        flow(world, {"people": ["reviewer", "reviewer2"], "mode": StepMode.all})
        for days, late in ((0.5, False), (2, False), (5, True), (10, True), (10, False)):
            wait(world, world.submitted()[1], days, late=late)
        for who in ("reviewer", "reviewer", "reviewer2"):
            world.decided(world.submitted()[1], who)
    visitors = Visitors(app)

    page = visitors.get("admin", "/admin/overview/").text
    links = [(unescape(path), text) for path, text in LINK.findall(page)]
    numbers = [(path, int(re.sub(r"\D", "", text))) for path, text in links if text[-1:].isdigit()]
    heads = [
        (path, int(re.findall(r"\d+", text)[0]))
        for path, text in links
        if re.search(r"\d+ 单", text)
    ]

    assert len(numbers) >= 2 * 5
    assert [n for _path, n in heads if n] == [8, 2]
    for path, number in numbers + [pair for pair in heads if "f." in pair[0]]:
        assert len(listed(visitors, path)) == number, path


def test_the_monitor_is_filtered_by_what_stands_beside_a_request(app):
    with World(app) as world:
        world.now = clock.now()
        flow(world, {"people": ["reviewer"]})
        first = world.submitted(company="武汉甲")[1]
        flow(world, {"people": ["reviewer2"]}, {"people": ["manager"]})
        second = world.submitted("sales2", company="武汉乙")[1]
        world.decided(second, "reviewer2")
        third = world.submitted(company="武汉丙")[1]
        world.decided(third, "reviewer2", "reject", "资料不全")
        wait(world, first, 2, late=True)
        keys = {who: world.id_of(who) for who in ("reviewer", "manager", "sales2")}
    visitors = Visitors(app)

    for query, names in (
        (f"f.holder={keys['reviewer']}", ["武汉甲"]),
        ("f.holder=empty", ["武汉丙"]),
        ("f.step=2", ["武汉乙"]),
        ("f.overdue=1", ["武汉甲"]),
        ("f.overdue=0", ["武汉丙", "武汉乙"]),
        ("f.waited=three", ["武汉甲"]),
        ("f.waited=not_in:three", ["武汉丙", "武汉乙"]),
        ("f.state=rejected", ["武汉丙"]),
        ("f.entity=customer&f.flow=customer.create", ["武汉丙", "武汉乙", "武汉甲"]),
        ("f.flow=customer.change", []),
        ("f.entity=contract", []),
        (f"f.submitted_by_id={keys['sales2']}", ["武汉乙"]),
        ("search=武汉乙", ["武汉乙"]),
    ):
        assert listed(visitors, f"{PLACE}?{query}") == sorted(names), query
    page = visitors.get("admin", f"{PLACE}?sort=-waited").text
    assert "2/2 第2步" in page
    assert page.index("武汉甲") < page.index("武汉丙")
    assert visitors.get("reviewer", PLACE).status_code == 403
    opened = visitors.get("admin", f"{PLACE}details/?id={first}")
    assert opened.location.startswith(f"/admin/request/?id={first}")


def test_a_manager_sees_what_his_people_submitted(lite):
    with World(lite) as world:
        world.submitted("sales", company="武汉甲")
        world.submitted("sales2", company="武汉乙")
        with world.acting("admin"):
            world.session.get_one(User, world.id_of("sales")).manager_id = world.id_of("manager")

    assert listed(Visitors(lite), PLACE, "admin") == ["武汉乙", "武汉甲"]
    page = Visitors(lite).get("manager", PLACE).text
    assert "武汉甲" in page
    assert "武汉乙" not in page


def test_requests_are_given_to_somebody_else_in_bulk(app):
    with World(app) as world:
        flow(world, {"people": ["reviewer"]})
        alone = world.submitted()[1]
        flow(world, {"people": ["reviewer", "reviewer2"], "mode": StepMode.all})
        both = world.submitted()[1]
        over = world.submitted()[1]
        world.decided(over, "reviewer", "reject", "重复")
        own = world.submitted("admin")[1]
        holder, to = world.id_of("reviewer"), world.id_of("manager")
    visitors, keys = Visitors(app), [alone, both, over, own]

    refused = visitors.post("admin", f"{PLACE}action/", {"action": "reassign", "rowid": keys})
    unsaid = confirmed(refused.text)
    assert visitors.post("admin", f"{PLACE}action/", unsaid | {"to_id": to}).status_code == 422
    done(visitors, "reassign", keys, to_id=to, comment="王强休假")

    found = outcome(app)
    assert found == {
        alone: None, both: "SEVERAL_HOLDERS", over: "ALREADY_HANDLED", own: "FORBIDDEN",
    }  # fmt: skip
    done(visitors, "reassign", [both], holder=holder, to_id=to, comment="王强休假")
    with World(app) as world:
        assert turn(world, alone) == ["manager"]
        assert turn(world, both) == ["reviewer2", "manager"]
        assert events(world, both)[-1] == "transfer"


def test_requests_are_urged_and_ended_in_bulk(app):
    with World(app) as world:
        flow(world, {"people": ["reviewer"]})
        keys = [world.submitted()[1] for _n in range(3)]
    visitors = Visitors(app)

    done(visitors, "urge", keys[:2])
    page = visitors.post("admin", f"{PLACE}action/", {"action": "terminate", "rowid": keys}).text
    assert visitors.post("admin", f"{PLACE}action/", confirmed(page)).status_code == 422
    done(visitors, "terminate", keys, comment="年底清理")
    again = visitors.post("admin", f"{PLACE}action/", {"action": "urge", "rowid": keys}).text

    assert "选中的记录都不能这样处理" in again
    with World(app) as world:
        assert events(world, keys[0])[-2:] == ["urge", "terminate"]
        request = ApprovalRequest.__table__
        rows = world.session.execute(sa.select(request.c.state, request.c.last_comment)).all()
        assert rows == [(Approval.withdrawn, "年底清理")] * 3
    for who in ("reviewer", "sales"):
        form = {"action": "terminate", "rowid": keys}
        assert visitors.post(who, f"{PLACE}action/", form).status_code == 403


def test_the_words_of_waiting_meet_at_their_ends():
    days = [Waiting.of(n * DAY) for n in (0, 1, 1.1, 3, 3.1, 7, 7.1)]

    assert [day.name for day in days] == ["day", "day", "three", "three", "week", "week", "longer"]
