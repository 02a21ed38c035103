"""@姓名 in a comment: told once, only who can open the request; of others the writer is told."""

import re

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.delivery.notification import NoticeKind, Notification
from models.people.user import User
from services import approval
from services.approval.flow import mentions
from services.rights.actor import load_actor
from tests.approval.flows import act, flow
from tests.support import clock
from tests.support.visitors import Visitors
from tests.support.world import World

CHIP = re.compile(r'data-word="@([^"]+)"')


@pytest.fixture
def company(app):
    """Return (visitors, request): reviewer decided, manager is asked."""
    with World(app) as world:
        world.now = clock.now()
        flow(world, {"people": ["reviewer", "reviewer2"]}, {"people": ["manager"]})
        _key, request = world.submitted()
        world.decided(request)
    return Visitors(app), request


def told(app):
    """Return (name, address) of everybody who was told of a comment."""
    notice, user = Notification.__table__, User.__table__
    with World(app) as world:
        rows = world.session.execute(
            sa.select(user.c.name, notice.c.url)
            .join(notice, notice.c.user_id == user.c.id)
            .where(notice.c.kind == NoticeKind.comment)
            .order_by(user.c.name, notice.c.id)
        )
        return [(row.name, row.url) for row in rows]


def switch_off(app, who):
    with World(app) as world, world.acting("admin"):
        world.session.get_one(User, world.id_of(who)).active = False


def said(visitors, who, request, text):
    """Comment; return the page that follows."""
    form = {"id": request, "comment": text}
    answer = visitors.post(who, "/admin/request/comment/", form)
    assert answer.status_code == 303
    return visitors.get(who, answer.location).text


def test_who_is_named_is_told_once_and_opens_what_he_is_led_to(company):
    visitors, request = company
    page = said(visitors, "manager", request, "@reviewer 请看，@reviewer，还有 @admin 和 @sales")

    found = told(visitors.app)
    assert [name for name, _url in found] == ["admin", "reviewer", "sales"]
    for name, url in found:
        assert visitors.get(name, url).status_code == 200
    assert "没有提醒" not in page


def test_who_cannot_open_it_is_not_told_and_the_writer_hears_of_it(company):
    visitors, request = company
    switch_off(visitors.app, "reviewer2")
    page = said(
        visitors, "manager", request, "@analyst @finance @reviewer2 @sales2 怎么看？@reviewer"
    )

    assert [name for name, _url in told(visitors.app)] == ["reviewer", "sales"]
    assert "没有提醒 analyst、finance、reviewer2、sales2：看不到这张审批单，或已停用" in page


def test_a_name_that_nobody_has_is_said(company):
    visitors, request = company
    page = said(visitors, "manager", request, "@李四 请看 @reviewer，另请@Reviewr、@王五。")

    assert [name for name, _url in told(visitors.app)] == ["reviewer", "sales"]
    assert "没有找到 李四、Reviewr、王五" in page


@pytest.mark.parametrize(
    "words",
    [
        "见 li.wei@analyst.cn",
        "li+x@demo.cn 与 wei@demo",
        "联系李伟@demo.cn",
        "@ 五折",
        "3@5",
        "a@b",
        "@",
    ],
)
def test_what_is_no_mention_is_not_looked_for(company, words):
    visitors, request = company

    assert "没有找到" not in said(visitors, "manager", request, words)


def test_an_address_of_mail_and_a_strange_name_name_nobody(company):
    visitors, request = company
    page = said(visitors, "manager", request, "发到 li.wei@analyst.cn 了，@没有这人 知道")

    assert [name for name, _url in told(visitors.app)] == ["sales"]
    assert "没有提醒" not in page


def test_only_who_sees_the_request_is_offered(company):
    visitors, request = company
    page = visitors.get("manager", f"/admin/request/?id={request}").text
    assert CHIP.findall(page) == ["reviewer", "reviewer2", "sales"]

    switch_off(visitors.app, "reviewer2")
    page = visitors.get("reviewer", f"/admin/request/?id={request}").text
    assert CHIP.findall(page) == ["manager", "sales"]


def test_whoever_is_offered_may_be_named(company):
    visitors, request = company
    with World(visitors.app) as world:
        world.now = clock.now()
        act(world, "manager", "transfer", request, to=world.id_of("finance"), comment=None)
        actor = world.be("finance")
        approval.comment(world.call, request, text="收到")
        found = world.session.get(ApprovalRequest, request)
        names = [name for _key, name in mentions.offered(world.session, found, but=actor.id)]
        words = " ".join(f"@{name}" for name in names)
        read = mentions.read(world.session, found, words)
        world.session.rollback()
        assert names == ["manager", "reviewer", "reviewer2", "sales"]
        assert read.blind == ()
        assert {load_actor(world.session, key).name for key in read.told} == set(names)
