"""Who mends a rejected record sees why it came back, in the form itself."""

import models as m
from tests.support.visitors import Visitors
from tests.support.world import World


def test_the_form_of_a_rejected_record_says_why_it_came_back(app):
    with World(app) as world:
        key, request = world.submitted()
        world.decided(request, verb="reject", comment="请补充营业执照上的全称")
    visitors = Visitors(app)

    page = visitors.get("sales", f"/admin/customer/edit/?id={key}").text
    assert "请补充营业执照上的全称" in page
    assert "驳回意见" in page


def test_a_draft_has_no_remark(app):
    with World(app) as world:
        key = world.customer()
        world.be("sales")
        assert world.get(m.Customer, key).approval is m.Approval.draft

    assert "驳回意见" not in Visitors(app).get("sales", f"/admin/customer/edit/?id={key}").text
