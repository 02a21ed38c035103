"""The details beside a grid: the same page through the same doors, without the shell."""

import re

import pytest

from tests.support.visitors import Visitors
from tests.support.world import World

DETAILS = "/admin/customer/details/"


@pytest.fixture
def visitors(lite):
    with World(lite) as world:
        world.customer("sales", company="光谷")
        world.customer("sales2", company="东湖")
    return Visitors(lite)


def test_the_fragment_is_the_page_without_its_shell(visitors):
    page = visitors.get("sales", f"{DETAILS}?id=1").get_data(as_text=True)
    part = visitors.get("sales", f"{DETAILS}?id=1&drawer=1").get_data(as_text=True)

    assert "<h1>光谷</h1>" in part
    assert "<html" in page
    assert "<html" not in part
    assert "<script" not in part


def test_the_fragment_passes_the_read_gate(visitors):
    assert visitors.get("sales", f"{DETAILS}?id=2&drawer=1").status_code == 404
    assert visitors.get(None, f"{DETAILS}?id=1&drawer=1").status_code == 302


def test_a_form_leads_back_to_where_it_was_opened_and_nowhere_else(visitors):
    back = "/admin/customer/?f.level=in:a"
    page = visitors.get("sales", f"/admin/customer/edit/?id=1&next={back}").get_data(as_text=True)
    assert f'name="next" value="{back}"' in page

    seen = re.search(r'name="row_version" value="(\d+)"', page)[1]
    form = {"row_version": seen, "company": "光谷", "remark": "x", "next": back}
    assert visitors.post("sales", "/admin/customer/edit/?id=1", form).location == back
    evil = visitors.get("sales", "/admin/customer/edit/?id=1&next=//evil.test/")
    assert evil.status_code == 400
