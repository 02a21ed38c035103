"""下次跟进 in the form of an opportunity: one plan, made, moved and taken away there."""

import datetime as dt

import pytest
import sqlalchemy as sa

from models.sales.opportunity import Opportunity
from models.sales.plan import FollowUpPlan
from services.core import workdays
from services.core.days import ZONE
from tests.support.visitors import Visitors
from tests.support.world import World, token_of

NEW = "/admin/opportunity/new/"


@pytest.fixture
def seller(lite):
    with World(lite) as world:
        key = world.approved("sales", company="武汉楚江机电有限公司")
        draft = world.customer("sales", company="武汉草稿机电有限公司")
    visitors = Visitors(lite)

    def send(path, **changes):
        page = visitors.get("sales", path).get_data(as_text=True)
        version = page.partition('name="row_version" value="')[2].partition('"')[0]
        data = {"name": "水泵改造", "customer_id": str(key), "amount": "100", "_save": "1"}
        data |= {"csrf_token": token_of(page), "expected_on": "2027-01-05", **changes}
        data |= {"row_version": version} if version else {}
        return visitors.clients["sales"].post(path, data=data)

    def stored():
        with World(lite) as world:
            found = world.session.scalars(
                sa.select(FollowUpPlan).where(FollowUpPlan.deleted_at.is_(None))
            )
            return [
                (f"{one.due_at.astimezone(ZONE):%F %R}", one.content, one.opportunity_id)
                for one in found
            ]

    def deals():
        with World(lite) as world:
            return list(world.session.scalars(sa.select(Opportunity.id)))

    return send, stored, deals, draft


def test_a_next_step_is_made_moved_and_taken_away(seller):
    send, stored, deals, _draft = seller
    soon = {"next_at": "2027-03-08 09:30", "next_content": "送样"}
    assert send(NEW, **soon).status_code == 303
    (key,) = deals()
    assert stored() == [("2027-03-08 09:30", "送样", key)]
    edit = f"/admin/opportunity/edit/?id={key}"
    assert send(edit, next_at="2027-03-09T10:00", next_content="送样").status_code == 303
    assert stored() == [("2027-03-09 10:00", "送样", key)]
    assert send(edit).status_code == 303  # a form without the field says nothing of it
    assert len(stored()) == 1
    assert send(edit, next_at="", next_content="").status_code == 303
    assert stored() == []


@pytest.mark.parametrize(
    ("changes", "field", "word"),
    [
        ({"next_at": "2020-01-01 10:00"}, "next_at", "应晚于现在"),
        ({"next_at": "soon"}, "next_at", "请输入时间"),
        ({"next_at": "", "next_content": "送样"}, "next_at", "请填写下次跟进时间"),
        ({"next_at": "2027-03-08 09:30", "next_content": "长" * 301}, "next_content", "最多 300"),
        ({"next_at": "2027-03-08 09:30", "customer": "draft"}, "next_at", "尚未通过审批"),
    ],
    ids=lambda one: str(one)[:24],
)
def test_a_wrong_next_step_is_told_beside_its_field_and_nothing_is_kept(
    seller, changes, field, word
):
    send, stored, deals, draft = seller
    if changes.pop("customer", None):
        changes |= {"customer_id": str(draft)}
    answer = send(NEW, **changes)
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422
    assert word in page.partition(f'id="f-{field}-err"')[2].partition("</div>")[0]
    assert changes.get("next_content", "")[:300] in page
    assert (stored(), deals()) == ([], [])


@pytest.mark.parametrize(
    ("day", "caption", "next_day"),
    [("2026-11-26", "明天", "2026-11-27"), ("2026-11-28", "下个工作日", "2026-11-30")],
)
def test_a_chip_calls_a_day_what_it_is(small, day, caption, next_day):
    now = dt.datetime.fromisoformat(f"{day}T02:00+00:00")
    said, at = workdays.chips(small.session, now=now)[0]

    assert (str(said), f"{at:%F}") == (caption, next_day)
