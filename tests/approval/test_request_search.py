"""Requests are found by number, customer, spelling and submitter: one's own lists and Ctrl+K."""

import datetime as dt
import re

import pytest
import sqlalchemy as sa

from models.approval.request import ApprovalRequest
from models.approval.task import ApprovalTask
from models.people.user import User
from models.sales.opportunity import Opportunity
from services.query import search
from services.rights.rules import APPROVAL
from tests.approval.flows import flow
from tests.support import clock
from tests.support.visitors import Visitors
from tests.support.world import World

DAY = dt.timedelta(days=1)
RIVER, VALLEY, DEAL = "武汉长江机械有限公司", "上海光谷仪表厂", "二期产线改造"
TITLE = re.compile(r'<td class="wide what">\s*(?:<span>\s*)?<a [^>]*>([^<]+)</a>')
INBOX, DONE, CREATED = "/admin/inbox/?", "/admin/inbox/?tab=done&", "/admin/created/?"
HITS = "/admin/search/hits.json?"
WAYS = ("长江", "江机", "changjiang", "whcj", "CJJX", "武汉 机械")


@pytest.fixture
def company(app):
    """Return (visitors, number → title): sales' customer and its opportunity, sales2's customer.

    reviewer decided on the first and is asked for the second, reviewer2 for the third.
    """
    with World(app) as world:
        world.now = clock.now()
        with world.acting("admin"):
            for who, name in (("sales", "曾伟"), ("sales2", "李娜")):
                world.session.get_one(User, world.id_of(who)).name = name
        flow(world, {"people": ["reviewer"]})
        flow(world, {"people": ["reviewer"]}, noun="opportunity")
        customer = world.approved(company=RIVER)
        deal = world.opportunity(customer, name=DEAL)
        world.submitted(model=Opportunity, key=deal)
        flow(world, {"people": ["reviewer2"]})
        world.submitted("sales2", company=VALLEY)
        world.be("admin")
        numbers = {row.title: row.payload["code"] for row in world.session.scalars(
            sa.select(ApprovalRequest)
        )}  # fmt: skip
    return Visitors(app), numbers


def submit_three(visitors):
    with World(visitors.app) as world:
        world.now = clock.now()
        flow(world, {"people": ["reviewer"]})
        for name in ("宜昌水泵", "宜昌阀门", "荆州水泵"):
            world.submitted(company=name)


def found(visitors, who, place, words):
    """Return the titles of requests that a list shows for words."""
    answer = visitors.get(who, f"{place}q={words}")
    assert answer.status_code == 200
    if place != HITS:
        return set(TITLE.findall(answer.text))
    groups = [group for group in answer.json if group["caption"] == "审批单"]
    return {hit["text"] for group in groups for hit in group["hits"]}


def test_a_customer_is_found_in_every_list_however_it_is_written(company):
    visitors, numbers = company

    for words in (*WAYS, numbers[RIVER]):
        assert found(visitors, "reviewer", DONE, words) == {RIVER}, words
        assert RIVER in found(visitors, "sales", CREATED, words), words
        for who in ("sales", "reviewer", "admin"):
            assert RIVER in found(visitors, who, HITS, words), (who, words)


def test_what_hangs_on_a_customer_is_found_by_it_and_by_itself(company):
    visitors, numbers = company

    for words in (*WAYS, "二期", numbers[DEAL], numbers[DEAL][-8:], "曾伟", "zengwei", "zw"):
        assert found(visitors, "reviewer", INBOX, words) == {DEAL}, words
        assert DEAL in found(visitors, "sales", CREATED, words), words
        for who in ("sales", "reviewer", "admin"):
            assert DEAL in found(visitors, who, HITS, words), (who, words)
    assert found(visitors, "admin", HITS, "李娜") == {VALLEY}
    assert found(visitors, "admin", HITS, "曾伟 长江") == {RIVER, DEAL}


