"""Who mends a rejected record sees why it came back, in the form itself."""

from models.core.mixins import Approval
from models.customers.customer import Customer
from tests.support.visitors import Visitors
from tests.support.world import World


def test_the_form_of_a_rejected_record_says_why_it_came_back(app):
    with World(app) as world:
        key, request = world.submitted()
        world.decided(request, verb="reject", comment="请补充营业执照上的全称")
    visitors = Visitors(app)

    page = visitors.get("sales", f"/admin/customer/edit/?id={key}").text
    assert "请补充营业执照上的全称" in page
    assert "上次驳回意见" in page


def test_a_draft_has_no_remark(app):
    with World(app) as world:
        key = world.customer()
        world.be("sales")
        assert world.get(Customer, key).approval is Approval.draft

    assert "上次驳回意见" not in Visitors(app).get("sales", f"/admin/customer/edit/?id={key}").text
