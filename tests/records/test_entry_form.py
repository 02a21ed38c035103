"""大客户录入: 17 fields in the order, with the marks and defaults of product.md section 2."""

import re

import pytest
import sqlalchemy as sa

from models.customers.customer import Customer
from services.core import regions
from tests.support.page import tight
from tests.support.world import World, login, token_of

FIELDS = [
    ("customer_class", False),
    ("company", True),
    ("industry_id", False),
    ("level", False),
    ("primary.name", True),
    ("primary.title", False),
    ("primary.mobile", True),
    ("primary.wechat", False),
    ("primary.email", False),
    ("primary.qq", False),
    ("primary.landline", False),
    ("source_id", True),
    ("primary.gender", False),
    ("status", True),
    ("owner_id", True),
    ("technical_id", False),
    ("region_code", True),
]


@pytest.fixture
def page(lite):
    client = lite.test_client()
    login(client, "sales")
    return client.get("/admin/customer/new/").get_data(as_text=True)


def blocks(page):
    return tight(page).split('<div class="field')[1:]


def entered(client, noun, data):
    """Post the entry form of a noun."""
    page = client.get(f"/admin/{noun}/new/").get_data(as_text=True)
    return client.post(f"/admin/{noun}/new/", data={"csrf_token": token_of(page), **data})


def test_the_17_fields_stand_in_order_with_their_marks(page):
    found = [
        (match.group(1), 'class="must"' in block)
        for block in blocks(page)
        if (match := re.search(r'name="([a-z_.]+)"', block))
    ]

    assert found[: len(FIELDS)] == FIELDS


def test_the_blank_form_starts_with_the_defaults_and_no_gender(page):
    chosen = {
        match.group(1): re.findall(r"selected>([^<]+)<|checked[^>]*>([^<]+)<", block)
        for block in blocks(page)
        if (match := re.search(r'name="([a-z_.]+)"', block))
    }
    texts = {key: ["".join(pair) for pair in found] for key, found in chosen.items()}

    assert texts["customer_class"] == ["高价值客户"]
    assert texts["industry_id"] == ["其他行业"]
    assert texts["level"] == ["A级: 非常重要, 合同洽谈"]
    assert texts["source_id"] == ["销售开拓"]
    assert texts["status"] == ["未跟进"]
    assert texts["owner_id"] == ["sales"]
    assert texts["primary.gender"] == []


def test_the_number_is_a_preview_of_both_classes_and_reserves_nothing(lite):
    client = lite.test_client()
    login(client, "sales")

    pages = [client.get("/admin/customer/new/").get_data(as_text=True) for _n in range(2)]

    assert all(re.search(r"YAV-\d{8}-G1 / YAV-\d{8}-X1", page) for page in pages)


def test_an_error_stands_beside_its_field_and_what_was_typed_stays(lite):
    client = lite.test_client()
    login(client, "sales")

    answer = entered(
        client,
        "customer",
        {
            "company": "武汉测试有限公司",
            "primary.mobile": "123",
            "region_code": "湖北省",
            "_save": "1",
        },
    )

    again = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'value="武汉测试有限公司"' in again
    assert re.search(r'id="f-primary-mobile-err">[^<]*13800138000', again)
    assert re.search(r'id="f-region_code-err">[^<]*区县', again)


def test_a_submission_tells_all_its_errors_in_one_round(app):
    with World(app) as world:
        world.approved(company="武汉光谷精工机械有限公司")
    client = app.test_client()
    login(client, "sales")

    answer = entered(
        client,
        "customer",
        {
            "company": "武汉光谷精工机械有限公司",
            "primary.mobile": "123",
            "primary.qq": "1",
            "region_code": "",
            "_submit": "1",
        },
    )

    again = answer.get_data(as_text=True)
    assert answer.status_code == 422
    wrong = set(re.findall(r'id="f-([\w-]+)-err">[^<]', again))
    assert {
        "primary-mobile",
        "primary-qq",
        "duplicate_note",
        "primary-name",
        "region_code",
    } <= wrong
    with World(app) as world:
        world.be("admin")
        assert len(world.session.scalars(sa.select(Customer)).all()) == 1


def test_a_draft_tells_unreadable_and_unlawful_fields_in_one_round(lite):
    client = lite.test_client()
    login(client, "sales")
    page = client.get("/admin/opportunity/new/").get_data(as_text=True)
    data = {"csrf_token": token_of(page), "amount": "-1", "expected_on": "x", "probability": "200"}

    answer = client.post("/admin/opportunity/new/", data=data | {"_save": "1"})

    wrong = set(re.findall(r'id="f-([\w-]+)-err">[^<]', answer.get_data(as_text=True)))
    assert answer.status_code == 422
    assert {"amount", "expected_on", "probability"} <= wrong


def test_a_change_of_a_stale_record_is_refused_before_its_fields_are_judged(lite):
    with World(lite) as world:
        key = world.customer()
    client = lite.test_client()
    login(client, "sales")
    page = client.get(f"/admin/customer/edit/?id={key}").get_data(as_text=True)
    data = {"csrf_token": token_of(page), "row_version": "99", "primary.mobile": "1"}

    answer = client.post(f"/admin/customer/edit/?id={key}", data=data | {"_submit": "1"})

    assert answer.status_code == 409