def test_nobody_finds_a_request_that_he_may_not_open(company):
    visitors, numbers = company

    for words in ("光谷", "gg", "李娜", numbers[VALLEY]):
        assert found(visitors, "admin", HITS, words) == {VALLEY}
        for who in ("sales", "reviewer", "manager", "finance"):
            assert found(visitors, who, HITS, words) == set(), (who, words)
        for place in (INBOX, DONE, CREATED):
            for who in ("reviewer", "sales"):
                if who == "reviewer" or place == CREATED:
                    assert found(visitors, who, place, words) == set()
    for words in ("长江", "曾伟", numbers[RIVER]):
        assert found(visitors, "sales2", HITS, words) == set()


def test_a_common_word_is_walked_for_and_finds_the_same(company, monkeypatch):
    visitors, _numbers = company
    by_index = found(visitors, "reviewer", INBOX, "changjiang")
    monkeypatch.setattr(search, "COMMON", 0)

    assert found(visitors, "reviewer", INBOX, "changjiang") == by_index == {DEAL}


def test_the_monitor_finds_the_same_and_is_where_more_of_them_are(company):
    visitors, numbers = company

    for words in ("changjiang", numbers[DEAL], "zengwei"):
        page = visitors.get("admin", f"/admin/monitor/?search={words}").text
        assert DEAL in page
        assert VALLEY not in page


def test_head_and_tab_say_what_waits_whatever_is_searched(company):
    visitors, _numbers = company
    submit_three(visitors)
    with World(visitors.app) as world:
        task = ApprovalTask.__table__
        late = sa.update(task).where(task.c.state == "open").values(due_at=clock.now() - DAY)
        with world.acting("admin"):
            world.session.execute(late, execution_options=APPROVAL)

    def numbers(address):
        page = visitors.get("reviewer", address).text
        head = " ".join(re.sub("<[^>]+>", "", page.split("<h1>")[1].split("</p>")[0]).split())
        tab = page.split('aria-current="page" data-n>')[1].split("</a>")[0].split()
        return head, tab

    head, tab = numbers(INBOX)
    assert "待处理 4 项 · 超时 4 项" in head
    assert tab == ["待处理", "4"]
    for more in ("q=宜昌", "q=没有这样的", "noun=customer", "q=宜昌&noun=customer&submitter=1"):
        assert numbers(INBOX + more) == (head, tab), more
    done = numbers(DONE)
    assert done[1] == ["已处理", "1"]
    assert numbers(f"{DONE}q=没有这样的") == done
    assert "共 0 条" not in visitors.get("reviewer", f"{DONE}q=长江").text


def test_the_states_of_what_one_submitted_keep_their_numbers(company):
    visitors, _numbers = company

    def chips(address):
        page = visitors.get("sales", address).text
        chips = re.findall(r'<a class="chip"[^>]*>([^<]+)</a>', page)
        return [" ".join(one.split()) for one in chips], page

    every, _page = chips(CREATED)
    some, page = chips(f"{CREATED}q=二期")
    none, _page = chips(f"{CREATED}q=没有这样的&state=pending")
    assert every[0] == "全部 2"
    assert some == none == every
    assert "共 1 条" in page


def test_numbers_and_all_that_match_keep_to_what_was_searched(company):
    visitors, _numbers = company
    submit_three(visitors)

    page = visitors.get("reviewer", f"{INBOX}q=宜昌").text
    assert "共 2 条" in page
    assert 'name="q" value="宜昌"' in page
    form = {"scope": "all", "noun": "", "verb": "approve", "q": "宜昌"}
    asked = visitors.post("reviewer", "/admin/inbox/bulk/", form)
    assert "共 2 项，尚未执行" in visitors.get("reviewer", asked.location).text
    nothing = visitors.get("reviewer", f"{INBOX}q=没有这样的").text
    assert "没有找到「没有这样的」" in nothing
    assert "清除搜索" in nothing
    none = visitors.get("sales", f"{CREATED}q=没有这样的&state=approved").text
    assert "没有找到「没有这样的」" in none


def test_junk_is_searched_for_like_anything_else(company):
    visitors, _numbers = company
    for place in (INBOX, DONE, CREATED, HITS):
        for words in ("%25", "_", "%00", "'", "x" * 300, "\\", "𠮷", "%20"):
            who = "reviewer" if place != CREATED else "sales"
            assert found(visitors, who, place, words) <= {RIVER, DEAL}