def test_rows_a_script_added_come_back_after_an_error(lite):
    client = lite.test_client()
    login(client, "sales")

    answer = entered(
        client,
        "opportunity",
        {
            "name": "产线改造",
            "lines-sent": "1",
            "lines-new101-quantity": "2",
            "lines-new101-price": "x",
            "_save": "1",
        },
    )

    assert answer.status_code == 422
    assert 'name="lines-new101-quantity"' in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("广东省东莞市", "441900"),
        ("广东省中山市", "442000"),
        ("海南省儋州市", "460400"),
        ("甘肃省嘉峪关市", "620200"),
        ("台湾省", "710000"),
        ("香港特别行政区", "810000"),
        ("澳门特别行政区", "820000"),
        ("湖北省武汉市洪山区", "420111"),
        ("北京市朝阳区", "110105"),
        ("湖北省仙桃市", "429004"),
    ],
)
def test_a_region_may_stop_where_the_data_stop(text, code):
    assert regions.code_of(text) == code
    assert regions.is_leaf(code)
    assert regions.text_of(code) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("湖北武汉洪山", "420111"),
        ("湖北 武汉市 洪山区", "420111"),
        ("北京朝阳", "110105"),
        ("湖北仙桃", "429004"),
        ("广西南宁青秀", "450103"),
        ("洪山", "420111"),  # there is one
        ("朝阳", None),  # there are several
        ("湖北武汉没有", None),
        ("", None),
    ],
)
def test_a_region_is_found_without_the_words_for_its_kind(text, code):
    assert regions.code_of(text) == code


def test_more_lines_than_a_form_takes_are_refused_by_name(app):
    client = app.test_client()
    login(client, "sales")
    page = client.get("/admin/opportunity/new/").get_data(as_text=True)
    lines = {f"lines-new{n}-quantity": "2" for n in range(201)}

    answer = client.post(
        "/admin/opportunity/new/",
        data={"csrf_token": token_of(page), "lines-sent": "1", "_save": "1", **lines},
    )

    assert answer.status_code == 422
    assert "最多 200 行" in answer.get_data(as_text=True)


@pytest.mark.parametrize("code", ["420000", "420100", "441800", "110000", "500000"])
def test_a_region_may_not_stop_above_the_county(code):
    assert regions.text_of(code)
    assert not regions.is_leaf(code)


def test_a_draft_that_lacks_something_is_asked_for_it_where_it_is_typed(app):
    with World(app) as world:
        taken = world.approved()
        world.be("admin")
        name = world.get(Customer, taken).company
        key = world.customer(company=name)
    client = app.test_client()
    login(client, "sales")
    details = client.get(f"/admin/customer/details/?id={key}").get_data(as_text=True)
    form = {"csrf_token": token_of(details), "id": str(key)}

    refused = client.post("/admin/customer/submit/", data=form)

    page = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert f'action="/admin/customer/edit/?id={key}"' in page
    assert 'aria-describedby="f-duplicate_note-err"' in page
    assert name in page


def test_a_refusal_leads_back_to_the_page_it_came_from(lite):
    client = lite.test_client()
    login(client, "sales")
    where = "/admin/created/?state=pending"
    form = {"csrf_token": token_of(client.get(where).get_data(as_text=True)), "id": "0"}

    def links(referrer):
        answer = client.post("/admin/created/withdraw/", data=form, headers={"Referer": referrer})
        assert answer.status_code == 404
        return answer.get_data(as_text=True)

    assert f'<a class="btn p" href="{where}">' in links(f"http://localhost{where}")
    assert "返回上一页" not in links(f"http://elsewhere.example{where}")


def test_several_contacts_are_entered_with_their_customer(lite):
    client = lite.test_client()
    login(client, "sales")
    base = {"company": "云梦水泵厂", "primary.name": "王伟", "primary.mobile": "13900000001"}
    base |= {"region_code": "420111", "people-sent": "1", "_submit": "1"}
    wrong = base | {"people-new1-name": "李娜", "people-new1-mobile": "12"}
    more = {"people-new1-name": "李娜", "people-new1-mobile": "139 0000 0002"}
    more |= {"people-new7-name": "赵敏", "people-new7-mobile": "", "people-new7-title": ""}

    refused = entered(client, "customer", wrong)
    lacking = entered(client, "customer", base | more)
    more["people-new7-mobile"] = "13900000003"
    done = entered(client, "customer", base | more | {"people-new8-name": " "})

    page = refused.get_data(as_text=True)
    assert refused.status_code == lacking.status_code == 422
    assert "第 1 行「手机」：不是有效的手机号" in page
    assert 'value="李娜"' in page
    assert "第 2 行「手机」：必填" in lacking.get_data(as_text=True)
    assert done.status_code == 303
    with World(lite) as world:
        world.be("admin")
        (one,) = world.session.scalars(sa.select(Customer)).all()
        found = [(c.name, c.mobile, c.is_primary) for c in sorted(one.contacts, key=lambda c: c.id)]
    assert found == [
        ("王伟", "13900000001", True),
        ("李娜", "13900000002", False),
        ("赵敏", "13900000003", False),
    ]
    again = client.get(f"/admin/customer/edit/?id={one.id}").get_data(as_text=True)
    assert "李娜、赵敏" in again
